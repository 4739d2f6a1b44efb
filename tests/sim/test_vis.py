"""Pictures: what is on the axes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim.description.column_units import unit_of

from .cells import cylinders
from .test_places import TREE

matplotlib.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def cell(tmp_path: Path) -> Any:
    path = tmp_path / "cell.swc"
    path.write_text(TREE)
    return rx.read_swc(path, ncomp=2)


def test_lines_and_groups(cell: Any) -> None:
    _, ax = plt.subplots()
    assert cell.vis(ax=ax) is ax
    cell.axon.vis(ax=ax, color="r", linewidth=3.0)
    whole, axon = ax.collections
    assert len(whole.get_segments()) == 10 and len(axon.get_segments()) == 2
    np.testing.assert_allclose(whole.get_segments()[6], [[60, 0], [60, 70]])
    np.testing.assert_allclose(whole.get_segments()[7], [[60, 70], [60, 80], [60, 80]])
    assert axon.get_linewidth()[0] == 3.0 and tuple(axon.get_color()[0]) == (1.0, 0.0, 0.0, 1.0)
    assert ax.get_xlim()[0] <= -66 and ax.get_ylim()[1] >= 80
    side = cell.vis(dims=(0, 2))
    assert side.get_xlabel() == "x (µm)" and side.get_ylabel() == "z (µm)"


def test_by_value(cell: Any) -> None:
    cell.branch([2, 3]).insert(rx.pas())
    cell.branch(3).set("pas_g", 2e-3)
    ax = cell.vis(by="pas_g", cmap="plasma", vmax=4e-3)
    colors = ax.collections[0].get_color()
    assert tuple(colors[0]) == (0.8, 0.8, 0.8, 1.0), "no pas in the soma"
    assert not np.allclose(colors[4], colors[6])
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "pas_g (S/cm²)" and bar.get_ylim() == (1e-3, 4e-3)


def test_cylinders_and_points(cell: Any) -> None:
    outlines = cell.soma.vis(type="comp").collections[0].get_paths()
    np.testing.assert_allclose(outlines[0].vertices[:4], [[-5, 5], [0, 5], [0, -5], [-5, -5]])
    along = cell.branch(3).vis(type="comp", dims=(0, 2), alpha=0.5).collections[0].get_paths()
    assert len(along[0].vertices) == 25, "seen along its axis: a circle"
    assert len(cell.branch(3).vis(type="scatter", by="radius").collections[0].get_offsets()) == 5


def test_three_dimensions(cell: Any) -> None:
    ax = cell.vis(dims=(0, 1, 2))
    assert ax.name == "3d" and ax.get_zlim()[1] >= 60
    cell.vis(ax=ax, dims=(0, 1, 2), type="scatter")


def test_cells_that_were_not_traced() -> None:
    """They are drawn by their layout and stay as they are."""
    cell = cylinders()
    segments = cell.vis().collections[0].get_segments()
    assert np.isfinite(segments).all() and np.isnan(cell.xyzr[0]).all()


def layered() -> Any:
    net = rx.Network([cylinders()] * 3)
    rx.connect(net.cell(0).branch(0).loc(0.5), net.cell(2).branch(1).loc(0.1), rx.IonotropicSynapse())
    rx.connect(net.cell(1).branch(0).loc(0.5), net.cell(2).branch(1).loc(0.1), rx.GapJunction())
    net.arrange_in_layers([2, 1], within_layer_offset=100.0, between_layer_offset=700.0)
    return net


def test_cells_in_layers() -> None:
    net = layered()
    starts = np.array([net.cell(i).xyzr[0][0, :3] for i in range(3)])
    np.testing.assert_allclose(starts, [[0, -50, 0], [0, 50, 0], [700, 0, 0]])
    net.arrange_in_layers([1, 2], 100.0, 700.0, vertical_layers=True)
    starts = np.array([net.cell(i).xyzr[0][0, :3] for i in range(3)])
    np.testing.assert_allclose(starts, [[0, 700, 0], [-50, 0, 0], [50, 0, 0]])
    with pytest.raises(ValueError, match=r"\[1, 1\]\): the layers have 2 cells, the network 3"):
        net.arrange_in_layers([1, 1])


def test_networks() -> None:
    net = layered()
    centers = net.nodes[["x", "y"]].to_numpy()
    ax = net.vis(
        color="g",
        cell_plot_kwargs={"linewidth": 2.0},
        synapse_color="r",
        synapse_plot_kwargs={"linestyle": "--"},
        synapse_scatter_kwargs={"s": 5.0},
    )
    cells, *dots = ax.collections
    assert len(cells.get_segments()) == len(net) and cells.get_linewidth()[0] == 2.0
    for line, dot, (pre, post) in zip(
        ax.lines, dots, net.edges[["pre_index", "post_index"]].to_numpy(int), strict=True
    ):
        np.testing.assert_allclose(line.get_xydata(), centers[[pre, post]])
        np.testing.assert_allclose(dot.get_offsets(), centers[[post]])
        assert (line.get_color(), line.get_linestyle(), dot.get_sizes()[0]) == ("r", "--", 5.0)
    assert len(net.vis(by="radius").figure.axes) == 2, "a colour bar"
    _, ax = plt.subplots()
    assert net.vis(detail="point", ax=ax, dims=(0, 1)) is ax
    assert len(ax.collections[0].get_offsets()) == 3 and len(ax.lines) == 2
    np.testing.assert_allclose(ax.lines[0].get_xydata()[1], ax.collections[0].get_offsets()[2])
    assert net.vis(detail="point", dims=(0, 1, 2)).name == "3d"
    assert len(net.cell(1).vis(color="r").collections[0].get_segments()) == len(net.cell(1))
    with pytest.raises(ValueError, match='detail is "full" or "point"'):
        net.vis(detail="dots")


def test_units() -> None:
    wanted = {
        "v": "mV",
        "HH_gNa": "S/cm²",
        "NaTg_gbar": "S/cm²",
        "pas_e": "mV",
        "eNa": "mV",
        "CaCon_i": "mM",
        "HH_m": "",
    }
    assert {name: unit_of(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        ({"type": "mesh"}, '"line", "scatter" or "comp"'),
        ({"dims": (0, 3)}, "axes 0, 1, 2"),
        ({"dims": (0, 0)}, "axes 0, 1, 2"),
        ({"by": "radios"}, "did you mean 'radius'"),
        ({"type": "comp", "dims": (0, 1, 2)}, "in a plane"),
    ],
)
def test_errors(options: dict[str, Any], pattern: str) -> None:
    with pytest.raises(ValueError, match=pattern) as caught:
        rx.Cell().vis(**options)
    assert "\n" not in str(caught.value)
    assert not plt.get_fignums()
