"""Small networks that several tests use: one with everything in it, and one that compiles fast."""

from __future__ import annotations

from typing import Any

import numpy as np

import rallax.sim as rx

SYNAPSES = (
    rx.IonotropicSynapse,
    rx.TestSynapse,
    rx.TanhRateSynapse,
    rx.TanhConductanceSynapse,
    rx.CurrentSynapse,
    rx.ConductanceSynapse,
    rx.GapJunction,
)
INTEGRATORS = ("bwd_euler", "crank_nicolson", "fwd_euler", "exp_euler", "trbdf2", "extrapolated")


def forked(*mechanisms: Any, ncomp: int = 1) -> Any:
    """A trunk and two branches, 120 um each, with these mechanisms at -65 mV."""
    cell = rx.Cell(rx.Branch(rx.Compartment(), ncomp), parents=[-1, 0, 0])
    for key, value in (("axial_resistivity", 100.0), ("length", 120.0 / ncomp), ("radius", 1.5), ("v", -65.0)):
        cell.set(key, value)
    for mechanism in mechanisms:
        cell.insert(mechanism)
    return cell


def everything() -> Any:
    """Two equal spiking cells with diffusing calcium and a passive compartment, joined by every type of synapse.

    No two values are alike. Voltages, calcium, a state and a current of synapses are recorded.
    """
    cell = forked(rx.HH(), rx.CaL(), rx.CaPump(), rx.CaNernstReversal())
    cell.diffuse("CaCon_i")
    passive = rx.Compartment()
    passive.insert(rx.Leak())
    net = rx.Network([cell, cell, passive])
    for k, synapse in enumerate(SYNAPSES):
        pre, post = net.cell(0).branch(k % 3).comp(0), net.cell(1).branch((k + 1) % 3).comp(0)
        rx.connect(pre, post, synapse())
        rx.connect(post, net.cell(2), synapse())
    rng = np.random.default_rng(0)
    for key, value in (
        ("axial_diffusion_CaCon_i", 300.0),
        ("CaL_gCaL", 1e-3),
        ("CaPump_gamma", 0.2),
        ("capacitance", 1.0),
        ("HH_gNa", 0.12),
        ("v", -65.0),
    ):
        rows = net.nodes[key].notna().to_numpy()
        net.select(nodes=rows).set(key, value * rng.uniform(0.9, 1.1, rows.sum()))
    for name, size in (("IonotropicSynapse", 2e-3), ("TanhRateSynapse", 2e-2), ("TanhConductanceSynapse", 1e-3)):
        net.set(f"{name}_gS", size * rng.uniform(0.8, 1.2, 2))
    for name in ("TanhRateSynapse", "TanhConductanceSynapse"):
        net.set(f"{name}_x_offset", -60.0)
        net.set(f"{name}_slope", 0.05)
    for name in ("IonotropicSynapse", "TanhConductanceSynapse", "ConductanceSynapse"):
        net.set(f"{name}_e_syn", -10.0)
    net.set("GapJunction_g", [3e-3, 1e-3])
    net.cell([0, 1]).branch(0).comp(0).record()
    net.cell(2).record()
    net.cell(1).branch(2).comp(0).record("CaCon_i")
    net.IonotropicSynapse.record("IonotropicSynapse_s")
    net.TestSynapse.record("i_TestSynapse")
    return net


def small() -> Any:
    """Two equal forked cells with a potassium channel and diffusing calcium, a synapse and a gap junction."""
    cell = forked(rx.Leak(), rx.Km(), rx.CaPump())
    cell.diffuse("CaCon_i")
    net = rx.Network([cell, cell])
    net.set("axial_diffusion_CaCon_i", 300.0)
    net.set("CaCon_i", np.linspace(1e-4, 3e-4, 6))
    net.set("v", np.linspace(-70.0, -40.0, 6))
    rx.connect(net.cell(1).branch(2).comp(0), net.cell(0).branch(0).comp(0), rx.GapJunction())
    rx.connect(net.cell(0).branch(1).comp(0), net.cell(1).branch(0).comp(0), rx.IonotropicSynapse())
    rx.connect(net.cell(0).branch(2).comp(0), net.cell(1).branch(1).comp(0), rx.IonotropicSynapse())
    net.set("IonotropicSynapse_gS", [2e-3, 1e-3])
    net.set("GapJunction_g", 2e-3)
    net.cell("all").branch(0).comp(0).record()
    net.cell(1).branch(2).comp(0).record("CaCon_i")
    net.IonotropicSynapse.edge(1).record("IonotropicSynapse_s")
    net.record("i_GapJunction")
    return net
