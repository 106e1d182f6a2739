"""What OpenAI's own models can do, told by their names. Pure."""

import re

# These think, refuse the older name of the limit, and call their instructions "developer".
THINKING_FAMILY = re.compile(r"(?:.*/)?(?:o\d|gpt-(?!35)(?:[5-9]|\d\d))(?!.*-chat)")
# The limit's newer name is also the only one of the chat models of these generations.
MODERN_FAMILY = re.compile(r"(?:.*/)?(?:o\d|gpt-(?!35)(?:[5-9]|\d\d))")
# Later ones take sampling parameters as long as they do not think, which only they know.
UNSAMPLED_FAMILY = re.compile(r"(?:.*/)?(?:o\d|gpt-5(?!\.))(?!.*-chat)")
SAMPLING_DEFAULTS = {
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
}

# From the least thinking to the most, by generation; the first that matches counts.
EFFORTS_BY_FAMILY: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"(?:.*/)?o\d"), ("low", "medium", "high")),
    (re.compile(r"(?:.*/)?gpt-5(?!\.)"), ("minimal", "low", "medium", "high")),
    (re.compile(r"(?:.*/)?gpt-5\.1"), ("none", "low", "medium", "high")),
    (re.compile(r"(?:.*/)?gpt-5\."), ("none", "low", "medium", "high", "xhigh")),
)
ALL_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
# What the newest ones take.
USUAL_EFFORTS = ("none", "low", "medium", "high", "xhigh", "max")


def efforts_of(model: str) -> tuple[str, ...]:
    """Return the efforts that a model knows, in order."""
    found = (efforts for family, efforts in EFFORTS_BY_FAMILY if family.match(model))
    return next(found, USUAL_EFFORTS)
