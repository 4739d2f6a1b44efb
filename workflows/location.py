"""What a word of the command line names: a run, or a job file. Owns that rule only."""

from __future__ import annotations

from pathlib import Path


def is_run(what: str) -> bool:
    """Whether it names a run, a directory or a remote prefix, rather than a job file or anything else."""
    return "://" in what or Path(what).is_dir()
