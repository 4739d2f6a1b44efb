"""A ring of cells with graded synapses against NEURON: spike times of all within one step (issue: 100 ms, dt 0.025).

A step of NEURON: currents at v(t) and s(t), new v, then s moved at the new presynaptic v. Ours moves s first, at v(t).
From s at its steady state, where a first move changes nothing, the two are one scheme.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rallax.sim as rx

from .cells import DT, neuron_run
from .mechanisms.neuron_mod import load_mod

pytestmark = pytest.mark.peers

T_MAX = 100.0
N_CELLS = 20
N_DENDRITE = 5
REST = -65.0
SYNAPSE = {"gS": 5e-3, "e_syn": 0.0, "k_minus": 0.5, "v_th": -20.0, "delta": 4.0}


def neuron_ring(h: Any) -> tuple[list[Any], list[Any]]:
    """Somata, and all else that has to stay alive."""
    somata, alive = [], []
    for i in range(N_CELLS):
        soma, dendrite = h.Section(name=f"soma{i}"), h.Section(name=f"dendrite{i}")
        soma.L = soma.diam = 20.0
        dendrite.L, dendrite.diam, dendrite.nseg = 200.0, 2.0, N_DENDRITE
        dendrite.connect(soma(1))
        for section in (soma, dendrite):
            section.Ra, section.cm = 100.0, 1.0
        soma.insert("hh")
        dendrite.insert("pas")
        dendrite.g_pas, dendrite.e_pas = 1e-4, REST
        somata.append(soma)
        alive.append(dendrite)
    for i, dendrite in enumerate(list(alive)):
        synapse = h.Graded(dendrite(0.5))
        for key, value in SYNAPSE.items():
            setattr(synapse, key, value)
        h.setpointer(somata[i - 1](0.5)._ref_v, "vpre", synapse)
        alive.append(synapse)
    kick = h.IClamp(somata[0](0.5))
    kick.delay, kick.dur, kick.amp = 1.0, 2.0, 1.0
    return somata, [*alive, kick]


def our_ring() -> rx.Network:
    soma, dendrite = rx.Compartment(), rx.Compartment()
    soma.set("length", 20.0)
    soma.set("radius", 10.0)
    dendrite.set("length", 200.0 / N_DENDRITE)
    dendrite.set("radius", 1.0)
    cell = rx.Cell([rx.Branch(soma, 1), rx.Branch(dendrite, N_DENDRITE)], parents=[-1, 0])
    cell.set("axial_resistivity", 100.0)
    cell.set("v", REST)
    cell.branch(0).insert(rx.HH())
    cell.branch(1).insert(rx.pas())
    cell.branch(1).set("pas_g", 1e-4)
    cell.branch(1).set("pas_e", REST)
    net = rx.Network([cell] * N_CELLS)
    for i in range(N_CELLS):
        rx.connect(net.cell((i - 1) % N_CELLS).branch(0).comp(0), net.cell(i).branch(1).comp(2), rx.IonotropicSynapse())
    for key, value in SYNAPSE.items():
        net.IonotropicSynapse.edge("all").set(f"IonotropicSynapse_{key}", value)
    net.init_states()
    net.cell(0).branch(0).comp(0).stimulate(rx.step_current(1.0, 2.0, 1.0, DT, T_MAX))
    net.cell("all").branch(0).comp(0).record()
    return net


def spike_samples(v: np.ndarray) -> np.ndarray:
    """Numbers of the samples where v has risen above 0 mV."""
    return np.flatnonzero((v[1:] > 0.0) & (v[:-1] <= 0.0)) + 1


def test_ring() -> None:
    h = load_mod()
    somata, alive = neuron_ring(h)
    expected = neuron_run(h, REST, round(T_MAX / DT), [soma(0.5) for soma in somata])
    del alive
    found = np.asarray(rx.integrate(our_ring(), t_max=T_MAX, delta_t=DT))

    pairs = [(spike_samples(a), spike_samples(b)) for a, b in zip(found, expected, strict=True)]
    assert sum(len(b) for _, b in pairs) > 1.5 * N_CELLS, "the wave has to go around"
    worst = 0
    for a, b in pairs:
        assert len(a) == len(b) >= 1
        worst = max(worst, int(np.abs(a - b).max()))
    print(
        f"NEURON, ring of {N_CELLS}: {sum(len(b) for _, b in pairs)} spikes, at most {worst} steps apart, "
        f"{np.abs(found - expected).max():.1e} mV"
    )
    assert worst <= 1
    # The schemes are one, so that more holds than the bar.
    assert np.abs(found - expected).max() <= 1e-6
