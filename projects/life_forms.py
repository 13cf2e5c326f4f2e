"""The forms of a project's life: taking a step, filling in what is missing, gates, effects and follow-ups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from datetime import date, datetime
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.columns import NOT_STATED, Text
from pages.forms import GroupedForm, VersionedForm, refusal_text, same_answer
from projects.effects import proposed_dates, refused_date
from projects.forms import (
    DayField,
    PlainText,
    ProjectForm,
    UnitField,
    check_together,
    managers,
    owning_units,
    participating_units,
    stands,
    write_answer,
)
from projects.gates import MESSAGES as GATE_MESSAGES
from projects.gates import evidence_of
from projects.life import NEEDS_A_COMMENT, Need, Problem, needs
from projects.models import EffectFollowUp, Funder, GateKind, Project, ProjectGate, State
from projects.registry import book_under
from projects.texts import longest
from strategy import history
from strategy.models import Document, Person
from strategy.permissions import Reader
from values.errors import Refused
from values.precision import Precision, parse_partial_date


class DaysField(forms.CharField):
    """Days with a comma or a space between: "2027-11-30, 2029-11-30" → a list of dates."""

    widget = forms.TextInput(attrs={"autocomplete": "off"})

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(day.isoformat() for day in value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return list(value)
        days: list[date] = []
        for word in re.split(r"[,;\s]+", str(value or "").strip()):
            if not word:
                continue
            try:
                read = parse_partial_date(word)
            except Refused as refused:
                raise ValidationError(refusal_text(refused), code=refused.code) from None
            if read.precision != Precision.DAY:
                raise ValidationError(
                    _("Give the day too, for example %(day)s.") % {"day": read.first.isoformat()},
                    code="month_alone",
                )
            days.append(read.first)
        return days

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        pass


class PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Somebody with an assignment in the municipality."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            Person.objects.none(),
            empty_label=NOT_STATED,
            error_messages={"invalid_choice": GATE_MESSAGES["done_by_works_here"]},
            **kwargs,
        )


def _past_day(form: forms.BaseForm, name: str, reader: Reader, message: str) -> date | None:
    day: date | None = form.cleaned_data.get(name)
    if day is not None and day > reader.today:
        raise ValidationError(message, code="future")
    return day


# --- the effects -----------------------------------------------------------------------------------------


class EffectsForm(GroupedForm, VersionedForm, forms.Form):
    """What the project was to bring and brought; none of it has to be known yet."""

    groups: ClassVar[Sequence[Any]] = [
        (gettext_lazy("What it is for"), ["link_to_operations", "expected_effect"]),
        (
            gettext_lazy("What came of it"),
            ["final_reported_on", "achieved_effect", "kept_up", "kept_up_by"],
            gettext_lazy("Asked for when the final report is handed in."),
        ),
        (gettext_lazy("Why"), ["reason"]),
    ]
    link_to_operations = ProjectForm.base_fields["link_to_operations"]
    expected_effect = ProjectForm.base_fields["expected_effect"]
    final_reported_on = DayField(
        label=gettext_lazy("Final report handed in on"),
        required=False,
        help_text=gettext_lazy("For example 2026-09-30."),
    )
    achieved_effect = PlainText(
        label=gettext_lazy("Achieved effect"),
        lines=True,
        max_length=longest("achieved_effect"),
        required=False,
        help_text=gettext_lazy("What became different, compared with what was expected."),
    )
    kept_up = PlainText(
        label=gettext_lazy("How it is kept up"),
        lines=True,
        max_length=longest("kept_up"),
        required=False,
        help_text=gettext_lazy("How the result is used from now on."),
    )
    kept_up_by = UnitField(
        label=gettext_lazy("Kept up by"),
        required=False,
        help_text=gettext_lazy("The unit that sees to it that the result is used."),
        error_messages={"invalid_choice": gettext_lazy("Choose a unit of your own municipality.")},
    )
    reason = ProjectForm.base_fields["reason"]

    names = (
        *("link_to_operations", "expected_effect", "final_reported_on"),
        *("achieved_effect", "kept_up", "kept_up_by"),
    )

    def __init__(self, *args: Any, reader: Reader, instance: Project, **kwargs: Any) -> None:
        self.reader, self.instance = reader, instance
        initial = {name: getattr(instance, name) for name in self.names} | {
            "kept_up_by": instance.kept_up_by_id
        }
        super().__init__(*args, initial=initial, **kwargs)
        _offer_kept_up_by(self, reader, instance)

    def changes_since(self, instance: Any, version: int) -> list[tuple[Text, object, str, datetime]]:
        return [*history.changes_since(instance, version, reader=self.reader)]

    def clean_final_reported_on(self) -> date | None:
        return _past_day(
            self, "final_reported_on", self.reader, _("The final report must not be dated in the future.")
        )

    def apply(self) -> Project:
        for name in self.names:
            setattr(self.instance, name, self.cleaned_data[name])
        project: Project = self.instance
        return project


def _offer_kept_up_by(form: forms.BaseForm, reader: Reader, project: Project) -> None:
    field: Any = form.fields["kept_up_by"]
    field.offer(
        participating_units(reader, [project.kept_up_by_id] if project.kept_up_by_id else []), empty=True
    )


# --- what is missing, and a step with it -----------------------------------------------------------------

_FROM_EFFECTS = ("final_reported_on", "achieved_effect", "kept_up", "kept_up_by")
# What is asked for and is not a field of the project's own.
_FREE = ("gates", "follow_ups")
# The fields of which several stand side by side.
_ROWS = (("starts", "ends"), ("own_share", "total_budget"), ("accounting", "project_number"))


class FillForm(GroupedForm, forms.Form):
    """What of the needs is missing and can be given here. Nothing has to be: what is left empty stays missing."""

    # All of it is asked for, if not at once.
    mark_optional = False

    def __init__(
        self, *args: Any, reader: Reader, project: Project, missing: Sequence[Need], **kwargs: Any
    ) -> None:
        self.reader, self.project, self.missing = reader, project, missing
        self.given = list(dict.fromkeys(name for need in missing for name in need.fields))
        self.kinds = [need.gate for need in missing if need.gate is not None]
        super().__init__(*args, initial=self._initial(kwargs.pop("initial", None) or {}), **kwargs)
        self._build()

    def _initial(self, more: dict[str, Any]) -> dict[str, Any]:
        simple = [
            name for name in self.given if name not in ("gates", "follow_ups") and hasattr(Project, name)
        ]
        return {
            **stands(self.project, simple),
            "kept_up_by": self.project.kept_up_by_id,
            "gates_by": self.reader.person.pk,
            **more,
        }

    def _build(self) -> None:
        wanted = [name for name in self.given if name not in ("gates", "follow_ups")]
        for name in wanted:
            fields = EffectsForm.base_fields if name in _FROM_EFFECTS else ProjectForm.base_fields
            self.fields[name] = deepcopy(fields[name])
            self.fields[name].required = False
        self._offer()
        if "follow_ups" in self.given:
            self.fields["follow_ups"] = DaysField(
                label=_("Days on which the effect is followed up"),
                required=False,
                help_text=self._about_follow_ups(),
            )
            wanted.append("follow_ups")
        groups: list[tuple[Any, ...]] = []
        if wanted:
            groups.append((_("What is missing"), _in_rows(wanted)))
        if self.kinds:
            self._build_gates()
            groups.append(
                (
                    _("The gates"),
                    ["gates", ("gates_on", "gates_by"), "gates_evidence"],
                    _(
                        "Where one meeting dealt with several, tick them all and say it once. "
                        "Otherwise save one at a time."
                    ),
                )
            )
        self.groups = groups  # type: ignore[misc]  # of this project, and not of all

    def _about_follow_ups(self) -> str:
        """With the days proposed: they are written by who wants them, so that nobody plans what nobody decided."""
        proposed = ", ".join(day.isoformat() for day in proposed_dates(self.project, today=self.reader.today))
        if not proposed:
            return _("One to three years after the end.")
        return _("One to three years after the end, for example %(days)s.") % {"days": proposed}

    def _build_gates(self) -> None:
        choices = [(kind.value, kind.label) for kind in self.kinds]
        self.fields["gates"] = forms.MultipleChoiceField(
            label=_("Passed"),
            choices=choices,
            required=False,
            widget=forms.CheckboxSelectMultiple,
            error_messages={"invalid_choice": _("Choose among the gates that are not passed yet.")},
        )
        self.fields["gates_on"] = DayField(
            label=_("When"), required=False, help_text=_("For example 2026-09-01.")
        )
        by: Any = PersonField(label=_("By whom"), required=False)
        by.queryset = managers(self.reader, None)
        self.fields["gates_by"] = by
        self.fields["gates_evidence"] = PlainText(
            label=_("What shows it"),
            lines=True,
            max_length=2000,
            required=False,
            help_text=_("For example “The school's management group 2026-09-01, § 4”."),
        )

    def _offer(self) -> None:
        fields: Any = self.fields
        if "owner_unit" in fields:
            fields["owner_unit"].offer(owning_units(self.reader), empty=True)
        if "project_manager" in fields:
            fields["project_manager"].queryset = managers(self.reader, self.project.project_manager_id)
        if "kept_up_by" in fields:
            _offer_kept_up_by(self, self.reader, self.project)
        if "funder" in fields:
            names = Funder.objects.order_by("name").values_list("name", flat=True)
            fields["funder"].widget.suggestions = list(names)

    def clean_gates_on(self) -> date | None:
        return _past_day(self, "gates_on", self.reader, _("A gate must not be dated in the future."))

    def clean_final_reported_on(self) -> date | None:
        return _past_day(
            self, "final_reported_on", self.reader, _("The final report must not be dated in the future.")
        )

    def clean_follow_ups(self) -> list[date]:
        days: list[date] = self.cleaned_data["follow_ups"]
        for day in days:
            if refused := refused_date(self.project, day):
                raise ValidationError(refused)
        return days

    def _filled_by_another(self) -> list[str]:
        """The labels of what was typed here and is not asked for any more, as somebody else has filled it in."""
        told = []
        for name in dict.fromkeys(name for need in needs for name in need.fields):
            if name in self.fields or name in _FREE:
                continue
            fields = EffectsForm.base_fields if name in _FROM_EFFECTS else ProjectForm.base_fields
            field: Any = fields[name]
            sent = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            own = [name] if hasattr(Project, name) else []
            stand = {**stands(self.project, own), "kept_up_by": self.project.kept_up_by_id}
            now = field.prepare_value(stand.get(name))
            if not same_answer(sent, None) and not same_answer(sent, now):
                told.append(str(field.label))
        data: Any = self.data
        if "gates" not in self.fields and hasattr(data, "getlist"):
            told += [str(GateKind(kind).label) for kind in data.getlist("gates") if kind in GateKind.values]
        if "follow_ups" not in self.fields and self._plans_anew(data.get("follow_ups", "")):
            told.append(_("Days on which the effect is followed up"))
        return told

    def _plans_anew(self, text: str) -> bool:
        try:
            days = DaysField(required=False).clean(text)
        except ValidationError:
            return True
        known = set(self.project.follow_ups.values_list("due_on", flat=True)) if days else set()
        return not known.issuperset(days)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if fallen := self._filled_by_another():
            told = _(
                "Somebody else filled this in while you had the page open: %(fields)s. What you wrote there is "
                "not saved, and what stands is seen on the project's page. Save again to keep the rest."
            )
            self.add_error(None, ValidationError(told % {"fields": ", ".join(fallen)}))
        check_together(self, cleaned)
        if cleaned.get("gates"):
            if not cleaned.get("gates_on") and "gates_on" not in self.errors:
                self.add_error("gates_on", ValidationError(_("Say when the gates were passed.")))
            if not cleaned.get("gates_by") and "gates_by" not in self.errors:
                self.add_error(
                    "gates_by", ValidationError(_("Say who saw to it that the gates were passed."))
                )
            if not cleaned.get("gates_evidence") and "gates_evidence" not in self.errors:
                self.add_error("gates_evidence", ValidationError(GATE_MESSAGES["a_gate_has_evidence"]))
        return cleaned

    @property
    def answers(self) -> dict[str, Any]:
        """What was filled in of the project's own fields: an empty box takes nothing away."""
        return {
            name: self.cleaned_data[name]
            for name in self.given
            if name not in ("gates", "follow_ups")
            and self.cleaned_data.get(name) not in (None, "")
            and name in self.changed_data
        }

    def apply(self, funder: Funder | None) -> bool:
        """Writes what was filled in into the project, unsaved; False if nothing was."""
        written = self.answers
        for name, given in written.items():
            write_answer(self.project, name, funder if name == "funder" else given)
        if "project_number" in written:
            book_under(self.project, self.project.project_number)
        return bool(written)

    @property
    def passed(self) -> list[GateKind]:
        return [GateKind(kind) for kind in self.cleaned_data.get("gates") or ()]

    @property
    def follow_ups(self) -> list[date]:
        return list(self.cleaned_data.get("follow_ups") or ())

    def tell(self, problems: Iterable[Problem]) -> None:
        """Puts what hinders beside the field that mends it, or with a link to where it is mended."""
        for problem in problems:
            names = (problem.need.fields if problem.need else ()) or (problem.field,)
            here = next((name for name in names if name in self.fields), None)
            if here is not None:
                if not self.errors.get(here) or here == "gates":
                    self.add_error(here, ValidationError(problem.text))
            elif problem.url:
                self.add_error(
                    None, ValidationError(format_html('<a href="{}">{}</a>', problem.url, problem.text))
                )
            else:
                self.add_error(None, ValidationError(problem.text))


def _in_rows(names: Sequence[str]) -> list[Any]:
    rows: list[Any] = []
    placed: set[str] = set()
    for name in names:
        if name in placed:
            continue
        row = next((row for row in _ROWS if name in row and all(one in names for one in row)), None)
        rows.append(row or name)
        placed.update(row or (name,))
    return rows


class StepForm(FillForm):
    """A step with its day and comment, and what is missing for it. Carries the state in which it was opened."""

    seen_state = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, to_state: State, **kwargs: Any) -> None:
        self.to_state = to_state
        super().__init__(*args, **kwargs)

    def _initial(self, more: dict[str, Any]) -> dict[str, Any]:
        return {
            **super()._initial(more),
            "on": self.reader.today,
            "seen_state": self.project.state,
        }

    def _build(self) -> None:
        super()._build()
        self.fields["on"] = DayField(label=_("When"), help_text=_("The day on which it happened."))
        self.fields["comment"] = PlainText(
            label=_("Why") if self.to_state in NEEDS_A_COMMENT else _("Comment, if there is one"),
            max_length=500,
            # Asked for together with all that is missing, and not before it.
            required=False,
        )
        self.groups = [*self.groups, (_("The step"), ["on", "comment"])]  # type: ignore[misc]


class StateForm(GroupedForm, forms.Form):
    """How far a project of unknown state has come. Carries the state in which it was opened."""

    seen_state = forms.CharField(widget=forms.HiddenInput, required=False)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        choices=[("", gettext_lazy("Choose a state")), *State.choices],
        error_messages={
            "required": gettext_lazy("Choose how far the project has come."),
            "invalid_choice": gettext_lazy("There is no such state. Choose one from the list."),
        },
    )
    reason = PlainText(
        label=gettext_lazy("How it is known"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("For example “The head of the school says so”."),
    )


class CorrectionForm(GroupedForm, forms.Form):
    """Back to a state before, with the reason. Carries the state in which it was opened."""

    seen_state = forms.CharField(widget=forms.HiddenInput, required=False)
    state = forms.ChoiceField(
        label=gettext_lazy("Back to"),
        error_messages={
            "invalid_choice": gettext_lazy(
                "A correction leads back along the project's own way. Choose one of the states."
            )
        },
    )
    reason = PlainText(
        label=gettext_lazy("Why"),
        max_length=500,
        help_text=gettext_lazy("For example “The decision concerned another project”."),
    )

    # The value by which "not stated" is chosen: an empty one would be no answer.
    UNKNOWN = "unknown"

    def __init__(self, *args: Any, states: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["state"]
        # The nearest first.
        field.choices = [
            ("", _("Choose a state")),
            *((state, State(state).label) for state in reversed(states) if state),
            *([(self.UNKNOWN, _("State not stated"))] if "" in states else []),
        ]

    def clean_state(self) -> str:
        chosen: str = self.cleaned_data["state"]
        return "" if chosen == self.UNKNOWN else chosen


# --- gates -----------------------------------------------------------------------------------------------


class EvidenceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Documents by their titles; the one that stands by its number alone to who may not read it."""

    unread: int | None = None

    def label_from_instance(self, obj: Any) -> str:
        if obj.pk == self.unread:
            return _("%(document)s, which you may not read") % {"document": history.unnamed(obj)}
        return str(obj)


class GateForm(GroupedForm, VersionedForm, forms.Form):
    """One gate: a new one, or one that stands and is corrected for a reason."""

    groups: ClassVar[Sequence[Any]] = [
        (gettext_lazy("Who and when"), [("done_on", "done_by")]),
        (
            gettext_lazy("What shows it"),
            ["evidence", "document"],
            gettext_lazy("In words, by a document, or both."),
        ),
        (gettext_lazy("Why"), ["reason"]),
    ]
    done_on = DayField(label=gettext_lazy("When"), help_text=gettext_lazy("For example 2026-09-01."))
    done_by = PersonField(label=gettext_lazy("By whom"))
    evidence = PlainText(
        label=gettext_lazy("In words"),
        lines=True,
        max_length=2000,
        required=False,
        help_text=gettext_lazy("For example “The school's management group 2026-09-01, § 4”."),
    )
    document = EvidenceField(
        Document.objects.none(),
        label=gettext_lazy("Document"),
        required=False,
        empty_label=gettext_lazy("No document"),
        error_messages={"invalid_choice": GATE_MESSAGES["gate_document_in_same_municipality"]},
    )
    reason = ProjectForm.base_fields["reason"]

    def __init__(
        self, *args: Any, reader: Reader, instance: ProjectGate, documents: Sequence[Document], **kwargs: Any
    ) -> None:
        self.reader, self.instance = reader, instance
        is_new = instance.pk is None
        initial = {
            "done_on": instance.done_on,
            "done_by": reader.person.pk if is_new else instance.done_by_id,
            "evidence": instance.evidence,
            "document": instance.document_id,
        }
        super().__init__(*args, initial=initial, **kwargs)
        by: Any = self.fields["done_by"]
        by.queryset = managers(reader, None if is_new else instance.done_by_id)
        by.empty_label = None
        if is_new:
            del self.fields["reason"]
        chosen: Any = self.fields["document"]
        kept = [instance.document] if instance.document and instance.document not in documents else []
        if kept and not evidence_of(reader, [instance]):
            chosen.unread = instance.document_id
        chosen.queryset = Document.objects.filter(pk__in=[one.pk for one in (*documents, *kept)])
        if not documents and not kept:
            del self.fields["document"]

    def changes_since(self, instance: Any, version: int) -> list[tuple[Text, object, str, datetime]]:
        return [*history.changes_since(instance, version, reader=self.reader)]

    def clean_done_on(self) -> date | None:
        return _past_day(self, "done_on", self.reader, _("A gate must not be dated in the future."))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if (
            not cleaned.get("evidence")
            and not cleaned.get("document")
            and not {"evidence", "document"} & self.errors.keys()
        ):
            self.add_error("evidence", ValidationError(GATE_MESSAGES["a_gate_has_evidence"]))
        return cleaned

    def apply(self) -> ProjectGate:
        gate: ProjectGate = self.instance
        for name in ("done_on", "done_by", "evidence"):
            setattr(gate, name, self.cleaned_data[name])
        if "document" in self.fields:
            gate.document = self.cleaned_data["document"]
        return gate


class RemoveForm(GroupedForm, VersionedForm, forms.Form):
    """Taking something away that was noted by mistake: as it was seen, and not what somebody has made of it since."""

    prefix = "remove"
    reason = PlainText(label=gettext_lazy("Why is it removed?"), max_length=500)

    def __init__(self, *args: Any, instance: ProjectGate | EffectFollowUp, **kwargs: Any) -> None:
        self.instance = instance
        super().__init__(*args, **kwargs)

    def changes_since(self, instance: Any, version: int) -> list[tuple[Text, object, str, datetime]]:
        return [*history.changes_since(instance, version)]


# --- follow-ups ------------------------------------------------------------------------------------------


class PlanForm(GroupedForm, forms.Form):
    """One more day on which the effect is followed up."""

    due_on = DayField(label=gettext_lazy("Day"), help_text=gettext_lazy("For example 2028-11-30."))

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project

    def clean_due_on(self) -> date:
        day: date = self.cleaned_data["due_on"]
        if refused := refused_date(self.project, day):
            raise ValidationError(refused)
        if self.project.follow_ups.filter(due_on=day).exists():
            raise ValidationError(_("There is a follow-up on this day already. Choose another day."))
        return day


class FollowUpForm(GroupedForm, VersionedForm, forms.Form):
    """What a follow-up found."""

    groups: ClassVar[Sequence[Any]] = [
        (gettext_lazy("The follow-up"), [("due_on", "done_on"), "done_by", "outcome", "reason"])
    ]
    due_on = DayField(label=gettext_lazy("To be followed up on"))
    done_on = DayField(
        label=gettext_lazy("Followed up on"),
        required=False,
        help_text=gettext_lazy("Empty until it is done."),
    )
    done_by = PersonField(label=gettext_lazy("Followed up by"), required=False)
    outcome = PlainText(
        label=gettext_lazy("What the follow-up found"),
        lines=True,
        max_length=4000,
        required=False,
        help_text=gettext_lazy("What remains of what the project achieved, and who uses it."),
    )
    reason = PlainText(label=gettext_lazy("Comment"), max_length=500, required=False)

    def __init__(self, *args: Any, reader: Reader, instance: EffectFollowUp, **kwargs: Any) -> None:
        self.reader, self.instance = reader, instance
        super().__init__(
            *args,
            initial={
                "due_on": instance.due_on,
                "done_on": instance.done_on,
                "done_by": instance.done_by_id,
                "outcome": instance.outcome,
            },
            **kwargs,
        )
        by: Any = self.fields["done_by"]
        by.queryset = managers(reader, instance.done_by_id)

    def changes_since(self, instance: Any, version: int) -> list[tuple[Text, object, str, datetime]]:
        return [*history.changes_since(instance, version, reader=self.reader)]

    def clean_due_on(self) -> date:
        day: date = self.cleaned_data["due_on"]
        if day != self.instance.due_on and (refused := refused_date(self.instance.project, day)):
            raise ValidationError(refused)
        return day

    def clean_done_on(self) -> date | None:
        return _past_day(self, "done_on", self.reader, _("A follow-up must not be dated in the future."))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        given = [name for name in ("done_on", "outcome") if cleaned.get(name)]
        if given and not self.errors:
            for name, told in (
                ("done_on", _("Say when the follow-up was done.")),
                ("outcome", _("Say what the follow-up found.")),
            ):
                if not cleaned.get(name):
                    self.add_error(name, ValidationError(told))
        if not given:
            cleaned["done_by"] = None
        elif cleaned.get("done_by") is None:
            cleaned["done_by"] = self.reader.person
        return cleaned

    def apply(self) -> EffectFollowUp:
        follow_up: EffectFollowUp = self.instance
        for name in ("due_on", "done_on", "done_by", "outcome"):
            setattr(follow_up, name, self.cleaned_data[name])
        return follow_up
