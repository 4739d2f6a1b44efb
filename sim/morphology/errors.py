"""The one error of this package: a reconstruction that cannot be read or used as asked."""

from __future__ import annotations


class MorphologyError(ValueError):
    """One line that names the file (and the line in it, where there is one) and what would be right."""
