"""Who may write a run: epochs, and which commits count after a run changed hands.

Every process that takes a run over makes the next numbered claim file, exclusively; it says on which commit it builds
(its *base*). The newest claim decides: commits of its own epoch count, and of earlier epochs those that it builds on,
directly or through their own claims. So a process that was frozen, wakes up and still writes, writes a commit that no
reader takes. Owns claims and that rule; writes nothing but claim files.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from .documents import canonical, digest, load
from .errors import DamagedRun, Fenced
from .layout import EPOCHS, Label
from .store import Store

_CLAIM = re.compile(r"([0-9]{8})\.json")
_NO_LIMIT: Final = 10**12


@dataclass(frozen=True)
class Claims:
    """All claims of a run: epoch -> the commit that it builds on."""

    bases: dict[int, Label | None]

    @property
    def newest(self) -> int:
        """The epoch of the process that may write; 0 when none has claimed the run."""
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
    """The number of the newest claim, from its name alone; 0 when there is none."""
    return max(_numbers(store), default=0)


def check(store: Store, mine: int) -> None:
    """Raises `Fenced` when a newer claim than `mine` is there."""
    newest = newest_epoch(store)
    if newest != mine:
        raise Fenced(
            f"{store.location}: another process took this run over (epoch {newest} after {mine}); "
            "this one stops, nothing of the other's is touched"
        )


def read_claims(store: Store) -> Claims:
    """All claims.

    Raises:
        DamagedRun: for a claim file that is not as it was written.
    """
    bases: dict[int, Label | None] = {}
    for number in _numbers(store):
        key = _key(number)
        where = f"{store.location}/{key}"
        data = store.get(key)
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


def put_claim(store: Store, number: int, base: Label | None) -> bool:
    """Makes a claim; False when another process made this one first."""
    body = {"epoch": number, "base": None if base is None else {"seq": base.seq, "epoch": base.epoch}}
    document = {**body, "digest": digest(canonical(body))}
    try:
        store.put(_key(number), json.dumps(document).encode("ascii"), exclusive=True)
    except FileExistsError:
        return False
    store.sync()
    return True


def _numbers(store: Store) -> list[int]:
    matches = (_CLAIM.fullmatch(name) for name in store.children(EPOCHS))
    return [int(match[1]) for match in matches if match]


def _key(number: int) -> str:
    return f"{EPOCHS}/{number:08d}.json"
