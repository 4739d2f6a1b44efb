"""A run as it goes: what its log tells, and how it is shown."""

from __future__ import annotations

import numpy as np
import pytest

from rallax.workflows.commands import _follow
from rallax.workflows.commands._follow import line_of
from rallax.workflows.course import Course, course_of, words_of
from rallax.workflows.dots import curves


def log(*events: tuple[float, str, dict[str, object]]) -> list[dict[str, object]]:
    return [{"time": time, "kind": kind, **facts} for time, kind, facts in events]


LOG = log(
    (0.0, "started", {"workers": 2, "steps": 10}),
    (1.0, "worker joined", {"worker": "a"}),
    (2.0, "worker joined", {"worker": "b"}),
    (10.0, "step", {"block": 0, "step": 0, "best": 3.0}),
    (12.0, "step", {"block": 1, "step": 0, "best": 2.0}),
    (14.0, "step", {"block": 0, "step": 1, "best": 2.5}),
    (14.5, "worker leaves", {"worker": "a"}),
    (15.0, "worker lost", {"worker": "a", "message": "a died"}),
    (18.0, "step", {"block": 0, "step": 2, "best": float("nan")}),
)


def course(events: list[dict[str, object]] = LOG, **options: object) -> Course:
    given = {"steps": 10, "blocks": [4, 2], "now": 20.0, "failures": ("worker lost",)} | options
    return course_of(events, **given)  # type: ignore[arg-type]


def test_what_the_log_tells() -> None:
    found = course()
    assert (found.state, found.workers, found.step, found.best_loss, found.silent) == ("running", 1, 1, 2.0, 2.0)
    assert found.told == ("a died",)
    # From 10 s to 18 s: 2 + 4 + 4 steps of a start; of 60 there are 3·4 + 1·2 done.
    assert found.pace == pytest.approx(10 / 8)
    assert found.part == pytest.approx(14 / 60) and found.seconds_left == pytest.approx(46 / (10 / 8))


def test_the_pace_is_that_of_the_present_session_and_of_late() -> None:
    resumed = [*LOG, *log((1000.0, "resumed", {"steps": 20}), (1001.0, "worker joined", {}))]
    found = course(resumed)
    assert found.pace is None and found.seconds_left is None and (found.workers, found.steps) == (1, 20)
    steps = [(1001.0 + 100 * k, "step", {"block": 0, "step": 3 + k, "best": 1.0}) for k in range(6)]
    assert course([*resumed, *log(*steps)]).pace == pytest.approx(4 / 100)


def test_states() -> None:
    assert course([]).state == "created"
    finished = course([*LOG, *log((30.0, "finished", {}))])
    assert (finished.state, finished.step, finished.part, finished.workers) == ("finished", 10, 1.0, 0)
    assert line_of(finished) == "finished at step 10/10, best loss 2"
    assert line_of(course()) == "step 1/10, best loss 2, 1 worker, 1.25 steps of a start a second, 37 s left"
    assert line_of(course(LOG[:2])) == "candidates, 1 worker"
    assert [words_of(s) for s in (5, 600, 7200, 1e6)] == ["5 s", "10 min", "2.0 h", "11.6 days"]


def test_the_best_starts_losses() -> None:
    history = np.array([[3.0, 1.0, np.nan, 9.0], [2.0, 4.0, np.nan, np.inf]])
    assert course(history=history, best=2).losses.tolist() == [[1.0, 4.0], [3.0, 2.0]]
    assert course(history=np.zeros((0, 4))).losses.size == 0


def test_curves_in_dots() -> None:
    falling = np.geomspace(100.0, 1.0, 50)[None, :]
    lines = curves(falling, 34, 4)
    assert len(lines) == 4 and all(len(line) == 34 for line in lines)
    assert lines[0].startswith("100 ") and lines[-1].startswith("  1 ")
    # A straight line on the logarithmic axis: from the upper left to the lower right.
    assert lines[0][4] != "\u2800" and lines[0][-1] == "\u2800" == lines[-1][4] and lines[-1][-1] != "\u2800"
    assert curves(np.full((2, 5), np.nan)) == [] and len(curves(np.full((1, 3), -2.0), 40, 3)) == 3


def test_piped_lines_come_once_each(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _follow._Lines()
    for events in (LOG[:3], LOG[:3], LOG[:4], LOG, LOG):
        lines.show(course(events))
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "candidates, 2 workers" and told.count("a died") == 1 and len(told) == 4
    lines.show(course(LOG, now=1000.0))
    assert "resume" in capsys.readouterr().out
