"""Where local data and sockets live: short, private, one set per checkout."""

import os
import stat
from pathlib import Path

import pytest

from router_project.local import places
from router_project.local.places import (
    LONGEST_SOCKET_NAME,
    LONGEST_SOCKET_PATH,
    Account,
    checkout_key,
    data_folder,
    is_open_to_others,
    make_private,
    server_account,
    socket_folder,
    state_folder,
)

NOBODY = Account("nobody", 65534, 65534)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def test_checkout_key__of_two_checkouts__differs() -> None:
    assert checkout_key(Path("/home/ana/router")) != checkout_key(Path("/home/ana/router-2"))


def test_socket_folder__in_any_environment__fits_a_socket_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/" + "x" * 90)
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/" + "y" * 90)
    folder = socket_folder("t1234567")
    assert len(str(folder)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH
    assert folder.parent.parent == places.LAST_RESORT


def test_socket_folder__a_short_runtime_folder__is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(places, "is_open_to_others", lambda _path: True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert socket_folder("run").is_relative_to("/run/user/1000")


def test_is_open_to_others__a_private_parent__is_closed(tmp_path: Path) -> None:
    inner = tmp_path / "private" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    assert not is_open_to_others(inner)


def test_data_folder__for_a_plain_user__is_in_the_checkout(tmp_path: Path) -> None:
    assert data_folder(tmp_path, None) == tmp_path / "var"


@needs_root
def test_data_folder__a_closed_parent_as_root__is_a_private_folder_elsewhere(
    tmp_path: Path,
) -> None:
    checkout = tmp_path / "closed" / "router"
    checkout.mkdir(parents=True)
    checkout.parent.chmod(0o700)
    before = _modes(checkout)
    folder = data_folder(checkout, NOBODY, tmp_path / "state")
    assert folder == state_folder(checkout, tmp_path / "state")
    assert folder.stat().st_uid == NOBODY.uid
    assert stat.S_IMODE(folder.stat().st_mode) == places.PRIVATE
    # Nothing on the way to the checkout has been opened.
    assert _modes(checkout) == before


@needs_root
def test_data_folder__open_parents_as_root__is_in_the_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(places, "is_open_to_others", lambda _path: True)
    folder = data_folder(tmp_path, NOBODY)
    assert folder == tmp_path / "var"
    assert stat.S_IMODE(folder.stat().st_mode) == places.WALK_THROUGH


def test_state_folder__of_two_checkouts__differs(tmp_path: Path) -> None:
    assert state_folder(Path("/a"), tmp_path) != state_folder(Path("/b"), tmp_path)


def test_make_private__a_new_folder__is_for_its_owner_only(tmp_path: Path) -> None:
    make_private(tmp_path / "data", None)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == places.PRIVATE


def test_make_private__a_link_in_its_place__is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="is a link; remove it"):
        make_private(tmp_path / "data", None)


@needs_root
def test_make_private__a_folder_of_somebody_else__is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", 12345, 12345)
    with pytest.raises(PermissionError, match="belongs to another user; remove it"):
        make_private(tmp_path / "data", None)


@needs_root
def test_server_account__as_root__is_an_unprivileged_one() -> None:
    account = server_account()
    assert account is not None
    assert account.uid != 0


def test_server_account__as_a_plain_user__is_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert server_account() is None


def _modes(path: Path) -> list[int]:
    return [folder.stat().st_mode for folder in (path, *path.parents)]
