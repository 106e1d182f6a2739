"""Strings of installed packages that their own and Django's catalogues leave untranslated."""

from importlib.util import find_spec
from pathlib import Path

import polib
from django.apps import apps

from router_project.catalogues.extract import Key, Message, collect


def untranslated(packages: tuple[str, ...], locale: str) -> dict[Key, Message]:
    """Return the messages of the packages that no shipped catalogue translates."""
    shipped = _shipped_keys(locale)
    found: dict[Key, Message] = {}
    for package in packages:
        folder = package_folder(package)
        for key, message in collect([folder], folder.parent).items():
            if key not in shipped and any(map(_is_installed, message.files)):
                # Which of its files shows a string changes with every release of the package.
                message.files = {package}
                found[key] = message
    return found


def _is_installed(file: str) -> bool:
    """Say whether a file is shown: a package's optional apps are, once they are installed."""
    names = Path(file).parts
    return names[1:2] != ("contrib",) or apps.is_installed(".".join(names[:3]))


def package_folder(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise LookupError(f"the package {name} is not installed")
    return Path(spec.origin).parent


def _shipped_keys(locale: str) -> set[Key]:
    installed = (Path(config.path) for config in apps.get_app_configs())
    # Our own apps keep their strings in the project's catalogue, which is what is being checked.
    folders = [package_folder("django") / "conf", *installed]
    return {
        (entry.msgctxt, entry.msgid)
        for folder in folders
        for entry in _entries(folder / "locale" / locale / "LC_MESSAGES" / "django.mo")
        if entry.msgstr or any(entry.msgstr_plural.values())
    }


def _entries(path: Path) -> list[polib.MOEntry]:
    return list(polib.mofile(str(path))) if path.exists() else []
