"""Workers as Ray actors, one long-lived process per core or GPU.

Owns starting, feeding and losing actors. Whether a lost one is replaced is the state machine's decision; what runs in
an actor is in `ray_worker`, what the cluster has in `ray_cluster`. Answers come by Ray's own threads into a queue, on
which the loop sleeps: nothing is asked again and again, and an answer costs the same whatever the number of workers.
"""

from __future__ import annotations

import contextlib
import queue
import time
import uuid
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayActorError

from ..events import (
    Action,
    Answered,
    Event,
    ItemFailed,
    RoomFor,
    StartWorker,
    StopWorker,
    Submit,
    WorkerJoined,
    WorkerLeaving,
    WorkerLost,
    WorkerNotStarted,
)
from ..problem import Recipe
from ..wire import answer_from_wire, item_to_wire
from ..work import Tag
from .ray_cluster import RayCluster
from .ray_worker import Failed, Place, RayWorker, one_line

_LOOK_AT_CLUSTER_EVERY = 2.0
_SETTLE_EVERY = 0.5
_DOUBT = 20.0
"""Seconds in which Ray should have noticed that the node of an unreachable worker is gone."""


@dataclass(frozen=True)
class _Pending:
    """A call under way: of a worker's "place", its "build", or an item. The future keeps Ray's reference."""

    worker: str
    what: Tag | str
    future: Future[Any]


@dataclass(eq=False)
class _Handle:
    """``overdue_at``: when it is told that the actor does not come up; None: it has, or it has been told.

    ``build_until``: when a build that is still under way is given up.
    """

    actor: Any
    overdue_at: float | None
    build_until: float | None = None
    place: Place | None = None
    calls: set[int] = field(default_factory=set)
    leaving: bool = False


@dataclass(frozen=True)
class _Doubt:
    """A worker that cannot be reached: whether its process failed or its machine went shows within some seconds."""

    worker: str
    node: str
    until: float
    detail: str


class RayExecutor:
    """Actors on the Ray cluster that this process is connected to.

    The recipe is put into Ray's store once, and fetched once by each node. ``environment`` is set in each actor's
    process before anything is imported (see `worker_environment`). More workers than there is room for wait, and are
    started when nodes join. That is told once: after ``await_nodes`` seconds when the fit begins, after ``patience``
    seconds once workers have been lost, and likewise where others hold the resources. With ``elastic`` none waits: the
    room is told whenever it changes. ``close`` ends the actors and leaves Ray as it was.

    Raises:
        RuntimeError: this process is not connected to Ray.
    """

    def __init__(
        self,
        recipe: Recipe,
        environment: Mapping[str, str],
        *,
        cpus_per_worker: float = 1.0,
        gpus_per_worker: float = 0.0,
        name: str = "fit",
        patience: float = 120.0,
        build_patience: float = 3600.0,
        await_nodes: float = 0.0,
        elastic: bool = False,
    ) -> None:
        if not ray.is_initialized():
            raise RuntimeError("connect to Ray first: ray.init() here, or ray.init(address=...) to a cluster")
        self._recipe = ray.put(recipe)
        self._cluster = RayCluster(cpus_per_worker, gpus_per_worker)
        self._gpus = gpus_per_worker
        self._patience, self._build_patience = patience, build_patience
        self._await_nodes = await_nodes
        self._told_waiting = False
        self._elastic = elastic
        self._prefix = f"{name}-{uuid.uuid4().hex[:6]}"
        self._actor_class: Any = ray.remote(RayWorker)
        self._options: dict[str, Any] = {
            "num_cpus": cpus_per_worker,
            "num_gpus": gpus_per_worker,
            "max_restarts": 0,
            "max_task_retries": 0,
            "runtime_env": {"env_vars": dict(environment)},
        }
        self._handles: dict[str, _Handle] = {}
        self._pending: dict[int, _Pending] = {}
        self._arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._events: deque[Event] = deque()
        self._workers = self._calls = 0
        self._lost_any = False
        self._without_room: list[float | None] = []
        """When it is told that a worker found no room; None: it has been told."""
        self._looked = time.monotonic()
        self._told_room = self._cluster.room()
        self._doubts: list[_Doubt] = []

    def submit(self, action: Action) -> None:
        match action:
            case StartWorker():
                now = time.monotonic()
                tell_at = now + (self._patience if self._lost_any else self._await_nodes)
                if None in self._without_room:  # the state machine asks again for one of which it was told
                    self._without_room[self._without_room.index(None)] = tell_at
                else:
                    self._without_room.append(tell_at)
                self._start_where_room()
                if self._without_room and self._await_nodes and not self._told_waiting:
                    self._told_waiting = True
                    detail = f"waiting up to {self._await_nodes:.0f} s for machines: {self._cluster.no_room()}"
                    self._events.append(WorkerNotStarted(detail, retry=False, awaited=True))
            case Submit(worker, item):
                handle = self._handles.get(worker)
                if handle is not None:
                    self._call(worker, item.tag, handle.actor.perform.remote(item_to_wire(item)))
            case StopWorker(worker, forget):
                if worker in self._handles:
                    self._end(worker)
                    if not forget:
                        self._events.append(WorkerLost(worker, preempted=False, detail="ended by the coordinator"))

    def next_event(self, timeout: float) -> Event | None:
        until = time.monotonic() + timeout
        while not self._events:
            now = time.monotonic()
            self._look_around(now)
            left = until - now
            if self._events or left <= 0.0:
                break
            step = min(left, _SETTLE_EVERY if self._doubts else _LOOK_AT_CLUSTER_EVERY)
            with contextlib.suppress(queue.Empty):
                self._take(self._arrived.get(timeout=step))
        return self._events.popleft() if self._events else None

    def close(self) -> None:
        for worker in list(self._handles):
            self._end(worker)
        self._events.clear()
        self._doubts.clear()
        self._without_room.clear()

    # -- calls and what comes of them ----------------------------------------------------------------------------------

    def _call(self, worker: str, what: Tag | str, reference: ray.ObjectRef) -> None:
        self._calls += 1
        number, arrived = self._calls, self._arrived
        future: Future[Any] = reference.future()
        self._pending[number] = _Pending(worker, what, future)
        self._handles[worker].calls.add(number)
        future.add_done_callback(lambda _: arrived.put(number))

    def _take(self, number: int) -> None:
        pending = self._pending.pop(number, None)
        if pending is None:  # its worker was given up
            return
        worker, handle = pending.worker, self._handles[pending.worker]
        handle.calls.discard(number)
        try:
            value = pending.future.result()
        except Exception as error:  # Ray's, or our own code in the actor failed outside its guards
            self._lose(pending, error)
        else:
            if isinstance(pending.what, Tag):
                if isinstance(value, Failed):
                    self._events.append(ItemFailed(worker, pending.what, value.detail, value.out_of_memory))
                else:
                    self._events.append(Answered(worker, answer_from_wire(value)))
            elif pending.what == "place":
                self._placed(worker, handle, value)
            else:
                self._built(worker, handle, value)

    def _placed(self, worker: str, handle: _Handle, place: Place) -> None:
        handle.overdue_at, handle.place = None, place
        if place.fault:
            self._fail_start(worker, place.fault)
        else:
            handle.build_until = time.monotonic() + self._build_patience
            self._call(worker, "build", handle.actor.build.remote(self._recipe))

    def _built(self, worker: str, handle: _Handle, fault: str) -> None:
        handle.build_until = None
        if fault:
            self._fail_start(worker, fault)
        else:
            assert handle.place is not None
            self._events.append(WorkerJoined(worker, handle.place.device, handle.place.machine))

    def _fail_start(self, worker: str, detail: str) -> None:
        self._end(worker)
        self._events.append(WorkerNotStarted(detail))

    def _lose(self, pending: _Pending, error: Exception) -> None:
        worker, place = pending.worker, self._handles[pending.worker].place
        detail = _reason(error)
        self._end(worker)
        self._lost_any = True
        if not isinstance(pending.what, Tag):
            self._events.append(WorkerNotStarted(detail))
        elif isinstance(error, ActorUnavailableError) and place is not None:
            self._doubts.append(_Doubt(worker, place.node, time.monotonic() + _DOUBT, detail))
        else:
            memory = isinstance(error, OutOfMemoryError) or "low on memory" in str(error)
            self._events.append(WorkerLost(worker, _is_preemption(error), detail, out_of_memory=memory))

    def _end(self, worker: str) -> None:
        handle = self._handles.pop(worker)
        for number in handle.calls:
            del self._pending[number]
        ray.kill(handle.actor, no_restart=True)

    # -- the cluster ---------------------------------------------------------------------------------------------------

    def _look_around(self, now: float) -> None:
        if now - self._looked >= _LOOK_AT_CLUSTER_EVERY:
            self._looked = now
            self._look_at_nodes()
        if self._without_room:
            self._tell_no_room(now)
        if self._doubts:
            self._settle_doubts(now)

    def _look_at_nodes(self) -> None:
        if self._without_room:
            self._start_where_room()
        now = time.monotonic()
        for worker, handle in list(self._handles.items()):
            if handle.overdue_at is not None and now >= handle.overdue_at:
                handle.overdue_at = None
                detail = f"{worker} has not come up in {self._patience:.0f} s; are the cluster's resources in use?"
                self._events.append(WorkerNotStarted(detail, retry=False))
            if handle.build_until is not None and now >= handle.build_until:
                self._fail_start(worker, f"{worker} has not built its problem in {self._build_patience:.0f} s")
        leaving = self._cluster.draining()
        for worker, handle in self._handles.items():
            if handle.place is not None and handle.place.node in leaving and not handle.leaving:
                handle.leaving = True
                self._events.append(WorkerLeaving(worker, f"{handle.place.machine} is being taken away"))
        if self._elastic and (room := self._cluster.room()) != self._told_room:
            self._told_room = room
            self._events.append(RoomFor(room))

    def _start_where_room(self) -> None:
        room = self._cluster.room()
        while self._without_room and sum(not h.leaving for h in self._handles.values()) < room:
            self._without_room.pop(0)
            self._workers += 1
            worker = f"{self._prefix}-{self._workers}"
            actor = self._actor_class.options(name=worker, **self._options).remote()
            self._handles[worker] = _Handle(actor, time.monotonic() + self._patience)
            self._call(worker, "place", actor.place.remote(self._gpus > 0.0))

    def _tell_no_room(self, now: float) -> None:
        for i, tell_at in enumerate(self._without_room):
            if tell_at is not None and now >= tell_at:
                self._without_room[i] = None
                self._events.append(WorkerNotStarted(self._cluster.no_room(), retry=False))
        if self._elastic:
            self._without_room = [tell_at for tell_at in self._without_room if tell_at is not None]

    def _settle_doubts(self, now: float) -> None:
        alive = self._cluster.alive()
        for doubt in list(self._doubts):
            gone = doubt.node not in alive
            if gone or now >= doubt.until:
                self._doubts.remove(doubt)
                detail = "its node has died" if gone else doubt.detail
                self._events.append(WorkerLost(doubt.worker, preempted=gone, detail=detail))


def _is_preemption(error: Exception) -> bool:
    """Whether the worker's machine went, rather than its process."""
    return bool(getattr(error, "preempted", False)) or "node has died" in str(error)


def _reason(error: Exception) -> str:
    """The telling line of Ray's long messages about actors: after the table of the actor's names."""
    # A traceback of today's Python underlines its code; that is not what went wrong.
    lines = [line for line in str(error).splitlines() if line.strip(" ^~")]
    told = [line.strip() for line in lines[1:] if not line.startswith("\t")]
    if isinstance(error, OutOfMemoryError) and lines:
        return f"memory ran out: {lines[0].strip()}"[:300]
    return told[0][:300] if isinstance(error, RayActorError) and told else one_line(error)
