"""The lowered model: an immutable pytree of flat arrays with static topology. Knows no names of people's making.

Arrays are `[node, lane]`. Nodes are the compartments, ordered so that each mechanism's compartments lie side by side as
far as that is possible and, within these, the same compartment of equal cells; then the branch points, which have no
capacitance, likewise. Values of synapses are `[edge, lane]`, one array a type. `IndexMap` translates between this order
and the user's; it stays on the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .grouped_rows import Grouping
from .linear import Structure
from .mechanisms import Mechanism
from .synapses import Synapse
from .types import CompLanes, IndexTable, Indices, ValueLanes


class Rows(eqx.Module):
    """Some of the compartments: neighbouring blocks (see `Model.blocks`), or else indices (a gather)."""

    first: int = eqx.field(static=True)
    last: int = eqx.field(static=True)
    index: Indices | None

    @classmethod
    def of(cls, rows: np.ndarray, blocks: Sequence[int]) -> Rows:
        """From ascending compartment numbers and the sizes of the blocks, each of which is in or out as a whole."""
        edges = np.cumsum([0, *blocks])
        first, last = int(np.searchsorted(edges, rows[0])), int(np.searchsorted(edges, rows[-1] + 1))
        contiguous = edges[last] - edges[first] == len(rows)
        return cls(first, last, None if contiguous else jnp.asarray(rows, jnp.int32))


class Placed(eqx.Module):
    """A mechanism and its compartments."""

    mechanism: Mechanism = eqx.field(static=True)
    rows: Rows


class Sources(eqx.Module):
    """Synapses whose states are equal at all times, and are kept once; see arranged_synapses.py.

    Attributes:
        pre: of each source the compartment before it.
        of: of each synapse its source.
        example: of each source one of its synapses, whose parameters are those of all as far as states go.
    """

    pre: Grouping
    of: Grouping
    example: Indices


class PlacedSynapse(eqx.Module):
    """A type of synapse and, for each of its synapses, the two compartments it joins.

    `sources` is None where states are each synapse's own.
    """

    synapse: Synapse = eqx.field(static=True)
    pre: Grouping
    post: Grouping
    sources: Sources | None = None

    @property
    def n(self) -> int:
        """Number of synapses."""
        return self.post.index.shape[0]


class Component(eqx.Module):
    """Compartments that current can pass between, `comps` [comp, copy], and their branch points `points` [point, copy].

    Equal ones are copies of each other: `parent` [comp + point] is the place of each node's parent (a root's own), and
    `bridges` [bridge] the numbers of the gap junctions inside.
    """

    comps: IndexTable
    points: IndexTable
    parent: Indices
    bridges: Indices


class Model(eqx.Module):
    """A cell or a network, ready to run. A trailing `#lane` axis of 1 is shared by all lanes.

    Attributes:
        structure: which nodes are joined, and how the system is eliminated.
        half_of_child, half_of_parent: for each node the entries of `loads` (see cable.py) that couple it to its parent.
        v_from: for each node the compartment whose initial v it takes.
        cable: length, radius [um], area [um^2], volume [um^3], resistive_load_in, resistive_load_out [1/um],
            axial_resistivity [Ohm cm], capacitance [uF/cm^2], axial_diffusion_... [um^2/ms], each [comp, #lane].
        parameters: of mechanisms: own ones on the mechanism's rows, shared ones on all compartments; of synapses.
        states: initial ones, likewise; "v" [mV] on all compartments.
        mechanisms: in the order of insertion.
        synapses: in the order of their first connection.
        blocks: numbers of compartments, in their order, that have the same mechanisms.
        shared_parameters, shared_states: the names that all mechanisms see.
        diffusing: the concentrations that diffuse along the cable.
        components: the parts that nothing but synapses joins.
    """

    structure: Structure
    components: tuple[Component, ...]
    half_of_child: Indices
    half_of_parent: Indices
    v_from: Indices
    cable: dict[str, CompLanes]
    parameters: dict[str, ValueLanes]
    states: dict[str, ValueLanes]
    mechanisms: tuple[Placed, ...]
    synapses: tuple[PlacedSynapse, ...]
    blocks: tuple[int, ...] = eqx.field(static=True)
    shared_parameters: tuple[str, ...] = eqx.field(static=True)
    shared_states: tuple[str, ...] = eqx.field(static=True)
    diffusing: tuple[str, ...] = eqx.field(static=True)

    @property
    def n_comp(self) -> int:
        """Number of compartments (nodes beyond are branch points)."""
        return self.cable["length"].shape[0]

    @property
    def n_node(self) -> int:
        """Number of compartments and branch points."""
        return self.v_from.shape[0]

    @property
    def dtype(self) -> jnp.dtype:
        """Floating-point type of every array."""
        return self.cable["length"].dtype


@dataclass(frozen=True)
class IndexMap:
    """User's order <-> lowered order.

    Attributes:
        user_of_comp: user's number of each lowered compartment; `comp_of_user` is its inverse.
        rows_of: for each own parameter or state the lowered compartments of its rows; absent names lie on all.
        of_synapses: names of the values that belong to synapses.
        edge_position: for each synapse its place among those of its type, which is that of its values.
        branch_points: number of nodes behind the compartments (the same order in both worlds).
    """

    user_of_comp: np.ndarray
    comp_of_user: np.ndarray
    rows_of: dict[str, np.ndarray]
    of_synapses: frozenset[str]
    edge_position: np.ndarray
    branch_points: int

    def rows(self, key: str, user_rows: np.ndarray) -> np.ndarray:
        """Where the values of these user's compartments (or synapses) lie in the lowered array of `key`."""
        user_rows = np.asarray(user_rows, dtype=int)
        if key in self.of_synapses:
            return self.edge_position[user_rows]
        comps = self.comp_of_user[user_rows]
        if key not in self.rows_of:
            return comps
        return np.searchsorted(self.rows_of[key], comps)


@dataclass(frozen=True)
class Lowered:
    """What `lower` gives: the pytree and the map that leads back to the description."""

    model: Model
    index: IndexMap
