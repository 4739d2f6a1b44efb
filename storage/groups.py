"""Sealed groups in a store: writing them whole, reading them checked.

Owns the order of writing (placeholder, members, sync, then the document with ``committed``) and the check of every hash
when one is read. What the members mean is the business of `tree`, `history` and the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .documents import PLACEHOLDER, digest, group_document, open_group, open_seal, seal
from .encode import decode_array, encode_array
from .errors import DamagedRun
from .layout import DOCUMENT, in_zarr
from .store import Store
from .tree import Encoded, split_arrays
from .variable import Group, with_coordinates

_RETRIES: Final = 20


@dataclass(frozen=True)
class Sealed:
    """A group that was read whole.

    Attributes:
        contents: its keys and own attributes.
        committed: what its seal says besides the digest.
        document: the stored bytes of its document.
    """

    contents: Encoded
    committed: dict[str, Any]
    document: bytes


@dataclass(frozen=True)
class Damage:
    """One key of a run whose bytes are not those that were committed.

    Attributes:
        path: the file.
        reason: one line that says what is wrong and what to do.
    """

    path: str
    reason: str


def encode_group(group: Group, first: Mapping[str, int] | None = None) -> Encoded:
    """The keys and attributes of a group of variables; index coordinates are added (see `with_coordinates`)."""
    keys: dict[str, bytes] = {}
    for name, variable in with_coordinates(group.variables, first).items():
        keys.update((f"{name}/{key}", data) for key, data in encode_array(variable).items())
    return Encoded(keys, dict(group.attrs))


def decode_group(encoded: Encoded, where: str) -> Group:
    """The inverse of `encode_group`; added coordinates stay."""
    variables = {}
    for path, keys in split_arrays(encoded.keys, where).items():
        if keys is None:
            raise DamagedRun(f"{where}/{path}: a group where an array is expected; restore it from a copy")
        variables[path] = decode_array(keys, f"{where}/{path}")
    return Group(variables, encoded.attributes)


def write_members(store: Store, path: str, encoded: Encoded) -> None:
    """Writes all of a group but its seal, over whatever is there; readers ignore the group from now on."""
    prefix = in_zarr(path)
    if store.children(prefix):
        store.delete_tree(prefix, first=DOCUMENT)
    store.put_tree(prefix, {DOCUMENT: PLACEHOLDER, **encoded.keys})


def sealed_document(encoded: Encoded, facts: Mapping[str, Any]) -> bytes:
    """The document that makes a group count once its members are durable."""
    hashes = {key: digest(data) for key, data in encoded.keys.items()}
    return group_document(seal(encoded.attributes, hashes, facts))


def write_sealed(store: Store, path: str, encoded: Encoded, facts: Mapping[str, Any]) -> bytes:
    """Writes a group whole and returns its document."""
    write_members(store, path, encoded)
    store.sync()
    document = sealed_document(encoded, facts)
    store.put(f"{in_zarr(path)}/{DOCUMENT}", document)
    store.sync()
    return document


def read_document(store: Store, path: str) -> tuple[bytes, dict[str, Any], dict[str, Any]] | None:
    """The document of a sealed group, its own attributes and its seal; None when absent or still being written.

    Raises:
        DamagedRun: when the document is neither.
    """
    key = f"{in_zarr(path)}/{DOCUMENT}"
    document = store.get(key)
    if document is None or document == PLACEHOLDER:
        return None
    where = f"{store.location}/{key}"
    attributes, committed = open_seal(open_group(document, where), where)
    return document, attributes, committed


def read_sealed(store: Store, path: str) -> Sealed | None:
    """A group with every hash checked; None when it is absent or still being written.

    Raises:
        DamagedRun: naming the first key whose bytes are not those committed.
    """
    for attempt in range(_RETRIES):
        found = read_document(store, path)
        if found is None:
            return None
        document, attributes, committed = found
        keys: dict[str, bytes] = {}
        damage = next(_members(store, path, committed["hashes"], keys), None)
        if damage is None:
            return Sealed(Encoded(keys, attributes), committed, document)
        now = read_document(store, path)
        if now is not None and (now[0] == document or attempt == _RETRIES - 1):
            raise DamagedRun(damage.reason)
        # the writer has replaced or removed the group meanwhile: look again
    return None


def damages(store: Store, path: str) -> list[Damage]:
    """Every key of a group whose bytes are not those committed; empty when it is absent or still being written."""
    try:
        found = read_document(store, path)
    except DamagedRun as error:
        return [Damage(f"{store.location}/{in_zarr(path)}/{DOCUMENT}", str(error))]
    return [] if found is None else list(_members(store, path, found[2]["hashes"], {}))


def _members(store: Store, path: str, hashes: Mapping[str, Any], keys: dict[str, bytes]) -> Iterator[Damage]:
    """Reads the members into `keys` and yields what is wrong with them."""
    found = store.get_all(f"{in_zarr(path)}/{key}" for key in hashes)
    for key, expected in hashes.items():
        place = f"{store.location}/{in_zarr(path)}/{key}"
        data = found[f"{in_zarr(path)}/{key}"]
        if data is None:
            yield Damage(place, f"{place}: missing; restore this file from a copy")
        elif digest(data) != expected:
            yield Damage(place, f"{place}: the bytes are not those committed; restore this file from a copy")
        else:
            keys[key] = data
