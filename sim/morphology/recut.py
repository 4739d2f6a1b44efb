"""Compartments of one branch cut anew, without the points they were made of.

Owns the case in which nothing but the compartments is known, each taken as a uniform stretch. With points the cut is
that of `discretize.py`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .discretize import CompartmentGeometry


def recut(geometry: CompartmentGeometry, ncomp: int) -> CompartmentGeometry:
    """The same branch in `ncomp` compartments of equal length.

    Area and volume are spread evenly over each compartment and load over each of its halves, so the branch keeps its
    length, area, volume and load; for cylinders of one radius the result is exact.
    """
    length = geometry.length
    ends = np.concatenate([[0.0], np.cumsum(length)])
    halves = np.sort(np.concatenate([ends, (ends[1:] + ends[:-1]) / 2]))
    bounds = ends[-1] * np.arange(2 * ncomp + 1) / (2 * ncomp)

    def cut(values: Float[np.ndarray, " k"], at: Float[np.ndarray, " k_plus_1"]) -> Float[np.ndarray, " half"]:
        return np.diff(np.interp(bounds, at, np.concatenate([[0.0], np.cumsum(values)])))

    area = cut(geometry.area, ends).reshape(-1, 2).sum(axis=1)
    volume = cut(geometry.volume, ends).reshape(-1, 2).sum(axis=1)
    load = cut(np.stack([geometry.load_in, geometry.load_out], axis=1).reshape(-1), halves).reshape(-1, 2)
    new_length = np.full(ncomp, ends[-1] / ncomp)
    middles = (ends[1:] + ends[:-1]) / 2
    centers = np.stack([np.interp(bounds[1::2], middles, axis) for axis in geometry.centers.T], axis=1)
    return CompartmentGeometry(
        new_length, area / (2 * np.pi * new_length), area, volume, load[:, 0].copy(), load[:, 1].copy(), centers
    )
