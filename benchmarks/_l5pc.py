"""The problem of `l5pc_synthetic.py`, the same for every simulator: parameters, protocol, loss, starts and the descent.

The model is that of Jaxley's example "Fitting an L5PC with gradient descent" (Deistler et al. 2025, Nature
Methods): the layer-5 cell of Hay et al. 2011 (PLoS Comput. Biol. 7:e1002107) on another reconstruction. Knows no
simulator; a simulator's process imports this file and its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from rallax.fitting import Parameter, ParameterSpace
from rallax.fitting.polyak import polyak

DELTA_T = 0.025
T_MAX = 100.0
#: Delay, duration (ms) and amplitude (nA) of the step into the middle of the soma.
STEP = (5.0, 90.0, 1.8)
V_INIT = -72.0
#: mM, inside and outside, at the start.
CALCIUM = (5e-5, 2.0)
AXIAL_RESISTIVITY = 100.0
CAPACITANCE = {"soma": 1.0, "axon": 1.0, "basal": 1.0, "apical": 2.0}
D_LAMBDA = 0.1

#: Mechanism of a region: [mechanism here, mechanism in jaxley-mech].
JAXLEY_NAMES = {
    "pas": "Leak",
    "NaTa_t": "NaTaT",
    "NaTs2_t": "NaTs2T",
    "Nap_Et2": "NapEt2",
    "K_Pst": "KPst",
    "K_Tst": "KTst",
    "SKv3_1": "SKv3_1",
    "SK_E2": "SKE2",
    "Im": "M",
    "Ih": "H",
    "Ca_HVA": "CaHVA",
    "Ca_LVAst": "CaLVA",
    "CaDynamics_E2": "CaPump",
}
REGIONS = {
    "apical": ("NaTs2_t", "SKv3_1", "Im", "Ih"),
    "soma": ("NaTs2_t", "SKv3_1", "SK_E2", "CaDynamics_E2", "Ca_HVA", "Ca_LVAst"),
    "basal": ("Ih",),
    "axon": (
        "NaTa_t",
        "Nap_Et2",
        "K_Pst",
        "K_Tst",
        "SKv3_1",
        "SK_E2",
        "CaDynamics_E2",
        "Ca_HVA",
        "Ca_LVAst",
    ),
}
#: Values that are not fitted.
FIXED = {"pas_g": 3e-5, "pas_e": -75.0, "eNa": 50.0, "eK": -85.0}
#: Apical Ih has its default density; basal Ih grows with the distance from the soma.
IH_APICAL = 1e-5


@dataclass(frozen=True)
class Free:
    """A free parameter of a region, its bounds, and its value in the cell that made the target."""

    region: str
    key: str
    lower: float
    upper: float
    truth: float

    @property
    def mechanism(self) -> str:
        return self.key.rpartition("_")[0]

    @property
    def jaxley_key(self) -> str:
        """Its name in jaxley-mech: densities are g<mechanism>."""
        mechanism = JAXLEY_NAMES[self.mechanism]
        what = self.key.rpartition("_")[2]
        return f"{mechanism}_g{mechanism}" if what == "gbar" else f"{mechanism}_{what}"


FREE = (
    Free("apical", "NaTs2_t_gbar", 0.0, 0.04, 0.026145),
    Free("apical", "SKv3_1_gbar", 0.0, 0.04, 0.004226),
    Free("apical", "Im_gbar", 0.0, 0.001, 0.000143),
    Free("soma", "NaTs2_t_gbar", 0.0, 1.0, 0.983955),
    Free("soma", "SKv3_1_gbar", 0.25, 1.0, 0.303472),
    Free("soma", "SK_E2_gbar", 0.0, 0.1, 0.008407),
    Free("soma", "CaDynamics_E2_gamma", 0.0005, 0.01, 0.000609),
    Free("soma", "CaDynamics_E2_decay", 20.0, 1000.0, 210.485291),
    Free("soma", "Ca_HVA_gbar", 0.0, 0.001, 0.000994),
    Free("soma", "Ca_LVAst_gbar", 0.0, 0.01, 0.000333),
    Free("axon", "NaTa_t_gbar", 0.0, 4.0, 3.137968),
    Free("axon", "Nap_Et2_gbar", 0.0, 0.01, 0.006827),
    Free("axon", "K_Pst_gbar", 0.0, 1.0, 0.973538),
    Free("axon", "K_Tst_gbar", 0.0, 0.1, 0.089259),
    Free("axon", "SK_E2_gbar", 0.0, 0.1, 0.007104),
    Free("axon", "SKv3_1_gbar", 0.0, 2.0, 1.021945),
    Free("axon", "Ca_HVA_gbar", 0.0, 0.001, 0.00099),
    Free("axon", "Ca_LVAst_gbar", 0.0, 0.01, 0.008752),
    Free("axon", "CaDynamics_E2_gamma", 0.0005, 0.05, 0.00291),
    Free("axon", "CaDynamics_E2_decay", 20.0, 1000.0, 287.19873),
)
TRUTH = np.array([f.truth for f in FREE])
SPACE = ParameterSpace(tuple(Parameter(f"{f.region}.{f.key}", f.lower, f.upper) for f in FREE))

#: Steps of the two windows, and the scale of mean and standard deviation (mV) in the loss.
WINDOWS = (slice(200, 2000), slice(2000, 3800))
SCALES = (2.0, 1.0)
MU, BETA = 0.1 * len(FREE) ** 0.5, 0.9


def starts(n: int) -> np.ndarray:
    """theta of seeds 0 to n - 1, [start, parameter]: uniform within the bounds."""
    fractions = np.stack([np.random.RandomState(seed).rand(len(FREE)) for seed in range(n)])
    return SPACE.lower + (SPACE.upper - SPACE.lower) * fractions


def statistics(v: jax.Array) -> jax.Array:
    """Mean and standard deviation (mV) of v [time] in each window, over their scales."""
    return jnp.stack([x for w in WINDOWS for x in (jnp.mean(v[w]) / SCALES[0], jnp.std(v[w]) / SCALES[1])])


def loss(v: jax.Array, target: jax.Array) -> jax.Array:
    """Mean absolute difference of the statistics of v [time] from those of the target."""
    return jnp.mean(jnp.abs(statistics(v) - target))


@dataclass
class Descent:
    """What a descent gave.

    Attributes:
        losses: [step, start].
        first_gradient: that in u at the starts, [start, parameter].
        seconds: of each step, [step, (on the clock, on the processor)]; the first also compiles.
    """

    losses: np.ndarray
    first_gradient: np.ndarray
    seconds: np.ndarray


def descend(
    value_and_grad: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], u: np.ndarray, steps: int
) -> Descent:
    """`steps` evaluations, each followed by a `polyak` step, of all starts at once.

    `value_and_grad` maps u [start, parameter] to losses [start] and gradients [start, parameter].
    """
    rule = polyak(MU, BETA)
    state = rule.init(jnp.asarray(u[0]))
    update = jax.jit(jax.vmap(lambda g, loss: rule.update(g, state, value=loss)[0]))
    losses, seconds, first = [], [], np.zeros_like(u)
    for step in range(steps):
        begin = clocks()
        value, gradient = value_and_grad(u)
        first = gradient if step == 0 else first
        u = u + np.asarray(update(jnp.asarray(gradient), jnp.asarray(value)))
        seconds.append(clocks() - begin)
        losses.append(value)
    return Descent(np.stack(losses), first, np.stack(seconds))


def clocks() -> np.ndarray:
    """Seconds on the clock and on the processor; the latter do not count while another process has the core."""
    return np.array([time.perf_counter(), time.process_time()])
