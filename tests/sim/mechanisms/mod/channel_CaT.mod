COMMENT
CaT for the comparison in the tests: the equations of Pospischil et al. 2008 as printed, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX CaT
    USEION ca READ eca WRITE ica
    RANGE gCaT, vx
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gCaT = 0.4e-4 (S/cm2)
    vx = 2 (mV)
}

ASSIGNED {
    v (mV)
    eca (mV)
    ica (mA/cm2)
    uinf
    utau (ms)
}

STATE {
    u
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ica = gCaT*sinf(v + vx)*sinf(v + vx)*u*(v - eca)
}

DERIVATIVE states {
    rates(v + vx)
    u' = (uinf - u)/utau
}

INITIAL {
    rates(v + vx)
    u = uinf
}

FUNCTION sinf(x (mV)) {
    UNITSOFF
    sinf = 1/(1 + exp(-(x + 57)/6.2))
    UNITSON
}

PROCEDURE rates(x (mV)) {
    UNITSOFF
    uinf = 1/(1 + exp((x + 81)/4))
    utau = (30.8 + 211.4 + exp((x + 113.2)/5))/(3.7*(1 + exp((x + 84)/3.2)))
    UNITSON
}
