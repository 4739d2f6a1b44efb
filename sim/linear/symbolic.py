"""Symbolic factorisation of a sparse symmetric matrix: order of elimination, fill, and the operations as integers.

Host side, numpy; runs once at lowering. Owns no number of the matrix, only which are not zero.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Symbolic:
    """Pattern of the factor. Entries are sorted by column, columns by elimination, and within one by row.

    Attributes:
        order: node at each position, in the order of elimination.
        row, column: positions of each entry below the diagonal (row > column).
        target, left, right, pivot: slots of the updates `v[target] += v[left] v[right] / v[pivot]` that factorise, in
            their order. Slots: the n excesses, n pivots, the number one, the entries (see mesh.py).
    """

    order: np.ndarray
    row: np.ndarray
    column: np.ndarray
    target: np.ndarray
    left: np.ndarray
    right: np.ndarray
    pivot: np.ndarray


def factorize(n: int, edges: np.ndarray) -> Symbolic:
    """The factor of a matrix of n nodes with off-diagonal entries at `edges` [edge, 2] (repeats and i-i allowed)."""
    neighbours: list[set[int]] = [set() for _ in range(n)]
    for a, b in np.asarray(edges, dtype=np.int64).reshape(-1, 2).tolist():
        if a != b:
            neighbours[a].add(b)
            neighbours[b].add(a)
    order, kept = _minimum_degree(neighbours)
    position = np.argsort(order)
    columns = [np.sort(position[k]) for k in kept]
    return Symbolic(
        order,
        np.concatenate([*columns, np.zeros(0, np.int64)]),
        np.repeat(np.arange(n), [len(c) for c in columns]),
        *_operations(columns),
    )


def entries(symbolic: Symbolic, edges: np.ndarray) -> np.ndarray:
    """Number of the entry of each edge [edge, 2] of nodes; i-i has none and is not allowed."""
    position = np.argsort(symbolic.order)
    low, high = np.sort(position[np.asarray(edges, dtype=np.int64).reshape(-1, 2)], axis=1).T
    n = symbolic.order.size
    return np.searchsorted(symbolic.column * n + symbolic.row, low * n + high)


def _minimum_degree(neighbours: list[set[int]]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Nodes, always next one with the fewest neighbours left, and those neighbours.

    Rose 1972 (A graph-theoretic study of the numerical solution of sparse positive definite systems of linear
    equations). Leaves go first, so that trees have no fill. `neighbours` is used up.
    """
    heap = [(len(adjacent), node) for node, adjacent in enumerate(neighbours)]
    heapq.heapify(heap)
    done = [False] * len(neighbours)
    order, kept = [], []
    while heap:
        degree, node = heapq.heappop(heap)
        if done[node] or degree != len(neighbours[node]):
            continue
        done[node] = True
        adjacent = neighbours[node]
        order.append(node)
        kept.append(np.fromiter(adjacent, np.int64, len(adjacent)))
        for other in adjacent:
            neighbours[other] |= adjacent
            neighbours[other] -= {node, other}
            heapq.heappush(heap, (len(neighbours[other]), other))
    return np.asarray(order, dtype=np.int64), kept


def _operations(columns: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The updates, column by column: its pivot, then the excesses and the entries of the rows that it has."""
    n = len(columns)
    one, first = 2 * n, 2 * n + 1 + np.cumsum([0, *(len(c) for c in columns)])
    none = np.zeros(0, np.int64)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = [(none, none, none, none)]

    def add(target: np.ndarray, left: np.ndarray, right: np.ndarray, pivot: int) -> None:
        parts.append((target, left, right, np.full(target.size, pivot)))

    for k, rows in enumerate(columns):
        own = first[k] + np.arange(rows.size)
        summands = np.append(own, k)
        add(np.full(summands.size, n + k), summands, np.full(summands.size, one), one)
        add(rows, own, np.full(rows.size, k), n + k)
        for i, row in enumerate(rows.tolist()):
            later = rows[i + 1 :]
            target = first[row] + np.searchsorted(columns[row], later)
            add(target, np.full(later.size, own[i]), own[i + 1 :], n + k)
    target, left, right, pivot = (np.concatenate(part) for part in zip(*parts, strict=True))
    return target, left, right, pivot
