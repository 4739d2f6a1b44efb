"""Every way to solve the linear systems gives the same traces, or says that it cannot."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim.linear import by_name

from .networks import forked

N = 40


def passive(gap: bool, *cells: Any) -> Any:
    """Passive cells with a synapse from the first to the second, and perhaps a gap junction between their ends."""
    net = rx.Network(list(cells))
    net.insert(rx.Leak())
    net.cell(0).branch(0).comp(0).stimulate(np.full(N, 0.5))
    rx.connect(net.cell(0).branch(0).comp(0), net.cell(1).branch(0).comp(0), rx.IonotropicSynapse())
    net.set("IonotropicSynapse_gS", 0.01)
    if gap:
        ends = [cell.branch(0).comp(1) for cell in net.cells]
        rx.connect(ends[0], ends[1], rx.GapJunction())
        net.set("GapJunction_g", 0.05)
    net.record()
    return net


def cable(n: int) -> Any:
    cell = rx.Cell(rx.Branch(rx.Compartment(), n))
    cell.set("axial_resistivity", 100.0)
    cell.set("length", 40.0)
    return cell


@pytest.mark.parametrize(
    ("net", "solver", "names"),
    [
        pytest.param(
            lambda: passive(True, *[forked(ncomp=2)] * 2), "bwd_euler", ("dense", "jax.sparse"), id="gap junction"
        ),
        pytest.param(lambda: passive(False, cable(4), cable(3)), "bwd_euler", ("stone", "dense"), id="cables"),
        pytest.param(
            lambda: passive(False, cable(5), cable(4)),
            "trbdf2",
            ("stone", "jaxley.stone", "jax.sparse", "dense"),
            marks=pytest.mark.slow,
            id="unequal cables",
        ),
        pytest.param(
            lambda: passive(True, *[forked(ncomp=2)] * 2),
            "extrapolated",
            ("dense", "jax.sparse"),
            marks=pytest.mark.slow,
            id="gap junction, factored",
        ),
    ],
)
def test_traces_agree(net: Any, solver: str, names: tuple[str, ...]) -> None:
    net = net()
    expected = np.asarray(rx.integrate(net, solver=solver))
    assert np.ptp(expected, axis=1).min() > 1e-2, "current reaches every compartment"
    for name in names:
        found = rx.integrate(net, solver=solver, voltage_solver=name)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9, err_msg=name)


@pytest.mark.slow
def test_sparse_in_lanes_and_reverse() -> None:
    """`jax.vmap` and `jax.grad` of the solver that calls out to the host."""
    net = passive(False, cable(3), cable(2))
    net.cell("all").make_trainable("axial_resistivity")

    def loss(r: jax.Array, name: str) -> jax.Array:
        v = rx.integrate(net, [{"axial_resistivity": r}], t_max=0.25, voltage_solver=name)
        return jnp.mean(v**2)

    batch = jnp.array([[100.0, 200.0], [150.0, 50.0]])
    for found, expected in zip(
        *(jax.vmap(jax.value_and_grad(lambda r, n=name: loss(r, n)))(batch) for name in ("jax.sparse", "auto")),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_names() -> None:
    """Jaxley's names of what the tree solve is here."""
    for name in ("tree", "jaxley.dhs", "jaxley.dhs.cpu", "jaxley.dhs.gpu"):
        assert by_name(name) == by_name("auto")
    assert by_name("jaxley.stone") == by_name("stone") != by_name("dense")


@pytest.mark.parametrize(
    ("net", "name", "pattern"),
    [
        (lambda: passive(False, forked(ncomp=2), cable(2)), "stone", "needs unbranched cells; for branched ones use"),
        (
            lambda: passive(True, cable(2), cable(2)),
            "jaxley.stone",
            "has no gap junctions; for a network with them use",
        ),
        (lambda: passive(False, cable(2), cable(2)), "jaxley.dsh", "no voltage_solver 'jaxley.dsh'.*did you mean"),
    ],
)
def test_refusals(net: Any, name: str, pattern: str) -> None:
    """At once, by all that take the name."""
    net = net()
    for call in (
        lambda: rx.integrate(net, voltage_solver=name),
        lambda: rx.build_init_and_step_fn(net, voltage_solver=name),
        lambda: rx.batched(net, voltage_solver=name),
    ):
        with pytest.raises(ValueError, match=pattern) as caught:
            call()
        assert "\n" not in str(caught.value)
