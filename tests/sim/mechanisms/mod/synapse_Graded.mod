COMMENT
The graded synapse of Abbott & Marder 1998 for the comparison in the tests: the equations of IonotropicSynapse, written
out for NEURON. `vpre` points to the presynaptic voltage.
ENDCOMMENT

NEURON {
    POINT_PROCESS Graded
    POINTER vpre
    RANGE gS, e_syn, k_minus, v_th, delta
    NONSPECIFIC_CURRENT i
}

UNITS {
    (mV) = (millivolt)
    (nA) = (nanoamp)
    (uS) = (microsiemens)
}

PARAMETER {
    gS = 1e-4 (uS)
    e_syn = 0 (mV)
    k_minus = 0.025 (/ms)
    v_th = -35 (mV)
    delta = 10 (mV)
}

ASSIGNED {
    v (mV)
    vpre (mV)
    i (nA)
}

STATE {
    s
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    i = gS*s*(v - e_syn)
}

DERIVATIVE states {
    s' = (sinf(vpre) - s)*k_minus/(1 - sinf(vpre))
}

INITIAL {
    s = sinf(vpre)
}

FUNCTION sinf(u (mV)) {
    sinf = 1/(1 + exp((v_th - u)/delta))
}
