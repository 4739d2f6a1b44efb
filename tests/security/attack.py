"""What the lists of attacks are made of: the case, and the ways to spoil a job and its folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from samples import JOB

Make = Callable[[Path], None]
VALIDATE = ("validate", "job.toml")
STATUS, RESUME, REPORT = ("status", "run"), ("resume", "run"), ("report", "run")
DEEP = 100_000


@dataclass(frozen=True)
class Case:
    """`tries` in words, `make` its files, `says` words of the refusal, `call` the command line."""

    tries: str
    make: Make
    says: str
    call: tuple[str, ...] = VALIDATE


def job(*changes: tuple[str, str]) -> Make:
    """The job with pieces of its text replaced, which must be there."""

    def make(folder: Path) -> None:
        text = JOB
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        (folder / "job.toml").write_text(text, encoding="utf-8")

    return make


def text(text: str | bytes) -> Make:
    """The whole job file."""
    return lambda folder: write(folder / "job.toml", text)


def write(file: Path, content: str | bytes) -> None:
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def both(*makes: Make) -> Make:
    def make(folder: Path) -> None:
        for one in makes:
            one(folder)

    return make


def cell(name: str, content: str | bytes) -> Make:
    """Another reconstruction."""
    return both(job(('"cell.swc"', f'"{name}"')), lambda folder: write(folder / name, content))


def trace(name: str, content: str | bytes) -> Make:
    """Another recorded voltage in place of v_1.csv of the held-out sweep."""
    return both(job(('voltage = "v_1.csv"', f'voltage = "{name}"')), lambda folder: write(folder / name, content))


def pipe_for(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def sparse(name: str, size: int, head: bytes = b"") -> Make:
    def make(folder: Path) -> None:
        with (folder / name).open("wb") as stream:
            stream.write(head)
            stream.truncate(size)

    return make


def link(place: str, target: str) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        path = run / place
        if path.is_dir():
            path.rename(run.parent / "aside")
        else:
            path.unlink(missing_ok=True)
        path.symlink_to(target)

    return spoil
