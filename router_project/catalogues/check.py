"""Says what is wrong with the catalogues: missing, empty, doubtful, unused, stale or misfilled."""

import re
from collections.abc import Iterator

import polib

from router_project.catalogues.extract import ExtractionFault, Message
from router_project.catalogues.layout import LOCALES, PLURAL_FORMS, SOURCE_LOCALE, Layout
from router_project.catalogues.update import key_of, open_catalogue, wanted

PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|(?<!%)%[sd]|\{\w*\}")


def faults(layout: Layout) -> list[str]:
    """Return one line per fault of all catalogues, none when they are complete."""
    try:
        return [fault for locale in LOCALES for fault in _faults(layout, locale)]
    except ExtractionFault as fault:
        return [str(fault)]


def _faults(layout: Layout, locale: str) -> Iterator[str]:
    catalogue = open_catalogue(layout, locale)
    messages = wanted(layout, locale)
    entries = {key_of(entry): entry for entry in catalogue if not entry.obsolete}
    name = layout.po_file(locale).relative_to(layout.base)
    for key, message in messages.items():
        entry = entries.get(key)
        if entry is None or (entry.msgid_plural or None) != message.plural:
            place = min(message.files)
            yield f"{name}: {_shown(message.singular)} of {place} is missing; run `make messages`"
        elif locale != SOURCE_LOCALE:
            yield from (f"{name}: {fault}" for fault in _entry_faults(entry, message))
    for key in entries.keys() - messages.keys():
        yield f"{name}: {_shown(key[1])} is no longer used; run `make messages`"
    yield from _header_faults(catalogue, locale, str(name))
    yield from _compiled_faults(layout, locale, catalogue)


def _entry_faults(entry: polib.POEntry, message: Message) -> Iterator[str]:
    shown = _shown(entry.msgid)
    if entry.fuzzy:
        yield f"{shown} is marked as doubtful (fuzzy)"
    texts = list(entry.msgstr_plural.values()) if message.plural else [entry.msgstr]
    if not texts or not all(text.strip() for text in texts):
        yield f"{shown} is not translated"
        return
    allowed = {*_placeholders(message.singular), *_placeholders(message.plural or "")}
    for text in texts:
        used = set(_placeholders(text))
        # A plural form may leave the number out ("one request"), a plain text nothing.
        if used - allowed or (message.plural is None and used != allowed):
            yield f"{shown} has other placeholders in its translation: {_shown(text)}"


def _header_faults(catalogue: polib.POFile, locale: str, name: str) -> Iterator[str]:
    if catalogue.metadata.get("Plural-Forms") != PLURAL_FORMS[locale]:
        yield f"{name}: Plural-Forms is not {PLURAL_FORMS[locale]!r}; run `make messages`"


def _compiled_faults(layout: Layout, locale: str, catalogue: polib.POFile) -> Iterator[str]:
    path = layout.mo_file(locale)
    compiled = polib.mofile(str(path)) if path.exists() else polib.MOFile()
    # By content: msgfmt and polib order the bytes differently.
    if _contents(compiled) != _contents(catalogue.translated_entries()):
        yield f"{path.relative_to(layout.base)} is older than its source; run `make messages`"


def _contents(entries: list[polib.POEntry] | polib.MOFile) -> set[tuple[str | None, ...]]:
    return {
        (entry.msgctxt, entry.msgid, entry.msgstr, *map(str, entry.msgstr_plural.values()))
        for entry in entries
    }


def _placeholders(text: str) -> list[str]:
    return PLACEHOLDER.findall(text.replace("%%", ""))


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= 60 else f'"{line[:57]}…"'
