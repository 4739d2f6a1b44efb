COMMENT
Ca_LVAst for the comparison in the tests: the equations of the layer-5 mechanism table, written out for NEURON.
ENDCOMMENT

NEURON {
    SUFFIX Ca_LVAst
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
    celsius (degC)
    qt
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
    qt = 2.3^((celsius - 21)/10)
    rates(v)
    m = minf
    h = hinf
}

PROCEDURE rates(v (mV)) {
    LOCAL u
    UNITSOFF
    u = v + 10
    minf = 1/(1 + exp((u + 30)/(-6)))
    mrate = qt/(5 + 20/(1 + exp((u + 25)/5)))
    hinf = 1/(1 + exp((u + 80)/6.4))
    hrate = qt/(20 + 50/(1 + exp((u + 40)/7)))
    UNITSON
}
