"""Checkpoints and the history that they cover, as they are read.

Owns what a checkpoint is and which one is the latest. Writes nothing: see `commit`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from .documents import digest
from .epoch import Claims, read_claims
from .errors import DamagedRun
from .groups import Damage, Sealed, damages, decode_group, read_document, read_sealed
from .history import STEP
from .layout import CHECKPOINTS, DOCUMENT, EPOCHS, Label, in_zarr
from .limits import group_bytes
from .store import Store
from .tree import Encoded, decode_tree
from .variable import Group

ATTRS: Final = "attrs"
_RETRIES: Final = 20


@dataclass(frozen=True)
class Segment:
    """A part of the history that a commit covers.

    Attributes:
        path: its group, below the zarr root.
        sha256: of its document, which holds the hashes of everything in it.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class Commit:
    """What the seal of a checkpoint says.

    Attributes:
        label: its number and the epoch of its writer.
        step: how far the fit was.
        best: whether it was the best so far.
        rows: rows of the history up to here.
        segments: the history that it covers, in order.
    """

    label: Label
    step: int
    best: bool
    rows: int
    segments: tuple[Segment, ...]

    def facts(self) -> dict[str, Any]:
        """The entries of ``committed``; the inverse of `from_facts`."""
        return {
            "seq": self.label.seq,
            "epoch": self.label.epoch,
            "step": self.step,
            "best": self.best,
            "rows": self.rows,
            "history": [{"segment": segment.path, "sha256": segment.sha256} for segment in self.segments],
        }

    @classmethod
    def from_facts(cls, facts: dict[str, Any], label: Label, where: str) -> Commit:
        """Reads ``committed``; raises `DamagedRun` when it is not that of this checkpoint."""
        try:
            segments = tuple(Segment(str(entry["segment"]), str(entry["sha256"])) for entry in facts["history"])
            commit = cls(
                Label(int(facts["seq"]), int(facts["epoch"])),
                int(facts["step"]),
                bool(facts["best"]),
                int(facts["rows"]),
                segments,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedRun(f"{where}: `committed` is incomplete; restore this file from a copy") from error
        if commit.label != label:
            raise DamagedRun(f"{where}: this is a copy of another checkpoint; delete or restore it")
        return commit


@dataclass(frozen=True)
class Checkpoint:
    """A committed state of the fit, every hash checked.

    Attributes:
        commit: number, epoch, step, history covered.
        tree: what was handed to `RunStore.commit`, arrays as plain numpy arrays.
        attrs: the JSON attributes handed along.
        skipped: newer checkpoints that were committed but are damaged.
    """

    commit: Commit
    tree: dict[str, Any]
    attrs: dict[str, Any]
    skipped: tuple[Damage, ...] = field(default=())

    @property
    def seq(self) -> int:
        """The number of the commit."""
        return self.commit.label.seq

    @property
    def step(self) -> int:
        """How far the fit was."""
        return self.commit.step


class CheckpointReader:
    """Reads the checkpoints of one run; remembers which history segments it has found whole.

    Args:
        store: the run's.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._whole: dict[Segment, int] = {}

    def labels(self, claims: Claims) -> list[Label]:
        """The commits that count, newest first, whether they are whole or still being written."""
        found = [label for name in self._store.children(in_zarr(CHECKPOINTS)) if (label := Label.parse(name))]
        # Read again where there is none: the first may have been written since.
        if found and not claims.bases and not read_claims(self._store).bases:
            where = f"{self._store.location}/{EPOCHS}"
            raise DamagedRun(f"{where}: is missing, and without it no checkpoint counts; copy it along with the run")
        return sorted((label for label in found if claims.accepts(label)), reverse=True)

    def commit(self, label: Label) -> Commit | None:
        """What a checkpoint's seal says, its arrays unread; None when it is absent or still being written."""
        found = read_document(self._store, label.checkpoint)
        return None if found is None else Commit.from_facts(found[2], label, self._where(label))

    def read(self, label: Label) -> Checkpoint | None:
        """A checkpoint with all hashes checked, its history's too; None when absent or still being written.

        Raises:
            DamagedRun: naming the first file whose bytes are not those committed.
        """
        sealed = read_sealed(self._store, label.checkpoint)
        if sealed is None:
            return None
        where = self._where(label)
        commit = Commit.from_facts(sealed.committed, label, where)
        try:
            for segment in commit.segments:
                self.rows(segment)
        except DamagedRun:
            if read_document(self._store, label.checkpoint) is None:
                return None  # removed meanwhile, and the segments that it alone covered after it
            raise
        attributes = dict(sealed.contents.attributes)
        attrs = attributes.pop(ATTRS, {})
        tree = decode_tree(
            Encoded(sealed.contents.keys, attributes), f"{self._store.location}/{in_zarr(label.checkpoint)}"
        )
        return Checkpoint(commit, tree, attrs)

    def rows(self, segment: Segment) -> int:
        """The rows of a segment; raises `DamagedRun` when it is not whole. What was found whole is not read again."""
        if segment not in self._whole:
            sealed = self._sealed_segment(segment)
            where = f"{self._store.location}/{in_zarr(segment.path)}"
            self._whole[segment] = decode_group(sealed.contents, where)[STEP].data.shape[0]
        return self._whole[segment]

    def latest(self, *, strict: bool = False, known: Checkpoint | None = None) -> Checkpoint | None:
        """The newest whole checkpoint; see `RunStore.latest`."""
        before: list[Label] | None = None
        for _ in range(_RETRIES):
            labels = self.labels(read_claims(self._store))
            skipped: list[Damage] = []
            vanished = False
            for label in labels:
                try:
                    if known is not None and known.commit == self.commit(label):
                        return known
                    checkpoint = self.read(label)
                except DamagedRun as error:
                    if strict:
                        raise
                    skipped.append(Damage(self._where(label), str(error)))
                    continue
                if checkpoint is None:
                    vanished = True  # or it is still being written
                elif vanished and self.labels(read_claims(self._store)) != labels:
                    break  # a newer one was removed after still newer ones were added: this one is not the latest
                else:
                    return replace(checkpoint, skipped=tuple(skipped))
            else:
                if skipped:
                    raise DamagedRun(f"{skipped[0].reason} (no older checkpoint is whole)")
                if labels == before or not labels:
                    return None
            before = labels  # the writer may have removed what was listed, after adding newer ones: look again
        return None

    def history(self, commit: Commit) -> list[Group]:
        """The segments that a commit covers."""
        found, left = [], group_bytes()
        for segment in commit.segments:
            found.append(self.segment(segment))
            left -= sum(variable.data.nbytes for variable in found[-1].variables.values())
            if left < 0:
                where = f"{self._store.location}/{in_zarr(segment.path)}"
                raise DamagedRun(f"{where}: the history has more bytes than this machine can hold; use a larger one")
        return found

    def segment(self, segment: Segment) -> Group:
        """One segment; raises `DamagedRun` when it is not whole."""
        where = f"{self._store.location}/{in_zarr(segment.path)}"
        return decode_group(self._sealed_segment(segment).contents, where)

    def damages(self, commit: Commit) -> list[Damage]:
        """Every file of a checkpoint, and of the history that it covers, whose bytes are not those committed."""
        found = damages(self._store, commit.label.checkpoint)
        for segment in commit.segments:
            inner = damages(self._store, segment.path)
            if not inner:
                try:
                    self._sealed_segment(segment)
                except DamagedRun as error:
                    inner = [Damage(f"{self._store.location}/{in_zarr(segment.path)}/{DOCUMENT}", str(error))]
            found += inner
        return found

    def _sealed_segment(self, segment: Segment) -> Sealed:
        where = f"{self._store.location}/{in_zarr(segment.path)}/{DOCUMENT}"
        sealed = read_sealed(self._store, segment.path)
        if sealed is None:
            raise DamagedRun(f"{where}: missing, but a checkpoint covers it; restore this folder from a copy")
        if digest(sealed.document) != segment.sha256:
            raise DamagedRun(f"{where}: not the segment that was committed; restore this folder from a copy")
        return sealed

    def _where(self, label: Label) -> str:
        return f"{self._store.location}/{in_zarr(label.checkpoint)}/{DOCUMENT}"
