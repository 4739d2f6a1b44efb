COMMENT
CaL for the comparison in the tests: the equations of Pospischil et al. 2008, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX CaL
    USEION ca READ eca WRITE ica
    RANGE gCaL
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gCaL = 0.1e-3 (S/cm2)
}

ASSIGNED {
    v (mV)
    eca (mV)
    ica (mA/cm2)
    qinf
    qrate (/ms)
    rinf
    rrate (/ms)
}

STATE {
    q r
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ica = gCaL*q*q*r*(v - eca)
}

DERIVATIVE states {
    rates(v)
    q' = (qinf - q)*qrate
    r' = (rinf - r)*rrate
}

INITIAL {
    rates(v)
    q = qinf
    r = rinf
}

PROCEDURE rates(v (mV)) {
    LOCAL a, b, t
    UNITSOFF
    t = (-27 - v)/3.8
    if (fabs(t) < 1e-4) {
        a = 0.055*3.8*(1 - t/2 + t*t/12)
    } else {
        a = 0.055*(-27 - v)/(exp(t) - 1)
    }
    b = 0.94*exp((-75 - v)/17)
    qinf = a/(a + b)
    qrate = a + b
    a = 0.000457*exp((-13 - v)/50)
    b = 0.0065/(exp((-15 - v)/28) + 1)
    rinf = a/(a + b)
    rrate = a + b
    UNITSON
}
