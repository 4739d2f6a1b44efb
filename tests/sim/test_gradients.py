"""Gradients against central differences for every kind of trainable, through spikes and calcium; float32 as well.

The differences are of fourth order in the step and all of a cell's are made in one batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

from .cells import DT, layer5, spiking

T_MAX = 6.0
RELATIVE = 1e-6
#: Relative steps: a small one where the loss bends, a larger one where it hardly moves and rounding counts.
STEPS = (3e-5, 2e-3)
#: Fourth-order central difference: f'(x) h = sum of weight f(x + offset h).
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))


def loss(v: jax.Array) -> jax.Array:
    """Something smooth that every part of the trace enters."""
    return jnp.mean(((v[:, 1:] + 65.0) / 20.0) ** 2)


def hh_cell() -> Any:
    cell = spiking(t_max=T_MAX, amp=0.8)
    cell.branch([0, 3]).comp(0).record()
    cell.branch([1, 3]).add_to_group("tuft")
    cell.branch("all").make_trainable("HH_gNa")
    cell.make_trainable("HH_eK")
    cell.make_trainable("radius")
    cell.branch("all").make_trainable("length")
    cell.tuft.make_trainable("axial_resistivity")
    cell.branch(2).comp("all").make_trainable("capacitance")
    cell.branch(0).make_trainable("v")
    cell.tuft.make_trainable("HH_n")
    return cell


def layer5_cell() -> Any:
    cell = layer5(t_max=T_MAX)
    cell.branch([0, 3]).comp(0).record()
    cell.branch(0).comp(0).record("CaCon_i")
    for key in ("pas_e", "eK", "Ca_HVA2_gbar", "SK_E2_gbar", "CaDynamics_DC0_decay", "CaDynamics_DC0_gamma", "CaCon_i"):
        cell.make_trainable(key)
    cell.SKv3_1.branch("all").make_trainable("SKv3_1_gbar")
    cell.NaTg.make_trainable("NaTg_gbar")
    cell.NaTg.make_trainable("NaTg_vshiftm", 2.0)
    cell.NaTg.make_trainable("eNa")
    cell.Ih.make_trainable("Ih_gbar")
    cell.branch(1).make_trainable("Ih_m")
    cell.make_trainable("radius")
    return cell


def differences(run: rx.Batched, params: Any, step: float) -> list[np.ndarray]:
    """Central differences of the loss in each value of `params`, relative steps of `step`."""
    shapes = [next(iter(entry.values())).shape[0] for entry in params]
    flat = np.concatenate([np.asarray(next(iter(entry.values()))) for entry in params])
    n = flat.size
    points = np.stack([flat + o * step * np.abs(flat[i]) * np.eye(n)[i] for i in range(n) for o, _ in STENCIL])
    split = np.split(points, np.cumsum(shapes)[:-1], axis=1)
    values = run.losses(loss)([{next(iter(e)): jnp.asarray(s)} for e, s in zip(params, split, strict=True)])
    slopes = np.asarray(values).reshape(n, -1) @ np.array([w for _, w in STENCIL]) / (step * np.abs(flat))
    return np.split(slopes, np.cumsum(shapes)[:-1])


@functools.cache
def prepared(make: Callable[[], Any]) -> tuple[Any, Any, rx.Batched, Any, Any]:
    """A cell, its trainables, its simulator, and in float64 the loss and its gradient as a tree."""
    cell = make()
    params = cell.get_parameters()
    run = rx.batched(cell, t_max=T_MAX, delta_t=DT)
    return cell, params, run, *run.value_and_grad(loss)(alone(params))


def alone(params: Any) -> Any:
    """A batch of one."""
    return [{key: x[None] for key, x in entry.items()} for entry in params]


@pytest.mark.parametrize("make", [hh_cell, layer5_cell], ids=["HH", "layer 5"])
def test_against_differences(make: Callable[[], Any]) -> None:
    _, params, run, value, gradient = prepared(make)
    assert value[0] > 2.0, "only a spike takes the loss this far"
    expected = [differences(run, params, step) for step in STEPS]
    worst = {}
    for entry, *slopes in zip(gradient, *expected, strict=True):
        ((key, found),) = entry.items()
        assert np.all(found != 0.0), key
        errors = [np.abs(found[0] - slope).max() / np.abs(slope).max() for slope in slopes]
        worst[key] = float(min(errors))
    print("gradient against differences: " + ", ".join(f"{key} {error:.0e}" for key, error in worst.items()))
    assert max(worst.values()) <= RELATIVE, worst


@pytest.mark.parametrize("make", [hh_cell, pytest.param(layer5_cell, marks=pytest.mark.slow)], ids=["HH", "layer 5"])
def test_float32_on_a_spiking_cell(make: Callable[[], Any]) -> None:
    """1e-3 of the float64 gradient (specification)."""
    cell, params, _, _, gradient = prepared(make)
    single = rx.batched(cell, t_max=T_MAX, delta_t=DT, dtype=jnp.float32).value_and_grad(loss)(alone(params))[1]
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(single))

    def in_own_sizes(tree: Any) -> np.ndarray:
        sizes = [np.abs(np.asarray(x)) for x in jax.tree.leaves(params)]
        return np.concatenate([np.asarray(g)[0] * s for g, s in zip(jax.tree.leaves(tree), sizes, strict=True)])

    error = np.linalg.norm(in_own_sizes(single) - in_own_sizes(gradient)) / np.linalg.norm(in_own_sizes(gradient))
    print(f"float32 gradient: {error:.1e} of the float64 one's length away")
    assert error <= 1e-3


def test_nested_loops_give_the_same_gradient() -> None:
    """More levels run blocks again, but compute the same; also where the last blocks are not full."""
    cell = spiking(((1, 20.0, 10.0, -1),), t_max=T_MAX, amp=0.8)
    cell.record()
    for key in ("HH_gNa", "radius", "v"):
        cell.make_trainable(key)
    params = cell.get_parameters()

    def gradient(**levels: Any) -> np.ndarray:
        tree = jax.grad(lambda p: loss(rx.integrate(cell, p, t_max=T_MAX, delta_t=DT, **levels)))(params)
        return np.concatenate([np.ravel(x) for x in jax.tree.leaves(tree)])

    expected = gradient()
    np.testing.assert_allclose(gradient(checkpoint_lengths=(5, 7, 11)), expected, rtol=1e-9)
    np.testing.assert_allclose(gradient(memory_budget=3_000), expected, rtol=1e-9)


def test_forward_mode_and_data_values() -> None:
    """`jax.jvp` agrees with `jax.grad`, in `data_set` and `data_stimulate`; `jax.vmap` and `jax.jit` compose."""
    cell = spiking(t_max=T_MAX)
    cell.branch(0).comp(0).record()
    times = np.arange(round(T_MAX / DT))
    bump = 0.3 * np.exp(-(((times - 60) / 30) ** 2))

    def objective(x: jax.Array) -> jax.Array:
        """x: conductance of branch 1 in its 4 compartments, resistivity, height of a stimulus."""
        bound = cell.branch(1).data_set("HH_gNa", x[:4])
        bound = cell.data_set("axial_resistivity", x[4], bound)
        stimuli = cell.branch(2).comp(0).data_stimulate(x[5] * jnp.asarray(bump))
        return loss(rx.integrate(cell, param_state=bound, data_stimuli=stimuli, t_max=T_MAX, delta_t=DT))

    x = jnp.array([0.12, 0.13, 0.11, 0.12, 100.0, 1.0])
    gradient = np.asarray(jax.jit(jax.grad(objective))(x))
    points = np.stack([x + o * STEPS[0] * x[i] * np.eye(6)[i] for i in range(6) for o, _ in STENCIL])
    values = np.asarray(jax.jit(jax.vmap(objective))(jnp.asarray(points))).reshape(6, -1)
    expected = values @ np.array([w for _, w in STENCIL]) / (STEPS[0] * np.asarray(x))
    np.testing.assert_allclose(gradient, expected, rtol=RELATIVE)

    direction = jnp.asarray(np.random.default_rng(0).normal(size=6)) * x
    _, slope = jax.jvp(objective, (x,), (direction,))
    np.testing.assert_allclose(slope, gradient @ np.asarray(direction), rtol=1e-9)
