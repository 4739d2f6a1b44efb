"""The resolved job: every default filled in, and what its files held when it was made.

Owns the hash of a job and the check that its files are still the same. A resolved job is what a run stores
(resolved.json) and all that a resume needs beside the run's directory.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .entry import parse_entry
from .errors import Fault, JobError, UserError
from .files import Unreadable, sha256_of_plain
from .job import Job, make_job
from .limits import RESOLVED_BYTES, TEXT_BYTES, ZARR_FILES
from .user_code import source_of

FORMAT = 1

#: The variable that says where a job that was sent to a cluster has its files: a folder below the directory that Ray
#: starts each process in.
SHIPPED = "RALLAX_SHIPPED"

_WITHOUT_EFFECT = ("compute", "storage", "logging")


@dataclass(frozen=True)
class NamedFile:
    """A file that the result depends on.

    Attributes
    ----------
    key, name : where the job names it, and how
    path : absolute path
    sha256 : of its content
    """

    key: str
    name: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class ResolvedJob:
    """A job with everything that its result depends on.

    Attributes
    ----------
    job : with every default filled in; its file names are relative to `job.folder`
    files : data, morphology and Python files, in the order of the job
    settings : what is decided when the run is made and never again (such as the width of a lane); plain data
    """

    job: Job
    files: tuple[NamedFile, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """sha256 of what the result depends on: the tables without [compute], [storage] and [logging], the contents of
        the files that they name (wherever these lie), and the settings."""
        return _hash(FORMAT, self.job.resolved(), self.files, self.settings)

    def with_settings(self, **settings: Any) -> ResolvedJob:
        """The same with more settings decided."""
        return replace(self, settings={**self.settings, **settings})

    def in_folder(self, folder: str | Path) -> ResolvedJob:
        """The same with its files in another folder: every relative name is looked for below `folder`, an absolute one
        where it was, a module among those installed here. The hash stays, since it is of contents.

        Raises
        ------
        UserError : a module that the job names is not installed here
        """
        moved = Path(folder).absolute()
        in_python = {key for key, _ in self.job.entries()}
        job = make_job(self.job.resolved(), moved, self.job.source, files=False)

        def path_of(file: NamedFile) -> Path:
            if file.key in in_python:
                return source_of(file.name, moved) or file.path
            return job.path(file.name)

        return replace(self, job=job, files=tuple(replace(file, path=path_of(file)) for file in self.files))

    def same_job(self, other: ResolvedJob) -> bool:
        """Whether both have the same job and contents of files, whatever was decided when a run was made."""
        return _hash(FORMAT, self.job.resolved(), self.files, {}) == _hash(
            FORMAT, other.job.resolved(), other.files, {}
        )

    def verify(self) -> None:
        """Raise `JobError`, a line for each file that is gone or whose content is not what it was."""
        faults = []
        for file in self.files:
            try:
                changed = _sha256_of(file.path) != file.sha256
            except UserError as error:
                message = f"{error}; if the job's files have moved, name their folder by --files"
                faults.append(Fault(self.job.source, file.key, message))
                continue
            if changed:
                message = f"{file.path} is not what it was when the run was made; put it back, or start a new run"
                faults.append(Fault(self.job.source, file.key, message))
        if faults:
            raise JobError(faults)

    def to_json(self) -> str:
        """As text for resolved.json; `from_json` reads it back."""
        document = {
            "format": FORMAT,
            "hash": self.hash,
            "folder": str(self.job.folder),
            "source": self.job.source,
            "job": self.job.resolved(),
            "files": [
                {"key": file.key, "name": file.name, "path": str(file.path), "sha256": file.sha256}
                for file in self.files
            ],
            "settings": dict(self.settings),
        }
        return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str = "resolved.json") -> ResolvedJob:
        """Read what `to_json` wrote. The files are not looked at: see `verify`.

        Raises
        ------
        UserError : no resolved job, one of a newer format, or one that was changed; `source` begins the line
        """
        if len(text) > RESOLVED_BYTES:
            raise UserError(f"{source}: has more than {RESOLVED_BYTES} characters; name the directory of a run")
        try:
            document = json.loads(text)
            written = document["format"]
        except (ValueError, RecursionError, TypeError, KeyError):
            raise UserError(f"{source}: is no resolved job; name the directory of a run") from None
        if not isinstance(written, int) or isinstance(written, bool) or written < 1:
            raise UserError(f"{source}: format: is {written!r}; a whole number from 1 to {FORMAT} is expected")
        if written > FORMAT:
            raise UserError(f"{source}: format: {written} is newer than {FORMAT}, the newest known here; update rallax")
        try:
            files = tuple(
                NamedFile(_text(file["key"]), _text(file["name"]), Path(_text(file["path"])), _text(file["sha256"]))
                for file in document["files"]
            )
            job = make_job(document["job"], _text(document["folder"]), _text(document["source"]), files=False)
            resolved = cls(job, files, dict(document["settings"]))
            # Of the text as it stands: a key that a later version adds to the job is no damage.
            found, expected = _hash(written, document["job"], files, resolved.settings), _text(document["hash"])
        except JobError as error:
            raise UserError(f"{source}: {error.lines[0]}") from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise UserError(f"{source}: is damaged; put back the one that the run was made with") from None
        if found != expected:
            raise UserError(f"{source}: does not fit its hash; put back the one that the run was made with")
        if not resolved._names_the_files_of_its_job():
            raise UserError(f"{source}: lists other files than its job names; put back the one of the run")
        return resolved

    def _names_the_files_of_its_job(self) -> bool:
        """Whether what is hashed is what will be read: each file of the job where the job has it."""
        wanted: dict[tuple[str, str], Path | None] = {
            (key, name): self.job.path(name) for key, name in self.job.data_files()
        }
        for key, text in self.job.entries():
            entry = parse_entry(text)
            wanted[key, text] = self.job.path(entry.place) if entry.is_file else None
        listed = {(file.key, file.name): file.path for file in self.files}
        # A module has a file of source or not, and that lies where it is installed.
        return all(listed.get(at) == path for at, path in wanted.items() if path is not None) and all(
            at in wanted for at in listed
        )


def resolve(job: Job) -> ResolvedJob:
    """Fill in what `job` leaves open and take the hashes of everything it names.

    Raises
    ------
    JobError : a line for each file that cannot be read and each module that is not there
    """
    files: dict[str, NamedFile] = {}
    faults = []
    for key, name in job.data_files():
        path = job.path(name)
        try:
            files.setdefault(f"{key} {name}", NamedFile(key, name, path, _sha256_of(path)))
        except UserError as error:
            faults.append(Fault(job.source, key, str(error)))
    for key, entry in job.entries():
        try:
            source = source_of(entry, job.folder)
            if source is not None:
                files.setdefault(f"{key} {entry}", NamedFile(key, entry, source, _sha256_of(source)))
        except UserError as error:
            faults.append(Fault(job.source, key, str(error)))
    if faults:
        raise JobError(faults)
    return ResolvedJob(job, tuple(files.values()))


def _hash(written: int, job: Mapping[str, Any], files: tuple[NamedFile, ...], settings: Mapping[str, Any]) -> str:
    document = {
        "format": written,
        "job": {key: value for key, value in job.items() if key not in _WITHOUT_EFFECT},
        "files": [[file.key, file.name, file.sha256] for file in files],
        "settings": dict(settings),
    }
    return _sha256(_canonical(document))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text is expected, not {value!r}")
    return value


def _canonical(document: Any) -> bytes:
    """The one text of plain data: keys in order, no spaces, numbers as Python writes them shortest."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sha256_of(path: Path) -> str:
    """Of a file's content; of a directory (a Zarr array) its files' names and contents in order of their names."""
    try:
        if not path.is_dir():
            return sha256_of_plain(path, TEXT_BYTES)
        found = sorted(_files_below(path))
        return _sha256(_canonical([[p.relative_to(path).as_posix(), sha256_of_plain(p, TEXT_BYTES)] for p in found]))
    except Unreadable as error:
        raise UserError(f"{path}: {error}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _files_below(folder: Path) -> Iterator[Path]:
    files = (Path(top) / name for top, _, names in os.walk(folder) for name in names)
    for count, file in enumerate(files):
        if count >= ZARR_FILES:
            raise Unreadable(f"holds more than {ZARR_FILES} files; name one recording")
        yield file
