"""What the generations of Gemini can do, told by their names.

Sources: ai.google.dev/gemini-api/docs/thinking, /function-calling, /structured-output,
/file-input-methods, /thought-signatures.
"""

import re
from dataclasses import dataclass

# "gemini-2.5-flash-lite", "models/gemini-3-pro-preview"; "gemini-flash-latest" says none.
VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
NEWEST = (99, 0)

type Version = tuple[int, int]

THINKS_FROM: Version = (2, 5)
# From here on the model is told how hard to think in a word, not in tokens.
THINKS_BY_LEVEL_FROM: Version = (3, 0)
# Calls of tools want their signature back, and results may hold images.
SIGNS_CALLS_FROM: Version = (3, 0)
# Tools and a structured answer in one request.
MIXES_TOOLS_AND_SCHEMA_FROM: Version = (3, 0)
# The provider itself fetches what an address of the web leads to.
FETCHES_FROM: Version = (2, 5)


@dataclass(frozen=True, slots=True)
class Budget:
    """How many tokens a model may think; `can_be_off`: none at all is possible too."""

    least: int
    most: int
    can_be_off: bool


def version_of(model: str) -> Version:
    """Return the generation; a name that says none counts as the newest."""
    found = VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else NEWEST


def budget_of(model: str) -> Budget:
    """Return the limits of a model that is told its thoughts in tokens."""
    if "flash-lite" in model:
        return Budget(512, 24_576, can_be_off=True)
    if "flash" in model:
        return Budget(1, 24_576, can_be_off=True)
    return Budget(128, 32_768, can_be_off=False)


def levels_of(model: str) -> tuple[str, ...]:
    """Return the words for thinking that a model knows, from the least to the most."""
    if "flash" in model:
        return ("MINIMAL", "LOW", "MEDIUM", "HIGH")
    return ("LOW", "HIGH") if version_of(model) == (3, 0) else ("LOW", "MEDIUM", "HIGH")
