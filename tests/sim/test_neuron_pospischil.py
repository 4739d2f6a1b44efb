"""The channels of Pospischil et al. 2008 against NEURON: one compartment, 100 ms, steps of current (bar: 1e-4 mV)."""

from __future__ import annotations

import numpy as np
import pytest

import rallax.sim as rx

from .cells import DT, neuron_run
from .mechanisms.neuron_mod import load_mod

pytestmark = pytest.mark.peers

T_MAX = 100.0
#: (delay ms, duration ms, amplitude nA)
CURRENT_STEPS = ((5.0, 20.0, 0.05), (30.0, 15.0, -0.08), (50.0, 40.0, 0.15))
CASES = {
    "Na": {"Na_gNa": 0.05},
    "K": {"K_gK": 5e-3},
    "Km": {"Km_gKm": 7e-5, "Km_taumax": 600.0},
    "CaL": {"CaL_gCaL": 3e-4},
    "CaT": {"CaT_gCaT": 4e-4},
    "Na K Km CaL CaT": {"Na_gNa": 0.05, "K_gK": 5e-3, "Km_gKm": 7e-5, "Km_taumax": 600.0},
}


@pytest.mark.parametrize("names", CASES)
def test_current_steps(names: str) -> None:
    h = load_mod()
    section = h.Section(name="soma")
    section.L, section.diam, section.cm = 40.0, 20.0, 1.0
    section.insert("pas")
    section.g_pas, section.e_pas = 1e-4, -70.0
    cell = rx.Cell()
    cell.set("length", 40.0)
    cell.set("radius", 10.0)
    cell.insert(rx.Leak())
    for name in names.split():
        section.insert(name)
        cell.insert(rx.mechanisms.create(name))
    for key, value in CASES[names].items():
        name, _, parameter = key.partition("_")
        setattr(section, f"{parameter}_{name}", value)
        cell.set(key, value)
    for ion, reversal in (("na", 50.0), ("k", -90.0), ("ca", 120.0)):
        if h.ismembrane(f"{ion}_ion", sec=section):
            setattr(section, f"e{ion}", reversal)
    clamps = []
    for delay, duration, amp in CURRENT_STEPS:
        clamp = h.IClamp(section(0.5))
        clamp.delay, clamp.dur, clamp.amp = delay, duration, amp
        clamps.append(clamp)
        cell.stimulate(rx.step_current(delay, duration, amp, DT, T_MAX)[:-1])
    (expected,) = neuron_run(h, -70.0, round(T_MAX / DT), [section(0.5)])
    del clamps
    cell.init_states()
    cell.record()
    found = np.asarray(rx.integrate(cell, delta_t=DT))[0]
    assert np.ptp(expected) > 10.0
    difference = np.abs(found - expected).max()
    spikes = int(((expected[1:] > 0.0) & (expected[:-1] <= 0.0)).sum())
    print(f"NEURON, {names}: {difference:.1e} mV, {spikes} spikes")
    assert difference <= 1e-4
    assert spikes >= 2 or len(names) < 5
