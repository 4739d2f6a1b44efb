"""Changes of valid inputs: of their bytes, of their tokens, and of documents as trees. All from one random source."""

from __future__ import annotations

import copy
import json
import random
import re
from typing import Any

#: Put in place of a value: what a careless or hostile hand writes there.
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**70),
    10**400,
    0.5,
    -0.0,
    1e-320,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "../../../etc/passwd",
    "/dev/zero",
    "/dev/stdin",
    "os:system",
    "evil.py:f",
    "../evil.py:f",
    "\x1b[2J\x1b]0;owned\x07",
    "<script>alert(1)</script>",
    "a\u202eb\u0000c",
    "\ud800",
    "１２",
    "{n}{m}{}",
    "__import__('os')",
    "9^9^9^9^9",
    "a" * 2000,
    [],
    {},
    [[]],
    {"": {}},
    [1, "a", None],
    [1e308, -1e308],
    [0] * 300,
)
_WORDS = (
    b"nan inf -inf 1e999 -1 0 999999999999999999999 0x7fffffffffffffff 1_0 \xef\xbb\xbf \x00 \xff \x1b[2J ( ) [ ] { } "
    b"\" ' ; , | < > # = . .. \\ / \xe2\x80\xae \xf0\x9f\x92\xa9 true false [[a]] (( )) \"\"\" ''' 1e-400 ^ ** e exp("
)
TOKENS = [*_WORDS.split(), b"\n", b"\r", b"\t", b" " * 50, b"(" * 100, b"[" * 200, b"1" * 500]


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """A few changes of bytes and tokens; one at least."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(8)
        if kind == 0 and out:
            out[at % len(out)] = rng.randrange(256)
        elif kind == 1 and out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del out[at:]
        elif kind == 3:
            del out[at : at + rng.choice((1, 2, 7, 40))]
        elif kind == 4:
            out[at:at] = rng.choice(TOKENS)
        elif kind == 5:
            begin = rng.randrange(len(out) + 1)
            out[at:at] = out[begin : begin + rng.choice((1, 8, 64, 300))]
        elif kind == 6:
            out[at : at + rng.choice((1, 2, 4, 8))] = rng.choice(
                (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff")
            )
        else:
            swapped = _swap_token(bytes(out), rng)
            out = bytearray(swapped)
    return bytes(out)


def _swap_token(data: bytes, rng: random.Random) -> bytes:
    words = list(re.finditer(rb"[^\s,=()\[\]{}\"]+", data[:20000]))
    if not words:
        return data + rng.choice(TOKENS)
    one, other = rng.choice(words), rng.choice(words)
    new = other.group() if rng.random() < 0.5 else rng.choice(TOKENS)
    return data[: one.start()] + new + data[one.end() :]


def mutate_tree(document: Any, rng: random.Random) -> Any:
    """A copy of a document with a value replaced, removed, doubled, renamed or moved, a few times."""
    document = copy.deepcopy(document)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = list(_places(document))
        if not places:
            break
        holder, key = rng.choice(places)
        kind = rng.randrange(6)
        if kind <= 2:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
        elif kind == 3:
            del holder[key]
        elif kind == 4:
            value = copy.deepcopy(holder[key])
            if isinstance(holder, list):
                holder.append(value)
            else:
                holder[rng.choice((str(key) + "x", "__class__", "", "a.b", "é", str(key).upper()))] = value
        else:
            other, at = rng.choice(places)
            try:
                holder[key] = copy.deepcopy(other[at])
            except (KeyError, IndexError):
                continue
    return document


def _places(node: Any) -> Any:
    keys = range(len(node)) if isinstance(node, list) else list(node)
    for key in keys:
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])


def as_json(document: Any) -> bytes:
    """As JSON, NaN and half surrogates included."""
    return json.dumps(document).encode()


def as_toml(document: dict[str, Any]) -> bytes:
    """As TOML, tables inline; what TOML has no word for becomes text."""
    text = "".join(f"{_key(k)} = {_toml(v)}\n" for k, v in document.items())
    return text.encode(errors="surrogatepass")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value).replace("e+", "e")
    if isinstance(value, int):
        return hex(value) if abs(value) > 10**100 else str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "")
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    return '"null"'
