"""The Python that a job names: losses, mechanisms, model builders.

Owns loading and finding their source. Only what the job names is loaded, as an ordinary import of that file or
module; an entry's text comes from `entry`.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from .entry import Entry, parse_entry
from .errors import UserError, nearest, one_line
from .files import Unreadable, read_plain
from .limits import SOURCE_BYTES


def load_entry(text: str, folder: str | Path) -> Any:
    """What "file.py:Name" (relative to `folder`) or "module:Name" names.

    A file is loaded once in a process, as long as its content stays the same.

    Raises
    ------
    UserError : not of that form, no such file, module or name, or the code raises while it is loaded (with its line)
    """
    try:
        entry = parse_entry(text)
    except ValueError as error:
        raise UserError(str(error)) from None
    module = _load_file(entry, Path(folder)) if entry.is_file else _load_module(entry)
    try:
        return getattr(module, entry.name)
    except AttributeError:
        names = [name for name in vars(module) if not name.startswith("_")]
        raise UserError(f"{entry.place} has no {entry.name!r}; {nearest(entry.name, names)}") from None


def source_of(text: str, folder: str | Path) -> Path | None:
    """The file that holds what an entry names, without loading it; None for a module without a file of source.

    Raises UserError where there is no such file or module.
    """
    try:
        entry = parse_entry(text)
    except ValueError as error:
        raise UserError(str(error)) from None
    if entry.is_file:
        return _existing(entry, Path(folder))
    try:
        spec = importlib.util.find_spec(entry.place)
    except Exception as error:
        # Finding a submodule imports its parents, which may raise anything.
        raise UserError(f"{entry.place}: {_where(error)}") from None
    if spec is None:
        raise UserError(f"{entry.place}: no such module here; install it, or name a file such as cell.py:build")
    return Path(spec.origin) if spec.has_location and spec.origin is not None else None


def _existing(entry: Entry, folder: Path) -> Path:
    path = (folder / entry.place).absolute()
    if not path.is_file():
        raise UserError(f"{entry.place} is not there; it is looked for in {path.parent}")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{entry.place} is a link out of the job's folder; put the file itself there")
    return path


class _Source(SourceFileLoader):
    """Runs the bytes that were hashed: the file may have changed since, and a compiled copy beside it be another's."""

    def __init__(self, name: str, path: Path, content: bytes) -> None:
        super().__init__(name, str(path))
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._content, self.get_filename(fullname))


def _load_file(entry: Entry, folder: Path) -> ModuleType:
    path = _existing(entry, folder)
    try:
        content = read_plain(path, SOURCE_BYTES)
    except Unreadable as error:
        raise UserError(f"{entry.place}: {error}") from None
    # The name must be the file's alone: two jobs in one process may each have a loss.py.
    digest = hashlib.sha256(str(path).encode() + b"\0" + content).hexdigest()[:16]
    name = f"rallax_job_{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    loader = _Source(name, path, content)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise UserError(f"{entry.place}: no Python source; name a .py file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and the like look their module up by name while it is being loaded.
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UserError(f"{entry.place}: {_where(error)}") from None
    return module


def _load_module(entry: Entry) -> ModuleType:
    try:
        return importlib.import_module(entry.place)
    except ModuleNotFoundError as error:
        if error.name is not None and (entry.place == error.name or entry.place.startswith(f"{error.name}.")):
            how = "install it, or name a file such as cell.py:build"
            raise UserError(f"{entry.place}: no module {error.name!r} here; {how}") from None
        raise UserError(f"{entry.place}: {_where(error)}") from None
    except (Exception, SystemExit) as error:
        raise UserError(f"{entry.place}: {_where(error)}") from None


def _where(error: BaseException) -> str:
    """The error with the file and line that raised it."""
    what = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return one_line(f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}")
    # Neither our own frames nor the import machinery's tell the user anything.
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen")
        and frame.filename != __file__
        and not frame.filename.endswith("importlib/__init__.py")
    ]
    return one_line(f"{frames[-1].filename}:{frames[-1].lineno}: {what}" if frames else what)
