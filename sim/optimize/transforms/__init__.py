"""Maps from numbers without bounds, which an optimiser moves freely, to parameters within theirs, and back.

Owns the maps of single values and `ParamTransform`, which applies a tree of them to the `get_parameters()` tree. Knows
neither modules nor optimisers.
"""

from .affine import AffineTransform, IdentityTransform
from .base import Transform
from .combined import ChainTransform, CustomTransform, MaskedTransform
from .half_line import LogTransform, NegSoftplusTransform, SoftplusTransform
from .interval import LogisticTransform, SigmoidTransform
from .tree import ParamTransform

__all__ = [
    "AffineTransform",
    "ChainTransform",
    "CustomTransform",
    "IdentityTransform",
    "LogTransform",
    "LogisticTransform",
    "MaskedTransform",
    "NegSoftplusTransform",
    "ParamTransform",
    "SigmoidTransform",
    "SoftplusTransform",
    "Transform",
]
