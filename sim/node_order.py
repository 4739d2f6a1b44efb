"""The order of nodes of a lowered model. Integer arrays on the host; knows neither tables nor values.

Equal cells (the same branches, compartments and mechanisms) form a group. In the order found here the same node of all
cells of a group lies side by side, so that the linear system eliminates them at once, as if they were lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from .description.topology import IN, Joint

#: Up to this many sets of compartments with equal mechanisms, every order of them is tried.
_EXHAUSTIVE = 7


@dataclass(frozen=True)
class Shape:
    """The nodes of one cell: its compartments, then its branch points.

    Attributes:
        parents: parent of each node, -1 for the root (the first compartment).
        halves: [2, node], the halves of compartments between each node and its parent, the node's own first: its first
            half i, its second n + i for compartment i of n; 2n where there is none.
        v_from: for each node the compartment whose initial v it takes.
    """

    parents: np.ndarray
    halves: np.ndarray
    v_from: np.ndarray

    @classmethod
    def of(cls, n: int, joints: Sequence[Joint]) -> Shape:
        """From the joints of a cell of n compartments.

        Raises ValueError unless they form one tree.
        """
        none = 2 * n
        edges: list[tuple[int, int, int, int]] = []  # node, node, half of the one, half of the other
        v_from = list(range(n))
        for joint in joints:
            ends = [(c, c + (0 if side == IN else n)) for c, side in joint.ends]
            if joint.at >= 0:
                edges += [(joint.at, comp, none, half) for comp, half in ends]
            elif len(ends) == 2:
                (a, half_a), (b, half_b) = ends
                edges.append((a, b, half_a, half_b))
            else:
                point = len(v_from)
                v_from.append(ends[0][0])
                edges += [(point, comp, none, half) for comp, half in ends]
        neighbours: list[list[tuple[int, int, int]]] = [[] for _ in v_from]
        for a, b, half_a, half_b in edges:
            neighbours[a].append((b, half_a, half_b))
            neighbours[b].append((a, half_b, half_a))
        parents = np.full(len(v_from), -2)
        halves = np.full((2, len(v_from)), none)
        parents[0] = -1
        stack = [0]
        while stack:
            node = stack.pop()
            for other, half_here, half_there in neighbours[node]:
                if parents[other] == -2:
                    parents[other] = node
                    halves[:, other] = half_there, half_here
                    stack.append(other)
        if (parents == -2).any():
            raise ValueError("the branches do not form one tree: every branch but the first has a parent")
        return cls(parents, halves, np.asarray(v_from))


@dataclass(frozen=True)
class CellGroup:
    """Equal cells: `comps` [comp of a cell, cell] are the user's numbers of their compartments."""

    shape: Shape
    comps: np.ndarray


@dataclass(frozen=True)
class NodeOrder:
    """Where everything lies.

    Attributes:
        user_of_comp: user's number of each compartment in the lowered order.
        rows: for each group [node of a cell, cell] the lowered rows of its nodes.
        halves: [2, node], as in `Shape`, for all nodes and compartments.
        v_from: for each node the compartment whose initial v it takes.
    """

    user_of_comp: np.ndarray
    rows: tuple[np.ndarray, ...]
    halves: np.ndarray
    v_from: np.ndarray

    @classmethod
    def of(cls, groups: Sequence[CellGroup], present: np.ndarray) -> NodeOrder:
        """From the groups of cells and where mechanisms are ([compartment, mechanism])."""
        n = len(present)
        group, node, copy = np.zeros(n, int), np.zeros(n, int), np.zeros(n, int)
        for g, members in enumerate(groups):
            n_node, n_cell = members.comps.shape
            group[members.comps] = g
            node[members.comps] = np.arange(n_node)[:, None]
            copy[members.comps] = np.arange(n_cell)[None, :]
        user_of_comp = np.lexsort((copy, node, group, kind_rank(present)))
        comp_of_user = np.argsort(user_of_comp)
        rows: list[np.ndarray] = []
        n_all = n
        for members in groups:
            n_points = len(members.shape.parents) - members.comps.shape[0]
            n_cell = members.comps.shape[1]
            points = n_all + np.arange(n_points * n_cell).reshape(n_points, n_cell)
            rows.append(np.concatenate([comp_of_user[members.comps], points]))
            n_all += points.size
        halves, v_from = np.full((2, n_all), 2 * n), np.zeros(n_all, int)
        for members, mine in zip(groups, rows, strict=True):
            comps = mine[: members.comps.shape[0]]
            # Numbers of halves of one cell -> those of all: first halves, second halves, none.
            half_of = np.concatenate([comps, comps + n, np.full((1, comps.shape[1]), 2 * n)])
            halves[:, mine] = half_of[members.shape.halves]
            v_from[mine] = comps[members.shape.v_from]
        return cls(user_of_comp, tuple(rows), halves, v_from)


def kind_rank(present: np.ndarray) -> np.ndarray:
    """For each compartment the rank of its set of mechanisms in an order that keeps mechanisms together.

    Args:
        present: [compartment, mechanism], where each mechanism is inserted.

    With few such sets every order of them is tried; with more they are sorted by their mechanisms, and mechanisms left
    scattered are gathered.
    """
    kinds, first, kind_of = np.unique(present, axis=0, return_index=True, return_inverse=True)
    by_appearance = np.argsort(first)
    kind_of = np.argsort(by_appearance)[kind_of.reshape(-1)]
    kinds = kinds[by_appearance]

    def pieces(order: Sequence[int]) -> int:
        ordered = np.concatenate([np.zeros((1, kinds.shape[1]), bool), kinds[list(order)]]).astype(int)
        return int((np.diff(ordered, axis=0) == 1).sum())

    if len(kinds) <= _EXHAUSTIVE:
        order = min(permutations(range(len(kinds))), key=pieces)
    else:
        order = tuple(np.lexsort(kinds.T))
    return np.argsort(order)[kind_of]


@dataclass(frozen=True)
class Part:
    """Nodes that current can pass between: [node, copy] rows, compartments and branch points, and where parents are."""

    comps: np.ndarray
    points: np.ndarray
    parent: np.ndarray
    bridges: np.ndarray


def parts(groups: Sequence[CellGroup], order: NodeOrder, bridges: np.ndarray) -> list[Part]:
    """Each group of cells; all those that gap junctions ([bridge, 2] rows) touch make one part."""
    n_comp = len(order.user_of_comp)
    found, comps, points, parent_rows = [], [], [], []
    for group, rows in zip(groups, order.rows, strict=True):
        n = group.comps.shape[0]
        touched = np.isin(rows, bridges).any(axis=0)
        parents = np.where(group.shape.parents < 0, np.arange(len(rows)), group.shape.parents)
        if (~touched).any():
            alone = rows[:, ~touched]
            found.append(Part(alone[:n], alone[n:], parents, np.zeros(0, int)))
        comps.append(rows[:n, touched].ravel())
        points.append(rows[n:, touched].ravel())
        parent_rows.append(np.stack([rows[:, touched].ravel(), rows[parents][:, touched].ravel()]))
    if len(bridges):
        c, p = np.concatenate(comps), np.concatenate(points)
        child, parent = np.concatenate(parent_rows, axis=1)
        place = np.zeros(max(n_comp, *(int(r.max()) + 1 for r in order.rows)), int)
        nodes = np.concatenate([c, p])
        place[nodes] = np.arange(len(nodes))
        parent_of = np.zeros(len(nodes), int)
        parent_of[place[child]] = place[parent]
        found.append(Part(c[:, None], p[:, None], parent_of, np.arange(len(bridges))))
    return found
