"""rallax in network.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from _network import WEIGHT_US, build
from _speed import DT_MS, Call, measure

import rallax.sim as rx


def main() -> None:
    call = Call.read()
    net = build(rx, rx.HH(), rx.IonotropicSynapse(), *call.sizes, call.n_steps)
    run = rx.batched(net, delta_t=DT_MS, t_max=call.t_ms, dtype=jnp.float32)
    with_gradient = run.value_and_grad(lambda v: jnp.mean(v**2))

    def runs(batch: int) -> dict[str, Callable[[], Any]]:
        weights = WEIGHT_US * jnp.linspace(0.9, 1.1, batch)[:, None] * jnp.ones(len(net.edges))
        params = [{"IonotropicSynapse_gS": weights}]
        return {
            "forward": lambda: jax.block_until_ready(run(params)),
            "gradient": lambda: jax.block_until_ready(with_gradient(params)),
        }

    measure(call, len(net.nodes), runs)


if __name__ == "__main__":
    main()
