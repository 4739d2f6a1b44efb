"""The gradient of the batched simulator, by its own loop, is that of `integrate`, by JAX's."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim.reverse_loop import backwards, forwards, new_store

from .networks import INTEGRATORS
from .test_network_gradients import SIZE, of_everything, of_small

N_STEPS = 45


def with_inputs(net: Any, clamp: tuple[Any, str]) -> None:
    """A stimulus and a clamp that belong to the module."""
    wave = np.sin(np.arange(N_STEPS) / 7.0)
    net.cell(0).branch(0).comp(0).stimulate(0.5 + 0.1 * wave)
    view, key = clamp
    view.clamp(key, {"v": -60.0 + 5.0 * wave, "HH_h": 0.4 + 0.1 * wave}[key])


def loss_of(net: Any) -> Any:
    scale = jnp.array([SIZE[key] for _, key in net.base._recordings])[:, None]
    weights = np.random.default_rng(3).normal(size=(len(scale), N_STEPS + 1))
    return lambda v: jnp.sum(weights * (v / scale) ** 2)


def check(net: Any, solver: str, budget: int) -> None:
    loss, params = loss_of(net), net.get_parameters()
    expected = jax.grad(lambda p: loss(rx.integrate(net, p, solver=solver)))(params)
    run = rx.batched(net, solver=solver, memory_budget=budget).value_and_grad(loss)
    _, found = run(jax.tree.map(lambda x: jnp.stack([x, x]), params))
    for entry, other in zip(found, expected, strict=True):
        for key, x in entry.items():
            np.testing.assert_allclose(x[1], other[key], rtol=1e-8, atol=1e-10 * np.abs(other[key]).max(), err_msg=key)


@pytest.mark.parametrize("solver", [pytest.param(s, marks=pytest.mark.slow) for s in INTEGRATORS])
def test_gradient_of_everything(solver: str) -> None:
    """With a gate held: its value after a step is not what the gate's equation gives."""
    net, _ = of_everything()
    with_inputs(net, (net.cell(1).branch(1).comp(0), "HH_h"))
    check(net, solver, 2**30)


@pytest.mark.parametrize(
    "solver",
    ["bwd_euler", "crank_nicolson", *(pytest.param(s, marks=pytest.mark.slow) for s in INTEGRATORS[2:])],
)
def test_gradient_of_the_geometry_of_single_branches(solver: str) -> None:
    """What a branch point is taken to be enters the derivatives by couplings that differ from branch to branch."""
    cell = rx.Cell([rx.Branch(rx.Compartment(), 2)] * 4, parents=[-1, 0, 0, 1])
    cell.insert(rx.HH())
    for key in ("length", "radius", "axial_resistivity", "v"):
        cell.branch("all").make_trainable(key)
    cell.branch(0).comp(0).stimulate(np.full(N_STEPS, 0.2))
    cell.branch("all").comp(0).record()
    check(cell, solver, 2**30)


@pytest.mark.parametrize("solver", ["bwd_euler", pytest.param("crank_nicolson", marks=pytest.mark.slow)])
def test_gradient_with_a_voltage_clamp_and_in_blocks(solver: str) -> None:
    """A budget of a few states: blocks, and blocks of blocks, are run again."""
    net, _ = of_small()
    with_inputs(net, (net.cell(0).branch(2).comp(0), "v"))
    check(net, solver, 20_000)


@pytest.mark.parametrize("levels", [(103,), (11, 10), (3, 5, 7), (2, 2, 2, 20), (1, 200), (52, 2)])
def test_loop_both_ways(levels: tuple[int, ...]) -> None:
    """Whatever the blocks, also in memory that has been used: values and derivatives are those of `lax.scan`."""

    def step(a: list[Any], carry: jax.Array, x: jax.Array, after: Any) -> tuple[jax.Array, jax.Array]:
        if after is not None:
            seen.append(after)
        new = a[0] * carry + a[1] * jnp.sin(carry) + x
        return new, (carry * new)[None, None]

    seen: list[Any] = []
    xs, carry = jnp.asarray(np.random.default_rng(0).normal(size=103)), jnp.asarray(0.3)
    free, held = [jnp.asarray(0.5), None], [None, jnp.asarray(0.2)]
    of_last, of_ys = jnp.asarray(2.0), jnp.asarray(np.random.default_rng(1).normal(size=(1, 103, 1)))

    def plain(a: jax.Array, carry: jax.Array) -> Any:
        last, ys = jax.lax.scan(lambda c, x: step([a, held[1]], c, x, None), carry, xs)
        return last, jnp.swapaxes(ys, 0, 1)

    expected, transpose = jax.vjp(plain, free[0], carry)
    store = jax.tree.map(lambda a: a + jnp.nan, new_store(carry, levels))
    record = jnp.full((1, 107, 1), jnp.nan)
    last, record, store = forwards(step, [free[0], held[1]], carry, xs, levels, store, record, 4)
    assert record is not None and np.isnan(record[:, :4]).all()
    of_record = jnp.pad(of_ys, ((0, 0), (4, 0), (0, 0)))
    nothing = [jnp.zeros(()), None]
    of_carry, of_free, _ = backwards(step, free, held, xs, levels, store, of_last, of_record, nothing, 4)
    assert seen, "the way back is told what each step led to"
    for a, b in zip(
        jax.tree.leaves((last, record[:, 4:], of_free, of_carry)),
        jax.tree.leaves((expected, transpose((of_last, of_ys)))),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_what_a_step_led_to_is_what_it_is_told() -> None:
    """`after` is the carry of the step's end, also at the ends of blocks and of the whole."""

    def step(_: Any, carry: jax.Array, x: jax.Array, after: Any) -> tuple[jax.Array, jax.Array]:
        new = carry + x
        return new, (new if after is None else new + jnp.where(after == new, 0.0, jnp.nan) * carry)[None, None]

    xs, levels = jnp.arange(1.0, 14.0), (3, 5)
    one = jnp.ones(())
    _, _, store = forwards(step, [], one, xs, levels, new_store(one, levels), None)
    of_carry, _, _ = backwards(step, [], [], xs, levels, store, one, jnp.ones((1, 13, 1)), [])
    assert of_carry == 14.0
