"""Names the health that a decision was made with, and tells each state to the log once."""

from collections import OrderedDict
from typing import Any

from apps.routing.engine.types import Health
from apps.routing.logged_health import health_id, health_record

# Telling a state again does no harm, so only the latest need be remembered.
REMEMBERED = 10_000


class HealthLog:
    """What this process has told; the books keep one row for each id, whoever tells it."""

    def __init__(self) -> None:
        self._last: tuple[Health, str, dict[str, Any]] | None = None
        self._told: OrderedDict[str, None] = OrderedDict()

    def id_of(self, health: Health) -> str:
        """Return the id under which a health is logged."""
        return self._described(health)[1]

    def news_of(self, health: Health) -> dict[str, Any]:
        """Return the record of a health the first time it is asked for, then an empty one."""
        _health, id_, record = self._described(health)
        is_new = id_ not in self._told
        self._told[id_] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return record if is_new else {}

    def clear(self) -> None:
        """Forget what was told (tests)."""
        self._last = None
        self._told.clear()

    def _described(self, health: Health) -> tuple[Health, str, dict[str, Any]]:
        # A health is frozen and replaced by each change, so the same object is the same state.
        if self._last is None or self._last[0] is not health:
            record = health_record(health)
            self._last = health, health_id(record), record
        return self._last


health_log = HealthLog()
