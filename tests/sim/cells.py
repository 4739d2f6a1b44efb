"""Small cells that several tests use, and NEURON's twins of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rallax.sim as rx

DT = 0.025
Branches = tuple[tuple[int, float, float, int], ...]
#: ncomp, length (um), radius (um) of each branch and its parent: a short trunk and a tree on it, no two branches alike.
UNEQUAL: Branches = ((1, 20.0, 10.0, -1), (4, 200.0, 1.0, 0), (3, 120.0, 0.6, 1), (5, 300.0, 0.5, 1), (2, 90.0, 1.5, 0))
SMALL: Branches = ((1, 15.0, 7.5, -1), (3, 90.0, 1.0, 0))


def cylinders(branches: Branches = UNEQUAL) -> Any:
    """A cell of cylindrical branches, 100 Ohm cm."""
    parts = []
    for ncomp, length, radius, _ in branches:
        comp = rx.Compartment()
        comp.set("length", length / ncomp)
        comp.set("radius", radius)
        parts.append(rx.Branch(comp, ncomp))
    cell = rx.Cell(parts, parents=[b[3] for b in branches])
    cell.set("axial_resistivity", 100.0)
    return cell


def spiking(branches: Branches = UNEQUAL, t_max: float = 10.0, amp: float = 1.0) -> Any:
    """`cylinders` with HH at rest at -65 mV and a step of current into the first compartment; nothing recorded yet."""
    cell = cylinders(branches)
    cell.insert(rx.HH())
    cell.set("v", -65.0)
    cell.init_states()
    cell.branch(0).comp(0).stimulate(rx.step_current(1.0, 5.0, amp, DT, t_max)[:-1])
    return cell


def layer5(t_max: float = 10.0, amp: float = 0.6) -> Any:
    """`cylinders` with layer-5 mechanisms, no two regions alike, a calcium pool and a step of current."""
    cell = cylinders()
    cell.insert(rx.pas())
    cell.set("pas_g", 3e-5)
    cell.set("pas_e", -75.0)
    for mechanism in (rx.CaDynamics_DC0(), rx.Ca_HVA2(), rx.SK_E2()):
        cell.insert(mechanism)
    for mechanism in (rx.NaTg(), rx.SKv3_1()):
        cell.branch([0, 4]).insert(mechanism)
    cell.branch([0, 1, 2]).insert(rx.Ih())
    for key, value in (("Ca_HVA2_gbar", 5e-4), ("SK_E2_gbar", 0.01)):
        cell.set(key, value)
    cell.branch([0, 4]).set("NaTg_gbar", 0.4)
    cell.branch([0, 4]).set("SKv3_1_gbar", 0.3)
    cell.branch([0, 1, 2]).set("Ih_gbar", 1e-4)
    cell.set("v", -75.0)
    cell.init_states()
    cell.branch(0).comp(0).stimulate(rx.step_current(1.0, 5.0, amp, DT, t_max)[:-1])
    return cell


def neuron_cylinders(branches: Branches = UNEQUAL) -> tuple[Any, list[Any]]:
    """NEURON's `h` and its sections for `cylinders`; skips the test where NEURON is missing."""
    h = pytest.importorskip("neuron").h
    h.load_file("stdrun.hoc")
    sections = []
    for number, (ncomp, length, radius, parent) in enumerate(branches):
        section = h.Section(name=f"branch{number}")
        section.nseg, section.L, section.diam, section.Ra, section.cm = ncomp, length, 2 * radius, 100.0, 1.0
        if parent >= 0:
            section.connect(sections[parent](1))
        sections.append(section)
    return h, sections


def neuron_run(h: Any, v_init: float, n_steps: int, segments: list[Any], celsius: float = 6.3) -> np.ndarray:
    """v (mV) of each segment at every sample, fixed step, HH rates computed instead of looked up."""
    h.usetable_hh = 0
    h.secondorder = 0
    h.celsius = celsius
    h.cvode_active(0)
    h.steps_per_ms = 1 / DT
    h.dt = DT
    vectors = [h.Vector().record(segment._ref_v) for segment in segments]
    h.finitialize(v_init)
    for _ in range(n_steps):
        h.fadvance()
    return np.array([np.array(vector) for vector in vectors])


def neuron_step(h: Any, segment: Any, delay: float, duration: float, amp: float) -> Any:
    """A current step; keep the result alive."""
    clamp = h.IClamp(segment)
    clamp.delay, clamp.dur, clamp.amp = delay, duration, amp
    return clamp
