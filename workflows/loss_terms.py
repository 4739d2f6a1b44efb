"""The job's loss terms as `rallax.fitting` takes them for one sweep: owns the change of clock and tiled windows."""

from __future__ import annotations

import itertools
import math
from typing import Any

from .job import Job
from .job.loss import SampleTerm, WindowStatsTerm
from .sweeps import PreparedSweep


def terms_for(job: Job, sweep: PreparedSweep) -> list[dict[str, Any]]:
    """The terms of ``[loss]`` for `rallax.fitting.losses.build_loss`, with windows in ms from the simulation's start.

    In the job they count from the start of the sweep. `width_ms` becomes windows side by side over the sweep's window,
    the last of which takes what is left.
    """
    terms = []
    for term in job.loss.terms:
        arguments = term.model_dump(exclude_none=True)
        if isinstance(term, WindowStatsTerm):
            arguments.pop("width_ms", None)
            arguments["windows_ms"] = [_shifted(window, sweep) for window in term.windows_ms or _tiles(term, sweep)]
        elif isinstance(term, SampleTerm) and term.window_ms is not None:
            arguments["window_ms"] = _shifted(term.window_ms, sweep)
        terms.append(arguments)
    return terms


def _shifted(window: tuple[float, float], sweep: PreparedSweep) -> list[float]:
    return [window[0] - sweep.start_ms, window[1] - sweep.start_ms]


def _tiles(term: WindowStatsTerm, sweep: PreparedSweep) -> list[tuple[float, float]]:
    width = term.width_ms or math.inf
    begin, end = sweep.window_ms
    # A millionth of a width is rounding, not one more window.
    count = max(1, math.floor((end - begin) / width + 1e-6))
    edges = [begin + number * width for number in range(count)] + [end]
    return list(itertools.pairwise(edges))
