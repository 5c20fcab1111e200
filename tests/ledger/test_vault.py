"""What placeholders stand for: numbered once, sealed, bounded, and gone with the incident or by erasure."""

import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr
from stores import Place

from steadyhand.adapters.ledger import vault
from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.adapters.ledger.vault_key import VaultKey
from steadyhand.journey.evidence.masking import Hidden
from steadyhand.ports import ConfigError

ANN, BEN = Hidden("email", "ann@example.org"), Hidden("email", "ben@example.org")
TOKEN = Hidden("token", "q7w8e9r0t1y2u3i4")


def store(place: Place, folder: Path) -> SqlLedger:
    return SqlLedger(place, VaultKey(folder / "vault.key"))


def names(ledger: SqlLedger, incident: str, *found: Hidden) -> Sequence[str]:
    with ledger.write() as tx:
        return [*tx.vault.name(incident, {str(n): one for n, one in enumerate(found)}).values()]


def test_a_value_has_one_number_in_its_incident_whoever_meets_it(place: Place, tmp_path: Path) -> None:
    first, second = store(place, tmp_path), store(place, tmp_path)
    assert names(first, "inc-1", ANN, TOKEN) == ["<email-1>", "<token-1>"]
    assert names(second, "inc-1", BEN, ANN, TOKEN) == ["<email-2>", "<email-1>", "<token-1>"]
    assert names(second, "inc-2", BEN) == ["<email-1>"]
    with first.read() as tx:
        assert tx.vault.known("inc-1")(BEN) == "<email-2>"
        assert tx.vault.known("inc-2")(ANN) is None


def test_many_who_number_at_once_agree(place: Place, tmp_path: Path) -> None:
    ledger = store(place, tmp_path)
    values = [Hidden("ip", f"203.0.113.{n}") for n in range(20)]
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda n: names(ledger, "inc-1", *values[n:], *values[:n]), range(8)))
    assert len({tuple(sorted(one)) for one in given}) == 1
    assert len(set(given[0])) == 20


def test_only_kinds_that_may_be_seen_again_are_kept_and_none_in_the_clear(tmp_path: Path) -> None:
    ledger = store(tmp_path / "store.db", tmp_path)
    names(ledger, "inc-1", ANN, TOKEN)
    with ledger.read() as tx:
        assert tx.vault.originals("inc-1") == {"<email-1>": ANN.value}
    ledger.close()
    stored = b"".join(one.read_bytes() for one in tmp_path.glob("store.db*"))
    assert ANN.value.encode() not in stored
    assert TOKEN.value.encode() not in stored


def test_the_key_lies_beside_the_store_for_its_owner_alone(tmp_path: Path) -> None:
    names(SqlLedger(tmp_path / "store.db"), "inc-1", ANN)
    assert stat.S_IMODE((tmp_path / "vault.key").stat().st_mode) == 0o600


def test_another_key_opens_nothing_and_neither_does_a_row_that_was_moved(tmp_path: Path) -> None:
    key = VaultKey(tmp_path / "vault.key")
    sealed = key.seal("inc-1", "email-1", ANN.value)
    assert key.unseal("inc-1", "email-1", sealed) == ANN.value
    assert key.unseal("inc-2", "email-1", sealed) is None
    assert key.unseal("inc-1", "email-2", sealed) is None
    other = VaultKey(tmp_path / "unused", SecretStr("k" * 32))
    assert other.unseal("inc-1", "email-1", sealed) is None


def test_a_key_too_short_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"store\.vault_key_env"):
        VaultKey(tmp_path / "unused", SecretStr("short")).mark("inc-1", "x")


def test_an_incident_counts_no_more_than_so_many(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "_MOST", 2)
    ledger = store(place, tmp_path)
    assert names(ledger, "inc-1", ANN, BEN, TOKEN) == ["<email-1>", "<email-2>", "<token>"]
    assert names(ledger, "inc-1", BEN) == ["<email-2>"]


def test_an_erased_address_is_nobody_and_its_number_is_given_to_nobody_else(
    place: Place, tmp_path: Path
) -> None:
    ledger = store(place, tmp_path)
    names(ledger, "inc-1", ANN)
    names(ledger, "inc-2", BEN)
    with ledger.write() as tx:
        assert tx.vault.erase(ANN.value) == 1
    with ledger.read() as tx:
        assert tx.vault.originals("inc-1") == {}
    assert names(ledger, "inc-1", BEN, ANN) == ["<email-2>", "<email-3>"]


def test_it_goes_with_its_incident_and_into_no_archive(place: Place, tmp_path: Path) -> None:
    ledger = store(place, tmp_path)
    names(ledger, "inc-1", ANN)
    with ledger.write() as tx:
        assert "vault" not in tx.rows_of("inc-1")
        tx.forget("inc-1")
    with ledger.read() as tx:
        assert tx.vault.originals("inc-1") == {}
        assert tx.vault.known("inc-1")(ANN) is None
