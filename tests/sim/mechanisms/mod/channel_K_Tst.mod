COMMENT
K_Tst for the comparison in the tests: the equations of the layer-5 mechanism table, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX K_Tst
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
    ik = gbar*m*m*m*m*h*(v - ek)
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
    minf = 1/(1 + exp(-u/19))
    mrate = qt/(0.34 + 0.92*exp(-((u + 71)/59)^2))
    hinf = 1/(1 + exp((u + 66)/10))
    hrate = qt/(8 + 49*exp(-((u + 73)/23)^2))
    UNITSON
}
