"""What a model of Anthropic's can do: the catalogue's word first, else what its name tells."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from apps.providers.adapters.base import ModelFacts, ProviderCall

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
USUAL_TOKENS = 16_384
USUAL_TOKENS_OF_OLD = 4_096
# No model that thinks takes less than this, thoughts included.
MOST_TOKENS = 32_000
WORDS: Mapping[str, bool] = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Abilities:
    """What to ask of one model. `most_tokens` is its largest answer, None when nobody knows."""

    thinks: bool
    thinks_adaptively: bool
    keeps_schemas: bool
    usual_tokens: int
    most_tokens: int | None = None

    def tokens_with(self, budget: int) -> int:
        """Return the limit of an answer for which nobody has set one, thoughts included."""
        return min(self.usual_tokens + budget, self.most_tokens or MOST_TOKENS)


def abilities_of(call: ProviderCall) -> Abilities:
    """Return what the model of this call can do."""
    version, facts = version_of(call.connection.upstream_model), call.model
    thinks = _is_able(facts, "reasoning", otherwise=version >= THINKS_FROM)
    return Abilities(
        thinks=thinks,
        thinks_adaptively=thinks and version >= THINKS_ADAPTIVELY_FROM,
        keeps_schemas=_is_able(facts, "json_schema", otherwise=version >= KEEPS_SCHEMAS_FROM),
        usual_tokens=_usual_tokens(version, facts.max_output_tokens),
        most_tokens=facts.max_output_tokens,
    )


def version_of(model: str) -> Version:
    """Return the generation; a name that says none counts as the newest."""
    found = VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else NEWEST


def _is_able(facts: ModelFacts, name: str, *, otherwise: bool) -> bool:
    return WORDS.get(facts.capabilities.get(name, ""), otherwise)


def _usual_tokens(version: Version, most: int | None) -> int:
    if most is not None:
        return min(USUAL_TOKENS, most)
    return USUAL_TOKENS if version >= THINKS_FROM else USUAL_TOKENS_OF_OLD
