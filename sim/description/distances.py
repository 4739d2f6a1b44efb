"""Distances between compartments: straight through space, and along the branches."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .placing import compartment_centers, located
from .view import View


def distance_direct(startpoint: View, endpoints: View) -> Float[np.ndarray, " comp"]:
    """Straight distance (um) from one compartment's centre to that of each compartment of `endpoints`.

    Reads columns x, y, z of the tables; a cell that was not traced and has none takes those of its layout
    (`compute_xyz`). The views may be of different modules.

    Raises:
        ValueError: `startpoint` is not one compartment.
    """
    if len(startpoint) != 1:
        raise ValueError(f"distance_direct starts from one compartment, not {len(startpoint)}; add .loc(0.5)")
    return np.linalg.norm(_centers(endpoints) - _centers(startpoint), axis=1)


def distance_pathwise(startpoint: View, endpoints: View) -> Float[np.ndarray, " comp"]:
    """Distance (um) along the branches from one compartment's middle to that of each compartment of `endpoints`.

    The same as `endpoints.distance_pathwise(startpoint)`. Where no path leads it is infinite.

    Raises:
        ValueError: `startpoint` is not one compartment, or the views are of different modules.
    """
    if startpoint.base is not endpoints.base:
        raise ValueError("distance_pathwise takes two views of one module; a path between two modules does not exist")
    return endpoints.distance_pathwise(startpoint)


def _centers(view: View) -> Float[np.ndarray, "comp 3"]:
    written = view.nodes[["x", "y", "z"]].to_numpy(dtype=float)
    if np.isfinite(written).all():
        return written
    return compartment_centers(view.base, located(view.base))[view._rows]
