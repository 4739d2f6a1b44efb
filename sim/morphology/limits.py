"""How large and how deep a reconstruction may be: every limit of the readers, each with its reason.

A file beyond one of them is refused in one line before anything is built of it. They are far above what was ever
traced: the largest published reconstructions have some 100,000 points, branch a few hundred times in a row and hang
some tens of neurites on the soma.
"""

from __future__ import annotations

from typing import Final

FILE_BYTES: Final = 128 * 2**20
"""A million points of SWC have 50 MB, of ASC 70 MB."""

POINTS: Final = 10**6
"""Ten times the largest reconstructions; read in some seconds and less than a gigabyte."""

DEPTH: Final = 2000
"""Branch points one above the other. MorphIO calls itself once for each: at tens of thousands it overruns its stack."""

SOMA_NEURITES: Final = 2000
"""Neurites on the soma: each is compared with every line that could begin it."""

COMPARTMENTS: Final = 10**6
"""Of one cell. Its tables take some hundred bytes each, a step of its simulation seconds."""

CHILD_BYTES: Final = 4 * 2**30
"""Memory of the process that reads an H5 file. A million points take 100 MB beside MorphIO's own 300."""

CHILD_SECONDS: Final = 60
"""Time of that process. A million points take about one second."""
