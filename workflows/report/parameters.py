"""Where each parameter lies between its bounds, as rows for the page: positions, rounding and the at-bound mark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from .data import ParameterView

# A value within this share of the range (of the logarithm's range for "log") counts as at its bound.
AT_BOUND = 0.01


@dataclass(frozen=True)
class ParameterRow:
    """One line of the dot plot; ``dots`` are shares of the range from 0 (lower) to 1 (upper)."""

    name: str
    region: str
    unit: str
    lower: str
    upper: str
    best: str
    scale: str
    dots: tuple[float, ...]
    best_dot: float | None
    at_bound: str | None


def parameter_row(parameter: ParameterView, best: int | None) -> ParameterRow:
    """The row of one parameter; ``best`` is the number of the best start, None if there is none."""
    shares = share_of_range(parameter, np.asarray(parameter.values, dtype=float))
    known = np.isfinite(shares)
    has_best = best is not None and best < len(shares) and bool(known[best])
    best_share = float(shares[best]) if has_best and best is not None else None
    return ParameterRow(
        name=parameter.name,
        region=parameter.region,
        unit=parameter.unit.replace("^2", "²"),
        lower=number(parameter.lower),
        upper=number(parameter.upper),
        best=number(float(parameter.values[best])) if has_best and best is not None else "–",
        scale="log" if parameter.transform == "log" else "",
        dots=tuple(round(float(s), 4) for k, s in enumerate(shares) if known[k] and k != best),
        best_dot=None if best_share is None else round(best_share, 4),
        at_bound=None if best_share is None else _bound(best_share),
    )


def share_of_range(parameter: ParameterView, values: Float[ndarray, " start"]) -> Float[ndarray, " start"]:
    """Where values lie between the bounds, 0 to 1, evenly or evenly in the logarithm as the parameter is fitted."""
    lower, upper = parameter.lower, parameter.upper
    if parameter.transform == "log":
        with np.errstate(invalid="ignore", divide="ignore"):
            values, lower, upper = np.log(values), np.log(lower), np.log(upper)
    return np.clip((values - lower) / (upper - lower), 0.0, 1.0)


def number(value: float, digits: int = 3) -> str:
    """A number for reading: ``digits`` significant ones, a true minus, powers of ten only where zeros would pile up."""
    if not np.isfinite(value):
        return "–"
    text = f"{value:.{digits}g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def _bound(share: float) -> str | None:
    if share <= AT_BOUND:
        return "lower"
    return "upper" if share >= 1.0 - AT_BOUND else None
