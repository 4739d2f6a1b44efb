"""The resolved job: what its hash covers, what it survives, and what changes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rallax.workflows.errors import JobError, UserError
from rallax.workflows.job import load_job
from rallax.workflows.resolve import ResolvedJob, resolve


def test_there_and_back(job_file: Path) -> None:
    resolved = resolve(load_job(job_file)).with_settings(lanes=8, device="cpu")
    text = resolved.to_json()
    again = ResolvedJob.from_json(text)
    assert again == resolved
    assert again.hash == resolved.hash
    assert again.job.folder == job_file.parent
    assert again.to_json() == text
    again.verify()
    document = json.loads(text)
    # Defaults are filled in, and files stand with their absolute path and hash.
    assert document["job"]["fit"]["seed"] == 0
    assert {Path(file["path"]).name for file in document["files"]} == {
        "cell.swc",
        "v_1.csv",
        "v_2.csv",
        "i_1.csv",
        "i_2.csv",
    }
    assert all(Path(file["path"]).is_absolute() and len(file["sha256"]) == 64 for file in document["files"])


def test_the_hash_is_of_what_the_result_depends_on(job_file: Path, tmp_path: Path) -> None:
    original = resolve(load_job(job_file)).hash
    for change in ("compute.workers=7", "storage.run=elsewhere", "storage.keep=9", "fit.steps=3"):
        assert resolve(load_job(job_file, [change])).hash == original, change
    for change in ("fit.seed=1", "fit.steps=4", "parameters[0].bounds=[1e-5, 7e-5]", "simulation.delta_t_ms=0.05"):
        assert resolve(load_job(job_file, [change])).hash != original, change
    assert resolve(load_job(job_file)).with_settings(lanes=8).hash != original
    # The same job and files in another folder are the same job.
    shutil.copytree(job_file.parent, tmp_path / "moved", ignore=shutil.ignore_patterns("moved"))
    assert resolve(load_job(tmp_path / "moved" / "job.toml")).hash == original
    (job_file.parent / "cell.swc").write_text((job_file.parent / "cell.swc").read_text() + "# more\n")
    assert resolve(load_job(job_file)).hash != original


def test_the_source_of_named_python_counts(spoil: Callable[[str, str], Path]) -> None:
    file = spoil('{ kind = "mse", scale_mV = 5.0 }', '{ kind = "loss.py:f" }, { kind = "json.decoder:loads" }')
    source = file.parent / "loss.py"
    source.write_text("def f(v, target, time): return 0.0\n", encoding="utf-8")
    resolved = resolve(load_job(file))
    names = [(named.key, named.path.name) for named in resolved.files if named.key.startswith("loss")]
    assert names == [("loss.terms[0].kind", "loss.py"), ("loss.terms[1].kind", "decoder.py")]
    source.write_text("def f(v, target, time): return 1.0\n", encoding="utf-8")
    assert resolve(load_job(file)).hash != resolved.hash
    with pytest.raises(JobError, match=r"loss.terms\[0\].kind: .*loss.py is not what it was"):
        resolved.verify()


def test_changed_and_missing_files_are_named(job_file: Path) -> None:
    resolved = ResolvedJob.from_json(resolve(load_job(job_file)).to_json())
    (job_file.parent / "v_2.csv").unlink()
    (job_file.parent / "i_1.csv").write_text("time (ms), current (nA)\n0,0\n1,0\n", encoding="utf-8")
    with pytest.raises(JobError) as raised:
        resolved.verify()
    assert [(fault.key, fault.message.split(" ")[0]) for fault in raised.value.faults] == [
        ("sweeps[0].current", str(job_file.parent / "i_1.csv")),
        ("sweeps[0].voltage", f"{job_file.parent / 'v_2.csv'}:"),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(format=2), "format: 2 is newer than 1"),
        (lambda d: d.update(format="1"), "format: is '1'"),
        (lambda d: d["job"]["fit"].update(seed=5), "does not fit its hash"),
        (lambda d: d["job"]["fit"].update(stepz=5), "fit.stepz: unknown key"),
        (lambda d: d.pop("files"), "is damaged"),
        (lambda d: d["files"].append({"key": 1}), "is damaged"),
        (lambda d: d.pop("format"), "no resolved job"),
        (lambda d: d.update(folder=3), "is damaged"),
    ],
)
def test_resolved_jobs_that_are_refused(job_file: Path, change: Callable[[dict], object], words: str) -> None:
    document = json.loads(resolve(load_job(job_file)).to_json())
    change(document)
    with pytest.raises(UserError) as raised:
        ResolvedJob.from_json(json.dumps(document), source="run/resolved.json")
    assert str(raised.value).startswith("run/resolved.json: ")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "[]", "null", "3", "{", "[" * 100_000])
def test_text_that_is_no_resolved_job(text: str) -> None:
    with pytest.raises(UserError, match="no resolved job"):
        ResolvedJob.from_json(text)


def test_files_elsewhere_are_the_same_job(job_file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    resolved = resolve(load_job(job_file))
    moved = tmp_path_factory.mktemp("elsewhere") / "moved"
    shutil.copytree(job_file.parent, moved)
    shutil.rmtree(job_file.parent)
    with pytest.raises(JobError, match="--files"):
        resolved.verify()
    there = resolved.in_folder(moved)
    there.verify()
    assert there.hash == resolved.hash and there.same_job(resolved.with_settings(lanes=8))
    assert there.job.folder == moved and all(file.path.parent == moved for file in there.files)
    (moved / "v_1.csv").write_text("0,0\n1,1\n")
    with pytest.raises(JobError, match="is not what it was"):
        there.verify()
    assert not resolve(load_job(moved / job_file.name, ["fit.seed=9"])).same_job(there)
