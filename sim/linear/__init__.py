"""Linear systems of one implicit step: cells, networks of equal cells, cells coupled by gap junctions.

`Structure` is the pattern, `LinearSolver` a way to solve, `solve` the solution with its derivative, `factor` what
several solutions with one matrix share. `by_name` finds a solver by the name that `voltage_solver=` takes.
"""

from __future__ import annotations

from ..names import choose
from .base import LinearSolver
from .dense import Dense
from .layout import Group
from .solver import SOLUTION, factor, solve
from .sparse import Sparse
from .stone import Stone
from .structure import Bridges, Structure, build_structure, from_parents, into_parents, multiply
from .tree import TreeSolver

_SOLVERS: dict[str, LinearSolver] = {
    "auto": TreeSolver(),
    "tree": TreeSolver(),
    "jaxley.dhs": TreeSolver(),
    "jaxley.dhs.cpu": TreeSolver(),
    "jaxley.dhs.gpu": TreeSolver(),
    "jax.sparse": Sparse(),
    "stone": Stone(),
    "jaxley.stone": Stone(),
    "dense": Dense(),
}


def by_name(name: str) -> LinearSolver:
    """The linear solver of this name; ValueError names the known ones."""
    return choose("voltage_solver", name, _SOLVERS)


__all__ = [
    "SOLUTION",
    "Bridges",
    "Dense",
    "Group",
    "LinearSolver",
    "Sparse",
    "Stone",
    "Structure",
    "TreeSolver",
    "build_structure",
    "by_name",
    "factor",
    "from_parents",
    "into_parents",
    "multiply",
    "solve",
]
