"""How many simulations an item holds: by a rule, by number, or measured, and then fixed in the run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rallax.workflows import load_job
from rallax.workflows.check import check_job
from rallax.workflows.errors import JobError
from rallax.workflows.estimate import MEASURED_LANES
from rallax.workflows.new_run import create_run
from rallax.workflows.resolve import ResolvedJob
from rallax.workflows.settings import LEAST_LANES, MOST_LANES, Settings

from .tiny import write_tiny


@pytest.fixture(scope="module")
def job_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("lanes"))


@pytest.mark.parametrize(
    ("starts", "sweeps", "lanes", "expected"),
    [
        (64, [1], None, (LEAST_LANES, (1,))),
        (8, [1], None, (4, (1,))),  # two blocks, so that two workers have something to do
        (64, [5], None, (4, (5,))),
        (64, [200], None, (1, (50,))),  # four items without padding, not three of MOST_LANES and one of 8
        (64, [3, MOST_LANES + 1], None, (1, (3, 33))),
        (64, [1], 1, (1, (1,))),
        (64, [5], 2, (1, (2,))),
        (1000, [3], 300, (100, (3,))),
        (1000, [3, 9], 64, (7, (3, 9))),
    ],
)
def test_shape(starts: int, sweeps: list[int], lanes: int | None, expected: tuple[int, tuple[int, ...]]) -> None:
    settings = Settings.choose(starts, sweeps, lanes)
    assert (settings.starts_per_block, settings.sweeps_per_item) == expected


def test_items_of_large_cells_hold_fewer_sweeps() -> None:
    assert Settings.choose(4, [60], most=32) == Settings(1, (30,))
    assert Settings.choose(64, [2], most=LEAST_LANES) == Settings(8, (2,))


def test_the_rule_heeds_the_size_of_the_cell(job_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU; of the tiny job's two training sweeps an item then holds one."""
    from rallax.workflows import estimate

    monkeypatch.setattr(estimate, "LEAST_LANES", 1)
    # By its name in sys.modules: the package's own `batched` is the function.
    widest = sys.modules["rallax.sim.batched"]
    monkeypatch.setattr(widest, "widest_block", lambda state_bytes: 1 if state_bytes > 10 else 64)
    assert max(check_job(load_job(job_file)).settings.sweeps_per_item) == 1
    on_gpu = load_job(job_file, ["compute.gpus_per_worker=1"])
    assert max(check_job(on_gpu).settings.sweeps_per_item) == 2


def test_a_number_is_taken_and_stays_with_the_run(job_file: Path) -> None:
    store = create_run(load_job(job_file, ["simulation.lanes=1", "fit.starts=6"]), job_file.parent / "one")
    resolved = ResolvedJob.from_json(store.read_file("resolved.json").decode())
    assert Settings.of(resolved).starts_per_block == 1 and Settings.of(resolved).sweeps_per_item[0] == 1


def test_measured(job_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fastest of the widths is taken; each is really timed."""
    from rallax.workflows import estimate

    asked: list[int] = []
    measured = estimate._lane_step_seconds

    def timed(job: object, model: object, sweeps: object, lanes: int) -> tuple[float, float]:
        asked.append(lanes)
        seconds = measured(job, model, sweeps, lanes)  # type: ignore[arg-type]
        assert min(seconds) > 0.0
        return (0.5, 0.5) if len(asked) == 2 else (1.0, 1.0)

    monkeypatch.setattr(estimate, "_lane_step_seconds", timed)
    job = load_job(job_file, ['simulation.lanes="measure"', "fit.starts=64", "fit.candidates=64"])
    report = check_job(job)
    assert len(asked) == len(set(asked)) >= 3, "each width once"
    assert max(asked) <= max(MEASURED_LANES)
    assert report.work.lanes == asked[1] == report.settings.starts_per_block * max(report.settings.sweeps_per_item)


def test_measuring_is_for_cores(job_file: Path) -> None:
    with pytest.raises(JobError, match=r"simulation\.lanes.*the workers have GPUs"):
        load_job(job_file, ['simulation.lanes="measure"', "compute.gpus_per_worker=1"])
