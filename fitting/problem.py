"""What is fitted, as a worker and the coordinator see it: functions on arrays, and the recipe that builds them.

Owns the `Problem` protocol, the `SweepGroup` table and `build`. Knows no simulator: `workflows` writes the problems.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from .parameters import ParameterSpace


@dataclass(frozen=True)
class SweepGroup:
    """Sweeps of one length and one time step, which a worker simulates side by side.

    One entry per sweep in ``sweeps`` (names), ``use`` ("train" or "validate") and ``weights`` (above 0).

    Raises:
        ValueError: tuples of different lengths, an unknown use, a weight of 0 or below.
    """

    name: str
    sweeps: tuple[str, ...]
    use: tuple[Literal["train", "validate"], ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        place = f'sweep group "{self.name}"'
        if not self.sweeps or not len(self.sweeps) == len(self.use) == len(self.weights):
            raise ValueError(
                f"{place}: {len(self.sweeps)} sweeps, {len(self.use)} uses and {len(self.weights)} weights; "
                "one of each per sweep, and at least one sweep, is needed"
            )
        for sweep, use, weight in zip(self.sweeps, self.use, self.weights, strict=True):
            if use not in ("train", "validate"):
                raise ValueError(f'{place}: sweep "{sweep}" has use = "{use}"; "train" or "validate"')
            if not (weight > 0.0 and np.isfinite(weight)):
                raise ValueError(f'{place}: sweep "{sweep}" has weight = {weight}; a finite number above 0 is needed')

    def __len__(self) -> int:
        return len(self.sweeps)


@runtime_checkable
class Problem(Protocol):
    """A model with its recordings, compiled once per shape.

    ``u`` is float64 [starts, parameters]; ``sweeps`` indexes into ``groups[group].sweeps``. A lane (start, sweep)
    never depends on the other lanes of the call. Losses may be non-finite: the coordinator deals with it.
    """

    @property
    def space(self) -> ParameterSpace: ...

    @property
    def groups(self) -> tuple[SweepGroup, ...]: ...

    def losses(
        self, group: int, u: Float[np.ndarray, "starts parameters"], sweeps: Int[np.ndarray, " sweeps"]
    ) -> Float[np.ndarray, "starts sweeps"]:
        """The unweighted loss of each start on each sweep."""
        ...

    def losses_and_gradient(
        self,
        group: int,
        u: Float[np.ndarray, "starts parameters"],
        sweeps: Int[np.ndarray, " sweeps"],
        weights: Float[np.ndarray, " sweeps"],
    ) -> tuple[Float[np.ndarray, "starts sweeps"], Float[np.ndarray, "starts parameters"]]:
        """The unweighted losses, and for each start the gradient with respect to u of sum(weights * losses)."""
        ...

    def traces(
        self, group: int, u: Float[np.ndarray, "starts parameters"], sweeps: Int[np.ndarray, " sweeps"]
    ) -> Float[np.ndarray, "starts sweeps sites samples"]:
        """Simulated voltage in mV at each recording site and each recorded sample."""
        ...


@dataclass(frozen=True)
class Recipe:
    """How a worker builds its problem: an entry ``"package.module:function"`` and the JSON-able dict it is called with.

    It travels instead of the built model, so nothing but plain data crosses between processes. ``sink``: how it builds
    the writer of traces (see `trace_sink`); without one they go back to the coordinator.
    """

    entry: str
    config: Mapping[str, Any] = field(default_factory=dict)
    sink: Recipe | None = None


def build(recipe: Recipe) -> Problem:
    """Import the entry and call it with the recipe's config.

    Raises:
        ValueError: the entry is not of the form ``module:function``, is not found, or gives no `Problem`.
    """
    problem = call_entry(recipe)
    if not isinstance(problem, Problem):
        raise ValueError(
            f'entry "{recipe.entry}" gave a {type(problem).__name__}, '
            "which lacks space, groups, losses, losses_and_gradient or traces"
        )
    return problem


def call_entry(recipe: Recipe) -> Any:
    """What a recipe's entry gives, whatever that is.

    Raises:
        ValueError: the entry is not of the form ``module:function``, or is not found.
    """
    module_name, _, function_name = recipe.entry.partition(":")
    if not module_name or not function_name:
        raise ValueError(f'entry "{recipe.entry}" is not of the form "package.module:function"')
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except ModuleNotFoundError as error:
        raise ValueError(f'entry "{recipe.entry}": {error}; is the package installed here?') from None
    except AttributeError:
        raise ValueError(f'entry "{recipe.entry}": module {module_name} has no function {function_name}') from None
    return function(dict(recipe.config))
