"""Polylines cut into compartments: lengths, areas, volumes and the axial load of each half.

Owns the geometry of a compartment, of a reconstruction's and of a plain cylinder's. How many compartments a section
gets is `compartments.py`; axial resistances, a load times the resistivity, belong to the lowering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .reconstruction import Section


@dataclass(frozen=True, eq=False)
class CompartmentGeometry:
    """What the equations need of compartments, one entry each, in the order from a section's 0-end on.

    `radius` is that of the cylinder of this length and area, area / (2 pi length). `load_in` is the axial load of the
    half towards the 0-end, `load_out` of the other half: (1/pi) sum L / (r1 r2) over its cones.
    """

    length: Float[np.ndarray, " comp"]  # um
    radius: Float[np.ndarray, " comp"]  # um
    area: Float[np.ndarray, " comp"]  # um^2
    volume: Float[np.ndarray, " comp"]  # um^3
    load_in: Float[np.ndarray, " comp"]  # 1/um
    load_out: Float[np.ndarray, " comp"]  # 1/um
    centers: Float[np.ndarray, "comp 3"]  # um


def cylinder(length: Float[np.ndarray, " comp"], radius: Float[np.ndarray, " comp"]) -> CompartmentGeometry:
    """Cylinders, laid one behind the other along x: area 2 pi r l, volume pi r^2 l, each half's load (l/2)/(pi r^2)."""
    length, radius = np.asarray(length, dtype=float), np.asarray(radius, dtype=float)
    load = length / 2 / (np.pi * radius**2)
    centers = np.zeros((len(length), 3))
    centers[:, 0] = np.cumsum(length) - length / 2
    return CompartmentGeometry(
        length, radius, 2 * np.pi * radius * length, np.pi * radius**2 * length, load, load, centers
    )


def discretize(section: Section, ncomp: int) -> CompartmentGeometry:
    """One section cut into `ncomp` compartments of equal path length; arrays of length `ncomp`."""
    return discretize_all([section], [ncomp])


def discretize_all(sections: Sequence[Section], ncomps: Sequence[int]) -> CompartmentGeometry:
    """Every section cut into compartments of equal path length, one section after the other.

    Between its points a section is a chain of truncated cones; at a cut the radius is interpolated. With r1, r2 the
    radii at the ends of a cone (or piece of one) of height L:
    area = sum pi (r1 + r2) sqrt((r1 - r2)^2 + L^2), volume = sum (pi/3) L (r1^2 + r1 r2 + r2^2), and the load of
    half a compartment = (1/pi) sum L / (r1 r2), which is exact for a cone. NEURON cuts in the same way: areas and
    axial resistances of its segments agree, but that it leaves out the ring of a last point that repeats the one
    before it with another radius.

    Args:
        sections: with positive radii and length, in um.
        ncomps: compartments of each section, 1 or more.

    Returns:
        Arrays of length sum(ncomps).
    """
    counts = np.asarray(ncomps, dtype=np.int64)
    if len(counts) != len(sections) or (counts < 1).any():
        raise ValueError(f"ncomp must be 1 or more for each of the {len(sections)} sections, not {list(ncomps)}")
    sizes = np.array([len(section.points) for section in sections])
    points = np.concatenate([section.points for section in sections])
    radii = np.concatenate([section.radii for section in sections])
    owner = np.repeat(np.arange(len(sections)), sizes)
    lengths, place = _half_compartment_coordinate(points, owner, sizes, counts)

    # One cut at every whole coordinate inside a section; odd cuts are the centres.
    halves = 2 * counts
    cut_owner = np.repeat(np.arange(len(sections)), halves - 1)
    starts = np.cumsum(halves + 1) - halves - 1
    cuts = np.concatenate([start + np.arange(1, n) for start, n in zip(starts, halves, strict=True)])
    before = np.searchsorted(place, cuts, side="right") - 1
    weight = (cuts - place[before]) / (place[before + 1] - place[before])
    cut_points = points[before] + weight[:, None] * (points[before + 1] - points[before])
    cut_radii = radii[before] + weight * (radii[before + 1] - radii[before])

    order = np.argsort(np.concatenate([place, cuts.astype(float)]), kind="stable")
    place, points, radii, owner = (
        np.concatenate(both)[order]
        for both in ((place, cuts), (points, cut_points), (radii, cut_radii), (owner, cut_owner))
    )
    inside = owner[1:] == owner[:-1]
    height = np.linalg.norm(np.diff(points, axis=0), axis=1)[inside]
    r1, r2 = radii[:-1][inside], radii[1:][inside]
    owner = owner[1:][inside]
    local = np.floor((place[1:] + place[:-1])[inside] / 2).astype(np.int64) - starts[owner]
    half = (np.cumsum(halves) - halves)[owner] + np.minimum(local, halves[owner] - 1)

    def summed(pieces: Float[np.ndarray, " piece"]) -> Float[np.ndarray, "comp 2"]:
        return np.bincount(half, weights=pieces, minlength=int(halves.sum())).reshape(-1, 2)

    area = summed(np.pi * (r1 + r2) * np.hypot(r1 - r2, height)).sum(axis=1)
    volume = summed(np.pi / 3 * height * (r1**2 + r1 * r2 + r2**2)).sum(axis=1)
    load = summed(height / (np.pi * r1 * r2))
    length = np.repeat(lengths / counts, counts)
    centers = cut_points[(cuts - starts[cut_owner]) % 2 == 1]
    return CompartmentGeometry(
        length, area / (2 * np.pi * length), area, volume, load[:, 0].copy(), load[:, 1].copy(), centers
    )


def _half_compartment_coordinate(
    points: Float[np.ndarray, "point 3"],
    owner: np.ndarray,
    sizes: np.ndarray,
    counts: np.ndarray,
) -> tuple[Float[np.ndarray, " section"], Float[np.ndarray, " point"]]:
    """Path length of each section, and each point's path length in half compartments, counted on over all sections.

    Section k covers a stretch of 2 ncomp_k, and an empty stretch of 1 lies between two sections, so that sorting by
    this coordinate keeps sections and points in order.
    """
    first = np.cumsum(sizes) - sizes
    steps = np.zeros(len(points))
    steps[1:] = np.linalg.norm(np.diff(points, axis=0), axis=1)
    steps[first] = 0.0
    travelled = np.cumsum(steps)
    travelled -= travelled[first][owner]
    last = first + sizes - 1
    lengths = travelled[last]
    if not (lengths > 0).all():
        raise ValueError(f"section {int(np.argmin(lengths))} has no length; it cannot be cut into compartments")
    halves = 2 * counts
    place = travelled / lengths[owner] * halves[owner]
    place[last] = halves
    return lengths, place + (np.cumsum(halves + 1) - halves - 1)[owner]
