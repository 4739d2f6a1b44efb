"""Losses against numpy, their gradients against differences, and a job's mistakes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.fitting import Target, build_loss, make_target

RNG = np.random.default_rng(0)
TIME = np.arange(200) * 0.05
RECORDED = -70 + 10 * RNG.standard_normal(200)
SIMULATED = -65 + 12 * RNG.standard_normal(200)
WINDOW = (TIME >= 2.0) & (TIME < 6.5)

WINDOWS = [[1.0, 3.0], [4.0, 9.0]]
TERMS = {
    "mse": {"kind": "mse", "scale_mV": 5.0},
    "mse window": {"kind": "mse", "scale_mV": 5.0, "window_ms": [2.0, 6.5]},
    "mae": {"kind": "mae", "scale_mV": 4.0},
    "mae window": {"kind": "mae", "scale_mV": 4.0, "window_ms": [2.0, 6.5]},
    "huber": {"kind": "huber", "scale_mV": 2.0, "delta": 1.5},
    "window_stats": {"kind": "window_stats", "windows_ms": WINDOWS, "mean_scale_mV": 8.0, "std_scale_mV": [4.0, 2.0]},
    "window_stats squared": {
        "kind": "window_stats",
        "windows_ms": WINDOWS,
        "mean_scale_mV": 8.0,
        "std_scale_mV": [4.0, 2.0],
        "distance": "squared",
    },
    "window_stats peak": {
        "kind": "window_stats",
        "windows_ms": WINDOWS,
        "mean_scale_mV": 8.0,
        "std_scale_mV": [4.0, 2.0],
        "peak_scale_mV": [3.0, 6.0],
    },
}


def by_numpy(name: str, v: np.ndarray) -> float:
    d = v - RECORDED
    if name == "mse":
        return float(np.mean((d / 5.0) ** 2))
    if name == "mse window":
        return float(np.mean((d[WINDOW] / 5.0) ** 2))
    if name == "mae":
        return float(np.mean(np.abs(d) / 4.0))
    if name == "mae window":
        return float(np.mean(np.abs(d[WINDOW]) / 4.0))
    if name == "huber":
        x = np.abs(d) / 2.0
        return float(np.mean(np.where(x <= 1.5, 0.5 * x**2, 1.5 * (x - 0.75))))
    terms = []
    for (a, b), scale in zip(WINDOWS, (4.0, 2.0), strict=True):
        inside = (a <= TIME) & (b > TIME)
        terms += [
            (v[inside].mean() - RECORDED[inside].mean()) / 8.0,
            (v[inside].std() - RECORDED[inside].std()) / scale,
        ]
    if "peak" in name:
        for (a, b), scale in zip(WINDOWS, (3.0, 6.0), strict=True):
            inside = (a <= TIME) & (b > TIME)
            terms.append((v[inside].max() - RECORDED[inside].max()) / scale)
    return float(np.mean(np.square(terms) if "squared" in name else np.abs(terms)))


def target(dtype: type = np.float64) -> Target:
    return make_target(TIME, RECORDED, 0.025, 400, dtype)


@pytest.mark.parametrize("name", TERMS)
def test_values_agree_with_numpy(name: str) -> None:
    loss = build_loss([TERMS[name]])
    np.testing.assert_allclose(loss(jnp.asarray(SIMULATED), target()), by_numpy(name, SIMULATED), rtol=1e-12)
    single = loss(jnp.asarray(SIMULATED, jnp.float32), target(np.float32))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, by_numpy(name, SIMULATED), rtol=1e-4)


@pytest.mark.parametrize("name", TERMS)
def test_gradients_agree_with_differences(name: str) -> None:
    loss = build_loss([TERMS[name]])
    gradient = np.asarray(jax.grad(loss)(jnp.asarray(SIMULATED), target()))
    direction = np.random.default_rng(1).standard_normal(200)
    h = 1e-5
    slope = (by_numpy(name, SIMULATED + h * direction) - by_numpy(name, SIMULATED - h * direction)) / (2 * h)
    np.testing.assert_allclose(gradient @ direction, slope, rtol=1e-7)


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("v", [RECORDED, np.full(200, -70.0), np.full(200, 1e12)], ids=["hit", "constant", "far"])
def test_losses_and_gradients_are_finite_in_float32(name: str, v: np.ndarray) -> None:
    value, gradient = jax.value_and_grad(build_loss([TERMS[name]]))(jnp.asarray(v, jnp.float32), target(np.float32))
    assert np.isfinite(value) and np.all(np.isfinite(gradient))
    flat = target(np.float32)._replace(v=jnp.full(200, -70.0, jnp.float32))
    assert np.all(np.isfinite(jax.grad(build_loss([TERMS[name]]))(jnp.asarray(v, jnp.float32), flat)))


@pytest.mark.parametrize("name", TERMS)
def test_losses_map_over_stacked_targets_under_jit(name: str) -> None:
    loss = build_loss([TERMS[name]])
    stack = jax.tree.map(lambda x: jnp.stack([x, x]), target())
    v = jnp.stack([jnp.asarray(SIMULATED), jnp.asarray(RECORDED)])
    values = jax.jit(jax.vmap(loss))(v, stack)
    np.testing.assert_allclose(values, [by_numpy(name, SIMULATED), by_numpy(name, RECORDED)], rtol=1e-10, atol=1e-12)


def test_a_sample_outside_the_window_does_not_count_even_if_it_is_nan() -> None:
    v = np.where(WINDOW, SIMULATED, np.nan)
    loss = build_loss([TERMS["mse window"]])
    value, gradient = jax.value_and_grad(loss)(jnp.asarray(v), target())
    np.testing.assert_allclose(value, by_numpy("mse window", SIMULATED))
    assert np.all(np.asarray(gradient)[~WINDOW] == 0.0) or np.isnan(np.asarray(gradient)[~WINDOW]).all()
    assert np.isfinite(np.asarray(gradient)[WINDOW]).all()


def test_terms_add_with_their_weights_and_sites_are_averaged() -> None:
    loss = build_loss([TERMS["mse"] | {"weight": 2.0}, TERMS["mae"] | {"weight": 0.5}])
    one = 2.0 * by_numpy("mse", SIMULATED) + 0.5 * by_numpy("mae", SIMULATED)
    np.testing.assert_allclose(loss(jnp.asarray(SIMULATED), target()), one)
    sites = make_target(TIME, np.stack([RECORDED, RECORDED]), 0.025, 400)
    both = loss(jnp.stack([jnp.asarray(SIMULATED), jnp.asarray(RECORDED)]), sites)
    np.testing.assert_allclose(both, one / 2)


def test_a_function_of_the_user_is_a_loss() -> None:
    def f(v, recorded, time):
        return jnp.sum((v - recorded) ** 2 * (time > 5.0))

    loss = build_loss([{"kind": "mine.py:f", "weight": 3.0}], import_function={"mine.py:f": f}.__getitem__)
    loss.check(TIME)
    expected = 3.0 * np.sum((SIMULATED - RECORDED)[TIME > 5.0] ** 2)
    np.testing.assert_allclose(loss(jnp.asarray(SIMULATED), target()), expected)


@pytest.mark.parametrize(
    "f", [lambda v, w, t: v, lambda v, w: v.sum(), lambda v, w, t: float(v[0]), lambda v, w, t: 1 / 0]
)
def test_a_function_that_is_no_loss_is_told_in_one_line(f) -> None:
    loss = build_loss([{"kind": "mine.py:f"}], import_function=lambda name: f)
    with pytest.raises(ValueError, match=r"^loss mine.py:f: f\(v, target, time\) -> scalar fails with [^\n]*$"):
        loss.check(TIME)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.floats(0.01, 0.2), st.integers(0, 2**32 - 1))
def test_sampling_equals_numpys_interpolation(n_steps: int, delta_t: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    v = rng.standard_normal((2, n_steps + 1))
    time = np.unique(rng.uniform(0, n_steps * delta_t, 7))
    sampled = make_target(time, np.zeros(len(time)), delta_t, n_steps).sample(jnp.asarray(v))
    grid = np.arange(n_steps + 1) * delta_t
    np.testing.assert_allclose(sampled, [np.interp(time, grid, row) for row in v], atol=1e-12)


def test_samples_on_the_steps_are_taken_as_they_are() -> None:
    v = RNG.standard_normal(401)
    sampled = make_target(np.arange(401) * 0.025, np.zeros(401), 0.025, 400).sample(jnp.asarray(v))
    np.testing.assert_allclose(sampled, v, atol=1e-12)


@pytest.mark.parametrize(
    "terms, words",
    [
        ([], "at least one term"),
        ([{"scale_mV": 1.0}], r"terms\[0\]: kind must be given"),
        ([{"kind": "mse"}, {"kind": "msee"}], r'terms\[1\]: kind = "msee" is not known; did you mean "mse"'),
        ([{"kind": "mse", "scale_mv": 1.0}], 'unknown argument "scale_mv"; did you mean "scale_mV"'),
        ([{"kind": "mse", "scale_mV": -1.0}], "scale_mV = -1.0 must be a finite number above 0"),
        ([{"kind": "mse", "scale_mV": "5"}], "scale_mV = '5' must be"),
        ([{"kind": "mse", "weight": -1}], "weight = -1 must be"),
        ([{"kind": "mse", "window_ms": [5.0, 2.0]}], "the start must lie before the stop"),
        ([{"kind": "mse", "window_ms": 5.0}], r"must be two numbers"),
        ([{"kind": "window_stats", "windows_ms": WINDOWS}], "mean_scale_mV and std_scale_mV must be given"),
        ([TERMS["window_stats"] | {"std_scale_mV": [1.0]}], "std_scale_mV has 1 values for 2 windows"),
        ([TERMS["window_stats"] | {"window_ms": [0.0, 1.0]}], "windows of its own"),
        ([TERMS["window_stats"] | {"distance": "cubic"}], '"cubic" is not known'),
        ([{"kind": "mine.py:f"}], "none can be imported here"),
        ([{"kind": "mine.py:f", "scale_mV": 1.0}], "takes no arguments"),
    ],
)
def test_mistakes_are_named_in_one_line(terms: list, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        build_loss(terms)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("[loss] terms")


def test_windows_without_samples_and_targets_beyond_the_simulation_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[20, 30\] holds no sample"):
        build_loss([{"kind": "mse", "window_ms": [20.0, 30.0]}]).check(TIME)
    with pytest.raises(ValueError, match="every sample must lie within the simulation"):
        make_target(TIME, RECORDED, 0.025, 300)
    with pytest.raises(ValueError, match="one time per sample"):
        make_target(TIME, RECORDED[:-1], 0.025, 400)
    with pytest.raises(ValueError, match="must increase"):
        make_target(TIME[::-1], RECORDED, 0.025, 400)
