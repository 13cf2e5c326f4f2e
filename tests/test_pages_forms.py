"""Forms: how they are shown, how money and dates are read, and what happens when two save at once."""

import importlib
import pkgutil
import re
from contextlib import nullcontext
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from django import forms
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError
from django.db.models import CheckConstraint, Q
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.translation import override

import pages.forms
import values
from pages.forms import (
    REFUSALS,
    AmountField,
    Change,
    ConstrainedForm,
    GroupedForm,
    PartialDateField,
    VersionedForm,
    constraint_message,
    register_messages,
    saving,
)
from values.errors import Refused
from values.money import Amount, Money
from values.precision import PartialDate, Precision, parse_partial_date

NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture(autouse=True)
def _in_english():
    with override("en"):
        yield


class Report(GroupedForm, forms.Form):
    groups: ClassVar[Any] = [
        ("The project", ["title", "role"], "What you know."),
        ("Period", [("starts", "ends"), "amount"]),
    ]

    title = forms.CharField(label="Title", max_length=20, help_text="In few words.")
    role = forms.ChoiceField(
        label="Role", choices=[("owner", "Owner"), ("partner", "Partner")], widget=forms.RadioSelect
    )
    starts = PartialDateField(label="From")
    ends = PartialDateField(label="To", end=True, required=False)
    amount = AmountField(label="Amount", required=False)
    note = forms.CharField(label="Note", widget=forms.Textarea, required=False)
    agreed = forms.BooleanField(label="Agreed", required=False)
    secret = forms.CharField(widget=forms.HiddenInput, required=False)


FILLED = {
    "title": "Trygg hemma",
    "role": "owner",
    "starts": "2026-09",
    "ends": "2027",
    "amount": "ca 400 tkr",
}


def tag(html: str, ident: str) -> dict[str, str]:
    """The attributes of the element with that id."""
    found = re.search(rf'<\w+ ([^>]*\bid="{ident}"[^>]*)>', html)
    assert found, f"nothing has the id {ident}"
    return dict(re.findall(r'([\w-]+)="([^"]*)"', found[1]))


def errors_of(form: forms.BaseForm) -> dict[str, list[str]]:
    return {name: [str(error) for error in errors] for name, errors in form.errors.items()}


def read_back(form: forms.BaseForm, name: str) -> str:
    field: Any = form[name]
    return str(field.read_back)


# --- how it is shown -------------------------------------------------------------------------------------


def test_a_form_shows_its_groups_in_order_and_the_rest_after_them():
    groups = [
        (group.title, [[field.name for field in row] for row in group.rows])
        for group in Report().field_groups
    ]
    assert groups == [
        ("The project", [["title"], ["role"]]),
        ("Period", [["starts", "ends"], ["amount"]]),
        ("", [["note"], ["agreed"]]),
    ]


def test_a_group_is_a_fieldset_with_its_title_as_legend_and_its_help():
    html = str(Report())
    assert re.findall(r"<legend>([^<]+)", html) == ["The project", "Role", "Period"]
    assert '<p class="help">What you know.</p>' in html


def test_a_field_that_the_form_has_dropped_is_passed_over():
    form = Report()
    del form.fields["role"]
    assert [[field.name for row in group.rows for field in row] for group in form.field_groups] == [
        ["title"],
        ["starts", "ends", "amount"],
        ["note", "agreed"],
    ]


def test_a_group_whose_fields_are_all_dropped_is_not_shown():
    form = Report()
    for name in ("title", "role"):
        del form.fields[name]
    assert [group.title for group in form.field_groups] == ["Period", ""]


def test_a_misspelt_field_in_a_group_is_an_error():
    class Wrong(Report):
        groups: ClassVar[Any] = [("The project", ["titel"])]

    with pytest.raises(ImproperlyConfigured, match=r"Wrong\.groups names unknown fields: titel\."):
        _ = Wrong().field_groups


def test_optional_fields_say_so_and_required_ones_do_not():
    labels = re.findall(r"<label[^>]*>(.*?)</label>", str(Report()))
    assert [label for label in labels if "optional" in label] == [
        f'{name} <span class="optional">(optional)</span>' for name in ("To", "Amount", "Note")
    ]


def test_a_form_where_everything_is_optional_may_leave_the_word_out():
    class Search(forms.Form):
        mark_optional = False
        q = forms.CharField(label="Words", required=False)

    assert "(optional)" not in str(Search())


@pytest.mark.parametrize(
    ("ident", "css"),
    [
        ("id_title", "input"),
        ("id_starts", "input input--date"),
        ("id_amount", "input input--money"),
        ("id_note", "input input--area"),
    ],
)
def test_each_kind_of_control_has_its_class(ident, css):
    assert tag(str(Report()), ident)["class"] == css


def test_the_browser_neither_refuses_nor_cuts_what_is_typed():
    html = str(Report())
    assert (" required" in html, "maxlength" in html) == (False, False)


def test_a_control_is_described_by_its_help_and_its_error():
    html = str(Report({**FILLED, "title": ""}))
    title = tag(html, "id_title")
    assert (title["aria-describedby"], title["aria-invalid"]) == ("id_title_helptext id_title_error", "true")
    assert tag(html, "id_title_error")["class"] == "error"
    assert '<span class="visually-hidden">Error:</span> Fill in “Title”.' in html


def test_the_summary_links_each_error_to_its_control_and_takes_the_focus():
    html = str(Report({"starts": "2026-13"}))
    summary = html[html.index('<div class="errors"') : html.index("<fieldset")]
    assert re.findall(r'<a href="#([^"]+)">([^<]+)</a>', summary) == [
        ("id_title", "Fill in “Title”."),
        ("id_role_0", "Choose an answer for “Role”."),
        ("id_starts", "“2026-13” has a month that does not exist. Write 01 to 12."),
    ]
    assert 'tabindex="-1" autofocus data-error-summary' in summary
    for ident in ("id_title", "id_role_0", "id_starts"):
        assert tag(html, ident)


def test_a_form_without_errors_has_no_summary():
    assert "data-error-summary" not in str(Report(FILLED))


def test_radio_buttons_stand_in_a_fieldset_that_carries_the_error():
    html = str(Report({**FILLED, "role": ""}))
    assert '<fieldset class="field field--error" aria-describedby="id_role_error">' in html
    assert '<label for="id_role_0">Owner</label>' in html


def test_what_was_typed_is_shown_as_text():
    html = str(Report({**FILLED, "title": "<b>&\"'"}))
    assert tag(html, "id_title")["value"] == "&lt;b&gt;&amp;&quot;&#x27;"


def test_a_page_whose_form_has_errors_says_so_in_its_title():
    wrong = render_to_string("layouts/screen.html", {"form": Report({})})
    right = render_to_string("layouts/screen.html", {"form": Report()})
    assert (re.findall("<title>(.*?) ", wrong), re.findall("<title>(.*?) ", right)) == (["Error:"], [""])


# --- money and dates -------------------------------------------------------------------------------------


def test_money_and_dates_are_read_as_values():
    form = Report(FILLED)
    assert form.is_valid(), form.errors
    assert {name: form.cleaned_data[name] for name in ("starts", "ends", "amount")} == {
        "starts": PartialDate(date(2026, 9, 1), date(2026, 9, 30), Precision.MONTH),
        "ends": PartialDate(date(2027, 1, 1), date(2027, 12, 31), Precision.YEAR),
        "amount": Amount(Money(Decimal("400000.00")), approximate=True),
    }


def test_how_it_was_read_is_said_back_where_it_differs_from_what_was_typed():
    form = Report({**FILLED, "starts": "20260901"})
    assert [read_back(form, name) for name in ("title", "starts", "ends", "amount")] == [
        "",
        "We read this as Sept. 1, 2026.",
        "",
        f"We read this as approximately 400{NBSP}000{NBSP}kr.",
    ]
    html = str(form)
    assert tag(html, "id_amount")["aria-describedby"] == "id_amount_read"
    assert tag(html, "id_amount")["value"] == "ca 400 tkr"


def test_the_last_day_of_a_period_is_said_to_be_included():
    form = Report({**FILLED, "ends": "sep 2027"})
    assert read_back(form, "ends") == "We read this as September 2027, up to and including Sept. 30, 2027."


def test_nothing_is_said_back_before_anything_is_sent_or_when_it_cannot_be_read():
    assert read_back(Report(), "amount") == ""
    assert read_back(Report({**FILLED, "amount": "mycket"}), "amount") == ""


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        (
            "amount",
            "mycket",
            (
                "“mycket” cannot be read as an amount. Write it as 400 000 kr, 400 tkr, 1,5 mkr or "
                "1 200 EUR, with “ca” in front if it is not exact."
            ),
        ),
        ("amount", "-5 kr", "Write an amount that is not below zero."),
        (
            "starts",
            "höst",
            "“höst” cannot be read as a date. Write 2026-09-01, or 2026-09 or 2026 if the day is not known.",
        ),
        ("starts", "2026-02-30", "“2026-02-30” has a day that does not exist. Check the date."),
    ],
)
def test_what_cannot_be_read_is_kept_and_answered_with_what_to_do(field, typed, says):
    form = Report({**FILLED, field: typed})
    assert errors_of(form) == {field: [says]}
    assert tag(str(form), f"id_{field}")["value"] == typed


def test_below_zero_is_taken_where_it_is_allowed():
    assert AmountField(allow_negative=True).clean("-5 kr") == Amount(Money(Decimal("-5.00")))


def test_an_empty_amount_or_date_is_none_and_not_zero():
    form = Report({**FILLED, "amount": "  ", "ends": ""})
    assert form.is_valid()
    assert (form.cleaned_data["amount"], form.cleaned_data["ends"]) == (None, None)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_what_stands_in_the_box_is_read_again_as_the_same_in_each_language(language):
    amount = Amount(Money(Decimal("1234567.50"), "EUR"), approximate=True)
    month = PartialDate.containing(date(2026, 9, 1), Precision.MONTH)
    with override(language):
        form = Report(initial={"amount": amount, "starts": month})
        shown = [str(form[name].value()) for name in ("amount", "starts")]
        assert shown == [f"ca 1{NBSP}234{NBSP}567,50{NBSP}EUR", "2026-09"]
        assert [AmountField().clean(shown[0]), PartialDateField().clean(shown[1])] == [amount, month]


def test_an_amount_written_in_another_way_is_not_a_change():
    initial = {"amount": Amount(Money(Decimal("400000.00"))), "starts": "2026-09"}
    assert Report({"amount": "400 tkr", "starts": "sep 2026"}, initial=initial).changed_data == []
    assert Report({"amount": "ca 400 tkr", "starts": "2026"}, initial=initial).changed_data == [
        "starts",
        "amount",
    ]


def test_everything_that_values_can_refuse_has_its_sentence():
    for module in pkgutil.iter_modules(values.__path__):
        importlib.import_module(f"values.{module.name}")
    assert {code for kind in Refused.__subclasses__() for code in kind.codes} == REFUSALS.keys()


# --- two people at once ----------------------------------------------------------------------------------

WHEN = datetime(2026, 11, 20, 12, 5, tzinfo=UTC)


class Chosen(GroupedForm, forms.Form):
    role = forms.ChoiceField(label="Role", choices=[("owner", "Owner")])
    kinds = forms.MultipleChoiceField(label="Kinds", choices=[("eu", "EU")])
    own = forms.ChoiceField(choices=[("a", "A")], error_messages={"invalid_choice": "Our own."})


def test_a_choice_that_is_not_in_the_list_is_told_in_one_sentence_with_its_label():
    form = Chosen({"role": "emperor", "kinds": ["un"], "own": "b"})
    assert errors_of(form) == {
        "role": ["Choose another answer for “Role”: this one is not in the list."],
        "kinds": ["Choose another answer for “Kinds”: this one is not in the list."],
        "own": ["Our own."],
    }


class Rename(VersionedForm, forms.Form):
    title = forms.CharField(label="Title")

    def __init__(self, *args: Any, instance: Any, **kwargs: Any) -> None:
        self.instance = instance
        super().__init__(*args, **kwargs)

    def changes_since(self, instance, version):
        return [("Total budget", f"saved after {version}", "Eva Ek", WHEN)]


def opened(version: int | None = 3, pk: int | None = 7) -> Any:
    return SimpleNamespace(pk=pk, version=version)


def test_a_form_carries_the_version_it_was_opened_with():
    assert tag(str(Rename(instance=opened())), "id_version")["value"] == "3"


def test_a_new_object_has_no_version():
    assert "version" not in Rename(instance=opened(pk=None, version=0)).fields


def test_saving_what_nobody_else_changed_goes_through_and_the_version_is_not_a_value():
    form = Rename({"title": "New", "version": "3"}, instance=opened())
    assert form.is_valid()
    assert form.cleaned_data == {"title": "New"}


def test_a_collision_shows_what_the_other_saved_keeps_what_was_typed_and_lets_one_save_again():
    form = Rename({"title": "Mine", "version": "2"}, instance=opened())
    assert errors_of(form) == {
        "__all__": [
            (
                "Eva Ek changed this at 13:05 on Nov. 20, 2026, while you had the page open. "
                "Compare, then save again if yours should stand."
            )
        ]
    }
    assert form.collision is not None
    assert form.collision.changes == (Change("Total budget", "saved after 2", "Eva Ek", WHEN),)
    html = str(form)
    assert (tag(html, "id_title")["value"], tag(html, "id_version")["value"]) == ("Mine", "3")
    assert '<a href="#collision">' in html
    assert re.search(r"<dt>Total budget</dt>\s*<dd>saved after 2 <small>Eva Ek", html)
    again = Rename({"title": "Mine", "version": tag(html, "id_version")["value"]}, instance=opened())
    assert again.is_valid()


def test_data_that_may_not_be_changed_is_copied_to_carry_the_new_version():
    form = Rename(QueryDict("title=Mine&version=2"), instance=opened())
    assert not form.is_valid()
    assert form["version"].value() == "3"


@pytest.mark.parametrize("sent", [{}, {"version": ""}, {"version": "x"}, {"version": "-1"}, {"version": "²"}])
def test_a_form_that_has_lost_its_version_is_a_collision_and_not_a_save(sent):
    form = Rename({"title": "Mine", **sent}, instance=opened())
    assert errors_of(form) == {
        "__all__": [
            "This was changed while you had the page open. Compare with what stands, then save again."
        ]
    }
    assert form["version"].value() == "3"


class Corrected(VersionedForm, forms.Form):
    title = forms.CharField(label="Title")
    summary = forms.CharField(label="Summary", widget=forms.Textarea, required=False)
    funder = forms.CharField(label="Funder", required=False)
    units = forms.MultipleChoiceField(label="Units", choices=[(n, n) for n in "123"], required=False)
    agreed = forms.BooleanField(label="Agreed", required=False)
    ends = PartialDateField(label="Ends", required=False)

    def __init__(self, *args: Any, instance: Any, **kwargs: Any) -> None:
        self.instance = instance
        super().__init__(*args, initial=instance.stands, **kwargs)

    def changes_since(self, instance, version):
        return []


STOOD = {"title": "Trygg", "summary": "En\nTvå", "funder": "", "units": [1, 2], "agreed": False, "ends": None}


def filled(form: forms.BaseForm, **typed: Any) -> QueryDict:
    """What a browser sends of the page, with what was typed on it."""
    data = QueryDict(mutable=True)
    for field in form:
        value = typed.get(field.name, field.value())
        if field.name == "summary":
            value = value.replace("\n", "\r\n")
        if value is not False:
            data.setlist(field.name, value if isinstance(value, list) else [value or ""])
    return data


def test_what_was_left_as_it_was_opened_takes_what_others_saved_and_saving_again_puts_nothing_back():
    mine = SimpleNamespace(pk=7, version=1, stands=STOOD)
    data = filled(Corrected(instance=mine), title="Tryggare", units=["3"])
    ends = parse_partial_date("2027-08")
    theirs = {
        "title": "Trygghet",
        "summary": "Tre",
        "funder": "Tillväxtverket",
        "units": [2],
        "agreed": True,
        "ends": ends,
    }
    now = SimpleNamespace(pk=7, version=2, stands=theirs)
    form = Corrected(data, instance=now)
    assert not form.is_valid()
    again = Corrected(filled(form), instance=now)
    assert again.is_valid()
    assert again.cleaned_data == {**theirs, "title": "Tryggare", "units": ["3"]}
    # And what they emptied is not filled in again, also of a later collision.
    last = SimpleNamespace(pk=7, version=3, stands=STOOD)
    form = Corrected(filled(form), instance=last)
    assert not form.is_valid()
    form = Corrected(filled(form), instance=last)
    assert form.is_valid()
    assert form.cleaned_data == {**STOOD, "title": "Tryggare", "units": ["3"], "summary": "En\r\nTvå"}


@pytest.mark.parametrize("prints", ["", "x", "[]", "7", '{"title": 7}'])
def test_a_page_that_does_not_say_what_it_was_opened_with_keeps_all_that_was_typed(prints):
    mine, now = (SimpleNamespace(pk=7, version=version, stands=STOOD) for version in (1, 2))
    data = filled(Corrected(instance=mine), summary="Min", opened=prints)
    form = Corrected(data, instance=now)
    assert not form.is_valid()
    assert (form["summary"].value(), form["title"].value()) == ("Min", "Trygg")


def test_a_form_with_a_prefix_carries_its_version_too():
    form = Rename({"a-title": "Mine", "a-version": "1"}, instance=opened(), prefix="a")
    assert not form.is_valid()
    assert form["version"].value() == "3"


# --- what the database refuses ---------------------------------------------------------------------------


@pytest.fixture
def messages(monkeypatch):
    monkeypatch.setattr(pages.forms, "_messages", {})
    register_messages(
        {"ends_after_it_starts": "Write an end after the start.", "one_at_a_time": "There is one already."},
        fields={"ends_after_it_starts": "ends"},
    )


def save_and_be_refused(form: forms.BaseForm, name: str) -> None:
    with saving(form):
        raise refused(name)


def refused(name: str | None) -> IntegrityError:
    error = IntegrityError("refused")
    cause = Exception()
    cause.diag = SimpleNamespace(constraint_name=name)  # type: ignore[attr-defined]
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("name", "says"),
    [("one_at_a_time", "There is one already."), ("something_else", None), (None, None)],
)
def test_a_constraint_is_known_by_its_name(messages, name, says):
    assert constraint_message(refused(name)) == says


def test_an_error_without_a_cause_has_no_message(messages):
    assert constraint_message(IntegrityError("?")) is None


def test_a_constraint_has_one_message(messages):
    with pytest.raises(ValueError, match="have a message already: one_at_a_time"):
        register_messages({"one_at_a_time": "Again."})


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ends_after_it_starts", {"ends": ["Write an end after the start."]}),
        ("one_at_a_time", {"__all__": ["There is one already."]}),
    ],
)
def test_what_the_database_refuses_becomes_an_error_of_the_form(messages, monkeypatch, name, says):
    monkeypatch.setattr("django.db.transaction.atomic", nullcontext)
    form = Report(FILLED)
    assert form.is_valid()
    save_and_be_refused(form, name)
    assert (errors_of(form), form.is_valid()) == (says, False)


def test_a_refusal_without_a_message_is_not_swallowed(messages, monkeypatch):
    monkeypatch.setattr("django.db.transaction.atomic", nullcontext)
    with pytest.raises(IntegrityError):
        save_and_be_refused(Report(FILLED), "something_else")


def test_a_constraint_that_the_form_itself_finds_broken_says_the_same_sentence(messages):
    class Plain(ConstrainedForm, forms.ModelForm):
        ends = forms.CharField()

        class Meta:
            model = ContentType
            fields: ClassVar[Any] = []

    known, unknown = (
        CheckConstraint(condition=Q(pk__gt=0), name=name) for name in ("ends_after_it_starts", "other")
    )
    form: Any = Plain({"ends": "x"})
    form._errors, form.cleaned_data = ErrorDict(), {"ends": "x"}
    form.instance = SimpleNamespace(get_constraints=lambda: [(ContentType, [known, unknown])])
    form._meta.error_messages = None
    form._update_errors(
        ValidationError({"__all__": [each.get_violation_error_message() for each in (known, unknown)]})
    )
    assert errors_of(form) == {
        "ends": ["Write an end after the start."],
        "__all__": ["Constraint “other” is violated."],
    }


# --- the style guide -------------------------------------------------------------------------------------


def test_the_style_guide_shows_every_component_to_anybody(rf):
    from pages.styleguide import styleguide

    answer = styleguide(rf.get("/styleguide/"))
    html = answer.content.decode()
    classes = {name for found in re.findall(r'class="([^"]*)"', html) for name in found.split()}
    assert {
        "figures",
        "facts",
        "todo",
        "history",
        "life",
        "next",
        "note",
        "empty",
        "progress",
        "errors",
    } <= classes
    assert {
        "table",
        "cards",
        "chips",
        "message",
        "read-back",
        "mark--warn",
        "mark--stop",
        "missing",
    } <= classes
    idents = re.findall(r'\bid="([^"]+)"', html)
    assert sorted(idents) == sorted(set(idents))


def test_the_style_guide_is_read_only(rf):
    from pages.styleguide import styleguide

    assert styleguide(rf.post("/styleguide/")).status_code == 405


def test_no_page_has_a_style_or_script_of_its_own(rf):
    from pages.styleguide import styleguide

    html = styleguide(rf.get("/styleguide/")).content.decode()
    assert re.findall(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\bsrc=)", html) == []


@pytest.mark.parametrize("name", ["400", "403", "404", "500", "403_csrf", "429", "503"])
def test_an_error_page_needs_nothing_but_itself(name):
    html = render_to_string(f"{name}.html")
    assert re.search(r"<h1>[^<]+</h1>", html)
    assert "<form" not in html
