"""Whatever stands in a job, its reading ends in a job or in faults of one line each."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rallax.workflows.errors import JobError
from rallax.workflows.job import Job, load_job, make_job

JOB = tomllib.loads(
    (Path(__file__).resolve().parents[3] / "workflows" / "jobs" / "l5ttpc-subthreshold.toml").read_text("utf-8")
)

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([10**400, -(10**400), 0, -1, 1]),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["all", "soma", "baseline", "mse", "window_stats", "f.py:g", "{n}", "adam", "d", "a\nb"]),
        st.dates(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.text(max_size=5), st.sampled_from(["kind", "name", "region", "windows_ms"])), inner, max_size=3
        ),
    ),
    max_leaves=5,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))


PLACES = list(_places(JOB))


QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=QUIET)
@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(["put", "drop", "add"]), VALUES), min_size=1, max_size=3
    )
)
def test_random_changes_give_a_job_or_faults(changes: list[tuple[tuple[Any, ...], str, Any]]) -> None:
    document = copy.deepcopy(JOB)
    for path, how, value in changes:
        target: Any = document
        for key in path[:-1]:
            try:
                target = target[key]
            except (KeyError, IndexError, TypeError):
                break
        else:
            if isinstance(target, list) and isinstance(path[-1], int) and path[-1] < len(target):
                if how == "drop":
                    del target[path[-1]]
                else:
                    target[path[-1]] = value
            elif isinstance(target, dict) and isinstance(path[-1], str):
                if how == "drop":
                    target.pop(path[-1], None)
                else:
                    target[path[-1] if how == "put" else f"{path[-1]}x"] = value
    try:
        job = make_job(document, source="job.toml", files=False)
    except JobError as error:
        assert error.faults
        for line in error.lines:
            assert line.startswith("job.toml: ")
            assert line.isprintable()
    else:
        assert make_job(job.resolved(), source="job.toml", files=False) == job


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=QUIET)
@given(st.one_of(st.text(max_size=30), st.tuples(st.text(max_size=8), st.text(max_size=12)).map("=".join)))
def test_any_change_on_the_command_line_is_taken_or_told(job_file: Path, change: str) -> None:
    try:
        job = load_job(job_file, [change])
    except JobError as error:
        assert error.lines
        assert all("\n" not in line for line in error.lines)
    else:
        assert isinstance(job, Job)


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=QUIET)
@given(st.one_of(st.binary(max_size=60), st.text(alphabet='ab=[]{}"\n.,1#-', max_size=60).map(str.encode)))
def test_any_file_is_a_job_or_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "job.toml"
    file.write_bytes(content)
    with pytest.raises(JobError) as raised:
        load_job(file)
    assert all(line.startswith(f"{file}: ") for line in raised.value.lines)
