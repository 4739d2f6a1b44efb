"""Who may write a run: epochs, and which commits count after a run changed hands.

A process takes a run over in two steps. It makes the next numbered *claim*, exclusively: whoever wrote before sees it
at its next look and stops. Then it looks which commit is the latest and writes that down as its *base*. The newest base
decides: commits of its own epoch count, and of earlier epochs those that it builds on, directly or through their own
bases. So a process that was frozen between its last look and its last write writes a commit that no reader takes; and
since a writer looks again between committing and deleting, what a base names is never deleted by an earlier one. Owns
these files and that rule; writes nothing else.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from typing import Final

from .documents import canonical, digest, load
from .errors import DamagedRun, Fenced
from .layout import EPOCHS, Label
from .store import Store

_CLAIM = re.compile(r"([0-9]{8})\.claim")
_BASE = re.compile(r"([0-9]{8})\.json")
_NO_LIMIT: Final = 10**12


@dataclass(frozen=True)
class Claims:
    """The bases of a run: epoch -> the commit that it builds on (None: on none)."""

    bases: dict[int, Label | None]

    @property
    def newest(self) -> int:
        """The newest epoch that has a base; 0 when there is none."""
        return max(self.bases, default=0)

    def limits(self) -> dict[int, int]:
        """Epoch -> the last commit number of it that counts; epochs that are not named do not count at all."""
        limits: dict[int, int] = {}
        epoch, last = self.newest, _NO_LIMIT
        while epoch > 0:
            limits[epoch] = last
            base = self.bases.get(epoch)
            if base is None or base.epoch >= epoch:
                break
            epoch, last = base.epoch, base.seq
        return limits

    def accepts(self, label: Label) -> bool:
        """Whether this commit counts."""
        return label.seq <= self.limits().get(label.epoch, -1)


def newest_epoch(store: Store) -> int:
    """The number of the newest claim; 0 when there is none."""
    return max(_numbers(store, _CLAIM), default=0)


def check(store: Store, mine: int) -> None:
    """Raises `Fenced` when a newer claim than `mine` is there."""
    newest = newest_epoch(store)
    if newest != mine:
        raise Fenced(
            f"{store.location}: another process took this run over (epoch {newest} after {mine}); "
            "this one stops, nothing of the other's is touched"
        )


def read_claims(store: Store) -> Claims:
    """All bases.

    Raises:
        DamagedRun: for a file that is not as it was written.
    """
    bases: dict[int, Label | None] = {}
    numbers = _numbers(store, _BASE)
    stored = store.get_all(_base_key(number) for number in numbers)
    for number in numbers:
        key = _base_key(number)
        where = f"{store.location}/{key}"
        data = stored[key]
        document = load(data or b"", where)
        body = {name: value for name, value in document.items() if name != "digest"}
        if document.get("digest") != digest(canonical(body)) or body.get("epoch") != number:
            raise DamagedRun(f"{where}: not as it was written; restore this file from a copy")
        base = body.get("base")
        try:
            bases[number] = None if base is None else Label(int(base["seq"]), int(base["epoch"]))
        except (TypeError, KeyError, ValueError) as error:
            raise DamagedRun(f"{where}: names no commit; restore this file from a copy") from error
    return Claims(bases)


def put_claim(store: Store, number: int) -> bool:
    """Makes a claim, durably; False when another process made this one first."""
    try:
        # Of every claim its own bytes: so a store that lost the answer to a put can tell whose it is.
        store.put(f"{EPOCHS}/{number:08d}.claim", uuid.uuid4().hex.encode("ascii"), exclusive=True)
    except FileExistsError:
        return False
    store.sync()
    return True


def put_base(store: Store, number: int, base: Label | None) -> None:
    """Writes down, durably, on which commit the holder of a claim builds."""
    body = {"epoch": number, "base": None if base is None else {"seq": base.seq, "epoch": base.epoch}}
    document = {**body, "digest": digest(canonical(body))}
    store.put(_base_key(number), json.dumps(document).encode("ascii"), exclusive=True)
    store.sync()


def _numbers(store: Store, pattern: re.Pattern[str]) -> list[int]:
    matches = (pattern.fullmatch(name) for name in store.children(EPOCHS))
    return [int(match[1]) for match in matches if match]


def _base_key(number: int) -> str:
    return f"{EPOCHS}/{number:08d}.json"
