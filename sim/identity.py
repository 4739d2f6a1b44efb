"""Names and identity: what mechanisms and synapses have in common.

Owns the prefix of own names, renaming, equality and hash. Knows no equations.

A mechanism is hashable, and equal to another of the same class, name and options, so that compiled functions may keep
it as a static value. Values of defaults do not count: they live in the tables once it is inserted.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, Self

import jax
import numpy as np


class Identified:
    """Something with a name that begins its own parameters and states ("<name>_").

    Subclasses list in `_tables` the attributes that hold default values by name.
    """

    _tables: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str | None = None) -> None:
        self._name = _checked_name(type(self).__name__ if name is None else name)
        # A subclass may assign these before or after this call.
        for table in self._tables:
            vars(self).setdefault(table, {})

    @property
    def name(self) -> str:
        """The prefix of its own parameters and states."""
        return self._name

    def change_name(self, new_name: str) -> Self:
        """Rename it in place, with its own parameters and states (nothing else); returns itself.

        Raises:
            ValueError: `new_name` is no identifier.
        """
        old, new = f"{self._name}_", f"{_checked_name(new_name)}_"
        for table in self._tables:
            defaults = getattr(self, table)
            renamed = {new + k.removeprefix(old) if k.startswith(old) else k: v for k, v in defaults.items()}
            setattr(self, table, renamed)
        self._name = new_name
        return self

    def _identity(self) -> tuple[Hashable, ...]:
        options = ((key, _frozen(value)) for key, value in sorted(vars(self).items()) if key not in self._tables)
        return type(self), *options, *(tuple(getattr(self, table)) for table in self._tables)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identified) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"a mechanism's name must be an identifier (letters, digits, underscores), got {name!r}")
    return name


def _frozen(value: Any) -> Hashable:
    """`value` as something hashable that is equal for equal values; an object without a value is its identity."""
    if isinstance(value, Mapping):
        return ("mapping", tuple((key, _frozen(v)) for key, v in sorted(value.items(), key=lambda item: str(item[0]))))
    if isinstance(value, list | tuple):
        return (type(value), tuple(_frozen(v) for v in value))
    if isinstance(value, set):
        return frozenset(value)
    if isinstance(value, np.ndarray | jax.Array):
        array = np.asarray(value)
        return ("array", array.shape, str(array.dtype), array.tobytes())
    try:
        hash(value)
    except TypeError:
        return ("object", id(value))
    # 1, 1.0 and True are equal, yet compile to different programs.
    return (type(value), value)
