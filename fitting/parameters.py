"""Free parameters: names, bounds and the map between the optimiser's unconstrained u and the model's theta.

Owns the transforms and the seeded draws of starts. Does not know what a parameter means to a model: that is bound
by whoever builds the `Problem`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .precision import float64_on_cpu

DRAW_MARGIN = 1e-6
"""Draws keep this fraction of the range from either bound, so that u stays finite and the gradient does not vanish."""


_BATCH = 64


@dataclass(frozen=True)
class Parameter:
    """One free scalar within bounds.

    ``transform`` names the space in which the parameter is a sigmoid of u and in which starts are drawn uniformly:
    ``"sigmoid"`` the bounds themselves, ``"log"`` their logarithms (then ``lower`` must be above 0).

    Raises:
        ValueError: bounds reversed, equal or not finite; ``"log"`` with a lower bound of 0 or below.
    """

    name: str
    lower: float
    upper: float
    transform: Literal["sigmoid", "log"] = "sigmoid"
    units: str = ""

    def __post_init__(self) -> None:
        place = f'parameter "{self.name}"'
        if not (math.isfinite(self.lower) and math.isfinite(self.upper)):
            raise ValueError(f"{place}: bounds = [{self.lower}, {self.upper}] must be two finite numbers")
        if not self.lower < self.upper:
            raise ValueError(
                f"{place}: bounds = [{self.lower}, {self.upper}] are reversed or equal; lower < upper is needed"
            )
        if self.transform not in ("sigmoid", "log"):
            raise ValueError(f'{place}: transform = "{self.transform}" is not known; "sigmoid" or "log"')
        if self.transform == "log" and self.lower <= 0.0:
            raise ValueError(f'{place}: transform = "log" needs a lower bound above 0, not {self.lower}')


@dataclass(frozen=True)
class ParameterSpace:
    """The free parameters of a fit in the job's order.

    u and theta are arrays whose last axis runs over the parameters. With s the logistic function, theta is
    ``lower + (upper - lower) s(u)``, or for ``"log"`` ``lower (upper / lower)^s(u)``.

    Raises:
        ValueError: no parameter, or two of one name.
    """

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ValueError("[[parameters]]: at least one free parameter is needed")
        names = self.names
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'[[parameters]]: the name "{name}" is given twice; names must differ')

    def __len__(self) -> int:
        return len(self.parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.parameters)

    @property
    def lower(self) -> Float[np.ndarray, " parameters"]:
        return np.array([p.lower for p in self.parameters])

    @property
    def upper(self) -> Float[np.ndarray, " parameters"]:
        return np.array([p.upper for p in self.parameters])

    @property
    def _is_log(self) -> np.ndarray:
        return np.array([p.transform == "log" for p in self.parameters])

    def _natural_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower bound and width of each parameter's natural space (logarithms where the transform is "log")."""
        is_log, lower, upper = self._is_log, self.lower, self.upper
        low = np.where(is_log, np.log(np.where(is_log, lower, 1.0)), lower)
        high = np.where(is_log, np.log(np.where(is_log, upper, 1.0)), upper)
        return low, high - low

    def to_theta(self, u: Float[Array | np.ndarray, "*batch parameters"]) -> Float[Array, "*batch parameters"]:
        """theta(u): elementwise, differentiable, within the bounds; computed in u's dtype."""
        u = jnp.asarray(u)
        low, width = (jnp.asarray(a, u.dtype) for a in self._natural_bounds())
        natural = low + width * jax.nn.sigmoid(u)
        # The second `where` keeps exp away from values that are no logarithms, whose overflow would poison gradients.
        theta = jnp.where(self._is_log, jnp.exp(jnp.where(self._is_log, natural, 0.0)), natural)
        return jnp.clip(theta, jnp.asarray(self.lower, u.dtype), jnp.asarray(self.upper, u.dtype))

    def to_u(self, theta: Float[np.ndarray, "*batch parameters"]) -> Float[np.ndarray, "*batch parameters"]:
        """u(theta) in float64; a value within `DRAW_MARGIN` of a bound is moved to that distance.

        Raises:
            ValueError: a value beyond its bounds, with the parameter's name.
        """
        theta = np.asarray(theta, np.float64)
        for i, p in enumerate(self.parameters):
            outside = (theta[..., i] < p.lower) | (theta[..., i] > p.upper)
            if np.any(outside):
                value = float(np.asarray(theta[..., i])[outside].flat[0])
                raise ValueError(f'parameter "{p.name}": {value} is beyond its bounds [{p.lower}, {p.upper}]')
        fraction = np.clip(self._fraction(theta), DRAW_MARGIN, 1.0 - DRAW_MARGIN)
        return np.log(fraction) - np.log1p(-fraction)

    def _fraction(self, theta: np.ndarray) -> np.ndarray:
        """Where theta lies between its bounds in natural space, 0 to 1."""
        low, width = self._natural_bounds()
        is_log = self._is_log
        natural = np.where(is_log, np.log(np.where(is_log, theta, 1.0)), theta)
        return (natural - low) / width

    def draw(self, seed: int, n: int, first: int = 0) -> Float[np.ndarray, "n parameters"]:
        """u of the draws ``first .. first + n - 1``: uniform in natural space.

        Each draw has a key of its own (the seed's key folded with the draw's index), so draw i is the same number
        however many are asked for.
        """
        with float64_on_cpu():
            base = jax.random.fold_in(jax.random.key(seed, impl="threefry2x32"), 0)
            # In batches of one size, so that any number of draws shares one compiled program.
            batches = range(first // _BATCH, (first + n - 1) // _BATCH + 1)
            rows = [np.asarray(_draw_batch(base, np.uint32(b * _BATCH), len(self))) for b in batches]
        u = np.concatenate(rows) if rows else np.zeros((0, len(self)))
        skipped = first % _BATCH
        return u[skipped : skipped + n]

    def at_bounds(self, theta: Float[np.ndarray, " parameters"], tolerance: float = 0.01) -> dict[str, str]:
        """The parameters at a bound, name to "lower" or "upper".

        At a bound is what lies within ``tolerance`` of the range from it, in natural space.
        """
        fraction = self._fraction(np.asarray(theta, np.float64))
        report = {}
        for name, f in zip(self.names, fraction, strict=True):
            if f <= tolerance:
                report[name] = "lower"
            elif f >= 1.0 - tolerance:
                report[name] = "upper"
        return report


@functools.partial(jax.jit, static_argnums=2)
def _draw_batch(base: Array, first: Array, n_parameters: int) -> Array:
    def one(index: Array) -> Array:
        key = jax.random.fold_in(base, index)
        fraction = jax.random.uniform(key, (n_parameters,), jnp.float64, minval=DRAW_MARGIN, maxval=1.0 - DRAW_MARGIN)
        return jnp.log(fraction) - jnp.log1p(-fraction)

    return jax.vmap(one)(first + jnp.arange(_BATCH, dtype=jnp.uint32))
