"""Traces of the best parameters come from the fit's workers, padded and in order."""

from __future__ import annotations

import numpy as np
import pytest
from fitting_toy import GROUPS, SPACE, Toy, config, run

from rallax.fitting import Coordinator, InProcessExecutor, TraceRun, trace_loop


def test_traces_of_some_starts_on_all_sweeps() -> None:
    executor = InProcessExecutor(Toy())
    coordinator, _ = run(config(), executor=executor)
    result = coordinator.result()
    u = result.u[result.ranking[:3]]
    traces = trace_loop(TraceRun(coordinator, u), executor)
    assert traces is not None and list(traces) == ["l1", "l2", "l3", "l4", "s1", "s2"]
    for group, name, sweep in [(0, "l1", 0), (0, "l4", 3), (1, "s2", 1)]:
        np.testing.assert_array_equal(traces[name], Toy().traces(group, u, np.array([sweep]))[:, 0])


def test_a_finished_fit_that_was_loaded_starts_workers_for_its_traces() -> None:
    _, store = run(config())
    coordinator = Coordinator(config(), SPACE, GROUPS, tree=store.trees[-1])
    traces = trace_loop(TraceRun(coordinator, coordinator.result().u), InProcessExecutor(Toy()))
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
    traces = trace_loop(run_, InProcessExecutor(Broken()))
    assert traces is not None
    assert np.isnan(traces["l1"][1]).all() and np.isfinite(np.delete(traces["l1"], 1, axis=0)).all()


def test_traces_can_be_stopped() -> None:
    executor = InProcessExecutor(Toy())
    coordinator, _ = run(config(), executor=executor)
    assert trace_loop(TraceRun(coordinator, coordinator.result().u), executor, should_stop=lambda: True) is None
