"""Telling from an exception that memory ran out: of the machine, of a GPU, or of what a process may have."""

from __future__ import annotations

_SIGNS = ("RESOURCE_EXHAUSTED", "Out of memory", "out of memory", "std::bad_alloc", "OUT_OF_MEMORY")


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether it says so: Python's and NumPy's own error, or XLA's."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _SIGNS)
