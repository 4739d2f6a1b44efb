"""A run continued from its last states equals the whole run to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

from .networks import INTEGRATORS, everything, small

HALF = 20
#: The others take longer than `make test` has.
QUICK = ("bwd_euler",)
WAVE = np.sin(np.arange(2 * HALF) / 5.0)


def run_small(net: Any, part: slice, solver: str, **more: Any) -> Any:
    """With the inputs of this part of the whole run: a stimulus, and clamps of v, a gate and a synapse's state."""
    return _run(net, part, solver, {"v": net.cell(0).branch(2), "Km_p": net.cell(1).branch(1)}, **more)


def run_everything(net: Any, part: slice, solver: str, **more: Any) -> Any:
    where = {"v": net.cell(0).branch(2), "HH_h": net.cell(1).branch(1), "CaCon_i": net.cell(1).branch(0)}
    return _run(net, part, solver, where, **more)


def _run(net: Any, part: slice, solver: str, where: dict[str, Any], **more: Any) -> Any:
    size = {"v": -60.0 + 5.0 * WAVE, "CaCon_i": 2e-4 + 1e-4 * WAVE}
    stimuli = net.cell(0).branch(0).comp(0).data_stimulate(jnp.asarray(1.0 + 0.1 * WAVE)[part])
    clamps = net.IonotropicSynapse.edge(1).data_clamp("IonotropicSynapse_s", jnp.asarray(0.3 + 0.1 * WAVE)[part])
    for key, view in where.items():
        clamps = view.data_clamp(key, jnp.asarray(size.get(key, 0.4 + 0.1 * WAVE))[part], clamps)
    return rx.integrate(
        net, data_stimuli=stimuli, data_clamps=clamps, solver=solver, return_states=True, delta_t=0.025, **more
    )


def halves(net: Any, run: Callable[..., Any], solver: str, **more: Any) -> tuple[np.ndarray, Any]:
    first, states = run(net, slice(HALF), solver, **more)
    second, last = run(net, slice(HALF, None), solver, all_states=states, **more)
    return np.concatenate([first, second[:, 1:]], axis=1), last


@pytest.mark.parametrize(
    ("make", "run", "solver"),
    [
        *((small, run_small, solver) for solver in QUICK),
        *(
            pytest.param(small, run_small, solver, marks=pytest.mark.slow)
            for solver in INTEGRATORS
            if solver not in QUICK
        ),
        *(pytest.param(everything, run_everything, solver, marks=pytest.mark.slow) for solver in INTEGRATORS),
    ],
)
def test_two_halves_are_one_run(make: Callable[[], Any], run: Callable[..., Any], solver: str) -> None:
    net = make()
    whole, end = run(net, slice(None), solver)
    joined, last = halves(net, run, solver)
    assert np.isfinite(whole).all() and np.all(np.ptp(np.asarray(whole), axis=1) > 0)
    np.testing.assert_array_equal(joined, whole)
    assert set(last) == set(end)
    for key, values in end.items():
        np.testing.assert_array_equal(last[key], values, err_msg=key)


@pytest.mark.parametrize("solver", ["bwd_euler", pytest.param("extrapolated", marks=pytest.mark.slow)])
def test_with_checkpoint_lengths(solver: str) -> None:
    """Blocks of 7 steps, the last one not full."""
    net = small()
    whole, _ = run_small(net, slice(None), solver)
    joined, _ = halves(net, run_small, solver, checkpoint_lengths=(3, 7))
    np.testing.assert_array_equal(joined, whole)
