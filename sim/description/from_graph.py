"""Modules from networkx graphs of compartments, in the format of `to_graph.py`.

Owns what a changed or foreign graph becomes: the tree is found from the edges where the branch table no longer fits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..mechanisms import Mechanism
from ..mechanisms.library import LIBRARY
from ..morphology import cylinder
from .edges import EDGE_COLUMNS, relative_locations
from .editing import diffusion_key
from .module import Module
from .renumbering import on_edges
from .rooting import Place, rearrange, rooted
from .tables import DEFAULTS, DERIVED_GEOMETRY, PLACE
from .to_graph import DEPTHS, INDICES, axial_edges, type_name
from .topology import joints
from .training import Trainable

if TYPE_CHECKING:
    import networkx as nx

#: Attributes of nodes that are no columns of the table.
_NO_COLUMNS = {*INDICES, "type", "xyzr", "groups", "controlled_by_param"}


def from_graph(graph: nx.DiGraph, assign_groups: bool = True) -> Any:
    """The module that a graph describes: a `Cell`, `Branch`, `Compartment` or `Network`, by the graph's `type`.

    Takes the graphs of `to_graph`, also with nodes or edges changed, and those that Jaxley makes. Where the edges
    are no longer those of the branch table, the tree is found anew from the first branch of each cell; branches may
    then change their order and direction. Jaxley's channels become those of the same class name here.

    Args:
        assign_groups: with the groups.

    Raises:
        ValueError: compartments without a branch or length, branches that do not form one tree a cell, a channel or
            synapse that is not known here.
    """
    labels = sorted(
        (n for n, data in graph.nodes(data=True) if data.get("type", "comp") == "comp"),
        key=lambda n: tuple(_required(graph.nodes[n], n, name) for name in INDICES),
    )
    if not labels:
        raise ValueError("from_graph: no compartments; nodes have type='comp' and what to_graph(module) writes")
    data = [graph.nodes[n] for n in labels]
    row_of = {label: row for row, label in enumerate(labels)}
    branch_of = np.unique([d["branch_index"] for d in data], return_inverse=True)[1]
    first = np.searchsorted(branch_of, np.arange(branch_of[-1] + 1))
    cell_of_branch = np.unique([data[row]["cell_index"] for row in first], return_inverse=True)[1]
    n_branches = len(first)
    branches = pd.DataFrame({"cell": cell_of_branch, "parent": [-1] * n_branches, "parent_loc": [1.0] * n_branches})
    stored = graph.graph.get("branches")
    unchanged = stored is not None and len(stored) == n_branches
    if unchanged:
        expected = axial_edges(joints(branch_of, stored), len(labels))
        unchanged = {(a, b) for a, b, _ in expected} == _axial_pairs(graph) and labels == list(range(len(labels)))
    kind = graph.graph.get("type", "cell")
    module = _empty(kind, _node_table(data), stored if unchanged else branches, branch_of)
    _give_points(module, data, branch_of)
    _give_mechanisms(module, graph.graph.get("channels", []))
    if assign_groups:
        _give_groups(module, graph.graph.get("group_names", []), data)
    module._diffusing += [state for state in graph.graph.get("diffusing", ()) if diffusion_key(state) in module._nodes]
    edge_of = _give_synapses(module, graph, row_of)
    _give_signals(module, graph.graph, row_of, edge_of)
    if not unchanged:
        _find_tree(module, graph, labels, branch_of, cell_of_branch)
    return module


def _required(attributes: dict[str, Any], label: Any, name: str) -> Any:
    if name not in attributes:
        raise ValueError(f"from_graph: node {label!r} has no {name!r}; nodes carry what to_graph(module) writes")
    return attributes[name]


def _node_table(data: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame([{k: v for k, v in d.items() if k not in _NO_COLUMNS} for d in data])
    for name in ("length", "radius"):
        if name not in table or table[name].isna().any():
            raise ValueError(f"from_graph: every compartment needs a {name} in um")
    for name, default in DEFAULTS.items():
        if name not in table:
            table[name] = default
    made = cylinder(table["length"].to_numpy(dtype=float), table["radius"].to_numpy(dtype=float))
    for name, values in zip(DERIVED_GEOMETRY, (made.area, made.volume, made.load_in, made.load_out), strict=True):
        if name not in table:
            table[name] = values
    for name in PLACE:
        if name not in table:
            table[name] = np.nan
    return table


def _empty(kind: str, nodes: pd.DataFrame, branches: pd.DataFrame, branch_of: np.ndarray) -> Any:
    """A module of this type with these compartments and nothing else."""
    # Of classes of one name the first is ours: a user's subclass came later.
    classes = reversed(_subclasses(Module))
    known: dict[str, Any] = {cls.__name__.lower(): cls for cls in classes if cls.__name__.lower() in DEPTHS}
    if kind not in known:
        raise ValueError(f"from_graph: the graph's type is one of {', '.join(sorted(known))}, not {kind!r}")
    module = object.__new__(known[kind])
    Module.__init__(module, nodes, branches.copy(), branch_of, DEPTHS[kind])
    return module


def _subclasses(cls: type) -> list[type]:
    direct: list[type] = cls.__subclasses__()
    return [sub for one in direct for sub in (one, *_subclasses(one))]


def _give_points(module: Module, data: list[dict[str, Any]], branch_of: np.ndarray) -> None:
    for branch in range(len(module._branches)):
        shares = [np.asarray(data[row]["xyzr"]) for row in np.flatnonzero(branch_of == branch) if "xyzr" in data[row]]
        points = np.concatenate([s.reshape(-1, 4) for s in shares]) if shares else np.empty((0, 4))
        if len(points) > 1:
            module._xyzr[branch] = points
        elif len(points) == 1:  # a traced point alone, as Jaxley has it for a soma, is no line
            module._xyzr[branch] = np.full((2, 4), np.nan)


def _give_mechanisms(module: Module, channels: Iterable[Any]) -> None:
    for channel in channels:
        mechanism = channel if isinstance(channel, Mechanism) else _ours(channel)
        keys = [mechanism.name, *mechanism.channel_params, *mechanism.channel_states]
        absent = [key for key in keys if key not in module._nodes]
        if absent:
            raise ValueError(
                f"from_graph: the nodes have no {absent[0]!r}, which {mechanism.name} needs; export the graph with "
                "channels=True, or without channels and insert them afterwards"
            )
        module._mechanisms[mechanism.name] = mechanism
        module._nodes[mechanism.name] = module._nodes[mechanism.name].eq(True)


def _ours(channel: Any) -> Mechanism:
    """The mechanism of the library that has the class name of another simulator's channel, renamed as that is."""
    kind = type(channel).__name__
    if kind not in LIBRARY:
        raise ValueError(
            f"from_graph: no mechanism is called {kind!r} here; export the graph without channels and insert one of "
            "your own"
        )
    mechanism = LIBRARY[kind]()
    name = getattr(channel, "name", kind)
    return mechanism.change_name(name) if name != mechanism.name else mechanism


def _give_groups(module: Module, names: Iterable[str], data: list[dict[str, Any]]) -> None:
    """Groups from flag columns, or from lists at the nodes."""
    listed = [set(d.get("groups") or ()) for d in data]
    for name in dict.fromkeys([*names, *sorted(set().union(*listed))]):
        flags = np.array([name in groups for groups in listed])
        if name in module._nodes:
            flags |= module._nodes[name].eq(True).to_numpy()
        module._groups.append(name)
        module._nodes[name] = flags


def _give_synapses(module: Module, graph: nx.DiGraph, row_of: dict[Any, int]) -> dict[int, int]:
    """Put the graph's synapses into the module's table; the row there of each number that they have in the graph."""
    found = [(a, b, d) for a, b, d in graph.edges(data=True) if d.get("type") == "synapse"]
    if not found:
        return {}
    if type_name(type(module)) != "network":
        raise ValueError("from_graph: synapses are part of networks; set graph.graph['type'] = 'network'")
    synapses = graph.graph.get("synapses", {})
    if not isinstance(synapses, dict):
        raise ValueError("from_graph: graph.graph['synapses'] is a dict of the synapses by name, as to_graph writes it")
    records = []
    for pre, post, attributes in found:
        columns = {k: v for k, v in attributes.items() if k not in ("type", "syn_type", "pre_index", "post_index")}
        records.append(
            {**columns, "pre_index": row_of[pre], "post_index": row_of[post], "type": attributes["syn_type"]}
        )
    edges = pd.DataFrame(records)
    order = "global_edge_index" if "global_edge_index" in edges else "type"
    edges = edges.sort_values(order, kind="stable").reset_index(drop=True)
    present = set(edges["type"])
    unknown = sorted(present - set(synapses))
    if unknown:
        raise ValueError(
            f"from_graph: no synapse {unknown[0]!r} in graph.graph['synapses'], which has {list(synapses)}"
        )
    module._synapses = {name: synapse for name, synapse in synapses.items() if name in present}
    numbers = edges.get("global_edge_index", edges.index)
    edge_of = dict(zip(map(int, numbers), range(len(edges)), strict=True))
    # Some may have gone from the graph: all are numbered anew.
    edges["global_edge_index"] = np.arange(len(edges))
    edges["index_within_type"] = edges.groupby("type").cumcount()
    edges["type_ind"] = edges["type"].map(list(module._synapses).index)
    locs = relative_locations(module)
    for side in ("pre", "post"):
        edges[f"{side}_locs"] = locs[edges[f"{side}_index"].to_numpy(dtype=int)]
    module._edges = edges[[*EDGE_COLUMNS, *(c for c in edges if c not in EDGE_COLUMNS)]]
    return edge_of


def _give_signals(module: Module, attributes: dict[str, Any], row_of: dict[Any, int], edge_of: dict[int, int]) -> None:
    """Recordings, stimuli, clamps and trainables."""

    def rows(key: str, numbers: Any) -> np.ndarray:
        numbers = np.asarray(numbers, dtype=int).reshape(-1)
        places = edge_of if on_edges(module, key) else row_of
        for number in numbers:
            if number not in places:
                raise ValueError(f"from_graph: {key} is recorded, stimulated or trainable at {number}, which is gone")
        return np.array([places[number] for number in numbers], dtype=int)

    recordings = attributes.get("recordings")
    if recordings is not None and len(recordings):
        for number, state in zip(recordings["rec_index"], recordings["state"], strict=True):
            module._recordings.append((int(rows(state, number)[0]), str(state)))
    for key, values in (attributes.get("externals") or {}).items():
        module._externals[key] = np.asarray(values, dtype=float)
        module._external_inds[key] = rows(key, attributes["external_inds"][key])
    for one in attributes.get("trainables", ()):
        group, initial = np.asarray(one["group"]), np.asarray(one["initial"], dtype=float)
        module._trainables.append(Trainable(one["key"], rows(one["key"], one["rows"]), group, initial))
    if "trainables" not in attributes:  # Jaxley's: one row of numbers for each shared value
        pairs = zip(
            attributes.get("trainable_params", ()), attributes.get("indices_set_by_trainables", ()), strict=True
        )
        for params, numbers in pairs:
            sets = [np.asarray(one)[np.asarray(one) >= 0] for one in np.atleast_2d(numbers)]  # -1 fills up
            shared = np.repeat(np.arange(len(sets)), [len(one) for one in sets])
            for key, initial in params.items():
                start = np.asarray(initial, dtype=float).reshape(-1)
                module._trainables.append(Trainable(key, rows(key, np.concatenate(sets)), shared, start))


def _axial_pairs(graph: nx.DiGraph) -> set[tuple[Any, Any]]:
    return {(a, b) for a, b, data in graph.edges(data=True) if data.get("type") != "synapse"}


def _find_tree(
    module: Module, graph: nx.DiGraph, labels: list[Any], branch_of: np.ndarray, cell_of_branch: np.ndarray
) -> None:
    """Order and direct the branches by the edges of the graph."""
    starts = module._first_rows()
    ncomps = np.diff(starts)
    row_of = {label: row for row, label in enumerate(labels)}
    at_point: dict[Any, list[Place]] = {}
    all_meetings: list[list[Place]] = []
    inside: set[int] = set()

    def place(row: int, is_source: bool, end: str | None) -> Place:
        branch = int(branch_of[row])
        number, n = row - int(starts[branch]), int(ncomps[branch])
        if end is None and n == 1:
            end = "out" if is_source else "in"
        elif end is None:
            end = "in" if number == 0 else "out" if number == n - 1 else "middle"
        return branch, {"in": 0.0, "out": 1.0, "middle": (number + 0.5) / n}[end]

    for a, b, attributes in graph.edges(data=True):
        if attributes.get("type") == "synapse":
            continue
        ends = attributes.get("ends", (None, None))
        if a in row_of and b in row_of:
            i, j = row_of[a], row_of[b]
            if branch_of[i] == branch_of[j]:
                if abs(i - j) == 1:
                    inside.add(min(i, j))
                continue
            all_meetings.append([place(i, True, ends[0]), place(j, False, ends[1])])
        elif a in row_of or b in row_of:
            point, row = (b, row_of[a]) if a in row_of else (a, row_of[b])
            at_point.setdefault(point, []).append(place(row, a in row_of, None))
        else:
            raise ValueError(f"from_graph: branch points {a!r} and {b!r} are joined without a compartment between them")
    for row in np.flatnonzero(branch_of[1:] == branch_of[:-1]).tolist():
        if row not in inside:
            raise ValueError(
                f"from_graph: compartments {labels[row]!r} and {labels[row + 1]!r} of one branch have no edge"
            )
    all_meetings += [members for members in at_point.values() if len(members) > 1]
    roots = [int(np.argmax(cell_of_branch == cell)) for cell in range(int(cell_of_branch[-1]) + 1)]
    rooting = rooted(all_meetings, roots, ncomps.tolist(), "from_graph")
    apart = sorted(set(range(len(ncomps))) - set(rooting.order))
    if apart:
        raise ValueError(f"from_graph: no edge leads from branch {roots[0]} to branch {apart[0]}; a cell is one tree")
    rearrange(module, rooting)
