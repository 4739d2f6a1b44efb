COMMENT
NaTa_t for the comparison in the tests: the equations of the layer-5 mechanism table, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX NaTa_t
    USEION na READ ena WRITE ina
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
    ena (mV)
    celsius (degC)
    qt
    ina (mA/cm2)
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
    ina = gbar*m*m*m*h*(v - ena)
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
    LOCAL a, b
    UNITSOFF
    a = 0.182*linoid(v - (-38), 6)
    b = 0.124*linoid((-38) - v, 6)
    minf = a/(a + b)
    mrate = (a + b)*qt
    a = 0.015*linoid((-66) - v, 6)
    b = 0.015*linoid(v - (-66), 6)
    hinf = a/(a + b)
    hrate = (a + b)*qt
    UNITSON
}

FUNCTION linoid(x (mV), k (mV)) (mV) {
    LOCAL t
    t = x/k
    if (fabs(t) < 1e-4) {
        linoid = k*(1 + t/2 + t*t/12)
    } else {
        linoid = x/(1 - exp(-t))
    }
}
