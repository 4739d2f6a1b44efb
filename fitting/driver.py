"""The loop that lets a state machine drive an executor: the one place of fitting that knows wall time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from .coordinator import Coordinator
from .errors import FitError
from .events import Action, Event, Report, Tick
from .executors.base import Executor
from .outcome import Snapshot
from .traces import TraceRun

_WAIT = 0.5
"""Seconds that the loop waits for an event before it looks at the stop flag and ticks."""

_AWAY = 5.0
"""A turn of the loop that takes longer than this was a stop of the loop itself, not of its workers."""


class _Clock:
    """Time as the state machine has it: it stands still while the loop does (a frozen process, a slow disk).

    Otherwise every worker would seem to hang after it, since their answers have not been looked at.
    """

    def __init__(self) -> None:
        self._away = 0.0
        self._last = time.monotonic()

    def now(self) -> float:
        """Seconds; call it at each turn of the loop."""
        here = time.monotonic()
        if here - self._last > _AWAY:
            self._away += here - self._last
        self._last = here
        return here - self._away


def fit_loop(
    coordinator: Coordinator,
    executor: Executor,
    *,
    commit: Callable[[Snapshot], None],
    checkpoint_every: int,
    should_stop: Callable[[], bool] = lambda: False,
    on_report: Callable[[Report], None] = lambda report: None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Literal["finished", "stopped"]:
    """Run the fit to its end, or until ``should_stop()`` is true.

    ``commit`` stores a snapshot: when the starts are chosen, whenever the slowest block is ``checkpoint_every`` steps
    on, at the end and at a stop. It may hand the writing to a thread, but then must fail in a later call if it failed.
    The executor stays open. It sees no exception of its own making: what ``commit`` raises ends the loop.

    Raises:
        FitError: the fit cannot go on; the state is committed before.
    """
    last_step: int | None = coordinator.slowest_step if coordinator.blocks else None

    def save() -> None:
        nonlocal last_step
        snapshot = coordinator.snapshot()
        commit(snapshot)
        coordinator.committed(snapshot)
        last_step = snapshot.step

    def perform(actions: list[Action]) -> None:
        _perform(actions, executor, on_report)

    try:
        clock = _Clock()
        perform(coordinator.begin(clock.now()))
        ticked = clock.now()
        while not coordinator.done:
            if should_stop():
                save()
                return "stopped"
            event = executor.next_event(_WAIT)
            now = clock.now()
            if event is not None:
                on_event(event)
                perform(coordinator.handle(event, now))
            # Ticks come at least this often however busy the line is: hangs and stragglers show in silence.
            if event is None or now - ticked > _WAIT:
                ticked = now
                perform(coordinator.handle(Tick(), now))
            if coordinator.blocks and not coordinator.done:
                step = coordinator.slowest_step
                if last_step is None or step >= last_step + checkpoint_every:
                    save()
    except FitError:
        save()
        raise
    save()
    return "finished"


def trace_loop(
    run: TraceRun,
    executor: Executor,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_report: Callable[[Report], None] = lambda report: None,
) -> TraceRun | None:
    """The run, done; None when ``should_stop()`` became true before it was.

    Raises:
        FitError: no worker can be had, or a budget is used up.
    """
    clock = _Clock()
    _perform(run.begin(clock.now()), executor, on_report)
    ticked = clock.now()
    while not run.done:
        if should_stop():
            return None
        event = executor.next_event(_WAIT)
        now = clock.now()
        if event is not None:
            _perform(run.handle(event, now), executor, on_report)
        if event is None or now - ticked > _WAIT:
            ticked = now
            _perform(run.handle(Tick(), now), executor, on_report)
    return run


def _perform(actions: list[Action], executor: Executor, on_report: Callable[[Report], None]) -> None:
    for action in actions:
        if isinstance(action, Report):
            on_report(action)
        else:
            executor.submit(action)
