"""One round: everything that must be computed at one set of parameters of one block before the block can go on.

Owns the assembly of answers into results. Knows neither workers nor what the results are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from .sweeps import Chunk
from .trace_sink import Receipt
from .work import Answer, Kind, Tag, WorkItem


class Round:
    """The chunks of a round and the answers so far.

    A lane is a row of ``u`` [lanes, parameters]; ``lanes`` are those whose results count. Each (chunk, lane) ends
    filled or quarantined. Quarantine holds for a kind of work: a start may be evaluated well and yet kill a gradient.
    """

    def __init__(
        self,
        phase: str,
        block: int,
        step: int,
        u: Float[np.ndarray, "lanes parameters"],
        lanes: Sequence[int],
        chunks: Sequence[Chunk],
    ) -> None:
        if not lanes or not chunks:
            raise ValueError("a round needs at least one lane and one chunk")
        self.key = (phase, block, step)
        self.u = np.array(u, np.float64)
        self.lanes = tuple(lanes)
        self.chunks = tuple(chunks)
        self._missing = [set(self.lanes) for _ in self.chunks]
        self._quarantined: dict[Kind, set[int]] = {}
        self._losses = [np.full((len(self.u), len(c.columns)), np.nan) for c in self.chunks]
        self._gradients = [np.zeros_like(self.u) if c.kind == "gradient" else None for c in self.chunks]
        self.traces: dict[tuple[int, int], np.ndarray] = {}
        """By (lane, column)."""
        self.receipts: dict[int, Receipt] = {}
        """By chunk, where a worker has written the traces of all lanes itself."""

    @property
    def complete(self) -> bool:
        return not any(self._missing)

    def tag(self, chunk: int, lanes: Iterable[int]) -> Tag:
        return Tag(*self.key, chunk, tuple(lanes))

    def missing(self, chunk: int, lanes: Iterable[int]) -> tuple[int, ...]:
        """Those of the lanes that this chunk still needs."""
        missing = self._missing[chunk]
        return tuple([lane for lane in lanes if lane in missing])

    def item(self, chunk: int, lanes: Sequence[int]) -> WorkItem:
        """The item for these lanes of a chunk, padded to the full shape with copies of its first lane and sweep."""
        c = self.chunks[chunk]
        source = np.full(len(self.u), lanes[0])
        source[list(lanes)] = lanes
        padding = c.width - len(c.sweeps)
        return WorkItem(
            tag=self.tag(chunk, lanes),
            kind=c.kind,
            group=c.group,
            sweeps=np.array(c.sweeps + c.sweeps[:1] * padding, np.int64),
            weights=np.array(c.weights + (0.0,) * padding, np.float64),
            u=self.u[source],
            whole=len(lanes) == len(self.lanes),
        )

    def accept(self, answer: Answer) -> None:
        """Take the lanes of an answer that are still missing; what is there already stays as it is."""
        index = answer.tag.chunk
        chunk = self.chunks[index]
        if answer.receipt is not None and self._missing[index]:
            self.receipts[index] = answer.receipt
        for lane in self.missing(index, answer.tag.lanes):
            if answer.losses is not None:
                self._losses[index][lane] = answer.losses[lane, : len(chunk.columns)]
            gradient = self._gradients[index]
            if gradient is not None and answer.gradient is not None:
                gradient[lane] = answer.gradient[lane]
            if answer.traces is not None:
                for i, column in enumerate(chunk.columns):
                    self.traces[lane, column] = np.array(answer.traces[lane, i])
            self._missing[index].discard(lane)

    def quarantine(self, chunk: int, lane: int) -> None:
        """Give up a lane for all chunks of this one's kind; traces of other chunks stand for themselves."""
        kind = self.chunks[chunk].kind
        self._quarantined.setdefault(kind, set()).add(lane)
        for i, missing in enumerate(self._missing):
            if i == chunk or (kind != "traces" and self.chunks[i].kind == kind):
                missing.discard(lane)

    def quarantined(self, kind: Kind) -> frozenset[int]:
        return frozenset(self._quarantined.get(kind, ()))

    def losses(self, kind: Kind, n_columns: int) -> Float[np.ndarray, "lanes sweeps"]:
        """Unweighted losses over the whole row of sweeps; NaN where this kind of work computed none."""
        out = np.full((len(self.u), n_columns), np.nan)
        for chunk, losses in zip(self.chunks, self._losses, strict=True):
            if chunk.kind == kind:
                out[:, chunk.columns] = losses
        for lane in self.quarantined(kind):
            out[lane] = np.nan
        return out

    def gradient(self) -> Float[np.ndarray, "lanes parameters"]:
        """The gradient of the weighted mean loss: the chunks' gradients added in their order."""
        total = np.zeros_like(self.u)
        for gradient in self._gradients:
            if gradient is not None:
                total = total + gradient
        return total
