"""Gap junctions: against NEURON, at any conductance, by every linear solver and integrator."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import rallax.sim as rx

from .cells import DT, SMALL, UNEQUAL, cylinders, neuron_cylinders, neuron_run, neuron_step, spiking

T_MAX = 20.0
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


@pytest.mark.parametrize(
    "solver",
    [
        "bwd_euler",
        "exp_euler",
        *(pytest.param(s, marks=pytest.mark.slow) for s in ("crank_nicolson", "trbdf2", "extrapolated")),
    ],
)
def test_stable_at_any_conductance(solver: str) -> None:
    """At 1e6 uS both sides are one (a nA makes a difference of 1e-6 mV), and v stays where a spike takes it.

    The loop of two junctions and two cells is closed.
    """
    net = pair(1e6, t_max=10.0)
    for cell, branch, comp in ((0, 2, 1), (1, 1, 0), (0, 0, 0), (1, 0, 0)):
        net.cell(cell).branch(branch).comp(comp).record()
    v = np.asarray(rx.integrate(net, t_max=10.0, delta_t=DT, solver=solver))
    assert np.isfinite(v).all() and v.min() > -90.0 and 20.0 < v.max() < 60.0
    apart = max(np.abs(v[0] - v[1])[1:].max(), np.abs(v[2] - v[3])[1:].max())
    print(f"gap junctions of 1e6 uS, {solver}: {apart:.0e} mV between the sides")
    assert apart <= 5e-6


@functools.cache
def by_linear_solver(name: str, g: float) -> np.ndarray:
    """v of all compartments through the rise of a spike."""
    net = pair(g, t_max=3.0)
    net.record()
    return np.asarray(rx.integrate(net, t_max=3.0, delta_t=DT, voltage_solver=name))


@pytest.mark.parametrize("voltage_solver", ["jax.sparse", "dense"])
@pytest.mark.parametrize(("g", "tolerance"), [(G, 1e-9), (1e6, 1e-5)])
def test_linear_solvers_agree(voltage_solver: str, g: float, tolerance: float) -> None:
    """At 1e6 uS the others lose in rounding what elimination keeps by leaving this conductance out of the diagonal."""
    found, expected = by_linear_solver(voltage_solver, g), by_linear_solver("jaxley.dhs", g)
    assert expected.max() > 0.0
    print(f"gap junctions of {g} uS, {voltage_solver}: {np.abs(found - expected).max():.0e} mV from the elimination")
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_charge_that_leaves_one_side_enters_the_other() -> None:
    """Without channels the charge of both cells together only takes what is injected."""
    cells = [cylinders(shape) for shape in (UNEQUAL, SMALL)]
    cells[1].set("v", -40.0)
    net = rx.Network(cells)
    rx.connect(net.cell(0).branch(2).comp(1), net.cell(1).branch(1).comp(0), rx.GapJunction())
    net.GapJunction.edge("all").set("GapJunction_g", 5e-3)
    net.record()
    net.GapJunction.edge(0).record("i_GapJunction")
    found = np.asarray(rx.integrate(net, t_max=2.0, delta_t=DT))
    charge = net.nodes["area"].to_numpy() @ found[:-1]
    np.testing.assert_allclose(charge, charge[0], rtol=1e-12)
    # The post side is the one above: current leaves it.
    assert (found[-1, 1:] > 0.0).all()
