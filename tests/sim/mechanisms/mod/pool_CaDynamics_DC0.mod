COMMENT
CaDynamics_DC0 for the comparison in the tests: the equations of the layer-5 mechanism table, written out for NEURON.
The file's name puts it behind every channel: NEURON advances mechanisms in the order of their files, and SK_E2 must see
the calcium of the step's start.
ENDCOMMENT

NEURON {
    SUFFIX CaDynamics_DC0
    USEION ca READ ica WRITE cai
    RANGE gamma, decay, minCai
}

UNITS {
    (mA) = (milliamp)
    (mM) = (milli/liter)
    (um) = (micron)
    FARADAY = (faraday) (coulombs)
}

PARAMETER {
    gamma = 0.01
    decay = 70 (ms)
    minCai = 6.5e-5 (mM)
}

ASSIGNED {
    ica (mA/cm2)
    diam (um)
}

STATE {
    cai (mM)
}

BREAKPOINT {
    SOLVE states METHOD cnexp
}

DERIVATIVE states {
    UNITSOFF
    cai' = -10000*ica*gamma/(2*FARADAY*(diam/4)) - (cai - minCai)/decay
    UNITSON
}

INITIAL {
    cai = minCai
}
