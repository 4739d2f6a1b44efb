"""The plan of a run: from a module and the arguments of a call to what the compiled function needs. Runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from .bind import Binding, Reading
from .description.exp_euler import kept_transition
from .description.module import Module
from .description.training import DataValue
from .external import Sites
from .inputs import Inputs
from .linear import LinearSolver
from .linear import by_name as linear_by_name
from .lowered import Lowered
from .probe import carried_currents, moving
from .simulate import Plan
from .solvers import ExponentialEuler, Solver, by_name
from .synapses import ElectricalSynapse
from .types import ParameterTree
from .user_transition import by_component


def plan_of(
    module: Module,
    lowered: Lowered,
    params: ParameterTree,
    param_state: Sequence[DataValue],
    sites: Sites,
    solver: str,
    voltage_solver: str = "auto",
) -> tuple[Plan, list[jax.Array]]:
    """The plan of a run and the values of its bindings: trainables first, then data values."""
    bindings, values = bindings_of(module, lowered, params, param_state)
    recordings = module.base._recordings
    if not recordings:
        raise ValueError('nothing is recorded: call .record() first, e.g. cell.branch(0).loc(0.5).record("v")')
    reading = Reading.make(lowered.index, recordings)
    carried = carried_currents(lowered.model, recordings)
    inputs = Inputs.make(lowered.index, sites)
    scheme, linear = schemes(module, lowered, solver, voltage_solver, {b.key for b in bindings})
    return Plan(lowered.model, bindings, inputs, reading, scheme, linear, carried), values


def schemes(
    module: Module, lowered: Lowered, solver: str, voltage_solver: str, bound: Iterable[str] = ()
) -> tuple[Solver, LinearSolver]:
    """The integrator and the linear solver of these names.

    Args:
        bound: names of the values that the run binds, which a matrix that was computed ahead may not depend on.

    Raises ValueError for an unknown one, or one that cannot run this model.
    """
    scheme, linear = by_name(solver), linear_by_name(voltage_solver)
    linear.require_solvable(lowered.model.structure)
    model = lowered.model
    movers = () if scheme.moves_states_once else moving(model, "v")
    if movers:
        raise ValueError(
            f'{solver} advances states more than once a step, but {movers[0]} moves v itself; use solver="bwd_euler"'
        )
    for ion in () if scheme.takes_pools else model.diffusing:
        pools = moving(model, ion)
        if pools:
            raise ValueError(
                f"{solver} takes a diffusing {ion} that pumps change, but {pools[0]} moves it itself; "
                'use a pump, e.g. CaPump(), or solver="extrapolated"'
            )
    for placed in () if scheme.follows_conductances else model.synapses:
        if isinstance(placed.synapse, ElectricalSynapse) and placed.synapse.synapse_states:
            raise ValueError(
                f"{solver} holds the conductance of electrical synapses, but that of {placed.synapse.name} may follow "
                'its states; use solver="bwd_euler"'
            )
    if isinstance(scheme, ExponentialEuler):
        kept = kept_transition(module.base, set(bound))
        scheme = scheme if kept is None else ExponentialEuler(by_component(lowered, kept))
    return scheme, linear


def bindings_of(
    module: Module, lowered: Lowered, params: ParameterTree, param_state: Sequence[DataValue]
) -> tuple[tuple[Binding, ...], list[jax.Array]]:
    """Where the values of trainables and, after them, data values go, and these values."""
    trainables = module.base._trainables
    if len(params) not in (0, len(trainables)):
        raise ValueError(
            f"params has {len(params)} entries, the module {len(trainables)} trainables; use get_parameters()"
        )
    bindings, values = [], []
    for trainable, entry in zip(trainables, params, strict=False):
        if trainable.key not in entry:
            raise ValueError(f"params: expected an entry {{{trainable.key!r}: ...}}, found {list(entry)}")
        bindings.append(Binding.make(lowered.index, trainable.key, trainable.rows, trainable.group))
        values.append(jnp.atleast_1d(jnp.asarray(entry[trainable.key])))
    for data in param_state:
        value = jnp.atleast_1d(jnp.asarray(data.value))
        source = np.zeros(len(data.rows), int) if value.shape[0] == 1 else np.arange(len(data.rows))
        bindings.append(Binding.make(lowered.index, data.key, data.rows, source))
        values.append(value)
    return tuple(bindings), values
