"""Rate functions and one step of a first-order gate.

Owns the numerics: no overflow, and a finite value and gradient everywhere, in float32 as well. Knows no mechanism.

A gate obeys x' = alpha (1 - x) - beta x = (x_inf - x) / tau with x_inf = alpha / (alpha + beta) and
tau = 1 / (alpha + beta).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .protocol import TimeStep, Values

#: Where |x/k| is smaller, `linoid` is its series: 1 - exp(-x/k) would lose more digits than the series leaves out.
_SERIES_BELOW = 0.25
#: Exponents of `linoid` are cut here: the square of its exponential, which the gradient needs, stays finite in float32.
EXPONENT_LIMIT = 40.0


class Gate(NamedTuple):
    """What moves a first-order gate: its steady state and its rate 1/tau in 1/ms.

    `slow`: tau is thousands of time steps, see `relax`.
    """

    inf: Values
    rate: Values | float
    slow: bool = False


def two_rates(alpha: Values, beta: Values, slow: bool = False) -> Gate:
    """The gate with these opening and closing rates, 1/ms."""
    rate = alpha + beta
    return Gate(alpha * reciprocal(rate), rate, slow)


def save_exp(x: Values, max_value: float = 20.0) -> Values:
    """exp(min(x, max_value))."""
    return jnp.exp(jnp.minimum(x, max_value))


def exponential_euler(x: Values, dt: TimeStep, x_inf: Values, x_tau: Values) -> Values:
    """x at t + dt under x' = (x_inf - x) / x_tau; exact for constant x_inf and x_tau (ms)."""
    return relax(x, dt, x_inf, 1.0 / x_tau)


def solve_gate_exponential(x: Values, dt: TimeStep, alpha: Values, beta: Values) -> Values:
    """A gate at t + dt from its opening and closing rates (1/ms), exact for constant rates."""
    total = alpha + beta
    return relax(x, dt, alpha / total, total)


def solve_inf_gate_exponential(x: Values, dt: TimeStep, s_inf: Values, tau_s: Values) -> Values:
    """A gate at t + dt from its steady state and time constant (ms), exact for constant ones."""
    return relax(x, dt, s_inf, 1.0 / tau_s)


def solve_gate_implicit(gating_state: Values, dt: TimeStep, alpha: Values, beta: Values) -> Values:
    """A gate at t + dt from its opening and closing rates (1/ms) by backward Euler."""
    return (gating_state + dt * alpha) / (1.0 + dt * (alpha + beta))


def relax(x: Values, dt: TimeStep, x_inf: Values, rate: Values | float, slow: bool = False) -> Values:
    """x at t + dt under x' = rate (x_inf - x), rate = 1/tau in 1/ms: one exponential, no division.

    exp(-dt rate) next to 1 keeps few digits of the rate in float32 (at dt rate = 1e-5, steps of 0.6 %). `slow` takes
    the dearer expm1, which keeps all of them, in the value and in the gradient.
    """
    if slow:
        return x - (x_inf - x) * jnp.expm1(-dt * rate)
    return x_inf + (x - x_inf) * jnp.exp(-dt * rate)


@jax.custom_jvp
def reciprocal(x: Values) -> Values:
    """1 / x, whose derivative -(1 / x)^2 divides no further: a division costs as much as ten multiplications."""
    return 1.0 / x


@reciprocal.defjvp
def _reciprocal_jvp(primals: tuple[Values], tangents: tuple[Values]) -> tuple[Values, Values]:
    y = reciprocal(primals[0])
    return y, -(y * y) * tangents[0]


def sigmoid(x: Values) -> Values:
    """1 / (1 + exp(-x)); neither the value nor the gradient overflows."""
    return jax.lax.logistic(x)


def limited_exp(x: Values, limit: float = EXPONENT_LIMIT) -> Values:
    """exp(x), x cut at -limit and limit."""
    return jnp.exp(jax.lax.clamp(jnp.asarray(-limit, x.dtype), x, jnp.asarray(limit, x.dtype)))


def linoid(x: Values, k: Values | float, exponential: Values | None = None) -> Values:
    """L(x, k) = x / (1 - exp(-x/k)), continued through x = 0 (value k, slope 1/2).

    Pass `exponential` = exp(-x/k), below exp(40), where another rate has it already.
    """
    t = x * (1.0 / k)
    return k * _linoid(t, limited_exp(-t) if exponential is None else exponential)


def linoid_gate(
    x: Values, k: Values | float, opening: float, closing: float, exponential: Values | None = None
) -> Gate:
    """The gate with alpha = opening L(x, k) and beta = closing L(-x, k).

    One exponential serves both, since L(-x, k) = L(x, k) exp(-x/k) = L(x, k) - x. It also gives the steady
    state without L: alpha / (alpha + beta) = opening / (opening + closing exp(-x/k)).
    """
    t = x * (1.0 / k)
    inf, rate = _linoid_gate(opening, closing, t, limited_exp(-t) if exponential is None else exponential)
    return Gate(inf, k * rate)


@jax.custom_jvp
def _linoid(t: Values, exponential: Values) -> Values:
    """t / (1 - e) with e = exp(-t).

    Near 0 it is t/2 + t/2 coth(t/2), by the even series of t/2 coth(t/2) (Abramowitz & Stegun 4.5.67); the first term
    left out is below 2e-14. All branches of the selections are finite, and so is the gradient.
    """
    near = jnp.abs(t) < _SERIES_BELOW
    return jnp.where(near, _even_part(t, near) + 0.5 * t, t * reciprocal(jnp.where(near, 1.0, 1.0 - exponential)))


@_linoid.defjvp
def _linoid_jvp(primals: tuple[Values, Values], tangents: tuple[Values, Values]) -> tuple[Values, Values]:
    t, exponential = primals
    value = _linoid(t, exponential)
    return value, _linoid_slope(t, exponential, value) * tangents[0]


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _linoid_gate(opening: float, closing: float, t: Values, exponential: Values) -> tuple[Values, Values]:
    """Steady state and rate of `linoid_gate` with k = 1."""
    near = jnp.abs(t) < _SERIES_BELOW
    weight = opening + closing * exponential
    series = (opening + closing) * _even_part(t, near) + (0.5 * (opening - closing)) * t
    far = t * weight * reciprocal(jnp.where(near, 1.0, 1.0 - exponential))
    return opening * reciprocal(weight), jnp.where(near, series, far)


@_linoid_gate.defjvp
def _linoid_gate_jvp(
    opening: float, closing: float, primals: tuple[Values, Values], tangents: tuple[Values, Values]
) -> tuple[tuple[Values, Values], tuple[Values, Values]]:
    t, exponential = primals
    inf, rate = _linoid_gate(opening, closing, t, exponential)
    slope = (opening + closing) * _linoid_slope(t, exponential, _linoid(t, exponential)) - closing
    return (inf, rate), (inf * (1.0 - inf) * tangents[0], slope * tangents[0])


def _linoid_slope(t: Values, exponential: Values, value: Values) -> Values:
    """The derivative of t / (1 - exp(-t)): (1 - value e) / (1 - e), near 0 its series.

    That e is exp(-t) is used here, so that no derivative passes through `exponential`: whoever computed it, its part
    is in this. (The second derivative sees it, tied to t again.)
    """
    e = _tied(t, exponential)
    near = jnp.abs(t) < _SERIES_BELOW
    square = jnp.where(near, t * t, 0.0)
    series = 0.5 + t * (1 / 6 - square * (1 / 180 - square * (1 / 5040 - square * (1 / 151200 - square / 4790016))))
    return jnp.where(near, series, (1.0 - value * e) * reciprocal(jnp.where(near, 1.0, 1.0 - e)))


@jax.custom_jvp
def _tied(t: Values, exponential: Values) -> Values:
    """`exponential`, known to be exp(-t)."""
    return exponential


@_tied.defjvp
def _tied_jvp(primals: tuple[Values, Values], tangents: tuple[Values, Values]) -> tuple[Values, Values]:
    e = _tied(*primals)
    return e, -e * tangents[0]


def _even_part(t: Values, near: Array) -> Values:
    """t/2 coth(t/2) where `near`, 1 elsewhere."""
    square = jnp.where(near, t * t, 0.0)
    return 1.0 + square * (1 / 12 + square * (-1 / 720 + square * (1 / 30240 - square * (1 / 1209600))))
