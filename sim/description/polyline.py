"""Polylines of traced points: places on them, by relative path length, and pieces of them.

Points are rows of x, y, z (um), whatever stands in further columns comes along. Owns no module and no picture.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float


def path_fractions(points: Float[np.ndarray, "n c"]) -> Float[np.ndarray, " n"]:
    """Relative path length (0 to 1) at which each point lies; evenly spaced where the line has no length."""
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1))])
    if not travelled[-1] > 0:
        return np.linspace(0.0, 1.0, len(points))
    return travelled / travelled[-1]


def along(points: Float[np.ndarray, "n c"], at: Float[np.ndarray, " k"]) -> Float[np.ndarray, "k c"]:
    """The line at relative path lengths `at`, interpolated between its points."""
    fractions = path_fractions(points)
    return np.stack([np.interp(at, fractions, column) for column in points.T], axis=1)


def pieces(points: Float[np.ndarray, "n c"], bounds: Float[np.ndarray, " k"]) -> list[Float[np.ndarray, "m c"]]:
    """The k - 1 stretches of the line between ascending relative path lengths, each with the points inside it."""
    fractions = path_fractions(points)
    cuts = along(points, bounds)
    return [
        np.concatenate([cuts[i : i + 1], points[(fractions > start) & (fractions < stop)], cuts[i + 1 : i + 2]])
        for i, (start, stop) in enumerate(pairwise(bounds))
    ]
