"""JSON documents: strict reading, one canonical form, and the seal that makes a group count.

A *sealed* group is a zarr group whose own document carries the attribute ``committed``: the sha256 of every key below
it and a digest of all its attributes. The document is written last, as one key; so a group is there whole or not at
all, and a changed byte anywhere in it is found. Owns that form; reads and writes no store.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from .errors import DamagedRun, NotStorable
from .limits import DEPTH

Json = None | bool | int | float | str | list[Any] | dict[str, Any]

COMMITTED: Final = "committed"
_MAX_DEPTH = 32


def digest(data: bytes) -> str:
    """The sha256 of some stored bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def canonical(value: Json) -> bytes:
    """The one JSON text of a value: sorted keys, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def load(data: bytes, where: str) -> dict[str, Any]:
    """The JSON object in stored bytes.

    Raises:
        DamagedRun: when they are anything else; names `where`.
    """
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise DamagedRun(f"{where}: not valid JSON (torn or overwritten); restore this file from a copy") from error
    if not isinstance(value, dict):
        raise DamagedRun(f"{where}: not a JSON object; restore this file from a copy")
    if _is_deep(value):
        raise DamagedRun(f"{where}: nested more than {DEPTH} deep; restore this file from a copy")
    return value


def _is_deep(value: Json) -> bool:
    """Whether a value is nested deeper than anything that is written, which recursive readers would stumble over."""
    level: list[Any] = [value]
    for _ in range(DEPTH):
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        level = [inner for inner in level if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _finite(text: str) -> float:
    """JSON's grammar allows 1e999, which is no number that was written."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large")
    return value


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def check_attributes(attributes: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A copy of user attributes with tuples as lists.

    Raises:
        NotStorable: for anything but strings, finite numbers, booleans, None, lists and dictionaries of these.
    """
    if COMMITTED in attributes:
        raise NotStorable(f"{where}: the attribute {COMMITTED!r} is the run's own; choose another name")
    plain = _plain(dict(attributes), where, 0)
    assert isinstance(plain, dict)
    return plain


def _plain(value: Any, where: str, depth: int) -> Json:
    if depth > _MAX_DEPTH:
        raise NotStorable(f"{where}: nested more than {_MAX_DEPTH} deep")
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, where, depth + 1) for item in value]
    if isinstance(value, dict):
        for key in value:
            if type(key) is not str:
                raise NotStorable(f"{where}: key {key!r} is a {type(key).__name__}; use a string")
        return {key: _plain(item, f"{where}.{key}", depth + 1) for key, item in value.items()}
    raise NotStorable(f"{where}: {value!r} ({type(value).__name__}) is no finite JSON value; store a number or string")


def group_document(attributes: Mapping[str, Any]) -> bytes:
    """zarr v3's metadata document of a group."""
    document = {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}
    return json.dumps(document, indent=1, allow_nan=False).encode("ascii")


PLACEHOLDER: Final = group_document({})
"""The document of a group that is still being written."""


def seal(attributes: Mapping[str, Any], hashes: Mapping[str, str], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a sealed group.

    Args:
        attributes: its own ones.
        hashes: relative key -> sha256 of every key below the group's document.
        facts: what else ``committed`` shall say (epoch, step, …).
    """
    committed: dict[str, Any] = {**facts, "hashes": dict(hashes)}
    sealed = {**attributes, COMMITTED: committed}
    committed["digest"] = digest(canonical(sealed))
    return sealed


def open_group(data: bytes, where: str) -> dict[str, Any]:
    """The attributes of a stored zarr group.

    Raises:
        DamagedRun: when the document is not one of a zarr v3 group.
    """
    document = load(data, where)
    attributes = document.get("attributes", {})
    if document.get("zarr_format") != 3 or document.get("node_type") != "group" or not isinstance(attributes, dict):
        raise DamagedRun(f"{where}: not the metadata of a zarr v3 group; restore this file from a copy")
    return attributes


def open_seal(attributes: dict[str, Any], where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The own attributes and the ``committed`` entry of a sealed group, the digest checked.

    Raises:
        DamagedRun: when there is no seal or it does not hold.
    """
    committed = attributes.get(COMMITTED)
    if not isinstance(committed, dict) or not isinstance(committed.get("hashes"), dict):
        raise DamagedRun(f"{where}: no valid `committed` entry; restore this file from a copy")
    unsigned = {key: value for key, value in committed.items() if key != "digest"}
    if committed.get("digest") != digest(canonical({**attributes, COMMITTED: unsigned})):
        raise DamagedRun(f"{where}: the attributes are not those that were committed; restore this file from a copy")
    own = {key: value for key, value in attributes.items() if key != COMMITTED}
    return own, unsigned
