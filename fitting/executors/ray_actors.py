"""Workers as Ray actors, one long-lived process per core or GPU. The only file of the project that imports Ray's core.

Owns starting, placing, feeding and losing actors. Whether a lost one is replaced is the state machine's decision.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError, RayTaskError

from ..device import device_class
from ..events import (
    Action,
    Answered,
    Event,
    ItemFailed,
    StartWorker,
    StopWorker,
    Submit,
    WorkerJoined,
    WorkerLost,
    WorkerNotStarted,
)
from ..problem import Problem, Recipe, build
from ..work import Answer, Tag, WorkItem, perform

_LOOK_FOR_ROOM_EVERY = 2.0
_LOOK_AT_NODES_EVERY = 0.5
_DOUBT = 20.0
"""Seconds in which Ray should have noticed that the node of an unreachable worker is gone."""


class _Actor:
    """What runs in the worker's process. Faults come back as text: an exception's class may not exist elsewhere."""

    def __init__(self) -> None:
        self._problem: Problem | None = None

    def device(self, needs_gpu: bool) -> tuple[str, str, str]:
        """The device class, the node, and "" or what is wrong."""
        node = ray.get_runtime_context().get_node_id()
        try:
            device = device_class()
        except RuntimeError as error:  # JAX could not open the platform it was told to use
            return "", node, f"no device: {_one_line(error)}"
        if needs_gpu and device.startswith("cpu:"):
            fault = "gpus_per_worker is above 0 but JAX sees no GPU; install jax[cuda12] and check nvidia-smi"
            return device, node, fault
        return device, node, ""

    def build(self, recipe: Recipe) -> str:
        """Build the problem; "" or what went wrong."""
        try:
            self._problem = build(recipe)
        except Exception as error:  # told to the coordinator, which decides
            return f"the problem cannot be built: {_one_line(error)}"
        return ""

    def perform(self, item: WorkItem) -> Answer | str:
        """The answer, or what went wrong."""
        assert self._problem is not None
        try:
            return perform(self._problem, item)
        except Exception as error:  # told to the coordinator, which decides
            return _one_line(error)


@dataclass(frozen=True)
class _Pending:
    """What a reference stands for: a worker's "device", its "build", or an item."""

    worker: str
    what: Tag | str


@dataclass(eq=False)
class _Handle:
    actor: Any
    overdue_at: float | None
    """When it is told that the actor does not come up; None: it has, or it has been told."""
    device: str = ""
    node: str = ""


@dataclass(frozen=True)
class _Doubt:
    """A worker that cannot be reached: whether its process failed or its machine went shows within some seconds."""

    worker: str
    node: str
    until: float
    detail: str


class RayExecutor:
    """Actors on the Ray cluster that this process is connected to.

    ``environment`` is set in each actor's process before anything is imported (see `worker_environment`). More
    workers than there is room for wait, and are started when nodes join. That is told once: immediately when the fit
    begins, after ``patience`` seconds once workers have been lost, and likewise where others hold the resources.
    ``close`` ends the actors and leaves Ray as it was.

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
    ) -> None:
        if not ray.is_initialized():
            raise RuntimeError("connect to Ray first: ray.init() here, or ray.init(address=...) to a cluster")
        self._recipe = recipe
        self._cpus, self._gpus = cpus_per_worker, gpus_per_worker
        self._patience = patience
        self._prefix = f"{name}-{uuid.uuid4().hex[:6]}"
        self._actor_class: Any = ray.remote(_Actor)
        self._options: dict[str, Any] = {
            "num_cpus": cpus_per_worker,
            "num_gpus": gpus_per_worker,
            "max_restarts": 0,
            "max_task_retries": 0,
            "runtime_env": {"env_vars": dict(environment)},
        }
        self._handles: dict[str, _Handle] = {}
        self._pending: dict[ray.ObjectRef, _Pending] = {}
        self._events: deque[Event] = deque()
        self._counter = 0
        self._lost_any = False
        self._without_room: list[float | None] = []
        """When it is told that a worker found no room; None: it has been told."""
        self._looked_for_room = 0.0
        self._doubts: list[_Doubt] = []

    def submit(self, action: Action) -> None:
        match action:
            case StartWorker():
                now = time.monotonic()
                self._without_room.append(now + self._patience if self._lost_any else now)
                self._start_where_room()
            case Submit(worker, item):
                handle = self._handles.get(worker)
                if handle is not None:
                    self._pending[handle.actor.perform.remote(item)] = _Pending(worker, item.tag)
            case StopWorker(worker, forget):
                handle = self._handles.get(worker)
                if handle is not None:
                    self._forget(worker)
                    ray.kill(handle.actor, no_restart=True)
                    if not forget:
                        self._events.append(WorkerLost(worker, preempted=False, detail="ended by the coordinator"))

    def next_event(self, timeout: float) -> Event | None:
        until = time.monotonic() + timeout
        while not self._events:
            now = time.monotonic()
            self._look_after_starts(now)
            self._settle_doubts(now)
            left = until - now
            if self._events or left <= 0.0:
                break
            step = min(left, _LOOK_FOR_ROOM_EVERY) if self._without_room else left
            step = min(step, _LOOK_AT_NODES_EVERY) if self._doubts else step
            if not self._pending:
                time.sleep(min(step, 0.1))
                continue
            ready, _ = ray.wait(list(self._pending), num_returns=1, timeout=step)
            if ready:
                # One more look takes all that is there, so that a round trip is not paid for each.
                ready, _ = ray.wait(list(self._pending), num_returns=len(self._pending), timeout=0)
                for reference in ready:
                    self._take(reference)
        return self._events.popleft() if self._events else None

    def close(self) -> None:
        for handle in self._handles.values():
            ray.kill(handle.actor, no_restart=True)
        self._handles.clear()
        self._pending.clear()
        self._events.clear()
        self._doubts.clear()
        self._without_room.clear()

    def _take(self, reference: ray.ObjectRef) -> None:
        pending = self._pending.pop(reference, None)
        if pending is None:  # its worker was given up within this round
            return
        handle = self._handles[pending.worker]
        try:
            value = ray.get(reference)
        except RayTaskError as error:  # our own code in the actor failed outside its guards
            self._lose(pending, preempted=False, detail=_one_line(error.cause))
            return
        except RayError as error:
            unreachable = isinstance(error, ActorUnavailableError)
            self._lose(pending, preempted=_is_preemption(error), detail=_reason(error), in_doubt=unreachable)
            return
        if pending.what == "device":
            handle.overdue_at = None
            handle.device, handle.node, fault = value
            if fault:
                self._fail_start(pending.worker, fault)
            else:
                self._pending[handle.actor.build.remote(self._recipe)] = _Pending(pending.worker, "build")
        elif pending.what == "build":
            if value:
                self._fail_start(pending.worker, value)
            else:
                self._events.append(WorkerJoined(pending.worker, handle.device))
        elif isinstance(value, Answer):
            self._events.append(Answered(pending.worker, value))
        else:
            assert isinstance(pending.what, Tag)
            self._events.append(ItemFailed(pending.worker, pending.what, value))

    def _fail_start(self, worker: str, detail: str) -> None:
        ray.kill(self._handles[worker].actor, no_restart=True)
        self._forget(worker)
        self._events.append(WorkerNotStarted(detail))

    def _lose(self, pending: _Pending, *, preempted: bool, detail: str, in_doubt: bool = False) -> None:
        handle = self._handles[pending.worker]
        ray.kill(handle.actor, no_restart=True)
        self._forget(pending.worker)
        self._lost_any = True
        if in_doubt and handle.node and isinstance(pending.what, Tag):
            self._doubts.append(_Doubt(pending.worker, handle.node, time.monotonic() + _DOUBT, detail))
        elif isinstance(pending.what, Tag):
            self._events.append(WorkerLost(pending.worker, preempted, detail))
        else:
            self._events.append(WorkerNotStarted(detail))

    def _settle_doubts(self, now: float) -> None:
        if not self._doubts:
            return
        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        for doubt in list(self._doubts):
            gone = doubt.node not in alive
            if gone or now >= doubt.until:
                self._doubts.remove(doubt)
                detail = "its node has died" if gone else doubt.detail
                self._events.append(WorkerLost(doubt.worker, preempted=gone, detail=detail))

    def _forget(self, worker: str) -> None:
        self._handles.pop(worker, None)
        for reference in [r for r, p in self._pending.items() if p.worker == worker]:
            del self._pending[reference]

    def _room(self) -> int:
        """How many workers the nodes that are up can hold, were they used for nothing else."""
        room = 0
        for node in ray.nodes():
            if not node["Alive"]:
                continue
            has = node["Resources"]
            fits = int(has.get("CPU", 0.0) / self._cpus + 1e-9)
            if self._gpus:
                per_gpu = int(1.0 / self._gpus + 1e-9)
                fits = min(fits, int(has.get("GPU", 0.0)) * per_gpu)
            room += fits
        return room

    def _start_where_room(self) -> None:
        self._looked_for_room = time.monotonic()
        room = self._room()
        while self._without_room and len(self._handles) < room:
            self._without_room.pop(0)
            self._counter += 1
            worker = f"{self._prefix}-{self._counter}"
            actor = self._actor_class.options(name=worker, **self._options).remote()
            self._handles[worker] = _Handle(actor, time.monotonic() + self._patience)
            self._pending[actor.device.remote(self._gpus > 0.0)] = _Pending(worker, "device")

    def _look_after_starts(self, now: float) -> None:
        if self._without_room and now - self._looked_for_room >= _LOOK_FOR_ROOM_EVERY:
            self._start_where_room()
        for i, tell_at in enumerate(self._without_room):
            if tell_at is not None and now >= tell_at:
                self._without_room[i] = None
                self._events.append(WorkerNotStarted(self._no_room(), retry=False))

        for worker, handle in self._handles.items():
            if handle.overdue_at is not None and now >= handle.overdue_at:
                handle.overdue_at = None
                detail = f"{worker} has not come up in {self._patience:.0f} s; are the cluster's resources in use?"
                self._events.append(WorkerNotStarted(detail, retry=False))

    def _no_room(self) -> str:
        total = ray.cluster_resources()
        wants = f"{self._cpus:g} CPU" + (f" and {self._gpus:g} GPU" if self._gpus else "")
        has = f"{total.get('CPU', 0.0):g} CPU and {total.get('GPU', 0.0):g} GPU"
        return (
            f"a worker needs {wants}, the Ray cluster has {has} and room for {self._room()} such workers; "
            "set [compute] workers to that, ask less per worker, or add nodes (it starts when there is room)"
        )


def _is_preemption(error: RayError) -> bool:
    """Whether the worker's machine went, rather than its process."""
    return bool(getattr(error, "preempted", False)) or "node has died" in str(error)


def _reason(error: RayError) -> str:
    """The telling line of Ray's long messages about actors: after the table of the actor's names."""
    # A traceback of today's Python underlines its code; that is not what went wrong.
    lines = [line for line in str(error).splitlines() if line.strip(" ^~")]
    told = [line.strip() for line in lines[1:] if not line.startswith("\t")]
    return told[0][:300] if isinstance(error, RayActorError) and told else _one_line(error)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:500]
    return text if type(error) is ValueError and text else f"{type(error).__name__}: {text}"
