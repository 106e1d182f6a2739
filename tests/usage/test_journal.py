"""The journal's files: locked while they are written to, whole lines only, one after another."""

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from apps.usage import journal as module
from apps.usage.journal import Journal, process_journal, read_all, take_segments


def lines_of(folder: Path) -> list[list[bytes]]:
    return [segment.lines() for segment in take_segments(folder)]


def test_lines__appended__are_read_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new")
    for number in range(5):
        journal.append(b"line %d" % number)
    expected = [b"line %d" % number for number in range(5)]
    assert list(read_all(tmp_path / "new")) == expected
    assert lines_of(tmp_path / "new") == []
    journal.close()
    assert lines_of(tmp_path / "new") == [expected]


def test_line__appended__is_in_the_file_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(b"now")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"now\n"]
    journal.close()


def test_segment__begun__never_has_its_name_without_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    lock = fcntl.flock

    def look(file: Any, how: int) -> None:
        seen.append([path.name for path in tmp_path.glob("*.journal")])
        lock(file, how)

    with monkeypatch.context() as patch:
        patch.setattr("apps.usage.journal.fcntl.flock", look)
        journal = Journal(tmp_path)
        journal.append(b"x")
    assert seen == [[]]
    journal.close()


def test_segment__grown_or_old__is_followed_by_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(module, "monotonic_seconds", lambda: now[0])
    monkeypatch.setattr(module, "SEGMENT_BYTES", 10)
    journal = Journal(tmp_path)
    journal.append(b"x" * 20)
    journal.append(b"second")
    assert lines_of(tmp_path) == [[b"x" * 20]]
    now[0] = 31.0
    journal.rotate()
    assert sorted(lines_of(tmp_path)) == [[b"second"], [b"x" * 20]]
    journal.close()


def test_rotation__of_a_young_segment__leaves_it_open(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(b"x")
    journal.rotate()
    assert lines_of(tmp_path) == []
    journal.close()


def test_last_line__torn__is_left_out(tmp_path: Path) -> None:
    (tmp_path / "1.journal").write_bytes(b"whole\ntorn")
    assert lines_of(tmp_path) == [[b"whole"]]
    assert list(read_all(tmp_path)) == [b"whole"]


def test_folder__that_is_not_there__holds_nothing(tmp_path: Path) -> None:
    assert list(read_all(tmp_path / "none")) == []
    assert list(take_segments(tmp_path / "none")) == []


def test_disk__that_refuses__is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Journal(tmp_path / "file" / "folder").append(b"x")


def test_process__after_a_fork__writes_to_a_journal_of_its_own() -> None:
    mine = process_journal()
    assert process_journal() is mine
    child = os.fork()
    if child == 0:
        os._exit(0 if process_journal() is not mine else 1)
    assert os.waitpid(child, 0)[1] == 0
