"""What the cortical layer-5 mechanisms have in common: default values and the temperature of their rates.

The set is that of Hay et al. 2011 (PLoS Comput. Biol. 7:e1002107) and of the rat somatosensory models after it. Owns no
mechanism.
"""

from __future__ import annotations

from typing import Final

#: Temperature of the models, degrees Celsius.
TEMPERATURE: Final = 34.0
#: Default conductance density, S/cm^2: present but weak, so that an inserted mechanism acts before it is set.
GBAR: Final = 1e-5
#: Shared reversal potentials, mV (2011; eK is -90 in the models of 2018 and later).
E_NA: Final = 50.0
E_K: Final = -85.0
#: Shared calcium reversal (mV) where no pool moves it, and calcium inside and outside (mM): NEURON's defaults.
E_CA: Final = 132.4579
CALCIUM_INSIDE: Final = 5e-5
CALCIUM_OUTSIDE: Final = 2.0
#: Where the calcium concentration enters a logarithm it is at least this, mM.
CALCIUM_FLOOR: Final = 1e-7


def q10_factor(temperature: float) -> float:
    """2.3^((T - 21)/10), the factor of rates measured at 21 degrees Celsius."""
    return float(2.3 ** ((temperature - 21.0) / 10.0))
