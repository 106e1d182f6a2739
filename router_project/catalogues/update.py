"""Writes the catalogues: new strings in, unused ones out, and the compiled form beside them."""

from dataclasses import dataclass

import polib

from router_project.catalogues.extract import Key, Message, collect
from router_project.catalogues.layout import LOCALES, PLURAL_FORMS, SOURCE_LOCALE, Layout
from router_project.catalogues.packages import untranslated


@dataclass(frozen=True, slots=True)
class Change:
    """What an update did to one catalogue."""

    locale: str
    added: int
    removed: int
    untranslated: int


def wanted(layout: Layout, locale: str) -> dict[Key, Message]:
    """Return every message that the catalogue of a locale must hold."""
    ours = collect(layout.roots, layout.base)
    if locale == SOURCE_LOCALE:
        return ours
    return untranslated(layout.packages, locale) | ours


def update(layout: Layout) -> list[Change]:
    """Bring all catalogues in line with the sources, and compile them."""
    return [_update(layout, locale) for locale in LOCALES]


def key_of(entry: polib.POEntry) -> Key:
    return entry.msgctxt, entry.msgid


def open_catalogue(layout: Layout, locale: str) -> polib.POFile:
    """Return the catalogue of a locale, an empty one when there is none yet."""
    path = layout.po_file(locale)
    if path.exists():
        return polib.pofile(str(path))
    return polib.POFile()


def _update(layout: Layout, locale: str) -> Change:
    catalogue = open_catalogue(layout, locale)
    messages = wanted(layout, locale)
    known = {key_of(entry): entry for entry in catalogue}
    kept = [
        _entry(message, known.get(key)) for key, message in sorted(messages.items(), key=_order)
    ]
    # Translations of strings that may come back are kept as obsolete, as gettext does.
    dropped = [entry for key, entry in known.items() if key not in messages and _is_filled(entry)]
    for entry in dropped:
        entry.obsolete = True
        entry.occurrences = []
    written = polib.POFile(wrapwidth=100)
    written.metadata = _metadata(locale)
    written.extend([*kept, *dropped])
    path = layout.po_file(locale)
    path.parent.mkdir(parents=True, exist_ok=True)
    written.save(str(path))
    written.save_as_mofile(str(layout.mo_file(locale)))
    empty = 0 if locale == SOURCE_LOCALE else sum(not entry.translated() for entry in kept)
    return Change(locale, len(messages.keys() - known.keys()), len(dropped), empty)


def _order(item: tuple[Key, Message]) -> tuple[list[str], str, str]:
    """Order by file, then text, so that a change of one file touches one part of the catalogue."""
    (context, singular), message = item
    return sorted(message.files)[:1], singular, context or ""


def _entry(message: Message, known: polib.POEntry | None) -> polib.POEntry:
    entry = polib.POEntry(
        msgctxt=message.context,
        msgid=message.singular,
        msgid_plural=message.plural or "",
        # Files without line numbers: moving a line is no change of the catalogue.
        occurrences=[(name, "") for name in sorted(message.files)],
    )
    same_form = known is not None and (known.msgid_plural or "") == (message.plural or "")
    if message.plural is not None:
        entry.msgstr_plural = {0: "", 1: ""}
    if known is not None and same_form:
        entry.msgstr = known.msgstr
        entry.msgstr_plural = known.msgstr_plural or entry.msgstr_plural
        entry.tcomment = known.tcomment
        entry.flags = [flag for flag in known.flags if flag == "fuzzy"]
    if "%(" in message.singular or "%s" in message.singular:
        entry.flags = [*entry.flags, "python-format"]
    return entry


def _is_filled(entry: polib.POEntry) -> bool:
    return bool(entry.msgstr or any(entry.msgstr_plural.values()))


def _metadata(locale: str) -> dict[str, str]:
    # No dates and no names: the same strings give the same file.
    return {
        "Project-Id-Version": "llm-router",
        "Language": locale,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURAL_FORMS[locale],
    }
