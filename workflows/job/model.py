"""[model]: the cell and what is set and inserted in it before anything is fitted.

Owns: the keys of the table and the faults that can be seen without the cell. Whether a region, a parameter or a
mechanism exists in this cell is found when the cell is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ..entry import check_entry
from .table import Region, Table, check, wrong

REGIONS = '"all", "soma", "axon", "basal", "apical", a custom group, or a list of these'


def _build_entry(entry: str) -> str:
    problem = check_entry(entry)
    if problem:
        raise wrong(("", problem))
    return entry


def _mechanism(name: str) -> str:
    if not name.isidentifier():
        problem = check_entry(name)
        if problem:
            raise wrong(("", f'{name!r} is no mechanism; a library name such as "Ih", or {problem.partition("; ")[2]}'))
    return name


class Discretization(Table):
    """How sections are cut into compartments: exactly one of the three rules."""

    d_lambda: float | None = Field(
        None, gt=0, le=10, description="Longest compartment as a fraction of the length constant at 100 Hz."
    )
    ncomp: int | None = Field(None, ge=1, le=10_000, description="Compartments in every section.")
    max_length_um: float | None = Field(None, gt=0, description="Longest compartment in µm.")

    @model_validator(mode="after")
    def _one_rule(self) -> Discretization:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "nothing"
            raise wrong(("", f"has {found}; give exactly one of d_lambda, ncomp, max_length_um"))
        return self


class SetValues(Table):
    """[[model.set]]: values given to a region, in the order of the file; d_lambda goes by them."""

    region: Region = Field(description=f"Where: {REGIONS}.")
    values: dict[str, float] = Field(
        min_length=1,
        description="Parameter = value, in the simulator's units: axial_resistivity in Ω·cm, capacitance in µF/cm², "
        "conductance densities (`<Mechanism>_gbar`) in S/cm², reversal potentials in mV.",
    )


class Insert(Table):
    """[[model.insert]]: a mechanism put into a region."""

    region: Region = Field(description=f"Where: {REGIONS}.")
    mechanism: Annotated[str, AfterValidator(_mechanism)] = Field(
        description='A name of the library such as "pas", or "module:Class", or "file.py:Class".'
    )


class Model(Table):
    """[model]: a reconstruction with mechanisms, or a cell or network built in Python."""

    morphology: str | None = Field(
        None,
        min_length=1,
        description="Reconstruction file: SWC, Neurolucida ASC or H5. Needed unless `build` is given.",
    )
    discretization: Discretization = Field(
        Discretization(d_lambda=0.1), description="How sections are cut into compartments."
    )
    axon: Literal["reconstructed", "stub", "none"] = Field(
        "reconstructed",
        description="The reconstructed axon, a stub of 60 µm (two cylinders of 30 µm) in its place, or none.",
    )
    temperature_C: float = Field(
        34.0, ge=0, le=60, description="Temperature of mechanisms and Nernst potentials in °C."
    )
    set: tuple[SetValues, ...] = Field((), strict=False, description="Values by region.")
    insert: tuple[Insert, ...] = Field((), strict=False, description="Mechanisms by region.")
    build: Annotated[str, AfterValidator(_build_entry)] | None = Field(
        None,
        description='"file.py:function" or "module:function" that returns a cell or network with its trainables, '
        "stimuli and recordings. Excludes every other key of this table.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Model:
        check(self._source_faults())
        return self

    def _source_faults(self) -> Iterator[tuple[str, str]]:
        if self.build is None:
            if self.morphology is None:
                yield "morphology", 'is missing; name a reconstruction, or give build = "file.py:function"'
        else:
            # A resolved job names every key; what it names at its default is not what the user wrote.
            fields = type(self).model_fields
            given = {
                k for k in self.model_fields_set if getattr(self, k) != fields[k].get_default(call_default_factory=True)
            }
            for key in sorted(given - {"build"}):
                yield key, "does not go with build, whose function makes the whole model; leave one of them out"
        seen: dict[str, tuple[str, ...]] = {}
        for number, insert in enumerate(self.insert):
            before = seen.get(insert.mechanism, ())
            if twice := [name for name in insert.region if name in before]:
                yield f"insert[{number}]", f"puts {insert.mechanism} into {twice[0]} a second time; leave one out"
            seen[insert.mechanism] = (*before, *insert.region)
