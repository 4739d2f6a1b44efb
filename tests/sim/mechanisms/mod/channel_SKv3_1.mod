COMMENT
SKv3_1 for the comparison in the tests: the equations of the layer-5 mechanism table, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX SKv3_1
    USEION k READ ek WRITE ik
    RANGE gbar
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gbar = 1e-5 (S/cm2)
}

ASSIGNED {
    v (mV)
    ek (mV)
    ik (mA/cm2)
    minf
    mrate (/ms)
}

STATE {
    m
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gbar*m*(v - ek)
}

DERIVATIVE states {
    rates(v)
    m' = (minf - m)*mrate
}

INITIAL {
    rates(v)
    m = minf
}

PROCEDURE rates(v (mV)) {
    UNITSOFF
    minf = 1/(1 + exp((v - 18.7)/(-9.7)))
    mrate = (1 + exp((v + 46.56)/(-44.14)))/4
    UNITSON
}
