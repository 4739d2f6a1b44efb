"""Long sections cut into equal shorter ones. Compartments are another matter: `compartments.py`, `discretize.py`."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from .errors import MorphologyError
from .reconstruction import Reconstruction, Section


def with_short_sections(reconstruction: Reconstruction, max_length: float) -> Reconstruction:
    """The reconstruction with every section longer than `max_length` (um) cut into the fewest equal ones below it.

    A section with a number of compartments of its own (the stub axon) stays whole. Radii are interpolated at the cuts;
    what hung on a cut section hangs at the same place of one of its parts.

    Raises:
        MorphologyError: `max_length` is not above 0.
    """
    if not (math.isfinite(max_length) and max_length > 0):
        raise MorphologyError(f"the longest branch must be above 0 um, not {max_length:g}; e.g. max_branch_len=300.0")
    sections: list[Section] = []
    first: list[int] = []
    counts: list[int] = []
    for section in reconstruction:
        # The tolerance keeps a section of exactly n max_length from becoming n + 1 parts by rounding.
        n = 1 if section.ncomp is not None else max(1, math.ceil(section.length / max_length - 1e-9))
        parent, loc = section.parent, section.parent_loc
        if parent >= 0:
            parent, loc = _on_part(first[parent], counts[parent], loc)
        first.append(len(sections))
        counts.append(n)
        sections += _parts(replace(section, parent=parent, parent_loc=loc), n, len(sections))
    return Reconstruction(tuple(sections), reconstruction.source)


def _on_part(first: int, n: int, loc: float) -> tuple[int, float]:
    """Which of the n parts that begin with section `first` holds place `loc` of the whole, and where on it."""
    part = min(max(math.ceil(loc * n) - 1, 0), n - 1)
    return first + part, loc * n - part


def _parts(section: Section, n: int, number: int) -> list[Section]:
    """The section in n parts of equal length; `number` is that of the first part."""
    if n == 1:
        return [section]
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(section.points, axis=0), axis=1))])
    bounds = travelled[-1] * np.arange(n + 1) / n
    columns = np.column_stack([section.points, section.radii])
    cuts = np.stack([np.interp(bounds, travelled, column) for column in columns.T], axis=1)
    parts = []
    for i in range(n):
        # Points that repeat an end of the section with another radius stay with the first or last part.
        inside = ((travelled > bounds[i]) | (i == 0)) & ((travelled < bounds[i + 1]) | (i == n - 1))
        line = np.concatenate([cuts[i : i + (i > 0)], columns[inside], cuts[i + 1 : i + 1 + (i < n - 1)]])
        part = replace(section, points=line[:, :3], radii=line[:, 3])
        if i:
            part = replace(part, parent=number + i - 1, parent_loc=1.0, first_point_own=False)
        parts.append(part)
    return parts
