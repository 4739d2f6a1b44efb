"""`batched` rearranges synapses and keeps equal states once; what it gives is what `integrate` gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim.synapse_dependence import PRE, is_straight, of_states

N_STEPS = 60


class Blocked(rx.synapses.Synapse):
    """A current that is no straight line in the voltage behind, and a state that depends on it."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.synapse_params = {f"{self._name}_g": 1e-3}
        self.synapse_states = {f"{self._name}_s": 0.1}

    def update_states(self, states: Any, delta_t: Any, pre_voltage: Any, post_voltage: Any, params: Any) -> Any:
        s = states[f"{self._name}_s"]
        return {f"{self._name}_s": s + delta_t * (jax.nn.sigmoid(0.1 * (pre_voltage - post_voltage)) - s)}

    def compute_current(self, states: Any, pre_voltage: Any, post_voltage: Any, params: Any) -> Any:
        g = params[f"{self._name}_g"] * states[f"{self._name}_s"]
        return g * post_voltage * jax.nn.sigmoid(0.05 * (post_voltage + 20.0))


def network() -> Any:
    """Six cells of two kinds, 16 synapses of three types between them, several of one source and on one target."""
    point, branched = rx.Cell(rx.Branch(rx.Compartment(), 1)), rx.Cell([rx.Branch(rx.Compartment(), 2)] * 3, [-1, 0, 0])
    net = rx.Network([point] * 4 + [branched] * 2)
    net.insert(rx.HH())
    net.set("v", np.linspace(-70.0, -30.0, len(net.nodes)))
    pairs = [(0, 1), (0, 2), (0, 4), (1, 2), (1, 5), (2, 5), (3, 5), (4, 5), (5, 0), (5, 1)]
    for pre, post in pairs:
        rx.connect(net.cell(pre).branch(0).comp(0), net.cell(post).branch(0).comp(0), rx.IonotropicSynapse())
    for pre, post in pairs[::3]:
        rx.connect(net.cell(pre).branch(0).comp(0), net.cell(post).branch(0).comp(0), Blocked())
    for pre, post in pairs[1::4]:
        rx.connect(net.cell(pre).branch(0).comp(0), net.cell(post).branch(0).comp(0), rx.TestSynapse())
    net.IonotropicSynapse.set("IonotropicSynapse_gS", np.linspace(1e-3, 3e-3, len(pairs)))
    net.cell(0).branch(0).comp(0).stimulate(np.full(N_STEPS, 0.05))
    net.cell("all").branch(0).comp(0).record()
    net.IonotropicSynapse.edge([7, 0, 3]).record("IonotropicSynapse_s")
    net.IonotropicSynapse.edge([2, 9]).record("i_IonotropicSynapse")
    net.Blocked.edge(1).record("i_Blocked")
    net.IonotropicSynapse.edge("all").make_trainable("IonotropicSynapse_gS")
    net.Blocked.make_trainable("Blocked_g")
    return net


def own_states(net: Any) -> None:
    net.IonotropicSynapse.edge(1).set("IonotropicSynapse_s", 0.7)


def own_kinetics(net: Any) -> None:
    net.IonotropicSynapse.edge([0, 2]).set("IonotropicSynapse_k_minus", [0.1, 0.2])


def trained_kinetics(net: Any) -> None:
    net.IonotropicSynapse.edge("all").make_trainable("IonotropicSynapse_v_th")


def trained_states(net: Any) -> None:
    net.IonotropicSynapse.edge("all").make_trainable("IonotropicSynapse_s")


def clamped(net: Any) -> None:
    net.IonotropicSynapse.edge(2).clamp("IonotropicSynapse_s", np.linspace(0.0, 1.0, N_STEPS))


@pytest.mark.parametrize(
    ("change", "n_states"),
    [
        (lambda net: None, 6),
        (own_states, 10),
        (own_kinetics, 10),
        (trained_kinetics, 10),
        (trained_states, 10),
        (clamped, 10),
    ],
)
def test_values_and_gradients(change: Callable[[Any], None], n_states: int) -> None:
    net = network()
    change(net)
    params = net.get_parameters()
    scale = jnp.asarray([1e-2 if key == "v" else 1.0 for _, key in net.base._recordings])[:, None]

    def loss(v: jax.Array) -> jax.Array:
        return jnp.sum((scale * v) ** 2)

    batch = rx.batched(net)
    assert batch._plan.model.states["IonotropicSynapse_s"].shape[0] == n_states
    doubled = jax.tree.map(lambda x: jnp.stack([x, 1.1 * x]), params)
    expected = rx.integrate(net, jax.tree.map(lambda x: 1.1 * x, params))
    np.testing.assert_allclose(batch(doubled)[1], expected, rtol=1e-10, atol=1e-12)
    value, gradient = batch.value_and_grad(loss)(doubled)
    other = jax.grad(lambda p: loss(rx.integrate(net, p)))(params)
    assert value[0] == pytest.approx(float(loss(rx.integrate(net, params))), rel=1e-10)
    for found, wanted in zip(gradient, other, strict=True):
        for key, x in found.items():
            np.testing.assert_allclose(x[0], wanted[key], rtol=1e-8, atol=1e-10 * np.abs(wanted[key]).max())


def test_steady_start() -> None:
    """States at rest at each lane's own voltage, the same for all synapses of a source."""
    net = network()
    params = jax.tree.map(lambda x: x[None], net.get_parameters())
    found = rx.batched(net, steady=True)(params, v_init=np.array([-50.0]))
    net.set("v", -50.0)
    net.init_states()
    np.testing.assert_allclose(found[0], rx.integrate(net), rtol=1e-8, atol=1e-9)


def test_what_equations_depend_on() -> None:
    assert is_straight(rx.IonotropicSynapse()) and not is_straight(Blocked())
    assert PRE in of_states(rx.IonotropicSynapse()) and "post" not in of_states(rx.IonotropicSynapse())
    assert "IonotropicSynapse_gS" not in of_states(rx.IonotropicSynapse())
    assert "post" in of_states(Blocked())
