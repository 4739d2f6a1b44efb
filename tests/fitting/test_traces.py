"""Traces of the best parameters come from the fit's workers, padded and in order."""

from __future__ import annotations

import numpy as np
import pytest
from fitting_toy import GROUPS, SPACE, Toy, config, run

from rallax.fitting import Coordinator, InProcessExecutor, Tag, TraceRun, WorkItem, perform, trace_loop
from rallax.fitting.events import Answered, Event
from rallax.fitting.wire import answer_from_wire, answer_to_wire, item_from_wire, item_to_wire


def traces_of(traced: TraceRun, executor: InProcessExecutor) -> dict[str, np.ndarray] | None:
    """The traces by sweep, once all are done."""
    done = trace_loop(traced, executor)
    return None if done is None else done.traces()


def test_traces_of_some_starts_on_all_sweeps() -> None:
    executor = InProcessExecutor(Toy())
    coordinator, _ = run(config(), executor=executor)
    result = coordinator.result()
    u = result.u[result.ranking[:3]]
    traces = traces_of(TraceRun(coordinator, u), executor)
    assert traces is not None and list(traces) == ["l1", "l2", "l3", "l4", "s1", "s2"]
    for group, name, sweep in [(0, "l1", 0), (0, "l4", 3), (1, "s2", 1)]:
        np.testing.assert_array_equal(traces[name], Toy().traces(group, u, np.array([sweep]))[:, 0])


def test_a_finished_fit_that_was_loaded_starts_workers_for_its_traces() -> None:
    _, store = run(config())
    coordinator = Coordinator(config(), SPACE, GROUPS, tree=store.trees[-1])
    traces = traces_of(TraceRun(coordinator, coordinator.result().u), InProcessExecutor(Toy()))
    assert traces is not None and traces["s1"].shape == (5, 1, 3)


def test_a_start_whose_simulation_fails_has_nan() -> None:
    class Broken(Toy):
        def traces(self, group, u, sweeps):
            if (u == bad).all(axis=1).any():
                raise FloatingPointError("no")
            return super().traces(group, u, sweeps)

    coordinator, _ = run(config())
    u = coordinator.result().u
    bad = u[1]
    run_ = TraceRun(coordinator, u)
    with pytest.raises(RuntimeError, match="not done"):
        run_.traces()
    # The workers of the fit are gone with its executor; new ones take their places.
    coordinator.dispatcher.fleet.remove("local-1", 0.0)
    traces = traces_of(run_, InProcessExecutor(Broken()))
    assert traces is not None
    assert np.isnan(traces["l1"][1]).all() and np.isfinite(np.delete(traces["l1"], 1, axis=0)).all()


def test_traces_can_be_stopped() -> None:
    executor = InProcessExecutor(Toy())
    coordinator, _ = run(config(), executor=executor)
    assert trace_loop(TraceRun(coordinator, coordinator.result().u), executor, should_stop=lambda: True) is None


class Sink:
    """A writer that keeps what it is given; it refuses a block."""

    def __init__(self, refuse: int = -1) -> None:
        self.refuse = refuse
        self.written: dict[tuple[int, int, tuple[int, ...]], np.ndarray] = {}

    def visible(self) -> bool:
        return True

    def write(self, block: int, group: int, sweeps: tuple[int, ...], traces: np.ndarray) -> dict[str, str]:
        if block == self.refuse:
            raise OSError("no space left on device")
        self.written[block, group, sweeps] = traces
        return {GROUPS[group].sweeps[sweep]: f"block {block}" for sweep in sweeps}


class Writing(InProcessExecutor):
    """Workers in this process that write traces themselves."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(Toy())
        self.sink = sink

    def next_event(self, timeout: float) -> Event | None:
        if self._events or not self._work:
            return super().next_event(timeout)
        worker, item = self._work.popleft()
        # As it goes between processes.
        answer = perform(self._problem, item_from_wire(item_to_wire(item)), self.sink)
        return Answered(worker, answer_from_wire(answer_to_wire(answer)))


def test_workers_write_their_traces_and_send_a_receipt_and_those_refused_come_back() -> None:
    coordinator, _ = run(config())
    u = coordinator.result().u
    executor = Writing(Sink(refuse=1))
    traced = TraceRun(coordinator, u)
    coordinator.dispatcher.fleet.remove("local-1", 0.0)
    traces = traces_of(traced, executor)
    first, second, third = traced.blocks()
    assert (first.starts, second.starts, third.starts) == (2, 2, 1)
    assert first.receipts == dict.fromkeys(("l1", "l2", "l3", "l4", "s1", "s2"), "block 0") and not first.traces
    assert not second.receipts and third.receipts["s2"] == "block 2"
    np.testing.assert_array_equal(second.traces["l2"], Toy().traces(0, u[2:4], np.array([1]))[:, 0])
    np.testing.assert_array_equal(executor.sink.written[2, 0, (0, 1)], Toy().traces(0, u[4:], np.array([0, 1])))
    assert traces is not None and np.isnan(traces["l1"][0]).all() and np.isfinite(traces["l1"][2:4]).all()


def test_items_and_answers_cross_bit_for_bit() -> None:
    item = WorkItem(Tag("step", 1, 2, 0, (0,)), "gradient", 0, np.array([1, 1]), np.array([0.1, 0.0]), np.eye(2, 3))
    there = item_from_wire(item_to_wire(item))
    assert (there.tag, there.kind, there.group, there.whole) == (item.tag, "gradient", 0, False)
    for name in ("sweeps", "weights", "u"):
        assert getattr(there, name).tobytes() == getattr(item, name).tobytes()
    answer, back = perform(Toy(), item), answer_from_wire(answer_to_wire(perform(Toy(), there)))
    assert answer.losses is not None and back.losses is not None and back.losses.tobytes() == answer.losses.tobytes()
    assert answer.gradient is not None and back.gradient is not None
    assert back.gradient.tobytes() == answer.gradient.tobytes() and back.traces is None
