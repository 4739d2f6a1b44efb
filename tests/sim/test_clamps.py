"""Clamps: which value is held where and when, and what is refused."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

from .networks import INTEGRATORS, forked

DT = 0.025
N = 12
WAVE = np.sin(np.arange(N) / 3.0)


def passive(n_cells: int = 2) -> Any:
    """Passive forked cells in a row, joined by test synapses and then, in the other direction, by ionotropic ones."""
    net = rx.Network([forked(rx.Leak())] * n_cells)
    for synapse, forth in ((rx.TestSynapse(), True), (rx.IonotropicSynapse(), False)):
        for k in range(n_cells - 1):
            ends = [net.cell(i).branch(0).comp(0) for i in ((k, k + 1) if forth else (k + 1, k))]
            rx.connect(*ends, synapse)
    return net


def test_order_of_a_step() -> None:
    """Currents are taken at the new gates, clamps of gates come after that and those of v at the end."""
    cell = rx.Cell()
    cell.insert(rx.Leak())
    cell.insert(rx.Km())
    cell.set("v", -50.0)
    cell.set("Km_p", 0.3)
    cell.record()
    cell.record("Km_p")
    cell.record("i_K")
    held = 0.5 + 0.2 * WAVE
    cell.clamp("Km_p", held)
    cell.stimulate(np.full(N, 0.01))
    v, p, i = np.asarray(rx.integrate(cell, delta_t=DT))
    np.testing.assert_array_equal(p[1:], held)

    row = cell.nodes.iloc[0]
    to_density = 1e5 / row["area"]  # nA on um^2 -> uA/cm^2
    km = rx.Km()
    here = {"length": 10.0, "radius": 1.0, "area": row["area"]}
    params = {k: jnp.asarray([x]) for k, x in {**row[list(km.channel_params)].to_dict(), **here}.items()}
    expected, start = [-50.0], 0.3
    for k in range(N):
        now = jnp.asarray([expected[-1]])
        gate = km.update_states({"Km_p": jnp.asarray([start])}, DT, now, params)
        states = {"Km_p": gate["Km_p"]}
        flow = lambda x, s=states: km.compute_current(s, x, params)[0]  # noqa: E731
        slope, current = float(jax.grad(flow)(now)[0]), float(flow(now))
        assert i[k + 1] == pytest.approx(current, rel=1e-12)
        g, e = row["Leak_gLeak"], row["Leak_eLeak"]
        # mA/cm^2 and S/cm^2 against uF/cm^2, mV and ms: a factor of 1000.
        rhs = 1e3 * (slope * expected[-1] - current + g * e) + 0.01 * to_density
        expected.append((expected[-1] + DT * rhs) / (1 + DT * 1e3 * (slope + g)))
        start = held[k]
    np.testing.assert_allclose(v, expected, rtol=1e-12)

    cell.clamp("v", -40.0 + WAVE)
    v, p, _ = np.asarray(rx.integrate(cell, delta_t=DT))
    np.testing.assert_array_equal(v[1:], -40.0 + WAVE)
    np.testing.assert_array_equal(p[1:], held)
    cell.delete_clamps("Km_p")
    free = np.asarray(rx.integrate(cell, delta_t=DT))[1]
    moved = km.update_states({"Km_p": jnp.asarray([free[4]])}, DT, jnp.asarray([v[4]]), params)["Km_p"]
    assert free[5] == pytest.approx(float(moved[0]), rel=1e-12), "the gate sees the clamped v of the step's start"


@pytest.mark.parametrize(
    "solver",
    [s if s in ("bwd_euler", "extrapolated") else pytest.param(s, marks=pytest.mark.slow) for s in INTEGRATORS],
)
def test_clamps_hit_their_places_with_every_integrator(solver: str) -> None:
    """v, and states of two types of synapse, each on one of several; the others move."""
    net = passive(3)
    net.cell([1, 2]).branch(2).comp(0).record()
    net.record("TestSynapse_c")
    net.record("IonotropicSynapse_s")
    net.cell(2).branch(2).comp(0).clamp("v", -50.0 + WAVE)
    net.TestSynapse.edge(0).clamp("TestSynapse_c", 0.5 + 0.1 * WAVE)
    net.IonotropicSynapse.edge(1).clamp("IonotropicSynapse_s", 0.7 + 0.1 * WAVE)
    found = np.asarray(rx.integrate(net, delta_t=DT, solver=solver))
    assert list(net.rec_info.rec_index) == [5, 8, 0, 1, 0, 1]
    for row, expected in ((1, -50.0 + WAVE), (2, 0.5 + 0.1 * WAVE), (5, 0.7 + 0.1 * WAVE)):
        np.testing.assert_array_equal(found[row, 1:], expected)
    for row, start in ((0, -65.0), (3, 0.2), (4, 0.2)):
        moved = np.abs(found[row] - start)
        assert moved[0] == 0.0 and 0.0 < moved[-1] < 0.1 * abs(start)


def test_a_diffusing_concentration_is_held() -> None:
    cell = forked(rx.CaPump())
    cell.diffuse("CaCon_i")
    cell.record("CaCon_i")
    cell.branch(1).comp(0).clamp("CaCon_i", np.full(N, 1e-3))
    found = np.asarray(rx.integrate(cell, delta_t=DT))
    np.testing.assert_array_equal(found[1, 1:], 1e-3)
    assert np.all(np.diff(found[0, 1:]) > 0) and np.all(np.diff(found[2, 1:]) > 0), "it spreads into the neighbours"


def test_lengths() -> None:
    """Clamps shorter than the run are an error; without t_max or a stimulus the shortest decides."""
    net = passive()
    net.cell(0).branch(0).comp(0).record()
    net.cell(1).branch(0).comp(0).record()
    net.cell(1).branch(0).comp(0).clamp("v", np.full(N, -50.0))
    net.cell(0).branch(0).comp(0).clamp("v", np.full(N - 4, -60.0))
    assert rx.integrate(net, delta_t=DT).shape == (2, N - 3)
    with pytest.raises(ValueError, match=f"the clamp of v is shorter than the run of {N} steps") as caught:
        rx.integrate(net, delta_t=DT, t_max=N * DT)
    assert "\n" not in str(caught.value)
    later = net.cell(0).branch(0).comp(0).data_clamp("v", jnp.full(N + 3, -70.0))
    replaced = np.asarray(rx.integrate(net, data_clamps=later, delta_t=DT, t_max=N * DT))
    np.testing.assert_array_equal(replaced[:, 1:], np.repeat([[-70.0], [-50.0]], N, axis=1))
    short = net.TestSynapse.data_clamp("TestSynapse_c", jnp.full(N - 5, 0.1))
    with pytest.raises(ValueError, match=f"the clamp of TestSynapse_c is shorter than the run of {N - 4} steps"):
        rx.integrate(net, data_clamps=short, delta_t=DT, t_max=(N - 4) * DT)
    beside = net.cell(0).branch(1).data_clamp("v", jnp.full(N - 6, -70.0), later)
    with pytest.raises(ValueError, match=f"the clamp of v is shorter than the run of {N} steps"):
        jax.jit(lambda d: rx.integrate(net, data_clamps=(beside[0], d, beside[2]), delta_t=DT, t_max=N * DT))(beside[1])
    net.cell(0).delete_clamps()
    assert rx.integrate(net, delta_t=DT).shape == (2, N + 1), "what the shorter one left out is there again"


def test_a_second_clamp_takes_the_place_of_the_first() -> None:
    net = passive()
    net.IonotropicSynapse.clamp("IonotropicSynapse_s", np.full(N, 0.1))
    net.cell("all").branch(0).comp(0).clamp("v", np.full((2, N), [[-50.0], [-55.0]]))
    net.cell(0).branch(0).comp(0).clamp("v", np.full(N, -45.0))
    assert sorted(zip(net.external_inds["v"].tolist(), net.externals["v"][:, 0].tolist(), strict=True)) == [
        (0, -45.0),
        (3, -55.0),
    ]
    assert net.external_inds["IonotropicSynapse_s"].tolist() == [0], "numbered among those of its type"
    assert set(net.TestSynapse.externals) == {"v", "IonotropicSynapse_s"}
    assert net.TestSynapse.externals["IonotropicSynapse_s"].shape == (0, N)


def test_deleting() -> None:
    net = passive(3)
    net.cell("all").branch(0).comp(0).clamp("v", np.full(N, -50.0))
    net.TestSynapse.clamp("TestSynapse_c", np.full(N, 0.1))
    net.cell(0).branch(0).comp(0).stimulate(np.ones(N))
    net.cell(1).delete_clamps()
    assert net.external_inds["v"].tolist() == [0, 6] and net.external_inds["TestSynapse_c"].tolist() == [0, 1]
    net.TestSynapse.edge(0).delete_clamps("TestSynapse_c")
    assert net.external_inds["TestSynapse_c"].tolist() == [1]
    with pytest.raises(ValueError, match=r"delete_clamps\('Leak_gLeak'\): clamped are \['v', 'TestSynapse_c'\]"):
        net.delete_clamps("Leak_gLeak")
    net.delete_clamps("v")
    assert set(net.externals) == {"TestSynapse_c", "i"}
    net.delete_clamps()
    assert set(net.externals) == {"i"}
    net.delete_stimuli()
    assert not net.externals


def test_what_is_no_state_is_not_clamped() -> None:
    net = passive()
    for key in ("Leak_gLeak", "TestSynapse_gC", "i_Leak", "i_TestSynapse", "HH_m"):
        with pytest.raises(ValueError, match=rf"clamp\('{key}'\): no such state here") as caught:
            net.clamp(key, np.zeros(N))
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"no TestSynapse joins compartments of this view; try net.TestSynapse.clamp"):
        net.cell(0).clamp("TestSynapse_c", np.zeros(N))
    with pytest.raises(ValueError, match="finite"):
        net.clamp("v", np.full(N, np.nan))


def test_batched_with_clamps() -> None:
    """Every lane is held, and has the course that `integrate` gives it; in float32 as well."""
    net = passive()
    net.cell(1).branch(2).comp(0).clamp("v", -50.0 + WAVE)
    net.IonotropicSynapse.clamp("IonotropicSynapse_s", 0.4 + 0.1 * WAVE)
    net.cell(1).branch([1, 2]).comp(0).record()
    net.record("IonotropicSynapse_s")
    net.make_trainable("TestSynapse_gC")
    net.cell("all").make_trainable("v")
    batch = [{"TestSynapse_gC": jnp.array([[1e-3], [2e-3]])}, {"v": jnp.array([[-65.0, -60.0], [-70.0, -75.0]])}]
    found = np.asarray(rx.batched(net, delta_t=DT)(batch))
    for k in range(2):
        alone = rx.integrate(net, [{key: x[k] for key, x in entry.items()} for entry in batch], delta_t=DT)
        np.testing.assert_allclose(found[k], alone, rtol=1e-12)
    single = rx.batched(net, delta_t=DT, dtype=jnp.float32)(batch)
    np.testing.assert_array_equal(single[:, 2, 1:], np.broadcast_to(np.float32(0.4 + 0.1 * WAVE), (2, N)))
