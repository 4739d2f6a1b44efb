"""The axon of a model: as reconstructed, the published stub in its place, or none."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from .discretize import discretize
from .distances import path_distances
from .errors import MorphologyError
from .reconstruction import AXON, Reconstruction, Section, canonical_order, reindexed

STUB_LENGTH = 30.0  # um, of each of its two cylinders
STUB_SECOND_BEYOND = 60.0  # um from the middle of the soma; where the second diameter is taken
STUB_DIAMETER_WITHOUT_AXON = 1.0  # um
SEGMENT_LENGTH = 40.0  # um, of the segments in whose middle one the published models read a diameter

Axon = Literal["reconstructed", "stub", "none"]


def with_axon(reconstruction: Reconstruction, axon: Axon) -> Reconstruction:
    """The reconstruction with its axon kept, replaced by a stub, or left out.

    The stub is two cylinders of 30 um, one compartment each, the first on the middle of the soma. Diameters: of the
    first axon section, and of the first one in the order of the sections whose middle is more than 60 um from the
    middle of the soma (the first again where there is none, or one section alone); each read in the middle of the
    section, as the mean over the middle one of its segments of about 40 um. Without an axon both are 1 um.
    Source: `replace_axon` of BluePyOpt (Van Geit et al. 2016, Front. Neuroinform. 10:17), used by Markram et al. 2015;
    there the stub hangs on the far end of the soma, here on its middle, as the neurites of a contour soma do.

    Raises:
        MorphologyError: (a ValueError) unknown `axon`, a stub without a soma, or other neurites that grow out of the
            axon and would lose their parent.
    """
    if axon not in ("reconstructed", "stub", "none"):
        raise MorphologyError(f'axon must be "reconstructed", "stub" or "none", not {axon!r}')
    if axon == "reconstructed":
        return reconstruction
    sections = list(reconstruction.sections)
    for i, section in enumerate(sections):
        if section.parent >= 0 and section.type_id != AXON and sections[section.parent].type_id == AXON:
            place = f"{reconstruction.source}: {section.group} section {i}"
            raise MorphologyError(f'{place} grows out of the axon; axon="reconstructed" keeps it')
    if all(section.type_id == AXON for section in sections):
        raise MorphologyError(f'{reconstruction.source}: holds nothing but axon; axon="reconstructed" keeps it')
    stub = _stub(reconstruction) if axon == "stub" else []
    kept = [i for i, section in enumerate(sections) if section.type_id != AXON]
    sections = [*reindexed(sections, kept), *stub]
    if stub:
        soma = Reconstruction(tuple(sections), reconstruction.source).require_soma("a stub axon")
        sections[-2] = replace(sections[-2], parent=soma)
        sections[-1] = replace(sections[-1], parent=len(sections) - 2)
    order = canonical_order([section.type_id for section in sections], [section.parent for section in sections])
    return Reconstruction(reindexed(sections, order), reconstruction.source)


def _stub(reconstruction: Reconstruction) -> list[Section]:
    """The two cylinders, in a straight line from the middle of the soma the way the first axon section goes."""
    soma = reconstruction.sections[reconstruction.require_soma("a stub axon")]
    start = discretize(soma, 1).centers[0]
    axon = [i for i, section in enumerate(reconstruction) if section.type_id == AXON]
    away = reconstruction.sections[axon[0]].points[-1] - start if axon else np.zeros(3)
    if not away.any():
        away = np.array([0.0, -1.0, 0.0])
    step = STUB_LENGTH * away / np.linalg.norm(away)
    return [
        Section(
            start + np.array([[k], [k + 1]]) * step,
            np.full(2, diameter / 2),
            AXON,
            parent=-1,
            parent_loc=0.5 if k == 0 else 1.0,
            first_point_own=k == 0,
            ncomp=1,
        )
        for k, diameter in enumerate(_stub_diameters(reconstruction, axon))
    ]


def _stub_diameters(reconstruction: Reconstruction, axon: list[int]) -> tuple[float, float]:
    if not axon:
        return STUB_DIAMETER_WITHOUT_AXON, STUB_DIAMETER_WITHOUT_AXON
    first = _middle_diameter(reconstruction.sections[axon[0]])
    if len(axon) == 1:
        return first, first
    distances = path_distances(reconstruction, [1] * len(reconstruction))
    beyond = next((i for i in axon if distances[i] > STUB_SECOND_BEYOND), axon[0])
    return first, _middle_diameter(reconstruction.sections[beyond])


def _middle_diameter(section: Section) -> float:
    """Mean diameter (um) over the length of the middle one of the section's segments."""
    segments = 1 + 2 * int(section.length / SEGMENT_LENGTH)
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(section.points, axis=0), axis=1))])
    bounds = travelled[-1] * (np.array([-0.5, 0.5]) / segments + 0.5)
    inner = (travelled > bounds[0]) & (travelled < bounds[1])
    at = np.concatenate([bounds[:1], travelled[inner], bounds[1:]])
    diameters = 2 * np.interp(at, travelled, section.radii)
    diameters[1:-1] = 2 * section.radii[inner]
    return float(np.sum((diameters[1:] + diameters[:-1]) / 2 * np.diff(at)) / (bounds[1] - bounds[0]))
