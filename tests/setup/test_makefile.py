"""One door to every command, and each of them says what it does."""

import re
import subprocess

from router_project.local.places import CHECKOUT

DOORS = {
    *("run", "test", "test-full", "lint", "types", "format", "shell", "migrate", "bench"),
    *("image", "down", "reset", "lock", "messages", "help"),
}


def test_help__is_what_make_alone_prints() -> None:
    printed = _make()
    assert printed == _make("help")
    assert set(re.findall(r"^  make ([a-z-]+) ", printed, re.MULTILINE)) == DOORS


def test_help__of_every_door__is_a_line() -> None:
    for line in _make().splitlines():
        assert re.fullmatch(r"  make [a-z-]+ +\S.+", line)


def test_doors__none_of_them__is_a_file() -> None:
    text = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == DOORS


def _make(*targets: str) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", *targets],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
