"""[[parameters]]: what is fitted, between which bounds, and where in the cell it acts.

Owns: the keys of a parameter and the rules between several of them (names, overlaps, free constants of profiles).
Transforms and their arithmetic belong to `rallax.fitting`, the arithmetic of profiles to `..expression`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ..expression import FUNCTIONS, Expression, ExpressionError
from .model import REGIONS
from .table import Interval, Region, Table, check, wrong

DISTANCE = "d"


def _name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.\-]*", name):
        raise wrong(("", f"{name!r} is no name; letters, digits, _ . and -, a letter first"))
    return name


def _key(name: str) -> str:
    if not name.isidentifier():
        raise wrong(
            ("", f'{name!r} is no parameter; write it as the simulator does, such as "Ih_gbar" or "capacitance"')
        )
    return name


def _profile(text: str) -> str:
    try:
        Expression.parse(text)
    except ExpressionError as error:
        raise wrong(("", str(error))) from None
    return text


class Parameter(Table):
    """[[parameters]]: one number that is fitted. Without region and parameter it is a free constant for profiles."""

    name: Annotated[str, AfterValidator(_name)] = Field(
        max_length=100, description="Its name in the run, the report and, for a free constant, in profiles. Unique."
    )
    region: Region | None = Field(None, description=f"Where it acts: {REGIONS}.")
    parameter: Annotated[str, AfterValidator(_key)] | None = Field(
        None, description="What it sets there, such as `Ih_gbar` (S/cm²), `pas_e` (mV) or `capacitance` (µF/cm²)."
    )
    bounds: Interval = Field(description="[lower, upper] in the unit of the parameter.")
    transform: Literal["sigmoid", "log"] = Field(
        "sigmoid",
        description="How the bounded value is mapped to an unbounded one: evenly between the bounds, or evenly in its "
        "logarithm (lower bound above 0).",
    )
    profile: Annotated[str, AfterValidator(_profile)] | None = Field(
        None,
        max_length=1000,
        description="Factor along the cell: an expression in `d` (path distance in µm from the middle of the soma to "
        f"the compartment's centre) and free constants, with + - * / ^ ( ) and {' '.join(sorted(FUNCTIONS))}.",
    )

    @property
    def is_constant(self) -> bool:
        """Whether it is a free constant for profiles."""
        return self.region is None and self.parameter is None

    @property
    def profile_constants(self) -> tuple[str, ...]:
        """The names in its profile other than the distance."""
        if self.profile is None:
            return ()
        return tuple(name for name in Expression.parse(self.profile).names if name != DISTANCE)

    @model_validator(mode="after")
    def _consistent(self) -> Parameter:
        check(self._own_faults())
        return self

    def _own_faults(self) -> Iterator[tuple[str, str]]:
        low = self.bounds[0]
        if self.transform == "log" and low <= 0:
            yield (
                "bounds",
                f'the lower bound {low:g} must be above 0 for transform = "log"; raise it or use "sigmoid"',
            )
        if self.region is not None and self.parameter is None:
            yield "parameter", "is missing beside region; name what is set there, or leave both out for a free constant"
        if self.is_constant:
            if self.profile is not None:
                yield "profile", "does not go with a free constant; give region and parameter as well, or leave it out"
            if not self.name.isidentifier() or self.name == DISTANCE or self.name in FUNCTIONS:
                yield (
                    "name",
                    f"{self.name!r} cannot stand in a profile; a free constant needs a plain name, not d",
                )


def parameter_faults(parameters: Sequence[Parameter], built: bool) -> Iterator[tuple[str, str]]:
    """Faults between the parameters of a job; `built` says that the model comes from `[model] build`."""
    index: dict[str, int] = {}
    targets: list[tuple[int, str, tuple[str, ...]]] = []
    constants = {parameter.name for parameter in parameters if parameter.is_constant}
    used: set[str] = set()
    for number, parameter in enumerate(parameters):
        at = f"parameters[{number}]"
        if parameter.name in index:
            yield (
                f"{at}.name",
                f"{parameter.name!r} is the name of parameters[{index[parameter.name]}] too; use another",
            )
        index.setdefault(parameter.name, number)
        if built:
            yield from _built_faults(at, parameter)
            continue
        if parameter.parameter is not None and parameter.region is None:
            yield f"{at}.region", f"is missing beside parameter; {REGIONS}"
        if parameter.parameter is not None and parameter.region is not None:
            for other, key, region in targets:
                if key == parameter.parameter and (shared := _overlap(parameter.region, region)):
                    yield (
                        f"{at}.region",
                        f"{key} of {shared} is fitted by parameters[{other}] already; keep one",
                    )
            targets.append((number, parameter.parameter, parameter.region))
        for name in parameter.profile_constants:
            used.add(name)
            if name not in constants:
                have = ", ".join(["d", *sorted(constants)])
                yield f"{at}.profile", f"names {name!r}, which is no free constant of [[parameters]]; known: {have}"
    if not built:
        for name in sorted(constants - used):
            yield (
                f"parameters[{index[name]}]",
                f"{name!r} is in no profile and has no region and parameter; give them",
            )


def _built_faults(at: str, parameter: Parameter) -> Iterator[tuple[str, str]]:
    if parameter.region is not None:
        yield f"{at}.region", "does not go with [model] build, whose trainables say where they act; leave it out"
    if parameter.profile is not None:
        yield f"{at}.profile", "does not go with [model] build; leave it out"


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> str | None:
    """A region that both name, by the names alone: custom groups may share compartments unseen."""
    for name in one:
        if name in other or "all" in other:
            return name
    return other[0] if "all" in one else None
