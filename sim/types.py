"""Shape aliases of the lowered world; owns no code.

Axis names: `node` compartments then branch points, `comp` compartments, `row` those of a mechanism, `lane` one
simulation (a parameter set x a stimulus), `site` stimulated places, `rec` recorded places, `time` steps (a recording
has one sample more). A parameter that no lane changes has one lane and broadcasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxtyping import Array, Float, Int

NodeLanes = Float[Array, "node #lane"]
CompLanes = Float[Array, "comp #lane"]
RowLanes = Float[Array, "row #lane"]
Indices = Int[Array, " index"]
Stimulus = Float[Array, "time site #lane"]
Recording = Float[Array, "time+1 rec lane"]

#: States or parameters of the compartments by name.
Named = Mapping[str, Array]
#: Trainables as `get_parameters()` gives them: one single-key dict an entry, in the order of `make_trainable`.
ParameterTree = list[dict[str, Any]]
