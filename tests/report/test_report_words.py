"""Numbers in words, plain enough for a terminal."""

import pytest

from byheart.report.words import plain_number, plain_percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (3e-7, "less than 0.01 %"),
        (0.0012, "0.12 %"),
        (0.0994, "9.9 %"),
        (0.0996, "10 %"),
        (0.9949, "99 %"),
        (0.9964, "99.6 %"),
        (0.99999, "99.9 %"),
        (1, "100 %"),
    ],
)
def test_a_plain_percentage_is_never_all_unless_it_is(share, text):
    assert plain_percent(share) == text


def test_plain_numbers_have_three_digits():
    assert [plain_number(None), plain_number(1.23456), plain_number(0.0)] == ["–", "1.23", "0"]
