"""Learning rates that change with the number of updates: optax's schedules by name."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import optax

from .names import call_with, nearest

Schedule = Callable[[Any], Any]

_NOT_BY_NAME = {"join_schedules", "inject_hyperparams", "inject_stateful_hyperparams"}


def known_schedules() -> dict[str, Callable[..., Schedule]]:
    """optax's schedules that a job can name."""
    return {
        name: function
        for name, function in inspect.getmembers(optax.schedules, inspect.isfunction)
        if not name.startswith("_") and name not in _NOT_BY_NAME
    }


def build_schedule(place: str, value: object) -> Schedule | float:
    """A number as it is, or the schedule of ``{name, ...its arguments}``.

    Raises:
        ValueError: an unknown name or argument (names the nearest), or a number that is not one.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, Mapping)):
        raise ValueError(f"{place} = {value!r} must be a number or a schedule such as {{ name = ..., ... }}")
    if not isinstance(value, Mapping):
        if not (math.isfinite(value) and value > 0.0):
            raise ValueError(f"{place} = {value} must be a finite number above 0")
        return float(value)
    arguments = dict(value)
    name = arguments.pop("name", None)
    schedules = known_schedules()
    if name not in schedules:
        raise ValueError(f'{place}: the schedule "{name}" is not known; {nearest(str(name), schedules)}')
    if "boundaries_and_scales" in arguments:
        arguments["boundaries_and_scales"] = _boundaries(place, arguments["boundaries_and_scales"])
    schedule: Schedule = call_with(f'{place} name = "{name}"', schedules[name], arguments)
    return schedule


def _boundaries(place: str, table: object) -> dict[int, float]:
    # The keys of a TOML table are strings; optax wants step numbers.
    try:
        return {int(step): float(scale) for step, scale in dict(table).items()}  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise ValueError(f"{place}: boundaries_and_scales = {table!r} must map numbers of updates to scales") from None
