"""Handing rounds of work to workers and bearing their faults: a pure state machine, events in, actions out.

Owns who computes what, which workers are wanted, and what is late. Does not know what the work is for. No clock, no
threads, no Ray: time comes with each event, and only goes on. An event costs the same whatever the number of workers.

An item that is set apart (see `suspects`) gets a machine that is kept free for it. If memory had run out under it, and
it works alone, the machine where it did runs fewer items at once from then on; never another shape of item.
"""

from __future__ import annotations

from .budgets import Budgets
from .config import DispatchPolicy
from .errors import FitError
from .events import (
    Action,
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
from .lateness import Lateness
from .rounds import Round
from .suspects import Backlog, Suspects
from .workers import Fleet, Node, Task, Worker


class Dispatcher:
    """Every open round's lanes are, at any time, answered, quarantined, queued, set apart or with a worker.

    ``device`` is the device class that workers must be of; None takes that of the first to join.
    """

    def __init__(self, policy: DispatchPolicy, device: str | None = None) -> None:
        self.policy = policy
        self.device = device
        self.fleet = Fleet(policy.in_flight)
        self.backlog = Backlog()
        self.rounds: dict[tuple[str, int, int], Round] = {}
        self.budgets = Budgets(policy)
        self._suspects = Suspects(policy, self.budgets, self.backlog)
        self.wanted = policy.workers
        self._leaving: set[str] = set()
        self._starting = 0
        self._failed_starts = 0
        self._had_worker = False
        self._lateness = Lateness(policy)

    def begin(self) -> list[Action]:
        """Ask for the workers that are wanted and neither up nor on their way."""
        missing = max(0, self.wanted - (len(self.fleet) - len(self._leaving)) - self._starting)
        self._starting += missing
        return [StartWorker() for _ in range(missing)]

    def open(self, work: Round) -> None:
        """Queue all of a round; `handle` gives it back when it is complete."""
        self.rounds[work.key] = work
        self.backlog.open(work)

    def handle(self, event: Event, now: float) -> tuple[list[Action], list[Round]]:
        """What to do, and the rounds that the event has completed. Call `assign` after opening what follows on them.

        Raises:
            FitError: no worker can be had, or a budget is used up.
        """
        match event:
            case Answered():
                return self._answered(event, now)
            case ItemFailed():
                return self._item_failed(event, now)
            case WorkerLost():
                return self._lost(event, now)
            case WorkerJoined():
                return self._joined(event), []
            case WorkerLeaving():
                return self._told_to_leave(event), []
            case WorkerNotStarted():
                return self._not_started(event), []
            case RoomFor():
                return self._room_for(event), []
            case Tick():
                return self._tick(now), []

    def assign(self, now: float) -> list[Action]:
        """Give queued items to workers with room, the least loaded first."""
        queue = self.backlog.queue
        actions = self._assign_apart(now) if self.backlog.apart or self.fleet.reserved else []
        while queue:
            worker = self.fleet.roomiest()
            if worker is None:
                break
            task = queue.popleft()
            lanes = task.missing()
            if lanes:
                actions.append(self._submit(worker, task, lanes, now))
        return actions

    def _assign_apart(self, now: float) -> list[Action]:
        """Keep a machine free for each task that is set apart, and give it once nothing runs there."""
        for node, task in self._ready():
            if not task.missing():
                self.fleet.release(node)
        apart = self.backlog.apart
        while apart:
            if not apart[0].missing():
                apart.popleft()
                continue
            free = self.fleet.emptiest()
            if free is None:
                break
            self.fleet.reserve(free, apart.popleft())
        actions: list[Action] = []
        for node, task in self._ready():
            worker = next((w for w in node.workers.values() if not w.closed), None)
            if worker is not None:
                actions.append(self._submit(worker, task, task.missing(), now))
        return actions

    def _ready(self) -> list[tuple[Node, Task]]:
        """The machines on which nothing runs, each with the task that it is kept for and that nobody has yet."""
        kept = [(node, node.reserved) for node in self.fleet.reserved.values()]
        return [(node, task) for node, task in kept if task is not None and not task.runners and not node.busy]

    def _submit(self, worker: Worker, task: Task, lanes: tuple[int, ...], now: float) -> Submit:
        if lanes != task.lanes:  # what it failed with before may have been the fault of those that are gone
            task.lanes, task.strikes = lanes, 0
        item = task.round.item(task.chunk, task.lanes)
        self.fleet.give(worker, item.tag, task, now)
        return Submit(worker.name, item)

    def _answered(self, event: Answered, now: float) -> tuple[list[Action], list[Round]]:
        tag = event.answer.tag
        worker = self.fleet.get(event.worker)
        actions: list[Action] = []
        if worker is not None:
            taken = self.fleet.take_back(worker, tag, now)
            if taken is not None:
                if taken.like is not None and taken.seconds is not None:
                    self._lateness.add(taken.like, taken.seconds)
                    self.fleet.warmed(worker, taken.like)
                actions += self._worked_alone(worker, taken.task)
            actions += self._let_go(worker)
        work = self.rounds.get(tag[:3])
        if work is None:
            return actions, []
        work.accept(event.answer)
        return actions, self._completed(work)

    def _worked_alone(self, worker: Worker, task: Task) -> list[Action]:
        """A task that was set apart is done: its machine is free again, and that of its crowd runs fewer at once."""
        if worker.node.reserved is not task:
            return []
        self.fleet.release(worker.node)
        if task.crowd is None:
            return []
        name, busy = task.crowd
        self.fleet.limit(name, max(1, busy - 1))
        message = f"memory ran out on {name} with {busy} items at once; it gets {max(1, busy - 1)} at once from now on"
        return [Report("fewer items at once", message, {"node": name, "at_once": max(1, busy - 1)})]

    def _completed(self, work: Round) -> list[Round]:
        """The round, once, when nothing of it is missing any more."""
        return [work] if work.complete and self.rounds.pop(work.key, None) is not None else []

    def _item_failed(self, event: ItemFailed, now: float) -> tuple[list[Action], list[Round]]:
        worker = self.fleet.get(event.worker)
        if worker is None:
            return [], []
        alone, busy = self.fleet.alone(worker), worker.node.busy
        taken = self.fleet.take_back(worker, event.tag, now)
        if taken is None:
            return self._let_go(worker), []
        task = taken.task
        if worker.node.reserved is task:
            self.fleet.release(worker.node)
        report = Report("item failed", f"{event.tag}: {event.detail}", {"tag": str(event.tag), "worker": event.worker})
        if event.out_of_memory and not alone:
            task.crowd = (worker.node.name, busy)
            actions = self._suspects.set_apart(task, event.detail)
        elif not event.out_of_memory and self._suspects.last_word_of_one(task, event.tag.lanes, worker.name):
            # One start, and nobody but this process has tried it: it may be the process that is at fault.
            task.charged += 1
            self.budgets.failure(event.detail)
            return [report, *self._replaced(worker, task, now)], []
        else:
            task.failed_on = worker.name
            actions = self._suspects.strike(task, event.tag.lanes, event.detail)
        return [report, *actions, *self._let_go(worker)], self._completed(task.round)

    def _replaced(self, worker: Worker, task: Task, now: float) -> list[Action]:
        """End a worker and have what it held, and this task, done by others."""
        self._remove(worker, now)
        for other in reversed(worker.flight.values()):
            other.runners.discard(worker.name)
            self.backlog.back(other)
        self.backlog.back(task)
        return [StopWorker(worker.name, forget=True), *self.begin()]

    def _lost(self, event: WorkerLost, now: float) -> tuple[list[Action], list[Round]]:
        worker = self.fleet.get(event.worker)
        if worker is None:
            return [], []
        alone, busy = self.fleet.alone(worker), worker.node.busy
        reserved = worker.node.reserved
        self.fleet.remove(event.worker, now)
        self._leaving.discard(event.worker)
        why = "preempted" if event.preempted else "out of memory" if event.out_of_memory else "failed"
        detail = worker.ending or event.detail
        actions: list[Action] = [
            Report("worker lost", f"{event.worker} {why}: {detail}", {"worker": event.worker, "why": why})
        ]
        done: list[Round] = []
        items = list(worker.flight.items())
        for _, task in items:
            task.runners.discard(worker.name)
        # Only the item that was being computed can have caused a failure; those behind it were only waiting.
        suspect = items[0] if items and not event.preempted else None
        for tag, task in reversed(items):
            if suspect is None or tag != suspect[0]:
                self.backlog.back(task)
        if reserved is not None:
            if any(task is reserved for _, task in items):
                self.fleet.release(worker.node)
            elif not worker.node.workers:
                self.backlog.apart.appendleft(reserved)
        if event.preempted:
            self.budgets.preemption(detail)
        elif suspect is None:
            self.budgets.failure(detail)
        elif event.out_of_memory and not alone:
            suspect[1].crowd = (worker.node.name, busy)
            actions += self._suspects.set_apart(suspect[1], detail)
        else:
            # A worker that was ended because it hung tells nothing about memory.
            tag, task = suspect
            actions += self._suspects.strike(task, tag.lanes, detail, alone=alone or bool(worker.ending))
            done = self._completed(task.round)
        return actions + self.begin(), done

    def _joined(self, event: WorkerJoined) -> list[Action]:
        if self.fleet.get(event.worker) is not None:
            return []
        self._starting = max(0, self._starting - 1)
        if self.device is None:
            self.device = event.device
        if event.device != self.device and not self.policy.mixed_devices:
            detail = f"{event.worker} is of device class {event.device}, this run's is {self.device}"
            self._require_some(f"{detail}; use machines of one class, or allow mixed devices")
            return [Report("device refused", detail, {"worker": event.worker}), StopWorker(event.worker, forget=True)]
        self.fleet.join(event.worker, event.node)
        self._had_worker = True
        facts = {"worker": event.worker, "device": event.device, "node": event.node}
        return [Report("worker joined", f"{event.worker} on {event.device}", facts)]

    def _told_to_leave(self, event: WorkerLeaving) -> list[Action]:
        worker = self.fleet.get(event.worker)
        if worker is None or worker.closed:
            return []
        self.fleet.close(worker)
        self._leaving.add(worker.name)
        report = Report("worker leaves", f"{worker.name}: {event.detail}", {"worker": worker.name})
        # Asked for first, so that the machine that is about to go does not look like the only one.
        return [report, *self.begin(), *self._let_go(worker)]

    def _let_go(self, worker: Worker) -> list[Action]:
        """End a worker that is to leave and has nothing any more."""
        if worker.name not in self._leaving or worker.flight:
            return []
        self._remove(worker, worker.head_since)
        return [StopWorker(worker.name, forget=True)]

    def _remove(self, worker: Worker, now: float) -> None:
        """Take a worker from the fleet; where it was the last of a kept machine, the task waits for another machine."""
        reserved = worker.node.reserved
        self.fleet.remove(worker.name, now)
        self._leaving.discard(worker.name)
        if reserved is not None and not worker.node.workers:
            self.backlog.apart.appendleft(reserved)

    def _not_started(self, event: WorkerNotStarted) -> list[Action]:
        if event.awaited:
            return [Report("worker awaited", event.detail)]
        self._starting = max(0, self._starting - 1)
        report = Report("worker not started", event.detail)
        if not event.retry:
            self._require_some(event.detail)
            return [report]
        self._failed_starts += 1
        if not self._had_worker and self._failed_starts >= self.policy.start_attempts:
            raise FitError(f"no worker could be started: {event.detail}")
        self.budgets.failure(event.detail)
        return [report, *self.begin()]

    def _room_for(self, event: RoomFor) -> list[Action]:
        if not self.policy.elastic:
            return []
        most = self.policy.most_workers or event.workers
        before, self.wanted = self.wanted, max(1, min(event.workers, most))
        if self.wanted == before:
            return self.begin()
        message = f"the cluster has room for {event.workers} workers; {self.wanted} are wanted, not {before}"
        return [Report("workers wanted", message, {"workers": self.wanted}), *self.begin()]

    def _require_some(self, detail: str) -> None:
        # An elastic fit that has lost its machines waits for others; one that never had a fitting one does not.
        if not len(self.fleet) and not self._starting and not (self.policy.elastic and self._had_worker):
            raise FitError(f"there is no worker and none is on its way: {detail}")

    def _tick(self, now: float) -> list[Action]:
        actions: list[Action] = []
        for like, heads in self.fleet.heads.items():
            limit = self._lateness.hang(like)
            for worker in heads.values():
                busy = now - worker.head_since
                if busy <= limit:
                    break
                if not worker.ending:
                    detail = f"{worker.name} has been busy with one item for {busy:.0f} s, the limit is {limit:.0f} s"
                    self.fleet.close(worker, detail)
                    actions += [Report("worker hangs", detail, {"worker": worker.name}), StopWorker(worker.name)]
        if not self.backlog.queue and self.fleet.idle() is not None:
            actions += self._duplicate_stragglers(now)
        return actions

    def _duplicate_stragglers(self, now: float) -> list[Action]:
        late: list[Worker] = []
        for like, heads in self.fleet.heads.items():
            limit = self._lateness.straggler(like)
            if limit is not None:
                for worker in heads.values():
                    if now - worker.head_since <= limit:
                        break
                    late.append(worker)
        actions: list[Action] = []
        for worker in sorted(late, key=lambda w: w.head_since):
            for tag, task in worker.flight.items():
                lanes = task.missing()
                # One that has failed already gets no copy: with one always on its way it would never be judged.
                if task.alone or task.strikes or len(task.runners) > 1 or not lanes:
                    continue
                helper = self.fleet.idle()
                if helper is None:
                    return actions
                facts = {"tag": str(tag), "worker": worker.name}
                actions.append(Report("item duplicated", f"{tag} is late on {worker.name}", facts))
                actions.append(self._submit(helper, task, lanes, now))
        return actions
