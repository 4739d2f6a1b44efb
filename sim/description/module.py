"""Modules: compartments, branches and cells, which own the tables that their views show and edit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..mechanisms import Mechanism
from ..morphology import CompartmentGeometry, cylinder
from ..names import nearest
from .layout import is_traced
from .tables import DEFAULTS, INDEX_COLUMNS, PLACE, compartment_rows, indexed, joined
from .topology import Joint, joints, path_distances
from .training import Trainable
from .view import LEVELS, View

#: States that every compartment can record beside those of its mechanisms.
ALWAYS_RECORDABLE = ("v",)


class Module(View):
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
        self._recordings: list[tuple[int, str]] = []
        self._externals: dict[str, np.ndarray] = {}
        self._external_inds: dict[str, np.ndarray] = {}
        self._trainables: list[Trainable] = []
        self._edits = 0
        #: Room for what is made from the description and valid until the next edit (see lower.py).
        self._cache: dict[Any, Any] = {}
        super().__init__(self, np.arange(len(self._nodes)), None, depth=depth)

    # -- what the mixins build on --------------------------------------------------------------------------------

    def _edited(self) -> None:
        self._edits += 1
        self._cache.clear()

    def _add_column(self, name: str, values: np.ndarray) -> None:
        self._nodes[name] = values
        self._edited()

    def _write(self, name: str, rows: np.ndarray, values: np.ndarray) -> None:
        column = self._nodes[name].to_numpy(dtype=float, copy=True)
        column[rows] = values
        self._nodes[name] = column
        self._edited()

    def _require(self, key: str, rows: np.ndarray, what: str = "set") -> None:
        """Raise ValueError unless `key` is a value (what="record": a state or current) of all these compartments."""
        currents = {m.current_name: m for m in self._mechanisms.values() if m.current_name}
        if what == "record" and key in currents:
            return
        flags = {*self._groups, *self._mechanisms, *INDEX_COLUMNS}
        known = [c for c in self._nodes.columns if c not in flags and (what == "set" or c not in PLACE)]
        if what == "record":
            states = {s for m in self._mechanisms.values() for s in m.channel_states} | set(ALWAYS_RECORDABLE)
            known = [*(c for c in known if c in states), *currents]
        if key not in known:
            raise ValueError(
                f"{what}({key!r}): no such {'state' if what == 'record' else 'parameter or state'} here"
                f"{nearest(key, known)}"
            )
        if self._nodes[key].isna().to_numpy()[rows].any():
            raise ValueError(
                f"{what}({key!r}): some of these compartments have no {key}; insert its mechanism there first"
            )

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


def _joined(parts: Sequence[Module], depth: int, branches: pd.DataFrame, branch_of: np.ndarray) -> dict[str, Any]:
    """Everything of a module made of copies of `parts`, one after another."""
    flags = {f for p in parts for f in (*p._groups, *p._mechanisms)}
    nodes = joined([p._nodes for p in parts], flags)
    offsets = np.cumsum([0, *(len(p._nodes) for p in parts)])[:-1]
    mechanisms: dict[str, Mechanism] = {}
    for part in parts:
        for name, mechanism in part._mechanisms.items():
            if mechanisms.setdefault(name, mechanism) != mechanism:
                raise ValueError(f"{name} is inserted with different options in the parts; give one another name")
    return {
        "nodes": nodes,
        "xyzr": [points.copy() for p in parts for points in p._xyzr],
        "mechanisms": mechanisms,
        "groups": list(dict.fromkeys(g for p in parts for g in p._groups)),
        "recordings": [(row + int(o), s) for p, o in zip(parts, offsets, strict=True) for row, s in p._recordings],
        "stimuli": [
            (p._externals["i"], p._external_inds["i"] + o)
            for p, o in zip(parts, offsets, strict=True)
            if "i" in p._externals
        ],
        "trainables": [
            Trainable(t.key, t.rows + int(o), t.group, t.initial)
            for p, o in zip(parts, offsets, strict=True)
            for t in p._trainables
        ],
    }


class _Composite(Module):
    """A module made of parts: adopts their mechanisms, groups, recordings, stimuli and trainables."""

    def _compose(self, parts: Sequence[Module], branches: pd.DataFrame, branch_of: np.ndarray, depth: int) -> None:
        joint = _joined(parts, depth, branches, branch_of)
        Module.__init__(self, joint["nodes"], branches, branch_of, depth)
        self._mechanisms, self._groups = joint["mechanisms"], joint["groups"]
        self._recordings, self._trainables = joint["recordings"], joint["trainables"]
        if depth < 2:  # compartments that become one branch have no points to give
            self._xyzr = joint["xyzr"]
        if depth == 1:  # branches that were laid out one by one do not lie where the cell's would
            self._xyzr = [points if is_traced(points) else np.full((2, 4), np.nan) for points in self._xyzr]
        nowhere = [not np.isfinite(points[:, :3]).all() for points in self._xyzr]
        self._nodes.loc[np.asarray(nowhere)[branch_of], list(PLACE)] = np.nan
        for currents, rows in joint["stimuli"]:
            View(self, rows, None).stimulate(currents)


class Compartment(Module):
    """One cylinder: length 10 um, radius 1 um, axial resistivity 5000 Ohm cm, capacitance 1 uF/cm^2, v -70 mV."""

    def __init__(self) -> None:
        geometry = cylinder(np.full(1, DEFAULTS["length"]), np.full(1, DEFAULTS["radius"]))
        geometry = replace(geometry, centers=np.full((1, 3), np.nan))
        super().__init__(compartment_rows(geometry), _branch_table([-1]), np.zeros(1, int), depth=2)


class Branch(_Composite):
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


class Cell(_Composite):
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
