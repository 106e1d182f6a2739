"""The contents of a Gemini body as neutral turns: parts, calls, results, thoughts. Pure.

Gemini's calls need no ids. They get some here, by their number in the conversation, so that the
same call has the same id in every later request; results are paired with them by name and order.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import count, groupby
from typing import Any

from apps.core.chat import File, Image, Part, Text, Thinking, ToolCall, ToolResult, Turn
from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import mapping
from apps.gateway.wire.gemini.contents import Content, read_contents, read_system
from apps.gateway.wire.gemini.media import read_file, read_inline
from apps.gateway.wire.gemini.results import is_failure, json_text, result_text
from apps.gateway.wire.gemini.signatures import Signed, unwrap
from apps.gateway.wire.gemini.spelling import camelled

type Record = Mapping[str, Any]


def read_turns(body: Record) -> tuple[Turn, ...]:
    """Read a body's instruction and contents; raises InvalidRequest naming the field."""
    contents = read_contents(body)
    reader = _Reader(contents)
    system = read_system(body)
    if system is not None:
        reader.turns.append(Turn("system", tuple(_spoken(system.places()))))
    # A streamed answer comes back as many contents, of which only all are one turn.
    for is_model, group in groupby(contents, key=lambda content: content.is_model):
        places = [place for content in group for place in content.places()]
        (reader.add_answer if is_model else reader.add_question)(places)
    return tuple(reader.turns)


class _Reader:
    """Reads turns in order, and remembers which calls wait for their results."""

    def __init__(self, contents: list[Content]) -> None:
        self.turns: list[Turn] = []
        self._waiting: dict[str, str] = {}
        given = set(_given_ids(contents))
        self._fresh = (call_id for n in count() if (call_id := f"call_{n}") not in given)

    def add_answer(self, places: list[tuple[Record, str]]) -> None:
        """Add what the model said."""
        self._waiting = {}
        self.turns.append(Turn("assistant", tuple(self._answered(places))))

    def add_question(self, places: list[tuple[Record, str]]) -> None:
        """Add what the client said: the results of functions first, whatever their order."""
        results = [
            self._result(part, f"{at}.functionResponse")
            for part, at in places
            if "functionResponse" in part
        ]
        if results:
            self.turns.append(Turn("tool", tuple(results)))
        rest = [place for place in places if "functionResponse" not in place[0]]
        if rest:
            self.turns.append(Turn("user", tuple(_spoken(rest))))

    def _answered(self, places: list[tuple[Record, str]]) -> Iterator[Part]:
        thought: list[str] = []
        for part, at in places:
            signature = part.get("thoughtSignature")
            signed = unwrap(signature) if isinstance(signature, str) and signature else None
            if part.get("thought"):
                thought.append(part.get("text") or "")
                if signed is None:
                    continue
            if thought:
                yield _thought(thought, signed if part.get("thought") else None)
                thought = []
            if "functionCall" in part:
                yield self._call(part, f"{at}.functionCall", signed)
            elif not part.get("thought"):
                yield from _spoken([(part, at)])
        if thought:
            yield _thought(thought, None)

    def _call(self, part: Record, at: str, signed: Signed | None) -> ToolCall:
        call = mapping(part, "functionCall")
        name, arguments = _name(call, at), call.get("args")
        if arguments is not None and not isinstance(arguments, dict):
            raise InvalidRequest("args is an object", param=f"{at}.args")
        call_id = _given_id(call) or next(self._fresh)
        self._waiting[call_id] = name
        text = json_text(arguments or {}, f"{at}.args")
        if signed is None:
            return ToolCall(call_id, name, text)
        return ToolCall(call_id, name, text, signed.signature, signed.origin)

    def _result(self, part: Record, at: str) -> ToolResult:
        answer = camelled(mapping(part, "functionResponse"))
        call_id = self._answered_call(answer, at)
        response = answer.get("response")
        content = (Text(result_text(response, at)), *_result_media(answer, at))
        return ToolResult(call_id, content, is_failure(response))

    def _answered_call(self, answer: Record, at: str) -> str:
        """Return the id of the call that is answered: by id, else the first of the name."""
        name, given = _name(answer, at), _given_id(answer)
        same_name = (call_id for call_id, called in self._waiting.items() if called == name)
        call_id = given if given in self._waiting else next(same_name, "")
        if not call_id:
            message = f"the result of {name!r} answers no call of the turn before it"
            raise InvalidRequest(message, param=at)
        del self._waiting[call_id]
        return call_id


def _thought(pieces: list[str], signed: Signed | None) -> Thinking:
    text = "".join(pieces)
    if signed is None:
        return Thinking(text)
    return Thinking(text, signed.signature, signed.redacted, signed.origin)


# --- Parts ----------------------------------------------------------------------------------------


def _spoken(places: Iterator[tuple[Record, str]] | list[tuple[Record, str]]) -> Iterator[Part]:
    for part, at in places:
        name = next((name for name in PART_READERS if name in part), None)
        if name is None:
            known = ", ".join(PART_READERS)
            raise InvalidRequest(f"a part of this kind is unknown; known are {known}", param=at)
        found = PART_READERS[name](part, at)
        if found != NOTHING:
            yield found


def _text(part: Record, _at: str) -> Text:
    return Text(part["text"])


def _code(part: Record, _at: str) -> Text:
    code = mapping(part, "executableCode")
    return Text(f"```{str(code.get('language') or '').lower()}\n{code.get('code') or ''}\n```")


def _code_result(part: Record, _at: str) -> Text:
    return Text(f"```\n{mapping(part, 'codeExecutionResult').get('output') or ''}\n```")


NOTHING = Text("")
PART_READERS: Mapping[str, Callable[[Record, str], Part]] = {
    "text": _text,
    "inlineData": read_inline,
    "fileData": read_file,
    "executableCode": _code,
    "codeExecutionResult": _code_result,
}


def _result_media(answer: Record, at: str) -> Iterator[Text | Image | File]:
    given = answer.get("parts") or ()
    if not isinstance(given, list | tuple) or not all(isinstance(part, dict) for part in given):
        raise InvalidRequest("parts is a list of objects", param=f"{at}.parts")
    for index, part in enumerate(given):
        place = f"{at}.parts[{index}]"
        for found in _spoken([(camelled(part), place)]):
            if not isinstance(found, Text | Image | File):
                raise InvalidRequest("a result is made of texts, images and files", param=place)
            yield found


def _name(given: Record, at: str) -> str:
    name = given.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidRequest("name is the name of a function", param=f"{at}.name")
    return name


def _given_id(given: Record) -> str:
    value = given.get("id")
    return value if isinstance(value, str) else ""


def _given_ids(contents: list[Content]) -> Iterator[str]:
    for content in contents:
        for part, _at in content.places():
            if "functionCall" in part:
                yield _given_id(mapping(part, "functionCall"))
