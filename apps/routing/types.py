"""What the route manager tells: problems of a draft, and how a publish went."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a draft: an error stops the publish, a warning does not."""

    severity: Literal["error", "warning"]
    subject: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Publication:
    """A publish: its version, and which workers had it within the time allowed."""

    version: int
    acknowledged: tuple[str, ...]
    late: tuple[str, ...]
    milliseconds: int
