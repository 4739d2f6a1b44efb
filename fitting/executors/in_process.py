"""Workers that live in this process: the twin of the Ray executor, for tests, small fits and debugging."""

from __future__ import annotations

from collections import deque

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
)
from ..problem import Problem
from ..work import WorkItem, perform


class InProcessExecutor:
    """Any number of nominal workers that share one problem and compute in turn, within `next_event`."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._events: deque[Event] = deque()
        self._work: deque[tuple[str, WorkItem]] = deque()
        self._started = 0

    def submit(self, action: Action) -> None:
        match action:
            case StartWorker():
                self._started += 1
                self._events.append(WorkerJoined(f"local-{self._started}", device_class()))
            case Submit(worker, item):
                self._work.append((worker, item))
            case StopWorker(worker, forget):
                self._work = deque(entry for entry in self._work if entry[0] != worker)
                if not forget:
                    self._events.append(WorkerLost(worker, preempted=False, detail="stopped"))

    def next_event(self, timeout: float) -> Event | None:
        """Computes one item when nothing else is to be told; ``timeout`` is of no account."""
        if self._events:
            return self._events.popleft()
        if not self._work:
            return None
        worker, item = self._work.popleft()
        try:
            return Answered(worker, perform(self._problem, item))
        except Exception as error:  # a fault of the problem at this item is an event, not the end of the loop
            return ItemFailed(worker, item.tag, f"{type(error).__name__}: {' '.join(str(error).split())}")

    def close(self) -> None:
        self._events.clear()
        self._work.clear()
