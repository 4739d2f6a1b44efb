"""Helpers of optimisation scripts: parameter transforms, an optimiser for each kind of parameter, the norm of a tree.

Owns what a script does to the `get_parameters()` tree between two runs. Simulates nothing, and needs no optax: the
optimisers are the caller's.
"""

from .transforms import ParamTransform
from .type_optimizer import TypeOptimizer
from .utils import l2_norm

__all__ = ["ParamTransform", "TypeOptimizer", "l2_norm"]
