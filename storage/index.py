"""The table of contents in the zarr root: what zarr and xarray show of a run.

zarr calls it consolidated metadata. With it a run opens with one read and without a warning, and shows exactly the
groups that are whole: half-written ones, and what a crash left, are not in it. It is derived from the sealed groups and
rewritten as one key after they changed; rallax itself never relies on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .documents import PLACEHOLDER, load
from .encode import compact
from .errors import DamagedRun
from .groups import read_document
from .layout import DATA, DOCUMENT, PARAMETERS, PLAIN_GROUPS, ROOT, TRACES, Label, in_zarr
from .store import Store


class Index:
    """The metadata documents of every node that is shown.

    Args:
        attributes: the stored attributes of the zarr root.
    """

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        self._attributes = dict(attributes)
        self._nodes: dict[str, str] = {path: compact(PLACEHOLDER) for path in PLAIN_GROUPS}
        self._groups: dict[str, list[str]] = {}

    def add(self, path: str, document: bytes, keys: Mapping[str, bytes]) -> None:
        """Shows a sealed group and its members in place of what it was before."""
        self.remove(path)
        members = {path: compact(document)}
        for key, data in keys.items():
            if key.endswith(f"/{DOCUMENT}"):
                members[f"{path}/{key.removesuffix(f'/{DOCUMENT}')}"] = _member(data)
        self._groups[path] = list(members)
        self._nodes.update(members)

    def remove(self, path: str) -> None:
        """Shows a group no more."""
        for node in self._groups.pop(path, []):
            del self._nodes[node]

    def shown(self) -> list[str]:
        """The sealed groups that are shown."""
        return sorted(self._groups)

    def document(self) -> bytes:
        """The document of the zarr root."""
        # zarr orders nodes by depth; ours, sorted by depth and name, are the same bytes for the same contents
        nodes = sorted(self._nodes, key=lambda path: (path.count("/"), path))
        metadata = ",".join(f"{json.dumps(path)}:{self._nodes[path]}" for path in nodes)
        attributes = json.dumps(self._attributes, allow_nan=False)
        return (
            f'{{"zarr_format":3,"node_type":"group","attributes":{attributes},'
            f'"consolidated_metadata":{{"kind":"inline","must_understand":false,"metadata":{{{metadata}}}}}}}'
        ).encode("ascii")

    def publish(self, store: Store) -> None:
        """Writes the root document, durably."""
        store.put(ROOT, self.document())
        store.sync()


@lru_cache(maxsize=1024)
def _member(document: bytes) -> str:
    """As `compact`; the arrays of a checkpoint have the same documents as those of the one before."""
    return compact(document)


def load_index(store: Store, commits: list[Label], segments: list[str]) -> Index:
    """The index of what a run holds now.

    Args:
        store: the run's.
        commits: the checkpoints to show.
        segments: the history segments to show, as paths below the zarr root.

    Raises:
        DamagedRun: when the root document is not a zarr group's. Damaged groups below it are not shown.
    """
    root = load(store.get(ROOT) or b"", f"{store.location}/{ROOT}")
    index = Index(root.get("attributes", {}))
    paths = [f"{parent}/{name}" for parent in (DATA, TRACES) for name in store.children(in_zarr(parent))]
    for path in [*paths, PARAMETERS, *segments, *(label.checkpoint for label in commits)]:
        if path.endswith(f"/{DOCUMENT}"):
            continue  # the document of the parent itself
        try:
            found = read_document(store, path)
            if found is not None:
                document, _, committed = found
                index.add(path, document, _documents(store, path, committed["hashes"]))
        except DamagedRun:
            continue  # whoever reads this group is told; here it is only not shown
    return index


def _documents(store: Store, path: str, hashes: Mapping[str, str]) -> dict[str, bytes]:
    keys = [key for key in hashes if key.endswith(f"/{DOCUMENT}")]
    stored = store.get_all(f"{in_zarr(path)}/{key}" for key in keys)
    found = {}
    for key in keys:
        place = f"{in_zarr(path)}/{key}"
        found[key] = stored[place] or b""
        load(found[key], f"{store.location}/{place}")
    return found
