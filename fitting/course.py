"""How far the blocks of a fit are, kept up as they go: the slowest step, how the starts stand, whether all have ended.

Every progress that is looked at asks for it, and there may be a thousand blocks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from .blocks import Block


class Course:
    """Counts of blocks by step, and of starts; every call but `begin` takes constant time.

    ``best`` is the least loss so far, infinite before there is one; ``active``, ``frozen`` and ``quarantined`` are
    numbers of starts.
    """

    def __init__(self) -> None:
        self.slowest = 0
        self.best = math.inf
        self.active = self.frozen = self.quarantined = 0
        self._at: Counter[int] = Counter()
        self._running: set[int] = set()
        self._starts: dict[int, tuple[int, int, int]] = {}

    @property
    def finished(self) -> bool:
        return not self._running

    def begin(self, blocks: Sequence[Block]) -> None:
        """Take the blocks as they are."""
        self._at = Counter(block.step for block in blocks)
        self.slowest = min(self._at)
        self._running = {block.index for block in blocks if not block.finished}
        for block in blocks:
            self.changed(block)

    def changed(self, block: Block) -> None:
        """A block has taken the results of a round."""
        # The best that a block has seen never gets worse.
        self.best = min(self.best, float(np.fmin.reduce(block.best.loss, where=block.present, initial=math.inf)))
        now = int(block.active.sum()), int((block.present & block.frozen).sum()), int(block.quarantined.sum())
        before = self._starts.get(block.index, (0, 0, 0))
        self._starts[block.index] = now
        self.active += now[0] - before[0]
        self.frozen += now[1] - before[1]
        self.quarantined += now[2] - before[2]

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
