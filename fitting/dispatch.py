"""Handing rounds of work to workers and bearing their faults: a pure state machine, events in, actions out.

Owns the queue, the workers, the budgets, bisection, quarantine, duplication. Does not know what the work is for. No
clock, no threads, no Ray: time comes with each event.
"""

from __future__ import annotations

from collections import deque

from .config import DispatchPolicy
from .errors import FitError
from .events import (
    Action,
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
from .rounds import Round
from .workers import Durations, Fleet, Task


class Dispatcher:
    """Every open round's lanes are, at any time, answered, quarantined, queued or with a worker.

    ``device`` is the device class that workers must be of; None takes that of the first to join.
    """

    def __init__(self, policy: DispatchPolicy, device: str | None = None) -> None:
        self.policy = policy
        self.device = device
        self.fleet = Fleet(policy.in_flight)
        self.queue: deque[Task] = deque()
        self.rounds: dict[tuple[str, int, int], Round] = {}
        self.failures = 0
        self.preemptions = 0
        self.last_failure = ""
        self._starting = 0
        self._failed_starts = 0
        self._durations = Durations()

    def begin(self) -> list[Action]:
        """Ask for the workers that are wanted and neither up nor on their way."""
        missing = max(0, self.policy.workers - len(self.fleet) - self._starting)
        self._starting += missing
        return [StartWorker() for _ in range(missing)]

    def open(self, work: Round) -> None:
        """Queue all of a round; `handle` gives it back when it is complete."""
        self.rounds[work.key] = work
        for chunk in range(len(work.chunks)):
            self.queue.append(Task(work, chunk, work.lanes))

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
                return self._lost(event)
            case WorkerJoined():
                return self._joined(event), []
            case WorkerNotStarted():
                return self._not_started(event), []
            case Tick():
                return self._tick(now), []

    def assign(self, now: float) -> list[Action]:
        """Give queued items to workers with room, the least loaded first."""
        actions: list[Action] = []
        while self.queue:
            worker = self.fleet.roomiest()
            if worker is None:
                break
            task = self.queue.popleft()
            lanes = task.missing()
            if not lanes:
                continue
            actions.append(self._submit(worker.name, task, lanes, now))
        return actions

    def _submit(self, name: str, task: Task, lanes: tuple[int, ...], now: float) -> Submit:
        if lanes != task.lanes:  # what it failed with before may have been the fault of those that are gone
            task.lanes, task.strikes = lanes, 0
        worker = self.fleet.get(name)
        assert worker is not None
        item = task.round.item(task.chunk, task.lanes)
        self.fleet.give(worker, item.tag, task, now)
        return Submit(name, item)

    def _answered(self, event: Answered, now: float) -> tuple[list[Action], list[Round]]:
        tag = event.answer.tag
        worker = self.fleet.get(event.worker)
        if worker is not None:
            taken = self.fleet.take_back(worker, tag, now)
            if taken is not None:
                self._durations.add(taken[0].like, taken[1])
        work = self.rounds.get(tag[:3])
        if work is None:
            return [], []
        work.accept(event.answer)
        return [], self._completed(work)

    def _completed(self, work: Round) -> list[Round]:
        if not work.complete:
            return []
        self.rounds.pop(work.key, None)
        return [work]

    def _item_failed(self, event: ItemFailed, now: float) -> tuple[list[Action], list[Round]]:
        worker = self.fleet.get(event.worker)
        taken = self.fleet.take_back(worker, event.tag, now) if worker is not None else None
        if taken is None:
            return [], []
        report = Report("item failed", f"{event.tag}: {event.detail}", {"tag": str(event.tag), "worker": event.worker})
        actions, done = self._strike(taken[0], event.tag.lanes, event.detail)
        return [report, *actions], done

    def _lost(self, event: WorkerLost) -> tuple[list[Action], list[Round]]:
        worker = self.fleet.remove(event.worker)
        if worker is None:
            return [], []
        why = "preempted" if event.preempted else "failed"
        actions: list[Action] = [
            Report("worker lost", f"{event.worker} {why}: {event.detail}", {"worker": event.worker, "why": why})
        ]
        done: list[Round] = []
        items = list(worker.flight.items())
        for _, task in items:
            task.runners.discard(worker.name)
        # Only the item that was being computed can have caused a failure; those behind it were only waiting.
        suspect = items[0] if items and not event.preempted else None
        for tag, task in reversed(items):
            if suspect is None or tag != suspect[0]:
                self._requeue(task)
        if suspect is not None:
            more, done = self._strike(suspect[1], suspect[0].lanes, event.detail)
            actions += more
        elif event.preempted:
            self.preemptions += 1
            if self.preemptions > self.policy.preemptions:
                raise FitError(
                    f"{self.preemptions} workers were preempted and the budget is {self.policy.preemptions}; "
                    f"the last: {event.detail}"
                )
        else:
            self._charge_failure(event.detail)
        return actions + self.begin(), done

    def _strike(self, task: Task, ran: tuple[int, ...], detail: str) -> tuple[list[Action], list[Round]]:
        """A failure while this task's lanes ``ran``: try again, cut it in two, or give its only start up."""
        self.last_failure = detail
        task.charged += 1
        actions: list[Action] = []
        done: list[Round] = []
        lanes = task.missing()
        if lanes == ran:
            task.strikes += 1
        if lanes != ran or task.strikes < self.policy.strikes or task.runners:
            self._requeue(task)
        elif len(lanes) > 1:
            half = len(lanes) // 2
            for part in (lanes[half:], lanes[:half]):
                self.queue.appendleft(Task(task.round, task.chunk, part, charged=task.charged))
            tag = str(task.round.tag(task.chunk, lanes))
            actions.append(Report("item bisected", f"{tag} failed {task.strikes} times", {"tag": tag}))
        else:
            kind = task.round.chunks[task.chunk].kind
            task.round.quarantine(kind, lanes[0])
            tag = str(task.round.tag(task.chunk, lanes))
            actions.append(
                Report("start quarantined", f"{tag} failed {task.strikes} times: {detail}", {"tag": tag, "why": detail})
            )
            # What a start at fault explains is not held against the workers.
            self.failures = max(0, self.failures - (task.charged - 1))
            done = self._completed(task.round)
            return actions, done
        self._charge_failure(detail)
        return actions, done

    def _requeue(self, task: Task) -> None:
        """To the front: it is older than anything that waits. A task that another worker holds, or done, stays out."""
        if not task.runners and task.missing():
            self.queue.appendleft(task)

    def _charge_failure(self, detail: str) -> None:
        self.failures += 1
        self.last_failure = detail
        if self.failures > self.policy.failures:
            raise FitError(
                f"{self.failures} workers or items failed and the budget is {self.policy.failures}; the last: {detail}"
            )

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
        self.fleet.join(event.worker)
        return [
            Report(
                "worker joined", f"{event.worker} on {event.device}", {"worker": event.worker, "device": event.device}
            )
        ]

    def _not_started(self, event: WorkerNotStarted) -> list[Action]:
        self._starting = max(0, self._starting - 1)
        report = Report("worker not started", event.detail)
        if not event.retry:
            self._require_some(event.detail)
            return [report]
        self._failed_starts += 1
        if self.device is None and self._failed_starts >= self.policy.start_attempts:
            raise FitError(f"no worker could be started: {event.detail}")
        self._charge_failure(event.detail)
        return [report, *self.begin()]

    def _require_some(self, detail: str) -> None:
        if not len(self.fleet) and not self._starting:
            raise FitError(f"there is no worker and none is on its way: {detail}")

    def _tick(self, now: float) -> list[Action]:
        actions: list[Action] = []
        if self.policy.hang is not None:
            for worker in self.fleet:
                if worker.flight and not worker.stopping and now - worker.head_since > self.policy.hang:
                    self.fleet.stop(worker)
                    detail = f"{worker.name} has been busy with one item for {now - worker.head_since:.0f} s"
                    actions += [Report("worker hangs", detail, {"worker": worker.name}), StopWorker(worker.name)]
        if not self.queue and self.fleet.idle() is not None:
            actions += self._duplicate_stragglers(now)
        return actions

    def _duplicate_stragglers(self, now: float) -> list[Action]:
        actions: list[Action] = []
        for worker in sorted((w for w in self.fleet if w.flight), key=lambda w: w.head_since):
            usual = self._durations.median(next(iter(worker.flight.values())).like)
            if usual is None:
                continue
            if now - worker.head_since <= max(self.policy.straggler_least, self.policy.straggler_factor * usual):
                continue
            for tag, task in worker.flight.items():
                lanes = task.missing()
                if len(task.runners) > 1 or not lanes:
                    continue
                helper = self.fleet.idle()
                if helper is None:
                    return actions
                actions += [
                    Report(
                        "item duplicated", f"{tag} is late on {worker.name}", {"tag": str(tag), "worker": worker.name}
                    ),
                    self._submit(helper.name, task, lanes, now),
                ]
        return actions
