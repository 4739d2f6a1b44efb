"""Mechanisms as users of Jaxley write them: currents among the states, states handed back, moved voltages."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

DT = 0.025


class UsersReversal(rx.Channel):
    """eCa from calcium in `update_states`, which also hands back what it was given."""

    def __init__(self, name: str | None = None) -> None:
        self.current_is_in_mA_per_cm2 = True
        super().__init__(name)
        self.channel_params = {}
        self.channel_states = {"eCa": 0.0, "CaCon_i": 5e-5, "CaCon_e": 2.0}
        self.current_name = "i_none"

    def update_states(self, states: Any, dt: Any, v: Any, params: Any) -> Any:
        eca = 12.0 * jnp.log(states["CaCon_e"] / states["CaCon_i"])
        return {"eCa": eca, "CaCon_i": states["CaCon_i"], "CaCon_e": states["CaCon_e"], "v": v}

    def compute_current(self, states: Any, v: Any, params: Any) -> Any:
        return 0.0


class UsersPool(rx.Channel):
    """Calcium that follows the current, as a channel that lists "i_Ca" among its states."""

    def __init__(self, name: str | None = None) -> None:
        self.current_is_in_mA_per_cm2 = True
        super().__init__(name)
        self.channel_params = {f"{self._name}_gamma": 10.0}
        self.channel_states = {"i_Ca": 1e-8, "CaCon_i": 5e-5}
        self.current_name = "i_none"

    def update_states(self, states: Any, dt: Any, v: Any, params: Any) -> Any:
        slope = -params[f"{self._name}_gamma"] * states["i_Ca"] - (states["CaCon_i"] - 5e-5) / 80.0
        return {"CaCon_i": states["CaCon_i"] + dt * slope, "i_Ca": states["i_Ca"]}

    def compute_current(self, states: Any, v: Any, params: Any) -> Any:
        return 0.0


def calcium_cell(*order: Any) -> Any:
    cell = rx.Cell()
    for mechanism in order:
        cell.insert(mechanism)
    cell.set("v", -30.0)
    for state in ("CaCon_i", "eCa", "i_Ca", "v"):
        cell.record(state)
    return cell


def test_states_handed_back_do_not_undo_what_others_did() -> None:
    """In either order of insertion calcium follows the current of the step before, and eCa follows calcium."""
    found = []
    for order in (
        (rx.CaL(), UsersPool(), UsersReversal()),
        (UsersReversal(), UsersPool(), rx.CaL()),
    ):
        cell = calcium_cell(*order)
        cell.set("CaL_gCaL", 1e-3)
        cell.set("eCa", 120.0)  # by default that of whoever came first
        found.append(np.asarray(rx.integrate(cell, t_max=10 * DT, delta_t=DT)))
    calcium, eca, current, _ = found[0]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)
    assert calcium[-1] > 1.2 * calcium[1] and np.all(current[1:] < 0)
    np.testing.assert_allclose(
        calcium[2:], calcium[1:-1] + DT * (-10.0 * current[1:-1] - (calcium[1:-1] - 5e-5) / 80.0), rtol=1e-12
    )
    np.testing.assert_allclose(eca[1:], 12.0 * np.log(2.0 / calcium[:-1]), rtol=1e-12)


def test_a_current_among_the_states_is_no_state_of_a_users_choice() -> None:
    """Where a channel carries it the step makes it; it can be recorded, not set, clamped or made free."""
    cell = rx.Cell()
    cell.insert(UsersPool())
    cell.insert(rx.CaL())
    calls: list[Any] = [
        lambda: cell.set("i_Ca", 1.0),
        lambda: cell.clamp("i_Ca", np.zeros(3)),
        lambda: cell.make_trainable("i_Ca"),
        lambda: cell.data_set("i_Ca", 1.0),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"\('i_Ca'\): no such") as caught:
            call()
        assert "\n" not in str(caught.value)
    cell.delete(rx.CaL())
    cell.set("i_Ca", 1e-5)
    assert cell.nodes["i_Ca"].iloc[0] == 1e-5, "without the channel it is a value like any other"


def test_a_state_that_is_not_listed() -> None:
    class Careless(UsersReversal):
        def update_states(self, states: Any, dt: Any, v: Any, params: Any) -> Any:
            return {"eK": v}

    cell = rx.Cell()
    cell.insert(Careless())
    cell.record()
    with pytest.raises(ValueError, match="Careless returns 'eK'; list it in channel_states as well"):
        rx.integrate(cell, t_max=0.1)


class Jump(rx.Channel):
    """A mechanism that moves v without being a `PointNeuron`."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.current_name = "i_jump"

    def update_states(self, states: Any, dt: Any, v: Any, params: Any) -> Any:
        return {"v": v + 1.0}

    def compute_current(self, states: Any, v: Any, params: Any) -> Any:
        return jnp.zeros_like(v)


def test_one_mechanism_of_a_compartment_moves_v() -> None:
    """Two are refused at lowering, inside a traced function as well; side by side in a network they are fine."""
    cell = rx.Cell(rx.Branch(rx.Compartment(), 3), parents=[-1])
    cell.insert(rx.Leak())
    cell.comp([0, 1]).insert(rx.Izhikevich())
    cell.comp(2).insert(Jump())
    cell.record()
    v = rx.integrate(cell, t_max=DT, delta_t=DT)
    assert v.shape == (3, 2)
    cell.comp("all").insert(Jump())
    message = r"Izhikevich and Jump both move v in compartment 0, .* remove one of them there: \.delete\('Jump'\)"
    for call in (lambda: rx.lower(cell), lambda: jax.jit(lambda x: x + rx.integrate(cell, t_max=DT).sum())(1.0)):
        with pytest.raises(ValueError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)
    cell.comp([0, 1]).delete("Jump")
    np.testing.assert_array_equal(rx.integrate(cell, t_max=DT, delta_t=DT), v)


@pytest.mark.parametrize("solver", ["trbdf2", "extrapolated"])
@pytest.mark.parametrize("mover", [rx.Fire(), rx.Izhikevich(), rx.AdEx(), rx.Rate(), Jump()], ids=lambda m: m.name)
def test_schemes_of_several_stages_take_no_point_neuron(solver: str, mover: Any) -> None:
    net = rx.Network([rx.Cell(), rx.Cell()])
    net.cell(1).insert(mover)
    net.record()
    message = (
        rf'{solver} advances states more than once a step, but {mover.name} moves v itself; use solver="bwd_euler"'
    )
    for call in (
        lambda: rx.integrate(net, t_max=0.1, solver=solver),
        lambda: rx.build_init_and_step_fn(net, solver=solver),
        lambda: rx.batched(net, t_max=0.1, solver=solver),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


class Rectifying(rx.GapJunction):
    """A gap junction that follows the voltage between its sides, as states may."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.synapse_states = {f"{self._name}_open": 0.5}

    def update_states(self, states: Any, delta_t: Any, pre_voltage: Any, post_voltage: Any, params: Any) -> Any:
        return {f"{self._name}_open": jnp.tanh((pre_voltage - post_voltage) / 20.0) ** 2}

    def conductance(self, states: Any, params: Any) -> Any:
        return params[f"{self._name}_g"] * states[f"{self._name}_open"]


def test_a_gap_junction_with_a_state() -> None:
    """It follows its state, implicitly; the scheme that holds conductances says that it does not take it."""
    net = rx.Network([rx.Cell(), rx.Cell()])
    rx.connect(net.cell(0), net.cell(1), Rectifying())
    net.set("Rectifying_g", 0.01)
    net.cell(0).set("v", -30.0)
    net.record()
    v = np.asarray(rx.integrate(net, t_max=4 * DT, delta_t=DT))
    capacitance = 1e-5 * net.nodes["area"].iloc[0]  # nF
    for k in range(4):
        rate = DT / capacitance * 0.01 * np.tanh((v[0, k] - v[1, k]) / 20.0) ** 2
        assert v[0, k + 1] - v[1, k + 1] == pytest.approx((v[0, k] - v[1, k]) / (1 + 2 * rate), rel=1e-12)
    with pytest.raises(ValueError, match=r"exp_euler holds the conductance .* Rectifying may follow its states"):
        rx.integrate(net, t_max=0.1, solver="exp_euler")


def test_a_pool_that_diffuses() -> None:
    """Filled by its current and by diffusion with the schemes that take it; the other says what to use."""
    cell = rx.Cell(rx.Branch(rx.Compartment(), 2), parents=[-1])
    cell.insert(rx.Leak())
    cell.insert(rx.CaDynamics_E2())
    cell.diffuse("CaCon_i")
    cell.set("axial_diffusion_CaCon_i", 5.0)
    cell.set("CaCon_i", [1e-3, 1e-4])
    cell.record("CaCon_i")
    pump = cell.copy()
    pump.delete_recordings()
    pump.delete_diffusion("CaCon_i")
    pump.delete("CaDynamics_E2")
    pump.insert(rx.CaPump())
    pump.diffuse("CaCon_i")
    pump.set("axial_diffusion_CaCon_i", 5.0)
    pump.set("CaCon_i", [1e-3, 1e-4])
    for key in ("gamma", "decay", "depth"):
        pump.set(f"CaPump_{key}", cell.nodes[f"CaDynamics_E2_{key}"].iloc[0])
    pump.set("CaPump_minCaCon_i", cell.nodes["CaDynamics_E2_minCai"].iloc[0])
    pump.record("CaCon_i")
    found = [np.asarray(rx.integrate(c, t_max=2.0, delta_t=DT)) for c in (cell, pump)]
    # The pool is moved before it diffuses, the pump's concentration while it does: a difference of the order of dt.
    np.testing.assert_allclose(found[0], found[1], rtol=2e-3)
    assert found[0][1, -1] > 1.5e-4
    with pytest.raises(
        ValueError, match=r"trbdf2 takes a diffusing CaCon_i .* CaDynamics_E2 moves it itself"
    ) as caught:
        rx.integrate(cell, t_max=0.1, solver="trbdf2")
    assert "\n" not in str(caught.value)


def test_two_pools_of_one_concentration() -> None:
    """One would overwrite what the other did; in different compartments they may be."""
    cell = rx.Cell(rx.Branch(rx.Compartment(), 2), parents=[-1])
    cell.insert(rx.CaDynamics_E2())
    cell.branch(0).comp(1).insert(rx.CaDynamics_DC0())
    cell.record()
    with pytest.raises(ValueError, match=r"both move CaCon_i in compartment 1, .*\.delete\('CaDynamics_DC0'\)$"):
        rx.integrate(cell, t_max=1.0)
    cell.branch(0).comp(1).delete("CaDynamics_E2")
    assert np.isfinite(rx.integrate(cell, t_max=1.0)).all()
