"""Where a checkout keeps local data, sockets and state, and which account its servers run as."""

import hashlib
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
VAR = CHECKOUT / "var"
# As root PostgreSQL refuses to run; this account exists everywhere and owns nothing else.
SERVER_ACCOUNT = "nobody"
STATE_PARENT = Path("/var/lib")
# `sun_path` holds 104 bytes on macOS (108 on Linux) with the closing zero.
LONGEST_SOCKET_PATH = 103
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432")
LAST_RESORT = Path("/tmp")  # noqa: S108 - short everywhere; the folder below it is private
PRIVATE = 0o700
WALK_THROUGH = 0o711


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account that servers run as when we are root."""

    name: str
    uid: int
    gid: int


def checkout_key(checkout: Path = CHECKOUT) -> str:
    """Return ten characters that tell this checkout from another on the same machine."""
    return hashlib.sha256(str(checkout).encode()).hexdigest()[:10]


def server_account() -> Account | None:
    """Return the account for servers: ours (None) for a plain user, another one for root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(SERVER_ACCOUNT)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def socket_folder(purpose: str) -> Path:
    """Return a short path for sockets of this checkout (nothing is created)."""
    name = f"llm-router-{os.geteuid()}-{checkout_key()}"
    for base in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir()):
        folder = Path(base) / name / purpose
        if base and _suits_sockets(folder):
            return folder
    return LAST_RESORT / name / purpose


def _suits_sockets(folder: Path) -> bool:
    is_short = len(str(folder)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH
    return is_short and (os.geteuid() != 0 or is_open_to_others(folder.parent))


def data_folder(checkout: Path, account: Account | None, state_parent: Path = STATE_PARENT) -> Path:
    """Return the folder for the servers' data: in the checkout if their account can get there.

    We never open somebody's folders to others, so a closed parent sends the data elsewhere.
    """
    inside = checkout / "var"
    inside.mkdir(exist_ok=True)
    if account is None:
        return inside
    if is_open_to_others(inside):
        inside.chmod(WALK_THROUGH)
        return inside
    outside = state_folder(checkout, state_parent)
    make_private(outside, account)
    return outside


def state_folder(checkout: Path, state_parent: Path = STATE_PARENT) -> Path:
    """Return where data goes when the checkout stands in a folder that is closed to its servers."""
    return state_parent / f"llm-router-{checkout_key(checkout)}"


def is_open_to_others(path: Path) -> bool:
    """Say whether any account may walk through all existing parents of the path."""
    return all(
        parent.stat().st_mode & stat.S_IXOTH
        for parent in path.absolute().parents
        if parent.exists()
    )


def make_private(folder: Path, account: Account | None) -> None:
    """Create a folder that only the servers' account may open; refuse one that is another's."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    ours = {0, os.geteuid(), account.uid if account else 0}
    if folder.parent.stat().st_uid not in ours:
        raise PermissionError(f"{folder.parent} belongs to another user; remove it")
    folder.mkdir(mode=PRIVATE, exist_ok=True)
    if folder.is_symlink():
        raise PermissionError(f"{folder} is a link; remove it")
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    owner = os.geteuid() if account is None else account.uid
    if folder.stat().st_uid != owner:
        raise PermissionError(f"{folder} belongs to another user; remove it")
    folder.chmod(PRIVATE)
