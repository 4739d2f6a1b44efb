"""Random systems of cells and bridges, and their matrices by another way than the code's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rallax.sim.linear import Group, Structure, build_structure


@dataclass(frozen=True)
class System:
    """Groups of cells and the operands of one system of them."""

    groups: list[Group]
    parents: np.ndarray
    bridges: np.ndarray
    diagonal: np.ndarray
    coupling: np.ndarray
    bridge_g: np.ndarray | None
    rhs: np.ndarray

    @property
    def structure(self) -> Structure:
        return build_structure(self.groups, self.bridges)

    @property
    def operands(self) -> tuple[np.ndarray | None, ...]:
        return self.diagonal, self.coupling, self.bridge_g, self.rhs

    def expected(self) -> np.ndarray:
        """x by dense elimination of each lane."""
        lanes = max(a.shape[1] for a in self.operands if a is not None)
        return np.stack([np.linalg.solve(self.matrix(k), lane(self.rhs, k)) for k in range(lanes)], axis=1)

    def matrix(self, k: int) -> np.ndarray:
        """S of lane k."""
        s = np.diag(lane(self.diagonal, k).copy())
        for child, parent in enumerate(self.parents):
            if parent >= 0:
                s[child, parent] -= lane(self.coupling, k)[child]
                s[parent, child] -= lane(self.coupling, k)[child]
        for (a, b), g in zip(self.bridges, [] if self.bridge_g is None else lane(self.bridge_g, k), strict=True):
            s[[a, b], [a, b]] += g if a != b else 0.0
            s[[a, b], [b, a]] -= g if a != b else 0.0
        return s


def lane(a: np.ndarray, k: int) -> np.ndarray:
    """Lane k, or the only one."""
    return a[:, min(k, a.shape[1] - 1)]


def random_parents(n: int, rng: np.random.Generator, reach: int) -> np.ndarray:
    """A tree numbered at random; each node hangs on one of the `reach` nodes made before it."""
    parents = np.array([-1, *(rng.integers(max(0, i - reach), i) for i in range(1, n))])
    number = rng.permutation(n)
    shuffled = np.empty(n, int)
    shuffled[number] = np.where(parents < 0, -1, number[parents])
    return shuffled


def random_system(
    shapes: list[tuple[int, int]],
    rng: np.random.Generator,
    *,
    reach: int = 4,
    n_bridges: int = 0,
    lanes: tuple[int, int, int, int] = (1, 1, 1, 1),
) -> System:
    """Groups of (width, nodes) with their super-nodes in random order, bridges between any rows.

    Conductances are spread over four decades, some rows have no capacitance, the root's coupling is nan. `lanes`: of
    diagonal, coupling, bridges, right-hand side.
    """
    trees = [random_parents(n, rng, reach) for _, n in shapes]
    places = [(i, k) for i, (_, n) in enumerate(shapes) for k in range(n)]
    starts = [np.zeros(n, int) for _, n in shapes]
    row = 0
    for place in rng.permutation(len(places)):
        i, k = places[place]
        starts[i][k] = row
        row += shapes[i][0]
    groups = [Group(s, tree, width) for s, tree, (width, _) in zip(starts, trees, shapes, strict=True)]
    parents = np.full(row, -1)
    for group in groups:
        for start, parent in zip(group.starts, group.parents, strict=True):
            for k in range(group.width if parent >= 0 else 0):
                parents[start + k] = group.starts[parent] + k
    coupling = 10.0 ** rng.uniform(-3, 1, (row, lanes[1]))
    coupling[parents < 0] = 0.0
    total = coupling.copy()
    np.add.at(total, parents[parents >= 0], coupling[parents >= 0])
    leak = np.where(rng.random((row, 1)) < 0.2, 0.0, 10.0 ** rng.uniform(-3, 0, (row, max(lanes[:2]))))
    leak[parents < 0] = 0.1
    coupling[parents < 0] = np.nan
    return System(
        groups,
        parents,
        rng.integers(0, row, (n_bridges, 2)),
        total + leak,
        coupling,
        10.0 ** rng.uniform(-3, 1, (n_bridges, lanes[2])) if n_bridges else None,
        rng.normal(size=(row, lanes[3])),
    )
