"""Profiles along the cell: a small grammar, parsed here and evaluated on JAX arrays; nothing is run as code.

Owns the grammar and its errors. Which names an expression may use is for its reader to check (`Expression.names`).

    sum     = product (("+" | "-") product)*
    product = unary (("*" | "/") unary)*
    unary   = ("+" | "-") unary | power
    power   = atom (("^" | "**") unary)?            -2^2 is -(2^2), 2^3^2 is 2^(3^2), as in Python
    atom    = number | name | function "(" sum ("," sum)* ")" | "(" sum ")"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jax import Array
    from jax.typing import ArrayLike

MAX_LENGTH = 1000
MAX_DEPTH = 50
MAX_EXPONENT = 64
"""Largest whole exponent that is taken as repeated products; beyond it a power is one of real numbers."""

FUNCTIONS: dict[str, int] = {"exp": 1, "log": 1, "sqrt": 1, "abs": 1, "tanh": 1, "min": 2, "max": 2}
"""Each function with its number of arguments."""

_JNP = {"min": "minimum", "max": "maximum"}
_TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<operator>\*\*|[-+*/^(),])", re.ASCII
)


class ExpressionError(ValueError):
    """The text is no expression; one line that names the column, counted from 1."""


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Call:
    """An operator (+ - * / ^, or "negate") or a function, on its arguments."""

    operation: str
    arguments: tuple[Node, ...]


Node = Number | Name | Call


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Attributes
    ----------
    text : as it was given
    root : its tree
    """

    text: str
    root: Node

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Parse `text`; raises `ExpressionError`."""
        return cls(text, _Parser(text).parse())

    @property
    def names(self) -> tuple[str, ...]:
        """The names it uses, each once, in the order of their first use."""
        return tuple(dict.fromkeys(node.name for node in self._nodes() if isinstance(node, Name)))

    def _nodes(self) -> Iterator[Node]:
        """Every node in the order of the text, a call before its arguments; long sums are deep, so no recursion."""
        todo = [self.root]
        while todo:
            node = todo.pop()
            yield node
            if isinstance(node, Call):
                todo.extend(node.arguments[::-1])

    def evaluate(self, values: Mapping[str, ArrayLike]) -> Array:
        """Its value with `values` for its names, which broadcast; differentiable in each.

        Raises KeyError for a name without a value.
        """
        import jax.numpy as jnp

        operations: dict[str, Callable[..., Any]] = {
            "+": jnp.add,
            "-": jnp.subtract,
            "*": jnp.multiply,
            "/": jnp.divide,
            "^": jnp.power,
            "negate": jnp.negative,
        }
        operations |= {name: getattr(jnp, _JNP.get(name, name)) for name in FUNCTIONS}

        # Arguments come after their call in this order, so backwards each finds its arguments done.
        done: list[Any] = []
        for node in reversed(list(self._nodes())):
            if isinstance(node, Number):
                # A Python float is weakly typed: the result keeps the precision of the arrays.
                done.append(node.value)
            elif isinstance(node, Name):
                done.append(values[node.name])
            else:
                arguments = [done.pop() for _ in node.arguments]
                if node.operation == "^" and (whole := _whole_exponent(node.arguments[1])) is not None:
                    # As an int: jnp.power then has no logarithm of the base in its derivative.
                    arguments[1] = whole
                done.append(operations[node.operation](*arguments))
        return jnp.asarray(done.pop())


def _whole_exponent(node: Node) -> int | None:
    if isinstance(node, Number) and node.value.is_integer() and abs(node.value) <= MAX_EXPONENT:
        return int(node.value)
    return None


class _Parser:
    """Recursive descent over the tokens; one method per rule of the grammar."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"the expression has {len(text)} characters; at most {MAX_LENGTH}")
        self.tokens = list(self._tokens(text))
        self.position = 0
        self.depth = 0

    @staticmethod
    def _tokens(text: str) -> list[tuple[str, str, int]]:
        """(kind, text, column) of each token, and an end token."""
        tokens, at = [], 0
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            match = _TOKEN.match(text, at)
            if match is None:
                raise ExpressionError(f"column {at + 1}: {text[at]!r} has no place in an expression")
            tokens.append((str(match.lastgroup), match.group(), at + 1))
            at = match.end()
        return [*tokens, ("end", "", len(text) + 1)]

    def parse(self) -> Node:
        node = self._sum()
        if self.tokens[self.position][0] != "end":
            raise self._error("an operator or the end")
        return node

    def _error(self, expected: str) -> ExpressionError:
        kind, text, column = self.tokens[self.position]
        found = "the end" if kind == "end" else repr(text)
        return ExpressionError(f"column {column}: {expected} is expected, not {found}")

    def _take(self, *operators: str) -> str | None:
        kind, text, _ = self.tokens[self.position]
        if kind == "operator" and text in operators:
            self.position += 1
            return text
        return None

    def _need(self, operator: str) -> None:
        if self._take(operator) is None:
            raise self._error(repr(operator))

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            column = self.tokens[self.position][2]
            raise ExpressionError(f"column {column}: nested more than {MAX_DEPTH} deep; use fewer parentheses")

    def _sum(self) -> Node:
        self._deeper()
        node = self._product()
        while operator := self._take("+", "-"):
            node = Call(operator, (node, self._product()))
        self.depth -= 1
        return node

    def _product(self) -> Node:
        node = self._unary()
        while operator := self._take("*", "/"):
            node = Call(operator, (node, self._unary()))
        return node

    def _unary(self) -> Node:
        self._deeper()
        sign = self._take("+", "-")
        if sign is None:
            node = self._power()
        else:
            operand = self._unary()
            node = Call("negate", (operand,)) if sign == "-" else operand
        self.depth -= 1
        return node

    def _power(self) -> Node:
        base = self._atom()
        if self._take("^", "**"):
            return Call("^", (base, self._unary()))
        return base

    def _atom(self) -> Node:
        kind, text, column = self.tokens[self.position]
        if kind == "number":
            self.position += 1
            value = float(text)
            if value == float("inf"):
                raise ExpressionError(f"column {column}: {text} is too large for a number")
            return Number(value)
        if kind == "name":
            self.position += 1
            if self._take("("):
                return self._call(text, column)
            if text in FUNCTIONS:
                raise self._error(f"'(' after {text}")
            return Name(text)
        if self._take("("):
            node = self._sum()
            self._need(")")
            return node
        raise self._error("a number, a name or '('")

    def _call(self, function: str, column: int) -> Node:
        if function not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise ExpressionError(f"column {column}: {function!r} is no function; known: {known}")
        arguments = [self._sum()]
        while self._take(","):
            arguments.append(self._sum())
        self._need(")")
        if len(arguments) != FUNCTIONS[function]:
            needed = FUNCTIONS[function]
            raise ExpressionError(f"column {column}: {function} takes {needed}, not {len(arguments)} arguments")
        return Call(function, tuple(arguments))
