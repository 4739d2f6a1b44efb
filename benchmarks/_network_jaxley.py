"""Jaxley in network.py; batches by `vmap`, two levels of checkpoints."""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jaxley as jx
from _network import WEIGHT_US, build
from _speed import DT_MS, Call, measure
from jaxley.channels import HH
from jaxley.synapses import IonotropicSynapse

warnings.filterwarnings("ignore")


def main() -> None:
    call = Call.read()
    with contextlib.redirect_stdout(io.StringIO()):  # It tells of every stimulus and recording.
        net = build(jx, HH(), IonotropicSynapse(), *call.sizes, call.n_steps)
    net.to_jax()
    lengths = [math.ceil(math.sqrt(call.n_steps))] * 2

    def simulate(params: Any) -> jax.Array:
        return jx.integrate(net, params=params, t_max=call.t_ms - DT_MS, delta_t=DT_MS, checkpoint_lengths=lengths)

    def loss(params: Any) -> jax.Array:
        return jnp.mean(simulate(params) ** 2)

    forward = jax.jit(jax.vmap(simulate))
    gradient = jax.jit(jax.vmap(jax.value_and_grad(loss)))
    alone, gradient_alone = jax.jit(simulate), jax.jit(jax.value_and_grad(loss))

    def runs(batch: int) -> dict[str, Callable[[], Any]]:
        weights = WEIGHT_US * jnp.linspace(0.9, 1.1, batch)[:, None] * jnp.ones(len(net.edges))
        if batch == 1:
            one = [{"IonotropicSynapse_gS": weights[0]}]
            return {
                "forward": lambda: jax.block_until_ready(alone(one)),
                "gradient": lambda: jax.block_until_ready(gradient_alone(one)),
            }
        params = [{"IonotropicSynapse_gS": weights}]
        return {
            "forward": lambda: jax.block_until_ready(forward(params)),
            "gradient": lambda: jax.block_until_ready(gradient(params)),
        }

    measure(call, len(net.nodes), runs)


if __name__ == "__main__":
    main()
