"""Optimisers by name: every one of optax that asks for nothing but gradients (and the loss), and `polyak`.

Owns the choice, the refusals and the clipping; the update itself, mapped over starts, is in `update`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
import optax.contrib
from jaxtyping import Array, Float

from .names import call_with, nearest
from .polyak import polyak
from .precision import float64_on_cpu
from .schedules import build_schedule

_REFUSED = {
    "lbfgs": "needs a line search, which evaluates the model within a step",
    "scale_by_backtracking_linesearch": "needs a line search, which evaluates the model within a step",
    "scale_by_zoom_linesearch": "needs a line search, which evaluates the model within a step",
    "sam": "needs a second gradient within a step",
    "sophia": "needs second derivatives",
    "dpsgd": "needs one gradient per example",
    "mechanize": "wraps another optimiser",
    "schedule_free": "wraps another optimiser",
    "galore": "factorises matrices, and the parameters of a fit are one vector",
    "muon": "factorises matrices, and the parameters of a fit are one vector",
    "reduce_on_plateau": "is no optimiser of its own",
}

_ON_THEIR_WAY_OUT = {"optimistic_adam"}
"""Deprecated by optax, which warns at every use; they count as unknown."""

_RATE_NAMES = ("learning_rate", "max_learning_rate")


@dataclass(frozen=True)
class Optimizer:
    """A gradient transformation for the vector of one start, and the learning rate it has after ``count`` updates.

    ``rate(count, loss)`` is NaN where the optimiser sets its own; for `polyak` it is mu * loss.
    """

    name: str
    transformation: optax.GradientTransformationExtraArgs
    rate: Callable[[Array, Array], Array]


def known_optimizers() -> dict[str, Callable[..., optax.GradientTransformation]]:
    """The optimisers that a job can name."""
    known: dict[str, Callable[..., optax.GradientTransformation]] = {"polyak": polyak}
    for module in (optax.contrib, optax):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith(("_", "scale_by_")) or name in _REFUSED or name in _ON_THEIR_WAY_OUT:
                continue
            if any(rate in inspect.signature(function).parameters for rate in _RATE_NAMES):
                known[name] = function
    return known


def build_optimizer(spec: Mapping[str, Any]) -> Optimizer:
    """The optimiser of ``[fit] optimizer = {name, clip_norm, ...its arguments}``.

    ``learning_rate`` is a number or a schedule ``{name, ...}`` over the start's updates. ``clip_norm`` scales each
    start's gradient down to this Euclidean norm.

    Raises:
        ValueError: an unknown name or argument (names the nearest); an optimiser that needs more than gradients.
    """
    place = "[fit] optimizer"
    arguments = dict(spec)
    name = arguments.pop("name", None)
    clip_norm = arguments.pop("clip_norm", None)
    known = known_optimizers()
    if name in _REFUSED:
        raise ValueError(f'{place}: "{name}" {_REFUSED[name]}; take one that needs only gradients, such as "adam"')
    if not isinstance(name, str) or name not in known:
        raise ValueError(f'{place}: name = "{name}" is not known; {nearest(str(name), known)}')
    for rate in _RATE_NAMES:
        if rate in arguments:
            arguments[rate] = build_schedule(f"{place}.{rate}", arguments[rate])
    for key, value in arguments.items():
        if callable(value) and key not in _RATE_NAMES:
            raise ValueError(f"{place}: {key} takes no function here")

    base = call_with(f'{place} name = "{name}"', known[name], arguments)
    if clip_norm is not None:
        if isinstance(clip_norm, bool) or not isinstance(clip_norm, (int, float)) or not clip_norm > 0.0:
            raise ValueError(f"{place}: clip_norm = {clip_norm!r} must be a number above 0")
        base = optax.chain(optax.clip_by_global_norm(float(clip_norm)), base)
    transformation = optax.with_extra_args_support(base)
    _probe(f'{place}: "{name}"', transformation)
    return Optimizer(name, transformation, _rate(name, arguments, known[name]))


def _rate(
    name: str, arguments: Mapping[str, Any], function: Callable[..., Any]
) -> Callable[[Float[Array, ""], Float[Array, ""]], Float[Array, ""]]:
    if name == "polyak":
        mu = float(arguments["mu"])
        return lambda count, loss: mu * loss
    if "learning_rate" in arguments:
        value = arguments["learning_rate"]
    else:
        parameter = inspect.signature(function).parameters.get("learning_rate")
        value = None if parameter is None or parameter.default is parameter.empty else parameter.default
    if value is None:
        return lambda count, loss: jnp.full_like(loss, jnp.nan)
    if callable(value):
        return lambda count, loss: jnp.asarray(value(count), loss.dtype)
    return lambda count, loss: jnp.full_like(loss, value)


def _probe(place: str, transformation: optax.GradientTransformationExtraArgs) -> None:
    """Trace one update with what the coordinator has: gradient, parameters and loss.

    Raises:
        ValueError: the optimiser wants more, or keeps a state that cannot be stored as arrays of numbers.
    """
    vector = jax.ShapeDtypeStruct((3,), jnp.float64)
    scalar = jax.ShapeDtypeStruct((), jnp.float64)

    def one(u: Array, gradient: Array, loss: Array) -> tuple[Any, Any]:
        return transformation.update(gradient, transformation.init(u), u, value=loss)

    try:
        with float64_on_cpu():
            _, state = jax.eval_shape(one, vector, vector, scalar)
    except Exception as error:  # optax's own faults differ in type; each means that it cannot be used this way
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{place} cannot be driven by gradients alone ({type(error).__name__}: {reason}); "
            'take one that needs only gradients, such as "adam"'
        ) from None
    for leaf in jax.tree.leaves(state):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            raise ValueError(f"{place} keeps a random key in its state, which a checkpoint cannot hold; take another")
