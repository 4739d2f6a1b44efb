"""The simulator: describe a neuron, lower it, run and differentiate it.

    import rallax.sim as rx

    cell = rx.read_swc("cell.swc", ncomp=1)
    cell.insert(rx.HH())
    cell.soma.stimulate(rx.step_current(1.0, 20.0, 1.0, 0.025, 30.0))
    cell.soma.record()
    v = rx.integrate(cell)

Units: ms, mV, nA, mA/cm^2, S/cm^2, uF/cm^2, Ohm cm, um, mM.
"""

from __future__ import annotations

from . import mechanisms
from .batched import Batched, batched
from .description.distances import distance_direct, distance_pathwise
from .description.from_file import cell_from, read_morphology, read_swc
from .description.from_graph import from_graph
from .description.module import Branch, Cell, Compartment, Module
from .description.surgery import morph_connect, morph_delete
from .description.to_graph import to_graph
from .description.view import View
from .integrate import integrate
from .lower import lower
from .mechanisms import *  # noqa: F403
from .step_api import build_init_and_step_fn
from .stimuli import step_current
from .xla import raise_loop_limit

raise_loop_limit()

__all__ = [
    "Batched",
    "Branch",
    "Cell",
    "Compartment",
    "Module",
    "View",
    "batched",
    "build_init_and_step_fn",
    "cell_from",
    "distance_direct",
    "distance_pathwise",
    "from_graph",
    "integrate",
    "lower",
    "morph_connect",
    "morph_delete",
    "read_morphology",
    "read_swc",
    "step_current",
    "to_graph",
    *mechanisms.__all__,
]
