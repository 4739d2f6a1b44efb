"""Channels, point neurons, pumps and synapses beside Jaxley's classes of the same names, called on the same arrays.

Differences that are meant, beyond rounding:

* Jaxley starts `Km` and `CaT` elsewhere than at their steady state (test below), and leaves the adaptation of `AdEx`
  and the state of its synapses as they are;
* it cuts the arguments of all exponentials at 20: tau_u of `CaT` above -22 mV, and rates that are all but zero, differ;
* it cuts the exponent of `AdEx` at 10, here at 20: no difference where v passes the threshold in that step;
* its rates are 0/0 at their removable singularities (voltages below avoid them);
* `spikes` are 0 or 1 here also where it keeps Booleans; its constants F and R are rounded;
* `eCa` of `CaNernstReversal` starts at its value for the default concentrations, not at 0, and `i_Ca` is no state.
"""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from rallax.sim import mechanisms, synapses

from .bench import arguments

pytestmark = pytest.mark.peers
#: No multiple of 0.5 mV: every removable singularity is one.
VOLTAGES = np.arange(-100.0, 40.0, 3.0) + 0.13
DT = 0.025


@pytest.fixture(scope="module")
def jaxley() -> ModuleType:
    """The package, with its subpackages imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = pytest.importorskip("jaxley")
        for part in ("channels", "pumps", "synapses"):
            importlib.import_module(f"jaxley.{part}")
    return package


def peer_of(module: ModuleType, name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(module, name)()


def same(found: Any, expected: Any, rtol: float = 1e-10, atol: float = 1e-13) -> None:
    assert set(found) == set(expected)
    for key in found:
        np.testing.assert_allclose(found[key], expected[key], rtol=rtol, atol=atol, err_msg=key)


@pytest.mark.parametrize("name", ["Leak", "Na", "K", "Km", "CaL", "CaT", "HH"])
def test_channels(jaxley: ModuleType, name: str) -> None:
    ours, theirs = getattr(mechanisms, name)(), peer_of(jaxley.channels, name)
    assert ours.channel_params == theirs.channel_params and ours.channel_states == theirs.channel_states
    assert ours.current_name == theirs.current_name
    states, v, params = arguments(ours, VOLTAGES[VOLTAGES < -22.0] if name == "CaT" else VOLTAGES)
    # exp(-20) of the largest rate is what their cut may add to the others.
    same(ours.update_states(states, DT, v, params), theirs.update_states(states, DT, v, params), atol=1e-9)
    np.testing.assert_allclose(
        ours.compute_current(states, v, params), theirs.compute_current(states, v, params), rtol=1e-10, atol=1e-14
    )
    rest = ours.init_state(states, v, params, DT)
    # Ours stays where it is under their update as well.
    same(rest, {k: theirs.update_states(states | rest, 50.0, v, params)[k] for k in rest}, atol=1e-8)
    if name not in ("Km", "CaT"):
        same(rest, theirs.init_state(states, v, params, DT), atol=1e-8)


@pytest.mark.parametrize("name", ["Izhikevich", "AdEx", "Fire", "Rate"])
def test_point_neurons(jaxley: ModuleType, name: str) -> None:
    ours, theirs = getattr(mechanisms, name)(), peer_of(jaxley.channels, name)
    assert ours.channel_params == theirs.channel_params and ours.channel_states == theirs.channel_states
    states, v, params = arguments(ours, VOLTAGES)
    params |= {"capacitance": jnp.full_like(v, 200.0)}
    same(ours.update_states(states, DT, v, params), theirs.update_states(states, DT, v, params))


@pytest.mark.parametrize("name", ["CaPump", "CaFaradayConcentrationChange"])
def test_pumps(jaxley: ModuleType, name: str) -> None:
    ours, theirs = getattr(mechanisms, name)(), peer_of(jaxley.pumps, name)
    assert ours.channel_params == theirs.channel_params
    assert ours.channel_states == {k: x for k, x in theirs.channel_states.items() if k != "i_Ca"}
    assert (ours.ion_name, ours.current_name) == (theirs.ion_name, theirs.current_name)
    states, calcium, params = arguments(ours, np.geomspace(1e-5, 1e-2, 7))
    expected = theirs.compute_current(states, calcium, params)
    np.testing.assert_allclose(ours.compute_current(states, calcium, params), expected, rtol=1e-5)


def test_calcium_reversal(jaxley: ModuleType) -> None:
    ours, theirs = mechanisms.CaNernstReversal(), peer_of(jaxley.pumps, "CaNernstReversal")
    assert set(ours.channel_states) == set(theirs.channel_states)
    states, v, params = arguments(ours, np.full(7, -70.0))
    states |= {"CaCon_i": jnp.geomspace(1e-5, 1e-2, 7)}
    expected = theirs.update_states(states, DT, v, params)["eCa"]
    np.testing.assert_allclose(ours.update_reversals(states, v, params)["eCa"], expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["IonotropicSynapse", "TestSynapse", "TanhRateSynapse", "TanhConductanceSynapse"])
def test_synapses(jaxley: ModuleType, name: str) -> None:
    ours, theirs = getattr(synapses, name)(), peer_of(jaxley.synapses, name)
    assert ours.synapse_params == theirs.synapse_params and ours.synapse_states == theirs.synapse_states
    pre, post = jnp.asarray(VOLTAGES), jnp.asarray(VOLTAGES[::-1])
    states, params = (
        {k: jnp.full_like(pre, x) for k, x in table.items()} for table in (ours.synapse_states, ours.synapse_params)
    )
    same(ours.update_states(states, DT, pre, post, params), theirs.update_states(states, DT, pre, post, params))
    np.testing.assert_allclose(
        ours.compute_current(states, pre, post, params), theirs.compute_current(states, pre, post, params), rtol=1e-12
    )
