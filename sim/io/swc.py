"""Where scripts written for Jaxley find the reader of SWC files; it lives in description/from_file.py."""

from ..description.from_file import read_swc

__all__ = ["read_swc"]
