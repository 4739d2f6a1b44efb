"""ReportData in, one self-contained HTML page out. Owns the order of the page; the template owns its words.

Everything that comes from a job, a file or a machine is escaped by the template, and the page forbids itself scripts
and outside resources, so that a report from someone else is safe to open.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .data import ReportData, SweepView
from .features import FEATURES, features_of, find_step
from .figures import loss_figure, sweep_figure
from .parameters import number, parameter_row
from .summary import facts, rms_error

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class SweepCard:
    """A sweep as the page shows it."""

    title: str
    site: str
    note: str
    figure: Markup


@dataclass(frozen=True)
class FeatureRows:
    """A sweep's features, printed: of the target and of the best start, in the order of `FEATURES`."""

    name: str
    use: str
    target: tuple[str, ...]
    fit: tuple[str, ...]


def render(data: ReportData) -> str:
    """The report as HTML text. The same data give the same text."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        data=data,
        css=Markup((_HERE / "report.css").read_text(encoding="utf-8")),
        facts=facts(data),
        sections=_sections(data),
        losses=_losses(data),
        rows=[parameter_row(parameter, data.best_start) for parameter in data.parameters],
        features=FEATURES,
        feature_rows=[_feature_rows(sweep, data.best_start) for sweep in data.sweeps],
        starts=data.history.train.shape[1],
    )


def _sections(data: ReportData) -> list[tuple[str, str, list[SweepCard]]]:
    """(use, heading, cards) of training and validation, each left out where it has no sweep."""
    sections = []
    for use, heading in (("train", "Training sweeps"), ("validate", "Validation sweeps")):
        cards = [_card(k, sweep, data.best_start) for k, sweep in enumerate(data.sweeps) if sweep.use == use]
        if cards:
            sections.append((use, heading, cards))
    return sections


def _card(index: int, sweep: SweepView, best: int | None) -> SweepCard:
    error = rms_error(sweep, best)
    notes = [] if error is None else [f"RMS error {number(error)} mV"]
    if sweep.loss is not None:
        notes.append(f"loss {number(sweep.loss)}")
    others = len(sweep.fits) - (best in sweep.fits)
    alt = (
        f"Sweep {sweep.name} at {sweep.site}: recorded voltage, "
        + (f"start {best} (best) " if best in sweep.fits else "no best start ")
        + f"and {others} other starts over {sweep.time[0]:g} to {sweep.time[-1]:g} ms; injected current below. "
        + ", ".join(notes)
    )
    return SweepCard(sweep.name, sweep.site, ", ".join(notes), sweep_figure(sweep, best, f"s{index}", alt))


def _losses(data: ReportData) -> list[tuple[str, Markup]]:
    """(heading, figure) of the training losses and, if they were watched, the validation losses."""
    history, best = data.history, data.best_start
    figures = []
    for heading, losses, candidates in (
        ("Training loss", history.train, history.candidates),
        ("Validation loss", history.validation, history.validation_candidates),
    ):
        if losses is None or not np.isfinite(losses).any():
            continue
        finite = losses[np.isfinite(losses)]
        alt = (
            f"{heading} of {losses.shape[1]} starts over {losses.shape[0]} steps on a logarithmic axis,"
            f" between {finite.min():.3g} and {finite.max():.3g}"
        )
        figures.append((heading, loss_figure(history.step, losses, candidates, best, heading.split()[0].lower(), alt)))
    return figures


def _feature_rows(sweep: SweepView, best: int | None) -> FeatureRows:
    step = find_step(sweep.stimulus_time, sweep.stimulus)
    fitted = sweep.fits.get(best) if best is not None else None
    return FeatureRows(
        sweep.name,
        sweep.use,
        _printed(features_of(sweep.time, sweep.target, step)),
        ("–",) * len(FEATURES) if fitted is None else _printed(features_of(sweep.time, fitted, step)),
    )


def _printed(values: dict[str, float | None]) -> tuple[str, ...]:
    return tuple(_feature_text(values[feature.efel_name], feature.decimals) for feature in FEATURES)


def _feature_text(value: float | None, decimals: int) -> str:
    # Adding 0.0 turns a rounded −0 into 0.
    return "–" if value is None else f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")
