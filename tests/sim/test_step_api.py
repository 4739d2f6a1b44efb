"""The simulation by hand in networks with clamps: what `integrate` gives, to the last bit, and what is refused."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim import add_clamps, add_stimuli, build_init_and_step_fn

from .networks import INTEGRATORS, everything, forked, small

DT = 0.025
N = 12
WAVE = np.sin(np.arange(N) / 3.0)


def by_hand(net: Any, externals: Any, external_inds: Any, params: Any, solver: str) -> np.ndarray:
    """The loop of the specification."""
    rec_inds, rec_states = net.rec_info.rec_index.to_numpy(), net.rec_info.state.to_numpy()
    init_fn, step_fn = build_init_and_step_fn(net, solver=solver)
    states, all_params = init_fn(params, delta_t=DT)
    columns = []
    for step in range(N + 1):
        host = {key: np.asarray(x) for key, x in states.items()}
        columns.append([host[s][i] for s, i in zip(rec_states, rec_inds, strict=True)])
        if step < N:
            now = {key: externals[key][:, step] for key in externals}
            states = step_fn(states, all_params, now, external_inds, delta_t=DT)
    return np.array(columns).T


def clamped(net: Any, gate: str) -> Any:
    """Stimuli, and clamps of v, of a gate and of a synapse's state, in an order of their own."""
    net.IonotropicSynapse.edge(1).clamp("IonotropicSynapse_s", 0.4 + 0.1 * WAVE)
    net.cell(0).branch(0).comp(0).stimulate(1.0 + 0.1 * WAVE)
    net.cell(1).branch(1).comp(0).clamp(gate, 0.5 + 0.1 * WAVE)
    net.cell([1, 0]).branch(2).comp(0).clamp("v", np.stack([-60.0 + WAVE, -50.0 - WAVE]))
    net.record("IonotropicSynapse_s")
    net.cell(1).record(gate)
    net.cell("all").branch(2).comp(0).record()
    net.IonotropicSynapse.edge("all").make_trainable("IonotropicSynapse_gS")
    return net


@pytest.mark.parametrize(
    ("make", "gate", "solver"),
    [
        # "bwd_euler" is below, with inputs as data beside the module's own.
        *((small, "Km_p", solver) for solver in INTEGRATORS[1:]),
        (everything, "HH_h", "bwd_euler"),
    ],
)
@pytest.mark.slow
def test_by_hand_is_integrate(make: Any, gate: str, solver: str) -> None:
    net = clamped(make(), gate)
    params = net.get_parameters()
    net.to_jax()
    found = by_hand(net, net.externals.copy(), net.external_inds.copy(), params, solver)
    np.testing.assert_array_equal(found, rx.integrate(net, params, delta_t=DT, solver=solver))


def test_inputs_given_as_data() -> None:
    """`add_stimuli` and `add_clamps` put data behind the module's own; a clamp of the same place replaces it."""
    net = clamped(small(), "Km_p")
    stimuli = net.cell([0, 1]).branch(0).comp(0).data_stimulate(jnp.asarray(0.3 + WAVE))
    stimuli = net.cell(1).branch(2).comp(0).data_stimulate(jnp.full(N - 4, 0.2), stimuli)
    clamps = net.IonotropicSynapse.edge("all").data_clamp("IonotropicSynapse_s", jnp.asarray(0.6 + 0.1 * WAVE))
    clamps = net.cell(0).branch(2).comp(0).data_clamp("v", jnp.full(N, -55.0), clamps)
    clamps = net.cell(0).branch(1).comp(0).data_clamp("CaCon_i", jnp.full(N, 1e-3), clamps)
    externals, external_inds = add_stimuli(net.externals, net.external_inds, stimuli)
    externals, external_inds = add_clamps(externals, external_inds, clamps)
    assert {key: x.tolist() for key, x in external_inds.items()} == {
        "i": [0, 0, 3, 5],
        "Km_p": [4],
        "v": [5, 2],
        "IonotropicSynapse_s": [0, 1],
        "CaCon_i": [1],
    }
    params = net.get_parameters()
    found = by_hand(net, externals, external_inds, params, "bwd_euler")
    np.testing.assert_array_equal(
        found, rx.integrate(net, params, data_stimuli=stimuli, data_clamps=clamps, delta_t=DT)
    )
    assert set(net.externals) == {"i", "IonotropicSynapse_s", "Km_p", "v"}, "the module is as it was"


def test_states_have_one_shape_throughout() -> None:
    """A script may scan over `step_fn`: names, shapes and types of the states stay, currents of pumps included."""
    net = rx.Network([forked(rx.Leak(), rx.CaPump())] * 2)
    for synapse in (rx.IonotropicSynapse(), rx.GapJunction()):
        rx.connect(net.cell(0).branch(1).comp(0), net.cell(1).branch(0).comp(0), synapse)
    net.cell(0).branch(0).comp(0).record()
    init_fn, step_fn = build_init_and_step_fn(net)
    start, all_params = init_fn(param_state=net.data_set("Leak_gLeak", 1e-3), delta_t=DT)
    np.testing.assert_array_equal(all_params.parameters["Leak_gLeak"], 1e-3)
    where = {"i": np.array([0])}

    def step(states: Any, current: jax.Array) -> Any:
        new = step_fn(states, all_params, {"i": current[None]}, where, delta_t=DT)
        return new, new["v"][0]

    _, v = jax.lax.scan(step, start, jnp.full(N, 0.5))
    data = net.cell(0).branch(0).comp(0).data_stimulate(jnp.full(N, 0.5))
    expected = rx.integrate(net, param_state=net.data_set("Leak_gLeak", 1e-3), data_stimuli=data, delta_t=DT)[0, 1:]
    np.testing.assert_allclose(v, expected, rtol=1e-12)
    assert {"i_Leak", "i_CaPump", "i_IonotropicSynapse", "i_GapJunction"} <= set(start)
    again, _ = init_fn(all_states=start)
    assert all(again[key] is x for key, x in start.items())


def test_refusals() -> None:
    net = small()
    _, step_fn = build_init_and_step_fn(net)
    states, all_params = build_init_and_step_fn(net)[0]()
    with pytest.raises(ValueError, match="externals has 'v', external_inds has not") as caught:
        step_fn(states, all_params, {"v": jnp.zeros(1)}, {})
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="no solver 'trbdf'"):
        build_init_and_step_fn(net, solver="trbdf")
