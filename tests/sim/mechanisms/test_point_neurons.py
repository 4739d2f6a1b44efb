"""Point neurons: their equations, resets and what the gradient of a reset is."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rallax.sim.mechanisms import AdEx, Fire, Izhikevich, Mechanism, PointNeuron, Rate

from .bench import arguments


def simulate(neuron: Mechanism, v: float, steps: int, dt: float, drive: float = 0.0, **changed: float) -> Any:
    """v and states of a neuron that gains `drive` mV/ms after each of its updates, as the step of a cell does."""
    states, start, params = arguments(neuron, np.array([v]))
    params |= {key: jnp.full_like(start, x) for key, x in changed.items()}
    states |= neuron.init_state(states, start, params, dt)

    def step(carry: Any, _: None) -> Any:
        v, states = carry
        new = dict(neuron.update_states(states, dt, v, params))
        v = new.pop("v") + dt * drive
        states = states | new
        return (v, states), {"v": v[0], **{key: x[0] for key, x in new.items()}}

    return jax.lax.scan(step, (start, states), None, length=steps)[1]


def test_izhikevich_follows_its_equations_between_spikes() -> None:
    dt, steps, drive = 0.001, 3000, 10.0
    found = simulate(Izhikevich(), -65.0, steps, dt, drive)
    v, u = -65.0, 0.2 * -65.0
    for _ in range(steps):
        v, u = v + dt * (0.04 * v * v + 5 * v + 140 - u + drive), u + dt * 0.02 * (0.2 * v - u)
    assert v < 30.0
    # Both are of first order in dt, by different schemes for u.
    np.testing.assert_allclose(found["v"][-1], v, atol=0.01)
    np.testing.assert_allclose(found["Izhikevich_u"][-1], u, atol=1e-3)


def test_izhikevich_resets_and_adapts() -> None:
    states, v, params = arguments(Izhikevich(), np.array([-70.0, 29.9]))
    new = Izhikevich().update_states(states, 0.025, v, params)
    assert new["v"][0] < -60.0 and new["v"][1] == -65.0
    # 0.3 is the state's value before; the second one is raised by d = 8.
    assert abs(new["Izhikevich_u"][0] - 0.3) < 0.1 and abs(new["Izhikevich_u"][1] - 8.3) < 0.1

    # Regular spiking at a constant current: intervals grow (fig. 2 of the paper).
    u = np.asarray(simulate(Izhikevich(), -65.0, 8000, 0.05, 10.0)["Izhikevich_u"])
    intervals = np.diff(np.flatnonzero(np.diff(u) > 6.0))
    assert len(intervals) >= 5 and intervals[0] < intervals[1] <= intervals[-1]


def test_adex_is_its_equation_and_without_a_spike_rests_where_it_should() -> None:
    neuron, dt, volts = AdEx(), 0.025, np.array([-90.0, -70.0, -60.0, -50.0, -45.0])
    states, v, params = arguments(neuron, volts)
    params |= {"capacitance": jnp.full_like(v, 200.0)}
    new = neuron.update_states(states, dt, v, params)
    rest = 2.0 * (volts + 70)
    w = rest + (0.3 - rest) * np.exp(-dt / 30)
    slope = (-10 * (volts + 70) + 20 * np.exp((volts + 50) / 2) - w) / 200
    np.testing.assert_allclose(new["AdEx_w"], w, rtol=1e-12)
    np.testing.assert_allclose(new["v"], volts + dt * slope, rtol=1e-12)
    assert not np.any(new["AdEx_spikes"])

    resting = simulate(neuron, -65.0, 8000, 0.1, capacitance=200.0)
    v, w = resting["v"][-1], resting["AdEx_w"][-1]
    np.testing.assert_allclose(w, 2.0 * (v + 70), rtol=1e-8)
    np.testing.assert_allclose(-10 * (v + 70) + 20 * np.exp((v + 50) / 2), w, atol=1e-8)


def test_adex_resets_adapts_and_counts() -> None:
    found = simulate(AdEx(), -70.0, 20000, 0.025, 500 / 200, capacitance=200.0, AdEx_b=60.0)
    spikes = np.asarray(found["AdEx_spikes"])
    assert set(np.unique(spikes)) == {0.0, 1.0} and spikes.sum() >= 5
    at = np.flatnonzero(spikes)
    np.testing.assert_allclose(np.asarray(found["v"])[at], -58.0 + 0.025 * 2.5, rtol=1e-12)
    jump = np.asarray(found["AdEx_w"])[at] - np.asarray(found["AdEx_w"])[at - 1]
    np.testing.assert_allclose(jump, 60.0, atol=0.5)
    assert np.all(np.diff(np.diff(at))[:2] >= 0) and np.diff(at)[0] < np.diff(at)[-1]


def test_fire_resets_above_its_threshold_only() -> None:
    states, v, params = arguments(Fire(), np.array([-50.1, -50.0, -49.9, 40.0]))
    new = Fire().update_states(states, 0.025, v, params)
    np.testing.assert_array_equal(new["v"], [-50.1, -50.0, -70.0, -70.0])
    np.testing.assert_array_equal(new["Fire_spikes"], [0.0, 0.0, 1.0, 1.0])


def test_rate_decays_exactly() -> None:
    states, v, params = arguments(Rate(), np.array([-3.0, 5.0]))
    np.testing.assert_allclose(Rate().update_states(states, 0.7, v, params)["v"], np.exp(-0.7) * np.array([-3.0, 5.0]))


@pytest.mark.parametrize(("neuron", "spiking"), [(Izhikevich(), 29.9), (AdEx(), -1.0), (Fire(), -40.0)])
def test_gradient_of_a_reset_is_that_of_the_reset_potential(neuron: Any, spiking: float) -> None:
    states, v, params = arguments(neuron, np.array([spiking]))
    reset = {"Izhikevich": "Izhikevich_c", "AdEx": "AdEx_v_reset", "Fire": "Fire_vreset"}[neuron.name]

    def after(v: Any, params: Any, states: Any) -> Any:
        return neuron.update_states(states, 0.025, v, params)["v"][0]

    by_v, by_params, by_states = jax.grad(after, argnums=(0, 1, 2))(v, params, states)
    assert by_v == 0.0 and not any(np.any(x) for x in by_states.values())
    assert {key for key, x in by_params.items() if np.any(x)} == {reset} and by_params[reset] == 1.0


@pytest.mark.parametrize("v", [-1e4, 1e3, 1e4])
def test_nothing_overflows_in_float32(v: float) -> None:
    for neuron in (AdEx(), Izhikevich(), Fire(), Rate()):
        states, at, params = arguments(neuron, np.array([v]), jnp.float32)
        value, slope = jax.value_and_grad(
            lambda at, n=neuron, s=states, p=params: sum(x.sum() for x in n.update_states(s, 0.025, at, p).values())
        )(at)
        assert np.isfinite(value) and np.all(np.isfinite(slope)), neuron


def test_constructors_neither_warn_nor_differ() -> None:
    assert AdEx(surrogate_warning=False) == AdEx() == AdEx(surrogate_warning=True)
    assert all(n.current_name is None for n in (AdEx(), Izhikevich(), Fire(), Rate()))


def test_a_point_neuron_without_equations_is_named() -> None:
    class Empty(PointNeuron):
        pass

    with pytest.raises(NotImplementedError, match=r'Empty must define update_states.*"v"'):
        Empty().update_states({}, 0.1, jnp.zeros(1), {})
