"""How the figures look and how one becomes SVG inside a page. Owns colours and the clean-up; draws nothing itself.

Colours are of Okabe and Ito's set, which stays apart for every common colour blindness.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

TARGET = "#1f2328"
BEST = "#0072B2"
OTHERS = "#8FC1E3"
STIMULUS = "#6b7280"
GRID = "#e5e7eb"

_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "rallax",
    "text.parse_math": False,
    "font.size": 9.0,
    "axes.linewidth": 0.8,
    "axes.edgecolor": "#9ca3af",
    "axes.labelcolor": "#374151",
    "xtick.color": "#6b7280",
    "ytick.color": "#6b7280",
    "xtick.labelcolor": "#374151",
    "ytick.labelcolor": "#374151",
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "path.simplify": True,
    "path.simplify_threshold": 0.2,
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Inside, figures are drawn in the report's style, whatever the caller's matplotlib is set to."""
    with mpl.rc_context():
        mpl.rcdefaults()
        with mpl.rc_context(_RC):
            yield


def quiet_grid(axes: Axes) -> None:
    """Faint horizontal lines behind the data."""
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)


def to_svg(figure: Figure, key: str, alt: str) -> Markup:
    """The figure as an `<svg>` element for a page, described by ``alt``; ``key`` keeps its ids apart from others'.

    Same figure, same text: no date, no random ids. Fonts and line joins come from the page's style sheet, and sizes
    from its width.
    """
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", text)
    text = re.sub(r'\bid="', f'id="{key}-', text)
    text = re.sub(r"url\(#", f"url(#{key}-", text)
    text = re.sub(r'href="#', f'href="#{key}-', text)
    # Hundredths of a pixel are enough; they halve the size of a long trace.
    text = re.sub(r' d="([^"]*)"', lambda match: ' d="' + _short_path(match[1]) + '"', text)
    head = re.sub(r' (width|height)="[^"]*"', "", text[: text.index(">")])
    return Markup(f'{head} role="img" aria-label="{escape(alt)}"' + text[text.index(">") :].rstrip())


def _short_path(path: str) -> str:
    short = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), path)
    return re.sub(r"\s+", " ", short).strip()
