"""Shape aliases of the lowered world; owns no code.

Axis names: `node` compartments then branch points, `comp` compartments, `row` those of a mechanism, `lane` one
simulation (a parameter set x a stimulus), `rec` recorded places,
`sample` their times. A parameter that no lane changes has one lane and broadcasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxtyping import Array, Float, Int

NodeLanes = Float[Array, "node #lane"]
CompLanes = Float[Array, "comp #lane"]
RowLanes = Float[Array, "row #lane"]
#: Values of compartments, of a mechanism's rows or of synapses, side by side in one mapping.
ValueLanes = Float[Array, "_ #lane"]
#: Any number of them: the lengths of two such arrays need not agree.
Indices = Int[Array, "_"]
IndexTable = Int[Array, "_ _"]
Recording = Float[Array, "rec sample lane"]

#: States or parameters of the compartments by name.
Named = Mapping[str, Array]
#: Trainables as `get_parameters()` gives them: one single-key dict an entry, in the order of `make_trainable`.
ParameterTree = list[dict[str, Any]]
