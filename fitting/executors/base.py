"""What carries items to workers and back: the protocol of the executors."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from ..events import Action, Event


@runtime_checkable
class Executor(Protocol):
    """Two methods and an end. Not thread-safe; one state machine drives it at a time."""

    def submit(self, action: Action) -> None:
        """Begin a `StartWorker`, `StopWorker` or `Submit`; returns at once. A `Report` is not its business."""
        ...

    def next_event(self, timeout: float) -> Event | None:
        """The next thing that happened, waiting for at most ``timeout`` seconds; None when nothing did."""
        ...

    def close(self) -> None:
        """End all workers. Further calls do nothing."""
        ...
