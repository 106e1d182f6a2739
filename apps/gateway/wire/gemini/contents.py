"""The contents of a Gemini body in one shape, whatever shorthand they came in. Pure.

Source of the format: ai.google.dev/api/caching#Content. The official clients' shorthands are taken
too: a text or a part where a content is due, a text or one part where a list of parts is due.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from apps.core.chat import Message
from apps.core.errors import InvalidRequest
from apps.gateway.wire.gemini.results import result_text
from apps.gateway.wire.gemini.spelling import camelled, spelled

# True for the model's; results of functions once had a role of their own.
ROLES: Mapping[str, bool] = {"user": False, "function": False, "model": True}
MAX_CONTENTS = 2_000

type Part = Mapping[str, Any]


class Content(NamedTuple):
    """One turn: its parts and its record as they came, and where it stands in the body."""

    is_model: bool
    parts: tuple[Part, ...]
    at: str
    record: Mapping[str, Any]

    def places(self) -> Iterator[tuple[Part, str]]:
        """Yield each part in camelCase, without what is null, and where it stands."""
        for index, part in enumerate(self.parts):
            said = {name: value for name, value in part.items() if value is not None}
            yield camelled(said), f"{self.at}.parts[{index}]"


def read_contents(body: Mapping[str, Any]) -> list[Content]:
    """Return the contents, at least one; raises InvalidRequest naming the field."""
    given = body.get("contents")
    records = given if isinstance(given, list) else [given]
    if given is None or not records:
        raise InvalidRequest("contents is a list with at least one content", param="contents")
    if len(records) > MAX_CONTENTS:
        raise InvalidRequest(f"at most {MAX_CONTENTS} contents", param="contents")
    return [_content(record, f"contents[{index}]") for index, record in enumerate(records)]


def read_system(body: Mapping[str, Any]) -> Content | None:
    """Return the system instruction, if there is one."""
    given = body.get(spelled(body, "systemInstruction"))
    if given is None:
        return None
    record = {"parts": given} if isinstance(given, list) else given
    if isinstance(record, dict):
        # Its role says nothing, and clients write several.
        record = {name: value for name, value in record.items() if name != "role"}
    return _content(record, "systemInstruction")


def as_messages(system: Content | None, contents: Iterable[Content]) -> tuple[Message, ...]:
    """Return all turns as texts."""
    said = [_as_message(content) for content in contents]
    if system is None:
        return tuple(said)
    return (Message("system", _as_message(system).text), *said)


def _as_message(content: Content) -> Message:
    places = list(content.places())
    text = "\n".join(text for part, at in places if (text := _text_of(part, at)))
    is_result = any("functionResponse" in part for part, _ in places)
    if content.is_model:
        return Message("assistant", text)
    return Message("tool" if is_result else "user", text)


def _text_of(part: Part, at: str) -> str:
    if part.get("thought"):
        return ""
    answer = part.get("functionResponse")
    if isinstance(answer, dict):
        return result_text(answer.get("response"), at)
    text: str = part.get("text", "")
    return text


def _content(record: Any, at: str) -> Content:
    if isinstance(record, str) or (isinstance(record, dict) and "parts" not in record):
        record = {"parts": record}
    if not isinstance(record, dict):
        raise InvalidRequest("a content is an object with role and parts", param=at)
    role = record.get("role") or "user"
    is_model = ROLES.get(role) if isinstance(role, str) else None
    if is_model is None:
        raise InvalidRequest(f"role is one of {', '.join(ROLES)}", param=f"{at}.role")
    return Content(is_model, tuple(_parts(record["parts"], at)), at, record)


def _parts(given: Any, at: str) -> Iterator[Part]:
    if not given and given != "":
        raise InvalidRequest("parts is a list with at least one part", param=f"{at}.parts")
    for index, part in enumerate(given if isinstance(given, list) else [given]):
        yield _part({"text": part} if isinstance(part, str) else part, f"{at}.parts[{index}]")


def _part(part: Any, at: str) -> Part:
    if not isinstance(part, dict):
        raise InvalidRequest("a part is an object", param=at)
    if not isinstance(part.get("text"), str | None):
        raise InvalidRequest("the text of a part is a text", param=f"{at}.text")
    return part
