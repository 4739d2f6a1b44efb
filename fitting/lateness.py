"""When an item is late: how long its like take, and from that the limits for duplicating it and for ending its worker.

Owns the medians and the rule. What is done about a late item is the dispatcher's.
"""

from __future__ import annotations

import statistics
from collections import deque

from .config import DispatchPolicy
from .workers import Like

_KEPT = 32
_ENOUGH = 3


class Lateness:
    """The median time of the last items of each kind, and what follows from it."""

    def __init__(self, policy: DispatchPolicy) -> None:
        self._policy = policy
        self._last: dict[Like, deque[float]] = {}

    def add(self, like: Like, seconds: float) -> None:
        """An item took so long."""
        self._last.setdefault(like, deque(maxlen=_KEPT)).append(seconds)

    def median(self, like: Like) -> float | None:
        """None before enough were seen to tell."""
        last = self._last.get(like)
        return statistics.median(last) if last is not None and len(last) >= _ENOUGH else None

    def straggler(self, like: Like) -> float | None:
        """Seconds after which an item is duplicated; None: it cannot be told."""
        usual = self.median(like)
        return None if usual is None else max(self._policy.straggler_least, self._policy.straggler_factor * usual)

    def hang(self, like: Like) -> float:
        """Seconds after which a worker is taken to hang."""
        if self._policy.hang is not None:
            return self._policy.hang
        usual = self.median(like)
        if usual is None:
            return self._policy.hang_unknown
        return max(self._policy.hang_least, self._policy.hang_factor * usual)
