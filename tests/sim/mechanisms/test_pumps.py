"""Pumps and the calcium reversal."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rallax.sim.mechanisms import CaDynamics_E2, CaFaradayConcentrationChange, CaNernstReversal, CaPump, Pump, create
from rallax.sim.units import FARADAY, GAS_CONSTANT

from .bench import arguments

CALCIUM = np.array([0.0, 5e-5, 1e-4, 3e-3])


def test_capump_is_the_pool_of_the_same_equation() -> None:
    """The pool's exact step and the pump's rate describe one course: compare them over a step without bend."""
    pump, pool, dt = CaPump(), CaDynamics_E2(), 1e-4
    states, calcium, params = arguments(pump, CALCIUM)
    _, _, of_pool = arguments(pool, CALCIUM)
    rate = pump.compute_current(states, calcium, params)
    moved = pool.update_states(states | {"CaCon_i": calcium}, dt, calcium, of_pool)["CaCon_i"]
    np.testing.assert_allclose(-rate, (moved - calcium) / dt, rtol=1e-5)
    _, slope = jax.jvp(lambda c: pump.compute_current(states, c, params), (calcium,), (jnp.ones_like(calcium),))
    np.testing.assert_allclose(slope, 1 / 80, rtol=1e-12)


def test_faraday_moves_the_charge_of_the_current() -> None:
    """Amount that enters in 1 ms = charge / (2 F), whatever the shape of the compartment."""
    pump = CaFaradayConcentrationChange()
    states, calcium, params = arguments(pump, CALCIUM)
    params |= {"area": jnp.full_like(calcium, 123.0), "volume": jnp.full_like(calcium, 45.0)}
    found = -pump.compute_current(states, calcium, params)
    charge = 1e-3 * 1e-3 * 123.0 * 1e-8 * 1e-3  # 1e-3 mA/cm^2 in A/cm^2, times cm^2, times s: C
    concentration = charge / (2 * FARADAY) / (45.0 * 1e-15) * 1e3  # mol over litre, in mM
    np.testing.assert_allclose(found, concentration, rtol=1e-12)


def test_nernst_writes_the_reversal_only() -> None:
    for temperature, kelvin in ((6.3, 279.45), (34.0, 307.15)):
        mechanism = create("CaNernstReversal", temperature=temperature)
        states, v, params = arguments(mechanism, np.array([-70.0, 0.0]))
        states |= {"CaCon_i": jnp.array([5e-5, 2e-4])}
        found = mechanism.update_reversals(states, v, params)
        expected = 1e3 * GAS_CONSTANT * kelvin / (2 * FARADAY) * np.log(2.0 / np.array([5e-5, 2e-4]))
        np.testing.assert_allclose(found["eCa"], expected, rtol=1e-12)
        # The default of the table is what holds at the default concentrations.
        np.testing.assert_allclose(mechanism.channel_states["eCa"], expected[0], rtol=1e-12)
        assert not mechanism.update_states(states, 0.1, v, params) and mechanism.current_name is None
    assert create("CaNernstReversal") == CaNernstReversal(temperature=6.3) != CaNernstReversal(temperature=34.0)
    assert np.isfinite(
        mechanism.update_reversals(states | {"CaCon_i": jnp.array([-1e-3, 0.0])}, v, params)["eCa"]
    ).all()


@pytest.mark.parametrize("pump", [CaPump(), CaFaradayConcentrationChange()])
def test_pumps_name_their_ion(pump: Pump) -> None:
    assert pump.ion_name == "CaCon_i" and pump.ion_name in pump.channel_states
    renamed = type(pump)().change_name("Other")
    assert (renamed.ion_name, renamed.current_name) == (pump.ion_name, pump.current_name) and renamed != pump


def test_a_pump_without_a_rate_is_named() -> None:
    class Empty(Pump):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty must define compute_current.*mM/ms"):
        Empty().compute_current({}, jnp.zeros(1), {})
