"""What a model thought, wherever OpenAI-compatible servers put it: fields, parts, inline tags."""

from collections.abc import Mapping
from typing import Any, Literal

ORIGIN = "openai"
OPENING, CLOSING = "<think>", "</think>"

type Phase = Literal["beginning", "thought", "text"]


def field_thought(message: Mapping[str, Any]) -> str:
    """Return the thought in a field of a message or delta, "" where there is none."""
    # DeepSeek, older vLLM, llama.cpp; OpenRouter, Groq, Ollama, newer vLLM.
    thought = message.get("reasoning_content") or message.get("reasoning")
    return thought if isinstance(thought, str) else ""


def split_content(content: Any) -> tuple[str, str]:
    """Return text and thought of a content: a string, null, or a list of parts (Mistral)."""
    if isinstance(content, str):
        return content, ""
    if not isinstance(content, list):
        return "", ""
    parts = [part for part in content if isinstance(part, dict)]
    texts = (part.get("text") for part in parts)
    thoughts = (split_content(part.get("thinking"))[0] for part in parts)
    return "".join(text for text in texts if isinstance(text, str)), "".join(thoughts)


def split_inline(content: str) -> tuple[str, str]:
    """Return text and thought of a whole content that may begin with the thought in tags."""
    splitter = InlineThoughts()
    text, thought = splitter.read(content)
    rest, rest_of_thought = splitter.end()
    return text + rest, thought + rest_of_thought


class InlineThoughts:
    """Splits a streamed content that may begin with a thought in tags, wherever it is cut."""

    __slots__ = ("_held", "_is_at_start", "_phase")

    def __init__(self) -> None:
        self._held = ""
        self._phase: Phase = "beginning"
        # Empty lines stand before a thought, and between it and its text.
        self._is_at_start = False

    @property
    def is_over(self) -> bool:
        """Say whether all that follows is text as it comes."""
        return self._phase == "text" and not self._is_at_start

    def read(self, piece: str) -> tuple[str, str]:
        """Return the text and the thought that are certain with this piece."""
        if self._phase == "text":
            return self._trimmed(piece), ""
        self._held += piece
        if self._phase == "beginning":
            self._phase = self._begin()
        if self._phase == "text":
            return self.end()
        return self._think() if self._phase == "thought" else ("", "")

    def end(self) -> tuple[str, str]:
        """Return the text and the thought that were held back."""
        held, self._held = self._held, ""
        return ("", held) if self._phase == "thought" else (held, "")

    def _begin(self) -> Phase:
        """Return what begins here; what may still become the tag is held."""
        start = self._held.lstrip()
        if start.startswith(OPENING):
            self._held, self._is_at_start = start.removeprefix(OPENING), True
            return "thought"
        return "beginning" if OPENING.startswith(start) else "text"

    def _think(self) -> tuple[str, str]:
        thought, closing, rest = self._held.partition(CLOSING)
        if closing:
            thought = self._trimmed(thought)
            self._phase, self._is_at_start, self._held = "text", True, ""
            return self._trimmed(rest), thought
        # The end may be the beginning of the closing tag.
        certain = len(self._held) - _overlap(self._held, CLOSING)
        thought, self._held = self._held[:certain], self._held[certain:]
        return "", self._trimmed(thought)

    def _trimmed(self, piece: str) -> str:
        if self._is_at_start:
            piece = piece.lstrip("\n")
            self._is_at_start = not piece
        return piece


def _overlap(text: str, tag: str) -> int:
    """Return how many characters at the end of the text may begin the tag."""
    lengths = range(min(len(text), len(tag) - 1), 0, -1)
    return next((length for length in lengths if tag.startswith(text[-length:])), 0)
