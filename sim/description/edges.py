"""The table of a network's synapses: which columns it has and how rows are added. Owns no behaviour of synapses.

One row of `edges` is one synapse: its place in the table and among those of its type, the two compartments it joins
(the user's numbers) and where on their branches they lie (0 to 1), its type, then parameters and states of all types,
NaN where a type has no such column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..synapses import Synapse

if TYPE_CHECKING:
    from .module import Module

EDGE_COLUMNS = (
    "global_edge_index",
    "index_within_type",
    "pre_index",
    "post_index",
    "pre_locs",
    "post_locs",
    "type",
    "type_ind",
)


def no_edges() -> pd.DataFrame:
    """The table of a module without synapses."""
    kinds = {"pre_locs": float, "post_locs": float, "type": object}
    return pd.DataFrame({name: pd.Series(dtype=kinds.get(name, int)) for name in EDGE_COLUMNS})


def add_edges(base: Module, pre: np.ndarray, post: np.ndarray, synapse: Synapse) -> None:
    """Add one synapse for each pair of compartments, with the defaults of its type.

    Raises ValueError if a synapse of this name is there with other options, or its names are taken.
    """
    name = synapse.name
    present = base._synapses.get(name)
    if present is not None and present != synapse:
        raise ValueError(f"{name} is connected already with other options; give this one a name: change_name(...)")
    if present is None:
        _require_free_names(base, synapse)
        base._synapses[name] = synapse
    old = base._edges
    n = len(pre)
    locs = relative_locations(base)
    rows = pd.DataFrame(
        {
            "global_edge_index": np.arange(len(old), len(old) + n),
            "index_within_type": np.arange(n) + int((old["type"] == name).sum()),
            "pre_index": np.asarray(pre, dtype=int),
            "post_index": np.asarray(post, dtype=int),
            "pre_locs": locs[pre],
            "post_locs": locs[post],
            "type": np.full(n, name, dtype=object),
            "type_ind": np.full(n, list(base._synapses).index(name)),
            **{key: np.full(n, float(v)) for key, v in {**synapse.synapse_params, **synapse.synapse_states}.items()},
        }
    )
    base._edges = rows if not len(old) else pd.concat([old, rows], ignore_index=True)
    base._edited()


def _require_free_names(base: Module, synapse: Synapse) -> None:
    taken = {*base._nodes.columns, *base._edges.columns, *base._synapses}
    currents = {m.current_name for m in base._mechanisms.values() if m.current_name}
    for key in (synapse.name, f"i_{synapse.name}", *synapse.synapse_params, *synapse.synapse_states):
        if key in taken or key in currents:
            raise ValueError(f"{key!r} of the synapse {synapse.name} is taken already; use change_name(...)")


def relative_locations(base: Module) -> np.ndarray:
    """For each compartment of a module the relative location of its middle on its branch, 0 to 1."""
    branch = base._nodes["global_branch_index"].to_numpy()
    number = base._nodes["local_comp_index"].to_numpy()
    return (number + 0.5) / np.bincount(branch)[branch]


def position_in_type(edges: pd.DataFrame, rows: Sequence[int] | np.ndarray) -> np.ndarray:
    """Where these synapses stand among those of their type: the index of their states."""
    return edges["index_within_type"].to_numpy(dtype=int)[np.asarray(rows, dtype=int)]
