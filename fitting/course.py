"""How far the blocks of a fit are, kept up as they go: the slowest step, and whether all have ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .blocks import Block


class Course:
    """Counts of blocks by step; every call but `begin` takes constant time."""

    def __init__(self) -> None:
        self.slowest = 0
        self._at: Counter[int] = Counter()
        self._running: set[int] = set()

    @property
    def finished(self) -> bool:
        return not self._running

    def begin(self, blocks: Sequence[Block]) -> None:
        """Take the blocks as they are."""
        self._at = Counter(block.step for block in blocks)
        self.slowest = min(self._at)
        self._running = {block.index for block in blocks if not block.finished}

    def moved(self, before: int, after: int) -> None:
        """A block went from one step to a later one."""
        self._at[after] += 1
        self._at[before] -= 1
        if not self._at[before]:
            del self._at[before]
            while self.slowest not in self._at:
                self.slowest += 1

    def end(self, block: int) -> None:
        """A block has finished."""
        self._running.discard(block)
