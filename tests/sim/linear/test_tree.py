"""Direct elimination: forests of equal cells and cells coupled by gap junctions, against dense elimination."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve

from rallax.sim.linear import Group, TreeSolver, build_structure, factor, solve

from .systems import System, random_parents, random_system

LANES = [(1, 1, 1, 1), (3, 1, 1, 3), (1, 1, 1, 3), (3, 3, 3, 1), (1, 3, 1, 3), (1, 1, 3, 1)]


@jax.jit
def solved(structure, diagonal, coupling, bridge_g, rhs):
    """x in one go, and by factors."""
    factors = factor(TreeSolver(), structure, diagonal, coupling, bridge_g)
    return (
        solve(TreeSolver(), structure, diagonal, coupling, bridge_g, rhs),
        solve(TreeSolver(), structure, diagonal, coupling, bridge_g, rhs, factors),
    )


def check(system: System) -> None:
    expected = system.expected()
    for x in solved(system.structure, *system.operands):
        assert x.shape == expected.shape
        np.testing.assert_allclose(x, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    shapes=st.sampled_from(
        [[(1, 1)], [(1, 17), (1, 6)], [(4, 9), (1, 5), (4, 3)], [(50, 4)], [(3, 1), (1, 1), (2, 30), (5, 2)]]
    ),
    lanes=st.sampled_from(LANES[:-1]),
    reach=st.sampled_from([1, 3, 1000]),
    seed=st.integers(0, 2**31),
)
def test_forests(shapes: list[tuple[int, int]], lanes: tuple[int, int, int, int], reach: int, seed: int) -> None:
    check(random_system(shapes, np.random.default_rng(seed), reach=reach, lanes=lanes))


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    shapes=st.sampled_from([[(1, 2)], [(1, 17), (1, 6)], [(4, 9), (1, 5), (4, 3)], [(12, 1)]]),
    n_bridges=st.sampled_from([1, 3, 20]),
    lanes=st.sampled_from(LANES),
    seed=st.integers(0, 2**31),
)
def test_meshes(shapes: list[tuple[int, int]], n_bridges: int, lanes: tuple[int, int, int, int], seed: int) -> None:
    """Bridges within and between cells, from a node to itself, several at one place."""
    check(random_system(shapes, np.random.default_rng(seed), n_bridges=n_bridges, lanes=lanes))


def test_5000_nodes() -> None:
    rng = np.random.default_rng(0)
    system = random_system([(1, 5000)], rng, reach=30)
    child = np.flatnonzero(system.parents >= 0)
    parent, g = system.parents[child], system.coupling[child, 0]
    rows, columns = np.concatenate([np.arange(5000), child, parent]), np.concatenate([np.arange(5000), parent, child])
    matrix = csc_matrix((np.concatenate([system.diagonal[:, 0], -g, -g]), (rows, columns)))
    expected = spsolve(matrix, system.rhs[:, 0])
    for x in solved(system.structure, *system.operands):
        np.testing.assert_allclose(x[:, 0], expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())


RING = [(i, (i + 1) % 6) for i in range(6)]
ALL_TO_ALL = [(i, j) for i in range(6) for j in range(i)]


@pytest.mark.parametrize("pairs", [RING, ALL_TO_ALL], ids=["ring", "all to all"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_any_conductance(pairs: list[tuple[int, int]], dtype: type) -> None:
    """Small cells of two compartments at 1e6 uS (and one bridge of 1e-6) are right to rounding, also in float32."""
    rng = np.random.default_rng(0)
    groups = [Group(np.array([0, 6]), np.array([-1, 0]), 6)]
    g = np.full((len(pairs), 1), 1e6, dtype)
    g[0] = 1e-6
    coupling = np.full((12, 1), 0.5, dtype)
    diagonal = (coupling + 2.0 ** -rng.integers(5, 9, (12, 1))).astype(dtype)
    rhs = rng.uniform(0.5, 1, (12, 1)).astype(dtype)
    x, by_factors = solved(build_structure(groups, np.array(pairs)), diagonal, coupling, g, rhs)
    matrix = [[Fraction(0)] * 12 for _ in range(12)]
    for i in range(12):
        matrix[i][i] += Fraction(float(diagonal[i, 0]))
    for a, b, value, own in [
        *((i + 6, i, 0.5, 0) for i in range(6)),
        *((a, b, v, 1) for (a, b), v in zip(pairs, g[:, 0], strict=True)),
    ]:
        value = Fraction(float(value))
        matrix[a][b] -= value
        matrix[b][a] -= value
        matrix[a][a] += own * value
        matrix[b][b] += own * value
    expected = exact_solution(matrix, [Fraction(float(b)) for b in rhs[:, 0]])
    assert x.dtype == dtype
    for found in (x, by_factors):
        np.testing.assert_allclose(found[:, 0], expected, rtol=30 * np.finfo(dtype).eps)


def exact_solution(matrix: list[list[Fraction]], rhs: list[Fraction]) -> np.ndarray:
    """By elimination in rational numbers."""
    n = len(rhs)
    rows = [[*row, b] for row, b in zip(matrix, rhs, strict=True)]
    for k in range(n):
        for i in range(n):
            if i != k and rows[i][k]:
                f = rows[i][k] / rows[k][k]
                rows[i] = [u - f * v for u, v in zip(rows[i], rows[k], strict=True)]
    return np.array([float(rows[i][n] / rows[i][i]) for i in range(n)])


def test_equal_cells_are_eliminated_side_by_side() -> None:
    """A gap junction between two somata leaves their dendrites in the forest: the mesh holds the somata alone."""
    groups = [
        Group(np.array([0, 10, 20, 30]), np.array([-1, 0, 1, 1]), 10),
        Group(np.array([40, 41]), np.array([-1, 0])),
    ]
    structure = build_structure(groups, np.array([[0, 3], [2, 7]]))
    assert structure.mesh is not None
    assert sorted(np.asarray(structure.mesh.rows)) == list(range(10))
    assert {(f.width, f.child.shape[0]) for f in structure.forests} == {(10, 3), (1, 1)}
    onto_dendrite = build_structure(groups, np.array([[0, 11]]))
    assert onto_dendrite.mesh is not None
    assert sorted(np.asarray(onto_dendrite.mesh.rows)) == list(range(20))


def test_trees_have_no_fill() -> None:
    """The mesh of two large cells joined at two leaves has as many entries as edges."""
    rng = np.random.default_rng(1)
    cells = [random_parents(150, rng, 20), random_parents(150, rng, 20)]
    groups = [Group(150 * i + np.arange(150), parents) for i, parents in enumerate(cells)]
    ends = [150 * i + np.setdiff1d(np.arange(150), parents)[0] for i, parents in enumerate(cells)]
    mesh = build_structure(groups, np.array([ends])).mesh
    assert mesh is not None
    assert mesh.row.shape[0] == mesh.rows.shape[0] - 1 < 299


def test_lanes_by_vmap() -> None:
    system = random_system([(3, 5), (1, 4)], np.random.default_rng(2), n_bridges=4, lanes=(3, 1, 3, 3))
    structure = system.structure

    def one(diagonal: jax.Array, bridge_g: jax.Array, rhs: jax.Array) -> jax.Array:
        return solve(TreeSolver(), structure, diagonal[:, None], system.coupling, bridge_g[:, None], rhs[:, None])[:, 0]

    x = jax.jit(jax.vmap(one, in_axes=1, out_axes=1))(
        *(jnp.asarray(a) for a in (system.diagonal, system.bridge_g, system.rhs))
    )
    np.testing.assert_allclose(x, system.expected(), rtol=1e-10, atol=1e-10)


def test_errors() -> None:
    with pytest.raises(ValueError, match="2 nodes do not hang on a root"):
        build_structure([Group.of(np.array([-1, 2, 1]))])
    with pytest.raises(ValueError, match="numbers below 2"):
        build_structure([Group.of(np.array([-1, 2]))])
    with pytest.raises(ValueError, match="rows 0 to 2 once"):
        build_structure([Group(np.array([0, 2]), np.array([-1, 0])), Group(np.array([2]), np.array([-1]))])
    cell = [Group.of(np.array([-1, 0]))]
    with pytest.raises(ValueError, match="rows 0 to 1, here are rows 0 to 2"):
        build_structure(cell, np.array([[0, 2]]))
    with pytest.raises(ValueError, match=r"shape \(n, 2\)"):
        build_structure(cell, np.array([0, 1]))
    ones = jnp.ones((2, 1))
    with pytest.raises(ValueError, match=r"1 bridges: pass bridge_g=an array of shape \(1, n_lanes\)"):
        solve(TreeSolver(), build_structure(cell, np.array([[0, 1]])), ones, ones, None, ones)
    with pytest.raises(ValueError, match="pass bridge_g=None"):
        factor(TreeSolver(), build_structure(cell), ones, ones, ones)
