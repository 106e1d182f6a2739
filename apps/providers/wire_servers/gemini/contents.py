"""What Gemini demands of contents: roles, parts, and results that answer their calls."""

import base64
import binascii
from itertools import pairwise
from typing import Any

from apps.providers.wire_servers.demands import demand, is_objects
from apps.providers.wire_servers.exchange import Json, Refusal
from apps.providers.wire_servers.gemini.generate import SIGNED, SIGNED_TEXT, is_newer
from apps.providers.wire_servers.scripts import signature_of

STANDARD = str.maketrans("-_", "+/")
REQUEST = "GenerateContentRequest"
DATA = (
    *("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode"),
    "codeExecutionResult",
)
# What stands for a signature where another model made the calls, as it is or in base64, since the
# field is one of bytes to Google's clients (ai.google.dev/gemini-api/docs/thought-signatures).
SKIP_WORDS = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
SKIPS = (*SKIP_WORDS, *(base64.b64encode(word.encode()).decode() for word in SKIP_WORDS))
MEDIA = ("image/", "audio/", "video/", "text/", "application/pdf", "application/json")
NO_MEDIA = ("image/gif", "image/svg+xml")
CALL_TURN = "Please ensure that function call turn comes immediately after a user turn or after a"
ANSWER_TURN = "Please ensure that function response turn comes immediately after a function call"
NUMBER = "Please ensure that the number of function response parts is equal to the number of"


def check_contents(contents: Any, model: str) -> None:
    """Refuse contents that are empty, of another role, or whose results answer nothing."""
    demand(is_objects(contents), f"* {REQUEST}.contents: contents is not specified")
    for place, content in enumerate(contents):
        role = content.get("role", "user")
        demand(role in ("user", "model"), "Please use a valid role: user, model.")
        check_parts(f"contents[{place}]", content.get("parts"))
    _check_order(contents)
    if is_newer(model):
        _check_ids(contents)
        _check_signatures(contents)


def check_parts(place: str, parts: Any) -> None:
    """Refuse parts that are none, or of which one says nothing or two things."""
    message = f"* {REQUEST}.{place}.parts: contents.parts must not be empty."
    demand(is_objects(parts), message)
    for at, part in enumerate(parts):
        given = [name for name in DATA if name in part]
        demand(
            len(given) == 1,
            f"* {REQUEST}.{place}.parts[{at}].data: required oneof field 'data' must have one"
            " initialized field",
        )
        if given == ["functionCall"]:
            _check_call(f"{place}.parts[{at}].function_call", part["functionCall"])
        elif given == ["functionResponse"]:
            _check_response(f"{place}.parts[{at}].function_response", part["functionResponse"])
        elif given == ["inlineData"]:
            _check_data(f"{place}.parts[{at}].inline_data", part["inlineData"])
        elif given == ["fileData"]:
            _check_address(str(part["fileData"].get("fileUri", "")))
        _check_signature(part)


def _check_call(place: str, call: Json) -> None:
    demand(call.get("name"), f"* {REQUEST}.{place}.name: Name cannot be empty.")
    _check_struct(f"{place}.args", call.get("args", {}))


def _check_response(place: str, response: Json) -> None:
    demand(response.get("name"), f"* {REQUEST}.{place}.name: Name cannot be empty.")
    _check_struct(f"{place}.response", response.get("response"))


def _check_data(place: str, data: Json) -> None:
    kind = str(data.get("mimeType", ""))
    is_known = kind.startswith(MEDIA) and kind not in NO_MEDIA
    demand(is_known, f"Unsupported MIME type: {kind}")
    try:
        # Both alphabets are taken, as by every Google API.
        base64.b64decode(data.get("data", "").translate(STANDARD), validate=True)
    except binascii.Error as error:
        message = f"Invalid value at '{place}.data' (TYPE_BYTES), Base64 decoding failed"
        raise Refusal(400, message) from error


def _check_address(uri: str) -> None:
    is_known = uri.startswith(("https://", "gs://"))
    demand(is_known, f"Unsupported file uri: {uri}")


def _check_signature(part: Json) -> None:
    """Refuse what was signed by nobody, wherever it stands."""
    given = part.get("thoughtSignature")
    known = (None, signature_of(SIGNED), signature_of(SIGNED_TEXT), *SKIPS)
    demand(given in known, "Corrupted thought signature.")


def _check_struct(place: str, value: Any) -> None:
    message = f"Invalid value at '{place}' (type.googleapis.com/google.protobuf.Struct), {value!r}"
    demand(isinstance(value, dict), message)


def _check_order(contents: list[Json]) -> None:
    """Demand each turn of calls to be followed at once by as many results, of the same names."""
    turns: list[Json] = [{"role": "model", "parts": []}, *contents, {"role": "user", "parts": []}]
    for before, after in pairwise(turns):
        asked, given = _names(before, "functionCall"), _names(after, "functionResponse")
        if asked and after is not turns[-1]:
            message = f"{NUMBER} function call parts of the function call turn."
            demand(len(asked) == len(given), message)
        demand(asked or not given, f"{ANSWER_TURN} turn.")
        demand(sorted(asked) == sorted(given) or not given, f"{ANSWER_TURN} of the same names.")
        is_after_model = before is not turns[0] and before.get("role") == "model"
        is_bare_call = _names(after, "functionCall") and (is_after_model or before is turns[0])
        demand(not is_bare_call, f"{CALL_TURN} function response turn.")


def _check_ids(contents: list[Json]) -> None:
    """Demand results that have an id to answer a call that has it."""
    for before, after in pairwise(contents):
        asked, given = _ids(before, "functionCall"), _ids(after, "functionResponse")
        demand(given <= asked, f"{ANSWER_TURN} of the same ids.")


def _ids(content: Json, kind: str) -> set[str]:
    return {part[kind]["id"] for part in content["parts"] if part.get(kind, {}).get("id")}


def _names(content: Json, kind: str) -> list[str]:
    return [part[kind]["name"] for part in content["parts"] if kind in part]


def _check_signatures(contents: list[Json]) -> None:
    """Gemini 3 wants the signature of every step since the user's last words, on its first call."""
    asked = [at for at, content in enumerate(contents) if _is_question(content)]
    for place, content in enumerate(contents[asked[-1] if asked else 0 :]):
        calls = [part for part in content["parts"] if "functionCall" in part]
        given = calls[0].get("thoughtSignature") if calls else None
        if calls and given not in (signature_of(SIGNED), *SKIPS):
            raise Refusal(
                400,
                "Function call is missing a thought_signature in functionCall parts. This is"
                f" required for tools to work correctly (contents {place} of the current turn).",
            )


def _is_question(content: Json) -> bool:
    return content.get("role", "user") == "user" and any("text" in p for p in content["parts"])
