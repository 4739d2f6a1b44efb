"""From the ``terms`` of a job to a loss: kind -> class, with checked arguments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxtyping import Array

from ..names import call_with, nearest
from .composite import CompositeLoss, Term
from .huber import Huber
from .loss import Loss
from .mae import MeanAbsoluteError
from .mse import MeanSquareError
from .user import UserLoss
from .window_stats import WindowStats
from .windows import Window

LOSSES: dict[str, Callable[..., Loss]] = {
    "mse": MeanSquareError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
    "window_stats": WindowStats,
}

Import = Callable[[str], Callable[[Array, Array, Array], Array]]


def build_loss(terms: Sequence[Mapping[str, Any]], import_function: Import | None = None) -> CompositeLoss:
    """The loss of ``[loss] terms``.

    Each term is ``{kind, weight = 1.0, window_ms = [start, stop], ...arguments of the kind}``. A kind with a colon
    names a user's function; ``import_function`` gives it (the caller decides where files are looked for).

    Raises:
        ValueError: an unknown kind or argument (names the nearest), a value that makes no sense, no terms.
    """
    if not terms:
        raise ValueError('[loss] terms: at least one term is needed, such as { kind = "mse", scale_mV = 5.0 }')
    return CompositeLoss(tuple(_build_term(i, term, import_function) for i, term in enumerate(terms)))


def _build_term(index: int, term: Mapping[str, Any], import_function: Import | None) -> Term:
    place = f"[loss] terms[{index}]"
    arguments = dict(term)
    kind = arguments.pop("kind", None)
    weight = arguments.pop("weight", 1.0)
    bounds = arguments.pop("window_ms", None)
    if not isinstance(kind, str):
        raise ValueError(f"{place}: kind must be given; known: {', '.join(sorted(LOSSES))}, or file.py:function")
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not math.isfinite(weight) or weight < 0:
        raise ValueError(f"{place}: weight = {weight!r} must be a finite number, 0 or above")

    loss: Loss
    if ":" in kind:
        if arguments:
            raise ValueError(f'{place}: a function of yours takes no arguments; remove "{next(iter(arguments))}"')
        if import_function is None:
            raise ValueError(f'{place}: kind = "{kind}" names a function, and none can be imported here')
        loss = UserLoss(import_function(kind), kind)
    elif kind in LOSSES:
        loss = call_with(f'{place} kind = "{kind}"', LOSSES[kind], arguments)
    else:
        raise ValueError(f'{place}: kind = "{kind}" is not known; {nearest(kind, LOSSES)}')

    window = None
    if bounds is not None:
        if not loss.takes_window:
            raise ValueError(f'{place}: kind = "{kind}" has windows of its own; remove window_ms')
        try:
            window = Window.of(bounds)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    return Term(loss, float(weight), window)
