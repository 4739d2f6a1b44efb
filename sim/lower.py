"""The seam: from a description to a lowered model. The only file that sees both worlds.

Cached by the module's edits: lowering an unchanged module again costs nothing.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .description.editing import diffusion_key
from .description.module import Module
from .description.tables import CABLE_COLUMNS
from .description.topology import joints
from .description.view import View
from .grouped_rows import Grouping
from .linear import Group, build_structure
from .lowered import Component, IndexMap, Lowered, Model, Placed, PlacedSynapse, Rows
from .node_order import CellGroup, NodeOrder, Shape, parts
from .probe import moving
from .synapses import ElectricalSynapse


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
    groups = _groups(module, signature)
    order = NodeOrder.of(groups, signature)
    user_of_comp = order.user_of_comp
    comp_of_user = np.argsort(user_of_comp)
    blocks = _runs(signature[user_of_comp])
    column = {c: table[c].to_numpy(dtype=float)[user_of_comp] for c in table.columns if table[c].dtype.kind == "f"}

    def array(values: np.ndarray) -> jnp.ndarray:
        return jnp.asarray(np.nan_to_num(values)[:, None], dtype)

    placed: list[Placed] = []
    rows_of: dict[str, np.ndarray] = {}
    parameters: dict[str, jnp.ndarray] = {}
    states = {"v": array(column["v"])}
    for name, mechanism in module._mechanisms.items():
        rows = np.flatnonzero(present[name][user_of_comp])
        placed.append(Placed(mechanism, Rows.of(rows, blocks)))
        for keys, arrays in ((mechanism.channel_params, parameters), (mechanism.channel_states, states)):
            for key in keys:
                if key.startswith(f"{name}_"):
                    arrays[key], rows_of[key] = array(column[key][rows]), rows
    shared_states, shared_parameters = shared_names(module)
    states.update({key: array(column[key]) for key in shared_states})
    parameters.update({key: array(column[key]) for key in shared_parameters})
    synapses, of_synapses = _synapses(module, comp_of_user, parameters, states, array)
    diffusing = tuple(module._diffusing)
    electrical = [s for s in synapses if isinstance(s.synapse, ElectricalSynapse)]
    bridges = [np.stack([s.pre.index, s.post.index], axis=1) for s in electrical]
    bridged = np.concatenate(bridges) if bridges else np.zeros((0, 2), int)
    structure = build_structure(
        [Group(rows[:, 0], g.shape.parents, rows.shape[1]) for rows, g in zip(order.rows, groups, strict=True)],
        bridged,
    )
    components = [
        Component(*(jnp.asarray(x, jnp.int32) for x in (part.comps, part.points, part.parent, part.bridges)))
        for part in parts(groups, order, bridged)
    ]
    model = Model(
        structure=structure,
        components=tuple(components),
        half_of_child=jnp.asarray(order.halves[0], jnp.int32),
        half_of_parent=jnp.asarray(order.halves[1], jnp.int32),
        v_from=jnp.asarray(order.v_from, jnp.int32),
        cable={c: array(column[c]) for c in (*CABLE_COLUMNS, *map(diffusion_key, diffusing))},
        parameters=parameters,
        states=states,
        mechanisms=tuple(placed),
        synapses=synapses,
        blocks=blocks,
        shared_parameters=shared_parameters,
        shared_states=shared_states,
        diffusing=diffusing,
    )
    _require_one_mover(model, present)
    n_points = len(order.v_from) - len(table)
    position = module._edges["index_within_type"].to_numpy(dtype=int)
    return Lowered(model, IndexMap(user_of_comp, comp_of_user, rows_of, of_synapses, position, n_points))


def _require_one_mover(model: Model, present: dict[str, np.ndarray]) -> None:
    """Raise ValueError where two mechanisms of a compartment move v, or one concentration: one would be lost."""
    if len(present) < 2:
        return
    for state in ("v", *model.shared_states):
        for one, other in combinations(moving(model, state), 2):
            both = np.flatnonzero(present[one] & present[other])
            if len(both):
                raise ValueError(
                    f"{one} and {other} both move {state} in compartment {both[0]}, which one mechanism may; "
                    f"remove one of them there: .delete({other!r})"
                )


def shared_names(module: Module) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The states and the parameters that all mechanisms of a compartment share, in the order of insertion.

    What one mechanism calls a state (eCa beside a calcium pool) is one, though another calls it a parameter. Membrane
    currents that a mechanism lists among its states are no states of its own: the simulation carries them.
    """
    mechanisms = module._mechanisms
    currents = {m.current_name for m in mechanisms.values() if m.current_name is not None}

    def unprefixed(attribute: str) -> dict[str, None]:
        return dict.fromkeys(
            key
            for name, m in mechanisms.items()
            for key in getattr(m, attribute)
            if not key.startswith(f"{name}_") and key not in currents
        )

    states = unprefixed("channel_states")
    return tuple(states), tuple(key for key in unprefixed("channel_params") if key not in states)


def _synapses(
    module: Module, comp_of_user: np.ndarray, parameters: dict[str, Any], states: dict[str, Any], array: Any
) -> tuple[tuple[PlacedSynapse, ...], frozenset[str]]:
    """Every type of synapse with its places; its values are put into `parameters` and `states`."""
    edges = module._edges
    placed: list[PlacedSynapse] = []
    names: set[str] = set()
    for name, synapse in module._synapses.items():
        mine = edges[edges["type"] == name]
        for keys, home in ((synapse.synapse_params, parameters), (synapse.synapse_states, states)):
            home.update({key: array(mine[key].to_numpy(dtype=float)) for key in keys})
            names.update(keys)
        names.add(f"i_{name}")
        ends = [comp_of_user[mine[side].to_numpy(dtype=int)] for side in ("pre_index", "post_index")]
        pre, post = (Grouping.of(end, len(comp_of_user)) for end in ends)
        placed.append(PlacedSynapse(synapse, pre, post))
    return tuple(placed), frozenset(names)


def _groups(module: Module, signature: np.ndarray) -> list[CellGroup]:
    """The cells of a module, equal ones together, in the order of their first."""
    branches = module._branches
    cell_of_branch = branches["cell"].to_numpy(dtype=int)
    parents = branches["parent"].to_numpy(dtype=int)
    parent_locs = branches["parent_loc"].to_numpy(dtype=float)
    branch_of = module._nodes["global_branch_index"].to_numpy()
    ncomp = np.bincount(branch_of, minlength=len(branches))
    n_cells = int(cell_of_branch[-1]) + 1
    first_branch = np.searchsorted(cell_of_branch, np.arange(n_cells + 1))
    first_comp = np.concatenate([[0], np.cumsum(ncomp)])[first_branch]
    alike: dict[tuple[bytes, ...], list[int]] = {}
    for cell in range(n_cells):
        b = slice(first_branch[cell], first_branch[cell + 1])
        c = slice(first_comp[cell], first_comp[cell + 1])
        relative = np.where(parents[b] < 0, -1, parents[b] - b.start)
        key = (ncomp[b].tobytes(), relative.tobytes(), parent_locs[b].tobytes(), signature[c].tobytes())
        alike.setdefault(key, []).append(cell)
    groups = []
    for cells in alike.values():
        b = slice(first_branch[cells[0]], first_branch[cells[0] + 1])
        n = int(first_comp[cells[0] + 1] - first_comp[cells[0]])
        table = branches.iloc[b].assign(parent=np.where(parents[b] < 0, -1, parents[b] - b.start))
        shape = Shape.of(n, joints(np.repeat(np.arange(len(table)), ncomp[b]), table))
        groups.append(CellGroup(shape, np.arange(n)[:, None] + first_comp[cells][None, :]))
    return groups


def _runs(signature: np.ndarray) -> tuple[int, ...]:
    """Lengths of the runs of equal rows."""
    starts = np.flatnonzero(np.any(signature[1:] != signature[:-1], axis=1)) + 1
    return tuple(int(n) for n in np.diff([0, *starts, len(signature)]))
