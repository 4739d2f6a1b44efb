"""Integrators: one scheme a file, each a small final class; `by_name` finds them."""

from __future__ import annotations

from ..names import choose
from .base import Solver
from .bwd_euler import BackwardEuler
from .crank_nicolson import CrankNicolson
from .exp_euler import ExponentialEuler
from .extrapolated import Extrapolated
from .fwd_euler import ForwardEuler
from .trbdf2 import TRBDF2

_SOLVERS: dict[str, Solver] = {
    "bwd_euler": BackwardEuler(),
    "crank_nicolson": CrankNicolson(),
    "fwd_euler": ForwardEuler(),
    "exp_euler": ExponentialEuler(),
    "trbdf2": TRBDF2(),
    "extrapolated": Extrapolated(),
}

#: What `solver=` takes.
NAMES = tuple(_SOLVERS)


def by_name(name: str) -> Solver:
    """The integrator of this name; ValueError names the known ones."""
    return choose("solver", name, _SOLVERS)


__all__ = [
    "NAMES",
    "TRBDF2",
    "BackwardEuler",
    "CrankNicolson",
    "ExponentialEuler",
    "Extrapolated",
    "ForwardEuler",
    "Solver",
    "by_name",
]
