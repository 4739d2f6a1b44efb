"""The batched simulator: each lane is what `integrate` gives, whatever else is in its block."""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim.simulate import bytes_of
from rallax.sim.time_loop import choose_levels, time_loop

from .cells import DT, layer5, spiking

T_MAX = 3.0
STEPS = round(T_MAX / DT)


@pytest.fixture(scope="module")
def cell() -> Any:
    """HH, two places recorded, two trainables of different length."""
    cell = spiking(((1, 20.0, 10.0, -1), (2, 100.0, 1.0, 0), (1, 80.0, 1.0, 0)), t_max=T_MAX)
    cell.branch([0, 2]).comp(0).record()
    cell.branch("all").make_trainable("HH_gNa")
    cell.make_trainable("axial_resistivity")
    return cell


def sets(cell: Any, n: int, seed: int = 0) -> Any:
    """n parameter sets around the cell's."""
    rng = np.random.default_rng(seed)
    return [
        {key: jnp.asarray(np.asarray(x) * rng.uniform(0.8, 1.2, (n, len(x)))) for key, x in entry.items()}
        for entry in cell.get_parameters()
    ]


def one(params: Any, i: int) -> Any:
    return jax.tree.map(lambda x: x[i], params)


def stimuli(n: int) -> np.ndarray:
    return np.array([rx.step_current(0.5, 2.0, 0.3 + 0.4 * k, DT, T_MAX)[:-1] for k in range(n)])[:, None]


def test_lane_by_lane(cell: Any) -> None:
    """Parameter sets x stimuli, laid out as promised; alone, the module's own stimulus."""
    run = rx.batched(cell, t_max=T_MAX)
    params = sets(cell, 3)
    own = run(params)
    assert own.shape == (3, 2, STEPS + 1)
    for i in range(3):
        np.testing.assert_allclose(own[i], rx.integrate(cell, one(params, i), t_max=T_MAX), rtol=1e-9)
    crossed = run(params, stimuli=stimuli(2))
    assert crossed.shape == (3, 2, 2, STEPS + 1)
    other = cell.copy()
    for k in range(2):
        other.delete_stimuli()
        other.branch(0).comp(0).stimulate(stimuli(2)[k])
        np.testing.assert_allclose(crossed[2, k], rx.integrate(other, one(params, 2), t_max=T_MAX), rtol=1e-9)


@pytest.mark.parametrize(("width", "dtype"), [(1, jnp.float64), (3, jnp.float32), (8, jnp.float32)])
def test_a_lane_does_not_depend_on_its_company(cell: Any, width: int, dtype: Any) -> None:
    """To the last bit at equal width: with other neighbours, in another block, beside padding, alone in a call."""
    run = rx.batched(cell, t_max=T_MAX, dtype=dtype, lane_width=width)
    gradient = run.value_and_grad(lambda v: jnp.mean(v**2))
    params, others = sets(cell, 2 * width + 1), sets(cell, width, seed=1)
    v, losses_and_slopes = run(params), gradient(params)
    assert v.dtype == dtype
    place = width // 2
    company = jax.tree.map(lambda q, p: q.at[place].set(p[width + place]), others, params)
    np.testing.assert_array_equal(run(company)[place], v[width + place])
    np.testing.assert_array_equal(run(jax.tree.map(lambda x: x[-1:], params))[0], v[-1])
    for found, expected in zip(jax.tree.leaves(gradient(company)), jax.tree.leaves(losses_and_slopes), strict=True):
        np.testing.assert_array_equal(found[place], expected[width + place])


def test_a_lane_that_is_not_finite_harms_no_other(cell: Any) -> None:
    run = rx.batched(cell, t_max=T_MAX).value_and_grad(lambda v: jnp.mean(v**2))
    good, (losses, gradient) = sets(cell, 4), run(sets(cell, 4))
    bad = jax.tree.map(lambda x: x.at[1].set(jnp.nan), good)
    found_losses, found = run(bad)
    assert np.isnan(found_losses[1])
    for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(gradient), strict=True):
        assert np.isnan(x[1]).all()
        np.testing.assert_array_equal(x[jnp.array([0, 2, 3])], y[jnp.array([0, 2, 3])])
    np.testing.assert_array_equal(np.delete(found_losses, 1), np.delete(losses, 1))


def test_blocks_of_large_cells_are_narrower(cell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The states of a block fit a core's cache; results are those of wide blocks."""
    from rallax.sim.batched import widest_block

    assert [widest_block(n) for n in (1, 4096, 4097, 8192, 8193, 10**6)] == [64, 64, 32, 32, 16, 16]
    params = sets(cell, 40)
    wide = rx.batched(cell, t_max=T_MAX)
    expected = wide(params)
    # By its name in sys.modules: the package's own `batched` is the function.
    monkeypatch.setattr(sys.modules["rallax.sim.batched"], "CACHED_STATES", 1)
    narrow = rx.batched(cell, t_max=T_MAX)
    np.testing.assert_allclose(narrow(params), expected, rtol=1e-9)
    assert ([width for width, _ in wide._records], [width for width, _ in narrow._records]) == ([48], [16])


def test_losses_and_gradients(cell: Any) -> None:
    """With data and weights: each stimulus has its own target, gradients are of the weighted sum over stimuli."""
    run = rx.batched(cell, t_max=T_MAX, lane_width=6)
    params, currents = sets(cell, 2), stimuli(3)
    target = {"v": np.random.default_rng(1).normal(-65, 5, (3, 2, STEPS + 1)), "scale": np.array([1.0, 2.0, 3.0])}

    def loss(v: jax.Array, data: Any) -> jax.Array:
        return jnp.mean((v - data["v"]) ** 2) / data["scale"]

    v = np.asarray(run(params, stimuli=currents))
    expected = ((v - target["v"]) ** 2).mean(axis=(2, 3)) / target["scale"]
    differentiated = run.value_and_grad(loss)
    losses, gradient = differentiated(params, stimuli=currents, data=target)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    np.testing.assert_allclose(run.losses(loss)(params, stimuli=currents, data=target), expected, rtol=1e-12)

    weights = np.array([0.5, 0.0, 2.0])
    weighted_losses, weighted = differentiated(params, stimuli=currents, data=target, weights=weights)
    np.testing.assert_array_equal(weighted_losses, losses)
    alone = [
        differentiated(params, stimuli=currents[k : k + 1], data=jax.tree.map(lambda x, k=k: x[k : k + 1], target))
        for k in range(3)
    ]
    for leaf, plain, parts in zip(
        jax.tree.leaves(weighted),
        jax.tree.leaves(gradient),
        zip(*(jax.tree.leaves(g) for _, g in alone), strict=True),
        strict=True,
    ):
        np.testing.assert_allclose(plain, sum(parts), rtol=1e-9)
        np.testing.assert_allclose(leaf, 0.5 * parts[0] + 2.0 * parts[2], rtol=1e-9)
    assert [list(entry) for entry in gradient] == [["HH_gNa"], ["axial_resistivity"]]


def test_initial_voltage_and_steady_states() -> None:
    """`v_init` for each stimulus; with `steady` every state starts as `init_states` would put it."""
    cell = layer5(t_max=1.0)
    cell.delete_stimuli()
    for state in ("v", "Ih_m", "CaCon_i", "Ca_HVA2_h", "SK_E2_z"):
        cell.branch(0).comp(0).record(state)
    cell.Ih.make_trainable("Ih_gbar")
    run = rx.batched(cell, t_max=1.0, steady=True)
    params = [{"Ih_gbar": jnp.array([[1e-4], [3e-4]])}]
    found = np.asarray(run(params, stimuli=np.zeros((2, 0, 1)), v_init=np.array([-90.0, -60.0])))
    assert found.shape == (2, 2, 5, 41)
    for k, v in enumerate((-90.0, -60.0)):
        cell.set("v", v)
        cell.init_states()
        for i in range(2):
            expected = rx.integrate(cell, one(params, i), t_max=1.0)
            np.testing.assert_allclose(found[i, k], expected, rtol=1e-9)


def test_single_precision_in_a_double_process(cell: Any) -> None:
    run = rx.batched(cell, t_max=T_MAX, dtype=jnp.float32)
    losses, gradient = run.value_and_grad(lambda v: jnp.mean(v**2))(sets(cell, 2))
    assert losses.dtype == jnp.float32 and {x.dtype for x in jax.tree.leaves(gradient)} == {jnp.dtype("float32")}
    double = jax.vmap(lambda p: jnp.mean(rx.integrate(cell, p, t_max=T_MAX) ** 2))(sets(cell, 2))
    np.testing.assert_allclose(losses, double, rtol=1e-4)


def test_errors_are_one_line(cell: Any) -> None:
    run = rx.batched(cell)
    params = sets(cell, 2)
    for pattern, call in (
        (r"\(n_stimuli, 1 stimulated compartments, T\)", lambda: run(params, stimuli=np.zeros((2, 3, 5)))),
        ("params has 1 entries, the module 2 trainables", lambda: run(params[:1])),
        ("no solver 'euler'", lambda: rx.batched(cell, solver="euler")),
    ):
        with pytest.raises(ValueError, match=pattern) as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_steps", [1, 2, 10, 400, 4801, 100_000])
def test_levels_fit_the_budget(n_steps: int) -> None:
    for budget in (2**20, 2**24, 2**30):
        lengths = choose_levels(n_steps, 10_000, budget)
        assert np.prod(lengths) >= n_steps
        assert sum(lengths) * 10_000 <= budget
        if len(lengths) > 1:
            assert n_steps * 10_000 > budget, "one level would have done"
    with pytest.raises(ValueError, match="memory_budget"):
        choose_levels(100_000, 10_000_000, 2**20)


@pytest.mark.parametrize("levels", [(103,), (11, 10), (3, 5, 7), (2, 2, 2, 20), (1, 200)])
def test_time_loop_is_scan(levels: tuple[int, ...]) -> None:
    """Whatever the blocks, every step is made once, in order."""

    def body(carry: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        return 0.5 * carry + x, carry

    xs = jnp.asarray(np.random.default_rng(0).normal(size=103))
    expected = jax.lax.scan(body, jnp.zeros(()), xs)
    found = time_loop(body, jnp.zeros(()), xs, levels)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-12)


@pytest.mark.slow
def test_gradient_stays_within_its_memory(cell: Any) -> None:
    """XLA's own count of temporary memory falls as the budget does."""

    params = cell.get_parameters()

    def temporary(budget: int) -> int:
        def total(p: Any) -> jax.Array:
            return jnp.mean(rx.integrate(cell, p, t_max=50.0, memory_budget=budget) ** 2)

        return jax.jit(jax.grad(total)).lower(params).compile().memory_analysis().temp_size_in_bytes

    plenty, little = temporary(2**30), temporary(2**14)
    states = 8 * 4 * len(cell.nodes) * 2000
    assert plenty > states
    assert little < plenty / 4
    assert bytes_of({"a": jnp.zeros((3, 4), jnp.float32)}) == 48


def test_a_loss_of_higher_precision_than_the_simulation(cell: Any) -> None:
    """A target in float64 makes the loss float64; the gradient is that of the simulation."""
    target = jnp.full((2, STEPS + 1), -60.0, jnp.float64)
    run = rx.batched(cell, t_max=T_MAX, dtype=jnp.float32)
    losses, gradient = run.value_and_grad(lambda v: jnp.mean((v - target) ** 2))(sets(cell, 2))
    assert np.isfinite(losses).all() and {x.dtype for x in jax.tree.leaves(gradient)} == {jnp.dtype("float32")}
