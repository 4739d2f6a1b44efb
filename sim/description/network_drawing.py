"""A network on matplotlib axes: its cells, drawn or as dots, and its synapses as lines that end in a dot.

Owns the synapses; the cells themselves are drawn by `drawing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .drawing import axes_for, checked_dims, draw
from .placing import compartment_centers, located

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .network import Network


def draw_network(
    net: Network,
    detail: str,
    ax: Axes | None,
    color: Any,
    synapse_color: Any,
    dims: Sequence[int],
    cells: Mapping[str, Any],
    lines: Mapping[str, Any],
    ends: Mapping[str, Any],
) -> Axes:
    """Draw a network; arguments and errors as for `Network.vis`."""
    if detail not in ("full", "point"):
        raise ValueError(f'vis: detail is "full" or "point", not {detail!r}')
    if detail == "full":
        options = dict(cells)
        kind, by = options.pop("type", "line"), options.pop("by", None)
        ax = draw(net, net._rows, ax, color, dims, kind, by, options)
        places = compartment_centers(net, located(net))
    else:
        points = _cell_places(net)
        ax = axes_for(ax, checked_dims(dims))
        ax.scatter(*points[:, list(dims)].T, color=color, **cells)
        places = points[net._nodes["global_cell_index"].to_numpy()]
    for pre, post in net._edges[["pre_index", "post_index"]].to_numpy(dtype=int):
        ax.plot(*places[[pre, post]][:, list(dims)].T, color=synapse_color, **lines)
        ax.scatter(*places[[post]][:, list(dims)].T, color=synapse_color, **ends)
    ax.autoscale_view()
    return ax


def _cell_places(net: Network) -> np.ndarray:
    """[cell, 3] (um): the middle of the points of each cell."""
    points, cell_of_branch = located(net), net._branches["cell"].to_numpy(dtype=int)
    of_cell = [[points[b][:, :3] for b in np.flatnonzero(cell_of_branch == c)] for c in np.unique(cell_of_branch)]
    return np.array([np.concatenate(found).mean(axis=0) for found in of_cell])
