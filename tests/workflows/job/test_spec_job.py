"""The job printed in the specification is a job as it stands, and so is the shipped one."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from rallax.workflows.job import load_job, make_job
from rallax.workflows.job.reference import reference
from rallax.workflows.sweeps import prepare_sweeps

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "workflows" / "jobs" / "l5ttpc-subthreshold.toml"


def test_the_shipped_job_is_the_specifications_word_for_word() -> None:
    specification = ROOT.parent / "shared" / "spec" / "fitting.md"
    if not specification.is_file():
        pytest.skip("the specification is not beside the project")
    printed = re.search(r"```toml\n(.*?)```", specification.read_text(encoding="utf-8"), re.DOTALL)
    assert printed is not None
    assert SHIPPED.read_text(encoding="utf-8").endswith(printed.group(1))


def test_the_specifications_job_means_what_it_says() -> None:
    job = make_job(tomllib.loads(SHIPPED.read_text(encoding="utf-8")), files=False)
    assert [sweep.name for sweep in job.single_sweeps()] == [f"IV_{n}" for n in range(265, 273)]
    assert [sweep.table.use for sweep in job.single_sweeps()] == ["train"] * 7 + ["validate"]
    assert job.single_sweeps()[0].voltage == "recordings/X_IV_ch1_265.ibw"
    assert job.model.insert[1].region == ("soma",)
    assert job.model.set[0].values == {"axial_resistivity": 100.0, "capacitance": 1.0}
    assert job.parameters[2].profile == "-0.8696 + 2.087*exp(0.0031*d)"
    assert job.simulation.v_init == "baseline"
    assert (job.fit.optimizer.name, job.fit.optimizer.learning_rate, job.fit.optimizer.clip_norm) == ("adam", 0.05, 1.0)
    assert job.compute.workers == 2


@pytest.mark.data
def test_it_runs_up_to_the_simulation_beside_its_data(recordings_dir: Path, tmp_path: Path) -> None:
    shutil.copy(SHIPPED, tmp_path / "job.toml")
    (tmp_path / "recordings").symlink_to(recordings_dir / "recordings")
    (tmp_path / "morphology.asc").symlink_to(recordings_dir / "morphology.asc")
    job = load_job(tmp_path / "job.toml")
    assert job.run_directory == tmp_path / "runs" / "l5ttpc-subthreshold"
    sweeps = prepare_sweeps(job)
    assert [sweep.n_steps for sweep in sweeps] == [24000] * 8
    assert [sweep.time_ms.size for sweep in sweeps] == [2401] * 8
    # -69.07 mV at rest (the recording's own mean before the step) less 14 mV.
    assert sweeps[0].v_init_mV == pytest.approx(-83.07, abs=0.01)


def test_the_committed_reference_is_the_present_one() -> None:
    committed = (ROOT / "docs" / "job.md").read_text(encoding="utf-8")
    assert committed == reference(), "python -m rallax.workflows.job.reference > docs/job.md"
