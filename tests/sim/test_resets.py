"""What the gradient through a reset is (docs/simulator.md, "Gradients through resets"), in `integrate`."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import rallax.sim as rx

DT = 0.1
N = 45
#: nA, so that each neuron fires several times.
AMPLITUDES = np.array([0.025, 0.08, 4.0])
FIRE, IZHIKEVICH, ADEX = range(3)


@functools.cache
def neurons() -> Any:
    """A leaky integrate-and-fire neuron, one of Izhikevich's and an AdEx; v and two counters of spikes recorded."""
    net = rx.Network([rx.Cell() for _ in range(3)])
    for cell, mechanisms in zip(net.cells, ((rx.Leak(), rx.Fire()), (rx.Izhikevich(),), (rx.AdEx(),)), strict=True):
        for mechanism in mechanisms:
            cell.insert(mechanism)
    for key, value in (("Leak_gLeak", 1e-4), ("Leak_eLeak", -70.0), ("AdEx_b", 60.0)):
        net.select(nodes=net.nodes[key].notna()).set(key, value)
    net.cell(ADEX).set("capacitance", 200.0)
    net.cell(IZHIKEVICH).set("v", -65.0)
    net.init_states()
    net.record()
    net.cell(FIRE).record("Fire_spikes")
    net.cell(ADEX).record("AdEx_spikes")
    for key in ("Fire_vreset", "Fire_vth", "Izhikevich_c", "Izhikevich_d", "AdEx_b", "AdEx_v_reset"):
        net.select(nodes=net.nodes[key].notna()).make_trainable(key)
    return net


def run(x: Any) -> jax.Array:
    stimuli = neurons().cell("all").data_stimulate(x["stimuli"])
    return rx.integrate(neurons(), x["params"], data_stimuli=stimuli, delta_t=DT)


@functools.cache
def found() -> tuple[Any, np.ndarray, Any]:
    """The point, recordings there, and the derivatives of the three last voltages."""
    x = {"params": neurons().get_parameters(), "stimuli": jnp.asarray(np.tile(AMPLITUDES[:, None], N))}

    def last(x: Any) -> tuple[jax.Array, jax.Array]:
        traces = run(x)
        return traces[:3, -1], traces

    slopes, traces = jax.jit(jax.jacrev(last, has_aux=True))(x)
    return x, np.asarray(traces), slopes


def resets(traces: np.ndarray) -> list[np.ndarray]:
    """The steps that begin or end with a reset."""
    return [np.flatnonzero(np.diff(v) < -5.0) for v in traces[:3]]


def test_after_a_reset_nothing_of_before_is_left_in_v() -> None:
    """Fire: exactly zero for stimuli before the last reset and for the threshold; the reset potential decays."""
    _, traces, slopes = found()
    last = resets(traces)[FIRE][-1]
    assert last < N - 2 and len(resets(traces)[FIRE]) >= 3
    of_stimulus = np.asarray(slopes["stimuli"])[FIRE, FIRE]
    np.testing.assert_array_equal(of_stimulus[:last], 0.0)
    assert np.all(of_stimulus[last:] > 0.0), "the stimulus of the reset's own step acts from the reset potential on"
    np.testing.assert_allclose(slopes["params"][0]["Fire_vreset"][FIRE], (1 + DT * 0.1) ** (last - N), rtol=1e-12)
    assert slopes["params"][1]["Fire_vth"][FIRE] == 0.0


def test_what_came_before_acts_through_adaptation() -> None:
    """Izhikevich and AdEx: a stimulus before the last reset still moves v, by way of u or w."""
    _, traces, slopes = found()
    for neuron in (IZHIKEVICH, ADEX):
        last = resets(traces)[neuron][-1]
        early = np.asarray(slopes["stimuli"])[neuron, neuron, : last - 1]
        assert np.all(early != 0.0)
        assert np.abs(early).max() < 0.1 * np.abs(np.asarray(slopes["stimuli"])[neuron, neuron, last + 1 :]).max()
    assert slopes["params"][3]["Izhikevich_d"][IZHIKEVICH] < 0.0 and slopes["params"][4]["AdEx_b"][ADEX] < 0.0


def test_it_is_the_derivative_while_no_spike_changes_its_step() -> None:
    """Central differences that move no spike agree to 1e-6; a change that moves spikes is not foreseen."""
    x, traces, slopes = found()
    rng = np.random.default_rng(0)
    direction = {
        "params": [{k: 1e-4 * np.asarray(v) for k, v in entry.items()} for entry in x["params"]],
        "stimuli": 1e-4 * np.asarray(x["stimuli"]) * rng.uniform(-1, 1, x["stimuli"].shape),
    }
    offsets = np.array([-1.0, -0.5, 0.5, 1.0, 500.0])
    batch = jax.tree.map(lambda leaf, d: np.asarray(leaf) + np.multiply.outer(offsets, d), x, direction)
    values = np.asarray(jax.jit(lambda xs: jax.lax.map(run, xs))(batch))
    for k in range(4):
        for there, here in zip(resets(values[k]), resets(traces), strict=True):
            np.testing.assert_array_equal(there, here)
    expected = sum(
        np.tensordot(np.asarray(slope), d, d.ndim)
        for slope, d in zip(jax.tree.leaves(slopes), jax.tree.leaves(direction), strict=True)
    )
    differences = (8 * (values[2] - values[1]) - (values[3] - values[0]))[:3, -1] / 6
    np.testing.assert_allclose(differences, expected, rtol=1e-6)
    moved = [not np.array_equal(a, b) for a, b in zip(resets(values[4]), resets(traces), strict=True)]
    missed = np.abs((values[4] - traces)[:3, -1] - 500.0 * expected)
    assert np.all(moved) and np.all(missed > 1.0), "mV"
