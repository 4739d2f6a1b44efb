"""Every mechanism's gates and currents: against the table, and finite in value and gradient everywhere."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rallax.sim.mechanisms import LIBRARY, GatedChannel, PointNeuron, create
from rallax.sim.units import FARADAY, GAS_CONSTANT

from .bench import FAR, GRID, arguments
from .table import GATES, OPEN_FRACTION, QT, sodium

DT = 0.025
every_mechanism = pytest.mark.parametrize("name", LIBRARY)
both_precisions = pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64], ids=["f32", "f64"])


def outputs(name: str, states: Any, v: Any, params: Any) -> dict[str, Any]:
    """Everything that a mechanism returns."""
    mechanism = create(name)
    found = {f"next {key}": x for key, x in mechanism.update_states(states, DT, v, params).items()}
    found |= {f"rest {key}": x for key, x in mechanism.init_state(states, v, params, DT).items()}
    found |= {f"reversal {key}": x for key, x in mechanism.update_reversals(states, v, params).items()}
    if mechanism.current_name is not None:
        found["current"] = mechanism.compute_current(states, v, params)
    return found


def slopes(name: str, at: tuple[Any, Any, Any]) -> dict[str, Any]:
    """The derivative in v of everything that a mechanism returns, elementwise."""
    states, v, params = at
    return jax.jit(lambda u: jax.jvp(lambda x: outputs(name, states, x, params), (u,), (jnp.ones_like(u),))[1])(v)


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize(
    ("dtype", "rtol", "atol"), [(jnp.float64, 1e-10, 1e-13), (jnp.float32, 2e-5, 2e-6)], ids=["f64", "f32"]
)
def test_gates_equal_the_table(name: str, dtype: Any, rtol: float, atol: float) -> None:
    mechanism = create(name)
    states, v, params = arguments(mechanism, GRID, dtype)
    # The table is evaluated at the voltages as they are in this precision.
    expected = GATES[name](np.asarray(v, np.float64))
    rest = jax.jit(lambda: mechanism.init_state(states, v, params, DT))()
    assert set(rest) == {f"{name}_{gate}" for gate in expected}

    dt = 1.0
    for gate, (inf, tau) in expected.items():
        key = f"{name}_{gate}"
        np.testing.assert_allclose(rest[key], inf, rtol=rtol, atol=atol, err_msg=f"{key} at rest")
        # Two starts give the factor exp(-dt/tau) alone, without the steady state.
        update = jax.jit(lambda x, key=key: mechanism.update_states(states | {key: x}, dt, v, params)[key])
        ends = [update(jnp.full_like(v, x)) for x in (0.0, 1.0)]
        np.testing.assert_allclose(
            ends[1] - ends[0], np.exp(-dt / tau), rtol=0, atol=10 * atol, err_msg=f"tau of {key}"
        )
        np.testing.assert_allclose(ends[0], inf * -np.expm1(-dt / tau), rtol=0, atol=10 * atol, err_msg=key)


def test_natg_shifts_and_slopes_move_its_half_points() -> None:
    mechanism = create("NaTg")
    states, v, params = arguments(mechanism, GRID)
    moved = {"NaTg_vshiftm": 13.0, "NaTg_vshifth": 15.0, "NaTg_slopem": 7.0, "NaTg_slopeh": 5.0}
    rest = mechanism.init_state(states, v, params | {k: jnp.full_like(v, x) for k, x in moved.items()}, DT)
    for gate, (inf, _) in sodium(GRID, -25.0, -51.0, 7.0, 5.0).items():
        np.testing.assert_allclose(rest[f"NaTg_{gate}"], inf, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", OPEN_FRACTION)
def test_currents_equal_the_table(name: str) -> None:
    mechanism = create(name)
    states, v, params = arguments(mechanism, GRID)
    gates = [key for key in mechanism.channel_states if key.startswith(f"{name}_")]
    values = np.linspace(0.3, 0.7, len(gates))
    states |= {key: jnp.full_like(v, x) for key, x in zip(gates, values, strict=True)}
    reversal = {"i_Na": 50.0, "i_K": -85.0, "i_Ca": 132.4579, "i_Ih": -45.0}[str(mechanism.current_name)]
    expected = 1e-5 * OPEN_FRACTION[name](*values) * (GRID - reversal)
    np.testing.assert_allclose(mechanism.compute_current(states, v, params), expected, rtol=1e-12)


@pytest.mark.parametrize("name", [n for n in LIBRARY if issubclass(LIBRARY[n], GatedChannel)])
def test_a_gate_at_rest_stays_there(name: str) -> None:
    mechanism = create(name)
    states, v, params = arguments(mechanism, np.linspace(-120.0, 60.0, 13))
    rest = mechanism.init_state(states, v, params, DT)
    assert set(rest) == {key for key in mechanism.channel_states if key.startswith(f"{name}_")}
    later = mechanism.update_states(states | rest, 20.0, v, params)
    for key, value in rest.items():
        np.testing.assert_allclose(later[key], value, rtol=1e-12, atol=1e-15, err_msg=key)


def test_currents_of_hh_pas_and_pospischil() -> None:
    s_inf = 1 / (1 + np.exp(-(GRID + 59) / 6.2))
    for name, expected in (
        ("Na", 50e-3 * 0.3**4 * (GRID - 50)),
        ("K", 5e-3 * 0.3**4 * (GRID + 90)),
        ("Km", 4e-6 * 0.3 * (GRID + 90)),
        ("CaL", 1e-4 * 0.3**3 * (GRID - 120)),
        ("CaT", 4e-5 * s_inf**2 * 0.3 * (GRID - 120)),
        ("HH", 0.12 * 0.3**4 * (GRID - 50) + 0.036 * 0.3**4 * (GRID + 77) + 0.0003 * (GRID + 54.3)),
        ("pas", 1e-3 * (GRID + 70)),
        ("Leak", 1e-4 * (GRID + 70)),
    ):
        mechanism = create(name)
        np.testing.assert_allclose(
            mechanism.compute_current(*arguments(mechanism, GRID)), expected, rtol=1e-12, atol=1e-15
        )


@pytest.mark.parametrize("calcium", [0.0, 1e-7, 5e-5, 4.3e-4, 1e-2])
def test_sk_e2_opens_with_calcium(calcium: float) -> None:
    mechanism = create("SK_E2")
    states, v, params = arguments(mechanism, -70.0)
    states |= {"CaCon_i": jnp.asarray(calcium)}
    inf = 1 / (1 + (4.3e-4 / max(calcium, 1e-7)) ** 4.8)
    np.testing.assert_allclose(mechanism.init_state(states, v, params, DT)["SK_E2_z"], inf, rtol=1e-10)
    expected = inf + (0.3 - inf) * np.exp(-DT)
    np.testing.assert_allclose(mechanism.update_states(states, DT, v, params)["SK_E2_z"], expected, rtol=1e-12)
    assert np.isfinite(jax.grad(lambda c: mechanism.gates({"CaCon_i": c}, v, params)["z"].inf)(jnp.asarray(calcium)))


@pytest.mark.parametrize(
    ("name", "depth", "gamma", "decay", "rest", "start"),
    [("CaDynamics_E2", 0.1, 0.05, 80.0, 1e-4, 5e-5), ("CaDynamics_DC0", 20.0 / 4, 0.01, 70.0, 6.5e-5, 6.5e-5)],
)
def test_pools_follow_their_equation(
    name: str, depth: float, gamma: float, decay: float, rest: float, start: float
) -> None:
    mechanism = create(name)
    states, v, params = arguments(mechanism, -70.0)
    current, calcium = -2e-3, 3e-4
    states |= {"i_Ca": jnp.asarray(current), "CaCon_i": jnp.asarray(calcium)}

    def slope(c: float) -> float:
        return -1e4 * current * gamma / (2 * FARADAY * depth) - (c - rest) / decay

    # Runge-Kutta with small steps: another road to the exact solution.
    expected, n, dt = calcium, 200, 5.0
    for _ in range(n):
        h = dt / n
        k1 = slope(expected)
        k2 = slope(expected + h / 2 * k1)
        k3 = slope(expected + h / 2 * k2)
        expected += h / 6 * (k1 + 4 * k3 + slope(expected + h * k3) + 2 * k2 - 2 * k3)
    np.testing.assert_allclose(mechanism.update_states(states, dt, v, params)["CaCon_i"], expected, rtol=1e-10)

    # The first step, which no current has preceded, ends at the initial value.
    begin = mechanism.init_state(states, v, params, DT)
    first = mechanism.update_states(states | begin | {"i_Ca": jnp.zeros_like(v)}, DT, v, params)
    np.testing.assert_allclose(first["CaCon_i"], start, rtol=1e-12)
    np.testing.assert_allclose(begin["CaCon_i"], start, rtol=1e-3)


def test_calcium_reversal_is_nernst_at_the_temperature_of_the_pool() -> None:
    for temperature in (34.0, 6.3):
        mechanism = create("CaDynamics_E2", temperature=temperature)
        states, v, params = arguments(mechanism, -70.0)
        expected = 1e3 * GAS_CONSTANT * (temperature + 273.15) / (2 * FARADAY) * np.log(2.0 / 5e-5)
        np.testing.assert_allclose(mechanism.update_reversals(states, v, params)["eCa"], expected, rtol=1e-12)
    # An outward current that empties the shell must not reach a logarithm of zero.
    empty = states | {"CaCon_i": jnp.asarray(-1e-3)}
    assert np.isfinite(mechanism.update_reversals(empty, v, params)["eCa"])


@pytest.mark.parametrize("name", ["NaTa_t", "NaTs2_t", "NaTg", "Nap_Et2", "K_Pst", "K_Tst", "Im", "Ca_LVAst"])
def test_temperature_scales_rates_by_q10(name: str) -> None:
    warm, cold = create(name), create(name, temperature=21.0)
    arrays = arguments(warm, GRID)
    for gate, (inf, rate, _) in warm.gates(*arrays).items():
        np.testing.assert_allclose(cold.gates(*arrays)[gate].inf, inf, rtol=1e-14)
        np.testing.assert_allclose(cold.gates(*arrays)[gate].rate * QT, rate, rtol=1e-12)


@every_mechanism
@both_precisions
def test_values_and_gradients_are_finite_and_keep_the_dtype(name: str, dtype: Any) -> None:
    states, v, params = arguments(create(name), np.concatenate([GRID, FAR]), dtype)

    def total(states: Any, v: Any, params: Any) -> tuple[Any, Any]:
        found = outputs(name, states, v, params)
        return sum(x.sum() for x in found.values()), found

    with jax.numpy_dtype_promotion("strict"):
        gradient, found = jax.jit(jax.grad(total, argnums=(0, 1, 2), has_aux=True))(states, v, params)
    for key, value in found.items():
        assert value.dtype == dtype and value.shape == v.shape, key
        assert np.isfinite(value).all(), key
    # A NaN or infinity in any output's gradient is one in the sum's.
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        bad = np.asarray(v)[~np.isfinite(np.asarray(leaf))]
        assert bad.size == 0, f"gradient in {jax.tree_util.keystr(path)} at v = {bad}"


@pytest.mark.parametrize("name", [n for n in LIBRARY if not issubclass(LIBRARY[n], PointNeuron)])
def test_gradients_equal_differences_in_both_precisions(name: str) -> None:
    mechanism, step = create(name), 1e-3
    # K_Pst's kink has two slopes.
    voltages = np.float32(GRID[GRID != -60.0]) if name == "K_Pst" else np.float32(GRID)
    states, v, params = arguments(mechanism, voltages, jnp.float64)
    wide, narrow = slopes(name, (states, v, params)), slopes(name, arguments(mechanism, voltages, jnp.float32))
    run = jax.jit(functools.partial(outputs, name))
    up, down = (run(states, v + s, params) for s in (step, -step))
    for key, slope in wide.items():
        largest = max(np.abs(slope).max(), 1e-30)
        difference = (np.asarray(up[key]) - np.asarray(down[key])) / (2 * step)
        np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-6 * largest + 1e-13 / step, err_msg=key)
        np.testing.assert_allclose(narrow[key], slope, rtol=0, atol=2e-4 * largest, err_msg=f"{key} in float32")


@every_mechanism
@both_precisions
def test_any_shape_is_kept(name: str, dtype: Any) -> None:
    for shape in ((), (3,), (3, 4), (2, 1, 5)):
        found = jax.eval_shape(functools.partial(outputs, name), *arguments(create(name), np.zeros(shape), dtype))
        assert {(x.shape, x.dtype) for x in found.values()} == {(shape, np.dtype(dtype))}
