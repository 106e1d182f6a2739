"""A field that this server or model refuses: the request is sent once more without it. Pure.

Which fields a model takes is known in part only, and changes with every new one: the answer
matters more than a field that shapes it a little.
"""

import re

from apps.providers.adapters.base import AttemptError
from apps.providers.adapters.openai.requests import LIMIT_NAMES, Outgoing

STATUSES = (400, 422)
CODES = ("unsupported_parameter", "unsupported_value", "unknown_parameter")
WORDS = re.compile(
    r"unrecognized|unsupported|not supported|not support|not allowed|not permitted|unknown"
    r"|unexpected|extra (?:inputs|fields)",
    re.IGNORECASE,
)
# Ours; the caller never asked for it.
OURS = "stream_options"


def take_back(outgoing: Outgoing, error: AttemptError) -> bool:
    """Take out of the body what the server has refused; False when there is no such field."""
    if error.http_status not in STATUSES:
        return False
    if error.provider_code not in CODES and not WORDS.search(error.message):
        return False
    may_go = (OURS, *LIMIT_NAMES, *outgoing.expendable)
    named = (name for name in may_go if name in outgoing.body and _is_named(name, error))
    refused = next(named, "")
    if not refused:
        return False
    value = outgoing.body.pop(refused)
    if refused in LIMIT_NAMES:
        # The limit stays, under its other name.
        outgoing.body[LIMIT_NAMES[1 - LIMIT_NAMES.index(refused)]] = value
    elif refused != OURS:
        outgoing.spelling.dropped.append(refused)
    return True


def _is_named(name: str, error: AttemptError) -> bool:
    if error.param:
        return error.param.partition(".")[0] == name
    return bool(re.search(rf"\b{name}\b", error.message))
