"""Forms of the page Responsibilities: giving, changing and ending an assignment. The rules are in responsibilities."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.forms import ConstrainedForm, GroupedForm, PartialDateField, Text, VersionedForm
from strategy import history
from strategy.models import Assignment, Person, Role, Unit
from strategy.permissions import Reader
from strategy.responsibilities import (
    MESSAGES,
    Somebody,
    may_change,
    may_end_on,
    may_give,
    may_shorten,
    person_id_of,
    roles_given_by,
    units_given_by,
    visible_people,
)
from values.precision import PartialDate
from values.text import fold, squeeze

DAYS_HELP = gettext_lazy("Write 2026-09-01, or 2026-09 for the whole month. Both days are included.")
REASON_HELP = gettext_lazy("Stands in the history, for example a decision or who asked for it.")


class PersonChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Two people may have the same name: the address tells them apart."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.email})"


class KnownPersonChoice(PersonChoice):
    """With a word about who has no login, as those who reported a project by mail alone."""

    def label_from_instance(self, obj: Any) -> str:
        label = super().label_from_instance(obj)
        return label if hasattr(obj, "account") else _("%(person)s, without a login") % {"person": label}


class GiveForm(GroupedForm, forms.Form):
    """Somebody known here, or a name and an address; a role, a unit and the days."""

    # What is optional depends on the other answers: the help says when.
    mark_optional = False

    groups = [
        (
            gettext_lazy("Who"),
            ["person", "email", "name", "title"],
            gettext_lazy(
                "Choose in the list. Who is not there gets a login by mail when you give the address."
            ),
        ),
        (gettext_lazy("What"), ["role", "unit", "subject"]),
        (gettext_lazy("When"), [("starts_on", "ends_on")], DAYS_HELP),
    ]

    person = KnownPersonChoice(
        label=gettext_lazy("Person"),
        queryset=Person.objects.none(),
        required=False,
        empty_label=gettext_lazy("Somebody who is not in the list"),
    )
    email = forms.EmailField(
        label=gettext_lazy("Work e-mail"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("Only for somebody who is not in the list."),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("Only for somebody who is not in the list."),
    )
    title = forms.CharField(
        label=gettext_lazy("Title"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("May be left empty."),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"))
    unit = forms.ModelChoiceField(label=gettext_lazy("Unit"), queryset=Unit.objects.none(), required=False)
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        required=False,
        max_length=100,
        help_text=gettext_lazy(
            "Only for a further contact person beside the ordinary one: what he or she answers for."
        ),
    )
    starts_on = PartialDateField(label=gettext_lazy("From"))
    ends_on = PartialDateField(
        label=gettext_lazy("To and including"),
        end=True,
        required=False,
        help_text=gettext_lazy("Empty: until further notice. An auditor always has a last day."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("May be left empty. Stands in the history, for example a decision."),
    )

    def __init__(self, *args: Any, reader: Reader, **kwargs: Any) -> None:
        self.reader = reader
        super().__init__(*args, **kwargs)
        roles = roles_given_by(reader)
        self.fields["role"].choices = [("", _("Choose")), *((role.value, role.label) for role in roles)]  # type: ignore[attr-defined]
        people: Any = self.fields["person"]
        people.queryset = (
            visible_people(reader)
            .exclude(pk=reader.person.pk)
            .select_related("account")
            .order_by("name", "pk")
        )
        unit: Any = self.fields["unit"]
        unit.queryset = units_given_by(reader, reader.today)
        everywhere = reader.units("assignment.give") is None
        unit.required = not everywhere
        unit.empty_label = _("The whole municipality") if everywhere else _("Choose")
        self.fields["starts_on"].initial = reader.today.isoformat()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        chosen, email = cleaned.get("person"), squeeze(cleaned.get("email") or "")
        if chosen is None and not {"email", "person"} & self.errors.keys():
            if not email:
                self.add_error("email", _("Choose a person in the list, or write the work e-mail."))
            elif not cleaned.get("name"):
                self.add_error("name", _("Write the person's name."))
        elif chosen is not None and email and fold(email) != fold(chosen.email):
            self.add_error(
                "email", _("You chose one person and wrote the address of another. Leave one of them empty.")
            )
        if "role" in cleaned and "unit" in cleaned and not self.errors:
            decision = may_give(self.reader, Role(cleaned["role"]), cleaned["unit"], person_id_of(self.who))
            if not decision:
                self.add_error(None, decision.reason)
        if (
            cleaned.get("role") == Role.AUDITOR
            and not cleaned.get("ends_on")
            and "ends_on" not in self.errors
        ):
            self.add_error("ends_on", str(MESSAGES["auditor_has_an_end_date"]))
        _in_order(self, cleaned)
        return cleaned

    @property
    def who(self) -> Somebody:
        return Somebody(
            known=self.cleaned_data.get("person"),
            name=self.cleaned_data.get("name", ""),
            email=self.cleaned_data.get("email", ""),
            title=self.cleaned_data.get("title", ""),
        )


def _in_order(form: forms.BaseForm, cleaned: dict[str, Any]) -> None:
    first, last = first_day(cleaned), last_day(cleaned)
    if first is not None and last is not None and last < first:
        form.add_error("ends_on", str(MESSAGES["assignment_ends_after_it_starts"]))


def _leaves_an_administrator(
    form: forms.BaseForm, assignment: Assignment, field: str, last: date | None
) -> None:
    if not (decision := may_end_on(assignment, last)):
        form.add_error(field, decision.reason)


def first_day(cleaned: dict[str, Any], name: str = "starts_on") -> date | None:
    value: PartialDate | None = cleaned.get(name)
    return None if value is None else value.first


def last_day(cleaned: dict[str, Any], name: str = "ends_on") -> date | None:
    value: PartialDate | None = cleaned.get(name)
    return None if value is None else value.last


class _StandingForm(VersionedForm, GroupedForm, forms.Form):
    """A form about an assignment that stands; it carries the version it was opened with."""

    def __init__(self, *args: Any, reader: Reader, instance: Assignment, **kwargs: Any) -> None:
        self.reader = reader
        self.instance = instance
        super().__init__(*args, **kwargs)

    def changes_since(self, instance: Any, version: int) -> Sequence[tuple[Text, object, str, datetime]]:
        return history.changes_since(instance, version)


class ChangeForm(_StandingForm):
    """New dates and subject. Who, role and unit stay: another person or role is another assignment."""

    starts_on = PartialDateField(label=gettext_lazy("From"))
    ends_on = PartialDateField(label=gettext_lazy("To and including"), end=True, required=False)
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("Only for a further contact person beside the ordinary one."),
    )
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, help_text=REASON_HELP)

    groups = [("", [("starts_on", "ends_on"), "subject", "reason"], DAYS_HELP)]

    def __init__(self, *args: Any, instance: Assignment, **kwargs: Any) -> None:
        kwargs.setdefault(
            "initial",
            {
                "starts_on": instance.starts_on.isoformat(),
                "ends_on": instance.ends_on.isoformat() if instance.ends_on else "",
                "subject": instance.subject,
            },
        )
        super().__init__(*args, instance=instance, **kwargs)
        if instance.role != Role.CONTACT_PERSON:
            del self.fields["subject"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if decision := may_change(self.reader, self.instance):
            _in_order(self, cleaned)
            _leaves_an_administrator(self, self.instance, "ends_on", last_day(cleaned))
        else:
            self.add_error(None, decision.reason)
        return cleaned


class EndForm(_StandingForm):
    """The last day and why. An own assignment may be ended too, but not later than it stands."""

    last_day = PartialDateField(
        label=gettext_lazy("Last day"),
        end=True,
        help_text=gettext_lazy(
            "The assignment is valid to the end of this day. Yesterday closes it at once."
        ),
    )
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, help_text=REASON_HELP)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        last = last_day(cleaned, "last_day")
        if last is None:
            return cleaned
        if last < self.instance.starts_on:
            self.add_error(
                "last_day",
                _("The assignment begins on %(day)s. Choose that day or a later one.")
                % {"day": self.instance.starts_on.isoformat()},
            )
        elif self.instance.ends_on is not None and last > self.instance.ends_on:
            self.add_error(
                "last_day",
                _("The assignment already ends on %(day)s. To prolong it, change its dates instead.")
                % {"day": self.instance.ends_on.isoformat()},
            )
        if not (decision := may_shorten(self.reader, self.instance)):
            self.add_error(None, decision.reason)
        _leaves_an_administrator(self, self.instance, "last_day", last)
        return cleaned


class PersonForm(VersionedForm, GroupedForm, ConstrainedForm, forms.ModelForm):  # type: ignore[type-arg]
    """What names a person. The address is the login and stays."""

    groups = [("", ["name", "title", "phone"])]

    class Meta:
        model = Person
        fields = ["name", "title", "phone"]

    def changes_since(self, instance: Any, version: int) -> Sequence[tuple[Text, object, str, datetime]]:
        return ()  # Names are not kept in the history: the form shows what stands now.


class DayFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = PartialDateField


class AssignmentFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Valid on a day (today if none is chosen), for a unit, in a role."""

    dag = DayFilter(label=gettext_lazy("Valid on the day"), method="on_day")
    enhet = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Unit"),
        field_name="unit",
        queryset=Unit.objects.none(),
        empty_label=gettext_lazy("All"),
        error_messages={"invalid_choice": gettext_lazy("Choose a unit in the list.")},
    )
    roll = django_filters.ChoiceFilter(
        label=gettext_lazy("Role"),
        field_name="role",
        choices=Role.choices,
        empty_label=gettext_lazy("All"),
        error_messages={"invalid_choice": MESSAGES["assignment_role_is_known"]},
    )

    def __init__(self, *args: Any, units: QuerySet[Unit], today: date, **kwargs: Any) -> None:
        self.units, self.today = units, today
        super().__init__(*args, **kwargs)
        self.filters["enhet"].queryset = units

    def on_day(self, queryset: QuerySet[Assignment], name: str, value: PartialDate) -> QuerySet[Assignment]:
        return queryset

    @property
    def day(self) -> date:
        """The day chosen, or today. Of a month or year its first day."""
        chosen = self.form.cleaned_data.get("dag") if self.is_valid() else None
        return chosen.first if chosen else self.today

    def filter_queryset(self, queryset: QuerySet[Assignment]) -> QuerySet[Assignment]:
        found: QuerySet[Assignment] = super().filter_queryset(queryset)
        return found.valid_on(self.day)  # type: ignore[attr-defined, no-any-return]
