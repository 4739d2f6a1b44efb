COMMENT
Im for the comparison in the tests: the equations of the layer-5 mechanism table, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX Im
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
    celsius (degC)
    qt
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
    qt = 2.3^((celsius - 21)/10)
    rates(v)
    m = minf
}

PROCEDURE rates(v (mV)) {
    LOCAL a, b
    UNITSOFF
    a = 3.3e-3*exp(0.1*(v + 35))
    b = 3.3e-3*exp(-0.1*(v + 35))
    minf = a/(a + b)
    mrate = (a + b)*qt
    UNITSON
}
