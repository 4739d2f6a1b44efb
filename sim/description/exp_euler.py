"""The matrix of exponential Euler computed ahead: built from a module, and kept with it for its runs.

Owns when a kept matrix may be used; its numbers are made in `sim/user_transition.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from .editing import diffusion_key
from .tables import CABLE_COLUMNS

if TYPE_CHECKING:
    from .module import Module


@dataclass(frozen=True)
class KeptTransition:
    """A matrix [field, comp, comp] in the user's order, and the values of the module that it was kept with."""

    matrix: np.ndarray
    made_of: dict[str, np.ndarray]


class ExpEulerMatrix:
    """`build_exp_euler_transition_matrix` and `customize_solver_exp_euler` of a module."""

    #: What `customize_solver_exp_euler` keeps; None: computed at the start of each run.
    _kept_transition: KeptTransition | None = None

    def build_exp_euler_transition_matrix(self, delta_t: float = 0.025) -> jax.Array:
        """e^(delta_t G), what the cable alone makes of the voltage, and of each concentration that diffuses, in a step.

        Args:
            delta_t: time step in ms.

        Returns:
            One matrix for the voltage and one for each diffusing concentration, (1 + n_diffusing, n_comp, n_comp).
            Branch points are eliminated, gap junctions are in the voltage's.

        Raises:
            ValueError: delta_t is not above 0.
        """
        from ..user_transition import build_transition

        return build_transition(self, delta_t)  # type: ignore[arg-type]

    def customize_solver_exp_euler(self, exp_euler_transition: Any = None) -> None:
        """Let solver="exp_euler" use this matrix from now on, instead of computing one at the start of each run.

            cell.customize_solver_exp_euler(cell.build_exp_euler_transition_matrix(delta_t))

        The matrix is of one time step and of the present geometry, capacitance, resistivity, diffusion and gap
        junctions. A run refuses it after one of these was changed or made trainable; that `delta_t` is the one that it
        was built for is for the caller to see.

        Args:
            exp_euler_transition: as `build_exp_euler_transition_matrix` gives; None: compute it again in each run.

        Raises:
            ValueError: another shape, values that are not finite, or entries between cells that no cable joins.
        """
        from ..user_transition import checked

        module: Module = self  # type: ignore[assignment]
        if exp_euler_transition is None:
            self._kept_transition = None
        else:
            self._kept_transition = KeptTransition(checked(module, exp_euler_transition), _made_of(module))
        module._edited()


def kept_transition(module: Module, bound: set[str]) -> np.ndarray | None:
    """The matrix that a run uses, [field, comp, comp]; None: it is to be computed.

    Args:
        bound: names of the values that the run binds (trainables, data values).

    Raises ValueError where the matrix does not follow from the values of the run.
    """
    kept = module._kept_transition
    if kept is None:
        return None
    remedy = "call customize_solver_exp_euler() to have it computed in each run, or build it anew"
    present = _made_of(module)
    for key in (k for k in present if k in bound):
        raise ValueError(f"exp_euler: the matrix of customize_solver_exp_euler is fixed, but {key} is not; {remedy}")
    before = kept.made_of
    if present.keys() != before.keys() or not all(np.array_equal(x, before[key]) for key, x in present.items()):
        raise ValueError(f"exp_euler: the model was edited since customize_solver_exp_euler; {remedy}")
    return kept.matrix


def _made_of(module: Module) -> dict[str, np.ndarray]:
    """The values that the matrix follows from."""
    from ..synapses import ElectricalSynapse

    columns = (*CABLE_COLUMNS, *map(diffusion_key, module._diffusing))
    found: dict[str, np.ndarray] = {key: module._nodes[key].to_numpy(dtype=float, copy=True) for key in columns}
    found["branches"] = module._branches.to_numpy(dtype=float)
    for name, synapse in module._synapses.items():
        if isinstance(synapse, ElectricalSynapse):
            edges = module._edges[module._edges["type"] == name]
            found[f"{name} ends"] = edges[["pre_index", "post_index"]].to_numpy(dtype=int)
            for key in (*synapse.synapse_params, *synapse.synapse_states):
                found[key] = edges[key].to_numpy(dtype=float, copy=True)
    return found
