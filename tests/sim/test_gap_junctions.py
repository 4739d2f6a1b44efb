"""Gap junctions: against NEURON, at any conductance, by every linear solver and integrator."""

from __future__ import annotations

import numpy as np
import pytest

import rallax.sim as rx

from .cells import DT, UNEQUAL, Branches, neuron_cylinders, neuron_run, neuron_step, spiking

T_MAX = 20.0
SMALL: Branches = ((1, 15.0, 7.5, -1), (3, 90.0, 1.0, 0))
G = 2e-3


def pair(g: float, t_max: float = T_MAX) -> rx.Network:
    """Two cells of different shapes with HH, the first stimulated, joined at two places."""
    cells = [spiking(shape, t_max=t_max) for shape in (UNEQUAL, SMALL)]
    cells[1].delete_stimuli()
    net = rx.Network(cells)
    rx.connect(net.cell(0).branch(2).comp(1), net.cell(1).branch(1).comp(0), rx.GapJunction())
    rx.connect(net.cell(1).branch(0).comp(0), net.cell(0).branch(0).comp(0), rx.GapJunction())
    net.GapJunction.edge("all").set("GapJunction_g", g)
    return net


@pytest.mark.peers
def test_against_neuron() -> None:
    """NEURON's `LinearMechanism` puts conductances into its matrix, so that both sides are implicit there as well."""
    h, first = neuron_cylinders(UNEQUAL)
    _, second = neuron_cylinders(SMALL)
    sections = [*first, *second]
    for section in sections:
        section.insert("hh")
    clamp = neuron_step(h, first[0](0.5), 1.0, 5.0, 1.0)
    joints = []
    for a, b in ((first[2](0.5), second[1](1 / 6)), (second[0](0.5), first[0](0.5))):
        ends = [a, b]
        # Rows are in mA/cm^2, columns in mV.
        conductances = h.Matrix(2, 2)
        for row, end in enumerate(ends):
            density = G * 100.0 / end.area()
            conductances.setval(row, row, density)
            conductances.setval(row, 1 - row, -density)
        capacities, y, rhs = h.Matrix(2, 2), h.Vector(2), h.Vector(2)
        where, places = h.SectionList(), h.Vector([end.x for end in ends])
        for end in ends:
            where.append(end.sec)
        joints.append(
            (h.LinearMechanism(capacities, conductances, y, rhs, where, places), capacities, conductances, y, rhs)
        )
    segments = [segment for section in sections for segment in section]
    expected = neuron_run(h, -65.0, round(T_MAX / DT), segments)
    del clamp, joints

    net = pair(G)
    net.record()
    found = np.asarray(rx.integrate(net, t_max=T_MAX, delta_t=DT))
    assert expected[-1].max() > 0.0, "the second cell has to fire"
    difference = np.abs(found - expected).max()
    print(f"NEURON, gap junctions: {difference:.1e} mV")
    assert difference <= 1e-6
