"""What the head of a report says: a handful of figures and one sentence, computed from the data alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .data import ReportData, SweepView
from .parameters import number, parameter_row


@dataclass(frozen=True)
class Fact:
    """A figure in the head: its label, the figure, and what it refers to."""

    label: str
    value: str
    note: str = ""
    bad: bool = False


def rms_error(sweep: SweepView, start: int | None) -> float | None:
    """Root mean square difference in mV of one start's voltage from the target, None without a finite trace."""
    if start is None or start not in sweep.fits:
        return None
    difference = np.asarray(sweep.fits[start], dtype=float) - np.asarray(sweep.target, dtype=float)
    error = float(np.sqrt(np.mean(difference**2))) if difference.size else float("nan")
    return error if np.isfinite(error) else None


def pooled_rms_error(sweeps: Iterable[SweepView], start: int | None) -> float | None:
    """Root of the mean over sweeps of their mean square difference, in mV; None where one of them has none."""
    errors = [rms_error(sweep, start) for sweep in sweeps]
    known = [error for error in errors if error is not None]
    if not known or len(known) < len(errors):
        return None
    return float(np.sqrt(np.mean(np.square(known))))


def facts(data: ReportData) -> list[Fact]:
    """The figures of the head, most wanted first."""
    training = [sweep for sweep in data.sweeps if sweep.use == "train"]
    validation = [sweep for sweep in data.sweeps if sweep.use == "validate"]
    steps, starts = data.history.train.shape
    where = "no start has a finite loss" if data.best_start is None else f"start {data.best_start}"
    if data.best_step is not None and data.best_start is not None:
        where += f", step {data.best_step}"
    found = [Fact("Best training loss", number(data.best_loss), where)]
    if data.best_validation_loss is not None:
        found.append(Fact("Its validation loss", number(data.best_validation_loss), _count(len(validation), "sweep")))
    gain = improvement(data)
    if gain is not None:
        which, factor = gain
        found.append(Fact("Median candidate ÷ best", f"{number(factor, 2)}×", f"in {which} loss"))
    for label, sweeps in (("RMS error, training", training), ("RMS error, validation", validation)):
        error = pooled_rms_error(sweeps, data.best_start)
        if error is not None:
            found.append(Fact(label, f"{number(error)} mV", _count(len(sweeps), "sweep")))
    found.append(Fact("Search", f"{starts} × {steps}", "starts × steps"))
    at_bound = [p.name for p in data.parameters if parameter_row(p, data.best_start).at_bound]
    found.append(
        Fact("Parameters", str(len(data.parameters)), f"{len(at_bound)} at a bound" if at_bound else "none at a bound")
    )
    found.append(Fact("Failures", str(len(data.failures)), "see below" if data.failures else "", bool(data.failures)))
    found += [Fact(label, value) for label, value in data.facts.items()]
    return found


def improvement(data: ReportData) -> tuple[str, float] | None:
    """How many times the best start's loss is below the candidates' median: of validation if known, else training."""
    pairs = (
        ("validation", data.history.validation_candidates, data.best_validation_loss),
        ("training", data.history.candidates, data.best_loss),
    )
    for which, candidates, loss in pairs:
        if candidates is not None and loss is not None and np.isfinite(candidates).any() and loss > 0.0:
            return which, float(np.nanmedian(np.where(np.isfinite(candidates), candidates, np.nan))) / loss
    return None


def _count(n: int, what: str) -> str:
    return f"{n} {what}" + ("" if n == 1 else "s")
