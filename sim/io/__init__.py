"""Where scripts written for Jaxley find the readers of files; they live in description/from_file.py."""

from .swc import read_swc

__all__ = ["read_swc"]
