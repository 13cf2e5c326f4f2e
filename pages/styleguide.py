"""The style guide: every component, with invented contents. Open to all, since it shows nobody's data."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from pages.forms import AmountField, GroupedForm, PartialDateField
from pages.lists import Choice
from values.money import Amount, Money, parse_amount


class SampleForm(GroupedForm, forms.Form):
    """One field of each kind."""

    # Errors stand half-way down this page: its reader begins on top all the same.
    takes_focus = False
    groups = [
        (gettext_lazy("The project"), ["title", "kind", "summary", "themes", "shared"]),
        (
            gettext_lazy("Period and money"),
            [("starts", "ends"), "amount", "funder", "document"],
            gettext_lazy("What is not known yet may be left empty."),
        ),
    ]

    title = forms.CharField(label=gettext_lazy("What is the project called?"), max_length=200)
    kind = forms.ChoiceField(
        label=gettext_lazy("What is our role?"),
        choices=[("owner", gettext_lazy("Owner")), ("partner", gettext_lazy("Partner"))],
        widget=forms.RadioSelect,
    )
    summary = forms.CharField(
        label=gettext_lazy("What is it about?"),
        help_text=gettext_lazy("Two or three sentences."),
        widget=forms.Textarea,
        required=False,
    )
    themes = forms.MultipleChoiceField(
        label=gettext_lazy("What does it concern?"),
        choices=[("climate", gettext_lazy("Climate")), ("schools", gettext_lazy("Schools"))],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    shared = forms.BooleanField(label=gettext_lazy("Other municipalities take part"), required=False)
    starts = PartialDateField(label=gettext_lazy("From"))
    ends = PartialDateField(label=gettext_lazy("To"), end=True)
    amount = AmountField(label=gettext_lazy("How much do you get?"), required=False)
    funder = forms.ChoiceField(
        label=gettext_lazy("Who gives the money?"),
        choices=[("", gettext_lazy("Choose")), ("erasmus", "Erasmus+"), ("esf", "ESF+")],
    )
    document = forms.FileField(label=gettext_lazy("Decision or application"), required=False)


# As somebody filled it in: the second field is empty, the last date is wrong, the amount is read back.
_TYPED: Mapping[str, str] = {
    "example-title": "Språkcafé över gränsen",
    "example-starts": "20260801",
    "example-ends": "2026-13",
    "example-amount": "ca 400 tkr",
    "example-funder": "erasmus",
}


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    # The wrong form stands beside an untouched one: their ids must differ.
    wrong = SampleForm(dict(_TYPED), prefix="example")
    wrong.full_clean()
    return render(request, "styleguide.html", {"sample": SampleForm(), "wrong": wrong, **_samples()})


def _samples() -> dict[str, Any]:
    return {
        "crumbs": [{"label": _("Projects"), "url": "#crumbs"}, {"label": "P-2026-14"}],
        "colours": [
            "paper",
            "sheet",
            "ink",
            "ink-soft",
            "rule",
            "accent",
            "accent-wash",
            "warn",
            "stop",
            "good",
        ],
        "figures": [
            {
                "label": _("Granted to us"),
                "value": "3 812 400 kr",
                "note": _("of 40 200 000 kr"),
                "url": "#figures",
            },
            {"label": _("Booked up to and including October"), "value": "2 543 118 kr", "note": "67 %"},
            {"label": _("Asked of the funder"), "value": None},
        ],
        "facts": [
            {"label": _("Our role"), "value": _("Partner")},
            {"label": _("Project number"), "value": None},
            {"label": _("Funder"), "value": "Erasmus+", "url": "#facts"},
        ],
        "todo": [
            {
                "when": _("since 41 days"),
                "tone": "warn",
                "title": _("A project has no project number"),
                "why": _("Costs of 83 400 kr are booked without one and may be refused."),
                "action": _("Ask for a number"),
                "url": "#todo",
            },
            {
                "when": "2026-11-24",
                "tone": "stop",
                "title": _("A final report is late"),
                "why": _("The funder may ask for the money back."),
                "action": _("Write the report"),
                "url": "#todo",
            },
        ],
        "choices": [
            Choice(_("All projects"), "#views"),
            Choice("Skolor utomlands", "#views", current=True),
            Choice("ESF+", "#views", by=_("The strategist")),
        ],
        "steps": [
            {"label": _("Applied for")},
            {"label": _("Running"), "shape": "half", "current": True},
            {"label": _("Ended")},
        ],
        "points": [_("The outcome of November is missing"), _("The economist has not attested")],
        "entries": [
            {
                "when": timezone.now(),
                "who": _("The strategist"),
                "reason": _("According to the decision of the board"),
                "changes": [
                    {"label": _("Own share"), "before": None, "after": "930 000 kr"},
                    {"label": _("Ends"), "before": "2026-03", "after": "2026-09"},
                ],
            }
        ],
        "problems": [
            {
                "text": _("Row 14, column Period: “2016-13” has a month that does not exist."),
                "link": "#errors",
            }
        ],
        "exact": parse_amount("412 000 kr"),
        "about": parse_amount("ca 31 mkr"),
        "foreign": Amount(Money(parse_amount("1 200,50").money.amount, "EUR")),
        "nothing": None,
    }
