"""Trees (nested dictionaries of arrays and scalars) <-> the keys of a zarr group, exactly.

Owns that mapping: a dictionary is a group, an array a zarr array, a scalar an entry of its group's attribute
``scalars``. What is read equals what was written bit for bit: data types, NaN payloads, signs of zero, empty and
0-dimensional arrays, int against float against bool. Nothing is pickled; anything else is refused by name.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .documents import group_document, load, open_group
from .encode import decode_array, decoded_bytes, encode_array
from .errors import DamagedRun, NotStorable
from .layout import DOCUMENT, check_name
from .limits import group_bytes
from .variable import Variable, check_array, sizes_of, with_coordinates

Tree = Mapping[str, Any]
"""str -> dictionary of the same kind | numpy array | Variable | bool | int | float | str | None."""

_MAX_DEPTH: Final = 32
_SCALARS: Final = "scalars"
_COORDINATES: Final = "added_coordinates"
_CHUNK: Final = re.compile(r"(.+)/c(?:/[0-9]+)*")


@dataclass(frozen=True)
class Encoded:
    """A group before it is written.

    Attributes:
        keys: relative key -> bytes of everything below the group's own document, in the order to write.
        attributes: of the group itself.
    """

    keys: dict[str, bytes]
    attributes: dict[str, Any]


def check_tree(tree: Tree) -> None:
    """Raises `NotStorable` for anything that a tree must not hold; the message names the entry."""
    _checked(tree, "", 0)


def _checked(tree: Tree, path: str, depth: int) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise NotStorable(f"tree entry {path[:80]!r}: nested more than {_MAX_DEPTH} deep")
    checked: dict[str, Any] = {}
    for name, leaf in tree.items():
        here = f"{path}/{name}" if path else str(name)
        check_name(name, f"tree entry {here!r}:")
        if isinstance(leaf, Mapping):
            checked[name] = _checked(leaf, here, depth + 1)
        elif isinstance(leaf, Variable):
            checked[name] = leaf
        elif isinstance(leaf, np.ndarray | np.generic):
            check_array(np.asanyarray(leaf), f"tree entry {here!r}")
            checked[name] = np.asarray(leaf)
        elif leaf is None or type(leaf) in (bool, int, float, str):
            checked[name] = leaf
        else:
            raise NotStorable(
                f"tree entry {here!r}: a {type(leaf).__name__} cannot be stored; "
                "use dictionaries, numpy arrays, numbers, strings or None"
            )
    return checked


def encode_tree(tree: Tree) -> Encoded:
    """The keys and attributes of the group that holds a tree.

    Plain arrays get dimensions of their own, named after their place; entries that are `Variable`s keep theirs, and
    those of `variable.INDEX_DIMS` get a coordinate at the root.

    Raises:
        NotStorable: for anything that a tree must not hold; the message names the entry.
    """
    plain = _checked(tree, "", 0)
    variables: dict[str, Variable] = {}
    keys: dict[str, bytes] = {}
    attributes = _encode(plain, "", variables, keys)
    placed = with_coordinates(variables)
    coordinates = sorted(set(placed) - set(variables))
    for name in sizes_of(variables):
        if name in plain and (name not in variables or variables[name].dims != (name,)):
            raise NotStorable(f"tree entry {name!r}: it has the name of a dimension in use; rename it")
    if coordinates:
        attributes[_COORDINATES] = coordinates
    for path in [*coordinates, *variables]:
        keys.update((f"{path}/{key}", data) for key, data in encode_array(placed[path]).items())
    return Encoded(keys, attributes)


def _encode(tree: Tree, path: str, variables: dict[str, Variable], keys: dict[str, bytes]) -> dict[str, Any]:
    """Collects the arrays and the documents of the inner groups; returns the attributes of this one."""
    scalars: dict[str, Any] = {}
    for name, leaf in tree.items():
        here = f"{path}/{name}" if path else name
        if isinstance(leaf, dict):
            place = f"{here}/{DOCUMENT}"
            keys[place] = b""  # holds its place: a group's document comes before its members
            keys[place] = group_document(_encode(leaf, here, variables, keys))
        elif isinstance(leaf, Variable):
            variables[here] = leaf
        elif isinstance(leaf, np.ndarray):
            dims = tuple(f"{here.replace('/', ':')}:{axis}" for axis in range(leaf.ndim))
            variables[here] = Variable(leaf, dims)
        else:
            scalars[name] = _encode_scalar(leaf)
    return {_SCALARS: scalars} if scalars else {}


def _encode_scalar(value: bool | int | float | str | None) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"float64_bits": struct.pack(">d", value).hex()}  # JSON has no NaN and no infinity
    return value


def _decode_scalar(value: Any, where: str) -> bool | int | float | str | None:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    try:
        (number,) = struct.unpack(">d", bytes.fromhex(value["float64_bits"]))
    except (TypeError, KeyError, ValueError, struct.error) as error:
        raise DamagedRun(f"{where}: a scalar is not one that rallax wrote; restore it from a copy") from error
    return float(number)


def decode_tree(encoded: Encoded, where: str) -> dict[str, Any]:
    """The tree in a group; the inverse of `encode_tree`, with every `Variable` as its plain array.

    Args:
        encoded: keys and attributes of the group.
        where: its place, for messages.

    Raises:
        DamagedRun: when they are not such as `encode_tree` makes.
    """
    tree: dict[str, Any] = _scalars(encoded.attributes, where)
    added = encoded.attributes.get(_COORDINATES, [])
    groups: dict[str, dict[str, Any]] = {"": tree}
    for path, keys in split_arrays(encoded.keys, where).items():
        if keys is None:
            document = encoded.keys[f"{path}/{DOCUMENT}"]
            inner = _scalars(open_group(document, f"{where}/{path}/{DOCUMENT}"), f"{where}/{path}")
            groups[path] = inner
            _parent(groups, path, where)[path.rsplit("/", 1)[-1]] = inner
        elif path not in added:
            _parent(groups, path, where)[path.rsplit("/", 1)[-1]] = decode_array(keys, f"{where}/{path}").data
    return tree


def _parent(groups: dict[str, dict[str, Any]], path: str, where: str) -> dict[str, Any]:
    parent = path.rsplit("/", 1)[0] if "/" in path else ""
    if parent not in groups:
        raise DamagedRun(f"{where}/{parent}: the metadata of this group are missing; restore it from a copy")
    return groups[parent]


def _scalars(attributes: dict[str, Any], where: str) -> dict[str, Any]:
    scalars = attributes.get(_SCALARS, {})
    if not isinstance(scalars, dict):
        raise DamagedRun(f"{where}: `{_SCALARS}` is no dictionary; restore it from a copy")
    return {name: _decode_scalar(value, f"{where}/{name}") for name, value in scalars.items()}


def split_arrays(keys: Mapping[str, bytes], where: str) -> dict[str, dict[str, bytes] | None]:
    """The nodes in the keys of a group: path -> the keys of an array (relative to it), or None for an inner group.

    Parents come before their members.

    Raises:
        DamagedRun: for a key that belongs to no node.
    """
    documents = sorted((key for key in keys if key.endswith(f"/{DOCUMENT}")), key=lambda key: (key.count("/"), key))
    nodes: dict[str, dict[str, bytes] | None] = {}
    for key in documents:
        is_array = load(keys[key], f"{where}/{key}").get("node_type") == "array"
        nodes[key.removesuffix(f"/{DOCUMENT}")] = {DOCUMENT: keys[key]} if is_array else None
    for key in set(keys).difference(documents):
        match = _CHUNK.fullmatch(key)
        node = nodes.get(match[1]) if match else None
        if match is None or node is None:
            raise DamagedRun(f"{where}/{key}: belongs to no array; restore the run from a copy")
        node[key.removeprefix(f"{match[1]}/")] = keys[key]
    # Known before anything is decoded: chunks of a kilobyte may hold sixteen megabytes each.
    total = sum(decoded_bytes(node, f"{where}/{path}") for path, node in nodes.items() if node is not None)
    if total > group_bytes():
        raise DamagedRun(
            f"{where}: its arrays have {total:.3g} bytes, more than this machine can hold; use a larger one"
        )
    return nodes
