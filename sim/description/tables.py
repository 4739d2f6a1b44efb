"""The tables behind a module: which columns there are and how tables of parts become one.

One row of `nodes` is one compartment, in the user's order; one row of `branches` is one branch. Owns no behaviour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ..morphology import CompartmentGeometry

#: Defaults of a compartment that is not read from a file (um, um, Ohm cm, uF/cm^2, mV).
DEFAULTS = {"length": 10.0, "radius": 1.0, "axial_resistivity": 5000.0, "capacitance": 1.0, "v": -70.0}

#: Columns of geometry beside length and radius: um^2, um^3, and the load of each half in 1/um.
DERIVED_GEOMETRY = ("area", "volume", "resistive_load_in", "resistive_load_out")
#: What the matrix of the voltage follows from.
CABLE_COLUMNS = ("length", "radius", *DERIVED_GEOMETRY, "axial_resistivity", "capacitance")
#: Where a compartment is, um: for pictures, of no effect on a simulation.
PLACE = ("x", "y", "z")
INDEX_COLUMNS = (
    "local_cell_index",
    "local_branch_index",
    "local_comp_index",
    "global_cell_index",
    "global_branch_index",
    "global_comp_index",
)


def compartment_rows(geometry: CompartmentGeometry) -> pd.DataFrame:
    """Rows of `nodes` for the compartments of one branch, membrane at its defaults."""
    n = len(geometry.length)
    return pd.DataFrame(
        {
            "length": geometry.length,
            "radius": geometry.radius,
            "axial_resistivity": np.full(n, DEFAULTS["axial_resistivity"]),
            "capacitance": np.full(n, DEFAULTS["capacitance"]),
            "v": np.full(n, DEFAULTS["v"]),
            "area": geometry.area,
            "volume": geometry.volume,
            "resistive_load_in": geometry.load_in,
            "resistive_load_out": geometry.load_out,
            "x": geometry.centers[:, 0],
            "y": geometry.centers[:, 1],
            "z": geometry.centers[:, 2],
        }
    )


def indexed(nodes: pd.DataFrame, branch_of: np.ndarray, cell_of_branch: np.ndarray) -> pd.DataFrame:
    """`nodes` with its six index columns made anew from the branch of each row and the cell of each branch."""
    cell_of = cell_of_branch[branch_of]
    data = {
        "local_cell_index": cell_of,
        "local_branch_index": _rank_within(branch_of, cell_of),
        "local_comp_index": _rank_within(np.arange(len(nodes)), branch_of),
        "global_cell_index": cell_of,
        "global_branch_index": branch_of,
        "global_comp_index": np.arange(len(nodes)),
    }
    rest = nodes.drop(columns=[c for c in INDEX_COLUMNS if c in nodes.columns]).reset_index(drop=True)
    return pd.concat([pd.DataFrame(data), rest], axis=1)


def _rank_within(index: np.ndarray, group: np.ndarray) -> np.ndarray:
    """0-based number of each entry's `index` among the distinct ones of its group (groups are contiguous)."""
    first = pd.Series(index).groupby(group).transform("min").to_numpy()
    return index - first


def joined(tables: Sequence[pd.DataFrame], flags: Iterable[str]) -> pd.DataFrame:
    """One table from the tables of parts; flag columns (groups, mechanisms) absent in a part are False there."""
    nodes = pd.concat(tables, ignore_index=True, sort=False)
    for name in flags:
        nodes[name] = nodes[name].eq(True)
    return nodes
