"""Networks: several cells in one module, joined by synapses (connect.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .module import Composite, Module

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Network(Composite):
    """Several cells, which synapses may join.

    Args:
        cells: cells (or branches or compartments, as cells of their own), copied: one object may stand several times.
    """

    def __init__(self, cells: Sequence[Module]) -> None:
        parts = list(cells) if isinstance(cells, Iterable) and not isinstance(cells, Module) else []
        if not parts:
            raise ValueError("Network takes a list of at least one cell: Network([cell, cell])")
        for part in parts:
            if not isinstance(part, Module) or isinstance(part, Network):
                raise ValueError(f"Network takes a list of cells, not {part!r}")
        tables = [part._branches for part in parts]
        n_branches = np.asarray([len(t) for t in tables])
        offsets = np.cumsum([0, *n_branches])[:-1]
        parents = [t["parent"].to_numpy() for t in tables]
        branches = pd.DataFrame(
            {
                "cell": np.repeat(np.arange(len(parts)), n_branches),
                "parent": np.concatenate([np.where(p < 0, -1, p + o) for p, o in zip(parents, offsets, strict=True)]),
                "parent_loc": np.concatenate([t["parent_loc"].to_numpy() for t in tables]),
            }
        )
        local = [part._nodes["global_branch_index"].to_numpy() for part in parts]
        branch_of = np.concatenate([b + o for b, o in zip(local, offsets, strict=True)])
        self._compose(parts, branches, branch_of, depth=0)

    def copy_node_property_to_edges(
        self, properties: str | Sequence[str], pre_or_post: str | Sequence[str] = ("pre", "post")
    ) -> None:
        """Add columns `pre_<property>`, `post_<property>` of the nodes' table to the edges' table, to select by.

        Raises ValueError for a property that the nodes do not have.
        """
        names = [properties] if isinstance(properties, str) else list(properties)
        sides = [pre_or_post] if isinstance(pre_or_post, str) else list(pre_or_post)
        edges: dict[str, Any] = {}
        for name in names:
            if name not in self._nodes.columns:
                raise ValueError(f"copy_node_property_to_edges({name!r}): the nodes have no such column")
            for side in sides:
                if side not in ("pre", "post"):
                    raise ValueError(f'pre_or_post takes "pre", "post" or both, not {side!r}')
                edges[f"{side}_{name}"] = self._nodes[name].to_numpy()[self._edges[f"{side}_index"].to_numpy(int)]
        self._edges = self._edges.assign(**edges)

    def arrange_in_layers(
        self,
        layers: Sequence[int],
        within_layer_offset: float = 500.0,
        between_layer_offset: float = 1500.0,
        vertical_layers: bool = False,
    ) -> None:
        """Move the cells into layers, in their order: `layers` has the number of cells of each.

        The first points of the cells of a layer are in a line centred on 0, `within_layer_offset` um apart; layers are
        `between_layer_offset` um apart, side by side or, with `vertical_layers`, the first one on top. Of no effect on
        a simulation.

        Raises ValueError unless every cell is in a layer.
        """
        sizes = [int(n) for n in layers]
        n_cells = self.shape[0]
        if sum(sizes) != n_cells or any(n < 0 for n in sizes):
            raise ValueError(f"arrange_in_layers({sizes}): the layers have {sum(sizes)} cells, the network {n_cells}")
        layer = np.repeat(np.arange(len(sizes)), sizes)
        within = np.concatenate([np.arange(n) - (n - 1) / 2 for n in sizes]) * within_layer_offset
        if vertical_layers:
            self.move_to(within, (len(sizes) - 1 - layer) * between_layer_offset, 0.0)
        else:
            self.move_to(layer * between_layer_offset, within, 0.0)

    def vis(  # type: ignore[override]
        self,
        detail: str = "full",
        ax: Axes | None = None,
        color: Any = "k",
        synapse_color: Any = "b",
        dims: Sequence[int] = (0, 1),
        cell_plot_kwargs: Mapping[str, Any] | None = None,
        synapse_plot_kwargs: Mapping[str, Any] | None = None,
        synapse_scatter_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Axes:
        """Draw the cells, and each synapse as a line from its pre to its post side, where it ends in a dot.

        Cells stand on one another until they are moved, e.g. by `arrange_in_layers`. A view draws as a cell does:
        `net.cell(0).vis(color="r")`.

        Args:
            detail: "full" draws every compartment, "point" each cell as one dot in the middle of its points.
            ax: where to draw; a new figure by default.
            color, synapse_color: any colours of matplotlib.
            dims: the axes to draw, of 0 (x), 1 (y) and 2 (z); three of them need an axis in 3-D.
            cell_plot_kwargs: for the cells, handed on to matplotlib, or `type` and `by` as for the `vis` of a cell.
            synapse_plot_kwargs, synapse_scatter_kwargs: for the lines and the dots of synapses.
            kwargs: as `cell_plot_kwargs`.

        Returns:
            The axes.

        Raises:
            ValueError: another `detail`, `type`, `dims` or column than there is.
        """
        from .network_drawing import draw_network

        cells = {**(cell_plot_kwargs or {}), **kwargs}
        lines, ends = synapse_plot_kwargs or {}, synapse_scatter_kwargs or {}
        return draw_network(self, detail, ax, color, synapse_color, dims, cells, lines, ends)
