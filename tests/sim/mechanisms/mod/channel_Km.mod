COMMENT
Km for the comparison in the tests: the equations of Pospischil et al. 2008, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX Km
    USEION k READ ek WRITE ik
    RANGE gKm, taumax
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gKm = 0.004e-3 (S/cm2)
    taumax = 4000 (ms)
}

ASSIGNED {
    v (mV)
    ek (mV)
    ik (mA/cm2)
    pinf
    ptau (ms)
}

STATE {
    p
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gKm*p*(v - ek)
}

DERIVATIVE states {
    rates(v + 35)
    p' = (pinf - p)/ptau
}

INITIAL {
    rates(v + 35)
    p = pinf
}

PROCEDURE rates(u (mV)) {
    UNITSOFF
    pinf = 1/(1 + exp(-u/10))
    ptau = taumax/(3.3*exp(u/20) + exp(-u/20))
    UNITSON
}
