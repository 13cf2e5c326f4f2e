import pytest
from hypothesis import given
from hypothesis import strategies as st

from values.organisation_number import NotAnOrganisationNumber, parse_organisation_number


def with_check_digit(nine: str) -> str:
    """The check digit told another way: the one of ten digits that is accepted."""
    accepted = []
    for digit in "0123456789":
        try:
            accepted.append(parse_organisation_number(nine + digit))
        except NotAnOrganisationNumber:
            continue
    (number,) = accepted
    return number


NUMBERS = st.from_regex(r"[1-9][0-9][2-9][0-9]{6}", fullmatch=True).map(with_check_digit)


@pytest.mark.parametrize(
    "text",
    [
        "212000-0530",
        "2120000530",
        " 212000-0530 ",
        "162120000530",
        "16212000-0530",
        "212000 0530",
        "212000\u20110530",
    ],
)
def test_a_number_is_written_in_one_way(text):
    assert parse_organisation_number(text) == "212000-0530"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "organisation_number_is_missing"),
        ("212000-053", "organisation_number_has_ten_digits"),
        ("21200-00530", "organisation_number_has_ten_digits"),
        ("556735-56710", "organisation_number_has_ten_digits"),
        ("SE212000053001", "organisation_number_has_ten_digits"),
        ("212000-053x", "organisation_number_has_ten_digits"),
        ("٢١٢٠٠٠-٠٥٣٠", "organisation_number_has_ten_digits"),
        ("212000-0531", "organisation_number_has_wrong_check_digit"),
        ("811218-9876", "organisation_number_looks_like_a_personal_one"),
        ("19811218-9876", "organisation_number_looks_like_a_personal_one"),
        ("198112189876", "organisation_number_looks_like_a_personal_one"),
        ("811218+9876", "organisation_number_looks_like_a_personal_one"),
        ("811278-9873", "organisation_number_looks_like_a_personal_one"),
    ],
)
def test_what_is_not_an_organisation_number_is_refused(text, code):
    with pytest.raises(NotAnOrganisationNumber) as refused:
        parse_organisation_number(text)
    assert refused.value.code == code


def test_a_personal_number_is_not_repeated():
    with pytest.raises(NotAnOrganisationNumber) as refused:
        parse_organisation_number("811218-9876")
    assert (refused.value.params, str(refused.value)) == ({}, refused.value.code)


@given(NUMBERS, st.integers(0, 9), st.integers(1, 9))
def test_every_change_of_one_digit_is_refused(number, at, by):
    digits = number.replace("-", "")
    changed = digits[:at] + str((int(digits[at]) + by) % 10) + digits[at + 1 :]
    with pytest.raises(NotAnOrganisationNumber):
        parse_organisation_number(changed)


@given(NUMBERS)
def test_a_written_number_reads_back(number):
    assert parse_organisation_number(number) == number


@given(st.one_of(st.text(), st.text("0123456789-+ ", max_size=14)))
def test_reading_a_number_raises_nothing_but_its_own_error(text):
    try:
        number = parse_organisation_number(text)
    except NotAnOrganisationNumber as refused:
        assert refused.code in NotAnOrganisationNumber.codes
    else:
        assert parse_organisation_number(number) == number
