"""The tree solve against scipy's sparse solve, and its derivatives against finite differences."""

from __future__ import annotations

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve

from rallax.sim.time_loop import time_loop
from rallax.sim.tree_solve import Tree, multiply, solve

solve_jit = jax.jit(solve)


def random_tree(n: int, rng: np.random.Generator, reach: int) -> np.ndarray:
    """Parents of a random tree numbered at random; each node hangs on one of the `reach` made before it."""
    parents = np.array([-1, *(rng.integers(max(0, i - reach), i) for i in range(1, n))])
    number = rng.permutation(n)
    shuffled = np.empty(n, int)
    shuffled[number] = np.where(parents < 0, -1, number[parents])
    return shuffled


def random_system(parents: np.ndarray, rng: np.random.Generator, lanes: tuple[int, int, int]) -> tuple[np.ndarray, ...]:
    """Diagonal, coupling and right-hand side; couplings over four decades, some rows with no capacitance."""
    n = len(parents)
    coupling = 10.0 ** rng.uniform(-3, 1, (n, lanes[1]))
    coupling[parents < 0] = 0.0
    total = coupling.copy()
    np.add.at(total, parents[parents >= 0], coupling[parents >= 0])
    leak = np.where(rng.random((n, 1)) < 0.2, 0.0, 10.0 ** rng.uniform(-3, 0, (n, max(lanes[0], lanes[1]))))
    leak[parents < 0] = 0.1
    return total + leak, coupling, rng.normal(size=(n, lanes[2]))


def matrix(parents: np.ndarray, diagonal: np.ndarray, coupling: np.ndarray) -> csc_matrix:
    n = len(parents)
    child = np.flatnonzero(parents >= 0)
    rows = np.concatenate([np.arange(n), child, parents[child]])
    columns = np.concatenate([np.arange(n), parents[child], child])
    return csc_matrix((np.concatenate([diagonal, -coupling[child], -coupling[child]]), (rows, columns)), (n, n))


def lane(x: np.ndarray, k: int) -> np.ndarray:
    return x[:, min(k, x.shape[1] - 1)]


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    n=st.sampled_from([1, 2, 3, 17, 300]),
    lanes=st.sampled_from([(1, 1, 1), (3, 1, 3), (1, 1, 3), (3, 3, 1), (1, 3, 3)]),
    reach=st.sampled_from([1, 5, 10_000]),
    seed=st.integers(0, 2**31),
)
def test_random_trees(n: int, lanes: tuple[int, int, int], reach: int, seed: int) -> None:
    check_against_scipy(n, lanes, reach, seed)


@pytest.mark.parametrize("reach", [1, 30, 10_000])
def test_5000_nodes(reach: int) -> None:
    check_against_scipy(5000, (1, 1, 2), reach, seed=reach)


def check_against_scipy(n: int, lanes: tuple[int, int, int], reach: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    parents = random_tree(n, rng, reach)
    diagonal, coupling, rhs = random_system(parents, rng, lanes)
    x = np.asarray(solve_jit(Tree.from_parents(parents), diagonal, coupling, rhs))
    assert x.shape == (n, max(diagonal.shape[1], coupling.shape[1], rhs.shape[1]))
    for k in range(x.shape[1]):
        expected = np.atleast_1d(spsolve(matrix(parents, lane(diagonal, k), lane(coupling, k)), lane(rhs, k)))
        np.testing.assert_allclose(x[:, k], expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())


def test_multiply_is_the_matrix() -> None:
    rng = np.random.default_rng(1)
    parents = random_tree(40, rng, 5)
    diagonal, coupling, x = random_system(parents, rng, (1, 1, 1))
    found = multiply(Tree.from_parents(parents), *(jnp.asarray(a) for a in (diagonal, coupling, x)))
    expected = matrix(parents, diagonal[:, 0], coupling[:, 0]) @ x[:, 0]
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-12)


@pytest.mark.parametrize("lanes", [(2, 1, 2)])
def test_derivatives(lanes: tuple[int, int, int]) -> None:
    """Forward and reverse mode, first and second order, in every operand."""
    rng = np.random.default_rng(2)
    parents = random_tree(12, rng, 4)
    tree = Tree.from_parents(parents)
    diagonal, coupling, rhs = (jnp.asarray(a) for a in random_system(parents, rng, lanes))
    # Ten on the diagonal: finite differences of a nearly singular system would only measure themselves.
    check_grads(
        lambda *a: jnp.sin(solve(tree, *a)),
        (diagonal + 10.0, coupling, rhs),
        order=2,
        modes=("fwd", "rev"),
        rtol=1e-5,
        atol=1e-5,
    )


def test_derivative_in_one_operand_only() -> None:
    """What is not differentiated is not an operand of the derivative; each alone gives the same as all together."""
    rng = np.random.default_rng(3)
    parents = random_tree(9, rng, 3)
    tree = Tree.from_parents(parents)
    operands = [jnp.asarray(a) for a in random_system(parents, rng, (1, 1, 1))]

    def objective(*a: jax.Array) -> jax.Array:
        return jnp.sum(solve(tree, *a) ** 2)

    together = jax.grad(objective, argnums=(0, 1, 2))(*operands)
    for i, expected in enumerate(together):
        np.testing.assert_allclose(jax.grad(objective, argnums=i)(*operands), expected, rtol=1e-12)


def test_rematerialised_solution_is_not_solved_again() -> None:
    """The reverse pass of a rematerialised step holds one elimination and one substitution, for the adjoint."""
    parents = np.array([-1, 0, 0, 1])
    tree = Tree.from_parents(parents)
    _, coupling, x0 = (jnp.asarray(a) for a in random_system(parents, np.random.default_rng(0), (1, 1, 1)))

    def total(x0: jax.Array) -> jax.Array:
        def body(x: jax.Array, _: jax.Array) -> tuple[jax.Array, jax.Array]:
            x = solve(tree, 3.0 + x * x, coupling, x)
            return x, x.sum()

        return time_loop(body, x0, jnp.zeros(5), (5,))[1].sum()

    hlo = jax.jit(jax.grad(total)).lower(x0).compile().as_text()
    forward = jax.jit(total).lower(x0).compile().as_text()
    assert forward.count(" while(") == 3
    # Time loop and two loops each way; two more may prepare what no step changes.
    assert hlo.count(" while(") <= 8


def test_vmap_adds_lanes() -> None:
    rng = np.random.default_rng(4)
    parents = random_tree(20, rng, 3)
    tree = Tree.from_parents(parents)
    diagonal, coupling, rhs = (jnp.asarray(a) for a in random_system(parents, rng, (1, 1, 3)))
    mapped = jax.vmap(lambda b: solve(tree, diagonal, coupling, b[:, None])[:, 0], in_axes=1, out_axes=1)(rhs)
    np.testing.assert_allclose(mapped, solve(tree, diagonal, coupling, rhs), rtol=1e-13)


def test_errors() -> None:
    with pytest.raises(ValueError, match="one root"):
        Tree.from_parents(np.array([-1, -1, 0]))
    with pytest.raises(ValueError, match="one root"):
        Tree.from_parents(np.array([1, 0]))
    with pytest.raises(ValueError, match="2 nodes do not hang on the root"):
        Tree.from_parents(np.array([-1, 2, 1]))


@pytest.mark.slow
def test_cost_is_linear() -> None:
    """Time per node, and the ratio of gradient to value, from 10 to 10,000 nodes: constant within a factor of 4."""
    rng = np.random.default_rng(5)
    value_times, ratios = [], []
    for n in (10, 100, 1000, 10_000):
        parents = random_tree(n, rng, 20)
        tree = Tree.from_parents(parents)
        diagonal, coupling, rhs = (jnp.asarray(a) for a in random_system(parents, rng, (1, 1, 8)))

        def total(d: jax.Array, c: jax.Array, b: jax.Array, tree: Tree = tree, repeats: int = 20_000 // n) -> jax.Array:
            """Sum of the last of many solves in a row, so that starting one computation does not count."""
            return jax.lax.scan(lambda x, _: (solve(tree, d, c, b + 0.1 * x), None), b, None, repeats)[0].sum()

        value = fastest(jax.jit(total), diagonal, coupling, rhs)
        gradient = fastest(jax.jit(jax.grad(total, argnums=(0, 1, 2))), diagonal, coupling, rhs)
        value_times.append(value / 20_000)
        ratios.append(gradient / value)
    print(f"tree solve: {1e9 * np.array(value_times)} ns a node with 8 lanes, gradient {np.array(ratios)} times that")
    assert max(value_times) < 4 * min(value_times)
    assert max(ratios) < 4 * min(ratios)


def fastest(function: Callable[..., jax.Array], *operands: jax.Array) -> float:
    """Seconds of the fastest of seven calls."""
    times = []
    for _ in range(8):
        start = time.perf_counter()
        jax.block_until_ready(function(*operands))
        times.append(time.perf_counter() - start)
    return min(times[1:])
