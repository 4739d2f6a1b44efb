COMMENT
K_Pst for the comparison in the tests: the equations of the layer-5 mechanism table, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX K_Pst
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
    hinf
    hrate (/ms)
}

STATE {
    m h
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gbar*m*m*h*(v - ek)
}

DERIVATIVE states {
    rates(v)
    m' = (minf - m)*mrate
    h' = (hinf - h)*hrate
}

INITIAL {
    qt = 2.3^((celsius - 21)/10)
    rates(v)
    m = minf
    h = hinf
}

PROCEDURE rates(v (mV)) {
    LOCAL u
    UNITSOFF
    u = v + 10
    minf = 1/(1 + exp(-(u + 1)/12))
    if (u < -50) {
        mrate = qt/(1.25 + 175.03*exp(0.026*u))
    } else {
        mrate = qt/(1.25 + 13*exp(-0.026*u))
    }
    hinf = 1/(1 + exp((u + 54)/11))
    hrate = qt/(360 + (1010 + 24*(u + 55))*exp(-((u + 75)/48)^2))
    UNITSON
}
