"""Servers for one run of the test suite: their addresses are known before they are started."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from router_project.local.places import server_account, socket_folder
from router_project.local.runfile import RunFile, start_of
from router_project.local.servers import (
    Site,
    create_database,
    postgres_answers,
    prepare_postgres,
    prepare_valkey,
    valkey_answers,
)
from router_project.local.supervisor import Supervisor

# Inherited by the workers of pytest-xdist, so that all of a run share one pair of servers.
RUN_VARIABLE = "TEST_RUN"
FOLDER_PREFIX = "t"
START_SECONDS = 60.0


def throwaway_site() -> Site:
    """Return where this run's servers live (nothing is started)."""
    run = os.environ.setdefault(RUN_VARIABLE, str(os.getpid()))
    folder = socket_folder(f"{FOLDER_PREFIX}{run}")
    return Site(folder / "data", folder, server_account(), is_throwaway=True)


@contextmanager
def throwaway_servers(*, postgres: bool, valkey: bool) -> Iterator[Site]:
    """Run the servers that are asked for; stop them and delete their data at the end."""
    end_orphans()
    site = throwaway_site()
    runfile = RunFile(site.sockets)
    supervisor = Supervisor(on_start=runfile.remember)
    try:
        if postgres:
            supervisor.start(prepare_postgres(site))
        if valkey:
            supervisor.start(prepare_valkey(site))
            supervisor.wait_until(
                lambda: valkey_answers(site), what="Valkey", seconds=START_SECONDS
            )
        if postgres:
            supervisor.wait_until(
                lambda: postgres_answers(site), what="PostgreSQL", seconds=START_SECONDS
            )
            create_database(site)
        yield site
    finally:
        supervisor.stop_all()
        delete_folder(site.sockets)


def end_orphans() -> None:
    """End the servers, and delete the data, of runs that were killed before they could."""
    for folder in socket_folder(FOLDER_PREFIX).parent.glob(f"{FOLDER_PREFIX}*"):
        run = folder.name.removeprefix(FOLDER_PREFIX)
        if run.isdecimal() and not start_of(int(run)):
            RunFile(folder).end_leftovers()
            delete_folder(folder)


def delete_folder(folder: Path) -> None:
    """Delete a folder of sockets, and the checkout's folder around it when it was the last."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()
