"""What MorphIO reads of a file, as plain arrays: the only file that imports it.

Imports nothing of rallax, since `h5.py` also runs it as a program of its own. Owns no meaning of the arrays.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class MorphioArrays(NamedTuple):
    """`points` [n, 3] and `diameters` [n] in um of all neurites, float32; section k has the points from `offsets[k]` to
    `offsets[k + 1]`, the SWC type `types[k]` and the parent section `parents[k]` (-1: none). The soma's points alike.
    """

    points: np.ndarray
    diameters: np.ndarray
    offsets: np.ndarray
    types: np.ndarray
    parents: np.ndarray
    soma_points: np.ndarray
    soma_diameters: np.ndarray


def arrays_of(path: Path) -> MorphioArrays:
    """Reads a file. Raises RuntimeError for one that is damaged (MorphIO's errors derive from it)."""
    import morphio

    # The collector keeps MorphIO from writing its warnings to stderr.
    collector = morphio.WarningHandlerCollector()
    try:
        morphology = morphio.Morphology(
            str(path), options=morphio.Option.allow_unifurcated_section_change, warning_handler=collector
        )
    except UnicodeDecodeError:
        raise
    except (morphio.MorphioError, ValueError) as error:
        raise RuntimeError(str(error)) from None
    parents = np.full(len(morphology.section_types), -1, np.int64)
    connectivity: dict[int, list[int]] = morphology.connectivity
    for parent, children in connectivity.items():
        parents[children] = parent
    soma: Any = morphology.soma
    return MorphioArrays(
        np.asarray(morphology.points),
        np.asarray(morphology.diameters),
        np.asarray(morphology.section_offsets, np.int64),
        np.asarray(morphology.section_types, np.int64),
        parents,
        np.asarray(soma.points),
        np.asarray(soma.diameters),
    )
