"""Thinning a trace keeps what is seen of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.workflows.report.decimate import min_max


@settings(max_examples=60, deadline=None, derandomize=True)
@given(n=st.integers(0, 5000), columns=st.integers(1, 300), seed=st.integers(0, 99))
def test_extremes_ends_and_order_stay(n: int, columns: int, seed: int) -> None:
    time, value = np.arange(n) * 0.1, np.random.default_rng(seed).standard_normal(n)
    thin_time, thin = min_max(time, value, columns)
    assert np.all(np.diff(thin_time) > 0.0)
    assert set(zip(thin_time, thin, strict=True)) <= set(zip(time, value, strict=True))
    if n:
        assert (thin.min(), thin.max()) == (value.min(), value.max())
        assert (thin_time[0], thin_time[-1]) == (time[0], time[-1])
    # Four a column, and the samples that do not fill a last one.
    assert len(thin) <= 4 * columns + n / columns + 1


def test_a_spike_of_one_sample_keeps_its_height_wherever_it_is() -> None:
    for at in range(0, 24_000, 997):
        value = np.full(24_000, -70.0)
        value[at] = 40.0
        _, thin = min_max(np.arange(24_000.0), value, 500)
        assert np.count_nonzero(thin == 40.0) == 1
        assert len(thin) < 2500


def test_a_run_of_nan_stays_a_gap_and_a_single_one_hides_nothing() -> None:
    value = np.zeros(10_000)
    value[2000:8000] = np.nan
    value[9001] = np.nan
    value[9002] = 30.0
    time, thin = min_max(np.arange(10_000.0), value, 100)
    inside = (time > 2100) & (time < 7900)
    assert inside.any()
    assert np.isnan(thin[inside]).all()
    assert np.nanmax(thin) == 30.0


@pytest.mark.parametrize("n", [0, 1, 400])
def test_short_traces_are_left_alone(n: int) -> None:
    value = np.arange(float(n))
    assert min_max(value, value, 100)[1] is value
