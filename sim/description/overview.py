"""The table of a view as people want to look at it: `show`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..names import nearest
from .tables import INDEX_COLUMNS

if TYPE_CHECKING:
    from .module import Module

#: Columns of `show` in a network.
SYNAPSE_COUNTS = ("synapses_out", "synapses_in")


class Overview:
    """`show` on the compartments of a view."""

    base: Module
    _rows: np.ndarray

    @property
    def _edge_rows(self) -> np.ndarray:
        raise NotImplementedError

    def show(
        self,
        param_names: str | Sequence[str] | None = None,
        *,
        indices: bool = True,
        params: bool = True,
        states: bool = True,
        channel_names: str | Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """The view's table without its bookkeeping columns; groups and mechanisms stand in it as True and False.

        In a network `synapses_out` and `synapses_in` count the synapses of the view whose pre and whose post side each
        compartment is; the synapses themselves are in `.edges`.

        Args:
            param_names: only these parameters and states (and the indices).
            indices: with the numbers of cell, branch and compartment, and of synapses.
            params: with the parameters.
            states: with the states, v among them.
            channel_names: of mechanisms, only these with their parameters and states.

        Raises:
            ValueError: no such parameter, state or mechanism.
        """
        base = self.base
        table = base._nodes.iloc[self._rows]
        state_names = {"v", *(s for m in base._mechanisms.values() for s in m.channel_states)}
        numbers = [c for c in INDEX_COLUMNS if c.startswith("local_")] if indices else []
        values = [c for c in table.columns if c not in INDEX_COLUMNS]
        if indices and len(base._edges):
            table, numbers = table.assign(**self._synapse_counts()), [*numbers, *SYNAPSE_COUNTS]
        if channel_names is not None:
            wanted = _listed(channel_names, base._mechanisms, "mechanism")
            own = {name: {*m.channel_params, *m.channel_states, name} for name, m in base._mechanisms.items()}
            others = set().union(*own.values()) - set().union(*(own[name] for name in wanted))
            values = [c for c in values if c not in others]
        if param_names is not None:
            chosen = _listed(param_names, values, "parameter or state")
            return table[[*numbers, *chosen]].copy()
        if not params:
            values = [c for c in values if c in state_names]
        if not states:
            values = [c for c in values if c not in state_names]
        return table[[*numbers, *values]].copy()

    def _synapse_counts(self) -> dict[str, np.ndarray]:
        """For each compartment of the view how many of its synapses begin and end there."""
        edges, n = self.base._edges.iloc[self._edge_rows], len(self.base._nodes)
        sides = (edges[side].to_numpy(dtype=int) for side in ("pre_index", "post_index"))
        counted = (np.bincount(side, minlength=n)[self._rows] for side in sides)
        return dict(zip(SYNAPSE_COUNTS, counted, strict=True))


def _listed(names: str | Sequence[str], known: Collection[str], what: str) -> list[str]:
    listed = [names] if isinstance(names, str) else list(names)
    for name in listed:
        if name not in known:
            raise ValueError(f"show: no {what} {name!r} here{nearest(name, known)}")
    return listed
