"""Weights & Biases: one run for ours, its id made of ours, so that a resumed fit goes on in it."""

from __future__ import annotations

from collections.abc import Mapping

from .logger import About, Ending


def make(about: About) -> WandB:
    """The logger; account, server and mode are those of the WANDB_ variables."""
    return WandB(about)


class WandB:
    """See `Logger`."""

    def __init__(self, about: About) -> None:
        import wandb

        self._run = wandb.init(
            project=about.project,
            name=about.name,
            id=about.key,
            resume="allow",
            config={**about.settings, "location": about.location},
        )

    def step(self, step: int, values: Mapping[str, float]) -> None:
        # A step that it has already, after a crash between its record and ours, is passed over by wandb itself.
        self._run.log(dict(values), step=step)

    def end(self, ending: Ending) -> None:
        self._run.finish(exit_code=1 if ending == "failed" else 0)
