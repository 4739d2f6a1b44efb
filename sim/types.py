"""Shape aliases of the lowered world; owns no code.

Axis names: `node` compartments then branch points, `comp` compartments, `edge` couplings of the tree, `lane` one
simulation (a parameter set x a stimulus), `site` stimulated places, `rec` recorded places, `time` samples.
A parameter that no lane changes has one lane and broadcasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxtyping import Array, Float, Int

NodeLanes = Float[Array, "node #lane"]
CompLanes = Float[Array, "comp #lane"]
RowLanes = Float[Array, "row #lane"]
EdgeLanes = Float[Array, "edge #lane"]
Indices = Int[Array, " index"]
Stimulus = Float[Array, "time site #lane"]
Recording = Float[Array, "time rec lane"]

#: States or parameters of the compartments by name.
Named = Mapping[str, Array]
#: Trainables as `get_parameters()` gives them: one single-key dict an entry, in the order of `make_trainable`.
ParameterTree = list[dict[str, Any]]
