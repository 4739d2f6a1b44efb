"""A job whose model is a network built in Python, and the integrators that a job may name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from rallax.sim import solvers
from rallax.workflows.check import check_job
from rallax.workflows.cli import app
from rallax.workflows.errors import JobError
from rallax.workflows.job import make_job
from rallax.workflows.job.simulation import SOLVERS
from rallax.workflows.problem import JobProblem, group_sweeps
from rallax.workflows.settings import Settings
from rallax.workflows.simulate import simulate_job
from rallax.workflows.sweeps import prepare_sweeps

NETWORK = """
import numpy as np
import rallax.sim as rx


def build():
    net = rx.Network([rx.Cell(rx.Branch(rx.Compartment(), 2))] * 2)
    net.insert(rx.Leak())
    net.set("Leak_eLeak", -66.0)
    rx.connect(net.cell(0).branch(0).comp(0), net.cell(1).branch(0).comp(1), rx.ConductanceSynapse())
    net.set("ConductanceSynapse_v_th", -66.0)
    net.ConductanceSynapse.make_trainable("ConductanceSynapse_gS")
    net.make_trainable("Leak_gLeak")
    net.cell(0).branch(0).comp(0).stimulate(np.zeros(1))
    net.cell(1).branch(0).comp(0).record()
    return net
"""
POINT_NEURONS = """
import numpy as np
import rallax.sim as rx


def build():
    net = rx.Network([rx.Cell()] * 2)
    net.insert(rx.Izhikevich())
    rx.connect(net.cell(0), net.cell(1), rx.TanhRateSynapse())
    for key in ("TanhRateSynapse_gS", "Izhikevich_a"):
        net.make_trainable(key)
    net.cell(0).stimulate(np.zeros(1))
    net.cell(1).record()
    return net
"""


@pytest.fixture
def build(job_file: Path, document: dict[str, Any]) -> Callable[..., Any]:
    """The small job with a model of one's own in the place of its cell."""

    def made(source: str, solver: str) -> Any:
        (job_file.parent / "net.py").write_text(source, encoding="utf-8")
        document["model"] = {"build": "net.py:build"}
        document["parameters"] = [
            {"name": "g_syn", "bounds": [1e-5, 1e-3], "transform": "log"},
            {"name": "leak", "bounds": [1e-5, 1e-3], "transform": "log"},
        ]
        for sweep in document["sweeps"]:
            sweep.update(site={"recording": 0}, window_ms=[0.0, 15.0])
        document["loss"]["terms"] = [{"kind": "mse"}]
        document["simulation"]["solver"] = solver
        return make_job(document, job_file.parent)

    return made


def test_a_network_is_simulated_and_has_a_gradient(build: Callable[..., Any]) -> None:
    job = build(NETWORK, "crank_nicolson")
    v = simulate_job(job, {"g_syn": 1e-3, "leak": 1e-4})["pulse"]
    assert np.isfinite(v).all() and v[-1] > v[0], "the second cell is driven by the first"
    problem = JobProblem(job, Settings.choose(1, [len(g) for g in group_sweeps(job, prepare_sweeps(job))]))
    losses, gradient = problem.losses_and_gradient(0, np.zeros((1, 2)), np.arange(2), np.ones(2))
    assert losses.shape == (1, 2) and np.isfinite(losses).all()
    assert np.isfinite(gradient).all() and (gradient != 0).all()


def test_an_integrator_that_cannot_run_the_model_is_named(build: Callable[..., Any]) -> None:
    with pytest.raises(JobError) as caught:
        check_job(build(POINT_NEURONS, "trbdf2"))
    assert [fault.key for fault in caught.value.faults] == ["simulation.solver"]
    assert 'Izhikevich moves v itself; use solver="bwd_euler"' in caught.value.faults[0].message
    assert "exp_euler at 0.1 ms" in check_job(build(POINT_NEURONS, "exp_euler")).work_lines()[1]


def test_a_current_for_a_model_with_its_own_currents_is_named(build: Callable[..., Any]) -> None:
    both = NETWORK.replace("net.cell(0).branch(0).comp(0).stim", "net.branch(0).comp(0).stim")
    with pytest.raises(JobError) as caught:
        check_job(build(both, "bwd_euler"))
    assert [fault.key for fault in caught.value.faults] == ["sweeps[0].current", "sweeps[1].stimulus"]
    assert "stimulates 2 compartments" in caught.value.faults[0].message


def test_a_job_names_the_simulators_integrators(job_file: Path) -> None:
    assert SOLVERS == solvers.NAMES
    result = CliRunner().invoke(app, ["validate", str(job_file), "--json", "--set", 'simulation.solver="trbdf2"'])
    assert result.exit_code == 0 and json.loads(result.stdout)["simulation"]["solver"] == "trbdf2"
    result = CliRunner().invoke(app, ["validate", str(job_file), "--set", 'simulation.solver="cvode"'])
    assert result.exit_code == 2 and all(name in result.stderr for name in SOLVERS)
    doctor = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert next(entry["found"] for entry in doctor if entry["what"] == "solvers") == ", ".join(SOLVERS)


def test_a_job_with_a_built_model_is_read_back_from_its_run(build: Callable[..., Any]) -> None:
    """The resolved job names every key, those of a reconstruction too; read back it is the same job."""
    from rallax.workflows.resolve import ResolvedJob, resolve

    resolved = resolve(build(NETWORK, "bwd_euler"))
    again = ResolvedJob.from_json(resolved.to_json())
    assert again.job.model == resolved.job.model and again.hash == resolved.hash
