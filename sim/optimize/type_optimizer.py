"""`TypeOptimizer`: an optimiser with settings of its own for each kind of parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..names import nearest
from ..types import ParameterTree


class TypeOptimizer:
    """Gives every entry of the `get_parameters()` tree an optax optimiser made with the settings of its name.

        optimizer = TypeOptimizer(lambda lr: optax.adam(lr), {"HH_gNa": 0.01, "radius": 1.0}, params)
        state = optimizer.init(params)
        updates, state = optimizer.update(gradient, state)
        params = optax.apply_updates(params, updates)

    Args:
        optimizer: makes an optimiser (an `optax.GradientTransformation`) of one entry of `optimizer_args`.
        optimizer_args: what `optimizer` is called with, by the name of the parameter.
        opt_params: the tree to be optimised; only its names count.

    Raises:
        ValueError: an entry of `opt_params` has not exactly one name, or `optimizer_args` lacks it.
    """

    def __init__(
        self, optimizer: Callable[[Any], Any], optimizer_args: Mapping[str, Any], opt_params: ParameterTree
    ) -> None:
        self.base_optimizer = optimizer
        self.optimizers: list[dict[str, Any]] = []
        for entry in opt_params:
            if len(entry) != 1:
                raise ValueError(f"TypeOptimizer: an entry of opt_params has one name, not {list(entry)}")
            (name,) = entry
            if name not in optimizer_args:
                raise ValueError(
                    f"TypeOptimizer: optimizer_args lacks {name!r}{nearest(name, optimizer_args)}; "
                    f"add {{{name!r}: ...}} for its settings"
                )
            self.optimizers.append({name: optimizer(optimizer_args[name])})

    def init(self, opt_params: ParameterTree) -> list[Any]:
        """The state of every optimiser at the start.

        Raises:
            ValueError: the tree has other entries than the one that the optimisers were made for.
        """
        self._require(opt_params, "opt_params")
        return [optimizer.init(entry) for optimizer, entry in zip(self._each(), opt_params, strict=True)]

    def update(
        self, gradient: ParameterTree, opt_state: Sequence[Any], params: ParameterTree | None = None
    ) -> tuple[ParameterTree, list[Any]]:
        """What to add to the parameters (for `optax.apply_updates`), and the new state.

        Args:
            gradient: a tree like the parameters.
            opt_state: of `init` or the last `update`.
            params: the present parameters, for optimisers that read them (weight decay does).

        Raises:
            ValueError: a tree has other entries than the one that the optimisers were made for.
        """
        self._require(gradient, "gradient")
        if params is not None:
            self._require(params, "params")
        present = [None] * len(gradient) if params is None else params
        steps = zip(self._each(), gradient, opt_state, present, strict=True)
        pairs = [optimizer.update(entry, state, now) for optimizer, entry, state, now in steps]
        return [updates for updates, _ in pairs], [state for _, state in pairs]

    def _each(self) -> list[Any]:
        return [optimizer for entry in self.optimizers for optimizer in entry.values()]

    def _require(self, tree: ParameterTree, what: str) -> None:
        expected, found = [list(entry) for entry in self.optimizers], [list(entry) for entry in tree]
        if expected != found:
            raise ValueError(
                f"TypeOptimizer: {what} has the entries {found}, the optimisers were made for "
                f"{expected}; make a new TypeOptimizer for other parameters"
            )
