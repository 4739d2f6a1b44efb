"""Integrators: one scheme a file, each a small final class; `by_name` finds them."""

from __future__ import annotations

from ..names import nearest
from .base import Solver
from .bwd_euler import BackwardEuler

_SOLVERS: dict[str, Solver] = {"bwd_euler": BackwardEuler()}


def by_name(name: str) -> Solver:
    """The integrator of this name; ValueError names the known ones."""
    if name not in _SOLVERS:
        known = ", ".join(repr(n) for n in _SOLVERS)
        raise ValueError(f"no solver {name!r}{nearest(name, _SOLVERS)}; there are {known}")
    return _SOLVERS[name]


__all__ = ["BackwardEuler", "Solver", "by_name"]
