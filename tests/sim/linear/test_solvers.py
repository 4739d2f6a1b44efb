"""What every linear solver must do: equal the dense solution, and have its derivatives."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from rallax.sim.linear import Group, TreeSolver, build_structure, by_name, factor, solve
from rallax.sim.time_loop import time_loop

from .systems import System, random_system

NAMES = ["tree", "jax.sparse", "stone", "dense"]


def system_for(name: str, lanes: tuple[int, int, int, int] = (1, 1, 1, 1)) -> System:
    """A system that the solver takes: cables of odd and even length for Stone, else branched cells with bridges."""
    rng = np.random.default_rng(3)
    if name == "stone":
        return random_system([(2, 7), (1, 1), (1, 12)], rng, reach=1, lanes=lanes)
    return random_system([(2, 5), (1, 4)], rng, n_bridges=4, lanes=lanes)


@pytest.mark.parametrize("lanes", [(1, 3, 1, 3), (3, 1, 3, 1)])
@pytest.mark.parametrize("name", NAMES)
def test_equals_dense(name: str, lanes: tuple[int, int, int, int]) -> None:
    """At once, by factors and for two right-hand sides by the same factors, under jit."""
    system = system_for(name, lanes)
    solver, expected = by_name(name), system.expected()

    @jax.jit
    def solutions(structure: Any, d: Any, c: Any, g: Any, b: Any) -> tuple[jax.Array, ...]:
        factors = factor(solver, structure, d, c, g)
        once = solve(solver, structure, d, c, g, b)
        return (
            once,
            solve(solver, structure, d, c, g, b, factors),
            0.5 * solve(solver, structure, d, c, g, 2 * b, factors),
        )

    for x in solutions(system.structure, *system.operands):
        assert x.shape == expected.shape
        np.testing.assert_allclose(x, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


def differentiable(system: System) -> tuple[Any, ...]:
    """Diagonal, coupling, bridges' conductances and right-hand side, without nan at the roots."""
    diagonal, coupling, bridge_g, rhs = system.operands
    return jnp.asarray(diagonal), jnp.nan_to_num(coupling), None if bridge_g is None else jnp.asarray(bridge_g), rhs


def dense_solution(system: System, d: Any, c: Any, g: Any, b: Any) -> jax.Array:
    """x by JAX's own dense solution, with JAX's own derivatives."""
    child = np.flatnonzero(system.parents >= 0)
    parent, (i, j) = system.parents[child], system.bridges.T

    def of_lane(d: jax.Array, c: jax.Array, g: jax.Array | None, b: jax.Array) -> jax.Array:
        s = jnp.diag(d).at[child, parent].add(-c[child]).at[parent, child].add(-c[child])
        if g is not None:
            s = s.at[i, i].add(g).at[j, j].add(g).at[i, j].add(-g).at[j, i].add(-g)
        return jnp.linalg.solve(s, b)

    lanes = b.shape[1]
    wide = [None if a is None else jnp.broadcast_to(a, (a.shape[0], lanes)) for a in (d, c, g, b)]
    return jax.vmap(of_lane, (1, 1, None if g is None else 1, 1), 1)(*wide)


@pytest.mark.parametrize("with_factors", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name: str, with_factors: bool) -> None:
    """Forward and reverse mode in every operand, against JAX's own derivatives of a dense solution."""
    system = system_for(name, (1, 2, 1, 2))
    structure, solver = system.structure, by_name(name)
    operands = differentiable(system)
    rng = np.random.default_rng(0)
    change = jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape)), operands)
    weight = jnp.asarray(rng.normal(size=(len(system.parents), 2)))

    def found(d: Any, c: Any, g: Any, b: Any) -> jax.Array:
        factors = factor(solver, structure, d, c, g) if with_factors else None
        return solve(solver, structure, d, c, g, b, factors=factors)

    def derivatives(function: Any, operands: Any, change: Any) -> Any:
        return jax.jvp(function, operands, change), jax.vjp(function, *operands)[1](weight)

    results = [jax.jit(partial(derivatives, f))(operands, change) for f in (found, partial(dense_solution, system))]
    for a, b in zip(*(jax.tree.leaves(r) for r in results), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(b).max())


def test_second_derivatives() -> None:
    """Reverse mode over reverse mode, in every operand."""
    system = random_system([(2, 3)], np.random.default_rng(5), n_bridges=2)
    structure, operands = system.structure, differentiable(system)

    def slope(function: Any, operands: Any) -> jax.Array:
        gradient = jax.grad(lambda o: jnp.sin(function(*o)).sum())(operands)
        return sum(jnp.sin(a).sum() for a in gradient)

    found, expected = (
        jax.jit(jax.grad(partial(slope, f)))(operands)
        for f in (partial(solve, TreeSolver(), structure), partial(dense_solution, system))
    )
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8 * np.abs(b).max())


@pytest.mark.parametrize("name", NAMES)
def test_in_a_loop(name: str) -> None:
    """Within `lax.scan` under `jax.grad` and `jax.vmap`, as the step is."""
    system = system_for(name)
    structure, solver = system.structure, by_name(name)
    operands = [None if a is None else jnp.asarray(a) for a in system.operands]

    def total(scale: jax.Array) -> jax.Array:
        def step(x: jax.Array, _: None) -> tuple[jax.Array, None]:
            return solve(solver, structure, operands[0] + 1.0, *operands[1:3], scale * x), None

        return lax.scan(step, operands[3], None, 3)[0].sum()

    scales = jnp.array([0.5, 2.0])
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(total)))(scales)
    matrix = system.matrix(0) + np.eye(len(system.parents))
    once = np.linalg.matrix_power(np.linalg.inv(matrix), 3) @ system.rhs
    np.testing.assert_allclose(value, once.sum() * scales**3, rtol=1e-9)
    np.testing.assert_allclose(slope, 3 * value / scales, rtol=1e-9)


def loops(function: Any, *operands: Any) -> int:
    return jax.jit(function).lower(*operands).compile().as_text().count(" while(")


def test_rematerialised_solution_is_not_solved_again() -> None:
    """The reverse pass of a rematerialised step holds one elimination and one substitution, for the adjoint."""
    structure = build_structure([Group.of(np.array([-1, 0, 0, 1]))])
    ones = jnp.ones((4, 1))

    def total(x0: jax.Array) -> jax.Array:
        def body(x: jax.Array, _: jax.Array) -> tuple[jax.Array, jax.Array]:
            x = solve(TreeSolver(), structure, 3.0 + x * x, ones, None, x)
            return x, x.sum()

        return time_loop(body, x0, jnp.zeros(5), (5,))[1].sum()

    assert loops(total, ones) == 3
    # Time loop and two loops each way; two more may prepare what no step changes.
    assert loops(jax.grad(total), ones) <= 8


def test_factors_serve_the_adjoint() -> None:
    """Two solutions by one factorisation and their gradient: the matrix is eliminated once in all."""
    structure = build_structure([Group.of(np.array([-1, 0, 0, 1]))])
    ones = jnp.ones((4, 1))

    def total(d: jax.Array) -> jax.Array:
        factors = factor(TreeSolver(), structure, d, ones)
        x = solve(TreeSolver(), structure, d, ones, None, jnp.sin(ones), factors)
        return solve(TreeSolver(), structure, d, ones, None, jnp.sin(x), factors).sum()

    assert loops(total, 4 * ones) == 1 + 2 * 2
    assert loops(jax.grad(total), 4 * ones) == 1 + 4 * 2


def test_long_stiff_cable() -> None:
    """Stone on 3000 compartments coupled a thousand times more strongly than they leak, to 1e-10."""
    n = 3000
    parents = np.arange(-1, n - 1)
    coupling = np.full((n, 1), 1.0)
    coupling[0] = 0.0
    diagonal = coupling + np.roll(coupling, -1) + 1e-3
    rhs = np.random.default_rng(0).normal(size=(n, 1))
    structure = build_structure([Group.of(parents)])
    x, expected = (
        jax.jit(partial(solve, by_name(s)))(structure, diagonal, coupling, None, rhs) for s in ("stone", "tree")
    )
    np.testing.assert_allclose(x, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


def test_stone_refuses_what_it_cannot_solve() -> None:
    ones = jnp.ones((4, 1))
    branched = build_structure([Group.of(np.array([-1, 0, 0, 0]))])
    with pytest.raises(ValueError, match=r"needs unbranched cells; for branched ones use 'jaxley.dhs'"):
        solve(by_name("jaxley.stone"), branched, ones, ones, None, ones)
    coupled = build_structure([Group.of(np.array([-1, 0, -1, 2]))], np.array([[0, 2]]))
    with pytest.raises(ValueError, match="no gap junctions"):
        solve(by_name("jaxley.stone"), coupled, ones, ones, ones[:1], ones)


def test_names() -> None:
    assert by_name("jaxley.dhs.gpu") == by_name("auto")
    with pytest.raises(ValueError, match=r"no voltage_solver 'jaxly.dhs' \(did you mean 'jaxley.dhs'"):
        by_name("jaxly.dhs")
