"""A cluster of fake workers in virtual time: joins, deaths, slow and frozen workers, doubled and late answers."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from rallax.fitting import Coordinator
from rallax.fitting.events import (
    Answered,
    Event,
    ItemFailed,
    Report,
    StartWorker,
    StopWorker,
    Submit,
    Tick,
    WorkerJoined,
    WorkerLost,
    WorkerNotStarted,
)
from rallax.fitting.work import WorkItem, perform


class VirtualCluster:
    """Drives a coordinator to its end. ``poison(item)`` tells what an item does: "", "kill", "hang" or "raise"."""

    def __init__(
        self,
        coordinator: Coordinator,
        problem: Any,
        seed: int,
        *,
        faults: float = 0.0,
        poison: Callable[[WorkItem], str] = lambda item: "",
        check: Callable[[Coordinator], None] = lambda coordinator: None,
        alter: Callable[[Any], Any] = lambda answer: answer,
    ) -> None:
        self.coordinator = coordinator
        self.problem = problem
        self.rng = random.Random(seed)
        self.faults = faults
        self.poison = poison
        self.check = check
        self.alter = alter
        self.now = 0.0
        self.heap: list[tuple[float, int, Callable[[], None]]] = []
        self.ids = itertools.count()
        self.queues: dict[str, deque[WorkItem]] = {}
        self.speed: dict[str, float] = {}
        self.events = 0
        self.reports: list[Report] = []

    def at(self, delay: float, deed: Callable[[], None]) -> None:
        heapq.heappush(self.heap, (self.now + delay, next(self.ids), deed))

    def run(self, max_events: int = 200_000, should_stop: Callable[[], bool] = lambda: False) -> None:
        self._act(self.coordinator.begin(self.now))
        self.at(1.0, self._tick)
        while not self.coordinator.done and not should_stop():
            self.now, _, deed = heapq.heappop(self.heap)
            deed()
            assert self.events < max_events, "the fit does not end"

    def tell(self, event: Event) -> None:
        if self.coordinator.done:
            return
        self.events += 1
        self._act(self.coordinator.handle(event, self.now))
        self.check(self.coordinator)

    def _tick(self) -> None:
        self.tell(Tick())
        self.at(1.0, self._tick)

    def _act(self, actions: list[Any]) -> None:
        for action in actions:
            match action:
                case StartWorker():
                    self.at(self.rng.uniform(0.1, 5.0), self._start)
                case StopWorker(worker, forget):
                    self.queues.pop(worker, None)
                    if not forget:
                        self.at(0.1, lambda w=worker: self.tell(WorkerLost(w, False, "ended")))
                case Submit(worker, item):
                    # A worker may be dead without the coordinator knowing: then the item is simply gone.
                    if worker in self.queues:
                        self.queues[worker].append(item)
                        if len(self.queues[worker]) == 1:
                            self._compute(worker)
                case Report():
                    self.reports.append(action)

    def _start(self) -> None:
        if self.rng.random() < 0.2 * self.faults:
            self.tell(WorkerNotStarted("bad luck"))
            return
        name = f"w{next(self.ids)}"
        self.queues[name] = deque()
        self.speed[name] = self.rng.choice([1.0, 1.0, 1.0, 0.7, 20.0 if self.faults else 1.0])
        self.tell(WorkerJoined(name, "virtual"))

    def _compute(self, worker: str) -> None:
        item = self.queues[worker][0]
        takes = self.rng.uniform(0.5, 1.5) * self.speed[worker]
        what = self.poison(item)
        if what == "hang":
            return
        chance = self.rng.random()
        if what == "kill" or chance < 0.03 * self.faults:
            preempted = what == "" and self.rng.random() < 0.5
            self.at(takes, lambda: self._die(worker, preempted))
            return
        if chance < 0.05 * self.faults:
            takes *= 100.0  # frozen for a while
        self.at(takes, lambda: self._finish(worker, item, what))

    def _die(self, worker: str, preempted: bool) -> None:
        if self.queues.pop(worker, None) is not None:
            self.at(self.rng.uniform(0.0, 3.0), lambda: self.tell(WorkerLost(worker, preempted, "died")))

    def _finish(self, worker: str, item: WorkItem, what: str) -> None:
        queue = self.queues.get(worker)
        if not queue or queue[0] is not item:
            return
        queue.popleft()
        if queue:
            self._compute(worker)
        if what == "raise":
            self.tell(ItemFailed(worker, item.tag, "poison"))
            return
        answer = self.alter(perform(self.problem, item))
        # Answers overtake one another, and some come twice.
        self.at(self.rng.uniform(0.0, 0.5 * self.faults), lambda: self.tell(Answered(worker, answer)))
        if self.rng.random() < 0.1 * self.faults:
            self.at(self.rng.uniform(0.0, 20.0), lambda: self.tell(Answered(worker, answer)))
