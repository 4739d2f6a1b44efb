"""Looks at every event that a coordinator gets and every action that it gives, with books of its own.

The invariants, checked at every event for all that the event touches (and for everything at once every 2,000 events):

1.  Nothing is computed at other parameters than the state's: every item has, bit for bit, the parameters that the
    undisturbed run has at this block and step; and its shape is the run's fixed one, padded with lanes that count.
2.  An item goes to a worker that has joined, was not told to end or to leave, and is not lost; never more than
    ``in_flight`` to one; never the same item twice to the same; never to more than two workers.
3.  No lane is lost: each that an open round misses is queued, set apart, waits for a machine or is with a worker.
4.  No lane is queued twice, nor queued while a worker has it.
5.  On a machine that is kept free for an item nothing else is begun; on one whose memory has set a limit no more items
    are begun at once than that.
6.  Workers: those that the machine counts are those that joined and are neither lost nor ended; while something is
    queued nobody has room.
7.  Budgets: preemptions are exactly those told; failures never more than those told, and none is left that a start
    given up explains beyond its last.
8.  Only starts at fault are given up, and only after they failed alone in their item.
9.  Blocks go on one step at a time and never back; the slowest step and the end are what the blocks say.
10. A commit's history goes on exactly where the one before ended.

At the end (`Week` and its tests): parameters, losses, checkpoint and whole history are those of the undisturbed run.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable

import numpy as np
from fitting_toy import GROUPS, SPACE, Store, Toy, bits

from rallax.fitting import Answer, Coordinator, DispatchPolicy, FitConfig, InProcessExecutor, Snapshot, Tag
from rallax.fitting.driver import fit_loop
from rallax.fitting.events import (
    Action,
    Answered,
    Event,
    ItemFailed,
    Report,
    StopWorker,
    Submit,
    WorkerJoined,
    WorkerLeaving,
    WorkerLost,
    WorkerNotStarted,
)
from rallax.fitting.rounds import Round
from rallax.fitting.work import WorkItem, perform
from rallax.fitting.workers import Task

POISON_STEP = 2
"""From this step on the gradients of poisoned starts fail."""
_ALL_EVERY = 2000

Lane = tuple[tuple[str, int, int], int, int]
"""Key of a round, chunk, lane."""


class Reference:
    """The undisturbed run: its bits, and what every item of it was and gave.

    ``poisoned`` maps (block, lane) to the way in which its gradient fails: "kill", "hang", "raise" or "memory".
    """

    def __init__(self, settings: FitConfig, poisoned: dict[tuple[int, int], str]) -> None:
        self.settings = settings
        self.poisoned = poisoned
        self.problem = Toy()
        self.u: dict[tuple[str, int, int], np.ndarray] = {}
        self._answers: dict[Tag, Answer] = {}
        coordinator = Coordinator(settings, SPACE, GROUPS, DispatchPolicy(failures=10**6))
        store = Store()
        fit_loop(coordinator, _Recording(self), commit=store.commit, checkpoint_every=10**9)
        self.bits = bits(coordinator, store)
        self.quarantined = set(np.flatnonzero(coordinator.result().quarantined).tolist())

    def poison(self, tag: Tag) -> str:
        """How an item fails; "" where it does not."""
        if tag.phase == "step" and tag.step >= POISON_STEP and tag.chunk < 3:
            for lane in tag.lanes:
                if (tag.block, lane) in self.poisoned:
                    return self.poisoned[tag.block, lane]
        return ""

    def record(self, item: WorkItem) -> None:
        known = self.u.setdefault(item.tag[:3], np.full_like(item.u, np.nan))
        lanes = list(item.tag.lanes)
        known[lanes] = item.u[lanes]

    def answer(self, item: WorkItem) -> Answer:
        """What the item gives; those of the undisturbed run are kept."""
        found = self._answers.get(item.tag)
        if found is None:
            found = self._answers[item.tag] = perform(self.problem, item)
        return found


class _Recording(InProcessExecutor):
    """Workers in this process, whose items a reference remembers."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(reference.problem)
        self._reference = reference

    def next_event(self, timeout: float) -> Event | None:
        if self._events or not self._work:
            return super().next_event(timeout)
        worker, item = self._work.popleft()
        self._reference.record(item)
        if self._reference.poison(item.tag):
            return ItemFailed(worker, item.tag, "poison")
        return Answered(worker, self._reference.answer(item))


class _Indexed(deque[Task]):
    """A queue that knows which lanes are in it, and sees when one comes in twice."""

    def __init__(self, lanes: Counter[Lane]) -> None:
        super().__init__()
        self._lanes = lanes

    def append(self, task: Task) -> None:
        self._count(task, 1)
        super().append(task)

    def appendleft(self, task: Task) -> None:
        self._count(task, 1)
        super().appendleft(task)

    def popleft(self) -> Task:
        task = super().popleft()
        self._count(task, -1)
        return task

    def _count(self, task: Task, n: int) -> None:
        for lane in task.lanes:
            here = (task.round.key, task.chunk, lane)
            self._lanes[here] += n
            if not self._lanes[here]:
                del self._lanes[here]
            elif self._lanes[here] > 1:
                assert lane not in task.missing(), f"4: {here} is queued twice"


class Audit:
    """Drives one coordinator after another, as `restart` gives them, and raises AssertionError at a violation."""

    def __init__(self, coordinator: Coordinator, reference: Reference) -> None:
        self.reference = reference
        self.events = 0
        self.items = 0
        self.seconds = 0.0
        """Of the processor, spent in the machine itself, commits included."""
        self.rows = 0
        self._take(coordinator)

    def restart(self, coordinator: Coordinator) -> None:
        """The coordinator was killed; another goes on from the last commit, with workers of its own."""
        assert coordinator.history.committed == self.rows, "10: the history does not go on where the last commit ended"
        self._take(coordinator)

    def _take(self, coordinator: Coordinator) -> None:
        self.coordinator = coordinator
        dispatcher = coordinator.dispatcher
        self.queued: Counter[Lane] = Counter()
        self.running: Counter[Lane] = Counter()
        dispatcher.backlog.queue = _Indexed(self.queued)
        dispatcher.backlog.apart = _Indexed(self.queued)
        self.flights: dict[str, dict[Tag, None]] = {}
        self.nodes: dict[str, str] = {}
        self.on_node: dict[str, set[str]] = {}
        self.closed: set[str] = set()
        self.limits: dict[str, int] = {}
        self.preemptions = 0
        self.failures = 0
        self.steps: dict[int, int] = {}
        self.touched: set[tuple[str, int, int]] = set()
        opened = dispatcher.open

        def watched(work: Round) -> None:
            self._opened(work)
            opened(work)

        dispatcher.open = watched  # type: ignore[method-assign]

    # -- driving -------------------------------------------------------------------------------------------------------

    def begin(self, now: float) -> list[Action]:
        actions = self.coordinator.begin(now)
        self._after(actions, None)
        return actions

    def handle(self, event: Event, now: float) -> list[Action]:
        self.events += 1
        self.touched = set()
        self._before(event)
        begun = time.thread_time()
        actions = self.coordinator.handle(event, now)
        self.seconds += time.thread_time() - begun
        self._after(actions, event)
        if self.events % _ALL_EVERY == 0:
            self.everything()
        return actions

    def snapshot(self) -> Snapshot:
        """A commit."""
        begun = time.thread_time()
        snapshot = self.coordinator.snapshot()
        self.coordinator.committed(snapshot)
        self.seconds += time.thread_time() - begun
        if snapshot.history is not None:
            steps = snapshot.history["step"].tolist()
            assert steps == list(range(self.rows, snapshot.rows)), "10: rows of the history are missing"
        self.rows = snapshot.rows
        return snapshot

    # -- the books -----------------------------------------------------------------------------------------------------

    def _before(self, event: Event) -> None:
        match event:
            case WorkerJoined(worker, _, node):
                self.flights[worker] = {}
                self.nodes[worker] = node
                self.on_node.setdefault(node, set()).add(worker)
            case WorkerLeaving(worker) if worker in self.flights:
                self.closed.add(worker)
            case WorkerLost(worker, preempted, _) if worker in self.flights:
                self.preemptions += preempted
                self.failures += not preempted
                self._gone(worker)
            case WorkerNotStarted(_, retry):
                self.failures += retry
            case Answered(worker, answer):
                self.items += 1
                self.touched.add(answer.tag[:3])
                self._done(worker, answer.tag)
            case ItemFailed(worker, tag, _):
                self.failures += self._done(worker, tag)

    def _done(self, worker: str, tag: Tag) -> bool:
        if self.flights.get(worker, {}).pop(tag, 0) == 0:
            return False
        self._held(tag, -1)
        return True

    def _gone(self, worker: str) -> None:
        for tag in self.flights.pop(worker):
            self._held(tag, -1)
        self.closed.discard(worker)
        self.on_node[self.nodes.pop(worker)].discard(worker)

    def _held(self, tag: Tag, n: int) -> None:
        self.touched.add(tag[:3])
        for lane in tag.lanes:
            here = (tag[:3], tag.chunk, lane)
            self.running[here] += n
            if not self.running[here]:
                del self.running[here]

    def _after(self, actions: list[Action], event: Event | None) -> None:
        for action in actions:
            match action:
                case Submit(worker, item):
                    self._submitted(worker, item)
                case StopWorker(worker, forget):
                    assert worker in self.flights or forget, f"2: {worker} was ended and is not there"
                    self.closed.add(worker)
                    if forget and worker in self.flights:
                        # One that is replaced after a failure hands back what it held; `_covered` looks for it.
                        assert not self.flights[worker] or isinstance(event, ItemFailed), f"3: {worker} held something"
                        self._gone(worker)
                case Report():
                    self._reported(action)
        self._workers()
        self._budgets()
        for key in self.touched:
            work = self.coordinator.dispatcher.rounds.get(key)
            if work is not None:
                self._covered(work)
        if isinstance(event, Answered) and event.answer.tag.phase == "step":
            self._block(event.answer.tag.block)

    def _submitted(self, worker: str, item: WorkItem) -> None:
        dispatcher, tag = self.coordinator.dispatcher, item.tag
        assert worker in self.flights and worker not in self.closed, f"2: {tag} was given to {worker}"
        flight = self.flights[worker]
        assert tag not in flight and len(flight) < dispatcher.policy.in_flight, f"2: {worker} has enough"
        settings = self.reference.settings
        known = self.reference.u[tag[:3]]
        assert item.u.shape == (settings.starts_per_block, len(SPACE)), "1: another shape"
        assert len(item.sweeps) == len(item.weights) == settings.sweeps_per_item[item.group], "1: another shape"
        lanes = list(tag.lanes)
        assert item.u[lanes].tobytes() == known[lanes].tobytes(), f"1: {tag} at other parameters"
        for lane in range(len(item.u)):
            if lane not in tag.lanes:
                assert (item.u[lane] == item.u[lanes[0]]).all(), f"1: {tag} is padded with something else"
        node = self.nodes[worker]
        if not flight:
            busy = sum(bool(self.flights[w]) for w in self.on_node[node])
            assert busy < self.limits.get(node, busy + 1), f"5: too many items at once on {node}"
        reserved = dispatcher.fleet.reserved.get(node)
        if reserved is not None:
            task = reserved.reserved
            assert task is not None and (task.round.key, task.chunk, task.lanes) == (tag[:3], tag.chunk, tag.lanes), (
                f"5: {tag} on {node}, which is kept free"
            )
        flight[tag] = None
        self._held(tag, 1)
        assert all(self.running[tag[:3], tag.chunk, lane] <= 2 for lane in lanes), f"2: {tag} is with too many workers"

    def _reported(self, report: Report) -> None:
        if report.kind == "fewer items at once":
            node, at_once = report.data["node"], report.data["at_once"]
            self.limits[node] = min(at_once, self.limits.get(node, at_once))
        elif report.kind == "start quarantined":
            data = report.data
            assert (data["block"], data["lane"]) in self.reference.poisoned, f"8: {report.message}"
            assert data["tag"].endswith(f"starts {data['lane']}"), "8: it was not alone in its item"

    # -- the invariants ------------------------------------------------------------------------------------------------

    def _workers(self) -> None:
        dispatcher = self.coordinator.dispatcher
        assert len(dispatcher.fleet) == len(self.flights), "6: workers are counted wrongly"
        if dispatcher.backlog.queue and not self.coordinator.done:
            assert dispatcher.fleet.roomiest() is None, "6: something waits and a worker has room"

    def _budgets(self) -> None:
        budgets = self.coordinator.dispatcher.budgets
        assert budgets.preemptions == self.preemptions, "7: preemptions"
        assert 0 <= budgets.failures <= self.failures, "7: failures"

    def _covered(self, work: Round) -> None:
        reserved: set[Lane] = set()
        for node in self.coordinator.dispatcher.fleet.reserved.values():
            if node.reserved is not None and node.reserved.round is work:
                reserved |= {(work.key, node.reserved.chunk, lane) for lane in node.reserved.lanes}
        complete = True
        for chunk in range(len(work.chunks)):
            for lane in work.missing(chunk, work.lanes):
                complete = False
                here = (work.key, chunk, lane)
                runs, waits = here in self.running, here in self.queued
                assert runs or waits or here in reserved, f"3: {here} is lost"
                assert not (runs and waits), f"4: {here} is queued while a worker has it"
        assert not complete, f"3: {work.key} is complete and still open"

    def _opened(self, work: Round) -> None:
        phase, block, step = work.key
        assert work.key not in self.coordinator.dispatcher.rounds, f"9: {work.key} is open already"
        lanes = list(work.lanes)
        known = self.reference.u[work.key]
        assert work.u[lanes].tobytes() == known[lanes].tobytes(), f"1: {work.key} at other parameters"
        if phase == "step":
            assert step == self.steps.get(block, step - 1) + 1, f"9: block {block} jumped to step {step}"
            self.steps[block] = step
        self.touched.add(work.key)

    def _block(self, index: int) -> None:
        blocks = self.coordinator.blocks
        if blocks:
            assert self.coordinator.slowest_step <= blocks[index].step <= self.reference.settings.steps, "9"

    def everything(self) -> None:
        """All invariants, of everything."""
        coordinator, dispatcher = self.coordinator, self.coordinator.dispatcher
        for work in dispatcher.rounds.values():
            self._covered(work)
        blocks = coordinator.blocks
        if blocks:
            assert coordinator.slowest_step == min(b.step for b in blocks), "9: the slowest step"
            assert coordinator.done == all(b.finished for b in blocks), "9: the end"
            progress = coordinator.progress()
            counted = (progress.best_loss, progress.active, progress.frozen, progress.quarantined)
            assert counted == (
                min(float(b.best.loss[b.present].min()) for b in blocks if b.present.any()),
                sum(int(b.active.sum()) for b in blocks),
                sum(int((b.present & b.frozen).sum()) for b in blocks),
                sum(int(b.quarantined.sum()) for b in blocks),
            ), "9: the progress"
            open_blocks = {key[1] for key in dispatcher.rounds}
            assert all(b.finished or b.index in open_blocks for b in blocks), "9: a block has nothing to do"
        for worker in dispatcher.fleet:
            assert list(worker.flight) == list(self.flights[worker.name]), f"6: what {worker.name} has"
            assert all(worker.name in task.runners for task in worker.flight.values()), "6: runners"
        busy: Counter[str] = Counter(self.nodes[w] for w, flight in self.flights.items() if flight)
        for worker in dispatcher.fleet:
            assert worker.node.busy == busy[worker.node.name], f"5: how busy {worker.node.name} is"
        for heads in dispatcher.fleet.heads.values():
            since = [worker.head_since for worker in heads.values()]
            assert since == sorted(since), "6: the order of the items that are computed"


def reference_for(*, blocks: int, steps: int, poisoned: Iterable[tuple[int, int]] = ()) -> Reference:
    """The undisturbed run of a toy fit with two starts a block; the poisoned starts fail in four ways, in turns."""
    settings = FitConfig(
        candidates=2 * blocks,
        starts=2 * blocks,
        steps=steps,
        optimizer={"name": "adam", "learning_rate": 0.1, "clip_norm": 1.0},
        starts_per_block=2,
        sweeps_per_item=(2, 1),
        seed=3,
        evaluate_every=5,
    )
    ways = ("kill", "hang", "raise", "memory")
    return Reference(settings, {place: ways[i % len(ways)] for i, place in enumerate(poisoned)})
