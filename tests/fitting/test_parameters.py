"""Transforms between u and theta, seeded draws, reports of bounds."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fitting_toy import SPACE
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.fitting import Parameter, ParameterSpace


def test_theta_follows_the_written_formulas() -> None:
    u = np.array([[0.0, 0.0, 0.0], [1.5, -2.0, 0.3]])
    s = 1 / (1 + np.exp(-u))
    expected = np.stack([-1 + 2 * s[:, 0], 1e-5 * (1e-3 / 1e-5) ** s[:, 1], 3 * s[:, 2]], axis=1)
    np.testing.assert_allclose(SPACE.to_theta(jnp.asarray(u)), expected, rtol=1e-13)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.floats(-12, 12), min_size=3, max_size=3))
def test_u_and_theta_are_inverse_and_within_bounds(u: list[float]) -> None:
    theta = np.asarray(SPACE.to_theta(jnp.array(u)))
    assert np.all((theta >= SPACE.lower) & (theta <= SPACE.upper))
    np.testing.assert_allclose(SPACE.to_u(theta), u, atol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_theta_and_its_gradient_are_finite_however_far_u_is(dtype: type) -> None:
    space = ParameterSpace((Parameter("big", -1e30, 1e30), Parameter("log", 1e-20, 1e20, "log")))
    for u in (-1e4, -50.0, 0.0, 50.0, 1e4):
        theta, pull = jax.vjp(space.to_theta, jnp.full(2, u, dtype))
        assert theta.dtype == dtype and jnp.all(jnp.isfinite(theta))
        assert jnp.all(jnp.isfinite(pull(jnp.ones(2, dtype))[0]))
        assert np.all((theta >= space.lower.astype(dtype)) & (theta <= space.upper.astype(dtype)))


def test_the_gradient_agrees_with_differences() -> None:
    u = np.array([0.3, -1.2, 2.0])
    jacobian = np.asarray(jax.jacobian(SPACE.to_theta)(jnp.asarray(u)))
    h = 1e-6
    for i in range(3):
        e = np.eye(3)[i] * h
        slope = (np.asarray(SPACE.to_theta(jnp.asarray(u + e))) - np.asarray(SPACE.to_theta(jnp.asarray(u - e)))) / (
            2 * h
        )
        np.testing.assert_allclose(jacobian[:, i], slope, rtol=1e-7, atol=1e-14)


def test_draws_do_not_depend_on_how_many_there_are() -> None:
    many = SPACE.draw(7, 300)
    np.testing.assert_array_equal(SPACE.draw(7, 10), many[:10])
    np.testing.assert_array_equal(SPACE.draw(7, 5, first=123), many[123:128])
    assert not np.array_equal(SPACE.draw(8, 10), many[:10])
    assert many.dtype == np.float64 and len(np.unique(many)) == many.size


def test_draws_are_uniform_in_natural_space() -> None:
    theta = np.asarray(SPACE.to_theta(jnp.asarray(SPACE.draw(0, 4000))))
    fractions = np.stack(
        [(theta[:, 0] + 1) / 2, np.log(theta[:, 1] / 1e-5) / np.log(1e-3 / 1e-5), theta[:, 2] / 3], axis=1
    )
    for column in fractions.T:
        counts, _ = np.histogram(column, bins=10, range=(0, 1))
        # 400 in each are expected, with a standard deviation of 19.
        assert counts.sum() == 4000 and np.all(np.abs(counts - 400) < 95)


def test_draws_leave_the_callers_precision_alone() -> None:
    with jax.enable_x64(False):
        few = SPACE.draw(7, 3)
        assert jnp.ones(1).dtype == jnp.float32
    assert few.dtype == np.float64
    np.testing.assert_array_equal(few, SPACE.draw(7, 3))


def test_parameters_at_a_bound_are_named() -> None:
    assert SPACE.at_bounds(np.array([-0.999, 1e-4, 1.5])) == {"a": "lower"}
    assert SPACE.at_bounds(np.array([0.0, 0.99e-3, 3.0])) == {"b": "upper", "c": "upper"}


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Parameter("g", 2.0, 1.0), r'parameter "g": bounds = \[2.0, 1.0\] are reversed'),
        (lambda: Parameter("g", 1.0, 1.0), "reversed or equal"),
        (lambda: Parameter("g", 0.0, float("inf")), "finite"),
        (lambda: Parameter("g", 0.0, 1.0, "log"), "lower bound above 0"),
        (lambda: Parameter("g", 0.0, 1.0, "tanh"), "not known"),
        (lambda: ParameterSpace(()), "at least one"),
        (lambda: ParameterSpace((Parameter("g", 0, 1), Parameter("g", 0, 2))), '"g" is given twice'),
        (lambda: SPACE.to_u(np.array([0.0, 1e-4, 3.5])), 'parameter "c": 3.5 is beyond'),
    ],
)
def test_mistakes_are_named(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
