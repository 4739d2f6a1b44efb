"""Modules: compartments, branches and cells, which own the tables that their views show and edit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..geometry_scaling import GEOMETRY_EXPONENTS
from ..mechanisms import Mechanism
from ..morphology import CompartmentGeometry, cylinder
from ..names import nearest
from ..synapses import Synapse
from .edges import no_edges
from .editing import diffusion_key
from .exp_euler import ExpEulerMatrix
from .layout import is_traced
from .signals import add_external, outward
from .tables import DEFAULTS, INDEX_COLUMNS, PLACE, compartment_rows, indexed, joined
from .topology import Joint, joints, path_distances
from .training import Trainable
from .view import LEVELS, View

#: States that every compartment can record beside those of its mechanisms.
ALWAYS_RECORDABLE = ("v",)


class Module(ExpEulerMatrix, View):
    """A view of all its own compartments, which also owns the tables. Users make its subclasses."""

    def __init__(self, nodes: pd.DataFrame, branches: pd.DataFrame, branch_of: np.ndarray, depth: int) -> None:
        """Adopt rows of compartments.

        Args:
            nodes: rows as `compartment_rows` makes them, branch after branch.
            branches: columns `cell`, `parent` (-1: root), `parent_loc`, one row a branch.
            branch_of: branch of each row of `nodes`.
        """
        cell_of_branch = branches["cell"].to_numpy(dtype=int)
        self._nodes = indexed(nodes, np.asarray(branch_of, dtype=int), cell_of_branch)
        self._branches = branches.reset_index(drop=True)
        #: Points [n, 4] (um) of each branch: x, y, z, radius; NaN where nothing was traced.
        self._xyzr: list[np.ndarray] = [np.full((2, 4), np.nan) for _ in range(len(self._branches))]
        self._groups: list[str] = []
        self._mechanisms: dict[str, Mechanism] = {}
        self._edges = no_edges()
        self._synapses: dict[str, Synapse] = {}
        #: Concentrations that diffuse along the cable.
        self._diffusing: list[str] = []
        self._recordings: list[tuple[int, str]] = []
        self._externals: dict[str, np.ndarray] = {}
        self._external_inds: dict[str, np.ndarray] = {}
        self._trainables: list[Trainable] = []
        self._edits = 0
        #: Room for what is made from the description and valid until the next edit (see lower.py).
        self._cache: dict[Any, Any] = {}
        super().__init__(self, np.arange(len(self._nodes)), None, depth=depth)

    @property
    def _edge_rows(self) -> np.ndarray:
        return np.arange(len(self._edges))

    # -- what the mixins build on --------------------------------------------------------------------------------

    def _edited(self) -> None:
        self._edits += 1
        self._cache.clear()

    def _add_column(self, name: str, values: np.ndarray) -> None:
        if name in self._nodes.columns:
            self._nodes[name] = values
        else:  # pandas warns of the hundredth column that is assigned
            self._nodes = pd.concat([self._nodes, pd.Series(values, self._nodes.index, name=name)], axis=1)
        self._edited()

    def _write(self, name: str, rows: np.ndarray, values: np.ndarray) -> None:
        table = self._edges if self._is_of_edges(name) else self._nodes
        column = table[name].to_numpy(dtype=float, copy=True)
        column[rows] = values
        table[name] = column
        self._edited()

    def _is_of_edges(self, key: str) -> bool:
        """Whether a value belongs to synapses rather than to compartments."""
        return self._type_of(key) is not None

    def _type_of(self, key: str) -> str | None:
        """The synapse that has this parameter, state or current; None where none has."""
        for name, synapse in self._synapses.items():
            if key in synapse.synapse_params or key in synapse.synapse_states or key == f"i_{name}":
                return name
        return None

    def _values(self, key: str, rows: np.ndarray) -> np.ndarray:
        """The present values of a parameter or state on these compartments, or synapses where it belongs to them."""
        return (self._edges if self._is_of_edges(key) else self._nodes)[key].to_numpy(dtype=float)[rows]

    def _set(self, key: str, rows: np.ndarray, values: np.ndarray) -> None:
        """Write values of these compartments or synapses; geometry that follows from length or radius follows."""
        if key in ("length", "radius"):
            if (values <= 0).any():
                raise ValueError(f"set({key!r}, ...): a {key} is above 0 um")
            ratio = values / self._nodes[key].to_numpy()[rows]
            for name, powers in GEOMETRY_EXPONENTS.items():
                old = self._nodes[name].to_numpy()[rows]
                self._write(name, rows, old * ratio ** powers[("length", "radius").index(key)])
        self._write(key, rows, values)

    def _require(self, key: str, view: View, what: str = "set") -> np.ndarray:
        """The compartments, or synapses, of a view that have the value `key`.

        With what="record" or "clamp" only states count, and for "record" currents.

        Raises ValueError unless all compartments of the view have it; of synapses, those of its type do.
        """
        states_only = what in ("record", "clamp")
        flowing = {m.current_name for m in self._mechanisms.values() if m.current_name}
        currents = flowing if what == "record" else set()
        if key in currents:
            return view._rows
        of_synapses = {
            k
            for name, s in self._synapses.items()
            for k in (
                (*s.synapse_states, *([f"i_{name}"] if what == "record" else []))
                if states_only
                else (*s.synapse_params, *s.synapse_states)
            )
        }
        if key in of_synapses:
            return self._edges_with(key, view, what)
        # A current that a mechanism lists among its states has a column, but is made by the step.
        flags = {*self._groups, *self._mechanisms, *INDEX_COLUMNS, *flowing}
        known = [c for c in self._nodes.columns if c not in flags and (what == "set" or c not in PLACE)]
        if states_only:
            states = {s for m in self._mechanisms.values() for s in m.channel_states} | set(ALWAYS_RECORDABLE)
            known = [*(c for c in known if c in states), *currents]
        if key not in known:
            raise ValueError(
                f"{what}({key!r}): no such {'state' if states_only else 'parameter or state'} here"
                f"{nearest(key, [*known, *of_synapses])}"
            )
        if self._nodes[key].isna().to_numpy()[view._rows].any():
            raise ValueError(
                f"{what}({key!r}): some of these compartments have no {key}; insert its mechanism there first"
            )
        return view._rows

    def _edges_with(self, key: str, view: View, what: str) -> np.ndarray:
        name = self._type_of(key)
        edges = view._edge_rows[self._edges["type"].to_numpy()[view._edge_rows] == name]
        if not len(edges):
            raise ValueError(f"{what}({key!r}): no {name} joins compartments of this view; try net.{name}.{what}(...)")
        return edges

    def _add_external(self, key: str, values: np.ndarray, rows: np.ndarray) -> None:
        add_external(self, key, values, rows)

    def _outward(self, key: str, rows: np.ndarray) -> np.ndarray:
        return outward(self, key, rows)

    @property
    def _joints(self) -> list[Joint]:
        if "joints" not in self._cache:
            self._cache["joints"] = joints(self._nodes["global_branch_index"].to_numpy(), self._branches)
        return self._cache["joints"]

    def _first_rows(self) -> np.ndarray:
        """The row at which each branch begins, and the number of rows."""
        branch_of = self._nodes["global_branch_index"].to_numpy()
        return np.searchsorted(branch_of, np.arange(len(self._branches) + 1))

    def _each(self, level: str) -> Iterator[View]:
        # Each one is found when its turn comes, so that a loop over branches may change their number of compartments.
        for number in range(len(self._nodes[f"global_{level}_index"].unique())):
            numbers = self._nodes[f"global_{level}_index"].to_numpy()
            yield self._narrowed(numbers == number, numbers, depth=min(LEVELS.index(level) + 1, 2))

    def _path_distances(self, origin: int) -> np.ndarray:
        return path_distances(self._nodes["length"].to_numpy(), self._joints, origin)

    # -- for everyone --------------------------------------------------------------------------------------------

    def to_jax(self) -> None:
        """Lower the model now instead of at the first run; a script that never calls it runs as well."""
        from ..lower import lower

        lower(self)

    def init_states(self, delta_t: float = 0.025) -> None:
        """Set every mechanism's states to their steady state at the present v (written into the table)."""
        from ..initialize import write_steady_states

        write_steady_states(self, delta_t)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}


class Composite(Module):
    """A module made of copies of parts: adopts all that was done to them. One object may stand several times."""

    def _compose(self, parts: Sequence[Module], branches: pd.DataFrame, branch_of: np.ndarray, depth: int) -> None:
        distinct = list({id(p): p for p in parts}.values())
        flags = {f for p in distinct for f in (*p._groups, *p._mechanisms)}
        sizes = {id(p): len(p._nodes) for p in distinct}
        begin = dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))
        rows = np.concatenate([np.arange(begin[id(p)], begin[id(p)] + sizes[id(p)]) for p in parts])
        nodes = joined([p._nodes for p in distinct], flags).iloc[rows]
        Module.__init__(self, nodes, branches, branch_of, depth)
        if depth < 2:  # compartments that become one branch have no points to give
            self._xyzr = [points.copy() for part in parts for points in part._xyzr]
        if depth == 1:  # branches that were laid out one by one do not lie where the cell's would
            self._xyzr = [points if is_traced(points) else np.full((2, 4), np.nan) for points in self._xyzr]
        nowhere = [not np.isfinite(points[:, :3]).all() for points in self._xyzr]
        self._nodes.loc[np.asarray(nowhere)[branch_of], list(PLACE)] = np.nan
        for part in distinct:
            for name, mechanism in part._mechanisms.items():
                if self._mechanisms.setdefault(name, mechanism) != mechanism:
                    raise ValueError(f"{name} is inserted with different options in the parts; give one another name")
        self._groups = list(dict.fromkeys(g for p in distinct for g in p._groups))
        self._diffusing = list(dict.fromkeys(d for p in distinct for d in p._diffusing))
        for key in map(diffusion_key, self._diffusing):
            self._nodes[key] = self._nodes[key].fillna(0.0)  # nothing passes in parts where it does not diffuse
        for part, offset in zip(parts, np.cumsum([0, *(sizes[id(p)] for p in parts)])[:-1].tolist(), strict=True):
            self._recordings += [(row + offset, s) for row, s in part._recordings]
            self._trainables += [Trainable(t.key, t.rows + offset, t.group, t.initial) for t in part._trainables]
            for key, values in part._externals.items():
                self._add_external(key, values, part._external_inds[key] + offset)


class Compartment(Module):
    """One cylinder: length 10 um, radius 1 um, axial resistivity 5000 Ohm cm, capacitance 1 uF/cm^2, v -70 mV."""

    def __init__(self) -> None:
        geometry = cylinder(np.full(1, DEFAULTS["length"]), np.full(1, DEFAULTS["radius"]))
        geometry = replace(geometry, centers=np.full((1, 3), np.nan))
        super().__init__(compartment_rows(geometry), _branch_table([-1]), np.zeros(1, int), depth=2)


class Branch(Composite):
    """An unbranched chain of compartments.

    Args:
        comp: a compartment, copied `ncomp` times, or a list of compartments.
        ncomp: number of copies (only with a single compartment).
    """

    def __init__(self, comp: Compartment | Sequence[Compartment] | None = None, ncomp: int | None = None) -> None:
        if isinstance(comp, (list, tuple)):
            if ncomp not in (None, len(comp)):
                raise ValueError(f"Branch([...], ncomp): {len(comp)} compartments are given; leave ncomp out")
            parts = list(comp)
        else:
            parts = [Compartment() if comp is None else comp] * (1 if ncomp is None else ncomp)
        if not parts:
            raise ValueError("a branch has at least one compartment: Branch(Compartment(), ncomp=1)")
        for part in parts:
            if not isinstance(part, Compartment):
                raise ValueError(f"Branch takes a Compartment or a list of them, not {part!r}")
        self._compose(parts, _branch_table([-1]), np.zeros(len(parts), int), depth=2)


class Cell(Composite):
    """A tree of branches.

    Args:
        branches: a branch, copied once for each parent, or a list of branches.
        parents: parent of each branch, -1 for the root; a child starts at its parent's far end.
    """

    def __init__(
        self, branches: Branch | Sequence[Branch] | None = None, parents: Sequence[int] | np.ndarray | None = None
    ) -> None:
        listed = list(branches) if isinstance(branches, (list, tuple)) else None
        if parents is None:
            if listed is not None and len(listed) > 1:
                raise ValueError("Cell([branches]) needs the parent of each: parents=[-1, 0, 0, ...]")
            parents = [-1]
        parents = [int(p) for p in parents]
        parts: list[Any] = [Branch() if branches is None else branches] * len(parents) if listed is None else listed
        for part in parts:
            if not isinstance(part, Branch):
                raise ValueError(
                    f"Cell takes a Branch or a list of them, not {part!r}; e.g. Cell(Branch(comp, ncomp=4))"
                )
        if len(parts) != len(parents):
            raise ValueError(f"{len(parts)} branches, but {len(parents)} parents; give one parent a branch")
        if not parents or parents[0] != -1 or any(not 0 <= p < i for i, p in enumerate(parents) if i):
            raise ValueError(f"parents has -1 first and then branches that come before, e.g. [-1, 0, 0], not {parents}")
        branch_of = np.repeat(np.arange(len(parts)), [len(p._nodes) for p in parts])
        self._compose(parts, _branch_table(parents), branch_of, depth=1)

    @classmethod
    def from_geometry(
        cls,
        geometry: CompartmentGeometry,
        ncomps: Sequence[int],
        parents: Sequence[int],
        parent_locs: Sequence[float],
        groups: Sequence[str],
        xyzr: Sequence[np.ndarray] | None = None,
    ) -> Cell:
        """A cell from the compartments of all its branches.

        Args:
            geometry: of all compartments, branch after branch.
            ncomps: compartments of each branch.
            parents, parent_locs: parent of each branch (-1: the root) and where on it the branch's 0-end lies (0 to 1).
            groups: the group of each branch, "" for none.
            xyzr: traced points [n, 4] of each branch: x, y, z, radius in um.
        """
        cell = cls.__new__(cls)
        branch_of = np.repeat(np.arange(len(ncomps)), ncomps)
        Module.__init__(cell, compartment_rows(geometry), _branch_table(parents, parent_locs), branch_of, depth=1)
        if xyzr is not None:
            cell._xyzr = list(xyzr)
        group_of = np.asarray(groups)[branch_of]
        for name in dict.fromkeys(g for g in groups if g):
            View(cell, np.flatnonzero(group_of == name), None).add_to_group(name)
        return cell


def _branch_table(parents: Sequence[int], locs: Sequence[float] | None = None) -> pd.DataFrame:
    n = len(parents)
    return pd.DataFrame(
        {"cell": np.zeros(n, int), "parent": list(parents), "parent_loc": [1.0] * n if locs is None else list(locs)}
    )
