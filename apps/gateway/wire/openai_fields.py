"""Fields that all of OpenAI's dialects share. Pure."""

from collections.abc import Mapping
from typing import Any

from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import LONGEST_NAME, LONGEST_USER, mapping, text, texts


def model_of(body: Mapping[str, Any]) -> str:
    """Return the name of an alias or a model, "auto" when none is given."""
    name = text(body, "model", longest=LONGEST_NAME).strip() if "model" in body else "auto"
    if not name:
        raise InvalidRequest("model is the name of an alias or a model", param="model")
    return name


def user_of(body: Mapping[str, Any]) -> str:
    """Return the newer of the two names that OpenAI has for the caller's own user."""
    names = ("safety_identifier", "user")
    users = [text(body, name, longest=LONGEST_USER) for name in names]
    return next(filter(None, users), "")


def tags_of(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags in `metadata.tags`, a list or a comma-separated text."""
    tags = mapping(body, "metadata").get("tags", ())
    return texts(
        {"metadata.tags": tags.split(",") if isinstance(tags, str) else tags}, "metadata.tags"
    )
