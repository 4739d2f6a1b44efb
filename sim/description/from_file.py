"""Cells from reconstructions: files to branches and compartments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..morphology import Reconstruction, discretize_all, read_reconstruction, with_short_sections
from ..morphology.compartments import count_compartments
from ..names import nearest
from .module import Cell

#: One value for the whole cell, or one for each group ("all" for the groups that are not named).
ByGroup = float | Mapping[str, float]


def read_swc(
    path: str | Path,
    ncomp: int = 1,
    *,
    max_branch_len: float | None = None,
    min_radius: float | None = None,
    assign_groups: bool = True,
    relevant_type_ids: Sequence[int] | None = None,
) -> Cell:
    """A cell from an SWC file, every branch cut into `ncomp` compartments.

    Args:
        max_branch_len: cuts longer branches into equal ones of at most this length, in um.
        min_radius: clips the radii, in um.
        assign_groups: make groups soma, axon, basal, apical (types 1-4) and custom{n} beyond.
        relevant_type_ids: types at whose change a branch ends (default all).

    Raises:
        ValueError: one line with file and line.
    """
    types = None if relevant_type_ids is None else list(relevant_type_ids)
    reconstruction = read_reconstruction(path, min_radius=min_radius, relevant_type_ids=types)
    if max_branch_len is not None:
        reconstruction = with_short_sections(reconstruction, max_branch_len)
    return cell_from(reconstruction, ncomp=ncomp, assign_groups=assign_groups)


def read_morphology(
    path: str | Path,
    *,
    ncomp: int | None = None,
    max_length: float | None = None,
    d_lambda: float | None = None,
    axial_resistivity: ByGroup | None = None,
    capacitance: ByGroup | None = None,
    min_radius: float | None = None,
    assign_groups: bool = True,
) -> Cell:
    """A cell from an SWC, Neurolucida ASC or H5 file.

    Args:
        ncomp, max_length, d_lambda: one rule for the number of compartments of a branch: this many; the fewest below
            this length in um; the d_lambda rule, which needs `axial_resistivity` (Ohm cm) and `capacitance` (uF/cm^2),
            one value or one a group (with "all" for the rest). These are also set in the cell.
        min_radius, assign_groups: as for `read_swc`.

    Raises:
        ValueError: one line with the file, and the line where it has lines.
    """
    return cell_from(
        read_reconstruction(path, min_radius=min_radius),
        ncomp=ncomp,
        max_length=max_length,
        d_lambda=d_lambda,
        axial_resistivity=axial_resistivity,
        capacitance=capacitance,
        assign_groups=assign_groups,
    )


def cell_from(
    reconstruction: Reconstruction,
    *,
    ncomp: int | None = None,
    max_length: float | None = None,
    d_lambda: float | None = None,
    axial_resistivity: ByGroup | None = None,
    capacitance: ByGroup | None = None,
    assign_groups: bool = True,
) -> Cell:
    """A cell from a reconstruction, arguments as for `read_morphology`."""
    resistivities = _by_section(reconstruction, "axial_resistivity", axial_resistivity)
    capacitances = _by_section(reconstruction, "capacitance", capacitance)
    ncomps = count_compartments(
        reconstruction,
        ncomp=ncomp,
        max_length=max_length,
        d_lambda=d_lambda,
        axial_resistivity=resistivities,
        capacitance=capacitances,
    )
    cell = Cell.from_geometry(
        discretize_all(reconstruction.sections, ncomps),
        ncomps,
        reconstruction.parents,
        reconstruction.parent_locs,
        [section.group if assign_groups else "" for section in reconstruction],
        [np.column_stack([section.points, section.radii]) for section in reconstruction],
    )
    for key, values in (("axial_resistivity", resistivities), ("capacitance", capacitances)):
        if values is not None:
            cell.set(key, [v for v, n in zip(values, ncomps, strict=True) for _ in range(n)])
    return cell


def _by_section(reconstruction: Reconstruction, name: str, given: ByGroup | None) -> list[float] | None:
    if given is None or not isinstance(given, Mapping):
        return None if given is None else [float(given)] * len(reconstruction)
    present = dict.fromkeys(section.group for section in reconstruction)
    for group in given:
        if group not in (*present, "all"):
            raise ValueError(f"{name}: no group {group!r} in {reconstruction.source}{nearest(group, present)}")
    for group in present:
        if group not in given and "all" not in given:
            raise ValueError(f'{name}: no value for group {group!r}; add it or "all"')
    return [float(given.get(section.group, given.get("all", 0.0))) for section in reconstruction]
