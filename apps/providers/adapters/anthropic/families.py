"""What the generations of Anthropic's models can do, told by their names."""

import re

# "claude-3-7-sonnet-…", "claude-sonnet-4-20250514", "claude-opus-4-8"; a date is no version.
VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d)(?!\d)(?:[-.](\d)(?!\d))?")
NEWEST = (99, 0)

type Version = tuple[int, int]

THINKS_FROM: Version = (3, 7)
# From here on the model itself decides how long to think, and is told how hard.
THINKS_ADAPTIVELY_FROM: Version = (4, 6)
# Answers in a JSON schema, and tools whose arguments keep to theirs.
KEEPS_SCHEMAS_FROM: Version = (4, 1)
# The provider demands a limit; these serve callers who name none.
MAX_TOKENS = 16_384
MAX_TOKENS_OF_OLD = 4_096
# No model that thinks takes less than this, thoughts included.
MOST_TOKENS = 32_000


def version_of(model: str) -> Version:
    """Return the generation; a name that says none counts as the newest."""
    found = VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else NEWEST


def usual_max_tokens(version: Version) -> int:
    """Return the limit of an answer for which nobody has set one."""
    return MAX_TOKENS if version >= THINKS_FROM else MAX_TOKENS_OF_OLD
