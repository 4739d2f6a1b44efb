"""Stimuli keep their charge, and sweeps are cut, corrected and timed as documented."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.workflows.errors import JobError
from rallax.workflows.job import load_job, make_job
from rallax.workflows.loss_terms import terms_for
from rallax.workflows.recordings import read_recording
from rallax.workflows.stimulus import average_over_steps, find_onset, pulse_over_steps
from rallax.workflows.sweeps import prepare_sweeps


def _fine_average(time: np.ndarray, current: np.ndarray, start: float, dt: float, n: int, before: float) -> np.ndarray:
    """The same by brute force: midpoints of 2,000 slices a step."""
    slices = 2000
    at = start + dt * (np.arange(n * slices) + 0.5) / slices
    value = np.where(at < time[0], before, np.interp(at, time, current))
    return value.reshape(n, slices).mean(axis=1)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    current=st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=12),
    gaps=st.lists(st.floats(0.05, 3.0), min_size=11, max_size=11),
    start=st.floats(-5.0, 5.0),
    dt=st.floats(0.01, 2.0),
    n=st.integers(1, 30),
)
def test_the_average_over_steps_keeps_charge(
    current: list[float], gaps: list[float], start: float, dt: float, n: int
) -> None:
    values = np.array(current)
    time = np.concatenate([[0.0], np.cumsum(gaps)])[: values.size]
    found = average_over_steps(time, values, start, dt, n, before=0.3)
    np.testing.assert_allclose(found, _fine_average(time, values, start, dt, n, 0.3), atol=2e-3)
    # Exactly, over the whole recording: the trapezoidal rule is the integral of its linear interpolation.
    whole = average_over_steps(time, values, float(time[0]), float(time[-1]) / 7, 7, before=0.3)
    assert whole.sum() * time[-1] / 7 == pytest.approx(np.trapezoid(values, time), abs=1e-12)


def test_samples_at_the_steps_give_the_trapezoid_of_neighbours() -> None:
    current = np.array([0.0, 1.0, 1.0, -1.0])
    np.testing.assert_allclose(
        average_over_steps(np.arange(4.0), current, 0.0, 1.0, 5, before=9.0), [0.5, 1.0, 0.0, -1.0, -1.0]
    )


@settings(max_examples=40, derandomize=True, deadline=None)
@given(delay=st.floats(0.0, 10.0), duration=st.floats(0.01, 10.0), dt=st.floats(0.01, 1.0))
def test_a_pulse_keeps_its_charge_wherever_its_edges_fall(delay: float, duration: float, dt: float) -> None:
    n = int(np.ceil(25.0 / dt))
    found = pulse_over_steps(delay, duration, 0.2, -1.0, dt, n)
    assert found.sum() * dt == pytest.approx(0.2 * duration, rel=1e-9)
    assert found.max() <= 0.2 * (1 + 1e-9)
    assert np.count_nonzero(found) <= duration / dt + 2


@pytest.mark.data
def test_onsets_of_every_recorded_current(recordings_dir: Path) -> None:
    for sweep in json.loads((recordings_dir / "sweeps.json").read_text(encoding="utf-8"))["sweeps"]:
        current = read_recording(recordings_dir / "recordings" / sweep["current"], "current")
        onset = find_onset(current.values)
        if sweep["protocol"] == "IV" and sweep["sweep"] == 271:
            # The step of this sweep is as large as the noise of its current: it has no onset.
            assert onset is None
            continue
        assert onset is not None
        late = float(current.time_ms[onset]) - sweep["stimulus_on_ms"]
        # Currents rise over a few hundredths of a millisecond.
        assert 0 <= late <= max(2 * sweep["dt_ms"], 0.05) + 1e-9, sweep


@pytest.mark.parametrize("seed", range(5))
def test_noise_and_single_artefacts_have_no_onset(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(-0.056, 0.006, 4000)
    assert find_onset(noise) is None
    noise[2000] = 3.0
    assert find_onset(noise) is None
    noise[1500:] += 0.05
    assert find_onset(noise) == pytest.approx(1500, abs=1)


def test_clean_currents() -> None:
    assert find_onset(np.zeros(100)) is None
    assert find_onset(np.r_[np.zeros(50), np.ones(50)]) == 50
    assert find_onset(np.r_[np.zeros(50), np.arange(1, 51)]) in (50, 51)
    assert find_onset(np.zeros(2)) is None


def test_the_small_job(job_file: Path) -> None:
    first, second, pulse = prepare_sweeps(load_job(job_file))
    assert [s.name for s in (first, second, pulse)] == ["step_1", "step_2", "pulse"]
    assert [s.use for s in (first, second, pulse)] == ["train", "train", "validate"]
    # Sampled every 0.2 ms, simulated every 0.1 ms.
    assert (first.n_steps, first.time_ms.size, first.start_ms) == (400, 201, 0.0)
    assert (pulse.n_steps, pulse.time_ms.size) == (200, 101)
    # −66 mV and −81 mV, each less the junction potential.
    assert first.v_init_mV == pytest.approx(-80.0)
    assert first.voltage_mV[[0, 100, 200]] == pytest.approx([-80.0, -95.0, -80.0])
    # Steps of −100 and −200 pA from a baseline of −50 pA.
    assert first.stimulus_nA is not None and second.stimulus_nA is not None and pulse.stimulus_nA is not None
    assert first.stimulus_nA[[0, 200, 350]] == pytest.approx([0.0, -0.05, 0.0])
    assert second.stimulus_nA[[0, 200, 350]] == pytest.approx([0.0, -0.15, 0.0])
    assert first.onset_ms == pytest.approx(10.0)
    assert pulse.stimulus_nA.sum() * 0.1 == pytest.approx(1.0)
    assert (pulse.onset_ms, pulse.v_init_mV) == (5.0, pytest.approx(-80.0))


def test_holding_current_settling_and_a_given_voltage(job_file: Path) -> None:
    job = load_job(job_file, ["recording.holding=keep", "simulation.settle_ms=5", "simulation.v_init=-71.5"])
    sweep = prepare_sweeps(job)[0]
    assert sweep.v_init_mV == -71.5
    assert (sweep.start_ms, sweep.n_steps) == (-5.0, 450)
    assert sweep.simulated_time_ms[0] == pytest.approx(5.0)
    assert sweep.stimulus_nA is not None
    # Before the recording its baseline flows.
    assert sweep.stimulus_nA[[0, 49, 60, 250]] == pytest.approx([-0.05, -0.05, -0.05, -0.1])


def test_a_window_after_the_onset_needs_settling(job_file: Path) -> None:
    with pytest.raises(JobError, match="settle_ms above 10"):
        prepare_sweeps(load_job(job_file, ["sweeps[0].window_ms=[20.0, 40.0]"]))
    changed = ["sweeps[0].window_ms=[20.0, 40.0]", "simulation.settle_ms=15"]
    sweep = prepare_sweeps(load_job(job_file, changed))[0]
    assert (sweep.start_ms, sweep.v_init_mV) == (5.0, pytest.approx(-80.0))
    assert sweep.time_ms[0] == pytest.approx(20.0)


def test_voltage_and_current_at_rates_and_starts_of_their_own(job_file: Path, csv: Callable[..., None]) -> None:
    folder = job_file.parent
    time = 100.0 + np.arange(0.0, 45.0, 0.5)
    csv(folder / "v_1.csv", "voltage (mV)", time, np.where(time < 110.0, -66.0, -70.0))
    time = 98.0 + np.arange(0.0, 60.0, 0.02)
    csv(folder / "i_1.csv", "current (nA)", time, np.where(time < 110.0, 0.0, 0.2))
    sweep = prepare_sweeps(load_job(job_file))[0]
    assert sweep.time_ms[[0, -1]] == pytest.approx([0.0, 40.0])
    assert sweep.onset_ms == pytest.approx(10.0, abs=0.03)
    assert sweep.stimulus_nA is not None
    assert sweep.stimulus_nA[[0, 98, 101, 399]] == pytest.approx([0.0, 0.0, 0.2, 0.2])


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        (["sweeps[0].window_ms=[0.0, 50.5]"], "sweeps[0].window_ms", "at 50 ms; end it by then"),
        (["sweeps[0].window_ms=[3.05, 3.15]"], "sweeps[0].window_ms", "holds no sample"),
        (["simulation.delta_t_ms=1e-9"], "sweeps[0].window_ms", "steps"),
    ],
)
def test_windows_that_are_refused(job_file: Path, changes: list[str], key: str, words: str) -> None:
    with pytest.raises(JobError) as raised:
        prepare_sweeps(load_job(job_file, changes))
    fault = raised.value.faults[0]
    assert fault.key == key
    assert words in fault.message


def test_a_stimulus_from_the_first_sample_on_has_no_baseline(job_file: Path, csv: Callable[..., None]) -> None:
    time = np.arange(0.0, 50.0, 0.2)
    csv(job_file.parent / "i_1.csv", "current (pA)", time, np.r_[np.zeros(1), np.full(time.size - 1, 5.0)])
    # The first level is then that of the stimulus itself: nothing tells it from a holding current.
    assert prepare_sweeps(load_job(job_file))[0].onset_ms is None


def test_loss_windows_count_from_the_simulations_start(job_file: Path) -> None:
    terms = "loss.terms=[{kind='window_stats', width_ms=15}, {kind='mse', window_ms=[1, 5]}, {kind='mae'}]"
    job = load_job(job_file, [terms, "simulation.settle_ms=5"])
    windows, mse, mae = terms_for(job, prepare_sweeps(job)[0])
    assert windows["windows_ms"] == [[5.0, 20.0], [20.0, 45.0]]
    assert "width_ms" not in windows
    assert mse["window_ms"] == [6.0, 10.0]
    assert "window_ms" not in mae


def test_a_built_model_may_bring_its_own_stimulus(job_file: Path, document: dict[str, Any]) -> None:
    document["model"] = {"build": "cell.py:build"}
    document["parameters"] = [{"name": "g", "bounds": [0.0, 1.0]}]
    document["sweeps"] = [{"name": "own", "voltage": "v_1.csv", "site": {"recording": 0}}]
    job = make_job(document, job_file.parent, files=False)
    sweep = prepare_sweeps(job)[0]
    assert sweep.stimulus_nA is None
    # Without a window the whole recording is compared.
    assert (sweep.time_ms.size, sweep.window_ms) == (250, (0.0, pytest.approx(49.8)))
