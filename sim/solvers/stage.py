"""Stages of one step that share a matrix: C/h + slope + sum g of one quantity, factored once."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax

from ..cable import Cable
from ..dynamics import Dynamics, Flux
from ..membrane import States
from ..types import CompLanes, NodeLanes

#: The quantities that spread along the cable, each at all nodes.
Fields = dict[str, NodeLanes]


class Stage(NamedTuple):
    """The matrix of a stage of h ms, made with the fluxes of one moment.

    Attributes:
        capacitive: C/h of each node.
        first: the fluxes whose slope is in the matrix.
    """

    dynamics: Dynamics
    field: str
    first: Flux
    capacitive: NodeLanes
    diagonal: NodeLanes
    factors: Any

    @classmethod
    def of(cls, dynamics: Dynamics, field: str, flux: Flux, h: jax.Array) -> Stage:
        """With the slope of `flux`."""
        cable = dynamics.cables[field]
        capacitive = cable.capacity / h
        diagonal = capacitive + cable.coupling_sum + cable.at_nodes(flux.slope)
        return cls(dynamics, field, flux, capacitive, diagonal, dynamics.factor(field, flux, diagonal))

    @property
    def cable(self) -> Cable:
        """The quantity's cable."""
        return self.dynamics.cables[self.field]

    def solve(self, rhs: NodeLanes) -> NodeLanes:
        """x of (C/h + slope + sum g) x - sum g x_n = rhs."""
        return self.dynamics.solve(self.field, self.first, self.diagonal, rhs, self.factors)

    def rest(self, flux: Flux, x: NodeLanes) -> NodeLanes:
        """What of the fluxes is not in the matrix, with `x` where it is multiplied by what the slopes differ by."""
        n = flux.slope.shape[0]
        if flux is self.first:
            return self.cable.at_nodes(flux.source)
        rest = self.cable.at_nodes(flux.source - (flux.slope - self.first.slope) * x[:n])
        if flux.bridges is None or self.first.bridges is None:
            return rest
        return rest + self.cable.bridge_flow(flux.bridges - self.first.bridges, x)

    def flow(self, flux: Flux, x: NodeLanes) -> NodeLanes:
        """All that flows into each compartment at x; nothing stays at branch points."""
        return self.cable.at_nodes(inflow(self.cable, flux, x))


def inflow(cable: Cable, flux: Flux, x: NodeLanes) -> CompLanes:
    """source - slope x + sum g (x_n - x) + what bridges bring, at the compartments."""
    n = flux.slope.shape[0]
    along = cable.neighbours(x) - cable.coupling_sum * x
    if flux.bridges is not None:
        along = along + cable.bridge_flow(flux.bridges, x)
    return along[:n] - flux.slope * x[:n] + flux.source


def mean(a: Fields, b: Fields) -> Fields:
    """The mean of two moments."""
    return {field: 0.5 * (a[field] + b[field]) for field in a}


def with_fields(states: States, fields: Fields) -> States:
    """`states` with these quantities; concentrations have no entry for branch points."""
    return {**states, **{field: x[: states[field].shape[0]] for field, x in fields.items()}}
