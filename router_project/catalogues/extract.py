"""Finds translatable strings in Python and templates, without gettext's programs."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

# The second one is for those who cannot import the first.
TRANSLATION_MODULES = frozenset({"django.utils.translation", "apps.core.marks"})
# Which arguments hold context, singular and plural.
ARGUMENTS: dict[str, tuple[int | None, int, int | None]] = {
    "gettext": (None, 0, None),
    "ngettext": (None, 0, 1),
    "pgettext": (0, 1, None),
    "npgettext": (0, 1, 2),
}
FUNCTIONS = {
    **{name: name for name in ARGUMENTS},
    **{f"{name}_lazy": name for name in ARGUMENTS},
    "gettext_noop": "gettext",
}
TEMPLATE_CALL = re.compile(r"\b(gettext|ngettext|pgettext|npgettext|_)\(")
# Django's own collection ends such a text at its first quote; pages show the whole of it.
ESCAPED_TAG = re.compile(r'(\{%\s*trans(?:late)?\s+)"((?:[^"\\]|\\.)*\\"(?:[^"\\]|\\.)*)"')
TEMPLATE_ENDINGS = frozenset({".html", ".txt"})
SKIPPED_FOLDERS = frozenset({"migrations", "__pycache__", "node_modules", "static"})

type Key = tuple[str | None, str]


@dataclass(slots=True)
class Message:
    """A string of the product: its context, its forms, and the files that show it."""

    context: str | None
    singular: str
    plural: str | None = None
    files: set[str] = field(default_factory=set)

    @property
    def key(self) -> Key:
        return self.context, self.singular


class ExtractionFault(ValueError):
    """A call that cannot be collected, with its place."""


def collect(roots: Iterable[Path], base: Path) -> dict[Key, Message]:
    """Return the messages of all files below the roots; raises ExtractionFault."""
    collected: dict[Key, Message] = {}
    for path in source_files(roots):
        name = str(path.relative_to(base))
        for message in _messages_of(path, name):
            known = collected.setdefault(message.key, message)
            known.files.add(name)
            if known.plural is None:
                known.plural = message.plural
            elif message.plural not in (None, known.plural):
                raise ExtractionFault(f"{name}: {message.singular!r} has two different plurals")
    return collected


def source_files(roots: Iterable[Path]) -> Iterator[Path]:
    """Yield Python files, and templates in folders of that name, in a stable order."""
    for root in roots:
        for path in sorted(root.rglob("*")):
            parts = path.relative_to(root).parts
            if SKIPPED_FOLDERS.intersection(parts) or not path.is_file():
                continue
            is_template = "templates" in path.parts and path.suffix in TEMPLATE_ENDINGS
            if path.suffix == ".py" or is_template:
                yield path


def from_python(source: str, name: str) -> Iterator[Message]:
    """Yield the messages of a module."""
    tree = ast.parse(source, name)
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (function := _function_of(node.func, aliases)):
            message = _message(function, node, f"{name}:{node.lineno}")
            if message is not None:
                yield message


def from_template(source: str, name: str) -> Iterator[Message]:
    """Yield the messages of a template, as Django itself rewrites it for gettext."""
    with warnings.catch_warnings():
        # Hints to translators in odd places are none of our business.
        warnings.simplefilter("ignore")
        text = templatize(_without_escapes(source, name), origin=name)
    for match in TEMPLATE_CALL.finditer(text):
        call = _parse_call(text, match.start())
        message = _message(FUNCTIONS.get(match[1], "gettext"), call, name) if call else None
        if message is not None:
            yield message


def _without_escapes(source: str, name: str) -> str:
    """Write `"a \\"b\\" c"` of translate tags as `'a "b" c'`."""

    def rewrite(match: re.Match[str]) -> str:
        text = match[2].replace('\\"', '"')
        if "'" in text:
            raise ExtractionFault(f"{name}: a text with both kinds of quotes needs blocktranslate")
        return f"{match[1]}'{text}'"

    return ESCAPED_TAG.sub(rewrite, source)


def _messages_of(path: Path, name: str) -> Iterator[Message]:
    source = path.read_text(encoding="utf-8")
    return from_python(source, name) if path.suffix == ".py" else from_template(source, name)


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Return local name -> gettext function, for `from … import … as …`."""
    return {
        alias.asname or alias.name: FUNCTIONS[alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in TRANSLATION_MODULES
        for alias in node.names
        if alias.name in FUNCTIONS
    }


def _function_of(called: ast.expr, aliases: dict[str, str]) -> str | None:
    if isinstance(called, ast.Name):
        return aliases.get(called.id)
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        return FUNCTIONS.get(called.attr) if called.value.id == "translation" else None
    return None


def _message(function: str, call: ast.Call, place: str) -> Message | None:
    """Return the message of a call, None when its text is a variable."""
    context_at, singular_at, plural_at = ARGUMENTS[function]
    singular = _text(call, singular_at, place)
    if not singular:
        return None
    context = None if context_at is None else _text(call, context_at, place)
    plural = None if plural_at is None else _text(call, plural_at, place)
    return Message(context, singular, plural)


def _text(call: ast.Call, position: int, place: str) -> str | None:
    if position >= len(call.args):
        return None
    argument = call.args[position]
    if isinstance(argument, ast.JoinedStr):
        raise ExtractionFault(f"{place}: an f-string cannot be translated; use %(name)s")
    if isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Add | ast.Mod):
        raise ExtractionFault(f"{place}: translate first, then join or fill in")
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    return None


def _parse_call(text: str, start: int) -> ast.Call | None:
    """Parse the call that begins at `start`: up to the first bracket that makes it whole."""
    end = start
    while (end := text.find(")", end) + 1) > 0:
        try:
            expression = ast.parse(text[start:end], mode="eval").body
        except SyntaxError:
            continue
        return expression if isinstance(expression, ast.Call) else None
    return None
