"""Profiles: against Python's own evaluation of generated trees, their gradients, and what is refused."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.workflows.expression import Expression, ExpressionError

VALUES = {"d": 137.5, "c": -0.013, "slope_2": 2.5}

FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "abs": abs,
    "tanh": math.tanh,
    "min": min,
    "max": max,
}
OPERATORS: dict[type, Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def _in_python(text: str) -> float:
    """The value of `text` as Python parses it and calculates."""

    def value(node: ast.expr) -> float:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return VALUES[node.id]
            case ast.BinOp():
                return OPERATORS[type(node.op)](value(node.left), value(node.right))
            case ast.UnaryOp():
                return OPERATORS[type(node.op)](value(node.operand))
            case ast.Call(func=ast.Name(id=name)):
                return FUNCTIONS[name](*map(value, node.args))
        raise AssertionError(ast.dump(node))

    return value(ast.parse(text.strip(), mode="eval").body)


def _trees() -> st.SearchStrategy[str]:
    """Texts that are also Python, with its meaning."""
    leaf = st.one_of(
        st.sampled_from(sorted(VALUES)),
        st.floats(0.0, 50.0, allow_nan=False).map(lambda x: f"{x:.4g}"),
        st.integers(0, 20).map(str),
        st.sampled_from([".5", "2.", "1e-3", "3E+2"]),
    )

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*", "/", " + ", " - ", "\t* "]), inner).map("".join),
            st.tuples(inner, st.sampled_from(["**2", "**0.5", "**-1", "**d"])).map("".join),
            inner.map(lambda x: f"({x})"),
            inner.map(lambda x: f"-{x}"),
            inner.map(lambda x: f"+ {x}"),
            st.tuples(st.sampled_from(["exp", "log", "sqrt", "abs", "tanh"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
            st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
        )

    return st.recursive(leaf, larger, max_leaves=12)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(_trees())
def test_it_means_what_python_means(text: str) -> None:
    parsed = Expression.parse(text)
    assert set(parsed.names) <= set(VALUES)
    try:
        expected = _in_python(text)
    except (ArithmeticError, ValueError):
        return
    if isinstance(expected, complex) or not abs(expected) < 1e100:
        return
    found = float(parsed.evaluate({name: jnp.asarray(value) for name, value in VALUES.items()}))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    # ^ is another way to write **.
    assert Expression.parse(text.replace("**", "^")).root == parsed.root


def test_the_published_profile_and_its_gradient() -> None:
    profile = Expression.parse("-0.8696 + 2.087*exp(0.0031*d)")
    assert profile.names == ("d",)
    distance = np.array([0.0, 100.0, 500.0])
    np.testing.assert_allclose(
        profile.evaluate({"d": distance}), -0.8696 + 2.087 * np.exp(0.0031 * distance), rtol=1e-12
    )

    fitted = Expression.parse("exp(d*c)")
    assert fitted.names == ("d", "c")
    slope = jax.grad(lambda c: fitted.evaluate({"d": jnp.asarray(distance), "c": c}).sum())(-0.01)
    np.testing.assert_allclose(slope, np.sum(distance * np.exp(-0.01 * distance)), rtol=1e-12)


def test_whole_powers_have_finite_gradients_at_zero() -> None:
    square = Expression.parse("(d - 1)^2")
    assert float(jax.grad(lambda d: square.evaluate({"d": d}))(1.0)) == 0.0


def test_it_keeps_the_precision_of_its_arrays() -> None:
    assert Expression.parse("1 + 2*d").evaluate({"d": jnp.ones(3, jnp.float32)}).dtype == jnp.float32


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "column 1: a number, a name or '(' is expected, not the end"),
        ("1 + ", "column 5"),
        ("1 +* d", "column 4"),
        ("(1 + d", "column 7: ')' is expected"),
        ("1 d", "column 3: an operator or the end is expected, not 'd'"),
        ("2d", "column 2"),
        ("d..x", "column 2: '.' has no place"),
        ("exp", "column 4: '(' after exp"),
        ("exp()", "column 5"),
        ("exp(1, 2)", "column 1: exp takes 1, not 2"),
        ("min(1)", "column 1: min takes 2, not 1"),
        ("sin(d)", "column 1: 'sin' is no function; known: abs, exp"),
        ("__import__('os')", "column 12"),
        ("d.__class__", "column 2"),
        ("d; d", "column 2"),
        ("[d]", "column 1"),
        ("lambda: d", "column 7"),
        ("1e999", "too large"),
        ("d if d else d", "column 3"),
        ("x" * 1001, "1001 characters"),
        ("(" * 60 + "d" + ")" * 60, "nested"),
        ("-" * 200 + "d", "nested"),
        ("2^" * 200 + "d", "nested"),
        ("é", "column 1"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        Expression.parse(text)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.text(alphabet="d1.e+-*/^(), xplogmin_", max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        Expression.parse(text)
    except ExpressionError as error:
        assert str(error)
