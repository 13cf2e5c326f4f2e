"""The form of a handover: a receiver for all, a day and a reason, and for each thing whether and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.forms import GroupedForm
from strategy.forms.organisation import DayField
from strategy.forms.responsibilities import REASON_HELP, KnownPersonChoice
from strategy.handover import Choice, Group, Held, may_close_login, receivers
from strategy.models import Person
from strategy.permissions import Reader

AS_ABOVE, NOBODY = "", "ingen"


@dataclass(frozen=True)
class Line:
    """One thing with its two fields; without them where it cannot be given on."""

    held: Held
    give: forms.BoundField | None = None
    to: forms.BoundField | None = None


class HandoverForm(GroupedForm, forms.Form):
    receiver = KnownPersonChoice(
        label=gettext_lazy("Receiver of everything below"),
        queryset=Person.objects.none(),
        required=False,
        empty_label=gettext_lazy("Chosen for each thing"),
        help_text=gettext_lazy("Another one can be chosen for each thing."),
    )
    on = DayField(
        label=gettext_lazy("The receiver's first day"),
        help_text=gettext_lazy(
            "For example 2026-12-01. Until the day before, everything stays as it is. Today at the earliest."
        ),
    )
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, help_text=REASON_HELP)
    close_login = forms.BooleanField(
        label=gettext_lazy("Close the login from that day"),
        required=False,
        help_text=gettext_lazy("The person can then no longer log in. The name stays in the history."),
    )

    groups = [("", ["receiver", "on", "reason"])]

    def __init__(
        self, *args: Any, reader: Reader, person: Person, held: Sequence[Group], **kwargs: Any
    ) -> None:
        self.reader, self.person, self.held = reader, person, held
        super().__init__(*args, **kwargs)
        everybody: Any = self.fields["receiver"]
        everybody.queryset = receivers(reader, person)
        self.people = {str(one.pk): one for one in everybody.queryset}
        named = [(key, everybody.label_from_instance(one)) for key, one in self.people.items()]
        if not may_close_login(reader, person):
            del self.fields["close_login"]
        for group in held:
            for one in group.held:
                if not one.may:
                    continue
                self.fields[f"give-{one.key}"] = forms.BooleanField(
                    label=one.label, required=False, initial=not one.alone
                )
                ends = [(NOBODY, _("nobody: it ends"))] if one.ends else []
                self.fields[f"to-{one.key}"] = forms.ChoiceField(
                    label=_("Receiver of %(what)s") % {"what": one.label},
                    choices=[(AS_ABOVE, _("the receiver above")), *ends, *named],
                    required=False,
                    initial=NOBODY if one.alone else AS_ABOVE,
                    error_messages={"invalid_choice": _("Choose a receiver in the list.")},
                )

    @property
    def lines(self) -> list[tuple[Group, list[Line]]]:
        """What the page shows, by kind."""
        return [
            (
                group,
                [
                    Line(one, self[f"give-{one.key}"], self[f"to-{one.key}"]) if one.may else Line(one)
                    for one in group.held
                ],
            )
            for group in self.held
        ]

    def clean_on(self) -> Any:
        on = self.cleaned_data["on"]
        if on < self.reader.today:
            raise forms.ValidationError(
                _("Choose today or a later day: what was done until now was done by who stood there.")
            )
        return on

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for_all: Person | None = cleaned.get("receiver")
        if any(name.startswith("give-") and name not in self.fields for name in self.data):
            # Another window was quicker, or somebody wrote the form by hand.
            self.add_error(
                None,
                _(
                    "Some of what you ticked is not held by %(person)s any more. Look at what is left, and send again."
                )
                % {"person": self.person},
            )
        self.choices: list[Choice] = []
        lacking: list[Held] = []
        for group in self.held:
            for one in group.held:
                to = cleaned.get(f"to-{one.key}")
                if to is None or not cleaned.get(f"give-{one.key}"):
                    continue
                receiver = None if to == NOBODY else self.people[to] if to else for_all
                if receiver is None and to != NOBODY:
                    lacking.append(one)
                else:
                    self.choices.append(Choice(one, receiver))
        if len(lacking) == 1:
            self.add_error(
                f"to-{lacking[0].key}",
                _("Choose a receiver for “%(what)s”, or one for everything above.")
                % {"what": lacking[0].label},
            )
        elif lacking and "receiver" not in self.errors:
            self.add_error(
                "receiver", _("Choose a receiver here, or one for each thing that is ticked below.")
            )
        if not self.choices and not cleaned.get("close_login") and not self.errors:
            self.add_error(None, _("Tick at least one thing to hand over."))
        return cleaned
