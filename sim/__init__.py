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
from .description.from_file import cell_from, read_morphology, read_swc
from .description.module import Branch, Cell, Compartment, Module
from .description.view import View
from .integrate import integrate
from .lower import lower
from .mechanisms import *  # noqa: F403
from .optimize import ParamTransform, TypeOptimizer
from .state_vectors import build_dynamic_state_utils
from .step_api import build_init_and_step_fn
from .stimuli import datapoint_to_step_currents, step_current
from .xla import raise_loop_limit

raise_loop_limit()

__all__ = [
    "Batched",
    "Branch",
    "Cell",
    "Compartment",
    "Module",
    "ParamTransform",
    "TypeOptimizer",
    "View",
    "batched",
    "build_dynamic_state_utils",
    "build_init_and_step_fn",
    "cell_from",
    "datapoint_to_step_currents",
    "integrate",
    "lower",
    "read_morphology",
    "read_swc",
    "step_current",
    *mechanisms.__all__,
]
