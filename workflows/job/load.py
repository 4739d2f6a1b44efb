"""A job file into a `Job`, or every fault found on the way.

Owns reading, the changes of the command line and the check of the files that the job names. Data files are looked at
(there, a file, readable), not read: that is for `rallax validate` and the run.
"""

from __future__ import annotations

import itertools
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..entry import parse_entry
from ..errors import Fault, JobError
from ..files import Unreadable, read_plain
from ..limits import FAULTS, JOB_BYTES, KEY_PARTS
from .faults import faults_of
from .job import Job
from .overrides import FILE as OVERRIDE
from .overrides import apply_override

_PART = r"""(?:[A-Za-z0-9_\-]++|"[^"\n]*+"|'[^'\n]*+')"""
# Begun only where a part begins: each letter of a long word would be tried otherwise.
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_\-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{KEY_PARTS}}}")


def load_job(path: str | Path, overrides: Sequence[str] = (), *, elsewhere: bool = False, run: bool = True) -> Job:
    """Read and check the job file at `path`, changed by `overrides` ("fit.steps=10").

    File names in it are relative to its folder. With `elsewhere` the job is to run on other machines: files with an
    absolute name and the run's directory are theirs and not looked at here. Without `run` the run's directory is not
    looked at either: it lies somewhere else, or there is none.

    Raises
    ------
    JobError : with every fault found, one line each: file, key, what is wrong and what would be right
    """
    file = str(path)
    document = read_toml(file)
    changed, faults = [], []
    for text in overrides:
        key, fault = apply_override(document, text)
        changed.append(key)
        faults += [fault] if fault else []
    if faults:
        raise JobError(faults)
    folder = Path(file).absolute().parent
    return make_job(document, folder=folder, source=file, changed=changed, elsewhere=elsewhere, run=run)


def read_toml(file: str) -> dict[str, Any]:
    """The tables of a TOML file. Raises JobError where it cannot be read or is none."""
    return _parse(file, _read(file))


def make_job(
    document: dict[str, Any],
    folder: str | Path = ".",
    source: str = "",
    changed: Iterable[str] = (),
    *,
    files: bool = True,
    elsewhere: bool = False,
    run: bool = True,
) -> Job:
    """A job from its tables as plain data.

    Parameters
    ----------
    document : the tables, as TOML gives them
    folder : what file names in it are relative to
    source : what the lines of errors begin with, the name of the job file
    changed : keys that came from the command line, whose faults name that instead of the file
    files : whether the files that it names are looked for
    elsewhere : whether it runs on other machines, as for `load_job`
    run : whether the run's directory is looked at, as for `load_job`

    Raises
    ------
    JobError : with every fault found
    """
    changed = [key for key in changed if key]
    try:
        job = Job.model_validate(document)
    except ValidationError as error:
        raise JobError(_faults(faults_of(error, document), source, changed)) from None
    except RecursionError:
        raise JobError([Fault(source, "", "is nested too deep; a job has at most five levels")]) from None
    job._folder = Path(folder).absolute()
    job._source = source
    if files:
        found = list(_faults(file_faults(job, elsewhere=elsewhere, run=run), source, changed))
        if found:
            raise JobError(found)
    return job


def _faults(faults: Iterable[tuple[str, str]], source: str, changed: Sequence[str]) -> Iterator[Fault]:
    several = iter(faults)
    for key, message in itertools.islice(several, FAULTS):
        set_there = any(key == c or key.startswith((f"{c}.", f"{c}[")) or c.startswith(f"{key}.") for c in changed)
        yield Fault(OVERRIDE if set_there else source, key, message)
    if more := sum(1 for _ in several):
        yield Fault(source, "", f"{more} more faults; put these right first")


def _read(file: str) -> str:
    problem = _unreadable(Path(file))
    if problem:
        raise JobError([Fault(file, "", problem)])
    try:
        content = read_plain(Path(file), JOB_BYTES)
    except Unreadable as error:
        raise JobError([Fault(file, "", f"{error}; a job file is a page of TOML")]) from None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise JobError([Fault(file, f"line {line}", "is no UTF-8 text; a job file is TOML")]) from None


def _parse(file: str, text: str) -> dict[str, Any]:
    if long := _LONG_KEY.search(text):
        line = text.count("\n", 0, long.start()) + 1
        raise JobError([Fault(file, f"line {line}", f"a key of more than {KEY_PARTS} parts; a job has five levels")])
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise JobError([Fault(file, "", "is nested too deep; a job has at most five levels")]) from None
    except ValueError as error:
        # The parser's own words; they end in "(at line 3, column 8)".
        message, _, place = str(error).rpartition(" (at ")
        where = place.rstrip(")") if message else ""
        raise JobError([Fault(file, where, f"no TOML: {message or error}")]) from None


def file_faults(job: Job, *, elsewhere: bool = False, run: bool = True) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) of every file of the job that cannot be used, and with `run` of its directory.

    With `elsewhere` only of the files with a relative name.
    """
    seen: set[tuple[str, str]] = set()
    for key, name in job.data_files():
        if (key, name) in seen or (elsewhere and Path(name).is_absolute()):
            continue
        seen.add((key, name))
        problem = _unreadable(job.path(name), directory=".zarr" in name.lower())
        if problem:
            yield key, f"{name!r} {problem}"
    for key, text in job.entries():
        entry = parse_entry(text)
        if entry.is_file and (problem := _unreadable(job.path(entry.place))):
            yield key, f"{entry.place!r} {problem}"
    place = job.run_directory
    # What an object store allows shows when the run is made: a listing that is allowed tells nothing of writing.
    problem = unwritable(place) if run and isinstance(place, Path) and not elsewhere else None
    if problem:
        yield "storage.run", problem


def _unreadable(path: Path, directory: bool = False) -> str | None:
    """Why the file cannot be read, and what would be right; None where it can."""
    try:
        if not path.exists():
            parent = path.absolute().parent
            return (
                f"is not there; it is looked for in {parent}" if parent.is_dir() else f"is not there; nor is {parent}"
            )
        if path.is_dir() and not directory:
            return "is a directory; name a file"
        if not path.is_dir() and not path.is_file():
            return "is no plain file; name a file"
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"cannot be looked at: {reason}"
    if not os.access(path, os.R_OK):
        return "cannot be read; its permissions forbid it"
    return None


def unwritable(directory: Path) -> str | None:
    """Why nothing can be written in `directory`, which need not be there yet; None where it can."""
    try:
        existing = next(p for p in (directory, *directory.parents) if p.exists())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"cannot be looked at: {reason}; name a directory that can be made"
    if not existing.is_dir():
        return f"{existing} is a file; name a directory"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"{existing} cannot be written; name a directory that can"
    return None
