"""[fit]: how many draws, starts and steps, and the optimiser.

Owns the keys. Which optimisers exist and what arguments they take belongs to `rallax.fitting`, which is asked for it
once everything else is right (it loads JAX).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from .faults import given
from .table import Table, check, wrong


class Scheduled(Table):
    """A schedule of optax by name; its arguments stand beside the name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]

    name: str = Field(min_length=1, description='Name in optax, such as "cosine_decay_schedule".')

    @model_validator(mode="after")
    def _plain(self) -> Scheduled:
        check(_argument_faults(self.__pydantic_extra__))
        return self


def _rate(value: Any) -> Any:
    if isinstance(value, dict | Scheduled):
        return Scheduled.model_validate(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        what = 'a number or a schedule such as { name = "cosine_decay_schedule", … }'
        raise wrong(("", f"must be {what}, not {given(value)}"))
    if not 0 < value < 1e6:
        raise wrong(("", f"must be above 0 and below 1e6, not {given(value)}"))
    return float(value)


Rate = Annotated[float | Scheduled, BeforeValidator(_rate), WithJsonSchema({"type": "number or table"})]


class Optimizer(Table):
    """An optimiser of optax that needs only gradients, or "polyak", by name; its further arguments stand beside it."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]

    name: str = Field(
        "adam",
        min_length=1,
        description='Name in optax, or "polyak" with mu, beta: step mu·loss·gradient/‖gradient‖^beta.',
    )
    learning_rate: Rate | None = Field(
        None, description='Step size, a number or a schedule { name = "cosine_decay_schedule", … } with its arguments.'
    )
    clip_norm: float | None = Field(
        None, gt=0, description="Gradients longer than this are shortened to it, start by start, before the optimiser."
    )

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments beside the named keys, as the job gives them."""
        return dict(self.__pydantic_extra__)

    @model_validator(mode="after")
    def _plain(self) -> Optimizer:
        check(_argument_faults(self.__pydantic_extra__))
        return self


def _argument_faults(arguments: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in arguments.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{inner}", message) for inner, message in _argument_faults(value))
        elif isinstance(value, float) and not abs(value) < float("inf"):
            yield key, f"must be a finite number, not {value}"
        elif not isinstance(value, bool | int | float | str):
            yield key, "must be a number, true, false, text or a table of these"


class Fit(Table):
    """[fit]: the search."""

    candidates: int = Field(
        64, ge=1, le=1_000_000, description="Forward-only draws within the bounds; the best become the starts."
    )
    starts: int = Field(8, ge=1, le=100_000, description="Parameter sets that are optimised side by side.")
    steps: int = Field(50, ge=0, le=10_000_000, description="Optimiser steps of each start.")
    sweeps_per_step: int = Field(
        0, ge=0, description="Training sweeps in each step, drawn at random; 0 for all of them."
    )
    optimizer: Optimizer = Field(
        Optimizer(name="adam", learning_rate=0.05, clip_norm=1.0), description="The optimiser and its arguments."
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of every random number of the fit.")

    @model_validator(mode="after")
    def _enough_candidates(self) -> Fit:
        if self.candidates < self.starts:
            raise wrong(
                ("candidates", f"is {self.candidates}, fewer than the {self.starts} starts; raise it or lower starts")
            )
        return self
