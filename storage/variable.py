"""Arrays with named dimensions and units, and groups of them.

Owns what may be stored as an array: the data types, the rules for dimensions, units and attributes that let zarr and
xarray open it without a warning. Knows no file and no zarr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from .documents import check_attributes
from .errors import NotStorable
from .layout import check_name

_INTEGERS = frozenset({"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"})

DTYPES: Final = _INTEGERS | {"bool", "float16", "float32", "float64", "complex64", "complex128"}
"""The data types that zarr's v3 specification fixes; none of them needs pickle."""

INDEX_DIMS: Final = ("start", "site", "step", "parameter")
"""Dimensions that get a running-number coordinate when none is given."""

# xarray would decode arrays that carry these (CF conventions): the values read would not be those stored.
_PACKING = frozenset({"_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "dtype"})
_DECODED_ATTRIBUTES = _PACKING | {"units", "calendar", "coordinates", "grid_mapping", "_ARRAY_DIMENSIONS"}
_DECODED_UNITS = frozenset(["days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"])


@dataclass(frozen=True, eq=False)
class Variable:
    """An array, the names of its dimensions and its units.

    Attributes:
        data: numpy array of a type in `DTYPES`.
        dims: one name for each axis, all different.
        units: such as "mV", "nA", "ms"; "" where there is none.
        attrs: further JSON attributes.

    Raises:
        NotStorable: when data, dims, units or attrs break a rule above; the message says which.
    """

    data: np.ndarray
    dims: tuple[str, ...]
    units: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_array(self.data, "variable")
        object.__setattr__(self, "dims", tuple(self.dims))
        if len(self.dims) != self.data.ndim or len(set(self.dims)) != len(self.dims):
            raise NotStorable(
                f"variable of shape {self.data.shape}: dims are {self.dims}; give one name for each axis, all different"
            )
        for dim in self.dims:
            check_name(dim.replace(":", "-"), "dimension")  # `tree` joins the names of a place by ":"
        if not isinstance(self.units, str) or " since " in self.units or self.units in _DECODED_UNITS:
            raise NotStorable(f"variable: units {self.units!r} would be decoded as a date; write ms, s, …")
        refused = _DECODED_ATTRIBUTES.intersection(self.attrs)
        if refused:
            raise NotStorable(f"variable: attribute {min(refused)!r} would change the values read; use another name")
        object.__setattr__(self, "attrs", check_attributes(self.attrs, "variable attributes"))


@dataclass(frozen=True, eq=False)
class Group:
    """Variables that share dimensions, as one zarr group: a sweep, its fitted traces.

    Attributes:
        variables: name -> variable; a variable named like a dimension is that dimension's coordinate.
        attrs: JSON attributes of the group.

    Raises:
        NotStorable: when two variables differ in the size of a dimension, or a coordinate has other dimensions.
    """

    variables: Mapping[str, Variable]
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = sizes_of(self.variables)
        for name, variable in self.variables.items():
            check_name(name, "variable")
            if name in sizes and variable.dims != (name,):
                raise NotStorable(
                    f"variable {name!r} has the name of a dimension but dims {variable.dims}; rename it, "
                    f"or make it the coordinate of that dimension: dims ({name!r},)"
                )
        object.__setattr__(self, "attrs", check_attributes(self.attrs, "group attributes"))

    def __getitem__(self, name: str) -> Variable:
        return self.variables[name]


def check_array(data: object, what: str) -> None:
    """Refuses anything but a numpy array of a type in `DTYPES`."""
    if not isinstance(data, np.ndarray) or isinstance(data, np.ma.MaskedArray):
        raise NotStorable(f"{what}: a {type(data).__name__} is no numpy array; convert it with numpy.asarray")
    if data.dtype.name not in DTYPES:
        raise NotStorable(f"{what}: arrays of {data.dtype} are not stored; use numbers or booleans")


def sizes_of(variables: Mapping[str, Variable]) -> dict[str, int]:
    """The size of every dimension.

    Raises:
        NotStorable: when two variables disagree.
    """
    sizes: dict[str, int] = {}
    for name, variable in variables.items():
        for dim, size in zip(variable.dims, variable.data.shape, strict=True):
            if sizes.setdefault(dim, size) != size:
                raise NotStorable(f"variable {name!r}: dimension {dim!r} has size {size}, elsewhere {sizes[dim]}")
    return sizes


def with_coordinates(variables: Mapping[str, Variable], first: Mapping[str, int] | None = None) -> dict[str, Variable]:
    """The variables with a running number for every dimension of `INDEX_DIMS` that has no coordinate.

    Args:
        variables: name -> variable.
        first: dimension -> its first number, 0 where it is not named.
    """
    result = dict(variables)
    for dim, size in sizes_of(variables).items():
        if dim in INDEX_DIMS and dim not in result:
            start = (first or {}).get(dim, 0)
            result[dim] = Variable(np.arange(start, start + size, dtype=np.int64), (dim,))
    return result
