"""New servers of either kind, with a shop in them and a role that may only read."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pymysql
import pytest
from servers import NOBODY, _listens, _wait_until, free_port, running

PREPARE = (
    "create user if not exists root@127.0.0.1 identified by ''",
    "grant all on *.* to root@127.0.0.1 with grant option",
    "create database shop",
    "use shop",
    "create table shop.orders (id int primary key auto_increment, email varchar(40), total int)",
    "create user reader identified by 'secret'",
    "grant process on *.* to reader",
    "grant select on shop.* to reader",
    "grant select on performance_schema.* to reader",
    "grant select on mysql.slow_log to reader",
    "create user shopper identified by ''",
    "grant all on shop.* to shopper",
)
_MYSQL = Path.home() / ".cache/steadyhand-ci/mysql"


@contextmanager
def mariadb(*, counts: bool) -> Iterator[int]:
    """Debian's MariaDB; yields its port. As root it runs under a spare uid."""
    program, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if not program or not install:
        pytest.skip("no MariaDB: Debian's mariadb-server is not installed")
    new = [install, "--auth-root-authentication-method=normal", "--skip-test-db"]
    with _served([program], new, NOBODY if os.geteuid() == 0 else os.geteuid(), counts=counts) as port:
        yield port


@contextmanager
def mysql(*, counts: bool) -> Iterator[int]:
    """Oracle's MySQL, from the cache folder of whoever runs this: so it runs under that uid."""
    program = _MYSQL / "mysqld"
    if not program.exists():
        pytest.skip("no MySQL: tests/mysql/install.sh")
    serve = [
        str(program),
        f"--basedir={_MYSQL}/root/usr",
        f"--user={os.geteuid()}",
        "--mysqlx=off",
        "--secure-file-priv=NULL",
    ]
    with _served(serve, [*serve, "--initialize-insecure"], os.geteuid(), counts=counts) as port:
        yield port


SERVERS = (mariadb, mysql)


@contextmanager
def _served(program: list[str], new: list[str], uid: int, *, counts: bool) -> Iterator[int]:
    home, port = Path(tempfile.mkdtemp(prefix="steadyhand-mysql-")), free_port()
    folder = ["--no-defaults", f"--datadir={home}/data"]
    local = [f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve", f"--socket={home}/s"]
    quick = ["--innodb-flush-log-at-trx-commit=0", f"--performance-schema={'on' if counts else 'off'}"]
    try:
        os.chown(home, uid, -1)
        with (home / "log").open("wb") as log:
            told = {"cwd": home, "stdout": log, "stderr": log}
            with running([new[0], *folder, *new[1:]], uid, **told) as made:
                assert made.wait(60) == 0, (home / "log").read_text()
            serve = [program[0], *folder, *program[1:], *local, *quick, f"--pid-file={home}/pid"]
            with running(serve, uid, **told):
                _wait_until(partial(_listens, port), 60)
                _prepare(f"{home}/s")
                yield port
    finally:
        shutil.rmtree(home, ignore_errors=True)


def session(port: int, user: str = "root", database: str | None = None) -> Any:
    """A connection that commits each statement."""
    return pymysql.connect(host="127.0.0.1", port=port, user=user, database=database, autocommit=True)


def _prepare(socket: str) -> None:
    connection = pymysql.connect(unix_socket=socket, user="root", autocommit=True)
    with closing(connection), connection.cursor() as cursor:
        for statement in PREPARE:
            cursor.execute(statement)
        orders = [(f"u{number}@x.test", number) for number in range(1, 20_001)]
        cursor.executemany("insert into shop.orders (email, total) values (%s, %s)", orders)
        cursor.execute("analyze table shop.orders")
