"""Check digits of boletos: modulus 10 and 11 as FEBRABAN and the banks use them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle


def only_digits(text: str) -> str:
    """Raises ValueError for anything that is not made of ASCII digits."""
    if not text or not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is not made of digits")
    return text


def weights(low: int, high: int) -> Iterator[int]:
    return cycle(range(low, high + 1))


def mod10(text: str) -> int:
    """Weights 2, 1, 2 … from the right; products of two digits count as the sum of their digits."""
    total = sum(sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(reversed(only_digits(text)), cycle((2, 1)), strict=False))
    return -total % 10


def mod11_rest(text: str, high: int = 9, low: int = 2) -> int:
    """Remainder of the weighted sum, weights low … high from the right."""
    return sum(int(digit) * weight for digit, weight in zip(reversed(only_digits(text)), weights(low, high), strict=False)) % 11


def mod11(text: str, high: int = 9) -> int:
    """11 minus the remainder: 1 to 11. What 10 and 11 mean differs by bank."""
    return 11 - mod11_rest(text, high)


def mod11_or_zero(text: str, high: int = 9) -> str:
    """The usual rule of nosso números: 10 and 11 become 0."""
    digit = mod11(text, high)
    return str(digit) if digit < 10 else "0"


def double_digit(text: str) -> str:
    """Two digits as Banrisul, Banestes and BRB write them: modulus 10, then modulus 11 (weights 2 to 7) over the text with it;
    where the second would be 10 the first goes up by one."""
    first = mod10(text)
    while (rest := mod11_rest(f"{text}{first}", 7)) == 1:
        first = (first + 1) % 10
    return f"{first}{11 - rest if rest else 0}"
