"""Gradients of networks against central differences: every kind of trainable, every synapse, every integrator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

from .networks import INTEGRATORS, everything, forked, small
from .test_gradients import RELATIVE, STENCIL, STEPS

N_STEPS = 60
#: Sizes of what is recorded.
SIZE = {"v": 20.0, "CaCon_i": 1e-4, "IonotropicSynapse_s": 0.2, "i_TestSynapse": 1e-3, "i_GapJunction": 1e-2}


def of_everything() -> tuple[Any, Any]:
    """A network, and as a tree all that its gradient is taken in."""
    net = everything()
    for key in ("HH_gNa", "v"):
        net.cell([0, 1]).make_trainable(key)
    for key in ("HH_eK", "HH_n", "CaL_gCaL", "CaPump_decay", "CaPump_gamma", "CaCon_i", "axial_diffusion_CaCon_i"):
        net.HH.make_trainable(key)
    net.cell(0).branch("all").make_trainable("length")
    net.cell(2).make_trainable("Leak_gLeak")
    for key in ("radius", "axial_resistivity", "capacitance"):
        net.make_trainable(key)
    for name, synapse in net.base._synapses.items():
        for key in (*synapse.synapse_params, *synapse.synapse_states):
            view = getattr(net, name)
            (view.edge("all") if key.endswith(("gS", "_g")) else view).make_trainable(key)
    wave = np.sin(np.arange(N_STEPS) / 7.0)
    data = {
        "HH_gK": jnp.array([0.03, 0.036, 0.04]),
        "stimulus": jnp.asarray(1.0 + 0.1 * wave),
        "v": jnp.asarray(-60.0 + 5.0 * wave),
        "HH_h": jnp.asarray(0.4 + 0.1 * wave),
        "TestSynapse_c": jnp.asarray(0.3 + 0.1 * wave),
    }
    return net, {"params": net.get_parameters(), **data}


def run_everything(net: Any, x: Any, solver: str) -> jax.Array:
    bound = net.cell(1).branch("all").data_set("HH_gK", x["HH_gK"])
    stimuli = net.cell(0).branch(0).comp(0).data_stimulate(x["stimulus"])
    clamps = net.cell(0).branch(2).comp(0).data_clamp("v", x["v"])
    clamps = net.cell(1).branch(1).comp(0).data_clamp("HH_h", x["HH_h"], clamps)
    clamps = net.TestSynapse.edge(1).data_clamp("TestSynapse_c", x["TestSynapse_c"], clamps)
    return rx.integrate(
        net, x["params"], param_state=bound, data_stimuli=stimuli, data_clamps=clamps, solver=solver, delta_t=0.025
    )


def of_small() -> tuple[Any, Any]:
    net = small()
    net.cell("all").branch("all").make_trainable("CaCon_i")
    for key in ("Km_gKm", "radius", "axial_diffusion_CaCon_i", "CaPump_decay", "axial_resistivity"):
        net.make_trainable(key)
    net.cell("all").make_trainable("v")
    net.cell(0).branch("all").make_trainable("Km_p")
    net.IonotropicSynapse.edge("all").make_trainable("IonotropicSynapse_gS")
    net.make_trainable("IonotropicSynapse_s")
    net.make_trainable("GapJunction_g")
    wave = jnp.sin(jnp.arange(N_STEPS) / 7.0)
    return net, {"params": net.get_parameters(), "stimulus": 0.5 + 0.1 * wave, "v": -60.0 + 5.0 * wave}


def run_small(net: Any, x: Any, solver: str) -> jax.Array:
    stimuli = net.cell(0).branch(0).comp(0).data_stimulate(x["stimulus"])
    clamps = net.cell(0).branch(2).comp(0).data_clamp("v", x["v"])
    return rx.integrate(net, x["params"], data_stimuli=stimuli, data_clamps=clamps, solver=solver, delta_t=0.025)


def loss_of(net: Any) -> Callable[[jax.Array], jax.Array]:
    """Something smooth that all recordings enter, each in its own size."""
    size = jnp.array([SIZE[state] for state in net.rec_info.state])
    return lambda v: jnp.mean((v / size.astype(v.dtype)[:, None]) ** 2)


def errors(objective: Callable[[Any], jax.Array], x: Any) -> dict[str, float]:
    """For each leaf the relative error of the gradient along one direction, every entry by some share of its size.

    One compiled function gives the gradient and the values at all neighbours.
    """
    leaves, tree = jax.tree.flatten(jax.tree.map(np.asarray, x))
    rng = np.random.default_rng(1)
    shares = [rng.choice([-1.0, 1.0], leaf.shape) * rng.uniform(0.5, 1.5, leaf.shape) for leaf in leaves]
    directions = [np.abs(leaf) * share for leaf, share in zip(leaves, shares, strict=True)]
    offsets = [0.0, *(o * step for step in STEPS for o, _ in STENCIL)]
    batch = [
        np.stack([leaf + (o * d if k == moved else 0.0) for moved in range(len(leaves)) for o in offsets])
        for k, (leaf, d) in enumerate(zip(leaves, directions, strict=True))
    ]
    values, gradients = jax.jit(lambda xs: jax.lax.map(jax.value_and_grad(objective), xs))(tree.unflatten(batch))
    values = np.asarray(values).reshape(len(leaves), len(STEPS) * len(STENCIL) + 1)
    found = {}
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(x)]
    for k, (name, d, g) in enumerate(zip(paths, directions, jax.tree.leaves(gradients), strict=True)):
        slope = float((np.asarray(g)[0] * d).sum())
        assert np.isfinite(slope) and slope != 0.0, name
        by_step = values[k, 1:].reshape(len(STEPS), -1) @ np.array([w for _, w in STENCIL]) / np.array(STEPS)
        found[name] = float(np.abs(by_step / slope - 1.0).min())
    return found


#: The others take longer than `make test` has.
QUICK = (("everything", "bwd_euler"), ("small", "exp_euler"))
NETWORKS = {"everything": (of_everything, run_everything), "small": (of_small, run_small)}


@pytest.mark.parametrize(
    ("network", "solver"),
    [
        pytest.param(network, solver, marks=[] if (network, solver) in QUICK else pytest.mark.slow)
        for network in NETWORKS
        for solver in INTEGRATORS
    ],
)
def test_against_differences(network: str, solver: str) -> None:
    make, run = NETWORKS[network]
    net, x = make()
    loss = loss_of(net)
    found = errors(lambda y: loss(run(net, y, solver)), x)
    print(
        f"{network}, {solver}: worst {max(found.values()):.1e}; " + ", ".join(f"{k} {e:.0e}" for k, e in found.items())
    )
    assert max(found.values()) <= RELATIVE, {k: e for k, e in found.items() if e > RELATIVE}


def spiking_pair() -> Any:
    """Two spiking cells, the second driven by the first through a synapse and a gap junction."""
    net = rx.Network([forked(rx.HH())] * 2)
    net.init_states()
    net.cell(0).branch(0).comp(0).stimulate(np.full(N_STEPS * 2, 1.0))
    rx.connect(net.cell(0).branch(1).comp(0), net.cell(1).branch(0).comp(0), rx.IonotropicSynapse())
    rx.connect(net.cell(0).branch(2).comp(0), net.cell(1).branch(2).comp(0), rx.GapJunction())
    net.set("IonotropicSynapse_gS", 0.05)
    net.set("GapJunction_g", 5e-3)
    net.cell("all").branch(0).comp(0).record()
    for key in ("HH_gNa", "HH_gK", "v"):
        net.cell("all").make_trainable(key)
    for key in ("radius", "IonotropicSynapse_gS", "IonotropicSynapse_k_minus", "IonotropicSynapse_s", "GapJunction_g"):
        net.make_trainable(key)
    return net


@pytest.mark.slow
def test_float32_on_a_spiking_network() -> None:
    """1e-3 of the float64 gradient (specification), each value in its own size (of a cell: test_gradients.py)."""
    net = spiking_pair()
    params = net.get_parameters()
    alone = [{key: x[None] for key, x in entry.items()} for entry in params]
    found = []
    for dtype in (jnp.float64, jnp.float32):
        run = rx.batched(net, delta_t=0.025, dtype=dtype)
        _, gradient = run.value_and_grad(loss_of(net))(alone)
        assert all(leaf.dtype == dtype for leaf in jax.tree.leaves(gradient))
        sizes = [np.abs(np.asarray(x)) for x in jax.tree.leaves(params)]
        found.append(
            np.concatenate([np.asarray(g)[0] * s for g, s in zip(jax.tree.leaves(gradient), sizes, strict=True)])
        )
    v = np.asarray(rx.integrate(net, params, delta_t=0.025))
    assert np.all(v.max(axis=1) > 0.0), "both spike"
    error = np.linalg.norm(found[1] - found[0]) / np.linalg.norm(found[0])
    print(f"float32 gradient: {error:.1e} of the float64 one's length away")
    assert error <= 1e-3


def test_lanes_and_transformations_of_integrate() -> None:
    """`jax.vmap`, `jax.jit` and `jax.grad` in a network, over trainables, stimuli and clamps at once."""
    net = rx.Network([forked(rx.Leak())] * 2)
    rx.connect(net.cell(0).branch(0).comp(0), net.cell(1).branch(1).comp(0), rx.TestSynapse())
    net.cell(1).branch(0).comp(0).record()
    net.record("TestSynapse_c")
    net.make_trainable("TestSynapse_gC")

    def trace(gc: jax.Array, stimulus: jax.Array, clamp: jax.Array) -> jax.Array:
        stimuli = net.cell(1).branch(2).comp(0).data_stimulate(stimulus)
        clamps = net.cell(0).branch(0).comp(0).data_clamp("v", clamp)
        return rx.integrate(
            net, [{"TestSynapse_gC": gc[None]}], data_stimuli=stimuli, data_clamps=clamps, delta_t=0.025
        )

    rng = np.random.default_rng(0)
    many = rng.uniform(1e-3, 5e-3, 3), rng.uniform(0.0, 0.2, (3, 10)), rng.uniform(-40.0, 0.0, (3, 10))
    together = np.asarray(jax.jit(jax.vmap(trace))(*many))
    assert together.shape == (3, 2, 11)
    for k, lane in enumerate(together):
        np.testing.assert_allclose(lane, trace(*(jnp.asarray(x[k]) for x in many)), rtol=1e-12)
    slopes = jax.vmap(jax.grad(lambda *x: trace(*x)[0, -1], argnums=(0, 1, 2)))(*many)
    assert [x.shape for x in slopes] == [(3,), (3, 10), (3, 10)]
    assert np.all(np.asarray(slopes[1]) > 0.0) and np.all(np.asarray(slopes[2])[:, -1] == 0.0)
    assert np.all(np.asarray(slopes[2])[:, :-2] != 0.0), "the presynaptic voltage acts from the next step on"
