"""Tool calls as OpenAI-compatible servers write them, whole and in pieces, put right on the way."""

from typing import Any

import orjson

from apps.core.chat import ToolCall, ToolCallDelta
from apps.core.ids import new_id
from apps.providers.adapters.openai.names import ToolNames


def read_calls(message: dict[str, Any], names: ToolNames) -> list[ToolCall]:
    """Read the calls of a whole message; what is odd about them is mended in the message too."""
    found = []
    for call in _objects(message.get("tool_calls")):
        function = call.get("function")
        if not isinstance(function, dict):
            continue
        _mend_arguments(function)
        call["id"] = str(call.get("id") or _invented_id())
        call.setdefault("type", "function")
        name = names.callers(str(function.get("name") or ""))
        found.append(ToolCall(call["id"], name, function["arguments"] or "{}"))
    return found


class CallPieces:
    """Puts together the pieces of one stream's calls: counted from 0, with an id, each its own.

    Some servers leave the index out, give the same to all calls, or send arguments as objects.
    What is put right in the neutral form is put right in the pieces, too.
    """

    __slots__ = ("_ids", "_names", "_places", "_silent")

    def __init__(self, names: ToolNames) -> None:
        self._names = names
        self._ids: list[str] = []
        # Our index by the server's; the last call that it used it for.
        self._places: dict[Any, int] = {}
        # Calls without arguments so far.
        self._silent: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._ids)

    def read(self, pieces: Any) -> list[ToolCallDelta]:
        """Read the `tool_calls` of one delta."""
        return [self._read(piece) for piece in _objects(pieces)]

    def end(self) -> list[ToolCallDelta]:
        """Return empty arguments for the calls that came without any."""
        found = [ToolCallDelta(index, arguments="{}") for index in sorted(self._silent)]
        self._silent.clear()
        return found

    def _read(self, piece: dict[str, Any]) -> ToolCallDelta:
        function = piece.get("function")
        if not isinstance(function, dict):
            function = piece["function"] = {}
        name = str(function.get("name") or "")
        index = self._find(piece, name)
        is_new = index is None
        if index is None:
            index = self._open(piece)
        _mend_arguments(function)
        piece["index"] = index
        arguments: str = function["arguments"]
        if arguments:
            self._silent.discard(index)
        if not is_new:
            return ToolCallDelta(index, arguments=arguments)
        return ToolCallDelta(index, self._ids[index], self._names.callers(name), arguments)

    def _find(self, piece: dict[str, Any], name: str) -> int | None:
        """Return the call that a piece goes on with, None when it begins one."""
        call_id, place = piece.get("id"), _place(piece)
        if call_id and call_id in self._ids:
            return self._ids.index(call_id)
        # A name and an id that are new are a new call, whatever the index says.
        if name and (call_id or place is None):
            return None
        usual = len(self._ids) - 1 if self._ids and place is None else None
        return self._places.get(place, usual)

    def _open(self, piece: dict[str, Any]) -> int:
        index = len(self._ids)
        piece["id"] = str(piece.get("id") or _invented_id())
        piece.setdefault("type", "function")
        self._ids.append(piece["id"])
        self._places[_place(piece)] = index
        self._silent.add(index)
        return index


def _place(piece: dict[str, Any]) -> int | None:
    """Return the index that a piece names, if it is one."""
    place = piece.get("index")
    return place if isinstance(place, int) else None


def _mend_arguments(function: dict[str, Any]) -> None:
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        function["arguments"] = "" if arguments is None else orjson.dumps(arguments).decode()


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _invented_id() -> str:
    return f"call_{new_id().hex}"
