"""Rule records as releases hold them, with what earlier releases lack or wrote otherwise. Pure."""

from collections.abc import Mapping
from typing import Any

DEFAULTS: Mapping[str, Any] = {
    "key": "",
    "is_locked": False,
    "is_default": False,
    "active_from_ms": None,
    "active_until_ms": None,
    "arms": [],
    "strategy": "priority",
    "price_weight": 50,
    "affinity": "",
    "unit": "request",
    "parameters": {},
    "add_tags": [],
    "regions": [],
    "data_class": "",
    "price_cap": None,
    "latency_cap_ms": None,
    "allow_unknown": False,
    "first_token_timeout_ms": None,
    "total_timeout_ms": None,
    "max_attempts": None,
    "on_content_filter": "",
    "on_unsupported": "",
}


def modern_rule(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with every field, as a publish would write it today."""
    targets = [
        {"model": target, "weight": 1} if isinstance(target, str) else target
        for target in record["targets"]
    ]
    return {**DEFAULTS, **record, "targets": targets}
