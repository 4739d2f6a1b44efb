"""Path distances along the tree of a reconstruction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from .reconstruction import Reconstruction


def path_distances(reconstruction: Reconstruction, ncomps: Sequence[int]) -> Float[np.ndarray, " comp"]:
    """Path distance in um from the middle of the (first) soma section to the centre of every compartment.

    Paths run along the sections; a gap between a neurite and the soma it hangs on has no length.

    Args:
        ncomps: compartments of each section, of equal length.

    Raises:
        MorphologyError: there is no soma.
    """
    soma = reconstruction.require_soma("the distance from its middle")
    sections = reconstruction.sections
    lengths = [section.length for section in sections]

    # Places are (section, position in um along it). The root of the tree is the soma or leads to it.
    to_soma: dict[int, float] = {soma: lengths[soma] / 2}  # section -> the place on it where the way to the origin ends
    travelled: dict[int, float] = {soma: 0.0}  # section -> distance of that place from the origin
    for i, section in enumerate(sections):
        if i == soma:
            continue
        place = section.parent_loc * lengths[section.parent]
        to_soma[i] = 0.0
        travelled[i] = travelled[section.parent] + abs(place - to_soma[section.parent])
    return np.concatenate(
        [
            travelled[i] + np.abs((np.arange(n) + 0.5) / n * length - to_soma[i])
            for i, (n, length) in enumerate(zip(ncomps, lengths, strict=True))
        ]
    )
