"""What Gemini demands of how hard it shall think (ai.google.dev/gemini-api/docs/thinking)."""

from apps.providers.wire_servers.demands import demand
from apps.providers.wire_servers.exchange import Json
from apps.providers.wire_servers.gemini.generate import is_newer
from apps.providers.wire_servers.gemini.schemas import refuse_unknown

KNOWN = ("includeThoughts", "thinkingBudget", "thinkingLevel")
LEVELS = ("THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH")
AUTOMATIC = -1
PRO = (128, 32_768)
FLASH = (0, 24_576)


def check_thinking(config: Json, model: str) -> None:
    """Refuse a word that the model does not know, and a budget outside of its limits."""
    refuse_unknown(config, KNOWN, "generation_config.thinking_config")
    level, budget = config.get("thinkingLevel"), config.get("thinkingBudget")
    is_both = level is not None and budget is not None
    demand(not is_both, "You can only set only one of thinking budget and thinking level.")
    if level is not None:
        demand(str(level).upper() in LEVELS, f"Invalid value at 'thinking_level': {level}")
        demand(is_newer(model), "Thinking level is not supported for this model.")
        is_known = "flash" in model or str(level).upper() != "MINIMAL"
        demand(is_known, f"Thinking level {level} is not supported for this model.")
    if budget is not None and budget != AUTOMATIC:
        least, most = FLASH if "flash" in model else PRO
        message = f"The thinking budget {budget} is invalid. Please choose a value between {least}"
        demand(least <= budget <= most, f"{message} and {most}.")
