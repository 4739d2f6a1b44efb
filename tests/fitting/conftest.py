"""Makes `fitting_toy` importable by name, here and in the workers that take over this process's path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
