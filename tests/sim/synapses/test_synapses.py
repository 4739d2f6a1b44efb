"""Synapses: their equations, protocol, and finite values and gradients at any voltage."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rallax.sim import synapses
from rallax.sim.mechanisms import HH
from rallax.sim.synapses import (
    ConductanceSynapse,
    CurrentSynapse,
    ElectricalSynapse,
    GapJunction,
    IonotropicSynapse,
    Synapse,
    TanhConductanceSynapse,
    TanhRateSynapse,
    TestSynapse,
)

ALL = (
    IonotropicSynapse,
    TestSynapse,
    TanhRateSynapse,
    TanhConductanceSynapse,
    CurrentSynapse,
    ConductanceSynapse,
    GapJunction,
)
every_synapse = pytest.mark.parametrize("cls", ALL)
PRE = np.array([-90.0, -70.0, -41.0, -35.0, -12.0, 0.0, 30.0])
POST = np.array([-60.0, -75.0, -20.0, 0.0, 10.0, -65.0, -80.0])


def arguments(synapse: Synapse, dtype: Any = jnp.float64, like: np.ndarray = PRE) -> tuple[Any, Any]:
    """(states, params): defaults."""
    return tuple(
        {key: jnp.full(like.shape, x, dtype) for key, x in table.items()}
        for table in (synapse.synapse_states, synapse.synapse_params)
    )


def s_inf(pre: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp((-35 - pre) / 10))


EXPECTED = {
    IonotropicSynapse: 1e-4 * 0.2 * POST,
    TestSynapse: 1e-4 * 0.2 * POST,
    TanhRateSynapse: -1e-4 * np.tanh(PRE + 70),
    TanhConductanceSynapse: 1e-4 * np.tanh(PRE + 70) * POST,
    CurrentSynapse: -1e-4 * s_inf(PRE),
    ConductanceSynapse: 1e-4 * s_inf(PRE) * POST,
    GapJunction: 1e-4 * (POST - PRE),
}


@every_synapse
def test_currents_are_outward_positive_at_the_post_side(cls: type[Synapse]) -> None:
    synapse = cls()
    states, params = arguments(synapse)
    found = synapse.compute_current(states, jnp.asarray(PRE), jnp.asarray(POST), params)
    np.testing.assert_allclose(found, EXPECTED[cls], rtol=1e-12)


@pytest.mark.parametrize("e_syn", [-80.0, 15.0])
@pytest.mark.parametrize("cls", [IonotropicSynapse, TanhConductanceSynapse, ConductanceSynapse])
def test_no_current_at_the_reversal_potential(cls: type[Synapse], e_syn: float) -> None:
    synapse = cls()
    states, params = arguments(synapse)
    params |= {f"{synapse.name}_e_syn": jnp.full_like(jnp.asarray(PRE), e_syn)}
    assert not np.any(synapse.compute_current(states, jnp.asarray(PRE), jnp.full_like(PRE, e_syn), params))


@pytest.mark.parametrize(("cls", "state"), [(IonotropicSynapse, "s"), (TestSynapse, "c")])
def test_graded_release_relaxes_to_its_steady_state(cls: type[Synapse], state: str) -> None:
    synapse, dt = cls(), 0.7
    key = f"{synapse.name}_{state}"
    states, params = arguments(synapse)
    pre, post = jnp.asarray(PRE), jnp.asarray(POST)
    tau = (1 - s_inf(PRE)) / 0.025
    expected = s_inf(PRE) + (0.2 - s_inf(PRE)) * np.exp(-dt / tau)
    np.testing.assert_allclose(synapse.update_states(states, dt, pre, post, params)[key], expected, rtol=1e-12)

    rest = synapse.init_state(states, pre, post, params, dt)
    np.testing.assert_allclose(rest[key], s_inf(PRE), rtol=1e-12)
    np.testing.assert_allclose(synapse.update_states(rest, 5.0, pre, post, params)[key], rest[key], rtol=1e-12)


def test_ionotropic_parameters_move_its_kinetics() -> None:
    synapse = IonotropicSynapse()
    states, params = arguments(synapse)
    moved = {"v_th": -50.0, "delta": 4.0, "k_minus": 0.1}
    params |= {f"IonotropicSynapse_{key}": jnp.full_like(jnp.asarray(PRE), x) for key, x in moved.items()}
    inf = 1 / (1 + np.exp((-50 - PRE) / 4))
    expected = inf + (0.2 - inf) * np.exp(-0.7 * 0.1 / (1 - inf))
    found = synapse.update_states(states, 0.7, jnp.asarray(PRE), jnp.asarray(POST), params)["IonotropicSynapse_s"]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@every_synapse
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64], ids=["f32", "f64"])
def test_values_and_gradients_are_finite_and_keep_the_dtype(cls: type[Synapse], dtype: Any) -> None:
    """1/tau of graded release diverges as s_inf nears 1: far above the threshold, where tanh is flat as well."""
    synapse = cls()
    far = np.array([-1e4, -300.0, -70.0, -35.0, 0.0, 60.0, 130.0, 165.0, 300.0, 1e3, 1e4])
    states, params = arguments(synapse, dtype, far)
    pre, post = jnp.asarray(far, dtype), jnp.full(far.shape, -65.0, dtype)

    def total(states: Any, pre: Any, post: Any, params: Any) -> Any:
        new = synapse.update_states(states, 0.025, pre, post, params)
        rest = synapse.init_state(states, pre, post, params, 0.025)
        found = [*new.values(), *rest.values(), synapse.compute_current({**states, **new}, pre, post, params)]
        return sum(x.sum() for x in found), found

    with jax.numpy_dtype_promotion("strict"):
        gradient, found = jax.jit(jax.grad(total, argnums=(0, 1, 2, 3), has_aux=True))(states, pre, post, params)
    assert all(x.dtype == dtype and x.shape == far.shape and np.isfinite(x).all() for x in found)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert np.isfinite(leaf).all(), jax.tree_util.keystr(path)


def test_float32_keeps_the_digits_of_slow_unbinding() -> None:
    """At rest tau is 40 ms, thousands of small steps: exp(-dt/tau) next to 1 would lose the rate."""
    synapse, dt = IonotropicSynapse(), 0.001
    at = np.full(1, -90.0)
    states, params = arguments(synapse, jnp.float32, at)
    pre = jnp.asarray(at, jnp.float32)
    change = synapse.update_states(states, dt, pre, pre, params)["IonotropicSynapse_s"] - states["IonotropicSynapse_s"]
    exact = (s_inf(at) - 0.2) * -np.expm1(-dt * 0.025 / (1 - s_inf(at)))
    # The difference of two float32 numbers near 0.2 has this much noise.
    np.testing.assert_allclose(change, exact, atol=1.5e-8)
    slope = jax.grad(
        lambda k: synapse.update_states(states, dt, pre, pre, params | {"IonotropicSynapse_k_minus": k})[
            "IonotropicSynapse_s"
        ].sum()
    )(params["IonotropicSynapse_k_minus"])
    np.testing.assert_allclose(slope, (s_inf(at) - 0.2) * dt / (1 - s_inf(at)), rtol=1e-4)


@pytest.mark.parametrize("cls", [CurrentSynapse, ConductanceSynapse])
def test_any_nonlinearity(cls: Any) -> None:
    synapse = cls(jax.nn.relu, name="Relu")
    states, params = arguments(synapse)
    found = synapse.compute_current(states, jnp.asarray(PRE), jnp.asarray(POST), params)
    drive = 1e-4 * np.maximum((PRE + 35) / 10, 0)
    np.testing.assert_allclose(found, -drive if cls is CurrentSynapse else drive * POST, rtol=1e-12)
    assert synapse == cls(jax.nn.relu, name="Relu") != cls(name="Relu")


def test_gap_junction_is_ohmic_and_symmetric() -> None:
    junction = GapJunction()
    assert isinstance(junction, ElectricalSynapse)
    states, params = arguments(junction)
    np.testing.assert_array_equal(junction.conductance(states, params), params["GapJunction_g"])
    there = junction.compute_current(states, jnp.asarray(PRE), jnp.asarray(POST), params)
    back = junction.compute_current(states, jnp.asarray(POST), jnp.asarray(PRE), params)
    np.testing.assert_array_equal(there, -back)


@every_synapse
def test_names_carry_the_prefix_and_change_with_it(cls: type[Synapse]) -> None:
    original, renamed = cls(), cls()
    assert original.name == cls.__name__
    assert all(k.startswith(f"{cls.__name__}_") for k in (*original.synapse_params, *original.synapse_states))
    assert renamed.change_name("X1") is renamed and renamed.name == "X1"
    for before, after in (
        (original.synapse_params, renamed.synapse_params),
        (original.synapse_states, renamed.synapse_states),
    ):
        assert after == {f"X1_{k.removeprefix(f'{cls.__name__}_')}": x for k, x in before.items()}
    assert renamed == cls(name="X1") != original
    states, params = arguments(renamed)
    found = renamed.compute_current(states, jnp.asarray(PRE), jnp.asarray(POST), params)
    np.testing.assert_allclose(found, EXPECTED[cls], rtol=1e-12)
    assert set(renamed.update_states(states, 0.1, jnp.asarray(PRE), jnp.asarray(POST), params)) == set(states)


@every_synapse
def test_copies_and_pickles_are_equal_and_independent(cls: type[Synapse]) -> None:
    original = cls()
    for clone in (copy.copy(original), copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
        assert clone == original and hash(clone) == hash(original) and clone is not original
    clone.change_name("Y")
    assert original == cls() and clone != original


def test_equal_by_class_and_name_whatever_the_defaults() -> None:
    changed = IonotropicSynapse()
    changed.synapse_params["IonotropicSynapse_gS"] = 0.5
    assert changed == IonotropicSynapse() and hash(changed) == hash(IonotropicSynapse())
    assert TanhRateSynapse("A") != TanhConductanceSynapse("A") and GapJunction("HH") != HH()


def test_a_users_synapse() -> None:
    """As in the field's tutorials: tables assigned after `super().__init__`, `update_states` left out."""

    class Users(Synapse):
        def __init__(self, name: str | None = None) -> None:
            super().__init__(name)
            self.synapse_params = {f"{self._name}_g": 2.0}

        def compute_current(self, states: Any, pre_voltage: Any, post_voltage: Any, params: Any) -> Any:
            return params[f"{self._name}_g"] * (post_voltage - pre_voltage)

    synapse = Users()
    assert synapse.name == "Users" and synapse.synapse_states == {}
    assert not synapse.update_states({}, 0.1, jnp.asarray(PRE), jnp.asarray(POST), {})
    np.testing.assert_allclose(synapse.compute_current({}, PRE, POST, arguments(synapse)[1]), 2 * (POST - PRE))


def test_mistakes_in_a_users_synapse_are_named() -> None:
    class Empty(Synapse):
        pass

    class Loose(ElectricalSynapse):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty must define compute_current.*nA"):
        Empty().compute_current({}, jnp.zeros(1), jnp.zeros(1), {})
    with pytest.raises(NotImplementedError, match=r"Loose must define conductance.*uS"):
        Loose().compute_current({}, jnp.zeros(1), jnp.zeros(1), {})
    with pytest.raises(ValueError, match="must be an identifier"):
        GapJunction("two words")


def test_every_synapse_is_exported() -> None:
    assert {cls.__name__ for cls in (*ALL, Synapse, ElectricalSynapse)} == set(synapses.__all__)
