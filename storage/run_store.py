"""A run: the one door to everything that is stored of a fit.

Owns the public operations and turns the operating system's refusals into one-line errors. How things are written is in
`create` and `commit`, how checkpoints are read in `checkpoints`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from . import history as segments
from . import log as event_log
from . import trace_parts
from .checkpoints import Checkpoint, CheckpointReader, Commit
from .commit import Writer, no_writer
from .create import as_store, create, read_root
from .documents import PLACEHOLDER
from .epoch import read_claims
from .errors import DamagedRun, NotStorable, NotWritable, StorageError, one_line
from .groups import Damage, damages, decode_group, encode_group, read_sealed, write_sealed
from .index import Index, load_index
from .layout import DATA, DOCUMENT, PARAMETERS, TRACES, check_file, check_name, in_zarr
from .parameters import ParameterTable
from .store import Store
from .tree import Tree
from .variable import Group, Variable

_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


class RunStore:
    """A stored run; made by `create` or `open`. Its methods may be called from several threads.

    Every method raises a `StorageError` of one line when the run is damaged or the place refuses.
    """

    def __init__(self, store: Store, *, write: bool) -> None:
        self._store = store
        self._write = write
        self._root = read_root(store)
        self._reader = CheckpointReader(store)
        self._writer: Writer | None = None
        self._lock = threading.RLock()
        self._log_lock = threading.Lock()  # its own: the fit logs while a commit is being written
        self._logged = False

    @classmethod
    def create(
        cls,
        location: str | Path | Store,
        *,
        attributes: Mapping[str, Any],
        files: Mapping[str, bytes],
        sweeps: Mapping[str, Group] = _EMPTY,
        parameters: ParameterTable | None = None,
    ) -> RunStore:
        """Makes a new run, whole or not at all, and opens it for writing.

        Args:
            location: a directory (made with its parents; it must be empty if it is there), ``s3://BUCKET/PREFIX``,
                ``gs://BUCKET/PREFIX``, or a store.
            attributes: JSON attributes of the run: job hash, seeds, versions, device class, created.
            files: name -> contents, such as job.toml and resolved.json.
            sweeps: name -> its data; given here, they are there as soon as the run is.
            parameters: likewise.

        Raises:
            RunExists: when a run or anything else is there.
            NotWritable: when the place cannot be written; nothing is left behind.
        """
        store = as_store(location)
        create(store, attributes, files, sweeps, parameters)
        return cls(store, write=True)

    @classmethod
    def open(cls, location: str | Path | Store, *, write: bool = False) -> RunStore:
        """Opens a run; readers may do so while it is being written.

        Raises:
            NotARun, NewerFormat, DamagedRun: see the classes.
        """
        return cls(as_store(location), write=write)

    def for_writing(self) -> RunStore:
        """The same run, opened for writing."""
        return self if self._write else RunStore(self._store, write=True)

    @property
    def location(self) -> str:
        """The run's directory or remote place."""
        return self._store.location

    @property
    def attributes(self) -> dict[str, Any]:
        """What `create` was given, and ``format`` and ``format_version``."""
        return dict(self._root)

    # -- plain files and the log ---------------------------------------------------------------------------------------

    def read_file(self, name: str) -> bytes:
        """The contents of a file of the run; raises `StorageError` when it is not there."""
        with one_line(self.location, "read"):
            data = self._store.get(check_file(name))
        if data is None:
            raise StorageError(f"{self.location}/{name}: this file is not in the run; check the name")
        return data

    def write_file(self, name: str, data: bytes) -> None:
        """Writes a file of the run; readers see the old or the new contents, never a part."""
        self._check_write()
        with self._lock, one_line(self.location, "write"):
            self._store.put(check_file(name), data)
            self._store.sync()

    def log(self, event: Mapping[str, Any]) -> None:
        """Adds one line to log.jsonl (see `storage.log`)."""
        self._check_write()
        with self._log_lock, one_line(self.location, "write"):
            fresh_line = not self._logged and event_log.ends_within_a_line(self._store)
            event_log.append(self._store, event, fresh_line=fresh_line)
            self._logged = True

    def read_log(self) -> list[dict[str, Any]]:
        """All logged events in order; a line that was torn by a crash is left out."""
        with one_line(self.location, "read"):
            return event_log.read(self._store)

    # -- data, parameters, traces --------------------------------------------------------------------------------------

    def write_sweep(self, name: str, variables: Mapping[str, Variable], attrs: Mapping[str, Any] = _EMPTY) -> None:
        """Stores the data of a sweep: voltage(site, time), current(time), time(time), in place of earlier ones."""
        self._put_group(f"{DATA}/{check_name(name, 'sweep')}", Group(variables, attrs))

    def read_sweep(self, name: str) -> Group:
        """A sweep's data, with a running number for every dimension that has no coordinate of its own."""
        return self._get_group(f"{DATA}/{check_name(name, 'sweep')}", f"sweep {name!r}")

    def sweeps(self) -> list[str]:
        """The names of the stored sweeps, sorted."""
        return self._names(DATA)

    def write_parameters(self, table: ParameterTable) -> None:
        """Stores names, bounds and units of the fitted parameters."""
        self._put_group(PARAMETERS, table.to_group())

    def read_parameters(self) -> ParameterTable:
        """What `write_parameters` stored."""
        where = f"{self.location}/{in_zarr(PARAMETERS)}"
        return ParameterTable.from_group(self._get_group(PARAMETERS, "parameter table"), where)

    def write_traces(self, sweep: str, variables: Mapping[str, Variable], attrs: Mapping[str, Any] = _EMPTY) -> None:
        """Stores fitted traces of a sweep: voltage(start, site, time), in place of earlier ones."""
        self._put_group(f"{TRACES}/{check_name(sweep, 'sweep')}", Group(variables, attrs))

    def begin_trace_parts(self, sweeps: Iterable[str]) -> None:
        """Takes the traces of these sweeps away, for `PartWriter`s to write them anew and `seal_traces` to end it."""
        self._check_write()
        with self._lock, one_line(self.location, "write"):
            if self._writer is not None:
                self._writer.check()
            names, index = [check_name(name, "sweep") for name in sweeps], self._index()
            # Out of the index first: a reader that goes by it would find arrays without chunks, which read as 0 mV.
            paths = {f"{TRACES}/{name}" for name in names} & set(index.shown())
            for path in paths:
                index.remove(path)
            if paths:
                index.publish(self._store)
            trace_parts.begin(self._store, names)

    def part_writer(self, epoch: int, block: int) -> tuple[str, trace_parts.PartWriter]:
        """A writer of parts of traces, and the word by which another process makes one for the same place."""
        self._check_write()
        with one_line(self.location, "write"):
            word = trace_parts.put_probe(self._store)
        return word, trace_parts.PartWriter(self._store, epoch, word, block)

    def seal_traces(
        self, sweep: str, parts: Iterable[trace_parts.Receipt], block: int, coordinates: Mapping[str, Variable]
    ) -> None:
        """Makes the traces of a sweep count whose parts are written (see `trace_parts`)."""
        self._check_write()
        with self._lock, one_line(self.location, "write"):
            if self._writer is not None:
                self._writer.check()
            index = self._index()
            path, document, keys = trace_parts.sealed(self._store, sweep, parts, block, coordinates)
            index.add(path, document, keys)
            index.publish(self._store)

    def read_traces(self, sweep: str) -> Group:
        """What `write_traces` stored."""
        return self._get_group(f"{TRACES}/{check_name(sweep, 'sweep')}", f"traces of sweep {sweep!r}")

    def traces(self) -> list[str]:
        """The names of the sweeps that have fitted traces, sorted."""
        return self._names(TRACES)

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    def claim_epoch(self, *, strict: bool = True) -> int:
        """Takes the run over: from now on no other process that had it can commit. Removes what a crash left.

        Args:
            strict: False builds on the newest whole checkpoint when a newer committed one is damaged, and deletes that.

        Returns:
            The epoch, 1 for the first process.

        Raises:
            DamagedRun: when a committed checkpoint (strict: the newest) is damaged.
        """
        self._check_write()
        with self._lock, one_line(self.location, "write"):
            self._writer = Writer(self._store, self._reader, strict=strict)
            return self._writer.epoch

    def commit(
        self,
        tree: Tree,
        *,
        history: Mapping[str, Variable] | None = None,
        step: int,
        attrs: Mapping[str, Any] = _EMPTY,
        keep: int = 3,
        best: bool = False,
    ) -> int:
        """Stores a checkpoint durably; when this returns it is the latest one.

        Args:
            tree: nested dictionaries of numpy arrays, `Variable`s and scalars (see `tree`).
            history: the rows since the last commit; the first dimension of every variable is ``step``, the names, types
                and dims are the same in every commit.
            step: how far the fit is.
            attrs: JSON attributes.
            keep: how many of the last checkpoints stay.
            best: it is the best so far; the newest such one stays besides.

        Returns:
            Its number.

        Raises:
            Fenced: when another process has taken the run over, or this one never did.
            DiskFull, NotWritable: the last checkpoint is intact and the call may be repeated.
        """
        with self._lock, one_line(self.location, "write"):
            if self._writer is None:
                raise no_writer(self.location)
            return self._writer.commit(tree, history=history, step=step, attrs=attrs, keep=keep, best=best)

    def release(self) -> None:
        """Removes what is kept on the disk only to make the next commit cheap; for when there will be none soon."""
        self._check_write()
        with self._lock, one_line(self.location, "write"):
            self._store.release()

    def latest(self, *, strict: bool = False, known: Checkpoint | None = None) -> Checkpoint | None:
        """The newest checkpoint whose hashes, and its history's, all hold; None when nothing was committed.

        Args:
            strict: raise when the newest committed one is damaged. Otherwise an older one is returned and `skipped`
                says what is wrong with the newer.
            known: one that was read before; it is returned, and not read again, if it is still the latest.

        Raises:
            DamagedRun: naming the file; also when checkpoints were committed but none is whole.
        """
        with one_line(self.location, "read"):
            return self._reader.latest(strict=strict, known=known)

    def commits(self) -> list[Commit]:
        """The stored checkpoints, oldest first, from their seals alone; damaged ones are left out."""
        found = []
        with one_line(self.location, "read"):
            for label in self._reader.labels(read_claims(self._store)):
                try:
                    commit = self._reader.commit(label)
                except DamagedRun:
                    continue
                if commit is not None:
                    found.append(commit)
        return found[::-1]

    def checkpoint(self, seq: int) -> Checkpoint:
        """One stored checkpoint by its number; raises `StorageError` when it is not there (any more)."""
        with one_line(self.location, "read"):
            for label in self._reader.labels(read_claims(self._store)):
                found = self._reader.read(label) if label.seq == seq else None
                if found is not None:
                    return found
        raise StorageError(f"{self.location}: no checkpoint {seq}; stored are {[c.label.seq for c in self.commits()]}")

    def history(self, checkpoint: Checkpoint | None = None) -> dict[str, Variable]:
        """The whole history that a checkpoint covers, with its coordinates; empty when there is none.

        Args:
            checkpoint: which one; None for the latest. Give it where both are read from a run that is being written.
        """
        checkpoint = checkpoint or self.latest()
        if checkpoint is None:
            return {}
        with one_line(self.location, "read"):
            wanted = covering = checkpoint.commit
            while True:
                try:
                    whole = segments.join(self._reader.history(covering), self.location)
                    return segments.head(whole, wanted.rows)
                except DamagedRun:
                    # A writer may have joined the segments and dropped this checkpoint; newer ones have its rows too.
                    newer = self._reader.latest()
                    if newer is None or newer.commit.label <= covering.label:
                        raise
                    covering = newer.commit

    def verify(self) -> list[Damage]:
        """Every file of the run's zarr data whose bytes are not those committed; empty when all is well."""
        with one_line(self.location, "read"):
            found: list[Damage] = []
            for parent in (DATA, TRACES):
                for name in self._children(parent):
                    found += damages(self._store, f"{parent}/{name}")
            found += damages(self._store, PARAMETERS)
            try:
                labels = self._reader.labels(read_claims(self._store))
            except DamagedRun as error:
                return [*found, Damage(str(error).split(": ")[0], str(error))]
            for label in labels:
                try:
                    commit = self._reader.commit(label)
                except DamagedRun as error:
                    found.append(Damage(str(error).split(": ")[0], str(error)))
                    continue
                found += self._reader.damages(commit) if commit is not None else []
            return list(dict.fromkeys(found))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _check_write(self) -> None:
        if not self._write:
            raise NotWritable(f"{self.location}: the run was opened for reading; open it with write=True")

    def _index(self) -> Index:
        if self._writer is not None:
            return self._writer.index
        latest = self._reader.latest()
        covered = [segment.path for segment in latest.commit.segments] if latest else []
        return load_index(self._store, [commit.label for commit in self.commits()], covered)

    def _put_group(self, path: str, group: Group) -> None:
        self._check_write()
        encoded = encode_group(group)
        with self._lock, one_line(self.location, "write"):
            if self._writer is not None:
                self._writer.check()
            index = self._index()
            document = write_sealed(self._store, path, encoded, {})
            index.add(path, document, encoded.keys)
            index.publish(self._store)

    def _get_group(self, path: str, what: str) -> Group:
        with one_line(self.location, "read"):
            sealed = read_sealed(self._store, path)
        where = f"{self.location}/{in_zarr(path)}"
        if sealed is None:
            stored = ", ".join(self._names(path.split("/")[0])) if "/" in path else ""
            raise StorageError(f"{where}: no {what} in this run" + (f"; there are {stored}" if stored else ""))
        try:
            return decode_group(sealed.contents, where)
        except NotStorable as error:
            raise DamagedRun(f"{where}: {error}") from error

    def _children(self, parent: str) -> list[str]:
        return [name for name in self._store.children(in_zarr(parent)) if name != DOCUMENT]

    def _names(self, parent: str) -> list[str]:
        """The groups below one that are whole by their documents, or damaged: reading those says so."""
        key = f"{in_zarr(parent)}/{{}}/{DOCUMENT}"
        with one_line(self.location, "read"):
            names = self._children(parent)
            stored = self._store.get_all(key.format(name) for name in names)
            documents = {name: stored[key.format(name)] for name in names}
        return [name for name, document in documents.items() if document is not None and document != PLACEHOLDER]
