"""Reconstructions of neurons: files to sections, sections to compartments. NumPy alone; MorphIO when a file is read."""

from __future__ import annotations

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
