"""Names, renaming, equality, copies; channels as users of Jaxley write them; the library."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rallax.sim.mechanisms import (
    HH,
    LIBRARY,
    Channel,
    ConcentrationPool,
    Mechanism,
    NaTa_t,
    NaTg,
    PointNeuron,
    Pump,
    by_name,
    create,
    save_exp,
    solve_gate_exponential,
)

from .bench import arguments
from .single_compartment import run


class UsersPotassium(Channel):
    """As in the field's tutorials: assignments around `super().__init__`, the user's own names."""

    def __init__(self, name: str | None = None) -> None:
        self.current_is_in_mA_per_cm2 = True
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_gK": 1e-3, "eK": -90.0}
        self.channel_states = {f"{prefix}_n": 0.1}
        self.current_name = "i_UsersPotassium"

    def update_states(self, states: Any, dt: Any, v: Any, params: Any) -> Any:
        prefix = self._name
        n = solve_gate_exponential(states[f"{prefix}_n"], dt, *self.n_gate(v))
        return {f"{prefix}_n": n}

    def compute_current(self, states: Any, v: Any, params: Any) -> Any:
        prefix = self._name
        return params[f"{prefix}_gK"] * states[f"{prefix}_n"] ** 4 * (v - params["eK"])

    def init_state(self, states: Any, v: Any, params: Any, delta_t: Any) -> Any:
        alpha, beta = self.n_gate(v)
        return {f"{self._name}_n": alpha / (alpha + beta)}

    @staticmethod
    def n_gate(v: Any) -> Any:
        return 0.05 * save_exp((v + 40) / 20), 0.1 * save_exp(-(v + 50) / 40)


class WithOption(Channel):
    def __init__(self, option: Any, name: str | None = None) -> None:
        super().__init__(name)
        self.option = option


def test_a_users_channel_runs_and_holds_the_membrane_at_rest() -> None:
    channel = UsersPotassium()
    assert channel.name == "UsersPotassium" and channel.current_is_in_mA_per_cm2
    found = run([create("pas"), channel], {"pas_e": -90.0}, v_init=-90.0, dt=0.025, diam=10.0, stimulus=np.zeros(40))
    np.testing.assert_allclose(found["v"], -90.0, atol=1e-9)
    n = found["UsersPotassium_n"]
    alpha, beta = UsersPotassium.n_gate(-90.0)
    np.testing.assert_allclose(n, alpha / (alpha + beta), rtol=1e-12)


def test_two_names_of_one_channel_keep_apart() -> None:
    found = run(
        [UsersPotassium(), UsersPotassium("Other").change_name("Second")],
        {"UsersPotassium_gK": 0.0, "Second_gK": 2.0},
        v_init=-60.0,
        dt=0.025,
        diam=10.0,
        stimulus=np.zeros(400),
    )
    assert {"UsersPotassium_n", "Second_n"} <= set(found) and "Other_n" not in found
    # `pas` alone would rest at -70.
    assert -90.0 < found["v"][-1] < -71.0


@pytest.mark.parametrize("name", LIBRARY)
def test_change_name_renames_own_names_only(name: str) -> None:
    original, renamed = create(name), create(name)
    assert renamed.change_name("X1") is renamed and renamed.name == "X1"
    for before, after in (
        (original.channel_params, renamed.channel_params),
        (original.channel_states, renamed.channel_states),
    ):
        expected = {f"X1_{k.removeprefix(name + '_')}" if k.startswith(f"{name}_") else k: v for k, v in before.items()}
        assert after == expected
    assert renamed.current_name == original.current_name

    (states, v, params), (states_x, _, params_x) = (arguments(m, np.array([-70.0, -40.0])) for m in (original, renamed))
    moved = original.update_states(states, 0.1, v, params)
    moved_x = renamed.update_states(states_x, 0.1, v, params_x)
    assert set(moved_x) == {f"X1_{k.removeprefix(name + '_')}" if k.startswith(f"{name}_") else k for k in moved}
    for value, value_x in zip(moved.values(), moved_x.values(), strict=True):
        np.testing.assert_array_equal(value, value_x)
    np.testing.assert_array_equal(
        original.compute_current(states, v, params), renamed.compute_current(states_x, v, params_x)
    )


@pytest.mark.parametrize("name", LIBRARY)
def test_own_names_carry_the_prefix_and_states_are_declared(name: str) -> None:
    mechanism = create(name)
    states, v, params = arguments(mechanism, np.array([-70.0]))
    returned = {
        *mechanism.update_states(states, 0.1, v, params),
        *mechanism.update_reversals(states, v, params),
        *mechanism.init_state(states, v, params, 0.1),
    }
    assert returned - {"v"} <= set(mechanism.channel_states)
    assert ("v" in returned) == isinstance(mechanism, PointNeuron)
    shared = {"eNa", "eK", "eCa", "vt", "CaCon_i", "CaCon_e"}
    assert all(k.startswith(f"{name}_") or k in shared for k in (*mechanism.channel_params, *mechanism.channel_states))
    assert (mechanism.current_name is not None) == isinstance(mechanism, Channel | Pump)
    assert mechanism.writes_concentrations == isinstance(mechanism, ConcentrationPool)


def test_equal_by_class_name_and_options() -> None:
    assert NaTg() == NaTg() and hash(NaTg()) == hash(NaTg())
    assert NaTg() != NaTa_t("NaTg")
    assert NaTg() != NaTg("NaTg2") and NaTg("NaTg2") == NaTg().change_name("NaTg2")
    assert NaTg() != NaTg(temperature=21.0)
    assert NaTg() != "NaTg"

    changed = HH()
    changed.channel_params["HH_gNa"] = 0.5  # a default value: it is in the table, not in the compiled step
    assert changed == HH() and hash(changed) == hash(HH())
    changed.channel_states["extra"] = 0.0
    assert changed != HH()


@pytest.mark.parametrize("option", [[1, 2], {"a": np.arange(3.0)}, {1, 2}, jnp.arange(2), (np.float32(1), None), len])
def test_any_option_may_be_hashed(option: Any) -> None:
    assert WithOption(option) == WithOption(copy.copy(option))
    assert hash(WithOption(option)) == hash(WithOption(copy.copy(option)))
    assert WithOption(option) != WithOption("another")


def test_options_of_another_type_differ() -> None:
    assert WithOption(1) != WithOption(1.0) and WithOption(True) != WithOption(1)
    assert WithOption(np.zeros(2)) != WithOption(np.zeros(3)) and WithOption(np.zeros(2)) != WithOption(np.ones(2))


def test_equal_mechanisms_share_one_compiled_function() -> None:
    traced = []

    @jax.jit
    def current(v: Any) -> Any:
        return v

    def membrane(mechanism: Mechanism, states: Any, v: Any, params: Any) -> Any:
        traced.append(mechanism)
        return mechanism.compute_current(states, v, params)

    compiled = jax.jit(membrane, static_argnums=0)
    for mechanism in (NaTg(), NaTg(), copy.deepcopy(NaTg()), NaTg(temperature=20.0)):
        compiled(mechanism, *arguments(mechanism, np.array([-70.0])))
    assert len(traced) == 2


@pytest.mark.parametrize("name", LIBRARY)
def test_copies_and_pickles_are_equal_and_independent(name: str) -> None:
    original = create(name)
    for clone in (copy.copy(original), copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
        assert clone == original and clone is not original
    clone.change_name("Y")
    assert original == create(name) and original.name == name


@pytest.mark.parametrize("name", ["", "two words", "1st", "a-b"])
def test_names_must_be_identifiers(name: str) -> None:
    with pytest.raises(ValueError, match="must be an identifier"):
        HH(name)
    with pytest.raises(ValueError, match="must be an identifier"):
        HH().change_name(name)


def test_mistakes_in_a_users_channel_are_named() -> None:
    class WithoutCurrent(Channel):
        pass

    class InNanoampere(Channel):
        def __init__(self) -> None:
            super().__init__()
            self.current_is_in_mA_per_cm2 = False

    with pytest.raises(NotImplementedError, match="WithoutCurrent must define compute_current"):
        WithoutCurrent().compute_current({}, jnp.zeros(1), {})
    with pytest.raises(ValueError, match=r"InNanoampere.*return mA/cm\^2"):
        InNanoampere()


def test_library_finds_by_name_and_suggests_the_nearest() -> None:
    assert all(by_name(name) is cls and cls.__name__ == name for name, cls in LIBRARY.items())
    with pytest.raises(ValueError, match="no mechanism is called 'NaTG'; did you mean NaTg") as caught:
        by_name("NaTG")
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"known: .*CaDynamics_DC0.*pas"):
        by_name("zzzzzzzz")


def test_create_passes_temperature_where_it_matters() -> None:
    assert create("NaTg", temperature=30.0) == NaTg(temperature=30.0)
    assert create("NaTg") == NaTg(temperature=34.0)
    assert create("HH", temperature=30.0) == HH()
