"""From a run to what its report shows."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from .course import words_of
from .errors import as_written
from .new_run import unit_of
from .report import Failure, HistoryView, ParameterView, ReportData, SweepView
from .run import FAILURES, Run, weighted_mean


def report_data(run: Run) -> ReportData:
    """Everything that the report of a run shows, as far as the run has come.

    Raises:
        UserError: the run holds something else than rallax writes.
    """
    with as_written(run.location), run.held():
        return _report_data(run)


def _report_data(run: Run) -> ReportData:
    status = run.status()
    started = status.best_start is not None
    tree = run.checkpoint.tree if status.checkpoint is not None else {}
    validation = run.validation_losses() if started else None
    return ReportData(
        name=status.name,
        status=f"{status.state}, {status.step} of {status.steps} steps",
        best_start=status.best_start,
        best_loss=float("nan") if status.best_loss is None else status.best_loss,
        sweeps=tuple(_sweeps(run, status.best_start)),
        history=_history(run, tree),
        parameters=_parameters(run, started),
        best_validation_loss=None if validation is None or not started else float(validation[status.best_start or 0]),
        best_step=int(tree["best"]["step"][status.best_start]) if started else None,
        failures=tuple(_failures(run)),
        facts=_facts(run),
        provenance=_provenance(run),
        job_toml=run.store.read_file("job.toml").decode("utf-8", errors="replace"),
        created=_readable(str(run.store.attributes.get("created", ""))),
    )


def _facts(run: Run) -> dict[str, str]:
    seconds, began, last = 0.0, None, 0.0
    for event in run.events():
        time = event.get("time")
        if not isinstance(time, float):
            continue
        if event["kind"] in ("started", "resumed"):
            seconds += 0.0 if began is None else last - began
            began = time
        last = time
    return {} if began is None else {"Fitted in": words_of(seconds + last - began)}


def _sweeps(run: Run, best: int | None) -> list[SweepView]:
    job, traces = run.resolved.job, run.traces()
    losses = run.losses() if best is not None else {}
    views = []
    for single in job.single_sweeps():
        group = run.store.read_sweep(single.name)
        fitted = traces.get(single.name)
        fits = {} if fitted is None else {int(s): fitted.sel(start=s).values[0] for s in fitted["start"].values}
        loss = losses.get(single.name)
        site = group.attrs["site"]
        place = site.get("region", f"recording {site.get('recording')}")
        if "distance_um" in site:
            place += f" at {site['distance_um']:g} um"
        has_current = "current" in group.variables
        views.append(
            SweepView(
                name=single.name,
                use=group.attrs["use"],
                time=group["time"].data,
                target=group["voltage"].data[0],
                stimulus_time=group["step_time"].data if has_current else np.zeros(0),
                stimulus=group["current"].data if has_current else np.zeros(0),
                fits=fits,
                site=place,
                loss=None if loss is None or best is None or not np.isfinite(loss[best]) else float(loss[best]),
            )
        )
    return views


def _history(run: Run, tree: dict[str, Any]) -> HistoryView:
    rows = run.history()
    candidates = np.asarray(tree["candidates"]["losses"]) if tree else None

    def mean(use: str) -> np.ndarray | None:
        return None if candidates is None else weighted_mean(candidates, run.columns(), use)

    starts = run.resolved.job.fit.starts
    return HistoryView(
        step=rows["step"].astype(float) if rows else np.zeros(0),
        train=rows["loss"] if rows else np.zeros((0, starts)),
        validation=rows.get("validation_loss"),
        candidates=mean("train"),
        validation_candidates=mean("validate"),
    )


def _parameters(run: Run, started: bool) -> tuple[ParameterView, ...]:
    job = run.resolved.job
    values = run.parameters() if started else np.full((job.fit.starts, len(job.parameters)), np.nan)
    present = run.best_losses() if started else np.full(job.fit.starts, np.nan)
    return tuple(
        ParameterView(
            name=p.name,
            lower=p.bounds[0],
            upper=p.bounds[1],
            values=np.where(np.isfinite(present), values[:, i], np.nan),
            transform=p.transform,
            unit=unit_of(p.parameter),
            region=", ".join(p.region or ()),
        )
        for i, p in enumerate(job.parameters)
    )


def _failures(run: Run) -> list[Failure]:
    return [
        Failure(event["kind"], str(event.get("message", "")), _whole(event.get("start")), _whole(event.get("step")))
        for event in run.events()
        if event["kind"] in FAILURES
    ]


def _provenance(run: Run) -> dict[str, dict[str, str]]:
    attributes, resolved = run.store.attributes, run.resolved
    latest = run.latest()
    log = run.events()
    times = [e["time"] for e in log if isinstance(e.get("time"), int | float)]
    sessions = [e for e in log if e.get("kind") in ("started", "resumed")]
    fit = {
        "job hash": resolved.hash,
        "seed": str(attributes.get("seed")),
        "created": str(attributes.get("created", "")),
        "sessions": str(len(sessions)),
        "time from first to last event": f"{max(times) - min(times):.0f} s" if times else "",
        "last checkpoint": "none" if latest is None else f"{latest.seq} (step {latest.step})",
    }
    machine = {
        "device": str(latest.attrs.get("device", "")) if latest is not None else "",
        "precision": str(attributes.get("precision", "")),
        "system": str(sessions[-1].get("system", "")) if sessions else "",
        "Python": str(sessions[-1].get("python", "")) if sessions else "",
    }
    shape = {key: str(value) for key, value in resolved.settings.items()}
    files = {f.name: f.sha256 for f in resolved.files}
    versions = {str(k): str(v) for k, v in attributes.get("versions", {}).items()}
    return {"Fit": fit, "Versions": versions, "Machine": machine, "Shape of the work": shape, "Files (SHA-256)": files}


def _whole(value: object) -> int | None:
    return value if type(value) is int else None


def _readable(moment: str) -> str:
    """An ISO time in UTC as people write it."""
    try:
        return datetime.datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return moment
