"""The forms of reporting a project and of settling a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.forms import AmountField, GroupedForm
from projects.forms import MonthOrDayField, PlainText, ProjectForm, UnitField, owning_units, project_with_id
from projects.models import Funder, Programme, Project, ReportedProject, Source
from projects.reports_in import MESSAGES, Given, Said, reporter_by_role
from strategy.document_contents import DocumentRefused, recognised, stored_name, too_large
from strategy.models import DocumentKind, Municipality, Unit, UnitKind
from strategy.permissions import Reader
from values.text import fold, squeeze

UNIT_NOT_KNOWN = gettext_lazy("I do not know")
# Nobody fills in the form sooner; and after a day the page has stood open too long to be trusted.
TOO_QUICK, TOO_OLD = timedelta(seconds=2), timedelta(hours=24)
_SALT = "projects.report_forms.opened"


class AmountWithReading(forms.TextInput):
    """A box for an amount, with a place below where it is said at once how the amount is read."""

    template_name = "projects/reports_in/amount_input.html"

    def __init__(self) -> None:
        super().__init__({"class": "input--money", "autocomplete": "off"})

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        said_in = f"{context['widget']['attrs'].get('id', name)}_said"
        context["widget"]["attrs"] |= {
            "hx-get": str(reverse_lazy("reports_in:amount")),
            "hx-trigger": "input changed delay:400ms",
            "hx-target": f"#{said_in}",
        }
        context["widget"]["said_in"] = said_in
        return context


def reporting_units(municipality: Municipality, today: Any) -> list[Unit]:
    """The units of today that may have a project: all but boards."""
    return list(
        Unit.objects.filter(municipality=municipality)
        .valid_on(today)
        .exclude(kind=UnitKind.BOARD)
        .order_by("name", "pk")
    )


def own_units(reader: Reader) -> list[Unit]:
    """The units of the reader's assignments today, each once."""
    return list({held.unit.pk: held.unit for held in reader.held if held.unit is not None}.values())


class ReportForm(GroupedForm, forms.Form):
    """A report in under a minute: only the title must be given. `units` are those to choose from, if any."""

    groups: ClassVar[Sequence[Any]] = [
        ("", ["title", "funder", "amount", ("starts", "ends"), "unit", "file"]),
    ]

    title = PlainText(
        label=gettext_lazy("What is the project called?"),
        max_length=250,
        error_messages={"required": MESSAGES["reported_project_has_a_title"]},
    )
    funder = PlainText(
        label=gettext_lazy("Who gives the money?"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("In your own words, for example Erasmus+ or the county administrative board."),
    )
    amount = AmountField(
        label=gettext_lazy("How much do you get?"),
        required=False,
        widget=AmountWithReading,
        help_text=gettext_lazy("For example ca 400 tkr, or 25 000 EUR"),
    )
    starts = MonthOrDayField(
        label=gettext_lazy("From"), required=False, help_text=gettext_lazy("2026-09-01 or 2026-09")
    )
    ends = MonthOrDayField(
        label=gettext_lazy("To"), required=False, end=True, help_text=gettext_lazy("The last day or month")
    )
    unit = UnitField(
        label=gettext_lazy("Where is the project run?"),
        required=False,
        error_messages={"invalid_choice": MESSAGES["reported_unit_in_same_municipality"]},
    )
    file = forms.FileField(
        label=gettext_lazy("The decision, the application or a letter"),
        required=False,
        allow_empty_file=True,  # said below, with what to do
        max_length=1000,
        help_text=gettext_lazy("A PDF, a picture, or a Word or Excel file"),
    )

    def __init__(
        self,
        *args: Any,
        units: Sequence[Unit],
        chosen: Unit | None = None,
        too_large: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.too_large = too_large
        if units:
            field: Any = self.fields["unit"]
            field.offer(units, empty=True, missing=UNIT_NOT_KNOWN)
            if chosen is not None:
                self.initial["unit"] = chosen.pk
        else:
            del self.fields["unit"]

    def clean_file(self) -> Given | None:
        if self.too_large:
            raise ValidationError(str(too_large()), code="too_large")
        sent = self.cleaned_data["file"]
        if not sent:
            return None
        data = sent.read()
        try:
            found = recognised(sent.name, data)
        except DocumentRefused as refused:
            raise ValidationError(str(refused), code=refused.code) from None
        return Given(stored_name(sent.name, found.extension), data, found.content_type)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        starts, ends = cleaned.get("starts"), cleaned.get("ends")
        if starts and ends and ends.last < starts.first:
            self.add_error("ends", ValidationError(MESSAGES["reported_project_ends_after_it_starts"]))
        return cleaned

    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound and self.errors and self.cleaned_data.get("file"):
            # Browsers do not send a file again by themselves.
            self.add_error("file", ValidationError(_("Choose the file again; the rest is kept.")))

    @property
    def said(self) -> Said:
        cleaned = self.cleaned_data
        return Said(
            **{name: cleaned[name] for name in ("title", "funder", "amount", "starts", "ends", "file")}
        )


# -- Without an account -----------------------------------------------------------------------------------


def opened_now(now: datetime) -> str:
    """A mark of when the page was opened, that nobody can make but us."""
    return signing.dumps(now.timestamp(), salt=_SALT)


class OpenedForm(GroupedForm, forms.Form):
    """A public form knows when it was opened: robots are quicker than people."""

    opened = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        self.initial["opened"] = opened_now(now)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        try:
            since = self.now.timestamp() - float(
                signing.loads(cleaned.get("opened", ""), salt=_SALT, max_age=TOO_OLD)
            )
        except (signing.BadSignature, ValueError, TypeError):
            self._begin_anew(_("The page had been open too long. What you wrote is kept: send it again."))
            return cleaned
        if since < TOO_QUICK.total_seconds():
            self._begin_anew(_("That was quicker than we can take it. Wait a moment and send it again."))
        return cleaned

    def _begin_anew(self, sentence: str) -> None:
        self.add_error(None, ValidationError(sentence, code="opened"))
        data: Any = self.data.copy()  # type: ignore[attr-defined]
        data[self.add_prefix("opened")] = opened_now(self.now)
        self.data = data


class AskForLinkForm(OpenedForm):
    email = forms.EmailField(
        label=gettext_lazy("Your work e-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "invalid": gettext_lazy("Write the whole address, for example name@kommun.se."),
            "max_length": gettext_lazy("Write your work address; this one is too long."),
        },
    )

    def clean_email(self) -> str:
        return squeeze(self.cleaned_data["email"]).lower()


class ReportByMailForm(ReportForm, OpenedForm):
    """The same report, with the name of who makes it."""

    groups: ClassVar[Sequence[Any]] = [
        ("", ["title", "funder", "amount", ("starts", "ends"), "unit", "file", "name"]),
    ]
    name = PlainText(
        label=gettext_lazy("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=gettext_lazy("So that whoever takes it further can ask you."),
    )


# -- Settling ---------------------------------------------------------------------------------------------

_KINDS = [
    (kind.value, kind.label)
    for kind in (
        DocumentKind.DECISION,
        DocumentKind.AGREEMENT,
        DocumentKind.APPLICATION,
        DocumentKind.LETTER,
        DocumentKind.OTHER,
    )
]


def document_kinds() -> list[tuple[str, str]]:
    """What a file that came with a report may be, as value and label, for the one-click forms."""
    return [(value, str(label)) for value, label in _KINDS]


def _kind_field() -> forms.ChoiceField:
    # Nobody has said what it is: a decision is what a need of the next step asks for.
    return forms.ChoiceField(
        label=gettext_lazy("What the file is"),
        choices=[("", gettext_lazy("Choose what the file is")), *_KINDS],
        error_messages={"required": gettext_lazy("Choose what the file is, for example a decision.")},
    )


def _without_state(row: Any) -> Any:
    return tuple(name for name in row if name != "state") if isinstance(row, tuple) else row


class CompleteReportForm(ProjectForm):
    """The register's form, filled in with what was reported."""

    groups: ClassVar[Sequence[Any]] = [
        # First what nobody has said yet; the rest is filled in.
        (gettext_lazy("How far it has come"), [("state", "document_kind")]),
        *((title, [_without_state(row) for row in rows], *rest) for title, rows, *rest in ProjectForm.groups),
    ]
    filled_opens = False
    document_kind = _kind_field()

    def __init__(self, *args: Any, reader: Reader, report: ReportedProject, **kwargs: Any) -> None:
        owner, taking_part = _owner_of(reader, report.unit)
        funder, programme = _meant(reader, report.funder)
        said = {
            "title": report.title,
            "funder": funder,
            "programme": programme,
            # What "you" get is ours, and not the whole project's.
            "own_share": report.sum,
            "starts": report.start,
            "ends": report.end,
            "owner_unit": owner.pk if owner else None,
            "units": [taking_part.pk] if taking_part else [],
            "source": Source.OWN,
            "initiated_by": reporter_by_role(report),
        }
        super().__init__(*args, reader=reader, initial=said, **kwargs)
        if report.file is None:
            del self.fields["document_kind"]
        else:
            self.fields["state"].help_text = _(
                "If the file is the funder's decision to give the money, the project is granted."
            )


def _meant(reader: Reader, said: str) -> tuple[str, str]:
    """Funder and programme of the register that are meant; else what was said, as a funder.

    People say Erasmus+ of who gives the money, which is a programme.
    """
    here = Q(municipality=reader.municipality) | Q(municipality=None)
    wanted = fold(said)
    if not wanted:
        return "", ""
    for programme in Programme.objects.filter(here).select_related("funder"):
        if fold(programme.name) == wanted:
            return (programme.funder.name if programme.funder else ""), programme.name
    known = (funder.name for funder in Funder.objects.filter(here))
    return next((name for name in known if fold(name) == wanted), said), ""


def _owner_of(reader: Reader, unit: Unit | None) -> tuple[Unit | None, Unit | None]:
    """The unit at or above the reported one that may own, and the reported one where it takes part below it."""
    if unit is None:
        return None, None
    owners = {one.pk: one for one in owning_units(reader)}
    parents = dict(Unit.objects.filter(municipality=reader.municipality).values_list("pk", "parent_id"))
    at: int | None = unit.pk
    seen: set[int] = set()
    while at is not None and at not in seen:
        if at in owners:
            return owners[at], None if at == unit.pk else unit
        seen.add(at)
        at = parents.get(at)
    return None, unit


class JoinForm(GroupedForm, forms.Form):
    """The project that the report is of: one pointed at among the similar, or by its register id."""

    project = PlainText(
        label=gettext_lazy("Register id of the project"),
        max_length=20,
        help_text=gettext_lazy("For example P-2026-14."),
    )
    kind = _kind_field()

    def __init__(self, *args: Any, reader: Reader, report: ReportedProject, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reader = reader
        if report.file is None:
            del self.fields["kind"]

    def clean_project(self) -> Project | None:
        project = project_with_id(self.reader, self.cleaned_data["project"])
        if project is not None and project.is_withdrawn:
            raise ValidationError(
                _("%(id)s is withdrawn. Choose a project that stands.") % {"id": project.register_id},
                code="withdrawn",
            )
        return project


class DeclineForm(GroupedForm, forms.Form):
    reason = PlainText(
        label=gettext_lazy("Why is it not taken into the register?"),
        max_length=500,
        help_text=gettext_lazy(
            "The person who reported it reads this, for example “The project has no external money”."
        ),
    )
