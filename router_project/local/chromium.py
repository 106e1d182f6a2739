"""Finds the Chromium that browser tests drive: the system's own, never a download."""

import os
import shutil
import sys
from pathlib import Path

# Names a program to use instead of the ones below; the suite sets it for the tests it starts.
VARIABLE = "CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_PROGRAMS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
INSTALL_COMMANDS = {
    "apt-get": "apt-get install chromium",
    "dnf": "dnf install chromium",
    "apk": "apk add chromium",
    "pacman": "pacman -S chromium",
    "brew": "brew install --cask chromium",
}


def find_chromium() -> str | None:
    """Return the path of a Chromium, None when there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        return named if Path(named).exists() else None
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and sys.platform == "darwin":
        return next((path for path in MAC_PROGRAMS if Path(path).exists()), None)
    return found


def install_command() -> str:
    """Return how this machine gets one."""
    for tool, command in INSTALL_COMMANDS.items():
        if shutil.which(tool):
            return command
    return "your system's package manager (package chromium)"
