"""Cutting polylines: exact where it can be, and nothing lost or gained by cutting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.sim.morphology import CompartmentGeometry, Section, cylinder, discretize, discretize_all

QUANTITIES = ("length", "area", "volume", "load_in", "load_out", "radius")


def _section(points: list[list[float]], radii: list[float]) -> Section:
    return Section(np.array(points, dtype=float), np.array(radii, dtype=float), 3, -1, 1.0)


@st.composite
def polylines(draw: st.DrawFn) -> Section:
    """2 to 12 points, radii over two orders of magnitude, some points repeated with another radius."""
    n = draw(st.integers(2, 12))
    steps = draw(st.lists(st.tuples(*[st.floats(-20, 20)] * 3), min_size=n - 1, max_size=n - 1))
    points = np.concatenate([[[0, 0, 0]], np.cumsum(steps, axis=0)])
    points[-1] += [50.0, 0.0, 0.0]
    if n > 3 and draw(st.booleans()):
        points[2] = points[1]
    radii = draw(st.lists(st.floats(0.1, 10.0), min_size=n, max_size=n))
    return Section(points, np.array(radii), 3, -1, 1.0)


def test_cone_by_hand() -> None:
    """A cone from radius 2 to 1 over 12 um in two compartments."""
    geometry = discretize(_section([[0, 0, 0], [12, 0, 0]], [2, 1]), 2)
    ends = np.array([2.0, 1.75, 1.5, 1.25, 1.0])
    np.testing.assert_allclose(geometry.length, [6, 6])
    np.testing.assert_allclose(geometry.area, np.pi * np.array([3.5, 2.5]) * np.hypot(0.5, 6), rtol=1e-14)
    np.testing.assert_allclose(geometry.volume, np.pi * 2 * np.array([4 + 3 + 2.25, 2.25 + 1.5 + 1]), rtol=1e-14)
    loads = 3 / (np.pi * ends[:-1] * ends[1:])
    np.testing.assert_allclose(geometry.load_in, loads[[0, 2]], rtol=1e-14)
    np.testing.assert_allclose(geometry.load_out, loads[[1, 3]], rtol=1e-14)
    np.testing.assert_allclose(geometry.centers, [[3, 0, 0], [9, 0, 0]])
    np.testing.assert_allclose(geometry.radius, geometry.area / (2 * np.pi * 6), rtol=1e-14)


def test_cylinder_is_the_polyline_of_one_radius() -> None:
    section = _section([[0, 0, 0], [4, 0, 0], [30, 0, 0]], [1.5, 1.5, 1.5])
    cut, plain = discretize(section, 3), cylinder(np.full(3, 10.0), np.full(3, 1.5))
    for name in (*QUANTITIES, "centers"):
        np.testing.assert_allclose(getattr(cut, name), getattr(plain, name), rtol=1e-13, err_msg=name)
    np.testing.assert_allclose(plain.area, 2 * np.pi * 1.5 * 10)
    np.testing.assert_allclose(plain.load_in, 5 / (np.pi * 1.5**2))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(section=polylines(), ncomp=st.integers(1, 9))
def test_cutting_loses_nothing(section: Section, ncomp: int) -> None:
    geometry, whole = discretize(section, ncomp), discretize(section, 1)
    assert geometry.length.sum() == pytest.approx(section.length)
    np.testing.assert_allclose(geometry.length, section.length / ncomp)
    for name in ("area", "volume"):
        assert getattr(geometry, name).sum() == pytest.approx(getattr(whole, name).sum(), rel=1e-9)
    load = geometry.load_in.sum() + geometry.load_out.sum()
    assert load == pytest.approx(whole.load_in.sum() + whole.load_out.sum(), rel=1e-9)
    assert load >= section.length / (np.pi * section.radii.max() ** 2) * (1 - 1e-9)
    assert load <= section.length / (np.pi * section.radii.min() ** 2) * (1 + 1e-9)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(section=polylines(), ncomp=st.integers(1, 4), factor=st.integers(2, 3))
def test_finer_compartments_add_up_to_coarser_ones(section: Section, ncomp: int, factor: int) -> None:
    coarse, fine = discretize(section, ncomp), discretize(section, ncomp * factor)
    for name in ("area", "volume"):
        added = getattr(fine, name).reshape(ncomp, factor).sum(axis=1)
        # A repeated point with a jump of radius may fall to either side of a cut that meets it; elsewhere equal.
        np.testing.assert_allclose(added, getattr(coarse, name), rtol=1e-7)
    added = (fine.load_in + fine.load_out).reshape(ncomp, factor).sum(axis=1)
    np.testing.assert_allclose(added, coarse.load_in + coarse.load_out, rtol=1e-7)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(section=polylines(), ncomp=st.integers(1, 6))
def test_turned_around(section: Section, ncomp: int) -> None:
    """Read from the other end, compartments come in reverse and their halves swap."""
    ahead = discretize(section, ncomp)
    back = discretize(Section(section.points[::-1], section.radii[::-1], 3, -1, 1.0), ncomp)
    np.testing.assert_allclose(back.area[::-1], ahead.area, rtol=1e-7)
    np.testing.assert_allclose(back.load_in[::-1], ahead.load_out, rtol=1e-7)
    np.testing.assert_allclose(back.load_out[::-1], ahead.load_in, rtol=1e-7)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(data=st.data(), sections=st.lists(polylines(), min_size=1, max_size=5))
def test_many_sections_at_once(data: st.DataObject, sections: list[Section]) -> None:
    counts = data.draw(st.lists(st.integers(1, 7), min_size=len(sections), max_size=len(sections)))
    together = discretize_all(sections, counts)
    alone = [discretize(section, count) for section, count in zip(sections, counts, strict=True)]
    for name in CompartmentGeometry.__annotations__:
        joined = np.concatenate([getattr(geometry, name) for geometry in alone])
        np.testing.assert_allclose(getattr(together, name), joined, rtol=1e-7, atol=1e-9, err_msg=name)


def test_faults() -> None:
    section = _section([[0, 0, 0], [1, 0, 0]], [1, 1])
    with pytest.raises(ValueError, match="ncomp must be 1 or more"):
        discretize(section, 0)
    with pytest.raises(ValueError, match="section 1 has no length"):
        discretize_all([section, _section([[1, 1, 1], [1, 1, 1]], [1, 2])], [1, 1])
