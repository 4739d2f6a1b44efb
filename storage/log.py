"""The event log of a run: one JSON object a line, written as things happen.

Owns the line format and a reader that bears a torn line, such as a killed process leaves. Wall-clock times belong here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .layout import LOG
from .limits import LOG_BYTES
from .store import Store


def append(store: Store, event: Mapping[str, Any], *, fresh_line: bool) -> None:
    """Adds one event with the time (UTC) unless it has one.

    Args:
        store: the run's.
        event: strings, numbers (numpy's too), lists and dictionaries; NaN and infinities become strings.
        fresh_line: begins a new line first, in case that an earlier process was stopped within one.
    """
    stamped = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **event}
    line = json.dumps(_plain(stamped), allow_nan=False).encode("ascii") + b"\n"
    store.append(LOG, b"\n" + line if fresh_line else line)


def ends_within_a_line(store: Store) -> bool:
    """Whether the last line was not finished."""
    data = store.read_appended(LOG, 1)
    return data != b"" and not data.endswith(b"\n")


def read(store: Store) -> list[dict[str, Any]]:
    """All events in order (of a log beyond `limits.LOG_BYTES` the last ones); lines that are not whole are left out."""
    events = []
    for line in store.read_appended(LOG, LOG_BYTES).split(b"\n"):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
