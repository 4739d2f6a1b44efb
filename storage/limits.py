"""How much the readers of a run take: every limit, each with its reason.

What lies beyond one of them is refused in one line, before memory is spent on it. They are generous for what a fit
writes; the chunks of its arrays have 16 MB at most (see `encode`).
"""

from __future__ import annotations

import os
from typing import Final

KEY_BYTES: Final = 2**30
"""One key. The largest are the table of contents in the zarr root (a kilobyte for each array) and the log."""

LOG_BYTES: Final = 2**26
"""Of the log only the last so many bytes are read: some 300,000 events."""

DEPTH: Final = 64
"""Nesting of a JSON document. Trees and attributes are stored to a depth of 32."""

_GROUP_BYTES: Final = 2**34
"""Decoded arrays of one group: traces of eight starts of two hours at 50 kHz have 12 GB in float32."""


def group_bytes() -> int:
    """Most bytes that the arrays of one group may have when decoded: no more than this machine has memory."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return _GROUP_BYTES
    return min(_GROUP_BYTES, memory)
