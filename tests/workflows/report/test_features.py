"""Features of traces whose features are known, and of traces that have none."""

from __future__ import annotations

import numpy as np
import pytest

from rallax.workflows.report.features import FEATURES, Step, features_of, find_step

TIME = np.arange(2000) * 0.1
ON, OFF = 50.0, 150.0


def pulse(amplitude: float, holding: float = 0.0) -> np.ndarray:
    return np.where((TIME >= ON) & (TIME < OFF), amplitude, 0.0) + holding


def charging(rest: float, change: float, tau: float = 8.0) -> np.ndarray:
    rise = 1.0 - np.exp(-np.clip(TIME - ON, 0.0, OFF - ON) / tau)
    return rest + change * rise * np.exp(-np.clip(TIME - OFF, 0.0, None) / tau)


def spiking(times: tuple[float, ...]) -> np.ndarray:
    voltage = charging(-70.0, 10.0)
    for t in times:
        voltage = voltage + 90.0 * np.exp(-0.5 * ((TIME - t) / 0.5) ** 2)
        voltage = voltage - 15.0 * np.exp(-0.5 * ((TIME - t - 5.0) / 1.5) ** 2)
    return voltage


@pytest.mark.parametrize("holding", [0.0, -0.056])
@pytest.mark.parametrize("amplitude", [-0.28, 0.139, 0.01])
def test_step_is_found_whatever_the_holding_current(amplitude: float, holding: float) -> None:
    noise = 5e-4 * np.random.default_rng(0).standard_normal(TIME.size)
    step = find_step(TIME, pulse(amplitude, holding) + noise)
    assert step is not None
    assert step.start == pytest.approx(ON)
    assert step.end == pytest.approx(OFF)
    assert step.amplitude == pytest.approx(amplitude, abs=5e-4)


def test_flat_current_is_no_stimulus() -> None:
    assert find_step(TIME, np.full(TIME.shape, -0.056)) is None


def test_input_resistance_and_sag_of_a_hyperpolarising_step() -> None:
    sagging = charging(-70.0, -10.0) - 3.0 * np.exp(-0.5 * ((TIME - 80.0) / 6.0) ** 2)
    found = features_of(TIME, sagging, find_step(TIME, pulse(-0.1)))
    assert found["voltage_base"] == pytest.approx(-70.0, abs=1e-4)
    assert found["steady_state_voltage_stimend"] == pytest.approx(-80.0, abs=0.01)
    assert found["ohmic_input_resistance_vb_ssse"] == pytest.approx(100.0, rel=1e-3)
    # 3 mV below a charging curve that has 10·e^(-30/8) mV to go at 80 ms.
    assert found["sag_amplitude"] == pytest.approx(3.0 - 10.0 * np.exp(-30.0 / 8.0), abs=0.1)
    assert found["spike_count"] == 0.0
    assert found["AP_amplitude"] is None


def test_spikes_are_counted_and_measured() -> None:
    found = features_of(TIME, spiking((70.0, 100.0, 130.0)), find_step(TIME, pulse(0.2)))
    assert found["spike_count"] == 3.0
    assert found["time_to_first_spike"] == pytest.approx(20.0, abs=0.15)
    # Width of a Gaussian at half its height, from a base that is not quite flat.
    assert found["AP_duration_half_width"] == pytest.approx(2.3548 * 0.5, abs=0.2)
    assert found["AP_amplitude"] == pytest.approx(90.0, abs=5.0)
    assert found["sag_amplitude"] is None, "a depolarising step has no sag"


def test_without_a_stimulus_only_spikes_are_counted() -> None:
    found = features_of(TIME, spiking((70.0,)), None)
    assert {name for name, value in found.items() if value is not None} == {"spike_count"}


@pytest.mark.parametrize(
    "voltage",
    [np.full(TIME.shape, np.nan), np.where(TIME > 100.0, np.inf, -70.0)],
    ids=["nan", "runs away"],
)
def test_trace_that_is_not_finite_has_no_features(voltage: np.ndarray) -> None:
    assert set(features_of(TIME, voltage, Step(ON, OFF, 0.2)).values()) == {None}


def test_window_that_begins_with_the_stimulus_lacks_a_resting_potential() -> None:
    inside = TIME >= ON
    found = features_of(TIME[inside], charging(-70.0, -10.0)[inside], Step(ON, OFF, -0.1))
    assert found["voltage_base"] is None
    assert found["ohmic_input_resistance_vb_ssse"] is None
    assert found["steady_state_voltage_stimend"] == pytest.approx(-80.0, abs=0.01)


def test_settings_of_the_caller_do_not_leak_in_or_out() -> None:
    import efel

    efel.set_setting("Threshold", 1000.0)
    try:
        assert features_of(TIME, spiking((70.0,)), find_step(TIME, pulse(0.2)))["spike_count"] == 1.0
    finally:
        efel.reset()
    assert len(FEATURES) == len({feature.efel_name for feature in FEATURES})
