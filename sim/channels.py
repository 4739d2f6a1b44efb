"""Where scripts written for Jaxley find channels; they live in mechanisms/."""

from .mechanisms import *  # noqa: F403
from .mechanisms import __all__ as __all__
