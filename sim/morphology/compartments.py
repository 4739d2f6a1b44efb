"""How many compartments each section gets: a fixed number, a largest length, or the d_lambda rule."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .errors import MorphologyError
from .limits import COMPARTMENTS
from .reconstruction import Reconstruction, Section


def count_compartments(
    sections: Reconstruction | Sequence[Section],
    *,
    ncomp: int | None = None,
    max_length: float | None = None,
    d_lambda: float | None = None,
    axial_resistivity: float | Sequence[float] | None = None,
    capacitance: float | Sequence[float] | None = None,
    frequency: float = 100.0,
) -> list[int]:
    """Compartments of each section by one of three rules; a section with an `ncomp` of its own keeps it.

    * `ncomp`: so many in each section.
    * `max_length` (um): the fewest that are no longer than this.
    * `d_lambda`: 2 floor((L / (d_lambda lambda) + 0.9) / 2) + 1, with lambda the length constant at `frequency`: the
      smallest odd number (but for the 0.9) that keeps compartments below this share of it. Needs the
      `axial_resistivity` (Ohm cm) and `capacitance` (uF/cm^2) to use, one value or one per section.

    Source of the d_lambda rule: Hines & Carnevale 2001, Neuroscientist 7:123.

    Raises:
        MorphologyError: (a ValueError) not exactly one rule, a value that is not above zero, or one that makes more
            than `limits.COMPARTMENTS`.
    """
    given = {"ncomp": ncomp, "max_length": max_length, "d_lambda": d_lambda}
    chosen = [name for name, value in given.items() if value is not None]
    if len(chosen) != 1:
        found = " and ".join(chosen) if chosen else "none"
        raise MorphologyError(f"give one of ncomp, max_length and d_lambda, found {found}")
    sections = list(sections)
    if ncomp is not None:
        if int(ncomp) != ncomp or ncomp < 1:
            raise MorphologyError(f"ncomp must be a whole number of 1 or more, not {ncomp}")
        wanted: list[float] = [int(ncomp)] * len(sections)
    elif max_length is not None:
        _require_positive("max_length", max_length)
        with np.errstate(over="ignore"):
            wanted = [max(1.0, np.ceil(section.length / np.float64(max_length))) for section in sections]
    else:
        assert d_lambda is not None
        if axial_resistivity is None or capacitance is None:
            raise MorphologyError("d_lambda needs the axial_resistivity (Ohm cm) and capacitance (uF/cm^2) to use")
        _require_positive("d_lambda", d_lambda)
        lambdas = length_constants(sections, axial_resistivity, capacitance, frequency)
        with np.errstate(over="ignore", divide="ignore"):
            wanted = [
                2 * np.floor((section.length / (d_lambda * np.float64(constant)) + 0.9) / 2) + 1
                for section, constant in zip(sections, lambdas, strict=True)
            ]
    # Summed before they are whole numbers: a tiny length asks for more compartments than an integer counts.
    total = sum(section.ncomp or count for section, count in zip(sections, wanted, strict=True))
    if not total <= COMPARTMENTS:
        rule = f"{chosen[0]} = {given[chosen[0]]:g}"
        raise MorphologyError(f"{rule} makes {total:.3g} compartments; at most {COMPARTMENTS}, so take a coarser rule")
    return [section.ncomp or int(count) for section, count in zip(sections, wanted, strict=True)]


def length_constants(
    sections: Reconstruction | Sequence[Section],
    axial_resistivity: float | Sequence[float],
    capacitance: float | Sequence[float],
    frequency: float = 100.0,
) -> list[float]:
    """Length constant (um) of each section at `frequency` (Hz), where capacitive currents dominate.

    For a constant diameter d it is 1e5 sqrt(d / (4 pi f cm Ra)). Along a changing one lengths are summed in units of
    the local constant, with d the mean diameter of each step between points, as NEURON's `lambda_f` does.
    """
    sections = list(sections)
    resistivities = _per_section("axial_resistivity", axial_resistivity, len(sections))
    capacitances = _per_section("capacitance", capacitance, len(sections))
    _require_positive("frequency", frequency)
    constants = []
    for section, ra, cm in zip(sections, resistivities, capacitances, strict=True):
        steps = np.linalg.norm(np.diff(section.points, axis=0), axis=1)
        mean_diameter = section.radii[:-1] + section.radii[1:]
        product = 4 * math.pi * frequency * cm * ra
        if not 0 < product < math.inf:
            raise MorphologyError(f"axial_resistivity {ra:g} Ohm cm times capacitance {cm:g} uF/cm^2 is beyond numbers")
        per_root_um = 1e5 / math.sqrt(product)
        constants.append(float(per_root_um * steps.sum() / (steps / np.sqrt(mean_diameter)).sum()))
    return constants


def _per_section(name: str, value: float | Sequence[float], n: int) -> list[float]:
    values = np.atleast_1d(np.asarray(value, dtype=float))
    if values.shape not in {(1,), (n,)}:
        raise MorphologyError(f"{name} must be one value or one for each of the {n} sections, not {values.size}")
    for one in values:
        _require_positive(name, one)
    return [float(one) for one in np.broadcast_to(values, (n,))]


def _require_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise MorphologyError(f"{name} must be above 0, not {value:g}")
