"""What a user gets for a mistake: one line for each, which says where and what would be right, and exit code 2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rallax.workflows.cli import app

# What stands in the job, what is put in its place, the key that the line names, and words of the remedy.
WRONG = [
    ("steps = 3", "stepz = 3", "fit.stepz", "did you mean 'steps'"),
    ("[recording]", "[recordings]", "recordings", "did you mean 'recording'"),
    ('mechanism = "pas"', 'mechanism = "pas"\nregoin = "all"', "model.insert[0].regoin", "did you mean 'region'"),
    ("steps = 3", 'steps = "3"', "fit.steps", "whole number"),
    ("steps = 3", "steps = 2.5", "fit.steps", "whole number"),
    ("steps = 3", "steps = true", "fit.steps", "whole number"),
    ("delta_t_ms = 0.1", 'delta_t_ms = "0.1"', "simulation.delta_t_ms", "without quotes"),
    ("delta_t_ms = 0.1", "delta_t_ms = -0.1", "simulation.delta_t_ms", "above 0"),
    ("delta_t_ms = 0.1", "delta_t_ms = nan", "simulation.delta_t_ms", "finite"),
    ("delta_t_ms = 0.1", 'delta_t_ms = 0.1\nsolver = "euler"', "simulation.solver", "bwd_euler"),
    ("delta_t_ms = 0.1", "delta_t_ms = 0.1\nlanes = 0", "simulation.lanes", "from 1 to 4096"),
    ("delta_t_ms = 0.1", 'delta_t_ms = 0.1\nlanes = "many"', "simulation.lanes", '"measure"'),
    ('v_init = "baseline"', 'v_init = "rest"', "simulation.v_init", "a number in mV"),
    ("bounds = [1e-5, 6e-5]", "bounds = [6e-5, 1e-5]", "parameters[0].bounds", "[lower, upper]"),
    ("bounds = [1e-5, 6e-5]", "bounds = [1e-5, 1e-5]", "parameters[0].bounds", "[lower, upper]"),
    ("bounds = [1e-5, 6e-5]", "bounds = [1e-5]", "parameters[0].bounds", "has only 1 of its entries"),
    ("bounds = [1e-5, 6e-5]", "bounds = [1e-5, inf]", "parameters[0].bounds[1]", "finite"),
    ("bounds = [1e-5, 6e-5]", 'bounds = [0, 6e-5]\ntransform = "log"', "parameters[0].bounds", "above 0"),
    ("bounds = [1e-5, 6e-5]", "", "parameters[0].bounds", "[lower, upper]"),
    ('name = "e_pas"', 'name = "g_pas"', "parameters[1].name", "use another"),
    ('parameter = "pas_e"', 'parameter = "pas_g"', "parameters[1].region", "keep one"),
    ('profile = "1 + c*d"', 'profile = "1 + c*"', "parameters[1].profile", "column 7"),
    ('profile = "1 + c*d"', 'profile = "1 + c*x"', "parameters[1].profile", "known: d, c"),
    ('profile = "1 + c*d"', 'profile = "1 + open(c)"', "parameters[1].profile", "known: abs"),
    ('profile = "1 + c*d"', 'profile = "d"', "parameters[2]", "region and parameter"),
    ('name = "c"\n', 'name = "d"\n', "parameters[2].name", "plain name"),
    ('morphology = "cell.swc"', 'morphology = "cel.swc"', "model.morphology", "looked for in"),
    ('morphology = "cell.swc"', 'morphology = "."', "model.morphology", "name a file"),
    ("{ ncomp = 1 }", "{ ncomp = 1, d_lambda = 0.1 }", "model.discretization", "exactly one"),
    ("{ ncomp = 1 }", '{ ncomp = "one" }', "model.discretization.ncomp", "whole number"),
    ('mechanism = "pas"', 'mechanism = "pas; rm"', "model.insert[0].mechanism", "library name"),
    ('mechanism = "pas"', 'mechanism = "Pass"', "model.insert[0].mechanism", "did you mean"),
    ('region = "all"\nmechanism', 'region = "apicale"\nmechanism', "model.insert[0].region", "soma"),
    ('region = "all"\nmechanism', "region = []\nmechanism", "model.insert[0].region", "list of regions"),
    ('parameter = "pas_g"', 'parameter = "pas_gbar"', "parameters[0].parameter", "pas_g"),
    ("numbers = [1, 2]", "numbers = [1, 1]", "sweeps[0].numbers", "each number once"),
    ('voltage = "v_{n}.csv"', 'voltage = "w_{n}.csv"', "sweeps[0].voltage", "'w_1.csv' is not there"),
    ('voltage = "v_{n}.csv"', 'voltage = "v.csv"', "sweeps[0].voltage", "where the number stands"),
    ('voltage = "v_{n}.csv"', 'voltage = "v_{m}.csv"', "sweeps[0].voltage", "only {n} is replaced"),
    ('voltage = "v_{n}.csv"', 'voltage = "v_{n}.abf"', "sweeps[0].voltage", "not built yet"),
    ('voltage = "v_{n}.csv"', 'voltage = "v_{n}.nwb"', "sweeps[0].voltage", "not built yet"),
    ('voltage = "v_{n}.csv"', 'voltage = "i_{n}.csv"', "sweeps[0].voltage", "a current, where a voltage"),
    ("window_ms = [0.0, 40.0]", "window_ms = [0.0, 400.0]", "sweeps[0].window_ms", "end it by then"),
    ("window_ms = [0.0, 40.0]", "window_ms = [40.0, 0.0]", "sweeps[0].window_ms", "[lower, upper]"),
    ("window_ms = [0.0, 40.0]", "window_ms = [20.0, 40.0]", "sweeps[0].window_ms", "settle_ms above 10"),
    ('current = "i_{n}.csv"', "", "sweeps[0].current", "give a stimulus"),
    ('name = "pulse"', 'name = "step_1"', "sweeps[1].name", "its own name"),
    ('kind = "step"', 'kind = "stepp"', "sweeps[1].stimulus.kind", "did you mean 'step'"),
    ("duration_ms = 10.0, ", "", "sweeps[1].stimulus.duration_ms", "length in ms"),
    ('use = "validate"', 'use = "test"', "sweeps[1].use", "'train' or 'validate'"),
    ('use = "validate"', 'use = "validate"\nsite = "axon"', "sweeps[1].site", "soma"),
    ('holding = "subtract"', 'holding = "drop"', "recording.holding", "'keep'"),
    ('kind = "mse"', 'kind = "rmse"', "loss.terms[0].kind", "did you mean 'mse'"),
    ('kind = "mse"', 'kind = "soft_dtw"', "loss.terms[0].kind", "not built yet"),
    ('kind = "mse"', 'kind = "loss.py:f"', "loss.terms[0].scale_mV", "known: weight, kind"),
    ("scale_mV = 5.0", "scale_mV = 0", "loss.terms[0].scale_mV", "above 0"),
    ("[10.0, 20.0]]", "[100.0, 200.0]]", "loss", "holds no sample"),
    ("candidates = 4", "candidates = 1", "fit.candidates", "lower starts"),
    ("candidates = 4", "candidates = 4\nsweeps_per_step = 9", "fit.sweeps_per_step", "0 for all"),
    ('name = "adam"', 'name = "adamm"', "fit.optimizer", "did you mean"),
    ('name = "adam"', 'name = "lbfgs"', "fit.optimizer", "line search"),
    ("learning_rate = 0.05", "learning_rat = 0.05", "fit.optimizer", "learning_rate"),
    ("learning_rate = 0.05", 'learning_rate = "fast"', "fit.optimizer.learning_rate", "a number or a schedule"),
    ('run = "run"', 'run = "ftp://bucket/run"', "storage.run", "is not spoken"),
    ('run = "run"', 'run = "s3:///run"', "storage.run", "s3://BUCKET/PREFIX"),
    ('run = "run"', 'run = "cell.swc"', "storage.run", "name a directory"),
    ('run = "run"', 'run = "run"\n[compute]\ngpus_per_worker = 2', "compute.gpus_per_worker", "at most 1"),
    ('run = "run"', 'run = "run"\n[compute]\nworkers = 4\nmost_workers = 2', "compute.most_workers", "leave it out"),
    ('name = "small"', "", "name", "Name of the job"),
    ('name = "small"', 'name = "../small"', "name", "letters, digits"),
    ('name = "small"', "name = small", "line 2, column 8", "TOML"),
]


def _validate(*arguments: str | Path) -> tuple[int, list[str], str]:
    result = CliRunner().invoke(app, ["validate", *map(str, arguments)])
    return result.exit_code, result.stderr.splitlines(), result.stdout


@pytest.mark.parametrize(("old", "new", "key", "remedy"), WRONG, ids=[f"{w[2]}: {w[1][:30]}" for w in WRONG])
def test_one_line_says_where_and_what_would_be_right(
    spoil: Callable[[str, str], Path], old: str, new: str, key: str, remedy: str
) -> None:
    file = spoil(old, new)
    before = sorted(file.parent.rglob("*"))
    code, lines, out = _validate(file)
    assert code == 2
    assert out == ""
    # A mistake in a table of sweeps shows once for each of its sweeps.
    assert len({line.replace("_2", "_1").replace("reaches 2", "reaches 1") for line in lines}) == 1, lines
    assert lines[0].startswith(f"{file}: {key}: ")
    assert remedy in lines[0]
    assert sorted(file.parent.rglob("*")) == before


def test_the_small_job_itself_is_right(job_file: Path) -> None:
    code, lines, out = _validate(job_file)
    assert (code, lines) == (0, [])
    assert "nothing is wrong" in out


def test_every_fault_is_told_at_once(spoil: Callable[[str, str], Path]) -> None:
    spoil("bounds = [1e-5, 6e-5]", "bounds = [6e-5, 1e-5]")
    spoil("steps = 3", 'steps = "3"')
    file = spoil("[recording]", "[recordng]")
    code, lines, _ = _validate(file)
    assert code == 2
    assert sorted(line.split(": ")[1] for line in lines) == ["fit.steps", "parameters[0].bounds", "recordng"]


def test_a_change_on_the_command_line_is_named_as_such(job_file: Path) -> None:
    code, lines, _ = _validate(job_file, "--set", "fit.steps=ten", "--set", "sweeps[1].weight=-1")
    assert code == 2
    assert lines == [
        "--set: sweeps[1].weight: must be above 0, not -1",
        "--set: fit.steps: must be a whole number, not the text 'ten'; write it without quotes",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("fit.steps", "fit.steps=10"),
        ("fit..steps=1", "fit.steps=10"),
        ("sweeps[7].weight=1", "sweeps has 2 entries"),
        ("sweeps.weight=1", "sweeps is a list"),
        ("fit.steps.more=1", "nothing below it"),
        ("fit.steps=[1", "no TOML value"),
        ("fit.steps=1\nname=2", "no TOML value"),
    ],
)
def test_a_change_that_is_none(job_file: Path, change: str, words: str) -> None:
    code, lines, _ = _validate(job_file, "--set", change)
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith("--set: ")
    assert words in lines[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "name: is missing"),
        (b"\xff\xfe", "line 1: is no UTF-8"),
        (b"a = 1\nb = \n", "line 2"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "nested too deep"),
        (b"#" * (2**20 + 1), "larger than"),
        (b"a = 1" + b"0" * 5000, "TOML"),
    ],
)
def test_files_that_are_no_jobs(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "job.toml"
    file.write_bytes(content)
    code, lines, _ = _validate(file)
    assert code == 2
    assert lines
    assert words in lines[0]
    assert all(line.startswith(f"{file}: ") for line in lines)


def test_python_that_a_job_names(spoil: Callable[[str, str], Path]) -> None:
    file = spoil('{ kind = "mse", scale_mV = 5.0 }', '{ kind = "loss.py:f" }')
    code, lines, _ = _validate(file)
    assert (code, len(lines)) == (2, 1)
    assert "loss.terms[0].kind: 'loss.py' is not there" in lines[0]
    source = file.parent / "loss.py"
    for text, words in (
        ("def g(v, target, time): return 0\n", "loss.py has no 'f'; known: g"),
        ("\nimport nothing_like_this\n", "loss.py:2: ModuleNotFoundError"),
        ("def f(:\n", "loss.py:1: SyntaxError"),
        ("raise SystemExit(0)\n", "loss.py:1: SystemExit"),
        ("def f(v): return 0\n", "fails with TypeError"),
        ("f = 3\n", "fails with TypeError"),
    ):
        source.write_text(text, encoding="utf-8")
        code, lines, _ = _validate(file)
        assert (code, len(lines)) == (2, 1), lines
        assert words in lines[0]
    source.write_text("def f(v, target, time): return abs(v - target).mean()\n", encoding="utf-8")
    assert _validate(file)[0] == 0


def test_a_built_model_excludes_the_other_keys(spoil: Callable[[str, str], Path]) -> None:
    code, lines, _ = _validate(spoil('morphology = "cell.swc"', 'build = "cell.py:build"'))
    assert code == 2
    assert [line.split(": ")[1] for line in lines] == ["model.discretization", "model.insert"]
    assert all("leave one of them out" in line for line in lines)


def test_morphology_without_soma(job_file: Path) -> None:
    (job_file.parent / "cell.swc").write_text("1 3 0 0 0 1 -1\n2 3 9 0 0 1 1\n", encoding="utf-8")
    code, lines, _ = _validate(job_file)
    assert (code, len(lines)) == (2, 1)
    assert "model.morphology" in lines[0]
    assert "soma" in lines[0]


def _process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rallax.workflows.cli", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("validate", "job.toml", "--set", "fit.stepz=1"), "--set: fit.stepz: unknown key; did you mean 'steps'?"),
        (("validate", "nothing.toml"), "nothing.toml: is not there"),
        (("validate",), "rallax validate: Missing argument 'JOB'; see 'rallax validate --help'"),
        (("validat", "job.toml"), "Did you mean 'validate'"),
        (("validate", "job.toml", "--jsn"), "No such option: --jsn"),
    ],
)
def test_the_program_itself(job_file: Path, arguments: tuple[str, ...], words: str) -> None:
    done = _process(*arguments, cwd=job_file.parent)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert words in done.stderr
