"""A cluster of 1,000 fake workers for a week of faults, in virtual time; `audit.Audit` looks at everything it sees.

What happens, by chance: machines (of eight workers) are taken away, half of them after a notice, and others join;
workers die, hang for ever, are frozen for hours, are slow, do not come up; items raise, and run out of memory on small
machines that are full; answers overtake one another, come twice, or days late, also those of workers that are gone; the
coordinator itself is killed and resumed. Some starts fail always, by death, hang, exception or want of memory.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from audit import Audit, Reference
from fitting_toy import GROUPS, SPACE, Store

from rallax.fitting import Coordinator, DispatchPolicy
from rallax.fitting.events import (
    Answered,
    Event,
    ItemFailed,
    Report,
    RoomFor,
    StartWorker,
    StopWorker,
    Submit,
    Tick,
    WorkerJoined,
    WorkerLeaving,
    WorkerLost,
    WorkerNotStarted,
)
from rallax.fitting.work import WorkItem

HOUR = 3600.0
WEEK = 168 * HOUR
PER_NODE = 8


@dataclass(eq=False)
class FakeNode:
    """A machine; on a small one memory runs out by chance while more than five workers compute."""

    name: str
    small: bool
    workers: set[str] = field(default_factory=set)
    promised: int = 0


@dataclass(eq=False)
class FakeWorker:
    node: FakeNode
    slowness: float
    queue: deque[WorkItem] = field(default_factory=deque)


class Week:
    """One seed's week; which starts always fail is the reference's to say."""

    def __init__(self, reference: Reference, seed: int, *, workers: int, item_hours: float, restarts: int) -> None:
        self.reference = reference
        self.rng = random.Random(seed)
        self.item_seconds = item_hours * HOUR
        self.now = 0.0
        self.heap: list[tuple[float, int, int, Callable[[], None]]] = []
        self.ids = itertools.count()
        self.life = 0
        """Counts the coordinators; what was to be told to an earlier one is not."""
        self.nodes = [self._node() for _ in range(workers // PER_NODE)]
        self.workers: dict[str, FakeWorker] = {}
        self.policy = DispatchPolicy(
            workers=workers,
            failures=10**6,
            preemptions=10**6,
            straggler_least=HOUR,
            hang_factor=8.0,
            hang_least=8 * HOUR,
            hang_unknown=60 * HOUR,
            elastic=True,
        )
        self.store = Store()
        self.audit = Audit(self._coordinator(None), reference)
        self.kills = sorted(self.rng.uniform(0.1, 0.9) * WEEK for _ in range(restarts))
        self.faults: dict[str, int] = {}

    def run(self) -> Coordinator:
        """To the end of the fit; returns the last coordinator."""
        self._begin()
        while not self.audit.coordinator.done:
            self.now, _, life, deed = heapq.heappop(self.heap)
            if life in (self.life, -1):
                deed()
        self._commit()
        return self.audit.coordinator

    # -- the coordinator -----------------------------------------------------------------------------------------------

    def _coordinator(self, tree: Any) -> Coordinator:
        device = "virtual" if tree is not None else None
        return Coordinator(self.reference.settings, SPACE, GROUPS, self.policy, device=device, tree=tree)

    def _begin(self) -> None:
        self._act(self.audit.begin(self.now))
        self._at(300.0, self._tick)
        self._at(12 * HOUR, self._checkpoint)
        self._at(self._soon(30.0), self._machines)
        if self.kills:
            self._at(max(1.0, self.kills[0] - self.now), self._kill_coordinator)
        self._tell(RoomFor(PER_NODE * len(self.nodes)))

    def _kill_coordinator(self) -> None:
        """Whatever it had not committed is gone, and so are its workers."""
        self._count("coordinator killed")
        self.kills.pop(0)
        self.life += 1
        self.workers.clear()
        for node in self.nodes:
            node.workers.clear()
            node.promised = 0
        self.audit.restart(self._coordinator(self.store.trees[-1] if self.store.trees else None))
        self._begin()

    def _checkpoint(self) -> None:
        self._commit()
        self._at(12 * HOUR, self._checkpoint)

    def _commit(self) -> None:
        snapshot = self.audit.snapshot()
        self.store.trees[:] = [snapshot.tree]
        self.store.segments.append(snapshot.history)

    def _tick(self) -> None:
        self._tell(Tick())
        self._at(300.0, self._tick)

    def _tell(self, event: Event) -> None:
        if not self.audit.coordinator.done:
            self._act(self.audit.handle(event, self.now))

    def _act(self, actions: list[Any]) -> None:
        for action in actions:
            match action:
                case Submit(worker, item):
                    fake = self.workers.get(worker)
                    # A worker may be dead without the coordinator knowing: then the item is simply gone.
                    if fake is not None:
                        fake.queue.append(item)
                        if len(fake.queue) == 1:
                            self._compute(worker, fake)
                case StartWorker():
                    self._start()
                case StopWorker(worker, forget):
                    self._drop(worker)
                    if not forget:
                        self._at(1.0, lambda w=worker: self._tell(WorkerLost(w, False, "ended by the coordinator")))
                case Report():
                    self._count(action.kind)

    # -- machines and workers ------------------------------------------------------------------------------------------

    def _node(self) -> FakeNode:
        return FakeNode(f"node-{next(self.ids)}", self.rng.random() < 0.1)

    def _machines(self) -> None:
        """Now and then a machine goes, and one comes some hours later."""
        if len(self.nodes) == 1:
            self._at(HOUR, self._machines)
            return
        node = self.rng.choice(self.nodes)
        self.nodes.remove(node)
        if self.rng.random() < 0.5:
            self._count("machine with notice")
            for worker in sorted(node.workers):
                self._tell(WorkerLeaving(worker, "the machine will be taken away"))
            self._at(600.0, lambda: self._machine_gone(node))
        else:
            self._machine_gone(node)
        self._at(self._soon(4 * HOUR), self._machine_comes, life=-1)
        self._at(self._soon(50 * HOUR / len(self.nodes)), self._machines)

    def _machine_gone(self, node: FakeNode) -> None:
        self._count("machine taken away")
        for worker in sorted(node.workers):
            self._drop(worker)
            self._at(self._soon(20.0), lambda w=worker: self._tell(WorkerLost(w, True, "its node has died")))
        self._tell(RoomFor(PER_NODE * len(self.nodes)))

    def _machine_comes(self) -> None:
        self.nodes.append(self._node())
        self._tell(RoomFor(PER_NODE * len(self.nodes)))

    def _start(self) -> None:
        node = next((n for n in self.nodes if len(n.workers) + n.promised < PER_NODE), None)
        if node is None:
            self._at(60.0, lambda: self._tell(WorkerNotStarted("no room", retry=False)))
            return
        node.promised += 1
        self._at(self._soon(300.0), lambda: self._joined(node))

    def _joined(self, node: FakeNode) -> None:
        node.promised -= 1
        if node not in self.nodes or self.rng.random() < 0.01:
            self._tell(WorkerNotStarted("bad luck"))
            return
        name = f"w{next(self.ids)}"
        self.workers[name] = FakeWorker(node, self.rng.choice([1.0, 1.0, 1.0, 0.8, 1.2, 4.0]))
        node.workers.add(name)
        self._tell(WorkerJoined(name, "virtual", node.name))

    def _drop(self, worker: str) -> None:
        fake = self.workers.pop(worker, None)
        if fake is not None:
            fake.node.workers.discard(worker)

    def _compute(self, worker: str, fake: FakeWorker) -> None:
        item = fake.queue[0]
        takes = self.rng.lognormvariate(0.0, 0.2) * fake.slowness * self.item_seconds
        poison = self.reference.poison(item.tag)
        chance = self.rng.random()
        if poison == "hang" or chance < 0.0003:
            self._count("worker hung")
            return
        if poison in ("kill", "memory") or chance < 0.002:
            self._at(takes, lambda: self._die(worker, fake, item, poison == "memory"))
            return
        if poison == "raise" or chance < 0.003:
            self._at(takes, lambda: self._finish(worker, fake, item, ItemFailed(worker, item.tag, "it raised")))
            return
        busy = sum(bool(self.workers[w].queue) for w in fake.node.workers) if fake.node.small else 0
        if busy > 5 and chance < 0.05:
            self._count("memory ran out")
            if chance < 0.025:
                self._at(takes, lambda: self._die(worker, fake, item, memory=True))
            else:
                failed = ItemFailed(worker, item.tag, "RESOURCE_EXHAUSTED", out_of_memory=True)
                self._at(takes, lambda: self._finish(worker, fake, item, failed))
            return
        if chance > 0.99:
            takes *= 5.0  # frozen for a while
        answer = self.reference.answer(item)
        self._at(takes, lambda: self._finish(worker, fake, item, Answered(worker, answer)))

    def _die(self, worker: str, fake: FakeWorker, item: WorkItem, memory: bool) -> None:
        if self.workers.get(worker) is fake and fake.queue and fake.queue[0] is item:
            self._drop(worker)
            self._count("worker died")
            self._at(self._soon(30.0), lambda: self._tell(WorkerLost(worker, False, "it died", out_of_memory=memory)))

    def _finish(self, worker: str, fake: FakeWorker, item: WorkItem, event: Event) -> None:
        if self.workers.get(worker) is not fake or not fake.queue or fake.queue[0] is not item:
            return
        fake.queue.popleft()
        if fake.queue:
            self._compute(worker, fake)
        # Answers overtake one another, and some come twice, even days later.
        self._at(self.rng.uniform(0.0, 120.0), lambda: self._tell(event))
        if self.rng.random() < 0.02:
            self._count("answer twice")
            self._at(self._soon(24 * HOUR), lambda: self._tell(event))

    # -- small things --------------------------------------------------------------------------------------------------

    def _at(self, delay: float, deed: Callable[[], None], life: int | None = None) -> None:
        heapq.heappush(self.heap, (self.now + delay, next(self.ids), self.life if life is None else life, deed))

    def _soon(self, mean: float) -> float:
        return self.rng.expovariate(1.0 / mean)

    def _count(self, what: str) -> None:
        self.faults[what] = self.faults.get(what, 0) + 1
