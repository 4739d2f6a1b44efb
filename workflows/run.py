"""A run as its user looks at it: status, best parameters, traces, report. Reads while the run is being written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rallax.fitting.parameters import ParameterSpace
from rallax.storage import Checkpoint, RunStore, is_remote

from .course import STATES
from .errors import UserError, as_written
from .new_run import resolved_of
from .problem import space_of
from .resolve import ResolvedJob

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Status:
    """Where a run stands.

    `state` is "created", "running", "stopped", "failed" or "finished", as its log and last checkpoint tell.
    """

    name: str
    state: str
    step: int
    steps: int
    best_start: int | None
    best_loss: float | None
    validation_loss: float | None
    best_parameters: dict[str, float]
    at_bounds: dict[str, str]
    failures: list[str] = field(default_factory=list)
    checkpoint: int | None = None
    directory: str = ""


class SweepColumn(NamedTuple):
    """A sweep as a column of losses."""

    name: str
    use: str
    weight: float


def weighted_mean(losses: np.ndarray, columns: Sequence[SweepColumn], use: str) -> np.ndarray | None:
    """Mean over the sweeps of a use of losses (row, sweep), by their weights; None where there is no such sweep."""
    own = [i for i, column in enumerate(columns) if column.use == use]
    return np.average(losses[:, own], axis=1, weights=[columns[i].weight for i in own]) if own else None


class Run:
    """A stored run; `Run.open(path)`."""

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self._read: Checkpoint | None = None
        self._held = False

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open a run for reading.

        Raises:
            StorageError: no run, a damaged one, or one of a newer format.
        """
        return cls(RunStore.open(path))

    def events(self) -> list[dict[str, Any]]:
        """The log: those of its events that say of what kind they are."""
        return [event for event in self.store.read_log() if isinstance(event.get("kind"), str)]

    @property
    def location(self) -> str:
        """Where it is: a directory, or s3://…, gs://…"""
        return self.store.location

    @property
    def directory(self) -> Path:
        """Where it is on this machine. Raises UserError for a run in an object store; see `location`."""
        if is_remote(self.location):
            raise UserError(f"{self.location}: this run is in an object store and has no directory here")
        return Path(self.location)

    def place_of(self, file: str) -> str:
        """Where a file of the run is, such as report.html."""
        return f"{self.location}/{file}"

    @cached_property
    def resolved(self) -> ResolvedJob:
        """The job with its settings, as it was when the run was made."""
        return resolved_of(self.store)

    @property
    def space(self) -> ParameterSpace:
        """The free parameters."""
        return space_of(self.resolved.job)

    def latest(self) -> Checkpoint | None:
        """The last committed state, None when there is none yet. Its arrays are read once, until there is a newer."""
        if not self._held:
            self._read = self.store.latest(known=self._read)
        return self._read

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, all that is asked comes from one and the same state, whatever is committed meanwhile."""
        before = self._held
        self.latest()
        self._held = True
        try:
            yield
        finally:
            self._held = before

    @property
    def checkpoint(self) -> Checkpoint:
        """As `latest`. Raises UserError when there is none yet."""
        latest = self.latest()
        if latest is None:
            raise UserError(f"{self.location}: nothing is committed yet; wait, or resume it")
        return latest

    def best_start(self) -> int:
        """The start with the least training loss. Raises UserError when none is finite."""
        loss = self.best_losses()
        if not np.isfinite(loss).any():
            raise UserError(f"{self.location}: no start has a finite loss yet")
        return int(np.nanargmin(np.where(np.isfinite(loss), loss, np.nan)))

    def best_losses(self) -> np.ndarray:
        """(start,) least training loss of each start; NaN where there is none."""
        tree, starts = self.checkpoint.tree, self.resolved.job.fit.starts
        if "starts" not in tree:
            raise UserError(f"{self.location}: the candidates are still being drawn")
        with as_written(self.location):
            present, loss = np.asarray(tree["starts"]["present"]), _numbers(tree["best"]["loss"], starts)
            if present.dtype != bool or present.shape != loss.shape:
                raise TypeError("present is no list of true and false")
            return np.where(present, loss, np.nan)

    def parameters(self) -> np.ndarray:
        """(start, parameter) at each start's least loss, in physical units."""
        self.best_losses()
        job = self.resolved.job
        with as_written(self.location):
            return _numbers(self.checkpoint.tree["best"]["theta"], job.fit.starts, len(job.parameters))

    def best(self) -> dict[str, float]:
        """The best start's parameters by name."""
        theta = self.parameters()[self.best_start()]
        return {name: float(value) for name, value in zip(self.space.names, theta, strict=True)}

    def losses(self) -> dict[str, np.ndarray]:
        """Sweep -> (start,) unweighted loss at each start's best parameters; NaN before the end."""
        losses = self._losses_by_sweep()
        return {column.name: losses[:, i] for i, column in enumerate(self.columns())}

    def _losses_by_sweep(self) -> np.ndarray:
        with as_written(self.location):
            losses = self.checkpoint.tree["starts"]["best_losses"]
            return _numbers(losses, self.resolved.job.fit.starts, len(self.columns()))

    def columns(self) -> list[SweepColumn]:
        """All sweeps in the order of the losses' columns, from the run alone: its recordings may be elsewhere."""
        return list(self._columns)

    @cached_property
    def _columns(self) -> list[SweepColumn]:
        tables = {single.name: single.table for single in self.resolved.job.single_sweeps()}
        with as_written(self.location):
            names = self.store.attributes["sweeps"]
            return [SweepColumn(name, tables[name].use, tables[name].weight) for name in names]

    def traces(self) -> dict[str, xarray.DataArray]:
        """Sweep -> fitted voltage (start, site, time) in mV of the best starts, as xarray."""
        import xarray

        found = {}
        with as_written(self.location):
            for name in self.store.traces():
                group = self.store.read_traces(name)
                found[name] = xarray.DataArray(
                    group["voltage"].data,
                    dims=("start", "site", "time"),
                    coords={"start": group["start"].data, "time": group["time"].data},
                    attrs={"units": "mV"},
                    name=name,
                )
        return found

    def history(self) -> dict[str, np.ndarray]:
        """Rows of every step: "step" (step,) and columns (step, start)."""
        return {name: variable.data for name, variable in self.store.history(self.latest()).items()}

    def status(self) -> Status:
        """Where it stands."""
        with as_written(self.location), self.held():
            return self._status()

    def _status(self) -> Status:
        log = self.events()
        latest = self.latest()
        attrs: dict[str, Any] = {} if latest is None else latest.attrs
        last = next((e["kind"] for e in reversed(log) if e["kind"] in STATES), "")
        best: dict[str, Any] = {"best_start": None, "best_loss": None, "validation_loss": None}
        parameters: dict[str, float] = {}
        bounds: dict[str, str] = {}
        if latest is not None and "starts" in latest.tree and np.isfinite(self.best_losses()).any():
            start = self.best_start()
            parameters = self.best()
            bounds = self.space.at_bounds(self.parameters()[start])
            validation = self.validation_losses()
            best = {
                "best_start": start,
                "best_loss": float(self.best_losses()[start]),
                "validation_loss": None if validation is None else float(validation[start]),
            }
        return Status(
            name=self.resolved.job.name,
            state=STATES.get(last, "created"),
            step=0 if latest is None else latest.step,
            steps=int(attrs.get("steps", self.resolved.job.fit.steps)),
            best_parameters=parameters,
            at_bounds=bounds,
            failures=[str(e.get("message", e["kind"])) for e in log if e["kind"] in FAILURES],
            checkpoint=None if latest is None else latest.seq,
            directory=self.location,
            **best,
        )

    def validation_losses(self) -> np.ndarray | None:
        """(start,) weighted mean loss over the validation sweeps at each start's best parameters; None before the end
        or without such sweeps."""
        with as_written(self.location):
            losses = weighted_mean(self._losses_by_sweep(), self.columns(), "validate")
        return None if losses is None or not np.isfinite(losses).any() else losses

    def write_report(self) -> Path | str:
        """Write report.html anew and say where it is: a path, or the text of a remote place."""
        from .report import render
        from .run_report import report_data

        data = report_data(self)
        with as_written(self.location):
            html = render(data)
        # What a file of the run holds need not be text that can be written.
        self.store.for_writing().write_file("report.html", html.encode(errors="replace"))
        place = self.place_of("report.html")
        return place if is_remote(place) else Path(place)


def _numbers(values: object, *shape: int) -> np.ndarray:
    """A stored array of numbers as float64; TypeError where its shape is another."""
    found = np.asarray(values)
    if found.shape != shape or found.dtype.kind not in "fiu":
        raise TypeError(f"{found.dtype} of shape {found.shape}, not numbers of {shape}")
    return found.astype(np.float64)


#: Kinds of log events that tell of something that went wrong.
FAILURES = (
    "start stepped back",
    "start frozen",
    "start given up",
    "start quarantined",
    "item failed",
    "worker lost",
    "worker hangs",
    "item set apart",
    "fewer items at once",
    "worker not started",
    "device refused",
    "logger failed",
    "failed",
)
