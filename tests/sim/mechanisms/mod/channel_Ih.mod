COMMENT
Ih for the comparison in the tests: the equations of the layer-5 mechanism table, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX Ih
    NONSPECIFIC_CURRENT ih
    RANGE gbar, ehcn
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gbar = 1e-5 (S/cm2)
    ehcn = -45 (mV)
}

ASSIGNED {
    v (mV)
    ih (mA/cm2)
    minf
    mrate (/ms)
}

STATE {
    m
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ih = gbar*m*(v - ehcn)
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
    LOCAL a, b
    UNITSOFF
    a = 0.00643*linoid(-(v + 154.9), 11.9)
    b = 0.193*exp(v/33.1)
    minf = a/(a + b)
    mrate = a + b
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
