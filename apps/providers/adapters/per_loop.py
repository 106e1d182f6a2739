"""Clients belong to the event loop that made them: a small cache for each loop."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from weakref import WeakKeyDictionary


class PerLoop[T]:
    """Keeps at most `size` things per running event loop; the least used one is dropped."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: WeakKeyDictionary[asyncio.AbstractEventLoop, OrderedDict[Hashable, T]] = (
            WeakKeyDictionary()
        )

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return what is kept under the key, building it the first time."""
        kept = self._kept.setdefault(asyncio.get_running_loop(), OrderedDict())
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
        while len(kept) >= self._size:
            kept.popitem(last=False)
        kept[key] = build()
        return kept[key]

    def take_all(self) -> list[T]:
        """Give up what this loop keeps, for closing."""
        return list(self._kept.pop(asyncio.get_running_loop(), OrderedDict()).values())
