"""Reconstructions of neurons: files to sections, sections to compartments. NumPy alone; MorphIO when a file is read."""

from __future__ import annotations

from .discretize import CompartmentGeometry, cylinder, discretize, discretize_all, split
from .errors import MorphologyError
from .read import read_reconstruction
from .reconstruction import Reconstruction, Section, group_name

__all__ = [
    "CompartmentGeometry",
    "MorphologyError",
    "Reconstruction",
    "Section",
    "cylinder",
    "discretize",
    "discretize_all",
    "group_name",
    "read_reconstruction",
    "split",
]
