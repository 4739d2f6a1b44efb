"""SWEEP.toml: the keys, and the faults that show without looking at the base job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from ..job.storage import checked_place
from ..job.table import Table, check, plain_name

#: Jobs of one sweep; more are a slip of the axes rather than a wish.
MOST = 10_000

Changes = Annotated[dict[str, Any], WithJsonSchema({"type": "table { key of the job = value }"})]
Value = Annotated[bool | int | float | str, WithJsonSchema({"type": "value"})]


def table_faults(where: str, changes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys that were not quoted: TOML then reads fit.steps = 20 as a whole table that would replace the job's [fit]."""
    for key, value in changes.items():
        if isinstance(value, dict) and "." not in key:
            yield where, f'{key} is a whole table here; quote the key: "{key}.{next(iter(value), "KEY")}" = ...'


class Axis(Table):
    """[[axes]]: one thing that differs between the jobs; every value goes with every value of the other axes."""

    name: Annotated[str, AfterValidator(plain_name)] = Field(max_length=40, description="Its name in the table.")
    key: str | None = Field(
        None, min_length=1, description="The key of the job that takes each of `values`: fit.seed, sweeps[0].weight."
    )
    values: tuple[Value, ...] | None = Field(
        None, strict=False, min_length=1, description="The values of `key`; each names its jobs, so keep them short."
    )
    choices: Annotated[dict[str, Changes], WithJsonSchema({"type": "table { name = changes }"})] | None = Field(
        None,
        min_length=1,
        description='In place of key and values: name = { "key of the job" = value, ... }, several keys at once.',
    )

    @model_validator(mode="after")
    def _one_form(self) -> Axis:
        check(self._faults())
        return self

    def _faults(self) -> Iterator[tuple[str, str]]:
        for name, changes in (self.choices or {}).items():
            yield from table_faults(f"choices.{name}", changes)
        if (self.choices is None) == (self.key is None and self.values is None):
            yield "", "give key and values, or choices"
        elif self.choices is None and (self.key is None or self.values is None):
            yield "", "give both key and values; a table of several keys at once is choices"
        for name, _ in self.options():
            try:
                plain_name(name)
            except Exception:
                how = "letters, digits, _ . and -; name the value by choices"
                yield "choices" if self.choices is not None else "values", f"{name!r} is no name of a run: {how}"

    def options(self) -> list[tuple[str, dict[str, Any]]]:
        """(name, changes) of each value, in the order of the file."""
        if self.choices is not None:
            return list(self.choices.items())
        key = self.key or ""
        return [(str(value), {key: value}) for value in self.values or ()]


class JobSweep(Table):
    """A base job and what differs: every combination of the axes' values is a job with a run of its own."""

    name: Annotated[str, AfterValidator(plain_name)] = Field(max_length=100, description="Name of the sweep.")
    job: str = Field(min_length=1, description="The base job, a file relative to this one.")
    runs: Annotated[str, AfterValidator(checked_place)] | None = Field(
        None,
        min_length=1,
        description="Directory (relative to this file) or remote prefix that holds the runs, each named for its "
        "values. `runs/NAME` unless given.",
    )
    at_once: int = Field(
        1, ge=1, le=1000, description="Jobs that run side by side, each with the workers that it asks for."
    )
    set: Changes = Field({}, description='Changes for all jobs: { "fit.steps" = 20 }.')
    axes: tuple[Axis, ...] = Field(strict=False, min_length=1, description="What differs between the jobs.")

    @model_validator(mode="after")
    def _consistent(self) -> JobSweep:
        check(self._faults())
        return self

    def _faults(self) -> Iterator[tuple[str, str]]:
        yield from table_faults("set", self.set)
        names = [axis.name for axis in self.axes]
        for number, name in enumerate(names):
            if name in names[:number]:
                yield f"axes[{number}].name", f"{name!r} is there twice; each axis needs its own name"
        count = 1
        for axis in self.axes:
            count *= len(axis.options())
        if count > MOST:
            yield "axes", f"give {count} jobs, more than {MOST}; make several sweeps of it"
