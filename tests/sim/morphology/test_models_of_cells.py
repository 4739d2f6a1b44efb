"""What a model asks of a reconstruction: numbers of compartments, an axon, distances, and all of it fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rallax.sim.morphology import (
    MorphologyError,
    Reconstruction,
    Section,
    count_compartments,
    discretize_all,
    path_distances,
    read_reconstruction,
    with_axon,
)

Write = Callable[[str], Path]

CELL = (
    "1 1 0 0 0 5 -1\n"
    "2 3 0 5 0 1 1\n3 3 0 105 0 1 2\n"
    "4 2 5 0 0 1 1\n5 2 25 0 0 1 4\n6 2 25 50 0 0.5 5\n7 2 25 -90 0 0.25 5\n"
    "8 4 0 -5 0 2 1\n9 4 0 -205 0 2 8\n"
)


def _straight(length: float, radius: float, ncomp: int | None = None) -> Section:
    return Section(np.array([[0.0, 0, 0], [length, 0, 0]]), np.full(2, radius), 3, -1, 1.0, ncomp=ncomp)


def test_d_lambda_of_a_cylinder() -> None:
    """The length constant at 100 Hz is 1e5 sqrt(d / (4 pi f cm Ra)) um."""
    constant = 1e5 * np.sqrt(2.0 / (4 * np.pi * 100 * 1.0 * 100))
    for length in (5.0, 40.0, 80.0, 300.0):
        wanted = 2 * int((length / (0.1 * constant) + 0.9) / 2) + 1
        assert count_compartments([_straight(length, 1.0)], d_lambda=0.1, axial_resistivity=100.0, capacitance=1.0) == [
            wanted
        ]


def test_other_rules() -> None:
    sections = [_straight(length, 1.0) for length in (39.0, 40.0, 41.0, 90.0)]
    assert count_compartments(sections, max_length=40.0) == [1, 1, 2, 3]
    assert count_compartments(sections, ncomp=4) == [4] * 4
    assert count_compartments([_straight(90.0, 1.0, ncomp=1)], max_length=40.0) == [1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "found none"),
        ({"ncomp": 1, "d_lambda": 0.1}, "found ncomp and d_lambda"),
        ({"ncomp": 0}, "ncomp must be a whole number"),
        ({"ncomp": 1.5}, "ncomp must be a whole number"),
        ({"max_length": -1.0}, "max_length must be above 0"),
        ({"d_lambda": 0.1}, "needs the axial_resistivity"),
        ({"d_lambda": 0.0, "axial_resistivity": 100.0, "capacitance": 1.0}, "d_lambda must be above 0"),
        ({"d_lambda": 0.1, "axial_resistivity": 100.0, "capacitance": float("nan")}, "capacitance must be above 0"),
        ({"d_lambda": 0.1, "axial_resistivity": [1.0, 2.0], "capacitance": 1.0}, "one for each of the 1 sections"),
    ],
)
def test_faulty_rules(options: dict[str, object], words: str) -> None:
    with pytest.raises(MorphologyError, match=words):
        count_compartments([_straight(50.0, 1.0)], **options)  # type: ignore[arg-type]


def test_stub(swc: Write) -> None:
    """Diameters: the first axon section's, 2 um, and 0.75 um, the mean of the middle third of the first one far out."""
    reconstruction = with_axon(read_reconstruction(swc(CELL)), "stub")
    assert list(reconstruction.groups) == ["soma", "axon", "basal", "apical"]
    first, second = (section for section in reconstruction if section.group == "axon")
    assert (first.parent, first.parent_loc) == (0, 0.5)
    assert (reconstruction.sections[second.parent], second.parent_loc) == (first, 1.0)
    assert [first.length, second.length] == pytest.approx([30.0, 30.0])
    assert (first.radii == 1.0).all()
    # Middles lie at 10, 45 and 65 um; the third section tapers from radius 1 to 0.25, in the middle it is 0.625.
    assert second.radii == pytest.approx([0.625, 0.625])
    np.testing.assert_allclose(second.points[0], first.points[-1])
    counts = count_compartments(reconstruction, d_lambda=0.001, axial_resistivity=100.0, capacitance=1.0)
    assert [counts[i] for i in reconstruction.groups["axon"]] == [1, 1]
    assert min(counts[i] for i in reconstruction.groups["basal"]) > 1


def test_stub_of_a_cell_without_axon(swc: Write) -> None:
    reconstruction = with_axon(read_reconstruction(swc("1 1 0 0 0 5 -1\n2 3 0 5 0 1 1\n3 3 0 9 0 1 2\n")), "stub")
    assert [section.radii[0] for section in reconstruction if section.group == "axon"] == [0.5, 0.5]
    assert [section.group for section in reconstruction] == ["soma", "axon", "axon", "basal"]


def test_without_axon(swc: Write) -> None:
    whole = read_reconstruction(swc(CELL))
    assert with_axon(whole, "reconstructed") is whole
    assert [section.group for section in with_axon(whole, "none")] == ["soma", "basal", "apical"]


def test_faulty_axons(swc: Write) -> None:
    whole = read_reconstruction(swc(CELL))
    with pytest.raises(MorphologyError, match="axon must be"):
        with_axon(whole, "short")  # type: ignore[arg-type]
    dendrite_on_axon = swc("1 1 0 0 0 5 -1\n2 2 0 5 0 1 1\n3 2 0 9 0 1 2\n4 3 0 19 0 1 3\n5 3 0 29 0 1 4\n")
    with pytest.raises(MorphologyError, match="grows out of the axon"):
        with_axon(read_reconstruction(dendrite_on_axon), "none")
    alone = read_reconstruction(swc("1 2 0 5 0 1 -1\n2 2 0 9 0 1 1\n"))
    with pytest.raises(MorphologyError, match="nothing but axon"):
        with_axon(alone, "none")
    headless = read_reconstruction(swc("1 3 0 5 0 1 -1\n2 3 0 9 0 1 1\n"))
    with pytest.raises(MorphologyError, match="no soma, and a stub axon needs one"):
        with_axon(headless, "stub")


def test_distances(swc: Write) -> None:
    reconstruction = read_reconstruction(swc(CELL))
    distances = path_distances(reconstruction, [2] * len(reconstruction))
    by_section = dict(zip(range(len(reconstruction)), distances.reshape(-1, 2), strict=True))
    assert by_section[0] == pytest.approx([2.5, 2.5])
    assert by_section[reconstruction.groups["basal"][0]] == pytest.approx([25.0, 75.0])
    first, second, third = (by_section[i] for i in reconstruction.groups["axon"])
    assert first == pytest.approx([5.0, 15.0])
    assert second == pytest.approx([20 + 12.5, 20 + 37.5])
    assert third == pytest.approx([20 + 22.5, 20 + 67.5])


@pytest.mark.data
def test_a_large_cell_is_read_and_cut_fast(data_dir: Path) -> None:
    """10,619 points, in processor time; the bar for the whole way to a model that runs is 1 s."""
    path = data_dir / "morphologies" / "rat_l5pc_with_axon.swc"

    def once() -> tuple[float, Reconstruction, int]:
        start = time.process_time()
        reconstruction = read_reconstruction(path)
        counts = count_compartments(reconstruction, d_lambda=0.1, axial_resistivity=100.0, capacitance=1.0)
        geometry = discretize_all(reconstruction.sections, counts)
        return time.process_time() - start, reconstruction, len(geometry.area)

    runs = [once() for _ in range(3)]
    assert min(run[0] for run in runs) < 0.3
    assert len(runs[0][1]) == 324
    assert runs[0][2] == 1626
