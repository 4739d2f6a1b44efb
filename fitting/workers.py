"""The workers that are up, by machine: what each holds, who may take more, who has been at one item longest.

Owns no decisions about faults; those are the dispatcher's. Every call takes constant time, but those about a whole
machine (`reserve`, `release`, `limit`), which are rare, and `emptiest`.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .rounds import Round
from .work import Tag


@dataclass(eq=False)
class Task:
    """Lanes of a chunk of a round on their way to an answer; ``runners`` are the workers that hold it now.

    ``strikes`` counts failures since the task was last cut, ``charged`` those of it and of the tasks it was cut from.
    ``alone``: it is to run with nothing else on its machine. ``crowd``: the machine on which memory ran out under it,
    and how many items ran there. ``failed_on``: the worker in which it last raised an exception.
    """

    round: Round
    chunk: int
    lanes: tuple[int, ...]
    strikes: int = 0
    charged: int = 0
    runners: set[str] = field(default_factory=set)
    alone: bool = False
    crowd: tuple[str, int] | None = None
    failed_on: str = ""

    def missing(self) -> tuple[int, ...]:
        return self.round.missing(self.chunk, self.lanes)


class Like(NamedTuple):
    """Items alike in this take about as long; the first of a kind on a worker is compiled there, ``warm`` ones not."""

    kind: str
    group: int
    warm: bool


@dataclass(eq=False)
class Node:
    """A machine. ``shared_until``: when it last ran more than one item at once, infinite while it does.

    ``at_once``: most items that it runs at once, where memory has set a limit. ``reserved``: the task that it is kept
    free for.
    """

    name: str
    at_once: int | None = None
    workers: dict[str, Worker] = field(default_factory=dict)
    busy: int = 0
    shared_until: float = -math.inf
    reserved: Task | None = None


@dataclass(eq=False)
class Worker:
    """A worker and its items in the order given; the first is the one being computed, since ``head_since``.

    ``closed``: it gets nothing more. ``ending``: why it was told to end.
    """

    name: str
    node: Node
    flight: OrderedDict[Tag, Task] = field(default_factory=OrderedDict)
    head_since: float = 0.0
    closed: bool = False
    ending: str = ""
    like: Like | None = None
    """Of the item being computed."""
    warm: set[tuple[str, int]] = field(default_factory=set)
    bucket: int | None = None

    @property
    def load(self) -> int:
        return len(self.flight)


class Taken(NamedTuple):
    """An item that a worker no longer has: how long it was computed, if it was the first in line, and what like."""

    task: Task
    seconds: float | None
    like: Like | None


class Fleet:
    """Workers by load, in the order in which they came to have it, and by what they compute, longest at it first."""

    def __init__(self, in_flight: int) -> None:
        self._workers: dict[str, Worker] = {}
        self._nodes: dict[str, Node] = {}
        self._limits: dict[str, int] = {}
        self._with_room: list[OrderedDict[str, None]] = [OrderedDict() for _ in range(in_flight)]
        self._heads: dict[Like, OrderedDict[str, Worker]] = {}
        self.reserved: dict[str, Node] = {}

    def __len__(self) -> int:
        return len(self._workers)

    def __iter__(self) -> Iterator[Worker]:
        return iter(self._workers.values())

    @property
    def heads(self) -> Mapping[Like, Mapping[str, Worker]]:
        """Workers by the kind of the item they compute, the one longest at it first."""
        return self._heads

    def get(self, name: str) -> Worker | None:
        return self._workers.get(name)

    def join(self, name: str, node: str = "") -> None:
        """A worker on a machine; one without a name is a machine of its own."""
        where = node or name
        if where not in self._nodes:
            self._nodes[where] = Node(where, self._limits.get(where))
        worker = Worker(name, self._nodes[where])
        self._workers[name] = worker
        worker.node.workers[name] = worker
        self._place(worker)

    def remove(self, name: str, now: float) -> Worker | None:
        """The worker with its flight, no longer of the fleet; None when there is none of this name."""
        worker = self._workers.pop(name, None)
        if worker is None:
            return None
        node = worker.node
        self._unplace(worker)
        self._leave_head(worker)
        worker.closed = True
        del node.workers[name]
        if worker.flight:
            self._less_busy(node, now)
        if not node.workers:
            del self._nodes[node.name]
            self.reserved.pop(node.name, None)
        return worker

    def roomiest(self) -> Worker | None:
        """The worker with the fewest items, if one may take more."""
        for bucket in self._with_room:
            if bucket:
                return self._workers[next(iter(bucket))]
        return None

    def idle(self) -> Worker | None:
        """A worker that has nothing and may take something."""
        bucket = self._with_room[0]
        return self._workers[next(iter(bucket))] if bucket else None

    def give(self, worker: Worker, tag: Tag, task: Task, now: float) -> None:
        was_idle = not worker.flight
        worker.flight[tag] = task
        task.runners.add(worker.name)
        if was_idle:
            self._enter_head(worker, now)
            node = worker.node
            node.busy += 1
            if node.busy > 1:
                node.shared_until = math.inf
            self._busy_changed(node)
        self._place(worker)

    def take_back(self, worker: Worker, tag: Tag, now: float) -> Taken | None:
        """Remove an item from a worker; None if it has no such item."""
        task = worker.flight.get(tag)
        if task is None:
            return None
        seconds, like = None, None
        if next(iter(worker.flight)) == tag:
            seconds, like = now - worker.head_since, worker.like
            self._leave_head(worker)
        del worker.flight[tag]
        task.runners.discard(worker.name)
        if worker.flight:
            if seconds is not None:
                self._enter_head(worker, now)
        else:
            self._less_busy(worker.node, now)
        self._place(worker)
        return Taken(task, seconds, like)

    def warmed(self, worker: Worker, like: Like) -> None:
        """The worker has done an item of this kind: it is compiled there."""
        worker.warm.add((like.kind, like.group))

    def close(self, worker: Worker, ending: str = "") -> None:
        """Give it nothing more; ``ending`` when it is ended at once."""
        worker.closed = True
        worker.ending = ending
        self._unplace(worker)

    def alone(self, worker: Worker) -> bool:
        """Whether nothing else ran on the worker's machine while it computed its first item."""
        return worker.node.busy <= 1 and worker.node.shared_until <= worker.head_since

    # -- machines ------------------------------------------------------------------------------------------------------

    def emptiest(self) -> Node | None:
        """The machine with the fewest busy workers that is not reserved and has one that may be given something."""
        free = (n for n in self._nodes.values() if n.reserved is None and any(not w.closed for w in n.workers.values()))
        return min(free, key=lambda node: node.busy, default=None)

    def reserve(self, node: Node, task: Task) -> None:
        """Keep a machine free for one task."""
        node.reserved = task
        self.reserved[node.name] = node
        self._refresh(node)

    def release(self, node: Node) -> None:
        node.reserved = None
        self.reserved.pop(node.name, None)
        self._refresh(node)

    def limit(self, name: str, at_once: int) -> None:
        """Run at most so many items at once on a machine, also when it comes back."""
        self._limits[name] = min(at_once, self._limits.get(name, at_once))
        node = self._nodes.get(name)
        if node is not None:
            node.at_once = self._limits[name]
            self._refresh(node)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _less_busy(self, node: Node, now: float) -> None:
        node.busy -= 1
        if node.busy == 1:
            node.shared_until = now
        self._busy_changed(node)

    def _busy_changed(self, node: Node) -> None:
        if node.at_once is not None:
            self._refresh(node)

    def _refresh(self, node: Node) -> None:
        for worker in node.workers.values():
            self._place(worker)

    def _may_take(self, worker: Worker) -> bool:
        node = worker.node
        if worker.closed or node.reserved is not None or worker.load >= len(self._with_room):
            return False
        return node.at_once is None or worker.load > 0 or node.busy < node.at_once

    def _place(self, worker: Worker) -> None:
        """To the end of the bucket where it belongs now; where it is already it keeps its place."""
        wanted = worker.load if self._may_take(worker) else None
        if wanted != worker.bucket:
            self._unplace(worker)
            if wanted is not None:
                self._with_room[wanted][worker.name] = None
                worker.bucket = wanted

    def _unplace(self, worker: Worker) -> None:
        if worker.bucket is not None:
            del self._with_room[worker.bucket][worker.name]
            worker.bucket = None

    def _enter_head(self, worker: Worker, now: float) -> None:
        tag = next(iter(worker.flight))
        task = worker.flight[tag]
        chunk = task.round.chunks[task.chunk]
        worker.head_since = now
        worker.like = Like(chunk.kind, chunk.group, (chunk.kind, chunk.group) in worker.warm)
        # Time only goes on, so that each of these stays in the order of `head_since`.
        self._heads.setdefault(worker.like, OrderedDict())[worker.name] = worker

    def _leave_head(self, worker: Worker) -> None:
        if worker.like is not None:
            del self._heads[worker.like][worker.name]
            worker.like = None
