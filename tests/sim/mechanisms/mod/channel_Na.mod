COMMENT
Na for the comparison in the tests: the equations of Pospischil et al. 2008, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX Na
    USEION na READ ena WRITE ina
    RANGE gNa, vt
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gNa = 50e-3 (S/cm2)
    vt = -60 (mV)
}

ASSIGNED {
    v (mV)
    ena (mV)
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
    ina = gNa*m*m*m*h*(v - ena)
}

DERIVATIVE states {
    rates(v - vt)
    m' = (minf - m)*mrate
    h' = (hinf - h)*hrate
}

INITIAL {
    rates(v - vt)
    m = minf
    h = hinf
}

PROCEDURE rates(u (mV)) {
    LOCAL a, b
    UNITSOFF
    a = 0.32*linoid(u - 13, 4)
    b = 0.28*linoid(40 - u, 5)
    minf = a/(a + b)
    mrate = a + b
    a = 0.128*exp(-(u - 17)/18)
    b = 4/(1 + exp(-(u - 40)/5))
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
