"""Calls that Gemini itself did not make, marked so that the newer models take them.

Source: ai.google.dev/gemini-api/docs/thought-signatures.
"""

from typing import Any

# The provider's own word for a signature that there is not: another model made the call.
NOT_SIGNED = "skip_thought_signature_validator"
CALL_NAMES = ("functionCall", "function_call")
SIGNATURE_NAMES = ("thoughtSignature", "thought_signature")


def marked_contents(contents: Any) -> Any:
    """Return a caller's own contents, each turn of calls without a signature marked on the first.

    A conversation that another provider has led has none, and would be refused for it. All else,
    also what is no list of contents, stays as it is.
    """
    if not isinstance(contents, list):
        return contents
    return [_marked_content(content) for content in contents]


def _marked_content(content: Any) -> Any:
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return content
    calls = [at for at, part in enumerate(parts) if any(name in part for name in CALL_NAMES)]
    if not calls or any(parts[calls[0]].get(name) for name in SIGNATURE_NAMES):
        return content
    first = calls[0]
    marked = {**parts[first], "thoughtSignature": NOT_SIGNED}
    marked.pop("thought_signature", None)
    return {**content, "parts": [*parts[:first], marked, *parts[first + 1 :]]}
