"""`integrate` and the step by hand: what they take, what they return, and that they say the same."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim import build_init_and_step_fn
from rallax.sim.integrate import _run

from .cells import DT, layer5, spiking

ONE = ((1, 20.0, 10.0, -1),)


def passive_compartment() -> Any:
    """tau 10 ms, 1 cm^2 / (10 um x 62.8 um): slow enough that each step's input can be read off v."""
    cell = rx.Cell()
    cell.insert(rx.Leak())
    cell.set("Leak_gLeak", 1e-4)
    cell.set("Leak_eLeak", -70.0)
    return cell


def test_number_of_samples() -> None:
    cell = passive_compartment()
    cell.record()
    assert rx.integrate(cell, t_max=10.0, delta_t=0.025).shape == (1, 401)
    cell.stimulate(np.zeros(7))
    assert rx.integrate(cell).shape == (1, 8)
    assert rx.integrate(cell, t_max=0.1, delta_t=0.025).shape == (1, 5)
    assert rx.step_current(0, 1, 2, 0.025, 3.0).shape == (121,)
    assert rx.integrate(cell, t_max=1.0)[0, 0] == -70.0


def test_when_a_sample_acts() -> None:
    """Sample k acts in the step from k to k+1. Short stimuli are padded with zeros, long ones cut."""
    cell = passive_compartment()
    cell.record()
    pulse = np.zeros(6)
    pulse[3] = 0.1
    cell.stimulate(pulse)
    v = np.asarray(rx.integrate(cell, t_max=20 * DT, delta_t=DT))[0]
    assert np.all(v[:4] == -70.0)
    # C dv = I dt, less what leaks in the step.
    jump = 0.1 * DT / (1e-5 * cell.nodes["area"].iloc[0])
    assert v[4] + 70.0 == pytest.approx(jump / (1 + DT * 0.1), rel=1e-12)
    assert np.all(np.diff(v[4:]) < 0)
    np.testing.assert_array_equal(np.asarray(rx.integrate(cell, t_max=4 * DT, delta_t=DT))[0], v[:5])


def test_stimuli_add() -> None:
    """Several on one compartment add, the module's own and those given as data, of different lengths."""
    cells = [passive_compartment() for _ in range(2)]
    for cell in cells:
        cell.record()
    a, b, c = np.full(30, 0.01), np.full(40, 0.02), np.full(20, -0.015)
    cells[0].stimulate(a)
    cells[0].stimulate(b)
    cells[1].stimulate(np.pad(a, (0, 10)) + b + np.pad(c, (0, 20)))
    both = rx.integrate(cells[0], data_stimuli=cells[0].data_stimulate(jnp.asarray(c)), t_max=2.0)
    np.testing.assert_allclose(both, rx.integrate(cells[1], t_max=2.0), rtol=1e-13)


def test_recordings_come_in_the_order_of_the_calls() -> None:
    cell = spiking(t_max=3.0)
    cell.branch(3).comp(1).record()
    cell.branch(0).comp(0).record("HH_m")
    cell.branch(0).comp(0).record("i_HH")
    cell.branch([1, 0]).comp(0).record("v")
    cell.branch(0).comp(0).record("HH_n")
    found = np.asarray(rx.integrate(cell, t_max=3.0))
    info = cell.rec_info
    assert list(info["state"]) == ["v", "HH_m", "i_HH", "v", "v", "HH_n"]
    assert list(info["rec_index"]) == [9, 0, 0, 0, 1, 0]
    np.testing.assert_array_equal(found[[0, 3], 0], -65.0)
    assert found[1][0] == cell.nodes["HH_m"].iloc[0] and found[5][0] == cell.nodes["HH_n"].iloc[0]
    assert found[2][0] == 0.0 and np.ptp(found[2]) > 0, "the current of the step before: none at first"
    cell.delete_recordings()
    cell.branch(0).comp(0).record("HH_n")
    np.testing.assert_allclose(rx.integrate(cell, t_max=3.0)[0], found[5], rtol=1e-9)


def test_values_change_without_tracing_again() -> None:
    cell = spiking(ONE, t_max=2.0)
    cell.record()
    cell.make_trainable("HH_gNa")
    params = cell.get_parameters()
    _run.clear_cache()
    first = rx.integrate(cell, params, t_max=2.0)
    second = rx.integrate(cell, [{"HH_gNa": params[0]["HH_gNa"] * 1.5}], t_max=2.0)
    cell.set("HH_gK", 0.03)
    cell.delete_stimuli()
    cell.stimulate(0.1 * np.ones(80))
    third = rx.integrate(cell, params, t_max=2.0)
    rx.integrate(cell, params, t_max=0.02 * 80, delta_t=0.02)
    assert _run._cache_size() == 1
    assert np.ptp(np.stack([first, second, third]), axis=0).max() > 1e-3
    rx.integrate(cell, params, t_max=1.0)
    assert _run._cache_size() == 2, "another number of steps is another program"


def test_script_of_the_specification() -> None:
    """The notebook of the specification as printed; equal to `integrate` to the last bit."""
    t_max, delta_t = 3.0, 0.025
    cell = rx.Cell()
    cell.insert(rx.HH())
    cell.record()
    cell.stimulate(rx.step_current(0, 1, 2, delta_t, t_max))
    params = cell.get_parameters()
    cell.to_jax()
    rec_inds = cell.rec_info.rec_index.to_numpy()
    rec_states = cell.rec_info.state.to_numpy()
    externals, external_inds = cell.externals.copy(), cell.external_inds.copy()

    init_fn, step_fn = build_init_and_step_fn(cell)
    states, params = init_fn(params)
    recordings = [jnp.asarray([states[s][i] for s, i in zip(rec_states, rec_inds, strict=True)])]
    for step in range(int(t_max / delta_t)):
        now = {key: externals[key][:, step] for key in externals}
        states = step_fn(states, params, now, external_inds, delta_t=delta_t)
        recordings.append(jnp.asarray([states[s][i] for s, i in zip(rec_states, rec_inds, strict=True)]))
    v = jnp.stack(recordings, axis=0).T
    np.testing.assert_array_equal(v, rx.integrate(cell, t_max=t_max))
    assert states["i_HH"][0] != 0.0


@pytest.fixture(scope="module")
def cell() -> Any:
    """Layer-5 mechanisms, recorded at three places."""
    cell = layer5(t_max=5.0)
    cell.branch([0, 3]).comp(0).record()
    cell.branch(0).comp(0).record("CaCon_i")
    return cell


@pytest.fixture(scope="module")
def whole(cell: Any) -> np.ndarray:
    """200 steps of it."""
    return np.asarray(rx.integrate(cell, t_max=5.0))


def test_step_by_hand_is_integrate(cell: Any, whole: np.ndarray) -> None:
    init_fn, step_fn = build_init_and_step_fn(cell)
    states, params = init_fn()
    stimulus, info = cell.externals["i"], cell.rec_info
    columns = []
    for k in range(60):
        columns.append([states[s][i] for s, i in zip(info["state"], info["rec_index"], strict=True)])
        states = step_fn(states, params, {"i": stimulus[:, k]})
    np.testing.assert_array_equal(np.array(columns).T, whole[:, :60])
    names = set(cell.nodes.columns)
    assert set(states) <= names | {"i_Ca", "i_K", "i_Na", "i_Ih", "i_pas"}
    assert states["v"].shape[0] >= len(cell.nodes), "branch points follow the compartments"
    assert states["NaTg_m"].shape == (len(cell.nodes),)
    assert states["NaTg_m"][2] == 0.0, "no such channel there"


def test_two_halves_are_one_run(cell: Any, whole: np.ndarray) -> None:
    first, states = rx.integrate(cell, t_max=2.5, return_states=True)
    rest = cell.copy()
    rest.delete_stimuli()
    rest.branch(0).comp(0).stimulate(cell.externals["i"][:, 100:])
    second = rx.integrate(rest, t_max=2.5, all_states=states)
    np.testing.assert_array_equal(np.concatenate([first, second[:, 1:]], axis=1), whole)
    del states["SK_E2_z"]
    with pytest.raises(ValueError, match="all_states lacks 'SK_E2_z'"):
        rx.integrate(rest, t_max=2.5, all_states=states)


def test_state_of_a_checkpointed_run_ends_where_it_ends() -> None:
    """103 steps in blocks of 10 end after 103, and go on from there."""
    cell = spiking(ONE, t_max=5.0)
    cell.record()
    v, states = rx.integrate(cell, t_max=103 * DT, checkpoint_lengths=(11, 10), return_states=True)
    assert v.shape == (1, 104)
    assert states["v"][0] == v[0, -1]
    np.testing.assert_allclose(v, rx.integrate(cell, t_max=103 * DT), rtol=1e-10)


def test_step_fn_is_differentiable() -> None:
    cell = spiking(ONE)
    init_fn, step_fn = build_init_and_step_fn(cell)
    states, params = init_fn()

    def after_a_step(current: jax.Array) -> jax.Array:
        return step_fn(states, params, {"i": current})["v"][0]

    h = 1e-4
    slope = jax.grad(after_a_step)(jnp.array([0.5]))[0]
    up, down = after_a_step(jnp.array([0.5 + h])), after_a_step(jnp.array([0.5 - h]))
    assert float(slope) == pytest.approx(float(up - down) / (2 * h), rel=1e-7)


def test_errors_are_one_line() -> None:
    cell = spiking(ONE)
    cases: list[tuple[str, Any]] = [("nothing is recorded", lambda: rx.integrate(cell))]
    recorded = cell.copy()
    recorded.record()
    recorded.make_trainable("HH_gNa")
    silent = recorded.copy()
    silent.delete_stimuli()
    cases += [
        ("t_max", lambda: rx.integrate(silent)),
        (
            "checkpoint_lengths .* multiply to 20, below the run's 400",
            lambda: rx.integrate(recorded, checkpoint_lengths=(4, 5)),
        ),
        ("no solver 'bwd_eulr'.*did you mean 'bwd_euler'", lambda: rx.integrate(recorded, solver="bwd_eulr")),
        ("time step above 0", lambda: rx.integrate(recorded, delta_t=0.0)),
        ("params has 2 entries, the module 1", lambda: rx.integrate(recorded, recorded.get_parameters() * 2)),
        ("expected an entry {'HH_gNa'", lambda: rx.integrate(recorded, [{"HH_gK": jnp.ones(1)}])),
        ("params has 2 entries", lambda: build_init_and_step_fn(recorded)[0](recorded.get_parameters() * 2)),
    ]
    for pattern, call in cases:
        with pytest.raises(ValueError, match=pattern) as caught:
            call()
        assert "\n" not in str(caught.value)
