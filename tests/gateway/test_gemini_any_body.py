"""Whatever a Gemini client sends: it is read, or refused by name, and never a defect."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.chat import Text, Turn
from apps.core.errors import InvalidRequest
from apps.gateway.wire.gemini.request import parse
from tests.gateway.gemini_bodies import CLOCK, model, result, user

WORDS = st.sampled_from(
    [
        *("", "image/png", "video/mp4", "text/plain", "https://[", "https://a.example/b", "YQ"),
        *("é", "cm91dGVyIHRob3VnaHQ6é", "weather", "clock", "call_0", "ANY", "OBJECT"),
    ]
)
KEYS = st.sampled_from(["type", "name", "text", "parts", "any_of", "properties", "mode", "a"])
SMALL = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(0, 2) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)
NAMED = st.sampled_from(["clock", "weather"]) | SMALL
BLOBS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("mimeType", "data", "file_uri", "displayName"), WORDS | SMALL)
)
CALLS = st.fixed_dictionaries({"name": NAMED}, optional={"id": SMALL, "args": SMALL})
RESULTS = st.fixed_dictionaries(
    {"name": NAMED}, optional={"id": SMALL, "response": SMALL, "parts": SMALL}
)
PARTS = st.one_of(
    st.fixed_dictionaries(
        {"text": WORDS}, optional={"thought": st.just(True), "thought_signature": SMALL}
    ),
    *(
        st.fixed_dictionaries({name: inside}, optional={"thoughtSignature": SMALL})
        for name, inside in (
            *(("functionCall", CALLS), ("function_response", RESULTS), ("inlineData", BLOBS)),
            *(("file_data", BLOBS), ("executableCode", SMALL), ("text", SMALL)),
        )
    ),
)
CONTENTS = st.fixed_dictionaries(
    {"parts": st.lists(PARTS, min_size=1, max_size=3)},
    optional={"role": st.sampled_from(["user", "model", "function"])},
)
DECLARATIONS = st.fixed_dictionaries(
    {"name": NAMED}, optional={"parameters": SMALL, "parametersJsonSchema": SMALL}
)
TOOLS = st.fixed_dictionaries({"functionDeclarations": st.lists(DECLARATIONS, max_size=2)})
OPTIONS = (
    *("topK", "seed", "thinkingConfig", "response_schema", "responseJsonSchema", "logprobs"),
    *("responseLogprobs", "responseModalities", "responseMimeType", "candidateCount"),
)
ODDLY = {
    "systemInstruction": SMALL,
    "tools": st.lists(TOOLS, max_size=2) | SMALL,
    "tool_config": st.fixed_dictionaries({"functionCallingConfig": SMALL}) | SMALL,
    "labels": SMALL,
}


def _bodies(contents: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return bodies with at most one odd option each, so that most are read to their end."""
    one_odd = [st.fixed_dictionaries({name: SMALL}) for name in OPTIONS]
    config = st.one_of(*one_odd).map(lambda option: {"generationConfig": option})
    odd = [st.fixed_dictionaries({name: value}) for name, value in ODDLY.items()]
    option = st.one_of(st.just({}), config, *odd)
    return st.builds(lambda given, more: {"contents": given, **more}, contents, option)


BODIES = _bodies(st.lists(CONTENTS, min_size=1, max_size=4) | st.lists(SMALL) | SMALL)
BEFORE = (Turn("system", (Text("House rules"),)), Turn("user", (Text("Earlier"),)))


@given(body=BODIES)
def test_any_body__is_read_or_refused_and_goes_to_gemini_as_json(body: dict[str, Any]) -> None:
    try:
        chat = parse(body, model="models/pro", is_streamed=True)
    except InvalidRequest:
        return
    assert chat.grammar is not None
    for sent in (chat.body(), chat.grammar.amend(body, BEFORE, {"reasoning_effort": "low"})):
        assert orjson.loads(orjson.dumps(sent))["contents"] or not sent["contents"]
    try:
        chat.details()
    except InvalidRequest:
        return


@pytest.mark.parametrize("place", ["args", "response"])
def test_value_without_bottom__is_refused_by_place(place: str) -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": deep}
    call = {"functionCall": {"name": "clock", "args": deep}} if place == "args" else CLOCK
    contents = [user("Hi"), model(call), user(result("clock", deep if place != "args" else {}))]
    with pytest.raises(InvalidRequest):
        parse({"contents": contents}, model="models/pro").details()
