COMMENT
Ca_HVA for the comparison in the tests: the equations of the layer-5 mechanism table, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX Ca_HVA
    USEION ca READ eca WRITE ica
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
    eca (mV)
    ica (mA/cm2)
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
    ica = gbar*m*m*h*(v - eca)
}

DERIVATIVE states {
    rates(v)
    m' = (minf - m)*mrate
    h' = (hinf - h)*hrate
}

INITIAL {
    rates(v)
    m = minf
    h = hinf
}

PROCEDURE rates(v (mV)) {
    LOCAL a, b, w
    UNITSOFF
    a = 0.055*linoid(v + 27, 3.8)
    b = 0.94*exp((-75 - v)/17)
    minf = a/(a + b)
    mrate = a + b
    w = v + 0
    a = 0.000457*exp((-13 - w)/50)
    b = 0.0065/(exp((-w - 15)/28) + 1)
    hinf = a/(a + b)
    hrate = a + b
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
