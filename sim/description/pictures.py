"""Pictures of a view: `vis`. What is drawn how is `drawing.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .module import Module


class Pictures:
    """`vis` on the compartments of a view."""

    base: Module
    _rows: np.ndarray

    def vis(
        self,
        ax: Axes | None = None,
        color: Any = "k",
        dims: Sequence[int] = (0, 1),
        type: str = "line",
        *,
        by: str | None = None,
        **kwargs: Any,
    ) -> Axes:
        """Draw the compartments of the view; `cell.vis(ax=ax)`, then `cell.soma.vis(ax=ax, color="r")` marks a group.

        Branches that were not traced and have no places are drawn where a layout puts them (`compute_xyz`).

        Args:
            ax: where to draw; a new figure by default.
            color: any colour of matplotlib.
            dims: the axes to draw, of 0 (x), 1 (y) and 2 (z); three of them need an axis in 3-D.
            type: "line" along the points, "scatter" of the points, or "comp": each compartment as a cylinder of its
                length and radius (in a plane).
            by: a column of the table to colour by instead, with a colour bar that names it; compartments without a
                value are grey. `cmap`, `vmin` and `vmax` say how.
            kwargs: handed on to matplotlib (`linewidth`, `alpha`, `zorder`, ...).

        Returns:
            The axes.

        Raises:
            ValueError: another `type`, `dims` or column than there is.
        """
        from .drawing import draw

        return draw(self.base, self._rows, ax, color, dims, type, by, kwargs)
