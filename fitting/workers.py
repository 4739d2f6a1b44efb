"""The workers that are up: what each holds, who has room, and how long items of a kind take.

Owns no decisions about faults; those are the dispatcher's.
"""

from __future__ import annotations

import statistics
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from .rounds import Round
from .work import Tag


@dataclass(eq=False)
class Task:
    """Lanes of a chunk of a round on their way to an answer; ``runners`` are the workers that hold it now.

    ``strikes`` counts failures since the task was last cut, ``charged`` those of it and of the tasks it was cut from.
    """

    round: Round
    chunk: int
    lanes: tuple[int, ...]
    strikes: int = 0
    charged: int = 0
    runners: set[str] = field(default_factory=set)

    @property
    def like(self) -> tuple[str, int]:
        """Items alike in this take about as long."""
        chunk = self.round.chunks[self.chunk]
        return chunk.kind, chunk.group

    def missing(self) -> tuple[int, ...]:
        return self.round.missing(self.chunk, self.lanes)


@dataclass(eq=False)
class Worker:
    """A worker and its items in the order given; the first is the one being computed, since ``head_since``."""

    name: str
    flight: OrderedDict[Tag, Task] = field(default_factory=OrderedDict)
    head_since: float = 0.0
    stopping: bool = False

    @property
    def load(self) -> int:
        return len(self.flight)


class Fleet:
    """Workers by load, in the order in which they came to have it. Every call takes constant time."""

    def __init__(self, in_flight: int) -> None:
        self._workers: dict[str, Worker] = {}
        self._with_room: list[OrderedDict[str, None]] = [OrderedDict() for _ in range(in_flight)]

    def __len__(self) -> int:
        return len(self._workers)

    def __iter__(self) -> Iterator[Worker]:
        return iter(self._workers.values())

    def get(self, name: str) -> Worker | None:
        return self._workers.get(name)

    def join(self, name: str) -> None:
        self._workers[name] = Worker(name)
        self._with_room[0][name] = None

    def remove(self, name: str) -> Worker | None:
        worker = self._workers.pop(name, None)
        if worker is not None:
            self._leave_bucket(worker)
        return worker

    def roomiest(self) -> Worker | None:
        """The worker with the fewest items, if one has room."""
        for bucket in self._with_room:
            if bucket:
                return self._workers[next(iter(bucket))]
        return None

    def idle(self) -> Worker | None:
        bucket = self._with_room[0]
        return self._workers[next(iter(bucket))] if bucket else None

    def give(self, worker: Worker, tag: Tag, task: Task, now: float) -> None:
        self._leave_bucket(worker)
        if not worker.flight:
            worker.head_since = now
        worker.flight[tag] = task
        task.runners.add(worker.name)
        self._enter_bucket(worker)

    def take_back(self, worker: Worker, tag: Tag, now: float) -> tuple[Task, float] | None:
        """Remove an item from a worker, with the time since it was first in line; None if it has no such item."""
        if tag not in worker.flight:
            return None
        self._leave_bucket(worker)
        took = now - worker.head_since
        task = worker.flight.pop(tag)
        task.runners.discard(worker.name)
        worker.head_since = now
        self._enter_bucket(worker)
        return task, took

    def stop(self, worker: Worker) -> None:
        """Give it nothing more."""
        self._leave_bucket(worker)
        worker.stopping = True

    def _leave_bucket(self, worker: Worker) -> None:
        if worker.load < len(self._with_room):
            self._with_room[worker.load].pop(worker.name, None)

    def _enter_bucket(self, worker: Worker) -> None:
        if worker.load < len(self._with_room) and not worker.stopping:
            self._with_room[worker.load][worker.name] = None


class Durations:
    """The median time of the last items of each kind and group."""

    _KEPT = 32
    _ENOUGH = 3

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], deque[float]] = {}

    def add(self, like: tuple[str, int], seconds: float) -> None:
        self._last.setdefault(like, deque(maxlen=self._KEPT)).append(seconds)

    def median(self, like: tuple[str, int]) -> float | None:
        """None before enough were seen to tell."""
        last = self._last.get(like)
        return statistics.median(last) if last is not None and len(last) >= self._ENOUGH else None
