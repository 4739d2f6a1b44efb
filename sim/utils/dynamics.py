"""Where scripts written for Jaxley find the state vectors; they live in state_vectors.py."""

from ..state_vectors import build_dynamic_state_utils

__all__ = ["build_dynamic_state_utils"]
