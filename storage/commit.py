"""The commit protocol: taking a run over, committing checkpoints, keeping few.

Owns the order of every write. A commit puts the new history segment and the arrays of the checkpoint, makes them
durable, looks whether it is still the writer, and then puts the one key that makes the checkpoint exist. Only after
that, and after another look, are the root's index rewritten and old checkpoints deleted. A crash between any two writes
leaves the last committed state whole; what is left over is removed by the next process that takes the run over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import history as segments
from .checkpoints import ATTRS, CheckpointReader, Commit, Segment
from .documents import check_attributes, digest
from .epoch import check, newest_epoch, put_base, put_claim, read_claims
from .errors import DamagedRun, Fenced, NotStorable
from .groups import sealed_document, write_members
from .index import Index, load_index
from .joining import newest_to_join
from .layout import CHECKPOINTS, DOCUMENT, HISTORY, Label, in_zarr
from .store import Store
from .tree import Encoded, Tree, encode_tree
from .variable import Group, Variable, with_coordinates


class Writer:
    """The one process that may write a run: the holder of its newest epoch.

    Args:
        store: the run's.
        reader: of the same run.
        strict: refuse (`DamagedRun`) to build on an older checkpoint when the newest committed one is damaged.
    """

    def __init__(self, store: Store, reader: CheckpointReader, *, strict: bool) -> None:
        self._store = store
        self._reader = reader
        self._head: Commit | None = None
        self._schema: segments.Schema | None = None
        self._written: dict[Segment, int] = {}
        self.epoch = self._claim(reader, strict)
        if self._head is not None and self._head.segments:
            self._schema = segments.schema(reader.segment(self._head.segments[-1]).variables)
        self._kept = self._clean(reader)
        self._dropped: list[Label] = []
        older = dict.fromkeys(segment for commit in self._kept for segment in commit.segments)
        self._stale: list[Segment] = [segment for segment in older if segment not in self._covered()]
        covered = [segment.path for segment in self._covered()]
        self.index: Index = load_index(store, [commit.label for commit in self._kept], covered)
        self.check()
        self.index.publish(store)

    def _claim(self, reader: CheckpointReader, strict: bool) -> int:
        # A damaged run is refused before the process that may be writing it is fenced off.
        before = reader.latest(strict=strict)
        while True:
            epoch = newest_epoch(self._store) + 1
            if put_claim(self._store, epoch):
                break
        latest = reader.latest(strict=strict, known=before)
        self._head = latest.commit if latest else None
        put_base(self._store, epoch, self._head.label if self._head else None)
        # Whoever claims after this look builds on our base; who claimed before it may have built on another.
        check(self._store, epoch)
        return epoch

    def _clean(self, reader: CheckpointReader) -> list[Commit]:
        """Removes what does not count, and returns the checkpoints that do, oldest first."""
        claims = read_claims(self._store)
        kept: list[Commit] = []
        for name in self._store.children(in_zarr(CHECKPOINTS)):
            label = Label.parse(name)
            if label is None or label.epoch > self.epoch:
                continue
            try:
                commit = reader.commit(label) if claims.accepts(label) else None
            except DamagedRun:
                continue  # older than the one we build on: left for its owner to look at
            if commit is None:
                self._store.delete_tree(in_zarr(label.checkpoint), first=DOCUMENT)
            else:
                kept.append(commit)
        # The head's own beside them: a process that took over since may have dropped its checkpoint, not its segments.
        covered = {segment.path for commit in kept for segment in commit.segments}
        covered |= {segment.path for segment in self._covered()}
        for name in self._store.children(in_zarr(HISTORY)):
            label = Label.parse(name)
            if label is not None and label.epoch <= self.epoch and label.segment not in covered:
                self._store.delete_tree(in_zarr(label.segment), first=DOCUMENT)
        self._store.tidy()
        return sorted(kept, key=lambda commit: commit.label)

    def _covered(self) -> tuple[Segment, ...]:
        return self._head.segments if self._head else ()

    def check(self) -> None:
        """Raises `Fenced` when another process has taken the run over."""
        check(self._store, self.epoch)

    def commit(
        self,
        tree: Tree,
        *,
        history: Mapping[str, Variable] | None,
        step: int,
        attrs: Mapping[str, Any],
        keep: int,
        best: bool,
    ) -> int:
        """See `RunStore.commit`. After an `OSError` the last acknowledged state stands and the call may be repeated."""
        if keep < 1:
            raise NotStorable(f"keep = {keep}: at least the last checkpoint must be kept; give 1 or more")
        head = self._head
        label = Label(head.label.seq + 1 if head else 1, self.epoch)
        encoded = encode_tree(tree)
        encoded.attributes[ATTRS] = check_attributes(attrs, "checkpoint attributes")
        first_row = head.rows if head else 0
        added = segments.rows(history) if history else 0
        schema, covered, segment = self._schema, self._covered(), None
        self.check()
        if history and added:
            if schema is not None:
                segments.check_same(schema, segments.schema(history))
            else:
                schema = segments.schema(history)
            segment, covered = self._segment(history, first_row, added)
        try:
            commit, document, segment_document = self._write(
                label, encoded, segment, covered, step, best, first_row + added
            )
        except OSError:
            self.check()  # a process that took over removes our files: that, not the missing file, is the news
            raise
        if segment is not None:
            *stay, newest = commit.segments
            written = {own: self._rows(own) for own in stay if own in self._written}
            self._written = {**written, newest: commit.rows - sum(map(self._rows, stay))}
        before, self._head, self._schema = self._covered(), commit, schema
        self._stale += [gone for gone in before if gone not in commit.segments]
        self.index.add(label.checkpoint, document, encoded.keys)
        if segment is not None:
            self.index.add(label.segment, segment_document, segment.keys)
        self.check()
        self._retain(commit, keep)
        return label.seq

    def _rows(self, segment: Segment) -> int:
        """How many a segment has; to count those of one that was written here it is not read back."""
        return self._written[segment] if segment in self._written else self._reader.rows(segment)

    def _segment(
        self, history: Mapping[str, Variable], first_row: int, added: int
    ) -> tuple[Encoded, tuple[Segment, ...]]:
        """The segment that a commit adds, and the earlier ones that stay beside it (see `joining`)."""
        covered = self._covered()
        sizes = [self._rows(segment) for segment in covered]
        taken = newest_to_join(sizes, added, segments.row_bytes(history))
        if not taken:
            return segments.encode_segment(history, first_row), covered
        stay, joined = covered[:-taken], [self._reader.segment(segment) for segment in covered[-taken:]]
        own = Group(with_coordinates(history, {segments.STEP: first_row}))
        whole = segments.join([*joined, own], self._store.location)
        return segments.encode_segment(whole, first_row - sum(sizes[-taken:])), stay

    def _write(
        self,
        label: Label,
        encoded: Encoded,
        segment: Encoded | None,
        covered: tuple[Segment, ...],
        step: int,
        best: bool,
        rows: int,
    ) -> tuple[Commit, bytes, bytes]:
        store, place = self._store, in_zarr(label.checkpoint)
        if store.children(place):  # of an attempt that failed; before the segment that it may cover
            store.delete_tree(place, first=DOCUMENT)
        segment_document = b""
        if segment is not None:
            write_members(store, label.segment, segment)
            segment_document = sealed_document(segment, {"seq": label.seq, "epoch": label.epoch})
            store.put(f"{in_zarr(label.segment)}/{DOCUMENT}", segment_document)
            covered = (*covered, Segment(label.segment, digest(segment_document)))
        write_members(store, label.checkpoint, encoded)
        store.sync()
        commit = Commit(label, step, best, rows, covered)
        document = sealed_document(encoded, commit.facts())
        self.check()
        store.put(f"{place}/{DOCUMENT}", document)
        store.sync()
        return commit, document, segment_document

    def _retain(self, commit: Commit, keep: int) -> None:
        """Shows the new state and deletes all but the last `keep` checkpoints and the newest best one."""
        self._kept.append(commit)
        bests = [kept for kept in self._kept if kept.best]
        stay = {*(kept.label for kept in self._kept[-keep:]), *(kept.label for kept in bests[-1:])}
        self._dropped += [kept.label for kept in self._kept if kept.label not in stay]
        self._kept = [kept for kept in self._kept if kept.label in stay]
        for label in self._dropped:
            self.index.remove(label.checkpoint)
        for segment in self._stale:
            self.index.remove(segment.path)
        covered = {segment for kept in self._kept for segment in kept.segments}
        try:
            self.index.publish(self._store)
            while self._dropped:
                self._store.delete_tree(in_zarr(self._dropped[0].checkpoint), first=DOCUMENT)
                self._dropped.pop(0)
            # Last: a reader that misses one looks whether the checkpoint that covers it is still there.
            for segment in [segment for segment in self._stale if segment not in covered]:
                self._store.delete_tree(in_zarr(segment.path), first=DOCUMENT)
                self._stale.remove(segment)
        except OSError:
            return  # the commit itself is durable; the next one does this again, and fails where this one would have


def no_writer(location: str) -> Fenced:
    """The error of a commit by a process that never took the run over."""
    return Fenced(f"{location}: this process has not taken the run over; call claim_epoch() before committing")
