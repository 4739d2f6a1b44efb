"""Draws example.png, the picture of the README, from a finished `make fit`:

    python docs/images/make.py [example/run]

The cell and what the best fit makes of the validation sweep, next to the loss of every start.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from rallax.workflows import Run
from rallax.workflows.report import style
from rallax.workflows.report.figures import log_axis
from rallax.workflows.run_report import report_data

COLOURS = {1: "#1f2328", 2: "#D55E00", 3: "#0072B2", 4: "#009E73"}
NAMES = {2: "axon", 3: "basal", 4: "apical"}


def draw_cell(axes: Axes, swc: Path) -> None:
    """The reconstruction, seen from the side, widths as drawn by its radii."""
    points = {int(row[0]): row for row in np.loadtxt(swc)}
    for row in points.values():
        if (parent := points.get(int(row[6]))) is not None:
            kind = int(row[1])
            axes.plot(*zip(row[2:4], parent[2:4], strict=True), color=COLOURS[kind], linewidth=0.5 + 0.8 * row[5])
        else:
            axes.plot(*row[2:4], "o", color=COLOURS[1], markersize=7)
    for k, (kind, name) in enumerate(NAMES.items()):
        axes.text(0.0, 0.97 - 0.05 * k, name, color=COLOURS[kind], transform=axes.transAxes)
    x = axes.get_xlim()[0]
    axes.plot([x, x + 100.0], [-215.0] * 2, color=COLOURS[1], linewidth=1.2)
    axes.text(x + 50.0, -222.0, "100 µm", ha="center", va="top")
    axes.set_aspect("equal")
    axes.set_axis_off()


def main(run_directory: Path) -> None:
    """Read the run and write the picture beside this file."""
    data = report_data(Run.open(run_directory))
    best = data.best_start or 0
    sweep = next(s for s in data.sweeps if s.use == "validate")
    with style.figure_style():
        figure = Figure(figsize=(9.0, 4.2), dpi=130, layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=(1.0, 2.2), height_ratios=(1.4, 1.0))
        draw_cell(figure.add_subplot(grid[:, 0]), run_directory.parent / "morphology.swc")
        trace, loss = figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])
        trace.plot(sweep.time, sweep.target, color=style.TARGET, linewidth=1.0, label="recorded")
        trace.plot(sweep.time, sweep.fits[best], color=style.BEST, linewidth=1.4, alpha=0.85, label="best fit")
        trace.set(xlabel="ms", ylabel="mV", xlim=sweep.time[[0, -1]])
        trace.set_title("A sweep that the fit has not seen", loc="left", fontsize=10)
        trace.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=2)
        for start, losses in enumerate(data.history.train.T):
            bold = start == best
            loss.plot(
                data.history.step,
                losses,
                color=style.BEST if bold else style.OTHERS,
                linewidth=1.8 if bold else 0.9,
                zorder=3 if bold else 2,
            )
        loss.set(xlabel="step", ylabel="loss")
        log_axis(loss, data.history.train, None)
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
    # 64 colours are enough for lines, at a quarter of the size.
    image = Image.open(picture).convert("RGB").quantize(64, dither=Image.Dither.NONE)
    image.save(Path(__file__).parent / "example.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "example/run"))
