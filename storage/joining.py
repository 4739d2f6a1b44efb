"""How the segments of a history stay few: which of the newest ones a commit takes into its own.

Every segment costs a group in the table of contents and a hash at every resume, so thousands must not stand side by
side. As in a log-structured store, small ones are joined when there are many, those of like size together: each row is
written again about as often as its history doubles. Owns that choice; reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MOST_SMALL: Final = 32
"""Segments below the full size that may stand beside one another."""

FULL_BYTES: Final = 8 * 2**20
"""What a segment that is left alone has: a chunk."""


def newest_to_join(rows: Sequence[int], added: int, row_bytes: int) -> int:
    """How many of the newest segments the next one takes in; 0 while there are few small ones.

    Args:
        rows: of the segments so far, oldest first.
        added: rows of the next one.
        row_bytes: of a row.

    >>> newest_to_join([1] * 31, 1, 100), newest_to_join([1] * 32, 1, 100), newest_to_join([40, *[1] * 32], 1, 100)
    (0, 32, 32)
    """
    full = max(1, FULL_BYTES // max(1, row_bytes))
    small = 0
    while small < len(rows) and rows[-1 - small] < full:
        small += 1
    if small < MOST_SMALL:
        return 0
    taken, total = 0, added
    while taken < small and total < full:
        size = rows[-1 - taken]
        if taken >= MOST_SMALL // 2 and size > 2 * total:
            break
        taken, total = taken + 1, total + size
    return taken
