"""Forms about the groups of a project: the group, its members, its meetings, and ending or taking away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Case, F, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.columns import NOT_STATED
from pages.forms import ConstrainedForm, GroupedForm, Text, VersionedForm
from projects.documents import choosable
from projects.forms import PlainText, UnitField, managers
from projects.groups import MESSAGES, sits_already
from projects.models import GroupKind, GroupMeeting, GroupMember, ProjectGroup
from strategy import history
from strategy.documents import ACCEPTED, TAKEN, too_large
from strategy.forms.documents import ExactDayField
from strategy.forms.organisation import DayField
from strategy.forms.responsibilities import DAYS_HELP, REASON_HELP, PersonChoice
from strategy.models import Assignment, Document, DocumentKind, Person, Unit
from strategy.permissions import Reader


def _why(**kwargs: Any) -> PlainText:
    return PlainText(label=gettext_lazy("Why"), max_length=500, help_text=REASON_HELP, **kwargs)


class _StandingForm(VersionedForm, GroupedForm, ConstrainedForm, forms.ModelForm):  # type: ignore[type-arg]
    """A new row, or one that stands: then with the version it was opened with and a reason."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            del self.fields["reason"]

    def changes_since(self, instance: Any, version: int) -> Sequence[tuple[Text, object, str, datetime]]:
        return history.changes_since(instance, version, reader=getattr(self, "reader", None))

    @property
    def why(self) -> str:
        return str(self.cleaned_data.get("reason", ""))


class GroupForm(_StandingForm):
    name = PlainText(
        label=gettext_lazy("Name"),
        max_length=150,
        required=False,
        help_text=gettext_lazy("Only if the project has several groups of the kind."),
    )
    task = PlainText(
        label=gettext_lazy("Task"),
        lines=True,
        max_length=500,
        required=False,
        help_text=gettext_lazy("What the group decides on or answers for."),
    )
    ended_on = ExactDayField(label=gettext_lazy("Ended"), required=False)
    reason = _why()

    groups = [("", ["kind", "name", "task", "ended_on", "reason"])]

    class Meta:
        model = ProjectGroup
        fields = ["kind", "name", "task", "ended_on"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind: Any = self.fields["kind"]
        kind.choices = [("", _("Choose a kind")), *GroupKind.choices]
        if self.instance.pk is None or self.instance.ended_on is None:
            # It gets its last day on the page that ends it; here a last day is corrected or taken away.
            del self.fields["ended_on"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        ended = cleaned.get("ended_on")
        if ended is not None and self.instance.meetings.filter(held_on__gt=ended).exists():
            self.add_error("ended_on", _("The group has met after this day. Choose a later one."))
        if {"kind", "name"} <= cleaned.keys():
            same = ProjectGroup.objects.filter(
                project=self.instance.project, kind=cleaned["kind"], name=cleaned["name"]
            ).exclude(pk=self.instance.pk)
            if same.exists():
                self.add_error("name", str(MESSAGES["a_group_stands_once"]))
        return cleaned


class _OfStanding(GroupedForm, VersionedForm, forms.Form):
    """About a row as it was seen: what somebody has made of it since is shown first."""

    def __init__(
        self, *args: Any, instance: ProjectGroup | GroupMember | GroupMeeting, **kwargs: Any
    ) -> None:
        self.instance = instance
        super().__init__(*args, **kwargs)

    def changes_since(self, instance: Any, version: int) -> Sequence[tuple[Text, object, str, datetime]]:
        return history.changes_since(instance, version)


class EndGroupForm(_OfStanding):
    last_day = ExactDayField(label=gettext_lazy("Last day"))
    reason = _why()


class ReasonForm(_OfStanding):
    """For what was entered by mistake."""

    reason = PlainText(
        label=gettext_lazy("What was wrong?"),
        max_length=500,
        help_text=gettext_lazy("Stands in the history, for example “Belongs to another group”."),
    )


class MemberForm(_StandingForm):
    """One of ours, by name or as a unit's seat without a name yet; or another organisation and a function."""

    person = PersonChoice(
        label=gettext_lazy("Person"),
        queryset=Person.objects.none(),
        required=False,
        empty_label=gettext_lazy("Nobody by name"),
        help_text=gettext_lazy("One of ours, with an assignment in the municipality."),
        error_messages={"invalid_choice": MESSAGES["person_works_here"]},
    )
    unit = UnitField(
        label=gettext_lazy("Unit"),
        required=False,
        help_text=gettext_lazy("Which of our units the member represents."),
        error_messages={"invalid_choice": MESSAGES["member_unit_in_same_municipality"]},
    )
    organisation = PlainText(
        label=gettext_lazy("Other organisation"),
        max_length=150,
        required=False,
        help_text=gettext_lazy(
            "Instead of a unit. People of other organisations are not named: write their function."
        ),
    )
    function = PlainText(
        label=gettext_lazy("Function"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("For example chair, or head of schools."),
    )
    starts_on = DayField(label=gettext_lazy("From"), required=False)
    ends_on = DayField(label=gettext_lazy("To and including"), end=True, required=False)
    reason = _why(required=False)

    groups = [
        (gettext_lazy("Who"), ["person", "unit", "organisation", "function"]),
        (gettext_lazy("When"), [("starts_on", "ends_on")], DAYS_HELP),
        ("", ["reason"]),
    ]

    class Meta:
        model = GroupMember
        fields = ["person", "unit", "organisation", "function", "starts_on", "ends_on"]

    def __init__(self, *args: Any, reader: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reader = reader
        person: Any = self.fields["person"]
        person.queryset = managers(reader, self.instance.person_id)
        here = Unit.objects.filter(municipality=reader.municipality).order_by("name", "pk")
        unit: Any = self.fields["unit"]
        unit.offer(list(here.valid_on(reader.today) | here.filter(pk=self.instance.unit_id)), empty=True)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if {"person", "unit", "organisation"} & self.errors.keys():
            return cleaned
        person, unit, organisation = cleaned.get("person"), cleaned.get("unit"), cleaned.get("organisation")
        if organisation and (person or unit):
            self.add_error("organisation", str(MESSAGES["a_member_is_ours_or_anothers"]))
        elif person and not unit:
            cleaned["unit"] = self._only_unit(person)
            if cleaned["unit"] is None:
                self.add_error(
                    "unit", _("Choose which unit %(person)s represents.") % {"person": person.name}
                )
        elif not unit and not organisation:
            self.add_error(
                "unit", _("Choose a unit, or write which other organisation the member represents.")
            )
        return cleaned

    def _only_unit(self, person: Person) -> Unit | None:
        """The unit that the person has an assignment for today, if it is one alone."""
        held = Assignment.objects.filter(person=person, municipality=self.reader.municipality)
        units = Unit.objects.filter(
            pk__in=held.valid_on(self.reader.today).filter(unit__isnull=False).values("unit")
        )[:2]
        return units[0] if len(units) == 1 else None

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors and sits_already(self.instance):
            self.add_error(
                None,
                _("The same member sits in the group at that time already. Change that membership instead."),
            )


class MinutesChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        dated = f", {obj.dated_on.isoformat()}" if obj.dated_on else ""
        return f"{obj.title}{dated}"


class MeetingForm(_StandingForm):
    """A meeting with its minutes: chosen among the project's documents, or sent here. The file comes last."""

    held_on = ExactDayField(label=gettext_lazy("Date"), help_text=gettext_lazy("2026-09-14"))
    subject = PlainText(label=gettext_lazy("What was dealt with"), lines=True, max_length=500, required=False)
    minutes = MinutesChoice(
        label=gettext_lazy("Minutes"),
        queryset=Document.objects.none(),
        required=False,
        empty_label=NOT_STATED,
        help_text=gettext_lazy("Among the documents of the project, or send the file below."),
    )
    reason = _why(required=False)
    file = forms.FileField(
        label=gettext_lazy("Minutes as a file"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
        allow_empty_file=True,
    )

    groups = [("", ["held_on", "subject", "reason"]), (gettext_lazy("Minutes"), ["minutes", "file"])]

    class Meta:
        model = GroupMeeting
        fields = ["held_on", "subject", "minutes"]

    def __init__(self, *args: Any, reader: Reader, was_too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reader = reader
        project = self.instance.group.project
        offered = choosable(reader, project, self.instance.minutes_id)
        kept = self.instance.minutes_id
        if kept is not None and not offered.filter(pk=kept).exists():
            # Minutes that the reader may not read stay as they are.
            del self.fields["minutes"], self.fields["file"]
            return
        minutes: Any = self.fields["minutes"]
        # Minutes first; what was taken in as something else may be minutes all the same.
        minutes.queryset = offered.order_by(
            Case(When(kind=DocumentKind.MINUTES, then=0), default=1),
            F("dated_on").desc(nulls_last=True),
            "-pk",
        )
        if not reader.can("document.add", project):
            del self.fields["file"]
            return
        self.fields["file"].help_text = _("At most %(limit)d MB. %(taken)s") % {
            "limit": settings.DOCUMENT_LIMIT // (1024 * 1024),
            "taken": TAKEN,
        }
        self.was_too_large = was_too_large

    was_too_large = False

    def clean_file(self) -> Any:
        if self.was_too_large:
            raise ValidationError(str(too_large()), code="too_large")
        return self.cleaned_data["file"]

    def clean_held_on(self) -> Any:
        day = self.cleaned_data["held_on"]
        group = self.instance.group
        if group.ended_on is not None and day > group.ended_on:
            raise ValidationError(
                _("The group ended on %(day)s. Choose a day before that.")
                % {"day": group.ended_on.isoformat()}
            )
        same = GroupMeeting.objects.filter(group=group, held_on=day).exclude(pk=self.instance.pk)
        if same.exists():
            raise ValidationError(str(MESSAGES["a_group_meets_once_a_day"]))
        return day

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        chosen = cleaned.get("minutes")
        if cleaned.get("file") and chosen is not None and chosen.pk != self.instance.minutes_id:
            self.add_error("file", _("Choose minutes in the list or send a file, not both."))
        return cleaned
