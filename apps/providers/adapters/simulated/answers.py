"""Answers out of a hash: the same question to the same model is always answered the same way."""

import hashlib
from collections.abc import Iterator

from apps.core.chat import ChatRequest
from apps.core.tokens import estimate_tokens

QUOTED_CHARACTERS = 60

SENTENCES = (
    "This answer comes from the built-in simulation, so it costs nothing real.",
    "The route, the price and the limits around it are the ones that your rules chose.",
    "Ask the same question again and you will read the same words.",
    "A real provider takes over as soon as its credential is stored.",
    "Longer questions cost more, because every token of them is counted.",
    "Rules decide first, then health and price settle the rest.",
    "Nothing in this text was learned, and nothing in it is remembered.",
    "Tokens are estimated with the vocabulary of the model's family.",
    "Failures can be switched on to watch another deployment take over.",
    "The decision behind this answer can be read in plain words.",
    "Budgets were reserved before this sentence and settled after it.",
    "Try a cheaper model for short questions and compare the two bills.",
)


def answer_words(request: ChatRequest, *, model: str, wanted_tokens: int) -> list[str]:
    """Return the words of the answer, each with the space before it.

    `wanted_tokens` 0 leaves the length to the hash: two to five sentences.
    """
    question = last_question(request)
    digest = hashlib.sha256(f"{model}\0{question}".encode("utf-8", "replace")).digest()
    opening = f"[{model}] You asked: “{_quote(question)}”."
    if wanted_tokens:
        return _cut(_sentences_until(opening, digest, wanted_tokens, model), wanted_tokens, model)
    chosen = [_sentence(digest, number) for number in range(2 + digest[0] % 4)]
    return _words(" ".join((opening, *chosen)))


def limit_words(words: list[str], *, model: str, max_tokens: int | None) -> tuple[list[str], bool]:
    """Return the words that fit into `max_tokens`, and whether any had to go."""
    if max_tokens is None or estimate_tokens(model, "".join(words)) <= max_tokens:
        return words, False
    return _cut(words, max_tokens, model), True


def last_question(request: ChatRequest) -> str:
    """Return the text of the last message of the user."""
    return next((turn.text for turn in reversed(request.messages) if turn.role == "user"), "")


def _sentences_until(opening: str, digest: bytes, wanted_tokens: int, model: str) -> list[str]:
    sentences, tokens = [opening], estimate_tokens(model, opening)
    for number in _endless():
        if tokens >= wanted_tokens:
            return _words(" ".join(sentences))
        sentences.append(_sentence(digest, number))
        tokens += estimate_tokens(model, sentences[-1])
    return []


def _endless() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def _sentence(digest: bytes, number: int) -> str:
    return SENTENCES[(digest[1 + number % 31] + number) % len(SENTENCES)]


def _quote(question: str) -> str:
    flat = " ".join(question.split())
    return f"{flat[:QUOTED_CHARACTERS]}…" if len(flat) > QUOTED_CHARACTERS else flat


def _words(text: str) -> list[str]:
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


def _cut(words: list[str], max_tokens: int, model: str) -> list[str]:
    # Each word is at least one token, so the right number of words lies between these two.
    fits, too_many = 0, min(len(words), max_tokens) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if estimate_tokens(model, "".join(words[:middle])) <= max_tokens:
            fits = middle
        else:
            too_many = middle
    return words[:fits]
