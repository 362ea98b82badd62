"""Foreign strings on their way to a terminal."""

import ast
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.display.figures import aligned, duration, number, rough
from bpcli.display.text import show

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)  # lone surrogates too
TRICKY = st.text(
    st.sampled_from("\\xuUnrt09af\n\t\x1b\u202e\u200b\ud800\U000e0001é中"), max_size=12
)
BACKSLASH = re.compile(r"\\(\\|[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def unshow(shown: str) -> str:
    """What was there before `show`."""
    return BACKSLASH.sub(lambda escape: ast.literal_eval(f'"{escape[0]}"'), shown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sepal length",
        "花瓣 长度",
        "Größe",
        "°C",
        "🙂",
        "❤\ufe0f",
        "[/]",
        ":smile:",
        r"C:\data",
        "a\\",
    ],
)
def test_harmless_text_stays(text):
    assert show(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x7f\x00", r"\x7f\x00"),
        ("\u202eabc\u2066", r"\u202eabc\u2066"),
        ("in\u200bvisible", r"in\u200bvisible"),
        ("\u2028\u2029\ufeff", r"\u2028\u2029\ufeff"),
        ("\udc80", r"\udc80"),
        ("\ue000\U000f0000", r"\ue000\U000f0000"),
        ("\u3164\U000e0100", r"\u3164\U000e0100"),
        ("no\xa0break", r"no\xa0break"),
        (r"\x1b", r"\\x1b"),
        ("\\\x1b", r"\\\x1b"),
        (r"C:\new", r"C:\\new"),
        (r"\\host", r"\\\host"),
    ],
)
def test_the_rest_is_escaped(text, shown):
    assert show(text) == shown


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("a" * 80, 80, "a" * 80),
        ("a" * 1000, 80, "a" * 80 + "…(+920)"),
        ("ab\x1b", 5, "ab…(+1)"),
        ("abc", 0, "…(+3)"),
    ],
)
def test_long_text_is_cut_and_counted(text, limit, shown):
    assert show(text, limit) == shown


@given(ANY_TEXT)
def test_nothing_that_steers_or_hides_passes(text):
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not hidden & {unicodedata.category(character) for character in show(text)}


@given(ANY_TEXT | TRICKY)
def test_different_texts_look_different(text):
    assert unshow(show(text, 10_000)) == text


@given(ANY_TEXT, st.integers(0, 40))
def test_the_cut_is_bounded_and_keeps_a_prefix(text, limit):
    kept, cut, rest = show(text, limit).partition("…(+")
    if cut and "…(+" not in text:
        assert len(kept) <= limit
        assert unshow(kept) == text[: len(text) - int(rest[:-1])]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.14, "0.1400"),
        (53.9, "53.90"),
        (999.97, "1000"),
        (12345.6, "12346"),
        (1e7, "1.000e+07"),
        (1.2345e-5, "1.234e-05"),
        (-2, "-2.000"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (None, "–"),
    ],
)
def test_number(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.0321, "0.03"), (5.7, "6"), (96.0, "100"), (123.0, "100"), (1.2e-05, "1e-05")],
)
def test_rough(value, text):
    assert rough(value) == text


def test_aligned_numbers_share_width_and_decimal_point():
    assert aligned([0.05, 1234, None, 12.5]) == [
        "   0.05000",
        "1234      ",
        "   –      ",
        "  12.50   ",
    ]
    assert aligned([]) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.004, "0 s"),
        (0.84, "0.8 s"),
        (7, "7 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7530, "2 h 05 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text
