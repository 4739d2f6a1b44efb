"""The names inside a run and the version of its format.

Owns every path and the rules for names that come from outside. Reads and writes nothing.

    RUN/
      job.toml resolved.json report.html   files, by name
      log.jsonl                            one JSON object a line
      run.zarr/                            data/ parameters/ history/ checkpoints/ traces/
      .rallax/epochs/                      two small files for every time a process took the run over
      .rallax/creating                     there while a run is being created
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from .errors import NotStorable

FORMAT: Final = "rallax-run"
FORMAT_VERSION: Final = 1

DOCUMENT: Final = "zarr.json"  # zarr v3's metadata key of a group or an array
ZARR: Final = "run.zarr"
ROOT: Final = f"{ZARR}/{DOCUMENT}"
LOG: Final = "log.jsonl"
EPOCHS: Final = ".rallax/epochs"
CREATING: Final = ".rallax/creating"

DATA: Final = "data"
PARAMETERS: Final = "parameters"
HISTORY: Final = "history"
CHECKPOINTS: Final = "checkpoints"
TRACES: Final = "traces"
PLAIN_GROUPS: Final = (DATA, HISTORY, CHECKPOINTS, TRACES)  # hold groups, no arrays

_NAME = re.compile(r"\w[\w.+=() \-]*")
_LABEL = re.compile(r"(seq|segment)-([0-9]{6,12})-epoch-([0-9]{4,12})")


@dataclass(frozen=True, order=True)
class Label:
    """Which commit: its number and the epoch of the process that wrote it.

    The epoch is part of every name, so that a process that was frozen and wakes up after another took over writes
    beside that one's files and never into them.
    """

    seq: int
    epoch: int

    @property
    def checkpoint(self) -> str:
        """The checkpoint's group, relative to the zarr root."""
        return f"{CHECKPOINTS}/seq-{self.seq:06d}-epoch-{self.epoch:04d}"

    @property
    def segment(self) -> str:
        """The group of the history that this commit adds, relative to the zarr root."""
        return f"{HISTORY}/segment-{self.seq:06d}-epoch-{self.epoch:04d}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The label in the last part of a group's path, or None when it is not one of ours."""
        match = _LABEL.fullmatch(name.rsplit("/", 1)[-1])
        return cls(int(match[2]), int(match[3])) if match else None


def in_zarr(path: str) -> str:
    """The store key of a path below the zarr root ("" is the root)."""
    return f"{ZARR}/{path}" if path else ZARR


def check_name(name: str, what: str) -> str:
    """Returns a name that may become a zarr node.

    Args:
        name: letters, digits and ``_ . + - = ( )`` or blanks, at most 120 bytes; not ``__…`` (reserved by zarr).
        what: what it names, for the message.

    Raises:
        NotStorable: otherwise.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith("__") or name[-1] in ". ":
        raise NotStorable(
            f"{what} {name!r}: not a name that can be stored; use letters, digits and _ . + - = ( ), "
            "starting with a letter or digit"
        )
    if len(name.encode()) > 120 or name == DOCUMENT:
        raise NotStorable(f"{what} {name[:40]!r}: {'this name is reserved' if name == DOCUMENT else 'name too long'}")
    return name


def check_file(name: str) -> str:
    """Returns the key of a plain file of the run, such as ``job.toml`` or ``code/model.py``.

    Raises:
        NotStorable: for a name that would leave the run or clash with what the run itself keeps.
    """
    parts = name.split("/") if isinstance(name, str) else [""]
    for part in parts:
        check_name(part, f"file {name!r}:")
    if parts[0] in (ZARR, LOG):
        raise NotStorable(f"file {name!r}: {parts[0]} is kept by the run itself; choose another name")
    return name
