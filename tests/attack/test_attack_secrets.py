"""Secrets in disguise, and what others on the machine can read."""

import os
from pathlib import Path

import pytest

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.evidence.masking import Masker


@pytest.mark.parametrize(
    "text",
    [
        "password\u200b=hunter2secret9",
        "pass\u00adword=hunter2secret9",
        "gh\u200bp_hunter2secret9hunter2",
        "AK\x00IAHUNTER2SECRET9A",
        "mysqldump --password hunter2secret9 shop",
        "GET /login?next=x&password%3Dhunter2secret9",
        r'{"password":"abc\"hunter2secret9"}',
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nhunter2secret9\n-----END PGP PRIVATE KEY BLOCK-----",
    ],
)
def test_a_secret_in_disguise_is_masked_too(text: str) -> None:
    assert "hunter2secret9" not in Masker().text(text, 400).lower()


def test_the_store_is_for_its_owners_eyes_even_in_an_open_folder(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        tmp_path.chmod(0o755)
        ledger = SqlLedger(tmp_path / "steadyhand.db")
        with ledger.write() as tx:
            tx.people()
        files = sorted(tmp_path.glob("steadyhand.db*"))
    finally:
        os.umask(before)
    assert files
    assert {oct(one.stat().st_mode & 0o077) for one in files} == {"0o0"}
