"""The network of network.py, the same for both simulators: sizes, wiring, stimuli, and how it is described.

The description uses only calls that rallax and Jaxley share, so `build` is given the one or the other. HH cells with
graded synapses (`IonotropicSynapse`): the equations and constants of the two are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Compartments of each of the five branches; a point cell has one in all.
NCOMP = 2
PARENTS = [-1, 0, 0, 1, 1]
SYNAPSES_PER_CELL = 10
#: nA into the first compartment of every tenth cell; every tenth cell is recorded.
CURRENT_NA, EVERY = 0.3, 10
WEIGHT_US = 1e-4


def build(sim: Any, hh: Any, synapse: Any, n_points: int, n_branched: int, n_steps: int) -> Any:
    """The network, its weights trainable one by one, ready to run."""
    point = sim.Compartment()
    point.set("length", 20.0)
    point.set("radius", 10.0)
    piece = sim.Compartment()
    piece.set("length", 50.0)
    piece.set("radius", 1.0)
    small = sim.Cell(sim.Branch(point, 1), [-1])
    branched = sim.Cell([sim.Branch(piece, NCOMP)] * len(PARENTS), PARENTS)
    net = sim.Network([small] * n_points + [branched] * n_branched)
    net.insert(hh)
    net.set("axial_resistivity", 100.0)
    net.set("v", -65.0)
    n_cells = n_points + n_branched
    sim.connectivity_matrix_connect(net.cell("all"), net.cell("all"), synapse, wiring(n_cells))
    net.IonotropicSynapse.edge("all").set("IonotropicSynapse_gS", WEIGHT_US)
    chosen = list(range(0, n_cells, EVERY))
    site = net.cell(chosen).branch(0).comp(0)
    site.stimulate(np.full((len(chosen), n_steps), CURRENT_NA))
    site.record()
    net.IonotropicSynapse.edge("all").make_trainable("IonotropicSynapse_gS")
    net.init_states()
    return net


def wiring(n_cells: int) -> np.ndarray:
    """Who excites whom, [pre, post]: each cell hears SYNAPSES_PER_CELL others, or all where there are fewer."""
    random = np.random.default_rng(0)
    heard = min(SYNAPSES_PER_CELL, n_cells - 1)
    matrix = np.zeros((n_cells, n_cells), bool)
    for post in range(n_cells):
        others = np.delete(np.arange(n_cells), post)
        matrix[random.choice(others, heard, replace=False), post] = True
    return matrix
