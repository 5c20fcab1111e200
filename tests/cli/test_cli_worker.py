"""`steadyhand worker`: more hands on one store."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from ledger.shelf import opening, raw
from servers import _wait_until as wait_until

from steadyhand.adapters.ledger.sql import SqlLedger


def worker(home: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "steadyhand", "worker"]
    return subprocess.Popen(command, env={**os.environ, "STEADYHAND_HOME": str(home)}, stderr=subprocess.PIPE)


def test_two_workers_do_what_is_due_and_leave_when_told(tmp_path: Path) -> None:
    with closing(SqlLedger(tmp_path / "steadyhand.db")) as ledger, ledger.write() as tx:
        tx.save(*opening(), datetime.now(UTC))
    workers = [worker(tmp_path), worker(tmp_path)]
    store = tmp_path / "steadyhand.db"
    wait_until(lambda: raw(store, "select count(*) from process") == [(2,)], 60)
    wait_until(lambda: raw(store, "select status from incident") == [("needs_human",)], 60)
    for one in workers:
        one.send_signal(signal.SIGTERM)
    said = [one.communicate(timeout=30)[1].decode() for one in workers]
    assert [one.returncode for one in workers] == [0, 0], said
    assert raw(store, "select count(*) from process") == [(0,)]


def test_a_worker_of_a_second_host_is_refused_on_sqlite(tmp_path: Path) -> None:
    with closing(SqlLedger(tmp_path / "steadyhand.db")) as ledger:
        ledger.sign_in("elsewhere", "another-host|another-boot", datetime.now(UTC))
    refused = worker(tmp_path)
    said = refused.communicate(timeout=60)[1].decode()
    assert refused.returncode == 1
    assert "another-host works on this store already" in said
    assert "store.dsn_env" in said
