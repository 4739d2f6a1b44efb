"""The base of every table of the job, the value types that several tables share, and how a check reports a fault.

Owns: strictness (unknown keys, text in numbers), `Interval`, `Region` and the like, `wrong`. Does not own any key.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ..errors import nearest
from .faults import FAULTS, MISSING, faults_of, given

FEW = 20
"""Unknown keys of one table that are told one by one, each with the nearest known one."""


class Table(BaseModel):
    """A table of the job: frozen, no unknown keys, no conversions between types except whole number to number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _known_keys(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Name the nearest known key for each unknown one and say what a missing one is; other faults are found too."""
        if not isinstance(data, dict):
            return handler(data)
        fields, free = cls.model_fields, cls.model_config.get("extra") == "allow"
        known = {key: value for key, value in data.items() if free or key in fields}
        absent = [name for name, field in fields.items() if field.is_required() and name not in data]
        if len(known) == len(data) and not absent:
            return handler(data)
        unknown = [str(key) for key in data if key not in known]
        faults = [(key, f"unknown key; {nearest(key, fields)}") for key in unknown[:FEW]]
        if len(unknown) > FEW:
            faults.append(("", f"{len(unknown) - FEW} more unknown keys; known: {', '.join(fields)}"))
        faults += [(name, f"is missing: {fields[name].description}") for name in absent]
        try:
            handler(known)
        except ValidationError as error:
            faults += [fault for fault in faults_of(error, known) if fault != (fault[0], MISSING)]
        raise wrong(*faults)


def wrong(*faults: tuple[str, str]) -> PydanticCustomError:
    """The error that refuses the value under validation: each fault is (key below it, what is wrong, what is right)."""
    return PydanticCustomError(FAULTS, "{count} faults", {"count": len(faults), "faults": list(faults)})


def check(faults: Iterable[tuple[str, str]]) -> None:
    """Refuse the value under validation if there are any `faults`."""
    found = list(faults)
    if found:
        raise wrong(*found)


def plain_name(name: str) -> str:
    """Accept a name that can also name a file."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\-]*", name):
        raise wrong(("", f"{name!r} is no name; letters, digits, _ . and -, a letter or digit first"))
    return name


def _ordered(value: tuple[float, float]) -> tuple[float, float]:
    low, high = value
    if not low < high:
        raise wrong(("", f"the lower end {low:g} is not below the upper end {high:g}; write [lower, upper]"))
    return value


def _names(value: Any) -> Any:
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, list | tuple) or not value or not all(isinstance(v, str) and v for v in value):
        raise wrong(("", 'must be a region such as "soma" or "all", or a list of regions such as ["basal", "apical"]'))
    if len(set(value)) < len(value):
        raise wrong(("", "names a region twice; each region once"))
    return tuple(value)


Interval = Annotated[tuple[float, float], Field(strict=False), AfterValidator(_ordered)]
"""Two numbers, the first below the second."""

Region = Annotated[
    tuple[str, ...],
    Field(strict=False),
    BeforeValidator(_names),
    WithJsonSchema({"type": "region name or list of them"}),
]
"""One region name or a list of them, held as a tuple: all, soma, axon, basal, apical or a custom group."""


def word_or_number(
    words: str | tuple[str, ...],
    what: str,
    kind: type[int] | type[float],
    minimum: float = -math.inf,
    maximum: float = sys.float_info.max,
) -> Callable[[Any], int | float | str]:
    """A validator for one of `words` or a number (`what` describes it), with one fault where a union would give two."""
    words = (words,) if isinstance(words, str) else words

    def validate(value: Any) -> int | float | str:
        if isinstance(value, str) and value in words:
            return value
        number = isinstance(value, int | kind) and not isinstance(value, bool)
        # Compared before converted: a whole number may be too large for a float.
        if number and minimum <= value <= maximum and abs(value) <= sys.float_info.max:
            return kind(value)
        known = ", ".join(f'"{word}"' for word in words)
        raise wrong(("", f"must be {known} or {what}, not {given(value)}"))

    return validate
