"""Step currents: which samples are on, what they may be made of."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx


def test_samples_of_a_step() -> None:
    i = rx.step_current(i_delay=0.5, i_dur=1.0, i_amp=2.0, delta_t=0.25, t_max=2.0, i_offset=-1.0)
    np.testing.assert_array_equal(i, [-1, -1, 2, 2, 2, 2, -1, -1, -1])
    # Whole steps are counted by rounding: 0.3 / 0.1 is a little less than 3.
    np.testing.assert_array_equal(rx.step_current(0.3, 0.3, 1.0, 0.1, 0.9), [0, 0, 0, 1, 1, 1, 0, 0, 0, 0])
    # A step that begins before the run or ends after it.
    np.testing.assert_array_equal(rx.step_current(-1.0, 1.5, 1.0, 0.25, 1.0), [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(rx.step_current(0.5, 9.0, 1.0, 0.25, 1.0), [0, 0, 1, 1, 1])


def test_amplitudes_of_any_kind() -> None:
    expected = rx.step_current(1.0, 1.0, 0.5, 0.1, 3.0)
    for amplitude in (np.float32(0.5), np.asarray([0.5]), jnp.asarray(0.5), jnp.asarray([0.5])):
        i = rx.step_current(1.0, 1.0, amplitude, 0.1, 3.0)
        assert isinstance(i, jax.Array if isinstance(amplitude, jax.Array) else np.ndarray)
        np.testing.assert_array_equal(i, expected)
    assert rx.step_current(1.0, 1.0, jnp.asarray(2), 0.1, 3.0).dtype == jnp.result_type(float)
    slope = jax.jacfwd(lambda a: rx.step_current(1.0, 1.0, a, 0.1, 3.0, i_offset=0.1))(0.5)
    np.testing.assert_array_equal(slope, np.asarray(expected) / 0.5)


def test_a_step_for_each_data_point() -> None:
    arguments = {"i_delay": 1.0, "i_dur": 1.0, "delta_t": 0.1, "t_max": 3.0, "i_offset": 0.2}
    amplitudes = [0.5, -1.0, 2.0]
    found = rx.datapoint_to_step_currents(i_amp=jnp.asarray(amplitudes), **arguments)
    assert found.shape == (3, 31)
    np.testing.assert_array_equal(found, [rx.step_current(i_amp=a, **arguments) for a in amplitudes])
    total = jax.grad(lambda a: rx.datapoint_to_step_currents(i_amp=a, **arguments)[1].sum())(jnp.asarray(amplitudes))
    np.testing.assert_array_equal(total, [0.0, 10.0, 0.0])


def test_refusals() -> None:
    with pytest.raises(ValueError, match="call datapoint_to_step_currents"):
        rx.step_current(0.0, 1.0, np.ones(2), 0.1, 1.0)
    with pytest.raises(ValueError, match="call step_current"):
        rx.datapoint_to_step_currents(0.0, 1.0, 0.5, 0.1, 1.0)
    with pytest.raises(ValueError, match="delta_t above 0"):
        rx.step_current(0.0, 1.0, 0.5, 0.0, 1.0)
    with pytest.raises(ValueError, match="i_dur=-1"):
        rx.step_current(0.0, -1.0, 0.5, 0.1, 1.0)


@pytest.mark.peers
def test_against_jaxley() -> None:
    """Where the ends of the step are whole steps in binary; elsewhere Jaxley cuts them, and its length follows //."""
    peer = pytest.importorskip("jaxley.stimulus")
    for t_max, delta_t in ((10.0, 0.025), (3.0, 0.025), (20.0, 0.1)):
        arguments = (1.0, 2.0, 0.3, delta_t, t_max, 0.1)
        np.testing.assert_array_equal(rx.step_current(*arguments), peer.step_current(*arguments))
    several = (1.0, 2.0, jnp.asarray([0.3, 0.4]), 0.025, 10.0)
    np.testing.assert_array_equal(rx.datapoint_to_step_currents(*several), peer.datapoint_to_step_currents(*several))
