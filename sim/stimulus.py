"""Where scripts written for Jaxley find ready-made stimuli; they live in stimuli.py."""

from .stimuli import datapoint_to_step_currents, step_current

__all__ = ["datapoint_to_step_currents", "step_current"]
