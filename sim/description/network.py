"""Networks: several cells in one module, joined by synapses (connect.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .module import Composite, Module


class Network(Composite):
    """Several cells, which synapses may join.

    Args:
        cells: cells (or branches or compartments, as cells of their own), copied: one object may stand several times.
    """

    def __init__(self, cells: Sequence[Module]) -> None:
        parts = list(cells) if isinstance(cells, Iterable) and not isinstance(cells, Module) else []
        if not parts:
            raise ValueError("Network takes a list of at least one cell: Network([cell, cell])")
        for part in parts:
            if not isinstance(part, Module) or isinstance(part, Network):
                raise ValueError(f"Network takes a list of cells, not {part!r}")
        tables = [part._branches for part in parts]
        n_branches = np.asarray([len(t) for t in tables])
        offsets = np.cumsum([0, *n_branches])[:-1]
        parents = [t["parent"].to_numpy() for t in tables]
        branches = pd.DataFrame(
            {
                "cell": np.repeat(np.arange(len(parts)), n_branches),
                "parent": np.concatenate([np.where(p < 0, -1, p + o) for p, o in zip(parents, offsets, strict=True)]),
                "parent_loc": np.concatenate([t["parent_loc"].to_numpy() for t in tables]),
            }
        )
        local = [part._nodes["global_branch_index"].to_numpy() for part in parts]
        branch_of = np.concatenate([b + o for b, o in zip(local, offsets, strict=True)])
        self._compose(parts, branches, branch_of, depth=0)

    def copy_node_property_to_edges(
        self, properties: str | Sequence[str], pre_or_post: str | Sequence[str] = ("pre", "post")
    ) -> None:
        """Add columns `pre_<property>`, `post_<property>` of the nodes' table to the edges' table, to select by.

        Raises ValueError for a property that the nodes do not have.
        """
        names = [properties] if isinstance(properties, str) else list(properties)
        sides = [pre_or_post] if isinstance(pre_or_post, str) else list(pre_or_post)
        edges: dict[str, Any] = {}
        for name in names:
            if name not in self._nodes.columns:
                raise ValueError(f"copy_node_property_to_edges({name!r}): the nodes have no such column")
            for side in sides:
                if side not in ("pre", "post"):
                    raise ValueError(f'pre_or_post takes "pre", "post" or both, not {side!r}')
                edges[f"{side}_{name}"] = self._nodes[name].to_numpy()[self._edges[f"{side}_index"].to_numpy(int)]
        self._edges = self._edges.assign(**edges)
