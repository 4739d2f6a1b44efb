"""From the outline of a soma to a straight stack of truncated cones.

Owns the geometry that NEURON's importer (Import3d) gives to a soma drawn as a contour, so that areas and lengths
agree with models published for it. Reading the contour is `read.py`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

OUTLINE_SAMPLES = 101
STACK_INTERVALS = 20


def contour_to_stack(contour: Float[np.ndarray, "n 3"]) -> tuple[Float[np.ndarray, "m 3"], Float[np.ndarray, " m"]]:
    """Centres [m, 3] and radii [m] (um) of the 21 cross-sections NEURON's importer makes of a soma contour.

    The outline is sampled evenly, its principal axis becomes the axis of the stack, and the two sides of the outline,
    seen along the second axis, give the diameter at 21 evenly spaced places. The ends, where the sides meet, take half
    the diameter of their neighbours.

    Source: what NEURON 9's `Import3d_GUI.instantiate` computes for a single contour (M. Hines).

    Raises:
        ValueError: fewer than three points, or points on one line.
    """
    if len(contour) < 3:
        raise ValueError(f"a soma contour needs at least 3 points, this one has {len(contour)}")
    outline = _sample_evenly(contour)
    middle = outline.mean(axis=0)
    centred = outline - middle
    values, axes = np.linalg.eigh(centred.T @ centred)
    major = axes[:, 2]
    if major[np.argmax(np.abs(major))] < 0:
        major = -major
    minor = axes[:, 1] * [1.0, 1.0, 0.0]
    size = float(np.linalg.norm(minor))
    if size < 1e-6 or values[1] <= 1e-12 * values[2]:
        raise ValueError("a soma contour must enclose an area in the xy plane, the points of this one lie on a line")
    along = centred @ major
    across = centred @ (minor / size)

    # The outline, begun at its far end, runs down one side to the near end and back up the other.
    start = int(np.argmax(along))
    along, across = np.roll(along, -start), np.roll(across, -start)
    turn = int(np.argmin(along))
    sides = [
        _increasing(along[:turn][::-1], across[:turn][::-1]),
        _increasing(along[turn:], across[turn:]),
    ]
    reached = np.sort(np.concatenate([side[0] for side in sides]))
    places = np.linspace(reached[1], reached[-2], STACK_INTERVALS + 1)
    widths = [np.interp(places, *side) for side in sides]
    diameters = np.abs(widths[0] - widths[1])
    diameters[0] = (diameters[0] + diameters[1]) / 2
    diameters[-1] = (diameters[-1] + diameters[-2]) / 2
    return middle + places[:, None] * major, diameters / 2


def _sample_evenly(contour: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "samples 3"]:
    """Points at equal steps along the outline, as NEURON counts them: in the xy plane, from first to last point."""
    steps = np.linalg.norm(np.diff(contour[:, :2], axis=0), axis=1)
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, travelled[-1], OUTLINE_SAMPLES)
    return np.stack([np.interp(wanted, travelled, contour[:, axis]) for axis in range(3)], axis=1)


def _increasing(
    along: Float[np.ndarray, " n"], across: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """One side of the outline without the points at which it runs backwards, seen from its far end."""
    keep: list[int] = list(range(len(along)))
    j = len(keep) - 1
    while j > 0:
        if along[keep[j]] <= along[keep[j - 1]]:
            del keep[j]
            j = min(j, len(keep) - 1)
        else:
            j -= 1
    return along[keep], across[keep]
