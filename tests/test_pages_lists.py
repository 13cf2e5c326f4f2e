import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import django_filters
import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser, Group
from django.db import connection
from django.template import Template
from django.test import RequestFactory
from django.test.html import parse_html
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from python_calamine import CalamineWorkbook

from pages.columns import NOT_SUMMED, Column
from pages.lists import Action, Choice, Download, QuickSelect, TableView, file_name

BARE = "<title>{% block title %}{% endblock %}</title>{% block content %}{% endblock %}"


class GroupFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Name")
    number = django_filters.NumberFilter(field_name="pk", label="Number")
    kind = django_filters.ChoiceFilter(
        label="Kind", choices=[("n", "Nämnd"), ("f", "Förvaltning")], method="by_kind"
    )
    several = django_filters.MultipleChoiceFilter(
        label="Several", choices=[("a", "Ann"), ("b", "Bo")], method="by_kind"
    )

    def by_kind(self, queryset, name, value):
        return queryset


class Groups(TableView):
    title = "Grupper i Jönköping"
    lead = "All of them."
    page_size = 2
    ordering = ["name"]
    filterset_class = GroupFilter
    primary_action = Action("Add", "/add/")
    columns = (
        Column("name", "Name", "name", row_header=True, href=lambda row: f"/groups/{row.name}/"),
        Column("length", "Length", lambda row: len(row.name), numeric=True),
    )

    def get_queryset(self):
        return Group.objects.exclude(name__startswith="secret")

    def get_now(self):
        return datetime(2026, 11, 20, 23, 30, tzinfo=UTC)

    def totals(self, queryset):
        return {"length": sum(len(group.name) for group in queryset)}

    def get_context_data(self, **context):
        # The layout has its own tests.
        return super().get_context_data(layout=Template(BARE), **context)


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def five(db):
    for name in ("Delta", "alfa", "Bravo", "Charlie", "Echo", "secret"):
        Group.objects.create(name=name)


def ask(address: str = "", view: type[TableView] = Groups, method: str = "get", headers: Any = None) -> Any:
    request = getattr(RequestFactory(headers=headers), method)(f"/groups/{address}")
    request.user = AnonymousUser()
    return view.as_view()(request)


def text(response: Any) -> str:
    return re.sub(r"[ \n]+", " ", response.content.decode()).strip()


def names(response: Any) -> list[str]:
    return [line.split(";")[0] for line in response.content.decode("utf-8-sig").splitlines()[1:]]


def test_a_page_has_its_rows_count_total_and_neighbours(five):
    page = text(ask("?page=2"))
    assert "<title>Grupper i Jönköping</title>" in page
    assert "<h1>Grupper i Jönköping</h1>" in page
    assert "All of them." in page
    assert '<a class="button" href="/add/">Add</a>' in page
    assert "Showing 3–4 of 5" in page
    assert page.count('<th scope="row"><a') == 2
    assert (
        '<th scope="row" colspan="1">All 5 rows</th><td class="num" data-label="Length"><span>25</span>'
        in page
    )
    assert '<a href="/groups/?page=1" rel="prev">Previous</a> <span>Page 2 of 3</span>' in page
    assert '<a href="/groups/?page=3" rel="next">Next</a>' in page


def test_a_page_that_is_not_there_is_the_last(db):
    for number in range(5):
        Group.objects.create(name=f"group {number}")
    assert "Showing 5–5 of 5" in text(ask("?page=99"))
    assert "Showing 1–2 of 5" in text(ask("?page=x"))


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_list_only_reads(method):
    assert ask(method=method).status_code == 405


def test_every_link_keeps_what_was_chosen(five):
    page = text(ask("?q=a&kind=n&page=2&view=wide"))
    assert 'href="/groups/?q=a&amp;kind=n&amp;view=wide&amp;page=1"' in page
    assert 'href="/groups/?q=a&amp;kind=n&amp;view=wide&amp;format=csv"' in page
    assert '<input type="hidden" name="view" value="wide">' in page
    assert 'value="a"' in page


def test_each_chosen_filter_is_a_chip_with_the_way_back(five):
    page = text(ask("?q=a&kind=f&several=a&several=b"))
    for href, label in (
        ("?kind=f&amp;several=a&amp;several=b", "Name: a"),
        ("?q=a&amp;several=a&amp;several=b", "Kind: Förvaltning"),
        ("?q=a&amp;kind=f&amp;several=b", "Several: Ann"),
        ("?q=a&amp;kind=f&amp;several=a", "Several: Bo"),
    ):
        assert f'<a class="chip" href="/groups/{href}" aria-label="Remove the filter {label}">' in page
    assert '<a href="/groups/">Remove all filters</a>' in page


def test_a_default_filter_can_be_removed(five):
    class Chosen(Groups):
        def get_filter_data(self):
            data = self.request.GET.copy()
            data.setdefault("q", "alfa")
            return data

    assert '<a class="chip" href="/groups/?q=" aria-label="Remove the filter Name: alfa">' in text(
        ask(view=Chosen)
    )
    assert "Showing 1–2 of 5" in text(ask("?q=", view=Chosen))


def test_a_filter_that_cannot_be_used_says_so_and_shows_no_row(five):
    response = ask("?number=many&q=alfa")
    page = text(response)
    assert response.status_code == 200
    assert '<a href="#id_number">Number: Enter a number.</a>' in page
    assert "alfa</a>" not in page
    assert 'value="many"' in page
    assert "format=csv" not in page
    assert "There is nothing" not in page


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        (
            "?number=many&format=csv",
            "The file was not made, since a filter cannot be used. Number: Enter a number.",
        ),
        ("?format=doc", "There is no such format. Choose one of these: xlsx, csv, json."),
    ],
)
def test_a_file_that_cannot_be_made_is_refused_with_a_sentence(five, address, sentence):
    response = ask(address)
    assert (response.status_code, response["Content-Type"], text(response)) == (
        400,
        "text/plain; charset=utf-8",
        sentence,
    )


def test_an_empty_list_says_why(five):
    assert "Nothing matches what you chose." in text(ask("?q=zulu"))
    Group.objects.all().delete()
    assert "There is nothing to show here." in text(ask())


def test_htmx_gets_the_results_alone(five):
    response = ask("?q=alfa", headers={"HX-Request": "true"})
    page = text(response)
    assert page.startswith('<section id="results"')
    assert page.endswith("</section>")
    assert "alfa</a>" in page
    assert "<h1>" not in page
    assert response["Vary"] == "HX-Request"


@pytest.mark.parametrize("other", ["HX-Boosted", "HX-History-Restore-Request"])
def test_htmx_gets_the_whole_page_where_it_needs_it(five, other):
    assert "<h1>" in text(ask(headers={"HX-Request": "true", other: "true"}))


def test_a_file_holds_every_filtered_row_of_all_pages_in_order(five):
    response = ask("?format=csv&page=2")
    assert sorted(names(response)) == ["Bravo", "Charlie", "Delta", "Echo", "alfa"]
    assert names(response) == list(
        Groups().get_queryset().order_by("name", "pk").values_list("name", flat=True)
    )
    assert names(ask("?format=csv&q=LF")) == ["alfa"]
    assert response["Content-Disposition"] == (
        "attachment; filename*=utf-8''grupper-i-j%C3%B6nk%C3%B6ping-2026-11-21.csv"
    )
    assert response["Content-Type"] == "text/csv; charset=utf-8"


def test_a_workbook_has_the_columns_and_totals_of_the_screen(five):
    data = ask("?format=xlsx&q=alfa").content
    assert CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python() == [
        ["Name", "Length"],
        ["alfa", 4.0],
        ["", ""],
        ["All 1 row", 4.0],
    ]


def test_json_says_what_was_chosen(five):
    assert json.loads(ask("?format=json&q=alfa&view=wide").content) == {
        "title": "Grupper i Jönköping",
        "created": "2026-11-20T23:30:00+00:00",
        "filters": {"q": ["alfa"]},
        "columns": [{"name": "name", "label": "Name"}, {"name": "length", "label": "Length"}],
        "rows": [{"name": "alfa", "length": 4}],
        "totals": {"length": 4},
    }


def test_the_number_of_queries_does_not_grow_with_the_rows(db):
    class Plain(Groups):
        page_size = 50

        def totals(self, queryset):
            return {"length": NOT_SUMMED}

    counts = []
    for number in range(5):
        Group.objects.create(name=f"group {number}")
        if number in (0, 4):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert "group 0" in text(ask(view=Plain))
            counts.append(len(queries))
    assert counts == [2, 2]


@pytest.mark.parametrize(
    ("ordering", "names"),
    [((), ["pk"]), (["name"], ["name", "pk"]), (["-pk"], ["-pk"]), (["name", "pk"], ["name", "pk"])],
)
def test_the_order_always_ends_in_the_primary_key(ordering, names):
    view = Groups()
    view.ordering = ordering
    assert list(view.order(Group.objects.all()).query.order_by) == names


def test_a_range_is_one_chip_and_a_ticked_box_its_label(five):
    class Ranged(Groups):
        class filterset_class(django_filters.FilterSet):  # type: ignore[misc]
            length = django_filters.RangeFilter(field_name="pk", label="Length")
            ticked = django_filters.BooleanFilter(
                field_name="name", lookup_expr="isnull", label="Ticked", widget=forms.CheckboxInput
            )

    page = text(ask("?length_min=1&length_max=9&ticked=true", view=Ranged))
    assert '<a class="chip" href="/groups/?ticked=true" aria-label="Remove the filter Length: 1 – 9">' in page
    assert (
        '<a class="chip" href="/groups/?length_min=1&amp;length_max=9" aria-label="Remove the filter Ticked">'
    ) in page
    assert "Nothing matches what you chose." in page


def test_a_chosen_row_is_named_in_its_chip(five):
    class Chosen(Groups):
        class filterset_class(django_filters.FilterSet):  # type: ignore[misc]
            one = django_filters.ModelChoiceFilter(
                field_name="pk", queryset=Group.objects.all(), to_field_name="name", label="One"
            )
            many = django_filters.ModelMultipleChoiceFilter(
                field_name="name", queryset=Group.objects.all(), to_field_name="name", label="Many"
            )

    page = text(ask("?many=alfa&many=Bravo", view=Chosen))
    assert '<a class="chip" href="/groups/?many=Bravo" aria-label="Remove the filter Many: alfa">' in page
    assert '<a class="chip" href="/groups/?many=alfa" aria-label="Remove the filter Many: Bravo">' in page
    assert "Showing 1–2 of 2" in page
    assert "Select a valid choice" in text(ask("?one=nobody", view=Chosen))


def test_a_file_name_keeps_letters_and_ends_in_the_day():
    day = datetime(2026, 11, 20, tzinfo=UTC).date()
    assert file_name("Projekt: Åre & Öland", day, "csv") == "projekt-åre-öland-2026-11-20.csv"
    assert file_name("///", day, "csv") == "medel-2026-11-20.csv"


def test_a_list_of_choices_drawn_in_python_is_as_djangos_and_escapes():
    choices = [("", "All"), ("a", '<b>"Å"</b>'), ("Group & co", [(1, "One"), ("2", "Two")])]
    attrs = {"id": "id_x", "class": "select"}
    for value in (None, "", "a", 1, "2", "gone"):
        quick = QuickSelect(attrs, choices).render("x", value)
        plain = forms.Select(attrs, choices).render("x", value)
        assert parsed(quick) == parsed(plain), value


def parsed(markup: str) -> Any:
    return parse_html(markup)


def test_a_list_offers_other_rows_where_nothing_was_found_and_says_why(five):
    class Guessing(Groups):
        def instead_of_nothing(self, filterset):
            return self.order(Group.objects.filter(name="alfa"))

        def get_notices(self):
            return ["Did you mean <these>?"]

    page = text(ask("?q=zulu", view=Guessing))
    assert "Did you mean &lt;these&gt;?" in page
    assert "Showing 1–1 of 1" in page
    assert names(ask("?q=zulu&format=csv", view=Guessing)) == ["alfa"]


def test_kept_views_and_tools_stand_as_links(five):
    class Kept(Groups):
        def get_choices(self):
            return [Choice("<Mine>", "/groups/?q=a&vy=1", True, "Karin")]

        def get_tools(self):
            return [Download("Columns", "/columns/?q=a&b")]

    page = text(ask(view=Kept))
    assert '<a href="/groups/?q=a&amp;vy=1" aria-current="page">&lt;Mine&gt;</a> <small>Karin</small>' in page
    assert '<a href="/columns/?q=a&amp;b">Columns</a>' in page


def test_filters_may_be_folded_away_until_they_are_used(five):
    class FoldedList(Groups):
        folded_filters = ("kind", "misspelt")

    assert '<details class="filters__more">' in text(ask(view=FoldedList))
    assert '<details class="filters__more" open>' in text(ask("?kind=n", view=FoldedList))
    assert "<details" not in text(ask())
