"""Views: which compartments and synapses of a module are meant. Owns navigation; the rest lives in the mixins.

A view is a module it belongs to (`base`), an array of its compartments and one of its edges (synapses).
`net.cell(0).branch("all").comp(1)`, `cell.soma`, `cell.loc(0.5)`, `net.IonotropicSynapse.edge(3)`, `cell.select(mask)`
all give views; what can be done to a module can be done to a view. A view of compartments holds the edges between them,
a view of edges the compartments that they join.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..names import nearest

if TYPE_CHECKING:
    from .module import Module

LEVELS = ("cell", "branch", "comp")


class Navigation:
    """Selection of compartments by cell, branch, compartment, location, group, mechanism or mask."""

    base: Module
    _rows: np.ndarray
    _sharing: np.ndarray | None
    _scope: str
    _depth: int
    _edge_sharing: np.ndarray | None
    #: The one location that `loc` was asked for, which tells the ends of a branch of one compartment apart.
    _loc: float | None = None

    @property
    def _edge_rows(self) -> np.ndarray:
        raise NotImplementedError

    # -- what the view shows -------------------------------------------------------------------------------------

    @property
    def nodes(self) -> pd.DataFrame:
        """The table of this view's compartments, one row each (all of the module's columns)."""
        return self.base._nodes.iloc[self._rows]

    @property
    def edges(self) -> pd.DataFrame:
        """The table of this view's synapses, one row each (empty where there are none)."""
        return self.base._edges.iloc[self._edge_rows]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of cells, branches and compartments, from the level of the module down."""
        table = self.nodes
        return tuple(table[f"global_{level}_index"].nunique() for level in LEVELS[self._depth :])

    @property
    def groups(self) -> list[str]:
        """Names of the groups that have compartments here."""
        return [name for name in self.base._groups if self.nodes[name].any()]

    @property
    def mechanisms(self) -> list[str]:
        """Names of the mechanisms inserted somewhere here."""
        return [name for name in self.base._mechanisms if self.nodes[name].any()]

    @property
    def synapses(self) -> list[str]:
        """Names of the types of synapse in this view."""
        return [str(name) for name in self.edges["type"].unique()]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        names = [f"{n} {level}{'' if n == 1 else 's' if level != 'branch' else 'es'}" for n, level in self._counts()]
        return f"{type(self).__name__} with {', '.join(names)}. Run `.nodes` for details."

    def _counts(self) -> list[tuple[int, str]]:
        counts = list(zip(self.shape, LEVELS[self._depth :], strict=True))
        n_synapses = len(self._edge_rows)
        return [*counts, (n_synapses, "synapse")] if n_synapses or self._depth == 0 else counts

    # -- selection -----------------------------------------------------------------------------------------------

    def cell(self, index: Any) -> View:
        """The cells with these numbers in the view (an int, list, slice, range, boolean mask or "all")."""
        return self._at("cell", index)

    def branch(self, index: Any) -> View:
        """The branches with these numbers, counted within each cell of the view."""
        return self._at("branch", index)

    def comp(self, index: Any) -> View:
        """The compartments with these numbers, counted within each branch of the view."""
        return self._at("comp", index)

    def loc(self, at: Any) -> View:
        """The compartment that holds relative location `at` (0 to 1) of each branch of the view, or "all"."""
        if at is None or (isinstance(at, str) and at == "all"):
            return self.comp("all")
        at = np.atleast_1d(np.asarray(at, dtype=float))
        if ((at < 0) | (at > 1)).any():
            raise ValueError(f"loc takes locations from 0 to 1, not {at[(at < 0) | (at > 1)][0]:g}; e.g. loc(0.5)")
        everywhere = self.base._nodes
        ncomp = everywhere.groupby("global_branch_index")["local_comp_index"].transform("size").to_numpy()[self._rows]
        number = everywhere["local_comp_index"].to_numpy()[self._rows]
        wanted = np.minimum((at[:, None] * ncomp).astype(int), ncomp - 1)
        keep = (number == wanted).any(axis=0)
        view = self._narrowed(keep, self.base._nodes["global_comp_index"].to_numpy()[self._rows], depth=2)
        view._loc = float(at[0]) if at.size == 1 else None
        return view

    def edge(self, index: Any) -> View:
        """The synapses with these numbers, counted within the view (scope "global": in the network)."""
        if not len(self.base._edges):
            raise ValueError("there are no synapses here: connect(pre, post, synapse) makes them")
        if self._scope == "global":
            wanted = _resolved(index, len(self.base._edges), "edge")
            return self._of_edges(wanted[np.isin(wanted, self._edge_rows)])
        return self._of_edges(self._edge_rows[_resolved(index, len(self._edge_rows), "edge")])

    def select(self, nodes: Any = None, edges: Any = None) -> View:
        """The compartments, or the synapses, given by a boolean mask over the view or by their places in it."""
        if (nodes is None) == (edges is None):
            raise ValueError("select takes nodes or edges, one of them: select(nodes=mask) or select(edges=mask)")
        if edges is not None:
            return self._of_edges(self._edge_rows[_resolved(edges, len(self._edge_rows), "edge")])
        keep = np.zeros(len(self), dtype=bool)
        keep[_resolved(nodes, len(self), "compartment")] = True
        return self._narrowed(keep, np.zeros(len(self), dtype=int))

    def scope(self, scope: str) -> View:
        """The same view with indices counted within the view ("local", the default) or in the module ("global")."""
        if scope not in ("local", "global"):
            raise ValueError(f'scope is "local" or "global", not {scope!r}')
        return View(self.base, self._rows, self._sharing, scope, self._depth, self._edge_rows, self._edge_sharing)

    def __getattr__(self, name: str) -> View:
        if name.startswith("_") or "base" not in self.__dict__:
            raise AttributeError(name)
        base = self.__dict__["base"]
        if name in base._groups or name in base._mechanisms:
            return self._narrowed(base._nodes[name].to_numpy()[self._rows], np.zeros(len(self._rows), dtype=int))
        if name in base._synapses:
            of_type = self._edge_rows[base._edges["type"].to_numpy()[self._edge_rows] == name]
            return self._of_edges(of_type, sharing=np.zeros(len(of_type), dtype=int))
        methods = (n for n in dir(type(self)) if n[0] != "_")
        hint = nearest(name, [*base._groups, *base._mechanisms, *base._synapses, *methods])
        raise AttributeError(f"no group, mechanism or method {name!r} in this {type(base).__name__.lower()}{hint}")

    def __getitem__(self, index: Any) -> View:
        """`cell[branch, comp]`, `net[cell, branch, comp]`: selection level by level."""
        index = index if isinstance(index, tuple) else (index,)
        levels = LEVELS[self._depth :]
        if len(index) > len(levels):
            raise ValueError(f"{len(index)} indices given, but there are only {' and '.join(levels)} to select here")
        view: Any = self
        for level, i in zip(levels, index, strict=False):
            view = view._at(level, i)
        return view

    @property
    def cells(self) -> Iterator[View]:
        """One view a cell."""
        return (self.cell(i) for i in range(self.nodes["global_cell_index"].nunique()))

    @property
    def branches(self) -> Iterator[View]:
        """One view a branch."""
        return self._each("branch")

    @property
    def comps(self) -> Iterator[View]:
        """One view a compartment."""
        return self._each("comp")

    def __iter__(self) -> Iterator[View]:
        return self._each(LEVELS[self._depth])

    # -- how it works --------------------------------------------------------------------------------------------

    def _each(self, level: str) -> Iterator[View]:
        numbers = self.base._nodes[f"global_{level}_index"].to_numpy()[self._rows]
        depth = LEVELS.index(level)
        return (self._narrowed(numbers == n, numbers, depth=min(depth + 1, 2)) for n in dict.fromkeys(numbers))

    def _at(self, level: str, index: Any) -> View:
        if LEVELS.index(level) < LEVELS.index(LEVELS[self._depth]) and level != "comp":
            raise ValueError(f"a view of {LEVELS[self._depth]}s has no {level} to select")
        table = self.base._nodes
        numbers = table[f"global_{level}_index"].to_numpy()[self._rows]
        if self._scope == "global":
            local = numbers
        else:
            above = np.zeros(len(numbers), int)
            if level != "cell":
                above = table[f"global_{LEVELS[LEVELS.index(level) - 1]}_index"].to_numpy()[self._rows]
            # Both in the module's order: a number's rank within its group is its rank less that of the group's first.
            pairs, rank = np.unique(np.stack([above, numbers], axis=1), axis=0, return_inverse=True)
            rank = rank.reshape(-1)
            local = rank - np.searchsorted(pairs[:, 0], above)
        wanted = _resolved(index, int(local.max()) + 1 if len(local) else 0, level)
        return self._narrowed(np.isin(local, wanted), numbers, depth=min(LEVELS.index(level) + 1, 2))

    def _narrowed(self, keep: np.ndarray, sharing: np.ndarray, depth: int | None = None) -> View:
        keep = np.asarray(keep, dtype=bool)
        rows = self._rows[keep]
        edges = self._edge_rows
        if len(edges):
            inside = np.zeros(len(self.base._nodes), dtype=bool)
            inside[rows] = True
            ends = self.base._edges[["pre_index", "post_index"]].to_numpy(dtype=int)[edges]
            edges = edges[inside[ends].all(axis=1)]
        depth = self._depth if depth is None else depth
        return View(self.base, rows, sharing[keep], self._scope, depth, edges, None)

    def _of_edges(self, edges: np.ndarray, sharing: np.ndarray | None = None) -> View:
        """The view of these edges and of the compartments that they join; by default each is a value of its own."""
        ends = self.base._edges[["pre_index", "post_index"]].to_numpy(dtype=int)[edges]
        rows = np.intersect1d(self._rows, ends)
        sharing = np.arange(len(edges)) if sharing is None else sharing
        return View(self.base, rows, np.zeros(len(rows), int), self._scope, self._depth, edges, sharing)


def _resolved(index: Any, count: int, level: str) -> np.ndarray:
    """The numbers below `count` that an index of any kind means."""
    if index is None or (isinstance(index, str) and index == "all"):
        return np.arange(count)
    if isinstance(index, slice):
        return np.arange(count)[index]
    if isinstance(index, str):
        raise ValueError(f'{level} takes a number, a list, a slice, a mask or "all", not {index!r}')
    numbers = np.atleast_1d(np.asarray(index))
    if numbers.dtype == bool:
        if numbers.size != count:
            raise ValueError(f"a mask of {level} numbers needs {count} entries here, not {numbers.size}")
        return np.flatnonzero(numbers)
    numbers = numbers.astype(int)
    outside = numbers[(numbers < -count) | (numbers >= count)]
    if outside.size:
        raise ValueError(f"{level} {outside[0]} is not there: this view has {level} 0 to {count - 1}")
    return numbers % count


from .discretization import Discretization  # noqa: E402  (the mixins need Navigation for typing only)
from .editing import Editing  # noqa: E402
from .overview import Overview  # noqa: E402
from .pictures import Pictures  # noqa: E402
from .placing import Placing  # noqa: E402
from .signals import Signals  # noqa: E402
from .training import Training  # noqa: E402


class View(Navigation, Editing, Discretization, Placing, Pictures, Overview, Signals, Training):
    """Some compartments and synapses of a module; every edit goes to the module.

    Args:
        base: the module.
        rows: its compartments, by number.
        sharing: for each row the number of the trainable value it takes part in (`make_trainable`); None: one for all.
        scope: how indices count, "local" (within the view) or "global" (in the module).
        depth: the level that indexing starts at, 0 cell, 1 branch, 2 comp.
        edge_rows: its synapses, by number; None: none.
        edge_sharing: as `sharing`, for the synapses.
    """

    def __init__(
        self,
        base: Module,
        rows: np.ndarray,
        sharing: np.ndarray | None,
        scope: str = "local",
        depth: int = 0,
        edge_rows: np.ndarray | None = None,
        edge_sharing: np.ndarray | None = None,
    ) -> None:
        self.base = base
        self._rows = np.asarray(rows, dtype=int)
        self._sharing = sharing
        self._scope = scope
        self._depth = depth
        self._chosen_edges = np.zeros(0, dtype=int) if edge_rows is None else np.asarray(edge_rows, dtype=int)
        self._edge_sharing = edge_sharing

    @property
    def _edge_rows(self) -> np.ndarray:
        return self._chosen_edges
