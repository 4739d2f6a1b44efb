"""Reconstructions of neurons: files to sections, sections to compartments. NumPy alone; MorphIO when a file is read."""

from __future__ import annotations

from typing import Any

from .axon import with_axon
from .compartments import count_compartments
from .discretize import CompartmentGeometry, cylinder, discretize, discretize_all
from .distances import path_distances
from .errors import MorphologyError
from .read import read_reconstruction
from .reconstruction import Reconstruction, Section, group_name
from .shorten import with_short_sections

__all__ = [
    "CompartmentGeometry",
    "MorphologyError",
    "Reconstruction",
    "Section",
    "count_compartments",
    "cylinder",
    "discretize",
    "discretize_all",
    "group_name",
    "path_distances",
    "read_reconstruction",
    "with_axon",
    "with_short_sections",
]


def __getattr__(name: str) -> Any:
    """Scripts written for Jaxley import these from here; they live in description/, which imports this package."""
    if name in ("distance_direct", "distance_pathwise"):
        from ..description import distances

        return getattr(distances, name)
    if name in ("morph_connect", "morph_delete"):
        from ..description import surgery

        return getattr(surgery, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
