"""Compartments on matplotlib axes: as lines, traced points or cylinders; in one colour or by value.

Owns no synapses and no networks; these draw their cells with `draw`. matplotlib is imported when first used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..names import nearest
from .column_units import unit_of
from .placing import located
from .polyline import pieces

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .module import Module

_TYPES = ("line", "scatter", "comp")
_WITHOUT_VALUE = "0.8"
#: Sides of the circle that stands for a cylinder seen along its axis.
_CIRCLE = 24


def draw(
    module: Module,
    rows: np.ndarray,
    ax: Axes | None,
    color: Any,
    dims: Sequence[int],
    type: str,
    by: str | None,
    kwargs: dict[str, Any],
) -> Axes:
    """Draw compartments `rows` of a module; arguments and errors as for `vis`."""
    if type not in _TYPES:
        raise ValueError(f'vis: type is "line", "scatter" or "comp", not {type!r}')
    dims = checked_dims(dims)
    if type == "comp" and len(dims) == 3:
        raise ValueError('vis: type "comp" draws in a plane; give two axes, e.g. dims=(0, 1)')
    values = None if by is None else _values(module, rows, by)
    ax = axes_for(ax, dims)
    lines = compartment_lines(module, rows)
    color, options = _coloured(ax, color, by, values, kwargs)
    {"line": _lines, "scatter": _points, "comp": _cylinders}[type](ax, module, rows, lines, dims, color, options)
    ax.autoscale_view()
    return ax


def checked_dims(dims: Sequence[int]) -> list[int]:
    """The axes to draw; ValueError unless they are two or three of 0, 1, 2."""
    dims = [int(d) for d in dims]
    if len(dims) not in (2, 3) or len(set(dims)) != len(dims) or not set(dims) <= {0, 1, 2}:
        raise ValueError(f"vis: dims names two or three of the axes 0, 1, 2, e.g. (0, 1), not {tuple(dims)}")
    return dims


def axes_for(ax: Axes | None, dims: Sequence[int]) -> Axes:
    """The axes given, or new ones; ValueError for axes in a plane and three dims."""
    if len(dims) == 3 and ax is not None and ax.name != "3d":
        raise ValueError('vis: three dims need an axis in 3-D: plt.subplot(projection="3d")')
    return _new_axes(dims) if ax is None else ax


def compartment_lines(module: Module, rows: np.ndarray) -> list[np.ndarray]:
    """The stretch of its branch's points [m, 4] (um) that each compartment covers."""
    places, starts = located(module), module._first_rows()
    length = module._nodes["length"].to_numpy(dtype=float)
    branch_of = module._nodes["global_branch_index"].to_numpy()
    found: dict[int, np.ndarray] = {}
    for branch in np.unique(branch_of[rows]):
        start, stop = starts[branch], starts[branch + 1]
        bounds = np.concatenate([[0.0], np.cumsum(length[start:stop])])
        found |= dict(zip(range(start, stop), pieces(places[branch], bounds / bounds[-1]), strict=True))
    return [found[int(row)] for row in rows]


def _values(module: Module, rows: np.ndarray, by: str) -> np.ndarray:
    columns = [c for c in module._nodes.columns if module._nodes[c].dtype.kind in "fib"]
    if by not in columns:
        raise ValueError(f"vis: no column {by!r} to colour by{nearest(by, columns)}")
    return module._nodes[by].to_numpy(dtype=float)[rows]


def _new_axes(dims: Sequence[int]) -> Axes:
    import matplotlib.pyplot as plt

    figure = plt.figure()
    ax = figure.add_subplot(projection="3d") if len(dims) == 3 else figure.add_subplot(aspect="equal")
    for name, d in zip("xyz", dims, strict=False):
        getattr(ax, f"set_{name}label")(f"{'xyz'[d]} (µm)")
    return ax


def _coloured(
    ax: Axes, color: Any, by: str | None, values: np.ndarray | None, kwargs: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """One colour, or one for each compartment with a colour bar beside the axes; and the options that are left."""
    options = dict(kwargs)
    if by is None or values is None:
        return color, options
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    present = values[np.isfinite(values)]
    low, high = (present.min(), present.max()) if len(present) else (0.0, 1.0)
    vmin, vmax, cmap = options.pop("vmin", None), options.pop("vmax", None), options.pop("cmap", None)
    norm = Normalize(low if vmin is None else vmin, high if vmax is None else vmax)
    scale = ScalarMappable(norm, colormaps["viridis"] if cmap is None else cmap)
    unit = unit_of(by)
    ax.figure.colorbar(scale, ax=ax, label=f"{by} ({unit})" if unit else by)
    colors = scale.to_rgba(np.nan_to_num(values, nan=norm.vmin or 0.0))
    from matplotlib.colors import to_rgba

    colors[~np.isfinite(values)] = to_rgba(_WITHOUT_VALUE)
    return colors, options


def _lines(
    ax: Any, module: Module, rows: np.ndarray, lines: list[np.ndarray], dims: list[int], color: Any, options: Any
) -> None:
    if len(dims) == 3:
        from mpl_toolkits.mplot3d.art3d import Line3DCollection  # type: ignore[import-untyped]

        ax.add_collection(Line3DCollection([line[:, dims] for line in lines], colors=color, **options))
        _widen_3d(ax, np.concatenate(lines)[:, dims])
    else:
        from matplotlib.collections import LineCollection

        ax.add_collection(LineCollection([line[:, dims] for line in lines], colors=color, **options))


def _widen_3d(ax: Any, points: np.ndarray) -> None:
    """3-D axes do not look at collections when they scale themselves."""
    ax.auto_scale_xyz(*points.T, had_data=ax.has_data())


def _points(
    ax: Any, module: Module, rows: np.ndarray, lines: list[np.ndarray], dims: list[int], color: Any, options: Any
) -> None:
    if not isinstance(color, str) and np.ndim(color) == 2:
        color = np.repeat(color, [len(line) for line in lines], axis=0)
    ax.scatter(*np.concatenate(lines)[:, dims].T, color=color, **options)


def _cylinders(
    ax: Any, module: Module, rows: np.ndarray, lines: list[np.ndarray], dims: list[int], color: Any, options: Any
) -> None:
    from matplotlib.collections import PolyCollection

    radius = module._nodes["radius"].to_numpy(dtype=float)[rows]
    outlines = [_outline(line, r, dims) for line, r in zip(lines, radius, strict=True)]
    # Facecolors and not colors: an edge would widen the cylinders by its width in points.
    ax.add_collection(PolyCollection(outlines, facecolors=color, **{"edgecolors": "none", **options}))


def _outline(line: np.ndarray, radius: float, dims: list[int]) -> np.ndarray:
    """The outline [corner, 2] of a cylinder between the ends of a line, seen in a plane."""
    start, stop = line[0, dims], line[-1, dims]
    along = stop - start
    seen = float(np.linalg.norm(along))
    if seen <= 1e-3 * radius:
        angle = np.linspace(0, 2 * np.pi, _CIRCLE, endpoint=False)
        return (start + stop) / 2 + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    side = radius * np.array([-along[1], along[0]]) / seen
    return np.array([start + side, stop + side, stop - side, start - side])
