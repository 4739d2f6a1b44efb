"""Recorded traces from files: one reader per format, units checked and converted to mV, nA and ms."""

from .recording import Recording, read_recording

__all__ = ["Recording", "read_recording"]
