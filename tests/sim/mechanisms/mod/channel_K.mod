COMMENT
K for the comparison in the tests: the equations of Pospischil et al. 2008, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX K
    USEION k READ ek WRITE ik
    RANGE gK, vt
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gK = 5e-3 (S/cm2)
    vt = -60 (mV)
}

ASSIGNED {
    v (mV)
    ek (mV)
    ik (mA/cm2)
    ninf
    nrate (/ms)
}

STATE {
    n
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gK*n*n*n*n*(v - ek)
}

DERIVATIVE states {
    rates(v - vt)
    n' = (ninf - n)*nrate
}

INITIAL {
    rates(v - vt)
    n = ninf
}

PROCEDURE rates(u (mV)) {
    LOCAL a, b, t
    UNITSOFF
    t = (u - 15)/5
    if (fabs(t) < 1e-4) {
        a = 0.032*5*(1 + t/2 + t*t/12)
    } else {
        a = 0.032*(u - 15)/(1 - exp(-t))
    }
    b = 0.5*exp(-(u - 10)/40)
    ninf = a/(a + b)
    nrate = a + b
    UNITSON
}
