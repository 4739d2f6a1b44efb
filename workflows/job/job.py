"""The job: its tables, and the rules between them.

Owns `Job`. Reading a file into one belongs to `load`, the tables' own rules to their files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from .compute import Compute
from .fit import Fit
from .logging import Logging
from .loss import Loss
from .model import Model
from .parameters import Parameter, parameter_faults
from .simulation import Simulation
from .storage import Storage
from .sweeps import Recording, SingleSweep, Sweep, sweep_faults
from .table import Table, check, plain_name


class Job(Table):
    """A fit as its user describes it: everything that the result depends on, and where it is computed and stored.

    File names are relative to `folder`, the folder of the job file.
    """

    name: Annotated[str, AfterValidator(plain_name)] = Field(max_length=100, description="Name of the job.")
    model: Model = Field(description="The cell.")
    parameters: tuple[Parameter, ...] = Field(strict=False, min_length=1, description="What is fitted.")
    sweeps: tuple[Sweep, ...] = Field(strict=False, min_length=1, description="The recordings.")
    recording: Recording = Field(Recording(), description="Corrections of the recordings.")
    simulation: Simulation = Field(Simulation(), description="The simulation.")
    loss: Loss = Field(description="What is minimised.")
    fit: Fit = Field(Fit(), description="The search.")
    compute: Compute = Field(Compute(), description="The workers.")
    storage: Storage = Field(Storage(), description="The run.")
    logging: Logging = Field(Logging(), description="Who else is told.")

    _folder: Path = PrivateAttr(default_factory=Path.cwd)
    _source: str = PrivateAttr(default="")

    @property
    def folder(self) -> Path:
        """The folder that file names are relative to (absolute)."""
        return self._folder

    @property
    def source(self) -> str:
        """The job file as it was named, "" for a job made in Python; it begins the lines of errors."""
        return self._source

    def path(self, name: str) -> Path:
        """A file name of the job as an absolute path."""
        return (self._folder / name).absolute()

    @property
    def run_directory(self) -> Path | str:
        """Where the run is written unless the command line says otherwise: a directory, or a remote place as a text."""
        run = self.storage.run or f"runs/{self.name}"
        if run.startswith("~/"):
            return Path.home() / run[2:]
        return run if "://" in run else self.path(run)

    def single_sweeps(self) -> tuple[SingleSweep, ...]:
        """Every sweep after the expansion of `numbers`, in the order of the job."""
        return tuple(single for sweep in self.sweeps for single in sweep.expand())

    def entries(self) -> Iterator[tuple[str, str]]:
        """(key, entry) of everything in Python that the job names: "file.py:Name" or "module:Name"."""
        if self.model.build is not None:
            yield "model.build", self.model.build
        for number, insert in enumerate(self.model.insert):
            if ":" in insert.mechanism:
                yield f"model.insert[{number}].mechanism", insert.mechanism
        yield from self.loss.entries

    def data_files(self) -> Iterator[tuple[str, str]]:
        """(key, file name) of every data file that the job names: morphology and recordings."""
        if self.model.morphology is not None:
            yield "model.morphology", self.model.morphology
        for number, sweep in enumerate(self.sweeps):
            for single in sweep.expand():
                yield f"sweeps[{number}].voltage", single.voltage
                if single.current is not None:
                    yield f"sweeps[{number}].current", single.current

    @model_validator(mode="after")
    def _consistent(self) -> Job:
        check(self._faults())
        return self

    def _faults(self) -> Iterator[tuple[str, str]]:
        built = self.model.build is not None
        yield from parameter_faults(self.parameters, built)
        yield from sweep_faults(self.sweeps, built)
        training = sum(len(list(sweep.expand())) for sweep in self.sweeps if sweep.use == "train")
        if self.fit.sweeps_per_step > training:
            yield (
                "fit.sweeps_per_step",
                f"is {self.fit.sweeps_per_step}, more than the {training} training sweeps; lower it, or 0 for all",
            )

        if self.simulation.lanes == "measure" and self.compute.gpus_per_worker:
            yield (
                "simulation.lanes",
                'is "measure", which times the cores of this machine, but the workers have GPUs; "auto" or a number',
            )

    def resolved(self) -> dict[str, Any]:
        """Every key with its value, defaults filled in, as plain data for JSON."""
        return self.model_dump(mode="json")
