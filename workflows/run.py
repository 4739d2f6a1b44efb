"""A run as its user looks at it: status, best parameters, traces, report. Reads while the run is being written."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rallax.fitting.parameters import ParameterSpace
from rallax.storage import Checkpoint, RunStore

from .errors import UserError
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


class Run:
    """A stored run; `Run.open(path)`."""

    def __init__(self, store: RunStore) -> None:
        self.store = store

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open a run for reading.

        Raises:
            StorageError: no run, a damaged one, or one of a newer format.
        """
        return cls(RunStore.open(path))

    @property
    def directory(self) -> Path:
        """Where it is."""
        return Path(self.store.location)

    @cached_property
    def resolved(self) -> ResolvedJob:
        """The job with its settings, as it was when the run was made."""
        return resolved_of(self.store)

    @property
    def space(self) -> ParameterSpace:
        """The free parameters."""
        return space_of(self.resolved.job)

    @property
    def checkpoint(self) -> Checkpoint:
        """The last committed state. Raises UserError when there is none yet."""
        latest = self.store.latest()
        if latest is None:
            raise UserError(f"{self.directory}: nothing is committed yet; wait, or resume it")
        return latest

    def best_start(self) -> int:
        """The start with the least training loss. Raises UserError when none is finite."""
        loss = self.best_losses()
        if not np.isfinite(loss).any():
            raise UserError(f"{self.directory}: no start has a finite loss yet")
        return int(np.nanargmin(np.where(np.isfinite(loss), loss, np.nan)))

    def best_losses(self) -> np.ndarray:
        """(start,) least training loss of each start; NaN where there is none."""
        tree = self.checkpoint.tree
        if "starts" not in tree:
            raise UserError(f"{self.directory}: the candidates are still being drawn")
        return np.where(tree["starts"]["present"], tree["best"]["loss"], np.nan)

    def parameters(self) -> np.ndarray:
        """(start, parameter) at each start's least loss, in physical units."""
        self.best_losses()
        return np.asarray(self.checkpoint.tree["best"]["theta"])

    def best(self) -> dict[str, float]:
        """The best start's parameters by name."""
        theta = self.parameters()[self.best_start()]
        return {name: float(value) for name, value in zip(self.space.names, theta, strict=True)}

    def losses(self) -> dict[str, np.ndarray]:
        """Sweep -> (start,) unweighted loss at each start's best parameters; NaN before the end."""
        groups = self.sweep_names()
        losses = np.asarray(self.checkpoint.tree["starts"]["best_losses"])
        return {name: losses[:, i] for i, name in enumerate(groups)}

    def sweep_names(self) -> list[str]:
        """All sweeps in the order of the coordinator's table."""
        from .problem import group_tables

        return [name for group in group_tables(self.resolved.job) for name in group.sweeps]

    def traces(self) -> dict[str, xarray.DataArray]:
        """Sweep -> fitted voltage (start, site, time) in mV of the best starts, as xarray."""
        import xarray

        found = {}
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
        return {name: variable.data for name, variable in self.store.history().items()}

    def status(self) -> Status:
        """Where it stands."""
        log = self.store.read_log()
        latest = self.store.latest()
        attrs: dict[str, Any] = {} if latest is None else latest.attrs
        last = next((e["kind"] for e in reversed(log) if e["kind"] in _STATES), "")
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
            state=_STATES.get(last, "created"),
            step=0 if latest is None else latest.step,
            steps=int(attrs.get("steps", self.resolved.job.fit.steps)),
            best_parameters=parameters,
            at_bounds=bounds,
            failures=[e.get("message", e["kind"]) for e in log if e["kind"] in FAILURES],
            checkpoint=None if latest is None else latest.seq,
            directory=str(self.directory),
            **best,
        )

    def validation_losses(self) -> np.ndarray | None:
        """(start,) weighted mean loss over the validation sweeps at each start's best parameters; None before the end
        or without such sweeps."""
        from .problem import group_tables

        table = [(u, w) for g in group_tables(self.resolved.job) for u, w in zip(g.use, g.weights, strict=True)]
        columns = [i for i, (use, _) in enumerate(table) if use == "validate"]
        losses = np.asarray(self.checkpoint.tree["starts"]["best_losses"])[:, columns]
        if not columns or not np.isfinite(losses).any():
            return None
        return np.average(losses, axis=1, weights=[table[i][1] for i in columns])

    def write_report(self) -> Path:
        """Write report.html anew and say where it is."""
        from .report import render
        from .run_report import report_data

        html = render(report_data(self))
        RunStore.open(self.directory, write=True).write_file("report.html", html.encode())
        return self.directory / "report.html"


_STATES = {"started": "running", "resumed": "running", "stopped": "stopped", "failed": "failed", "finished": "finished"}
#: Kinds of log events that tell of something that went wrong.
FAILURES = (
    "start stepped back",
    "start frozen",
    "start given up",
    "start quarantined",
    "item failed",
    "worker lost",
    "worker hangs",
    "worker not started",
    "device refused",
    "failed",
)
