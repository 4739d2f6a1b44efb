"""What happens to a state machine (events) and what it wants done (actions): plain data, no behaviour.

Executors turn actions into deeds and deeds into events. Time comes with the event, as a number that the caller gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .work import Answer, Tag, WorkItem


@dataclass(frozen=True)
class WorkerJoined:
    """A worker has built its problem and waits for items; ``device`` is its class ("cpu:..." or "gpu:...").

    ``node`` names its machine, whose memory it shares with the other workers there; "": a machine of its own.
    """

    worker: str
    device: str
    node: str = ""


@dataclass(frozen=True)
class WorkerLeaving:
    """A worker's machine will be taken away soon: it is to get nothing more, and finishes what it has if it can."""

    worker: str
    detail: str


@dataclass(frozen=True)
class WorkerLost:
    """A worker that had joined is gone, with all its items; ``preempted`` when its machine was taken away.

    ``out_of_memory``: its process was ended because memory ran out.
    """

    worker: str
    preempted: bool
    detail: str
    out_of_memory: bool = False


@dataclass(frozen=True)
class WorkerNotStarted:
    """A worker that was asked for did not come up.

    ``retry`` False: another attempt makes no sense now (no resources); the executor starts it when it can. ``awaited``:
    machines are on their way, so that it is still to be reckoned with.
    """

    detail: str
    retry: bool = True
    awaited: bool = False


@dataclass(frozen=True, eq=False)
class Answered:
    """An answer has come, perhaps late or for the second time."""

    worker: str
    answer: Answer


@dataclass(frozen=True)
class ItemFailed:
    """An item raised an exception (``out_of_memory``: that memory ran out); its worker goes on."""

    worker: str
    tag: Tag
    detail: str
    out_of_memory: bool = False


@dataclass(frozen=True)
class RoomFor:
    """The cluster has room for so many workers in all."""

    workers: int


@dataclass(frozen=True)
class Tick:
    """Nothing came for a while."""


Event: TypeAlias = WorkerJoined | WorkerLeaving | WorkerLost | WorkerNotStarted | RoomFor | Answered | ItemFailed | Tick


@dataclass(frozen=True)
class StartWorker:
    """Start one more worker."""


@dataclass(frozen=True)
class StopWorker:
    """End a worker at once, whatever it does; `WorkerLost` follows unless ``forget``."""

    worker: str
    forget: bool = False


@dataclass(frozen=True, eq=False)
class Submit:
    """Have ``worker`` compute ``item`` after those it already has."""

    worker: str
    item: WorkItem


@dataclass(frozen=True)
class Report:
    """Something for the log: a short fixed ``kind``, a sentence, and its facts as JSON-able data."""

    kind: str
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)


Action: TypeAlias = StartWorker | StopWorker | Submit | Report
