"""What the minimal cortical and thalamic channels have in common: the default values of their shared parameters.

The set (`Na K Km CaL CaT`, beside `Leak`) is that of Pospischil et al. 2008, Biol. Cybern. 99:427, in the vocabulary of
Jaxley's users, whose defaults these are. Owns no mechanism.
"""

from __future__ import annotations

from typing import Final

#: Shared reversal potentials, mV.
E_NA: Final = 50.0
E_K: Final = -90.0
E_CA: Final = 120.0
#: Shared voltage that shifts the rates of `Na` and `K` and so adjusts the threshold of spikes, mV.
V_T: Final = -60.0
