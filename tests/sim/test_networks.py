"""Networks: large ones lower fast, mixed ones equal their cells alone, gradients in all synapses."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

from .cells import DT, SMALL, UNEQUAL, cylinders

N_CELLS, PROBABILITY = 1000, 0.01
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))


def large_network() -> rx.Network:
    """A thousand compartments with HH and about ten thousand synapses."""
    comp = rx.Compartment()
    comp.set("length", 20.0)
    comp.set("radius", 10.0)
    comp.insert(rx.HH())
    comp.set("v", -65.0)
    net = rx.Network([rx.Cell(rx.Branch(comp, 1))] * N_CELLS)
    rx.sparse_connect(net.cell("all"), net.cell("all"), rx.IonotropicSynapse(), PROBABILITY, seed=1)
    return net


def test_a_large_network_is_built_and_lowered_fast() -> None:
    start = time.process_time()
    net = large_network()
    lowered = rx.lower(net)
    elapsed = time.process_time() - start
    print(f"network of {N_CELLS} cells, {len(net.edges)} synapses: built and lowered in {elapsed:.2f} s")
    assert 9_500 < len(net.edges) < 10_500 and lowered.model.n_comp == N_CELLS
    assert elapsed <= 2.0


def test_gradients_of_all_synaptic_weights() -> None:
    """Ten thousand values at once; a sample of those onto recorded cells by differences.

    What comes across two synapses is so small after 20 steps that differences of the loss are rounding.
    """
    net = large_network()
    net.set("v", np.linspace(-80.0, 20.0, N_CELLS))
    net.IonotropicSynapse.edge("all").set("IonotropicSynapse_gS", np.linspace(1e-4, 5e-4, len(net.edges)))
    net.init_states()
    net.cell(range(0, N_CELLS, 10)).record()
    net.IonotropicSynapse.edge("all").make_trainable("IonotropicSynapse_gS")
    (entry,) = net.get_parameters()
    weights = entry["IonotropicSynapse_gS"]
    assert weights.shape == (len(net.edges),)
    np.testing.assert_allclose(weights, np.linspace(1e-4, 5e-4, len(net.edges)), rtol=1e-12)

    @jax.jit
    @jax.value_and_grad
    def loss(w: jax.Array) -> jax.Array:
        v = rx.integrate(net, [{"IonotropicSynapse_gS": w}], t_max=20 * DT, delta_t=DT)
        return jnp.sum((v[:, 1:] / 100.0) ** 2)

    gradient = np.asarray(loss(weights)[1])
    assert np.isfinite(gradient).all()
    direct = np.isin(net.edges["post_index"].to_numpy(), np.arange(0, N_CELLS, 10))
    assert direct.sum() > 900 and (gradient[direct] != 0.0).all()
    sample = np.argsort(-np.abs(gradient))[[0, 50, 200, 500]]
    worst = 0.0
    for i in sample:
        step = 0.1 * weights[i]
        slope = sum(w * float(loss(weights.at[i].add(o * step))[0]) for o, w in STENCIL) / float(step)
        worst = max(worst, abs(slope / gradient[i] - 1.0))
    print(f"gradients of {len(net.edges)} weights: {worst:.0e} of the differences on a sample")
    assert worst <= 1e-6


def reconstruction(folder: Path) -> Any:
    """A soma, a dendrite that forks, and a kink."""
    points = ["1 1 0 0 0 8 -1", "2 3 0 10 0 1.5 1", "3 3 5 60 0 1.2 2", "4 3 40 90 0 0.8 3", "5 3 -30 95 0 0.7 3"]
    path = folder / "cell.swc"
    path.write_text("\n".join([*points, "6 3 -60 120 5 0.6 5"]) + "\n")
    cell = rx.read_swc(str(path), ncomp=3)
    cell.set("axial_resistivity", 150.0)
    return cell


def zoo(folder: Path) -> dict[str, Any]:
    """Cells of all kinds, stimulated, each recorded wherever it has a compartment."""
    lif, izhikevich = rx.Cell(), rx.Cell()
    lif.insert(rx.Leak())
    lif.insert(rx.Fire())
    lif.set("capacitance", 2.0)
    izhikevich.insert(rx.Izhikevich())
    traced = reconstruction(folder)
    traced.insert(rx.Leak())
    traced.soma.insert(rx.HH())
    branched, cable = cylinders(UNEQUAL), cylinders(SMALL)
    for cell in (branched, cable):
        cell.insert(rx.HH())
        cell.branch(1).insert(rx.Leak())
    cells = {"lif": lif, "izhikevich": izhikevich, "traced": traced, "branched": branched, "cable": cable}
    for i, cell in enumerate(cells.values()):
        cell.set("v", -65.0 - i)
        amp = {0: 0.02, 1: 0.01}.get(i, 0.8)
        cell.branch(0).comp(0).stimulate(rx.step_current(0.5, 4.0, amp, DT, 6.0)[:-1])
        cell.record()
    return cells


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, np.ndarray]]:
    """Each cell of the zoo and its traces when it is simulated alone."""
    cells = zoo(tmp_path_factory.mktemp("swc"))
    return {name: (cell, np.asarray(rx.integrate(cell, t_max=6.0))) for name, cell in cells.items()}


@pytest.mark.parametrize(
    "order",
    [
        ("lif", "branched", "izhikevich", "traced", "lif", "cable", "branched", "izhikevich", "traced"),
        ("traced", "cable", "cable", "lif", "izhikevich"),
    ],
)
def test_unconnected_cells_are_as_alone(alone: dict[str, tuple[Any, np.ndarray]], order: tuple[str, ...]) -> None:
    net = rx.Network([alone[name][0] for name in order])
    found = np.asarray(rx.integrate(net, t_max=6.0))
    expected = np.concatenate([alone[name][1] for name in order])
    assert expected.max() > 0.0
    assert (np.diff(alone["lif"][1]) < -10.0).any(), "the integrate-and-fire neuron has to be reset"
    print(f"unconnected network of {len(order)}: {np.abs(found - expected).max():.0e} mV from its cells alone")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["crank_nicolson", "exp_euler", "trbdf2", "extrapolated"])
def test_unconnected_cells_are_as_alone_by_every_solver(solver: str) -> None:
    """Without point neurons, which some solvers refuse. Equal cells stand side by side and apart."""
    cells = [cylinders(shape) for shape in (UNEQUAL, SMALL)]
    for i, cell in enumerate(cells):
        cell.insert(rx.HH())
        cell.set("v", -60.0 - 5 * i)
        cell.branch(1).comp(0).stimulate(np.full(40, 0.3))
        cell.record()
    expected = [np.asarray(rx.integrate(cell, solver=solver)) for cell in cells]
    order = (0, 1, 1, 0)
    found = np.asarray(rx.integrate(rx.Network([cells[i] for i in order]), solver=solver))
    np.testing.assert_allclose(found, np.concatenate([expected[i] for i in order]), rtol=0, atol=1e-11)


def test_synapses_between_shapes_of_all_kinds(alone: dict[str, tuple[Any, np.ndarray]]) -> None:
    """What crosses a synapse is the same whatever the order of the cells and of the connections."""
    names = ("lif", "branched", "izhikevich", "traced", "cable")
    wires = (("branched", "lif"), ("lif", "traced"), ("izhikevich", "cable"), ("traced", "branched"), ("cable", "lif"))
    traces = []
    for order, wiring in ((names, wires), (names[::-1], wires[::-1])):
        net = rx.Network([alone[name][0] for name in order])
        for pre, post in wiring:
            last = int(net.cell(order.index(post)).shape[0]) - 1
            rx.connect(
                net.cell(order.index(pre)).branch(0).comp(0),
                net.cell(order.index(post)).branch(last).comp(0),
                rx.IonotropicSynapse(),
            )
        net.IonotropicSynapse.edge("all").set("IonotropicSynapse_gS", 2e-3)
        found = np.asarray(rx.integrate(net, t_max=6.0))
        sizes = [len(alone[name][1]) for name in order]
        parts = dict(zip(order, np.split(found, np.cumsum(sizes)[:-1]), strict=True))
        traces.append(np.concatenate([parts[name] for name in names]))
    assert np.abs(traces[0] - np.concatenate([alone[name][1] for name in names])).max() > 1.0, "synapses have to act"
    np.testing.assert_allclose(traces[0], traces[1], rtol=0, atol=1e-9)
