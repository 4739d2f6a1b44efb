"""How a job names something in Python: "file.py:Name" or "module:Name".

Owns: taking such text apart. Loading what it names belongs to `user_code`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

HOW = '"file.py:Name" or "module:Name"'


@dataclass(frozen=True)
class Entry:
    """A name in a Python file (relative to the job file) or in an importable module.

    Attributes
    ----------
    place : the file name or the dotted module name
    name : what to take from it
    is_file : whether `place` is a file
    """

    place: str
    name: str
    is_file: bool


def check_entry(text: str) -> str | None:
    """What is wrong with `text` as an entry, or None."""
    place, colon, name = text.rpartition(":")
    if not colon or not place or not name:
        return f"{text!r} names nothing in Python; {HOW}"
    if not name.isidentifier():
        return f"{name!r} is no name in Python; {HOW}"
    if "\0" in place or not (place.endswith(".py") or all(part.isidentifier() for part in place.split("."))):
        return f"{place!r} is neither a .py file nor a module; {HOW}"
    if place.endswith(".py") and (PurePath(place).is_absolute() or ".." in PurePath(place).parts):
        # Whoever reads a job sees its folder; code from elsewhere must be installed, and is named as a module then.
        return f"{place!r} lies outside the job's folder; put the file there, or name an installed module:Name"
    return None


def parse_entry(text: str) -> Entry:
    """Take `text` apart; ValueError says what is wrong with it."""
    problem = check_entry(text)
    if problem:
        raise ValueError(problem)
    place, _, name = text.rpartition(":")
    return Entry(place, name, place.endswith(".py"))
