from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from values.periods import NotAPeriod, Period, PeriodEndsBeforeItStarts, parse_period

DAYS = st.dates(date(1900, 1, 2), date(2199, 12, 30))
ENDS = st.one_of(st.none(), DAYS)
PERIODS = st.tuples(ENDS, ENDS).map(
    lambda ends: Period(*sorted(ends)) if None not in ends else Period(*ends)  # type: ignore[type-var]
)
NEARLY_PERIODS = st.text("0123456789-–.THt ", max_size=25)
ONE_DAY = timedelta(days=1)


@given(PERIODS)
def test_both_ends_are_included_and_the_days_beyond_them_are_not(period):
    if period.first:
        assert period.first in period
        assert period.first - ONE_DAY not in period
    if period.last:
        assert period.last in period
        assert period.last + ONE_DAY not in period


@given(PERIODS, DAYS)
def test_the_filter_keeps_the_days_that_are_in_the_period(period, day):
    compare = {"booked_on__gte": day.__ge__, "booked_on__lte": day.__le__}
    assert all(compare[lookup](end) for lookup, end in period.contains("booked_on").items()) == (
        day in period
    )


def test_the_filter_names_the_ends_that_exist():
    assert Period.tertial(2025, 2).contains("booked_on") == {
        "booked_on__gte": date(2025, 5, 1),
        "booked_on__lte": date(2025, 8, 31),
    }
    assert Period(None, date(2025, 8, 31)).contains("ends_on") == {"ends_on__lte": date(2025, 8, 31)}
    assert Period(None, None).contains("ends_on") == {}


@given(PERIODS, PERIODS)
def test_overlapping_is_mutual_and_means_a_common_day(one, other):
    assert one.overlaps(other) == other.overlaps(one)
    candidates = {end for end in (one.first, one.last, other.first, other.last) if end}
    common = any(day in one and day in other for day in candidates) or not candidates
    assert one.overlaps(other) == common


def test_periods_that_share_one_day_overlap_and_neighbours_do_not():
    assert Period(None, date(2025, 6, 30)).overlaps(Period(date(2025, 6, 30), None))
    assert not Period.half(2025, 1).overlaps(Period.half(2025, 2))


@given(st.integers(1900, 2199))
def test_the_parts_of_a_year_follow_each_other_and_fill_it(year):
    for parts in (
        [Period.half(year, n) for n in (1, 2)],
        [Period.tertial(year, n) for n in (1, 2, 3)],
        [Period.month(year, n) for n in range(1, 13)],
    ):
        assert Period(parts[0].first, parts[-1].last) == Period.year(year)
        assert [part.last and part.last + ONE_DAY for part in parts[:-1]] == [
            part.first for part in parts[1:]
        ]


@pytest.mark.parametrize(
    "wrong", [lambda: Period.half(2025, 3), lambda: Period.tertial(2025, 0), lambda: Period.month(2025, 13)]
)
def test_a_part_the_year_does_not_have_is_refused(wrong):
    with pytest.raises(ValueError, match="there is no"):
        wrong()


def test_a_period_does_not_end_before_it_starts():
    with pytest.raises(PeriodEndsBeforeItStarts) as refused:
        Period(date(2025, 1, 2), date(2025, 1, 1))
    assert (refused.value.code, refused.value.params) == (
        "period_ends_before_it_starts",
        {"first": "2025-01-02", "last": "2025-01-01"},
    )


def test_a_moment_is_no_end_of_a_period():
    with pytest.raises(TypeError):
        Period(datetime(2025, 1, 1, tzinfo=UTC), None)


@pytest.mark.parametrize(
    ("period", "label"),
    [
        (Period.year(2025), "2025"),
        (Period.half(2025, 1), "2025-H1"),
        (Period.tertial(2020, 2), "2020-T2"),
        (Period.month(2025, 3), "2025-03"),
        (Period(date(2025, 3, 1), date(2025, 3, 1)), "2025-03-01"),
        (Period(date(2020, 1, 1), date(2020, 8, 31)), "2020-01-01–2020-08-31"),
        (Period(date(2020, 1, 1), None), "2020-01-01–"),
        (Period(None, date(2020, 1, 1)), "–2020-01-01"),
        (Period(None, None), "–"),
    ],
)
def test_labels_name_the_period_and_are_read_back(period, label):
    assert period.label == label
    assert parse_period(label) == period


@given(PERIODS)
def test_a_written_period_reads_back(period):
    assert parse_period(period.label) == period


def test_a_span_may_be_typed_on_a_keyboard_and_by_months():
    assert parse_period("2016-09--2019-08") == Period(date(2016, 9, 1), date(2019, 8, 31))
    assert parse_period("2016-09 .. 2019") == Period(date(2016, 9, 1), date(2019, 12, 31))
    assert parse_period("2020t2") == Period.tertial(2020, 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "period_is_missing"),
        ("2020-T4", "not_a_period"),
        ("2020-H3", "not_a_period"),
        ("våren 2020", "not_a_period"),
        ("2020--2021--2022", "not_a_period"),
        ("2020-09-31--", "day_does_not_exist"),
        ("1020-T1", "year_is_out_of_range"),
        ("2021--2020", "period_ends_before_it_starts"),
    ],
)
def test_what_is_not_a_period_is_refused(text, code):
    with pytest.raises(NotAPeriod) as refused:
        parse_period(text)
    assert refused.value.code == code


@given(st.one_of(st.text(), NEARLY_PERIODS))
def test_reading_a_period_raises_nothing_but_its_own_error(text):
    try:
        period = parse_period(text)
    except NotAPeriod as refused:
        assert refused.code in NotAPeriod.codes
    else:
        assert parse_period(period.label) == period
