"""What scripts written for Jaxley import and call: after `jaxley` became `rallax.sim` they run, and say the same."""

from __future__ import annotations

import importlib
import inspect
import re
import warnings
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx

PAGE = Path(__file__).resolve().parents[2] / "docs" / "jaxley_users.md"


def imports() -> dict[str, list[str]]:
    """Path below the package -> names, as the page for Jaxley's users tells."""
    found = {}
    for line in PAGE.read_text().splitlines():
        if line.startswith("| `jaxley"):
            there, here, *names = re.findall(r"`([^`]+)`", line)
            assert here == there.replace("jaxley", "rallax.sim")
            found[there.removeprefix("jaxley")] = names
    return found


#: A fit as tutorials show it.
SCRIPT = """
import jax
import jax.numpy as jnp
import numpy as np
import jaxley as jx
from jaxley.channels import HH
from jaxley.optimize import TypeOptimizer
from jaxley.optimize.utils import l2_norm
import jaxley.optimize.transforms as jt

comp = jx.Compartment()
branch = jx.Branch(comp, ncomp=1)
cell = jx.Cell(branch, parents=[-1, 0])
cell.set("axial_resistivity", 200.0)
cell.insert(HH())
cell.set("v", -65.0)
cell.init_states()
cell.branch(0).loc(0.0).record("v")
cell.branch(0).loc(0.0).stimulate(jx.step_current(i_delay=1.0, i_dur=1.0, i_amp=0.2, delta_t=0.025, t_max=5.0))
cell.branch("all").make_trainable("HH_gNa")
cell.make_trainable("radius")
params = cell.get_parameters()
transform = jx.ParamTransform([{"HH_gNa": jt.SigmoidTransform(0.05, 0.5)}, {"radius": jt.SigmoidTransform(0.1, 5.0)}])
free = transform.inverse(params)


def loss(free):
    v = jx.integrate(cell, params=transform.forward(free), t_max=5.0)
    return jnp.mean((v[0] + 60.0) ** 2), v


(value, v), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(free)
size = l2_norm(gradient)
optimizer = TypeOptimizer(lambda lr: __import__("optax").sgd(lr), {"HH_gNa": 0.01, "radius": 0.1}, free)
updates, _ = optimizer.update(gradient, optimizer.init(free))
"""


def test_where_scripts_import_from() -> None:
    for path, names in imports().items():
        module = importlib.import_module(f"rallax.sim{path}")
        missing = [name for name in names if not hasattr(module, name)]
        assert not missing, f"rallax.sim{path} lacks {missing}"
    assert len(imports()) >= 10
    assert importlib.import_module("rallax.sim.channels").HH is rx.HH
    assert importlib.import_module("rallax.sim.solver_gate").save_exp is rx.save_exp


def test_a_channel_of_a_users_own() -> None:
    """Written for Jaxley, with the gate helpers by position and by keyword."""
    from rallax.sim.channels import Channel
    from rallax.sim.solver_gate import exponential_euler, save_exp, solve_gate_exponential

    class Mine(Channel):
        def __init__(self, name: str | None = None) -> None:
            self.current_is_in_mA_per_cm2 = True
            super().__init__(name)
            self.channel_params = {"Mine_g": 1e-3}
            self.channel_states = {"Mine_m": 0.2, "Mine_h": 0.4}
            self.current_name = "i_Mine"

        def update_states(self, states: Any, dt: Any, v: Any, params: Any) -> Any:
            alpha, beta = 0.1 * save_exp((v + 60.0) / 20.0), 0.2
            return {
                "Mine_m": solve_gate_exponential(states["Mine_m"], dt, alpha, beta),
                "Mine_h": exponential_euler(states["Mine_h"], dt, x_inf=0.7, x_tau=5.0),
            }

        def compute_current(self, states: Any, v: Any, params: Any) -> Any:
            return params["Mine_g"] * states["Mine_m"] * states["Mine_h"] * (v + 60.0)

    cell = rx.Cell()
    cell.insert(Mine())
    cell.record("Mine_h")
    h = np.asarray(rx.integrate(cell, t_max=10.0, delta_t=0.1))[0]
    np.testing.assert_allclose(h, 0.7 - 0.3 * np.exp(-np.arange(101) * 0.1 / 5.0), rtol=1e-12)


def test_the_example_of_the_page() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert names["jacobian"].shape == (12, 12)
    assert np.isfinite(names["jacobian"]).all()


@pytest.mark.peers
def test_jaxley_has_these_names_there() -> None:
    pytest.importorskip("jaxley")
    for path, names in imports().items():
        module = importlib.import_module(f"jaxley{path}")
        assert [name for name in names if not hasattr(module, name)] == [], path


@pytest.mark.peers
def test_gate_helpers_against_jaxley() -> None:
    peer = pytest.importorskip("jaxley.solver_gate")
    ours = importlib.import_module("rallax.sim.solver_gate")
    x, a, b = jnp.linspace(0.0, 1.0, 5), jnp.linspace(0.1, 9.0, 5), jnp.linspace(3.0, 0.2, 5)
    for name in imports()[".solver_gate"]:
        f, g = getattr(ours, name), getattr(peer, name)
        names = list(inspect.signature(g).parameters)
        assert list(inspect.signature(f).parameters) == names, name
        if name == "save_exp":
            np.testing.assert_allclose(f(30.0 * a, max_value=5.0), g(30.0 * a, max_value=5.0), rtol=1e-15)
            continue
        keywords = dict(zip(names, (x, 0.025, a, b), strict=True))
        np.testing.assert_allclose(f(**keywords), g(**keywords), rtol=1e-13, atol=1e-15, err_msg=name)
        np.testing.assert_array_equal(f(x, 0.025, a, b), f(**keywords))


@pytest.mark.peers
def test_a_fit_written_for_jaxley() -> None:
    """Slopes of currents are exact here, differences there: traces and gradients agree to what that leaves."""
    pytest.importorskip("jaxley")
    theirs: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jaxley's own
        exec(SCRIPT, theirs)
    exec(SCRIPT.replace("jaxley", "rallax.sim"), ours)
    assert theirs["v"].max() > 0.0
    steps = min(theirs["v"].shape[1], ours["v"].shape[1])
    np.testing.assert_allclose(ours["v"][:, :steps], theirs["v"][:, :steps], atol=0.05)
    for mine, yours in zip(ours["updates"], theirs["updates"], strict=True):
        for key in mine:
            np.testing.assert_allclose(mine[key], yours[key], rtol=2e-2)
    assert ours["size"] == pytest.approx(float(theirs["size"]), rel=2e-2)
