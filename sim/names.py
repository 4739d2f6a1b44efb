"""Hints for mistyped names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def nearest(name: str, known: Iterable[str]) -> str:
    """` (did you mean ...?)` for the known names next to `name`, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f" (did you mean {', '.join(repr(c) for c in close)}?)" if close else ""


def choose(what: str, name: str, among: Mapping[str, T]) -> T:
    """`among[name]`; ValueError names the known ones."""
    if name not in among:
        known = ", ".join(repr(n) for n in among)
        raise ValueError(f"no {what} {name!r}{nearest(name, among)}; there are {known}")
    return among[name]
