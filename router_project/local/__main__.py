"""The commands behind the Makefile."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from router_project.local import suite
from router_project.local.console import Refusal, complain, say
from router_project.local.places import CHECKOUT, VAR, socket_folder, state_folder
from router_project.local.runfile import RunFile
from router_project.local.stack import run_command, run_stack

INTERRUPTED = 130


def run(_arguments: Sequence[str]) -> int:
    """Start the whole product."""
    run_stack()
    return 0


def execute(arguments: Sequence[str]) -> int:
    """Run a command with the servers up and the environment set."""
    return run_command(list(arguments))


def down(_arguments: Sequence[str]) -> int:
    """End the run of this checkout, wherever it was started."""
    was_running = VAR.exists() and RunFile(VAR).end_run()
    say("stopped" if was_running else "nothing was running")
    return 0


def reset(_arguments: Sequence[str]) -> int:
    """Delete all local data of this checkout, after saying what."""
    doomed = [folder for folder in _local_folders() if folder.exists()]
    if not doomed:
        say("there is nothing to delete")
        return 0
    say("This deletes the local data base, the Redis data, the development secrets and logs in:")
    for folder in doomed:
        say(f"  {folder}")
    if not _is_agreed():
        say("nothing was deleted")
        return 1
    RunFile(VAR).end_run()
    for folder in doomed:
        shutil.rmtree(folder)
    # The folder around the sockets, unless a run of the tests is using it.
    with suppress(OSError):
        socket_folder("run").parent.rmdir()
    say("deleted")
    return 0


def _local_folders() -> list[Path]:
    return [VAR, state_folder(CHECKOUT), socket_folder("run")]


def _is_agreed() -> bool:
    if os.environ.get("YES") == "1":
        return True
    if not sys.stdin.isatty():
        say("(not a terminal: say YES=1 to agree)")
        return False
    return input("Delete? [y/N] ").strip().lower() in {"y", "yes"}


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": run,
    "exec": execute,
    "down": down,
    "reset": reset,
    "test": suite.test,
    "test-full": suite.test_full,
    "lint": suite.lint,
    "types": suite.types,
    "format": suite.format_code,
    "messages": suite.messages,
    "bench": suite.bench,
    "lock": suite.lock,
}


def _end_like_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        complain(f"usage: python -m router_project.local {'|'.join(COMMANDS)}")
        return 2
    # So that whatever was started is ended on the way out.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_like_ctrl_c)
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Refusal, OSError) as refusal:
        complain(f"error: {refusal}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
