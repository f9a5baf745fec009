"""Alphabets, sizes and cuts of SMS: properties against a count that knows nothing of the product's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.system.sms_parts import BASIC, EXTENSION, encode_gsm7, encoding_of, measure, simplify, split
from tests.support.smsc import decode_gsm7

GSM = st.text(st.sampled_from([char for char in BASIC if char != "\x1b"] + list(EXTENSION)), max_size=700)


@given(GSM)
def test_short_alphabet(text: str) -> None:
    septets = sum(2 if char in "\f^{}\\[~]|€" else 1 for char in text)
    encoding, parts = split(text)
    assert encoding == "gsm7" and "".join(parts) == text and measure(text).places == septets
    assert decode_gsm7(encode_gsm7(text)) == text and len(encode_gsm7(text)) == septets
    if septets <= 160:
        assert len(parts) == (1 if text else 0)
    else:
        assert all(len(encode_gsm7(part)) <= 153 for part in parts)
        assert all(encode_gsm7(part)[-1] != 0x1B for part in parts)                 # no escape without its character
        assert all(len(encode_gsm7(part)) >= 152 for part in parts[:-1])            # a place is lost only before a double one


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text(text: str) -> None:
    encoding, parts = split(text)
    assert "".join(parts) == text
    if encoding == "ucs2":
        units = len(text.encode("utf-16-be")) // 2
        assert measure(text).places == units
        if units <= 70:
            assert len(parts) == 1
        else:
            assert all(66 <= len(part.encode("utf-16-be")) // 2 <= 67 for part in parts[:-1]) and len(parts[-1].encode("utf-16-be")) <= 134
        for part in parts:
            part.encode("utf-16-be").decode("utf-16-be")            # no half of a pair
    size = measure(text)
    assert size.parts == len(parts) and size.left >= 0


@pytest.mark.parametrize(("text", "encoding", "places", "parts", "left"), [
    ("", "gsm7", 0, 0, 160), ("a" * 160, "gsm7", 160, 1, 0), ("a" * 161, "gsm7", 161, 2, 145), ("€" * 80, "gsm7", 160, 1, 0), ("€" * 81, "gsm7", 162, 2, 143),
    ("a" * 306, "gsm7", 306, 2, 0), ("a" * 307, "gsm7", 307, 3, 152), ("ã" * 70, "ucs2", 70, 1, 0), ("ã" * 71, "ucs2", 71, 2, 63), ("😀" * 35, "ucs2", 70, 1, 0),
    ("😀" * 36, "ucs2", 72, 2, 61), ("§ÄÖÜßñ¿Ω@", "gsm7", 9, 1, 151), ("`", "ucs2", 1, 1, 69), ("ç", "ucs2", 1, 1, 69), ("Ç", "gsm7", 1, 1, 159),
])
def test_limits(text: str, encoding: str, places: int, parts: int, left: int) -> None:
    size = measure(text)
    assert (size.encoding, size.places, size.parts, size.left) == (encoding, places, parts, left)


@given(st.text(max_size=100))
def test_simplify_never_makes_it_longer(text: str) -> None:
    plain = simplify(text)
    assert plain == text or (encoding_of(plain) == "gsm7" and measure(plain).parts <= measure(text).parts + (len(plain) > len(text)))


def test_simplify_keeps_what_the_alphabet_has() -> None:
    assert simplify("São João: „für“ 5 €…") == 'Sao Joao: "für" 5 €...'
    assert simplify("Привет ã") == "Привет ã"
