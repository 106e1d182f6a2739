"""What functions said, as texts: a Gemini function answers with an object. Pure.

Source: ai.google.dev/api/caching#FunctionResponse ("output" for output, "error" for failures).
"""

from typing import Any

import orjson

from apps.core.errors import InvalidRequest

OUTPUT = ("output", "result")
ERROR = "error"


def json_text(value: Any, at: str) -> str:
    """Return a value as JSON; raises InvalidRequest for one that is nested too deeply."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise InvalidRequest(f"it cannot be written as JSON: {error}", param=at) from error


def result_text(response: Any, at: str) -> str:
    """Return the one thing that a function said, or all of it as JSON."""
    if response is None:
        return ""
    if isinstance(response, dict) and len(response) == 1:
        ((name, value),) = response.items()
        response = value if name in (*OUTPUT, ERROR) else response
    return response if isinstance(response, str) else json_text(response, at)


def is_failure(response: Any) -> bool:
    """Say whether a function told of nothing but a failure."""
    return isinstance(response, dict) and ERROR in response and not any(map(response.get, OUTPUT))
