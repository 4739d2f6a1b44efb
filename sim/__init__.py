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

from . import mechanisms, synapses
from .batched import Batched, batched
from .connect import connect, connectivity_matrix_connect, fully_connect, sparse_connect
from .description.distances import distance_direct, distance_pathwise
from .description.from_file import cell_from, read_morphology, read_swc
from .description.from_graph import from_graph
from .description.module import Branch, Cell, Compartment, Module
from .description.network import Network
from .description.surgery import morph_connect, morph_delete
from .description.to_graph import to_graph
from .description.view import View
from .integrate import integrate
from .lower import lower
from .mechanisms import *  # noqa: F403
from .optimize import ParamTransform, TypeOptimizer
from .state_vectors import build_dynamic_state_utils
from .step_api import add_clamps, add_stimuli, build_init_and_step_fn
from .stimuli import datapoint_to_step_currents, step_current
from .synapses import *  # noqa: F403
from .xla import set_cpu_flags

set_cpu_flags()

__all__ = [
    "Batched",
    "Branch",
    "Cell",
    "Compartment",
    "Module",
    "Network",
    "ParamTransform",
    "TypeOptimizer",
    "View",
    "add_clamps",
    "add_stimuli",
    "batched",
    "build_dynamic_state_utils",
    "build_init_and_step_fn",
    "cell_from",
    "connect",
    "connectivity_matrix_connect",
    "fully_connect",
    "distance_direct",
    "distance_pathwise",
    "from_graph",
    "datapoint_to_step_currents",
    "integrate",
    "lower",
    "morph_connect",
    "morph_delete",
    "read_morphology",
    "read_swc",
    "sparse_connect",
    "step_current",
    "to_graph",
    *mechanisms.__all__,
    *synapses.__all__,
]
