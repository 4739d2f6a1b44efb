"""How a benchmark or a slow test tells `verify.py` a figure: one line on standard output."""

from __future__ import annotations

PREFIX = "BAR\t"


def tell(bar: str, figure: str, limit: str, met: bool) -> None:
    """Print what was measured for `bar`, what it must be, and whether it is."""
    print(PREFIX + "\t".join((bar, figure, limit, "met" if met else "MISSED")), flush=True)
