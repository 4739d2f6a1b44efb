"""What a command prints: tables on a terminal, plain lines when piped, JSON where a program reads it.

Owns the choice between them. What is shown is for each command.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from .errors import shown


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    text = json.dumps(_finite(document), indent=1, ensure_ascii=False, default=str, allow_nan=False)
    # In JSON only text can hold control characters, and there an escape means the same.
    sys.stdout.write("\n".join(_escaped(line) for line in text.split("\n")) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Plain lines on standard output."""
    for line in lines:
        sys.stdout.write(shown(line) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal; when piped one line a row, its cells parted by tabs, without title and head."""
    if not sys.stdout.isatty():
        for row in rows:
            sys.stdout.write("\t".join(map(shown, row)) + "\n")
        return
    # Loaded where it is used: a piped command does without it.
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", title_style="bold", header_style="dim", box=None)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(shown, row))
    Console(highlight=False, markup=False).print(table)


def _finite(value: Any) -> Any:
    """NaN and infinity as null: they are no JSON."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)
