"""The shapes that annotations promise hold: a simulation and its gradient with jaxtyping's checks switched on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SIM = Path(__file__).resolve().parents[2] / "sim"

SCRIPT = """
import sys
import jax
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
from jaxtyping import install_import_hook
# beartype takes no `Self` in a method that is wrapped by itself: files that have it, without arrays, are left out.
left_out = ("mechanisms.protocol", "identity", "description.editing")
modules = [f"rallax.sim.{m}" for m in sys.argv[1].split() if m not in left_out]
with install_import_hook(modules, "beartype.beartype"):
    import rallax.sim as rx
import jax.numpy as jnp
cell = rx.Cell(rx.Branch(rx.Compartment(), 2), parents=[-1, 0, 0])
for mechanism in (rx.pas(), rx.CaDynamics_E2(), rx.Ca_HVA(), rx.SK_E2(), rx.HH()):
    cell.insert(mechanism)
cell.branch(0).insert(rx.Ih())
cell.branch(0).comp(0).stimulate(rx.step_current(0.1, 1.0, 0.1, 0.025, 0.5))
cell.record()
cell.branch("all").make_trainable("HH_gNa")
cell.make_trainable("radius")
cell.init_states()
params = cell.get_parameters()
v, states = rx.integrate(cell, params, return_states=True)
rx.integrate(cell, params, t_max=0.1, all_states=states, checkpoint_lengths=(2, 2))
init_fn, step_fn = rx.build_init_and_step_fn(cell)
states, all_params = init_fn(params)
step_fn(states, all_params, {"i": cell.externals["i"][:, 0]})
run = rx.batched(cell, t_max=0.1, dtype=jnp.float32, steady=True)
many = jax.tree.map(lambda x: jnp.stack([x, x]), params)
run(many)
run.value_and_grad(lambda v: jnp.mean(v))(many, stimuli=jnp.zeros((3, 1, 4)), v_init=jnp.full(3, -70.0))
net = rx.Network([cell, cell, rx.Cell()])
net.delete_trainables()
net.delete_recordings()
net.delete("CaDynamics_E2")  # one mechanism moves a concentration that diffuses: here a pump
net.cell([0, 1]).insert(rx.CaPump())
net.cell([0, 1]).diffuse("CaCon_i")
rx.connect(net.cell(0).branch(0).comp(0), net.cell(1).branch(0).comp(0), rx.IonotropicSynapse())
rx.connect(net.cell(1).branch(0).comp(0), net.cell(2).branch(0).comp(0), rx.GapJunction())
net.cell(0).branch(0).comp(0).record()
net.record("IonotropicSynapse_s")
net.record("i_GapJunction")
net.cell(2).branch(0).comp(0).clamp("v", jnp.full(20, -60.0))
net.make_trainable("GapJunction_g")
for solver in ("bwd_euler", "crank_nicolson", "fwd_euler", "exp_euler", "trbdf2", "extrapolated"):
    jax.eval_shape(lambda p: rx.integrate(net, p, solver=solver, t_max=0.1), net.get_parameters())
init_fn, step_fn = rx.build_init_and_step_fn(net)
states, all_params = init_fn(net.get_parameters())
step_fn(states, all_params, {key: x[:, 0] for key, x in net.externals.items()})
print("every shape is as promised")
"""


def test_annotations_hold() -> None:
    """In a process of its own, since the check has to be installed before the first import; strict about dtypes too."""
    modules = [".".join(p.relative_to(SIM).with_suffix("").parts) for p in SIM.rglob("*.py") if p.stem != "__init__"]
    assert "linear.tree" in modules and "solvers.bwd_euler" in modules
    done = subprocess.run([sys.executable, "-c", SCRIPT, " ".join(sorted(modules))], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "every shape is as promised" in done.stdout
