"""Write a grown reconstruction as an SWC file. Reading such files is `rallax.sim`'s part."""

from __future__ import annotations

from pathlib import Path

from .grow import Reconstruction


def write_swc(cell: Reconstruction, path: Path, title: str) -> None:
    """Write ``cell`` to ``path``: one point a line, `id type x y z radius parent`, lengths in um."""
    lines = [f"# {title}", "# id type x y z radius parent (um; 1 soma, 2 axon, 3 basal, 4 apical)"]
    lines += [f"{i} {t} {x:.3f} {y:.3f} {z:.3f} {r:.3f} {parent}" for i, t, x, y, z, r, parent in cell.rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
