"""The figures of a report: one sweep against its fits, and the losses over the steps. Owns what is drawn where."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy import ndarray

from . import style
from .data import SweepView
from .decimate import min_max

# Columns of pixels that a trace is drawn into at the widest: the best fit and its target, and the faint ones.
FINE, COARSE = 500, 250


def sweep_figure(sweep: SweepView, best: int | None, key: str, alt: str) -> Markup:
    """Target and fits above, stimulus below, on one time axis. ``best`` is drawn bold, the others faint."""
    with style.figure_style():
        figure = Figure(figsize=(5.6, 3.5), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(5.0, 1.0))
        for start, voltage in sorted(sweep.fits.items()):
            if start != best:
                _trace(upper, sweep.time, voltage, COARSE, color=style.OTHERS, linewidth=0.7, alpha=0.75)
        _trace(upper, sweep.time, sweep.target, FINE, color=style.TARGET, linewidth=1.0)
        shown = [sweep.target]
        if best is not None and best in sweep.fits:
            _trace(upper, sweep.time, sweep.fits[best], FINE, color=style.BEST, linewidth=1.5, alpha=0.85)
            shown.append(sweep.fits[best])
        # A start that ran away must not squeeze what the figure is about.
        upper.set_ylim(*_limits(np.concatenate(shown)))
        upper.set_ylabel("mV")
        upper.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
        upper.tick_params(bottom=False)
        upper.spines["bottom"].set_visible(False)
        style.quiet_grid(upper)
        _trace(lower, sweep.stimulus_time, sweep.stimulus, FINE, color=style.STIMULUS, linewidth=1.1)
        lower.set_ylabel("nA")
        lower.set_xlabel("ms")
        lower.set_ylim(*_limits(sweep.stimulus))
        lower.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
        if len(sweep.time) > 1:
            lower.set_xlim(float(sweep.time[0]), float(sweep.time[-1]))
        figure.align_ylabels([upper, lower])
        return style.to_svg(figure, key, alt)


def loss_figure(
    step: Float[ndarray, " step"],
    losses: Float[ndarray, "step start"],
    candidates: Float[ndarray, " candidate"] | None,
    best: int | None,
    key: str,
    alt: str,
) -> Markup:
    """Loss of every start over the steps on a log axis, the best bold, with the candidates' losses at the left."""
    with style.figure_style():
        figure = Figure(figsize=(5.6, 3.1), layout="constrained")
        axes = figure.subplots()
        for start in range(losses.shape[1]):
            bold = start == best
            shown = _positive(losses[:, start])
            # Validation is not watched at every step: lines join what there is.
            known = np.isfinite(shown)
            axes.plot(
                step[known],
                shown[known],
                color=style.BEST if bold else style.OTHERS,
                linewidth=1.8 if bold else 0.9,
                marker="o" if np.count_nonzero(known) < 2 else None,
                markersize=3,
                zorder=3 if bold else 2,
            )
        first, last = (float(step[0]), float(step[-1])) if len(step) else (0.0, 1.0)
        span = max(last - first, 1.0)
        axes.set_xlim(first - 0.06 * span, last + 0.02 * span)
        if candidates is not None and np.isfinite(candidates).any():
            drawn = _positive(candidates)
            at = np.full(len(drawn), first - 0.035 * span)
            axes.plot(at, drawn, linestyle="none", marker="_", markersize=9, color="#9ca3af", alpha=0.7)
            median = float(np.nanmedian(drawn))
            axes.axhline(median, color="#6b7280", linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
            axes.annotate(
                "median candidate",
                (last, median),
                textcoords="offset points",
                xytext=(0, 4),
                ha="right",
                color="#4b5563",
                fontsize=8.5,
            )
        log_axis(axes, losses, candidates)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        style.quiet_grid(axes)
        return style.to_svg(figure, key, alt)


def _trace(axes: Axes, time: ndarray, value: ndarray, columns: int, **line: object) -> None:
    axes.plot(*min_max(np.asarray(time), np.asarray(value), columns), **line)  # type: ignore[arg-type]


def _limits(values: ndarray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    margin = 0.06 * (high - low) or max(0.05 * abs(high), 1e-3)
    return low - margin, high + margin


def _positive(losses: ndarray) -> ndarray:
    """Losses that a log axis can show; others become gaps."""
    losses = np.asarray(losses, dtype=float)
    return np.where(np.isfinite(losses) & (losses > 0.0), losses, np.nan)


def log_axis(axes: Axes, losses: ndarray, candidates: ndarray | None) -> None:
    """A log axis with plain numbers, and with 2 and 5 labelled too where there are few decades."""
    everything = _positive(losses).ravel()
    if candidates is not None:
        everything = np.concatenate([everything, _positive(candidates)])
    everything = everything[np.isfinite(everything)]
    low, high = (everything.min(), everything.max()) if everything.size else (0.1, 1.0)
    decades = np.log10(high / low)
    pad = max(0.06 * decades, 0.05)
    axes.set_yscale("log")
    axes.set_ylim(low * 10**-pad, high * 10**pad)
    subdivisions = (1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=subdivisions, numticks=9))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
