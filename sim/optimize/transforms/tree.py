"""`ParamTransform`: a tree of transforms for the `get_parameters()` tree."""

from __future__ import annotations

from typing import Any

import jax

from .base import Transform


class ParamTransform:
    """Applies to each array of a tree the transform at its place.

        transform = ParamTransform([{"radius": SigmoidTransform(0.1, 5.0)}, {"HH_gNa": SoftplusTransform(0.0)}])
        free = transform.inverse(cell.get_parameters())
        v = integrate(cell, params=transform.forward(free))

    Args:
        tf_dict: a list of single-key dicts of transforms, in the order of `make_trainable`, or any other tree of them;
            a single transform is applied to every array.
    """

    def __init__(self, tf_dict: list[dict[str, Transform]] | Any) -> None:
        self.tf_dict = tf_dict

    def forward(self, params: Any) -> Any:
        """Parameters of unconstrained values, a tree like `params`.

        Raises:
            ValueError: `params` has other entries than the transforms.
        """
        return self._apply("forward", params)

    def inverse(self, params: Any) -> Any:
        """Unconstrained values of parameters, a tree like `params`.

        Raises:
            ValueError: `params` has other entries than the transforms, or a value is not inside its range; the message
                names the entry. Inside `jax.jit`, `jax.grad` or `jax.vmap` values are not known; there the result is
                not finite.
        """
        return self._apply("inverse", params)

    def _apply(self, which: str, params: Any) -> Any:
        transforms = self.tf_dict
        if isinstance(transforms, Transform):
            one = transforms
            transforms = jax.tree.map(lambda _: one, params)
        expected, found = _entries(transforms), _entries(params)
        if expected != found:
            raise ValueError(
                f"ParamTransform: params has the entries {found}, the transforms {expected}; "
                "give one transform for each entry of get_parameters(), in its order"
            )
        values, structure = jax.tree.flatten(params)
        done = []
        for entry, value, transform in zip(found, values, jax.tree.leaves(transforms), strict=True):
            try:
                done.append(getattr(transform, which)(value))
            except ValueError as fault:
                raise ValueError(f"params{entry}: {fault}") from fault
        return jax.tree.unflatten(structure, done)


def _entries(tree: Any) -> list[str]:
    """The place of each leaf, as one would write it in Python after the name of the tree."""
    return [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(tree)[0]]
