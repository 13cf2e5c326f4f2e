from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from values.precision import NotADate, PartialDate, Precision, parse_partial_date

DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))
PARTIAL_DATES = st.builds(PartialDate.containing, DAYS, st.sampled_from(Precision))
NEARLY_DATES = st.text("0123456789- sepmaj.", max_size=15)

SEPTEMBER = PartialDate(date(2016, 9, 1), date(2016, 9, 30), Precision.MONTH)
FIRST_OF_SEPTEMBER = PartialDate(date(2016, 9, 1), date(2016, 9, 1), Precision.DAY)
ALL_2016 = PartialDate(date(2016, 1, 1), date(2016, 12, 31), Precision.YEAR)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("2016-09", SEPTEMBER),
        ("2016-9", SEPTEMBER),
        ("2016\u201109", SEPTEMBER),
        ("sep 2016", SEPTEMBER),
        ("Sept. 2016", SEPTEMBER),
        (" september\u00a02016 ", SEPTEMBER),
        ("2016-09-01", FIRST_OF_SEPTEMBER),
        ("2016-9-1", FIRST_OF_SEPTEMBER),
        ("20160901", FIRST_OF_SEPTEMBER),
        ("1 september 2016", FIRST_OF_SEPTEMBER),
        ("2016", ALL_2016),
        ("feb 2024", PartialDate(date(2024, 2, 1), date(2024, 2, 29), Precision.MONTH)),
        ("maj 2016", PartialDate(date(2016, 5, 1), date(2016, 5, 31), Precision.MONTH)),
        ("October 2016", PartialDate(date(2016, 10, 1), date(2016, 10, 31), Precision.MONTH)),
    ],
)
def test_dates_are_known_as_well_as_they_are_written(text, known):
    assert parse_partial_date(text) == known


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "date_is_missing"),
        ("\u00a0", "date_is_missing"),
        ("2016-09-31", "day_does_not_exist"),
        ("20160931", "day_does_not_exist"),
        ("2023-02-29", "day_does_not_exist"),
        ("2016-09-00", "day_does_not_exist"),
        ("31 september 2016", "day_does_not_exist"),
        ("2016-13", "month_does_not_exist"),
        ("2016-00", "month_does_not_exist"),
        ("2016-17", "month_does_not_exist"),
        ("1899", "year_is_out_of_range"),
        ("2200-01-01", "year_is_out_of_range"),
        ("0000", "year_is_out_of_range"),
        ("201609", "not_a_date"),
        ("201012", "not_a_date"),
        ("2016–2019", "not_a_date"),
        ("01.09.2016", "not_a_date"),
        ("2016/09/01", "not_a_date"),
        ("2016-09-01 00:00:00", "not_a_date"),
        ("16-09-01", "not_a_date"),
        ("hösten 2016", "not_a_date"),
        ("hopp 2016", "not_a_date"),
        ("٢٠١٦", "not_a_date"),
    ],
)
def test_what_is_not_a_date_is_refused(text, code):
    with pytest.raises(NotADate) as refused:
        parse_partial_date(text)
    assert refused.value.code == code


def test_labels_say_what_is_known():
    assert [known.label for known in (FIRST_OF_SEPTEMBER, SEPTEMBER, ALL_2016)] == [
        "2016-09-01",
        "2016-09",
        "2016",
    ]


@given(PARTIAL_DATES)
def test_a_written_date_reads_back(known):
    assert parse_partial_date(known.label) == known


@given(PARTIAL_DATES)
def test_a_stored_day_and_its_precision_come_back_from_both_ends(known):
    assert PartialDate.containing(known.first, known.precision) == known
    assert PartialDate.containing(known.last, known.precision) == known


@pytest.mark.parametrize(
    ("first", "last", "precision"),
    [
        (date(2016, 9, 1), date(2016, 9, 2), Precision.DAY),
        (date(2016, 9, 1), date(2016, 9, 29), Precision.MONTH),
        (date(2016, 9, 2), date(2016, 9, 30), Precision.MONTH),
        (date(2016, 1, 1), date(2017, 12, 31), Precision.YEAR),
    ],
)
def test_a_partial_date_is_one_whole_day_month_or_year(first, last, precision):
    with pytest.raises(ValueError, match="not one whole"):
        PartialDate(first, last, precision)


@given(st.one_of(st.text(), NEARLY_DATES))
def test_reading_a_date_raises_nothing_but_its_own_error(text):
    try:
        known = parse_partial_date(text)
    except NotADate as refused:
        assert refused.code in NotADate.codes
    else:
        assert parse_partial_date(known.label) == known
