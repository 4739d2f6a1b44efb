"""Differences that docs/differences.md tells, as far as they can be seen without a simulation."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim.optimize import transforms as jt
from rallax.sim.optimize.utils import l2_norm

pytestmark = pytest.mark.peers


def test_counting_of_time() -> None:
    peer = pytest.importorskip("jaxley")
    for (t_max, delta_t), lengths in {(10.0, 0.025): (401, 401), (1.0, 0.125): (9, 10)}.items():
        found = [len(m.step_current(0.0, 1.0, 1.0, delta_t, t_max)) for m in (rx, peer)]
        assert tuple(found) == lengths
    first_on = [int(np.argmax(np.asarray(m.step_current(0.3, 0.3, 1.0, 0.1, 0.9)))) for m in (rx, peer)]
    assert first_on == [3, 2]


def test_transforms() -> None:
    peer = pytest.importorskip("jaxley.optimize.transforms")
    found = [float(m.NegSoftplusTransform(5.0).forward(jnp.asarray(100.0))) for m in (jt, peer)]
    np.testing.assert_allclose(found, [5.0, -5.0], atol=1e-8)
    slopes = [float(jax.grad(m.SigmoidTransform(0.0, 1.0).forward)(-25.0)) for m in (jt, peer)]
    assert slopes[0] > 0.0
    assert slopes[1] == 0.0
    assert np.isinf(peer.SigmoidTransform(0.0, 1.0).inverse(jnp.asarray(1.0)))
    from jaxley.optimize.utils import l2_norm as theirs

    assert [np.isnan(jax.grad(f)(jnp.zeros(2))).any() for f in (l2_norm, theirs)] == [False, True]


def test_steady_states() -> None:
    peer = pytest.importorskip("jaxley.channels")
    km = peer.Km()
    p_inf, tau = km.p_gate(-40.0, 4000.0)
    start = km.init_state({}, -40.0, {"Km_taumax": 4000.0}, 0.025)["Km_p"]
    assert float(start) == pytest.approx(float(p_inf / (p_inf + tau)))
    assert abs(float(start) - float(p_inf)) > 0.1
