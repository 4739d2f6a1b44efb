"""What a logger is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Ending = Literal["finished", "stopped", "failed"]


@dataclass(frozen=True)
class About:
    """What a logger is told at the beginning of a session.

    Attributes
    ----------
    name : of the job
    key : of the run, the same in every session of it, so that a resumed fit goes on in the same record
    project : what the record belongs to
    location : of the run
    directory : for a logger that writes files
    settings : the job's numbers and words, by dotted key
    """

    name: str
    key: str
    project: str
    location: str
    directory: str
    settings: Mapping[str, Any] = field(default_factory=dict)


class Logger(Protocol):
    """A program that keeps a record. Made from `About` in the thread in which all else is called too."""

    def step(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one step, by name."""

    def end(self, ending: Ending) -> None:
        """The session is over."""
