"""The table of fitted parameters in a run: names, bounds, units, transforms.

Owns its form as a group of arrays. zarr's string arrays have no settled specification yet, so texts are attributes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import DamagedRun, NotStorable
from .variable import Group, Variable

_TEXTS = ("names", "units", "transforms")


@dataclass(frozen=True, eq=False)
class ParameterTable:
    """One entry a parameter, all five of one length P.

    Attributes:
        names: of the parameters.
        lower: lower bounds (P,), each in its own units.
        upper: upper bounds (P,).
        units: of each parameter.
        transforms: how each is made unconstrained, such as "sigmoid" or "log".

    Raises:
        NotStorable: when the lengths differ.
    """

    names: tuple[str, ...]
    lower: np.ndarray
    upper: np.ndarray
    units: tuple[str, ...]
    transforms: tuple[str, ...]

    def __post_init__(self) -> None:
        for field in _TEXTS:
            object.__setattr__(self, field, tuple(getattr(self, field)))
        for field in ("lower", "upper"):
            object.__setattr__(self, field, np.asarray(getattr(self, field), dtype=np.float64))
        expected = (len(self.names),)
        for field in ("lower", "upper", "units", "transforms"):
            if np.shape(getattr(self, field)) != expected:
                raise NotStorable(f"parameter table: {field} has not one entry for each of the {expected[0]} names")

    def to_group(self) -> Group:
        """The arrays ``lower(parameter)`` and ``upper(parameter)`` with the texts as attributes."""
        attrs = {field: list(getattr(self, field)) for field in _TEXTS}
        number = Variable(np.arange(len(self.names), dtype=np.int64), ("parameter",), attrs={"names": list(self.names)})
        each = "see the attribute `units` of the group"
        return Group(
            {
                "parameter": number,
                "lower": Variable(self.lower, ("parameter",), each),
                "upper": Variable(self.upper, ("parameter",), each),
            },
            attrs,
        )

    @classmethod
    def from_group(cls, group: Group, where: str) -> ParameterTable:
        """The inverse of `to_group`; raises `DamagedRun` when the group is no such table."""
        try:
            return cls(
                tuple(group.attrs["names"]),
                group["lower"].data,
                group["upper"].data,
                tuple(group.attrs["units"]),
                tuple(group.attrs["transforms"]),
            )
        except (KeyError, TypeError, NotStorable) as error:
            raise DamagedRun(f"{where}: no parameter table; restore this folder from a copy") from error
