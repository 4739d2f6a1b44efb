"""Items and answers as flat tuples of plain values and bytes: what crosses between processes, cheaply.

A dataclass with several small arrays costs a pickler as much as the rest of a call does. Traces, which are large,
stay an array.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from .work import Answer, Tag, WorkItem

Flat: TypeAlias = tuple[Any, ...]


def item_to_wire(item: WorkItem) -> Flat:
    """An item as a tuple."""
    sweeps, weights = item.sweeps.tolist(), item.weights.tobytes()
    return tuple(item.tag), item.kind, item.group, sweeps, weights, item.u.shape, item.u.tobytes(), item.whole


def item_from_wire(flat: Flat) -> WorkItem:
    """The item, bit for bit."""
    tag, kind, group, sweeps, weights, shape, u, whole = flat
    return WorkItem(
        tag=Tag(*tag),
        kind=kind,
        group=group,
        sweeps=np.array(sweeps, np.int64),
        weights=np.frombuffer(weights, np.float64),
        u=np.frombuffer(u, np.float64).reshape(shape),
        whole=whole,
    )


def answer_to_wire(answer: Answer) -> Flat:
    """An answer as a tuple."""
    arrays = [None if a is None else (a.shape, a.tobytes()) for a in (answer.losses, answer.gradient)]
    return tuple(answer.tag), *arrays, answer.traces, answer.receipt, answer.seconds


def answer_from_wire(flat: Flat) -> Answer:
    """The answer, bit for bit."""
    tag, losses, gradient, traces, receipt, seconds = flat
    return Answer(Tag(*tag), _array(losses), _array(gradient), traces, receipt, seconds)


def _array(flat: Flat | None) -> np.ndarray | None:
    return None if flat is None else np.frombuffer(flat[1], np.float64).reshape(flat[0])
