"""Modules as networkx graphs of compartments.

A graph has a node for each compartment (`type` "comp") and for each point where three or more ends meet
("branchpoint"), edges from parents to children, and synapses as edges of `type` "synapse". Names of attributes are
those that Jaxley's users know from its graphs. Owns this format; the way back is `from_graph.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .module import Module
from .renumbering import edge_table, on_edges
from .tables import INDEX_COLUMNS
from .topology import IN, Joint

if TYPE_CHECKING:
    import networkx as nx

#: Attributes of a node that say which compartment it is.
INDICES = ("cell_index", "branch_index", "comp_index")
#: Depth of a module of each type (see `View`).
DEPTHS = {"compartment": 2, "branch": 2, "cell": 1, "network": 0}


def to_graph(module: Module, synapses: bool = True, channels: bool = True) -> nx.DiGraph:
    """A module as a graph of its compartments, with all that `from_graph` needs to make an equal one.

    Nodes 0 to n - 1 are the compartments in the order of the table, with its columns, `cell_index`, `branch_index`,
    `comp_index` and their share `xyzr` of the branch's points; branch points follow. Edges between branches say in
    `ends` which part of the two compartments meets: "in", "out" or "middle". The graph's attributes hold mechanisms
    (`channels`), groups, branches, recordings, stimuli, trainables and the concentrations that diffuse.

    Args:
        synapses: with the synapses; the graph is then a MultiDiGraph, since two compartments may share several.
        channels: with the mechanisms and their values.

    Raises:
        ValueError: not a module but a view of one, or trainables, recordings, clamps or diffusion of what is left out.
    """
    import networkx as nx

    if not isinstance(module, Module):
        raise ValueError("to_graph takes a module, e.g. a Cell; of a view: to_graph(view.base)")
    edges = edge_table(module)
    graph = nx.MultiDiGraph() if synapses and edges is not None else nx.DiGraph()
    left_out = set() if channels else _mechanism_columns(module)
    table = module._nodes.drop(columns=[c for c in left_out if c in module._nodes.columns])
    values = table.drop(columns=list(INDEX_COLUMNS)).to_dict(orient="records")
    indices = module._nodes[[f"global_{name}" for name in INDICES]].to_numpy()
    starts = module._first_rows()
    shares = [
        share
        for points, n in zip(module._xyzr, np.diff(starts), strict=True)
        for share in np.array_split(points, int(n))
    ]
    for row, (columns, numbers, share) in enumerate(zip(values, indices, shares, strict=True)):
        named = dict(zip(INDICES, map(int, numbers), strict=True))
        graph.add_node(row, **{str(k): v for k, v in columns.items()}, **named, type="comp", xyzr=share)
    places = _branch_points(module)
    graph.add_nodes_from((label, {"type": "branchpoint", **place}) for label, place in places.items())
    graph.add_edges_from(axial_edges(module._joints, len(values)))
    if synapses and edges is not None:
        for record in edges.rename(columns={"type": "syn_type"}).to_dict(orient="records"):
            ends = int(record.pop("pre_index")), int(record.pop("post_index"))
            graph.add_edge(*ends, **{str(k): v for k, v in record.items()}, type="synapse")
    _refuse_left_out(module, left_out, without_synapses=not synapses)
    graph.graph.update(
        type=type_name(type(module)),
        channels=list(module._mechanisms.values()) if channels else [],
        group_names=list(module._groups),
        diffusing=list(module._diffusing),
        branches=module._branches.copy(),
        synapses=dict(getattr(module, "_synapses", {})) if synapses else {},
        recordings=pd.DataFrame(module._recordings, columns=["rec_index", "state"]),
        externals={key: value.copy() for key, value in module._externals.items()},
        external_inds={key: value.copy() for key, value in module._external_inds.items()},
        trainables=[
            {"key": t.key, "rows": t.rows.copy(), "group": t.group.copy(), "initial": t.initial.copy()}
            for t in module._trainables
        ],
    )
    return graph


def axial_edges(all_joints: Iterable[Joint], n: int) -> list[tuple[int, int, dict[str, Any]]]:
    """Edges of the compartment graph, parents first; branch points are numbered from n on, joint by joint."""
    edges: list[tuple[int, int, dict[str, Any]]] = []
    point = n
    for joint in all_joints:
        if joint.at >= 0:
            edges += [
                (joint.at, comp, {"ends": ("middle", "in" if side == IN else "out")}) for comp, side in joint.ends
            ]
        elif len(joint.ends) == 2:
            (a, side_a), (b, side_b) = joint.ends
            if side_a == IN and side_b != IN:
                (a, side_a), (b, side_b) = (b, side_b), (a, side_a)
            edges.append((a, b, {"ends": tuple("in" if side == IN else "out" for side in (side_a, side_b))}))
        else:
            edges += [(point, comp, {}) if side == IN else (comp, point, {}) for comp, side in joint.ends]
            point += 1
    return edges


def _branch_points(module: Module) -> dict[int, dict[str, float]]:
    """Label and place (um, NaN where nothing is known) of each branch point."""
    branch_of = module._nodes["global_branch_index"].to_numpy()
    found: dict[int, dict[str, float]] = {}
    for joint in module._joints:
        if joint.at < 0 and len(joint.ends) > 2:
            comp, side = joint.ends[0]
            place = module._xyzr[branch_of[comp]][0 if side == IN else -1]
            found[len(branch_of) + len(found)] = {axis: float(x) for axis, x in zip("xyz", place, strict=False)}
    return found


def _mechanism_columns(module: Module) -> set[str]:
    return {key for name, m in module._mechanisms.items() for key in (name, *m.channel_params, *m.channel_states)}


def _refuse_left_out(module: Module, left_out: set[str], without_synapses: bool) -> None:
    """Raise ValueError if something refers to what does not go into the graph."""
    used = [*(state for _, state in module._recordings), *module._externals, *(t.key for t in module._trainables)]
    for key in (*used, *module._diffusing):
        if key in left_out:
            raise ValueError(f"to_graph: {key} is recorded, clamped or trainable, or diffuses; leave channels=True")
    for key in used:
        if without_synapses and on_edges(module, key):
            raise ValueError(f"to_graph: {key} is recorded, clamped or trainable; leave synapses=True")


def type_name(cls: type) -> str:
    """Name of the module type that a class is, also for a subclass of a user's."""
    return next((base.__name__.lower() for base in cls.__mro__ if base.__name__.lower() in DEPTHS), "cell")
