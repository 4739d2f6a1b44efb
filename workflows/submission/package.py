"""What is uploaded with a job: one zip of the project's wheel and of the files that the job names, no others.

Owns the layout (below) and the limit of its size.

    rallax/ rallax-VERSION.dist-info/   the wheel's content: Ray puts the directory first on the path of every process
    job/...                             the job's files under their own relative names

Names stay as they are, so that the job and its hash do: a name that leads out of the job's folder (`../data/v.ibw`)
moves the folder down, not the name. An absolute name is a promise that every node has that file; it stays at home.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

from ..errors import UserError

#: What the job server of a Ray head takes in one request (`DASHBOARD_CLIENT_MAX_SIZE` of Ray, which has no setting).
MAX_BYTES = 100 * 2**20
JOB = "job"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Travelling:
    """A file of the job: its name there, and where it lies here."""

    name: str
    path: Path


@dataclass(frozen=True)
class Package:
    """What was packed.

    Attributes
    ----------
    path : the zip
    folder : the job's folder in it
    files : names of the job's files in it, in the order of the job
    left : absolute names, which every node must have
    size : of the zip in bytes
    """

    path: Path
    folder: str
    files: tuple[str, ...]
    left: tuple[str, ...]
    size: int


def pack(
    path: Path, wheel: dict[str, bytes], folder: Path, files: Iterable[Travelling], limit: int = MAX_BYTES
) -> Package:
    """Write the package to `path`. Equal content gives equal bytes, so that the head takes it once.

    Parameters
    ----------
    folder : the job's folder here, whose last names are kept where a file lies outside it
    limit : most bytes of the zip

    Raises
    ------
    UserError : a file cannot be read, or all of them together are too large
    """
    unique = list(dict.fromkeys(files))
    left = tuple(f.name for f in unique if PurePath(f.name).is_absolute())
    travelling = [f for f in unique if not PurePath(f.name).is_absolute()]
    inside = _folder_inside(folder, [f.name for f in travelling])
    sizes: dict[str, int] = {}
    try:
        with path.open("wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for name, content in wheel.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
            for directory in sorted(_directories(inside, [f.name for f in travelling])):
                archive.writestr(zipfile.ZipInfo(f"{directory}/", _EPOCH), b"")
            for file in travelling:
                target = posixpath.normpath(f"{inside}/{PurePath(file.name).as_posix()}")
                for part, source in _parts(target, file.path):
                    if part in sizes:
                        continue
                    sizes[part] = _write(archive, out, part, source, limit)
                    if out.tell() > limit:
                        raise UserError(_too_large(sizes, limit))
    except OSError as error:
        raise UserError(f"{error.filename or path}: cannot be packed: {error.strerror or error}") from None
    return Package(path, inside, tuple(f.name for f in travelling), left, path.stat().st_size)


def _folder_inside(folder: Path, names: list[str]) -> str:
    """The job's folder in the package: as deep as the names lead out of it."""
    out = 0
    for name in names:
        parts = posixpath.normpath(PurePath(name).as_posix()).split("/")
        out = max(out, parts.count(".."))
    kept = [part for part in folder.parts if part != folder.anchor][-out:] if out else []
    if len(kept) < out:
        raise UserError(f"{folder}: a file of the job lies above the root of the disk; name it by its absolute path")
    return "/".join([JOB, *kept])


def _directories(inside: str, names: list[str]) -> set[str]:
    """Every directory on the way of a name. The system goes through `a` on the way of `a/../b`, so it must be there."""
    found = {inside}
    for name in names:
        parts = PurePath(name).as_posix().split("/")
        found |= {posixpath.normpath("/".join([inside, *parts[:n]])) for n in range(1, len(parts))}
    return found - {"."}


def _parts(target: str, path: Path) -> Iterator[tuple[str, Path]]:
    """The plain files of a file or of a directory (a Zarr array)."""
    if not path.is_dir():
        yield target, path
        return
    for below in sorted(p for p in path.rglob("*") if p.is_file()):
        yield f"{target}/{below.relative_to(path).as_posix()}", below


def _write(archive: zipfile.ZipFile, out: IO[bytes], name: str, path: Path, limit: int) -> int:
    """Pack a file, or as much of it as there is room for; the bytes that it took."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    before = out.tell()
    with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
        while out.tell() <= limit and (chunk := source.read(2**20)):
            target.write(chunk)
    return out.tell() - before


def _too_large(sizes: dict[str, int], limit: int) -> str:
    """Names the largest file: leaving that one out helps most."""
    name, size = max(sizes.items(), key=lambda item: item[1])
    return (
        f"{name.partition('/')[2]}: takes {size / 2**20:.1f} MiB packed or more, and the job's files together pass the "
        f"{limit / 2**20:.0f} MiB that a Ray head takes; put large files where every node sees them, and name them by "
        "their absolute path"
    )
