"""The seam: from a description to a lowered model. The only file that sees both worlds.

Cached by the module's edits: lowering an unchanged module again costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .description.module import Module
from .description.topology import IN, Joint
from .description.view import View
from .lowered import IndexMap, Lowered, Model, Placed, Rows
from .tree_solve import Tree

CABLE_COLUMNS = (
    "length",
    "radius",
    "area",
    "volume",
    "resistive_load_in",
    "resistive_load_out",
    "axial_resistivity",
    "capacitance",
)
#: Up to this many sets of compartments with equal mechanisms, every order of them is tried.
_EXHAUSTIVE = 7


def lower(module: View, dtype: Any = None) -> Lowered:
    """The lowered model of a module, or of a view's module, in floating-point type `dtype` (default: JAX's present)."""
    dtype = jnp.dtype(jnp.result_type(float) if dtype is None else dtype)
    key = ("lowered", dtype.name)
    if key not in module.base._cache:
        # The first call may be inside a function that JAX traces; what is kept must not belong to that trace.
        with jax.ensure_compile_time_eval():
            module.base._cache[key] = _lower(module.base, dtype)
    return module.base._cache[key]


def _lower(module: Module, dtype: jnp.dtype) -> Lowered:
    table = module._nodes
    present = {name: table[name].to_numpy(dtype=bool) for name in module._mechanisms}
    signature = np.stack([*present.values()], axis=1) if present else np.zeros((len(table), 0), bool)
    user_of_comp = side_by_side(signature)
    blocks = _runs(signature[user_of_comp])
    comp_of_user = np.argsort(user_of_comp)
    column = {c: table[c].to_numpy(dtype=float)[user_of_comp] for c in table.columns if table[c].dtype.kind == "f"}

    def array(values: np.ndarray) -> jnp.ndarray:
        return jnp.asarray(np.nan_to_num(values)[:, None], dtype)

    placed: list[Placed] = []
    rows_of: dict[str, np.ndarray] = {}
    parameters: dict[str, jnp.ndarray] = {}
    states = {"v": array(column["v"])}
    shared_parameters: list[str] = []
    shared_states: list[str] = []
    for name, mechanism in module._mechanisms.items():
        rows = np.flatnonzero(present[name][user_of_comp])
        placed.append(Placed(mechanism, Rows.of(rows, blocks)))
        for keys, arrays, shared in (
            (mechanism.channel_params, parameters, shared_parameters),
            (mechanism.channel_states, states, shared_states),
        ):
            for key in keys:
                if key.startswith(f"{name}_"):
                    arrays[key], rows_of[key] = array(column[key][rows]), rows
                elif key not in arrays:
                    arrays[key] = array(column[key])
                    shared.append(key)
    tree, halves, v_from = _tree(module._joints, comp_of_user)
    model = Model(
        tree=tree,
        half_of_child=halves[0],
        half_of_parent=halves[1],
        v_from=v_from,
        cable={c: array(column[c]) for c in CABLE_COLUMNS},
        parameters=parameters,
        states=states,
        mechanisms=tuple(placed),
        blocks=blocks,
        shared_parameters=tuple(shared_parameters),
        shared_states=tuple(shared_states),
    )
    n_points = int(v_from.shape[0]) - len(table)
    return Lowered(model, IndexMap(user_of_comp, comp_of_user, rows_of, n_points))


def side_by_side(present: np.ndarray) -> np.ndarray:
    """An order of compartments in which those of each mechanism lie side by side, as far as one is found.

    Args:
        present: [compartment, mechanism], where each mechanism is inserted.

    Compartments with the same mechanisms stay together in their given order. With few such sets every order of them is
    tried; with more they are sorted by their mechanisms, and mechanisms left scattered are gathered.
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
    return np.argsort(np.argsort(order)[kind_of], kind="stable")


def _runs(signature: np.ndarray) -> tuple[int, ...]:
    """Lengths of the runs of equal rows."""
    starts = np.flatnonzero(np.any(signature[1:] != signature[:-1], axis=1)) + 1
    return tuple(int(n) for n in np.diff([0, *starts, len(signature)]))


def _tree(joints: list[Joint], comp_of_user: np.ndarray) -> tuple[Tree, tuple[jnp.ndarray, jnp.ndarray], jnp.ndarray]:
    """The tree of nodes; for each node the two halves between it and its parent; the source of its initial v.

    Halves are numbered as in cable.py: compartment i's first half i, its second n + i, none 2n.
    """
    n = len(comp_of_user)
    none = 2 * n
    edges: list[tuple[int, int, int, int]] = []  # node, node, half of the one, half of the other
    v_from = list(range(n))
    for joint in joints:
        ends = [(int(comp_of_user[c]), int(comp_of_user[c]) + (0 if side == IN else n)) for c, side in joint.ends]
        if joint.at >= 0:
            middle = int(comp_of_user[joint.at])
            edges += [(middle, comp, none, half) for comp, half in ends]
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
    root = int(comp_of_user[0])
    parents = np.full(len(v_from), -2)
    halves = np.full((2, len(v_from)), none)
    parents[root] = -1
    stack = [root]
    while stack:
        node = stack.pop()
        for other, half_here, half_there in neighbours[node]:
            if parents[other] == -2:
                parents[other] = node
                halves[:, other] = half_there, half_here
                stack.append(other)
    if (parents == -2).any():
        raise ValueError("the branches do not form one tree: every branch but the first has a parent")
    as_index = [jnp.asarray(h, jnp.int32) for h in halves]
    return Tree.from_parents(parents), (as_index[0], as_index[1]), jnp.asarray(v_from, jnp.int32)
