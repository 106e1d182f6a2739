"""What all wires with embeddings share: the ask, the check of what came, and a count of our own."""

from collections.abc import Sequence

from apps.core.chat import EmbeddingAsk, TokenUsage, Vector
from apps.core.tokens import estimate_tokens
from apps.core.vectors import dimensions_of
from apps.providers.adapters.base import AttemptError, ProviderCall


def asked_vectors(call: ProviderCall) -> EmbeddingAsk:
    """Return what shall become vectors; only a request for them may come here."""
    if call.request.embedding is None:
        raise AssertionError("this request asks for no vectors")
    return call.request.embedding


def checked_vectors(vectors: Sequence[Vector], call: ProviderCall) -> tuple[Vector, ...]:
    """Return the vectors when there is one for each input; raises AttemptError otherwise."""
    if len(vectors) != len(asked_vectors(call).inputs):
        raise AttemptError("unavailable", "the provider sent fewer or more vectors than inputs")
    try:
        is_whole = all(map(dimensions_of, vectors))
    except ValueError as error:
        raise AttemptError("unavailable", "the provider sent a vector that is none") from error
    if not is_whole:
        raise AttemptError("unavailable", "the provider sent an empty vector")
    return tuple(vectors)


def estimated_usage(call: ProviderCall) -> TokenUsage:
    """Count ourselves what the provider did not, and say so."""
    asked, model = asked_vectors(call), call.connection.upstream_model
    texts = (given for given in asked.inputs if isinstance(given, str))
    tokens = asked.given_tokens + sum(estimate_tokens(model, given) for given in texts)
    return TokenUsage(tokens, 0, is_estimated=True)
