"""Parameter transforms: there and back, finite slopes, ranges, and the tree that applies them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rallax.sim.optimize import transforms as jt
from rallax.sim.optimize.transforms import ParamTransform

#: Each with parameters inside its range, over many decades of distance from the bounds.
DISTANCES = np.logspace(-9, 9, 19)
FRACTIONS = np.concatenate([np.logspace(-12, -0.4, 12), 1.0 - np.logspace(-12, -0.4, 12)])
CASES: dict[str, tuple[jt.Transform, np.ndarray]] = {
    "identity": (jt.IdentityTransform(), np.linspace(-1e3, 1e3, 9)),
    "sigmoid": (jt.SigmoidTransform(-3.0, 5.0), -3.0 + 8.0 * FRACTIONS),
    "sigmoid from 0": (jt.SigmoidTransform(0.0, 0.2), 0.2 * FRACTIONS),
    "logistic": (jt.LogisticTransform(1.0, 2.0), 1.0 + FRACTIONS),
    "softplus": (jt.SoftplusTransform(0.0), DISTANCES),
    "softplus above": (jt.SoftplusTransform(-65.0), -65.0 + DISTANCES),
    "negative softplus": (jt.NegSoftplusTransform(4.0), 4.0 - DISTANCES),
    "affine": (jt.AffineTransform(-2.5, 7.0), np.linspace(-1e3, 1e3, 9)),
    "log": (jt.LogTransform(), np.logspace(-30, 30, 13)),
    "chain": (
        jt.ChainTransform([jt.SigmoidTransform(np.log(1e-6), np.log(1.0)), jt.LogTransform()]),
        np.logspace(-5.9, -0.1, 9),
    ),
    "masked": (jt.MaskedTransform(np.arange(9) % 2 == 0, jt.SigmoidTransform(0.0, 10.0)), np.linspace(0.5, 9.5, 9)),
    "custom": (jt.CustomTransform(jnp.sinh, jnp.arcsinh), np.linspace(-1e3, 1e3, 9)),
}
cases = pytest.mark.parametrize(("transform", "parameters"), CASES.values(), ids=CASES.keys())


def inside(transform: jt.Transform, parameters: np.ndarray, dtype: Any) -> jax.Array:
    """Those of the parameters that their type does not round to a bound."""
    y = np.asarray(parameters, dtype)
    bounds = [np.asarray(getattr(transform, name), dtype) for name in ("lower", "upper") if hasattr(transform, name)]
    return jnp.asarray(y if not bounds else y[np.all([y != bound for bound in bounds], axis=0)])


@cases
def test_there_and_back(transform: jt.Transform, parameters: np.ndarray) -> None:
    for dtype, tolerance in ((jnp.float64, 1e-12), (jnp.float32, 1e-5)):
        y = inside(transform, parameters, dtype)
        x = transform.inverse(y)
        back = transform.forward(x)
        assert x.dtype == back.dtype == dtype
        assert np.isfinite(x).all()
        np.testing.assert_allclose(back, y, rtol=tolerance, atol=tolerance)
    x = jnp.linspace(-4.0, 4.0, len(parameters))
    np.testing.assert_allclose(transform.inverse(transform.forward(x)), x, rtol=1e-12, atol=1e-12)


@cases
def test_slopes_are_finite_everywhere(transform: jt.Transform, parameters: np.ndarray) -> None:
    if isinstance(transform, jt.CustomTransform):
        pytest.skip("the slope is that of the user's function")
    for dtype in (jnp.float64, jnp.float32):
        extremes = jnp.asarray([-1e30, -1e3, -90.0, -20.0, 0.0, 20.0, 90.0, 1e3, 1e30], dtype)
        for function, at in ((transform.forward, extremes), (transform.inverse, inside(transform, parameters, dtype))):
            y, pull = jax.vjp(function, at)
            assert np.isfinite(y).all()
            assert np.isfinite(pull(jnp.ones_like(at))[0]).all()


def test_what_they_compute() -> None:
    x = jnp.asarray([-2.0, 0.5, 3.0])
    sigma = 1.0 / (1.0 + np.exp(-x))
    np.testing.assert_allclose(jt.SigmoidTransform(2.0, 6.0)(x), 2.0 + 4.0 * sigma, rtol=1e-14)
    np.testing.assert_allclose(jt.SoftplusTransform(2.0)(x), 2.0 + np.log1p(np.exp(x)), rtol=1e-14)
    np.testing.assert_allclose(jt.NegSoftplusTransform(2.0)(x), 2.0 - np.log1p(np.exp(-x)), rtol=1e-14)
    np.testing.assert_allclose(jt.AffineTransform(3.0, 1.0)(x), 3.0 * x + 1.0, rtol=1e-14)
    np.testing.assert_allclose(jt.LogTransform()(x), np.exp(x), rtol=1e-14)
    chain = jt.ChainTransform([jt.AffineTransform(2.0, 0.0), jt.AffineTransform(1.0, 5.0)])
    np.testing.assert_allclose(chain(x), 2.0 * x + 5.0, rtol=1e-14)
    masked = jt.MaskedTransform(jnp.asarray([True, False, True]), jt.LogTransform())
    np.testing.assert_allclose(masked(x), [np.exp(-2.0), 0.5, np.exp(3.0)], rtol=1e-14)


def test_a_uniform_parameter_has_logistic_values_of_variance_1() -> None:
    y = (np.arange(200_000) + 0.5) / 200_000
    assert np.var(jt.LogisticTransform(0.0, 1.0).inverse(y)) == pytest.approx(1.0, abs=1e-3)


def test_bounds_for_each_value() -> None:
    transform = jt.SigmoidTransform(np.array([0.0, 10.0]), np.array([1.0, 20.0]))
    np.testing.assert_allclose(transform.inverse(jnp.asarray([0.5, 15.0])), 0.0, atol=1e-15)
    with pytest.raises(ValueError, match=r"9 is not between 10.0 and 20.0"):
        transform.inverse(jnp.asarray([0.5, 9.0]))


def test_values_outside_are_refused() -> None:
    for transform, outside, says in (
        (jt.SigmoidTransform(0.0, 2.0), 2.5, "2.5 is not between 0.0 and 2.0"),
        (jt.SigmoidTransform(0.0, 2.0), 2.0, "bounds excluded"),
        (jt.SigmoidTransform(0.0, 2.0), np.nan, "nan is not between"),
        (jt.LogisticTransform(0.0, 2.0), -0.1, "-0.1 is not between"),
        (jt.SoftplusTransform(1.0), 1.0, "1 is not above 1.0"),
        (jt.NegSoftplusTransform(1.0), 1.5, "1.5 is not below 1.0"),
        (jt.LogTransform(), -1.0, "-1 is not above 0"),
        (jt.ChainTransform([jt.LogTransform(), jt.AffineTransform(2.0, 1.0)]), 1.0, "0 is not above 0"),
        (jt.MaskedTransform(True, jt.LogTransform()), -1.0, "-1 is not above 0"),
    ):
        with pytest.raises(ValueError, match=says) as fault:
            transform.inverse(outside)
        assert "\n" not in str(fault.value)
    # An entry that the mask leaves alone may lie anywhere, and harms no gradient.
    masked = jt.MaskedTransform(np.array([True, False]), jt.LogTransform())
    np.testing.assert_allclose(masked.inverse(jnp.asarray([1.0, -1.0])), [0.0, -1.0])
    np.testing.assert_allclose(jax.grad(lambda y: masked.inverse(y).sum())(jnp.asarray([2.0, -1.0])), [0.5, 1.0])
    # Where JAX traces, values are not known.
    assert np.isnan(jax.jit(jt.LogTransform().inverse)(-1.0))


def test_transforms_without_an_inverse() -> None:
    with pytest.raises(ValueError, match="scale of 0"):
        jt.AffineTransform(np.array([1.0, 0.0]), 0.0)
    with pytest.raises(ValueError, match=r"lower 2.0 is not below upper 2.0"):
        jt.SigmoidTransform(2.0, 2.0)
    with pytest.raises(ValueError, match=r"LogisticTransform: lower 0.0 is not below upper inf"):
        jt.LogisticTransform(np.array([1.0, 0.0]), np.array([3.0, np.inf]))


def test_the_tree_of_trainables() -> None:
    params: Any = [{"radius": jnp.asarray([1.0, 2.0])}, {"HH_gNa": jnp.asarray([0.1])}]
    transform = ParamTransform([{"radius": jt.SigmoidTransform(0.1, 5.0)}, {"HH_gNa": jt.SoftplusTransform(0.0)}])
    free = transform.inverse(params)
    assert [list(entry) for entry in free] == [["radius"], ["HH_gNa"]]
    np.testing.assert_allclose(free[1]["HH_gNa"], np.log(np.expm1(0.1)))
    back = jax.jit(transform.forward)(free)
    np.testing.assert_allclose(back[0]["radius"], [1.0, 2.0], rtol=1e-14)
    np.testing.assert_allclose(back[1]["HH_gNa"], [0.1], rtol=1e-14)
    one = ParamTransform(jt.AffineTransform(2.0, 0.0)).forward(params)
    np.testing.assert_allclose(one[0]["radius"], [2.0, 4.0])
    with pytest.raises(ValueError, match=r"params\[1\]\['HH_gNa'\]: -1 is not above 0.0"):
        transform.inverse([params[0], {"HH_gNa": jnp.asarray([-1.0])}])
    with pytest.raises(ValueError, match=r"params has the entries .*\['length'\].*, the transforms .*\['HH_gNa'\]"):
        transform.forward([params[0], {"length": jnp.asarray([1.0])}])


@pytest.mark.peers
def test_against_jaxley() -> None:
    """Where Jaxley cuts no exponent. Its `NegSoftplusTransform(upper)` lies below -upper, ours below upper."""
    peer = pytest.importorskip("jaxley.optimize.transforms")
    x = jnp.linspace(-15.0, 15.0, 7)
    mask = np.arange(7) < 3
    for name, arguments in (
        ("IdentityTransform", ()),
        ("SigmoidTransform", (1.0, 4.0)),
        ("LogisticTransform", (1.0, 4.0)),
        ("SoftplusTransform", (2.0,)),
        ("NegSoftplusTransform", (0.0,)),
        ("AffineTransform", (3.0, 1.0)),
        ("CustomTransform", (jnp.sinh, jnp.arcsinh)),
    ):
        ours, theirs = getattr(jt, name)(*arguments), getattr(peer, name)(*arguments)
        scale = 0.3 if name == "LogisticTransform" else 1.0
        y = theirs.forward(scale * x)
        np.testing.assert_allclose(ours.forward(scale * x), y, rtol=1e-12, err_msg=name)
        np.testing.assert_allclose(ours.inverse(y), theirs.inverse(y), rtol=1e-6, atol=1e-12, err_msg=name)
        tree = [{"a": x[:3]}, {"b": x[3:]}]
        ours_, theirs_ = (
            cls([{"a": t}, {"b": t}]).forward(tree)
            for cls, t in ((ParamTransform, ours), (peer.ParamTransform, theirs))
        )
        np.testing.assert_allclose(ours_[1]["b"], theirs_[1]["b"], rtol=1e-12)
    ours, theirs = (m.ChainTransform([m.SigmoidTransform(0.0, 1.0), m.AffineTransform(2.0, 1.0)]) for m in (jt, peer))
    np.testing.assert_allclose(ours.forward(x), theirs.forward(x), rtol=1e-12)
    ours, theirs = (m.MaskedTransform(mask, m.SigmoidTransform(0.0, 1.0)) for m in (jt, peer))
    np.testing.assert_allclose(ours.forward(x), theirs.forward(x), rtol=1e-12)
