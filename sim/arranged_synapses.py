"""The synapses of a plan put into the order in which they are summed, states that are equal kept once.

For runs that start from the model's own states and tell no states: `batched`. What is seen from outside stays, since
bindings, inputs and recordings move along.
"""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .bind import Binding, Reading
from .grouped_rows import Grouping, by_slots
from .inputs import Inputs
from .lowered import PlacedSynapse, Sources
from .simulate import Plan
from .synapse_dependence import POST, of_states
from .synapses import ElectricalSynapse
from .types import Indices

#: Old row -> new row, by the name of a value.
Moves = dict[str, np.ndarray]


def arranged(plan: Plan) -> Plan:
    """The same plan with its chemical synapses rearranged."""
    # All of this is known now, also inside a function that JAX traces.
    with jax.ensure_compile_time_eval():
        return _arranged(plan)


def _arranged(plan: Plan) -> Plan:
    for place, placed in enumerate(plan.model.synapses):
        if not isinstance(placed.synapse, ElectricalSynapse):
            plan = _with_one_arranged(plan, place)
    return plan


def _with_one_arranged(plan: Plan, place: int) -> Plan:
    model, placed = plan.model, plan.model.synapses[place]
    synapse = placed.synapse
    pre, post = np.asarray(placed.pre.index), np.asarray(placed.post.index)
    order = by_slots(post, model.n_comp)[0]
    pre, post = pre[order], post[order]
    moved = np.argsort(order)
    values = (*synapse.synapse_params, *synapse.synapse_states, f"i_{synapse.name}")
    moves: Moves = dict.fromkeys(values, moved)
    of_parameters, of_initial = (dict(d) for d in (model.parameters, model.states))
    of_parameters.update({key: model.parameters[key][order] for key in synapse.synapse_params})
    of_initial.update({key: model.states[key][order] for key in synapse.synapse_states})
    before, source = np.unique(pre, return_inverse=True)
    example = np.unique(source, return_index=True)[1]
    sources = None
    if len(before) < len(pre) and _shares_states(plan, placed, of_parameters, of_initial, source, example):
        of_initial.update({key: of_initial[key][example] for key in synapse.synapse_states})
        moves.update(dict.fromkeys(synapse.synapse_states, source[moved]))
        sources = Sources(
            Grouping.of(before, model.n_comp), Grouping.of(source, len(before)), jnp.asarray(example, jnp.int32)
        )
    new = PlacedSynapse(synapse, Grouping.of(pre, model.n_comp), Grouping.of(post, model.n_comp), sources)
    synapses = (*model.synapses[:place], new, *model.synapses[place + 1 :])
    return Plan(
        eqx.tree_at(lambda m: (m.parameters, m.states, m.synapses), model, (of_parameters, of_initial, synapses)),
        tuple(Binding(b.key, _moved(moves, b.key, b.rows), b.source) for b in plan.bindings),
        Inputs(plan.inputs.kinds, _all_moved(moves, plan.inputs.kinds, plan.inputs.rows)),
        Reading(plan.reading.keys, _all_moved(moves, plan.reading.keys, plan.reading.rows)),
        plan.solver,
        plan.linear_solver,
        plan.carried,
    )


def _shares_states(
    plan: Plan,
    placed: PlacedSynapse,
    parameters: dict[str, jnp.ndarray],
    initial: dict[str, jnp.ndarray],
    source: np.ndarray,
    example: np.ndarray,
) -> bool:
    """Whether all synapses of a source have the same states at all times, whatever is bound."""
    synapse = placed.synapse
    deciding = of_states(synapse)
    states = set(synapse.synapse_states)
    touched = {b.key for b in plan.bindings} | set(plan.inputs.kinds)
    if not states or POST in deciding or touched & (states | deciding):
        return False
    decided = [*(parameters[key] for key in deciding & set(synapse.synapse_params)), *(initial[key] for key in states)]
    return all(np.array_equal(x, np.asarray(x)[example][source]) for x in decided)


def _moved(moves: Moves, key: str, rows: Indices) -> Indices:
    return jnp.asarray(moves[key][np.asarray(rows)], jnp.int32) if key in moves else rows


def _all_moved(moves: Moves, keys: Sequence[str], rows: Sequence[Indices]) -> tuple[Indices, ...]:
    return tuple(_moved(moves, key, r) for key, r in zip(keys, rows, strict=True))
