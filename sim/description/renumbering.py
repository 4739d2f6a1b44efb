"""New rows in place of a module's compartments, and what refers to compartments by number: it follows, or refuses.

Recordings, stimuli and clamps, trainables and synapses hold numbers of compartments. Owns how they are renumbered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .edges import relative_locations
from .tables import indexed

if TYPE_CHECKING:
    from .module import Module


def refuse_references(module: Module, rows: np.ndarray, call: str) -> None:
    """Raise ValueError if something refers to compartments that are about to go; says which call removes it."""
    for row, state in module._recordings:
        if row in rows and not on_edges(module, state):
            raise ValueError(f"{call}: {state} is recorded there; call delete_recordings() first")
    for key, sites in module._external_inds.items():
        if np.isin(sites, rows).any() and not on_edges(module, key):
            kind, undo = ("a stimulus", "delete_stimuli") if key == "i" else (f"a clamp of {key}", "delete_clamps")
            raise ValueError(f"{call}: {kind} is there; call {undo}() first")
    for trainable in module._trainables:
        if np.isin(trainable.rows, rows).any() and not on_edges(module, trainable.key):
            raise ValueError(f"{call}: {trainable.key} is trainable there; call delete_trainables() first")
    edges = edge_table(module)
    if edges is not None and np.isin(edges[["pre_index", "post_index"]].to_numpy(), rows).any():
        raise ValueError(f"{call}: a synapse ends there; do this before connecting the cells")


def replace_compartments(
    module: Module,
    nodes: pd.DataFrame,
    branches: pd.DataFrame,
    branch_of: np.ndarray,
    xyzr: list[np.ndarray],
    new_row: np.ndarray,
) -> None:
    """Give the module other compartments, in place.

    Args:
        nodes, branches, branch_of: as for `Module`.
        xyzr: points of each branch.
        new_row: for each compartment of before its row in `nodes`, -1 where it is gone (and nothing refers to it).
    """
    module._nodes = indexed(nodes, branch_of, branches["cell"].to_numpy(dtype=int))
    module._branches = branches.reset_index(drop=True)
    module._xyzr = xyzr
    module._recordings = [
        (row if on_edges(module, state) else int(new_row[row]), state) for row, state in module._recordings
    ]
    module._external_inds = {
        key: sites if on_edges(module, key) else new_row[sites] for key, sites in module._external_inds.items()
    }
    module._trainables = [
        t if on_edges(module, t.key) else replace(t, rows=new_row[t.rows]) for t in module._trainables
    ]
    edges = edge_table(module)
    if edges is not None:
        locs = relative_locations(module)
        for side in ("pre", "post"):
            rows = new_row[edges[f"{side}_index"].to_numpy(dtype=int)]
            edges[f"{side}_index"], edges[f"{side}_locs"] = rows, locs[rows]
    module._rows = np.arange(len(module._nodes))
    module._edited()


def edge_table(module: Module) -> pd.DataFrame | None:
    """The synapses of a network, one row each, or None where there are none."""
    return module._edges if len(module._edges) else None


def on_edges(module: Module, key: str) -> bool:
    """Whether a parameter or state belongs to synapses, whose numbers are not those of compartments."""
    return module._is_of_edges(key)
