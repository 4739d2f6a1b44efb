"""Section by section against NEURON's importer: tree, points, areas, resistances, length constants, distances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rallax.sim.morphology import (
    Reconstruction,
    count_compartments,
    discretize_all,
    path_distances,
    read_reconstruction,
    with_axon,
)

pytestmark = pytest.mark.peers

FILES = (
    "morphologies/allen_485574832.swc",
    "morphologies/ca1_n120.swc",
    "morphologies/ca1_n120_single_point_soma.swc",
    "morphologies/rat_l5pc_with_axon.swc",
    "rat_l5ttpc/morphology.asc",
)
KINDS = {"soma": 1, "axon": 2, "dend": 3, "apic": 4}
RELATIVE = 1e-5  # both keep coordinates in float32

SOMA_CONVENTIONS = {
    "one point": "1 1 0 0 0 5 -1\n2 3 0 5 0 1 1\n3 3 0 10 0 2 2\n4 2 5 0 0 1 1\n5 2 9 0 0 1 4\n",
    "one point, neurite of one point": "1 1 0 0 0 5 -1\n2 3 0 8 0 1 1\n",
    "three-point sphere": "1 1 0 0 0 5 -1\n2 1 0 -5 0 5 1\n3 1 0 5 0 5 1\n4 3 5 0 0 1 1\n5 3 10 0 0 1 4\n",
    "three points in a row, neurite in between": (
        "1 1 0 0 0 5 -1\n2 1 0 5 0 6 1\n3 1 0 10 0 5 2\n4 3 5 5 0 1 2\n5 3 10 5 0 1 4\n"
    ),
    "neurites at both ends": (
        "1 1 0 0 0 5 -1\n2 1 0 5 0 6 1\n3 1 0 10 0 5 2\n4 3 0 15 0 1 3\n5 3 0 25 0 1 4\n"
        "6 4 0 -5 0 2 1\n7 4 0 -50 0 1 6\n"
    ),
    "two points": "1 1 0 0 0 5 -1\n2 1 0 5 0 5 1\n3 3 5 5 0 1 2\n4 3 10 5 0 1 3\n",
    "soma that branches at its root": (
        "1 1 0 0 0 5 -1\n2 1 0 5 0 4 1\n3 1 0 9 0 3 2\n4 1 0 -5 0 4 1\n5 1 0 -8 0 3 4\n"
        "6 3 5 0 0 1 1\n7 3 15 0 0 1 6\n8 4 0 20 0 2 3\n9 4 0 90 0 1 8\n10 3 0 -20 0 1 5\n11 3 0 -40 0 1 10\n"
    ),
    "type changes along a path": ("1 1 0 0 0 5 -1\n2 3 0 5 0 1 1\n3 3 0 10 0 2 2\n4 4 0 15 0 1 3\n5 4 0 20 0 1 4\n"),
    "points that repeat": (
        "1 1 0 0 0 5 -1\n2 3 0 5 0 1 1\n3 3 0 5 0 2 2\n4 3 0 20 0 2 3\n5 3 0 20 0 1 4\n6 3 0 30 0 1 5\n"
        "7 3 0 20 0 .5 4\n8 3 9 30 0 .5 7\n"
    ),
    "path that goes on elsewhere in the file": (
        "1 1 0 0 0 5 -1\n2 3 0 5 0 1 1\n3 3 0 10 0 1 2\n4 4 5 5 0 1 1\n5 4 5 10 0 1 4\n6 3 0 20 0 1 3\n7 3 0 30 0 1 6\n"
    ),
}


def _points(section: Any) -> np.ndarray:
    return np.array([[section.x3d(i), section.y3d(i), section.z3d(i), section.diam3d(i)] for i in range(section.n3d())])


def _matched(reconstruction: Reconstruction, sections: list[Any]) -> list[Any]:
    """NEURON's section for each of ours: same type, same first and last point."""

    def key(kind: int, points: np.ndarray) -> tuple[float, ...]:
        return (kind, *np.round(points[[0, -1], :3].ravel(), 2) + 0.0)

    theirs = {key(KINDS[s.name().split("[")[0]], _points(s)): s for s in sections}
    assert len(theirs) == len(sections) == len(reconstruction)
    return [theirs[key(s.type_id, s.points)] for s in reconstruction]


def _check_tree(reconstruction: Reconstruction, theirs: list[Any]) -> None:
    for section, other in zip(reconstruction, theirs, strict=True):
        parent = other.parentseg()
        if parent is None:
            assert section.parent == -1
        else:
            assert (parent.sec, parent.x) == (theirs[section.parent], section.parent_loc), other.name()
        points = _points(other)
        np.testing.assert_allclose(section.points, points[:, :3], rtol=1e-6, atol=1e-4, err_msg=other.name())
        np.testing.assert_allclose(2 * section.radii, points[:, 3], rtol=1e-6, err_msg=other.name())
        assert section.length == pytest.approx(other.L, rel=RELATIVE), other.name()


def _check_segments(reconstruction: Reconstruction, theirs: list[Any], ncomp: int, ra: float = 100.0) -> None:
    geometry = discretize_all(reconstruction.sections, [ncomp] * len(reconstruction))
    areas, resistances = [], []
    for other in theirs:
        other.nseg, other.Ra = ncomp, ra
        areas.append([segment.area() for segment in other])
        resistances.append([segment.ri() for segment in other])
    np.testing.assert_allclose(geometry.area, np.ravel(areas), rtol=RELATIVE)
    # NEURON's resistance of a segment is from its middle to the middle of the one before, or to the 0-end.
    loads = geometry.load_in.reshape(-1, ncomp).copy()
    loads[:, 1:] += geometry.load_out.reshape(-1, ncomp)[:, :-1]
    np.testing.assert_allclose(ra * loads * 1e-2, resistances, rtol=RELATIVE)  # Ohm cm / um = 1e-2 MOhm


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_real_cells(name: str, data_dir: Path, neuron_sections: Any) -> None:
    h = pytest.importorskip("neuron").h
    reconstruction = read_reconstruction(data_dir / name)
    theirs = _matched(reconstruction, neuron_sections(data_dir / name))
    _check_tree(reconstruction, theirs)
    for ncomp in (1, 3):
        _check_segments(reconstruction, theirs, ncomp)

    for other in theirs:
        other.cm = 2.0 if other.name().startswith(("dend", "apic")) else 1.0
    capacitance = [2.0 if section.type_id in (3, 4) else 1.0 for section in reconstruction]
    wanted = [int((s.L / (0.1 * h.lambda_f(100, sec=s)) + 0.9) / 2) * 2 + 1 for s in theirs]
    counts = count_compartments(reconstruction, d_lambda=0.1, axial_resistivity=100.0, capacitance=capacitance)
    assert counts == wanted

    origin = theirs[0](0.5)
    for other, count in zip(theirs, counts, strict=True):
        other.nseg = count
    wanted_distances = [h.distance(origin, segment) for other in theirs for segment in other]
    np.testing.assert_allclose(path_distances(reconstruction, counts), wanted_distances, rtol=RELATIVE, atol=1e-3)


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_diameters_of_the_stub(name: str, data_dir: Path, neuron_sections: Any) -> None:
    """What `replace_axon` of the public models reads off the imported axon."""
    h = pytest.importorskip("neuron").h
    sections = neuron_sections(data_dir / name)
    for section in sections:
        section.nseg = 1 + 2 * int(section.L / 40)
    axon = [section for section in sections if section.name().startswith("axon")]
    origin = next(section for section in sections if section.name().startswith("soma"))(0.5)
    wanted = [axon[0].diam, axon[0].diam] if axon else [1.0, 1.0]
    if len(axon) > 1:
        wanted[1] = next((s.diam for s in axon if h.distance(origin, s(0.5)) > 60), wanted[0])
    stub = [s for s in with_axon(read_reconstruction(data_dir / name), "stub") if s.type_id == 2]
    assert [2 * section.radii[0] for section in stub] == pytest.approx(wanted, rel=RELATIVE)


@pytest.mark.parametrize("text", SOMA_CONVENTIONS.values(), ids=SOMA_CONVENTIONS.keys())
def test_soma_conventions(text: str, swc: Any, neuron_sections: Any) -> None:
    path = swc(text)
    reconstruction = read_reconstruction(path)
    theirs = _matched(reconstruction, neuron_sections(path))
    _check_tree(reconstruction, theirs)
    for ncomp in (1, 3):
        _check_segments(reconstruction, theirs, ncomp)


@pytest.mark.parametrize("seed", range(8))
def test_contour_somata(seed: int, tmp_path: Path, neuron_sections: Any) -> None:
    """Dented, stretched and tilted outlines, clockwise and counterclockwise."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(5, 40)))[:: 1 if seed % 2 else -1]
    radii = rng.uniform(5, 12) * (1 + 0.3 * rng.uniform(-1, 1, angles.size))
    heights = rng.normal(size=angles.size) if seed % 3 == 0 else np.full(angles.size, rng.normal())
    outline = np.stack([1.5 * radii * np.cos(angles), radii * np.sin(angles), heights], axis=1)
    path = tmp_path / "soma.asc"
    path.write_text(
        '("CellBody"\n (CellBody)\n'
        + "".join(f" ({x:.5f} {y:.5f} {z:.5f} 0)\n" for x, y, z in outline)
        + ")\n((Dendrite)\n (20 0 0 2)\n (30 0 0 2)\n)\n"
    )
    reconstruction = read_reconstruction(path)
    soma, dendrite = neuron_sections(path)
    assert reconstruction.parent_locs[1] == dendrite.parentseg().x == 0.5
    area = discretize_all(reconstruction.sections, [1, 1]).area[0]
    assert area == pytest.approx(soma(0.5).area(), rel=1e-5)
    np.testing.assert_allclose(reconstruction.sections[0].points, _points(soma)[:, :3], atol=1e-4)
