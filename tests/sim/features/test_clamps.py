"""States that are held (row F2) and inputs given as data (rows F1, F2, H2)."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

N = 20
RAMP = np.linspace(-60.0, -40.0, N)
CALCIUM = np.full(N, 2e-3)
OPEN = np.linspace(0.2, 0.9, N)


def network() -> Any:
    """Two cells of two compartments with calcium that diffuses; two types of synapse."""
    cell = rx.Cell(rx.Branch(rx.Compartment(), 2))
    for mechanism in (rx.Leak(), rx.CaPump()):
        cell.insert(mechanism)
    cell.diffuse("CaCon_i")
    net = rx.Network([cell, cell])
    rx.connect(net.cell(0).branch(0).comp(0), net.cell(1).branch(0).comp(0), rx.IonotropicSynapse())
    rx.connect(net.cell(0).branch(0).comp(0), net.cell(1).branch(0).comp(1), rx.IonotropicSynapse("slow"))
    rx.connect(net.cell(1).branch(0).comp(0), net.cell(0).branch(0).comp(1), rx.IonotropicSynapse("slow"))
    first, second = net.cell(0).branch(0).comp("all"), net.cell(1).branch(0).comp("all")
    first.record("v")
    second.record("CaCon_i")
    net.slow.edge("all").record("slow_s")
    return net


def test_several_states_at_once() -> None:
    """Each clamped one has the clamp's sample k at the end of step k; the others go on, and see it."""
    net = network()
    net.cell(0).branch(0).comp(0).clamp("v", np.zeros(N))
    net.cell(0).branch(0).comp(0).clamp("v", RAMP)  # in the place of the first
    net.cell(1).branch(0).comp(0).clamp("CaCon_i", CALCIUM)
    net.slow.edge(1).clamp("slow_s", OPEN)
    found = rx.integrate(net)
    assert found.shape == (6, N + 1)
    np.testing.assert_array_equal(found[0, 1:], RAMP)
    np.testing.assert_array_equal(found[2, 1:], CALCIUM)
    np.testing.assert_array_equal(found[5, 1:], OPEN)
    assert found[1, -1] > -69.0, "drawn along by its neighbour"
    assert (np.diff(found[3, 2:]) > 0).all(), "calcium comes from the neighbour"
    assert found[4, -1] < 0.2, "the other synapse of the type is free"
    with pytest.raises(ValueError, match="the clamp of v is shorter than the run of 40 steps"):
        rx.integrate(net, t_max=1.0)
    net.slow.delete_clamps("slow_s")
    net.cell(1).delete_clamps("CaCon_i")
    assert list(net.externals) == ["v"]
    net.delete_clamps()
    assert not net.externals


def test_as_data_and_by_hand() -> None:
    """`data_clamp` and `data_stimulate` do what `clamp` and `stimulate` do, also through the step API."""
    net = network()
    current = np.full(N, 0.05)
    place, held = net.cell(0).branch(0).comp(1), net.cell(1).branch(0).comp(1)
    stimuli = place.data_stimulate(jnp.asarray(current))
    clamps = net.slow.edge(1).data_clamp("slow_s", OPEN, data_clamps=held.data_clamp("CaCon_i", CALCIUM))
    assert not net.externals
    found = rx.integrate(net, data_stimuli=stimuli, data_clamps=clamps)
    init_fn, step_fn = rx.build_init_and_step_fn(net)
    externals, inds = rx.add_clamps(*rx.add_stimuli({}, {}, stimuli), clamps)
    states, all_params = init_fn()
    for k in range(N):
        states = step_fn(states, all_params, {key: x[:, k] for key, x in externals.items()}, inds, delta_t=0.025)
    last = [states[key][i] for i, key in net.rec_info.itertuples(index=False)]
    np.testing.assert_array_equal(np.array(last), found[:, -1])
    place.stimulate(current)
    held.clamp("CaCon_i", CALCIUM)
    net.slow.edge(1).clamp("slow_s", OPEN)
    np.testing.assert_array_equal(rx.integrate(net), found)
