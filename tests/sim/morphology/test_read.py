"""Files to sections: trees, orders, groups, and one line for every fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.sim.morphology import MorphologyError, Reconstruction, group_name, read_reconstruction

Write = Callable[[str], Path]

SOMA = "1 1 0 0 0 5 -1\n"
DENDRITE = "2 3 0 5 0 1 1\n3 3 0 10 0 2 2\n"
CONTOUR = '("CellBody"\n (CellBody)\n (0 0 0 0)\n (5 0 0 0)\n (5 5 0 0)\n (0 5 0 0)\n)\n'
TREE = "((Dendrite)\n (6 6 0 2)\n (10 10 0 2)\n)\n"


def _message(path: Path, **options: object) -> str:
    with pytest.raises(MorphologyError) as caught:
        read_reconstruction(path, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message and "\x1b" not in message
    return message


def test_single_point_soma_is_a_cylinder_as_long_as_wide(swc: Write) -> None:
    soma, dendrite = read_reconstruction(swc(SOMA + DENDRITE))
    assert soma.length == pytest.approx(10.0)
    assert (soma.radii == 5.0).all()
    assert (dendrite.parent, dendrite.parent_loc, dendrite.first_point_own) == (0, 0.5, True)
    np.testing.assert_array_equal(dendrite.points[0], [0, 5, 0])


def test_comments_blank_lines_extra_columns_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "CELL.SWC"
    path.write_bytes(b"# made by hand\r\n\r\n 1 1 0 0 0 5 -1 9\r\n2 3 0 5e0 0 1 1 # first\r\n3 3 0 1e1 0 2 2\r\n")
    assert [section.group for section in read_reconstruction(path)] == ["soma", "basal"]


def test_lines_may_stand_in_any_order(swc: Write) -> None:
    soma, dendrite = read_reconstruction(swc("3 3 0 10 0 2 2\n" + SOMA + "2 3 0 5 0 1 1\n"))
    np.testing.assert_array_equal(dendrite.points[:, 1], [5, 10])
    assert soma.type_id == 1


def test_order_soma_axon_basal_apical_custom(swc: Write) -> None:
    kinds = [4, 6, 3, 2, 5, 3]
    lines = [SOMA]
    for k, kind in enumerate(kinds):
        lines.append(f"{2 * k + 2} {kind} {k} 5 0 1 1\n{2 * k + 3} {kind} {k} 10 0 1 {2 * k + 2}\n")
    reconstruction = read_reconstruction(swc("".join(lines)))
    assert list(reconstruction.groups) == ["soma", "axon", "basal", "apical", "custom5", "custom6"]
    assert [section.points[0, 0] for section in reconstruction if section.group == "basal"] == [2.0, 5.0]
    assert group_name(0) == "custom0"


def test_axon_on_a_dendrite_follows_all_dendrites_of_its_kind(swc: Write) -> None:
    text = (
        SOMA
        + DENDRITE
        + "4 2 0 20 0 1 3\n5 2 0 30 0 1 4\n6 3 9 9 0 1 1\n7 3 9 19 0 1 6\n8 4 7 7 0 1 1\n9 4 7 9 0 1 8\n"
    )
    reconstruction = read_reconstruction(swc(text))
    assert [section.group for section in reconstruction] == ["soma", "basal", "basal", "axon", "apical"]
    assert reconstruction.parents == [-1, 0, 0, 1, 0]
    assert reconstruction.parent_locs[3] == 1.0


def test_relevant_types(swc: Write) -> None:
    text = SOMA + "2 5 0 5 0 1 1\n3 5 0 10 0 1 2\n4 6 0 15 0 1 3\n5 6 0 20 0 1 4\n"
    assert [s.group for s in read_reconstruction(swc(text))] == ["soma", "custom5", "custom6"]
    merged = read_reconstruction(swc(text), relevant_type_ids=[1, 2, 3, 4])
    assert [s.group for s in merged] == ["soma", "custom5"]
    assert merged.sections[1].length == pytest.approx(15.0)


def test_min_radius_clips(swc: Write) -> None:
    path = swc(SOMA + "2 3 0 5 0 0 1\n3 3 0 10 0 -1 2\n4 3 0 20 0 2 3\n")
    np.testing.assert_allclose(read_reconstruction(path, min_radius=0.5).sections[1].radii, [0.5, 0.5, 2.0])
    assert ":2: radius 0 um" in _message(path)
    assert "min_radius" in _message(path, min_radius=0.0)


def test_branch_points_at_the_first_point_of_a_neurite(swc: Write) -> None:
    """A neurite that branches at once has no length before the branch: both branches hang on the soma."""
    text = SOMA + "2 3 5 0 0 1 1\n3 3 9 0 0 1 2\n4 3 0 5 0 1 1\n5 3 0 10 0 1 4\n6 3 5 10 0 1 4\n"
    reconstruction = read_reconstruction(swc(text))
    assert reconstruction.parents == [-1, 0, 0, 0]
    assert reconstruction.parent_locs[1:] == [0.5, 0.5, 0.5]
    np.testing.assert_array_equal([s.points[0] for s in reconstruction][2:], [[0, 5, 0]] * 2)


def test_tree_without_soma(swc: Write) -> None:
    reconstruction = read_reconstruction(swc("1 3 0 0 0 1 -1\n2 3 0 5 0 1 1\n3 3 0 10 0 1 2\n4 3 5 10 0 1 2\n"))
    assert reconstruction.parents == [-1, 0, 0]
    assert reconstruction.soma is None
    with pytest.raises(MorphologyError, match=r"cell\.swc: no soma, and a stub axon needs one"):
        reconstruction.require_soma("a stub axon")


def test_tree_without_soma_that_branches_at_its_root(swc: Write) -> None:
    reconstruction = read_reconstruction(swc("1 3 0 0 0 1 -1\n2 3 0 5 0 1 1\n3 3 5 0 0 1 1\n4 3 9 0 0 1 3\n"))
    assert reconstruction.parents == [-1, 0]
    assert reconstruction.parent_locs[1] == 0.0


def test_interrupted_path_starts_a_section_unless_the_file_has_no_order(swc: Write) -> None:
    appended = "6 3 0 20 0 1 3\n7 3 0 30 0 1 6\n"
    text = SOMA + DENDRITE + "4 4 5 5 0 1 1\n5 4 5 10 0 1 4\n" + appended
    assert [s.length for s in read_reconstruction(swc(text)) if s.type_id == 3] == pytest.approx([5, 20])
    breadth_first = [f"{i} 3 {i % 2} {i} 0 1 {max(1, i - 2)}\n" for i in range(2, 40)]
    assert len(read_reconstruction(swc(SOMA + "".join(breadth_first)))) == 3


def test_h5_and_asc_agree(tmp_path: Path) -> None:
    import morphio

    asc = tmp_path / "cell.asc"
    asc.write_text(CONTOUR + TREE + TREE.replace("Dendrite", "Apical").replace("6 6", "0 -1"))
    morphio.mut.Morphology(str(asc)).write(str(tmp_path / "cell.h5"))
    one, other = read_reconstruction(asc), read_reconstruction(tmp_path / "cell.h5")
    assert [s.group for s in one] == [s.group for s in other] == ["soma", "basal", "apical"]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.points, b.points)
        np.testing.assert_array_equal(a.radii, b.radii)


def test_nothing_is_printed(swc: Write, capfd: pytest.CaptureFixture[str]) -> None:
    read_reconstruction(swc(SOMA + DENDRITE + "4 4 0 20 0 1 3\n5 4 0 30 0 1 4\n"))
    assert capfd.readouterr() == ("", "")


SWC_FAULTS = {
    "text in a number": (SOMA + "2 3 0 five 0 1 1\n", 2, "y must be a number, not 'five'"),
    "too few columns": ("# made by hand\n" + SOMA + "2 3 0 5 0 1\n", 3, "7 columns"),
    "not a file of points": ("hello\n", 1, "7 columns"),
    "id with a fraction": (SOMA + "2.5 3 0 5 0 1 1\n", 2, "id must be a whole number"),
    "coordinate not finite": (SOMA + "2 3 0 inf 0 1 1\n", 2, "y is not a finite"),
    "coordinate beyond all numbers": (SOMA + "2 3 0 1e99 0 1 1\n", 2, "y is not a finite"),
    "radius not finite": (SOMA + "2 3 0 5 0 nan 1\n", 2, "radius is not a finite"),
    "zero radius": (SOMA + DENDRITE + "4 3 0 15 0 0 3\n", 4, "must be above 0"),
    "negative radius": (SOMA + "2 3 0 5 0 -1 1\n", 2, "must be above 0"),
    "unknown type": (SOMA + "2 33 0 5 0 1 1\n", 2, "type 33 is not known"),
    "repeated id": (SOMA + DENDRITE + "3 3 0 15 0 1 2\n", 4, "already that of line 3"),
    "unknown parent": (SOMA + "2 3 0 5 0 1 99\n", 2, "parent 99 is no point"),
    "own parent": (SOMA + "2 3 0 5 0 1 2\n", 2, "a cycle"),
    "cycle": (SOMA + "2 3 0 5 0 1 4\n3 3 0 6 0 1 2\n4 3 0 7 0 1 3\n5 3 0 7 0 1 4\n", 2, "a cycle"),
    "second root": (SOMA + DENDRITE + "4 3 9 9 0 1 -1\n5 3 9 9 9 1 4\n", 4, "second root"),
    "second soma": (SOMA + DENDRITE + "4 1 9 9 0 1 -1\n", 4, "second root"),
    "soma beyond a neurite": (SOMA + DENDRITE + "4 1 0 15 0 5 3\n", 4, "hangs on a neurite"),
    "soma that branches further out": (
        SOMA + "2 1 0 5 0 5 1\n3 1 0 9 0 5 2\n4 1 5 9 0 5 2\n" + "5 3 5 9 9 1 4\n6 3 5 9 19 1 5\n", 2, "soma branches"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "words"), SWC_FAULTS.values(), ids=SWC_FAULTS.keys())
def test_swc_faults_name_file_and_line(text: str, line: int, words: str, swc: Write) -> None:
    path = swc(text)
    message = _message(path)
    assert message.startswith(f"{path}:{line}: ")
    assert words in message


ASC_FAULTS = {
    "text in a number": (CONTOUR + TREE.replace("10 10", "ten 10"), 10, "'ten'"),
    "not finite": (CONTOUR + TREE.replace("10 10", "10 nan"), 10, "'nan'"),
    "zero diameter": (CONTOUR + TREE.replace("10 10 0 2", "10 10 0 0"), 10, "radius 0 um at (10 10 0)"),
    "unclosed": (CONTOUR + TREE[:-3], 10, "end of file"),
    "two somata": (CONTOUR + CONTOUR.replace("5", "6") + TREE, 14, "already defined"),
}


@pytest.mark.parametrize(("text", "line", "words"), ASC_FAULTS.values(), ids=ASC_FAULTS.keys())
def test_asc_faults_name_file_and_line(text: str, line: int, words: str, tmp_path: Path) -> None:
    path = tmp_path / "cell.asc"
    path.write_text(text)
    message = _message(path)
    assert message.startswith(f"{path}:{line}: ")
    assert words in message


def test_faults_of_the_whole_file(tmp_path: Path, swc: Write) -> None:
    assert "no points" in _message(swc(""))
    assert "no points" in _message(swc("# only a comment\n"))
    assert "no such file" in _message(tmp_path / "nowhere.swc")
    assert "unknown extension '.txt'" in _message(tmp_path / "cell.txt")
    for name, text, words in (
        ("trees.asc", TREE + TREE, "no soma, which 2 separate trees need"),
        ("junk.asc", "hello", "neither soma nor neurites"),
        ("empty.asc", "", "ASC"),
        ("line.asc", CONTOUR.replace("5 5 0", "9 0 0").replace("0 5 0", "3 0 0") + TREE, "on a line"),
        ("two.asc", '("CellBody"\n (CellBody)\n (0 0 0 9)\n (5 0 0 9)\n)\n' + TREE, "at least 3 points"),
        ("cell.h5", "not HDF5", "H5"),
    ):
        path = tmp_path / name
        path.write_text(text)
        message = _message(path)
        assert message.startswith(str(path))
        assert words in message
    (tmp_path / "bytes.asc").write_bytes(b"((Dendrite)\n (6 6 0 \xa9)\n (10 10 0 2)\n)\n")
    assert _message(tmp_path / "bytes.asc").startswith(f"{tmp_path / 'bytes.asc'}")
    assert "soma has no length" in _message(swc("1 1 0 0 0 5 -1\n2 1 0 0 0 5 1\n"))


@st.composite
def _trees(draw: st.DrawFn) -> str:
    """SWC text of a soma and a random tree on it, with distinct points."""
    n = draw(st.integers(1, 40))
    lines = [SOMA]
    kinds = {1: 1}
    for i in range(2, n + 2):
        parent = draw(st.integers(max(1, i - 6), i - 1))
        kinds[i] = draw(st.integers(2, 5)) if parent == 1 else kinds[parent]
        radius = draw(st.sampled_from([0.25, 0.5, 1.0]))
        lines.append(f"{i} {kinds[i]} {10 * i} {draw(st.integers(-9, 9))} 0 {radius} {parent}\n")
    return "".join(lines)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(text=_trees())
def test_nothing_is_lost(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("tree") / "cell.swc"
    path.write_text(text)
    rows = [[float(x) for x in line.split()] for line in text.splitlines()]
    points = {int(row[0]): np.array(row[2:5]) for row in rows}
    children = {i: [int(row[0]) for row in rows if int(row[6]) == i] for i in points}
    # Every step between two points of the tree is somewhere in the sections, once; steps off the soma are gaps,
    # but for a neurite of one point, which starts at the soma's middle.
    wanted = sum(
        np.linalg.norm(points[int(row[0])] - points[int(row[6])])
        for row in rows[1:]
        if int(row[6]) != 1 or not children[int(row[0])]
    )
    reconstruction = read_reconstruction(path)
    neurites = [section for section in reconstruction if section.type_id != 1]
    assert sum(section.length for section in neurites) == pytest.approx(wanted, rel=1e-6)
    _check_form(reconstruction)


def _check_form(reconstruction: Reconstruction) -> None:
    for i, section in enumerate(reconstruction):
        assert section.parent < i
        assert len(section.points) == len(section.radii) >= 2
        parent = reconstruction.sections[section.parent]
        if not section.first_point_own and parent.type_id != 1:
            np.testing.assert_array_equal(section.points[0], parent.points[-1])
    types = [section.type_id for section in reconstruction]
    assert types == sorted(types)
