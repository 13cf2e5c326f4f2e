"""Forms of the organisation: the municipality's facts, its units, their names and the boards they serve."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.forms import ConstrainedForm, GroupedForm, PartialDateField, Text, VersionedForm, refusal_text
from strategy import history
from strategy.forms.responsibilities import DAYS_HELP, REASON_HELP, last_day
from strategy.models import (
    BoardService,
    Municipality,
    MunicipalityKind,
    MunicipalityMember,
    Population,
    Unit,
    UnitKind,
    UnitName,
)
from strategy.organisation import (
    MESSAGES,
    NoMembers,
    NotYetRenamed,
    UnitsBelow,
    mail_domain_of,
    none_stands_below,
    visible_units,
)
from strategy.permissions import Reader
from values.errors import Refused
from values.organisation_number import parse_organisation_number
from values.text import fold


class OrganisationNumberField(forms.CharField):
    """ "2120000530" → "212000-0530"; empty → None, since two without a number are not the same."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=gettext_lazy("Organisation number"), required=False, empty_value=None, **kwargs
        )

    def clean(self, value: Any) -> str | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_organisation_number(text)
        except Refused as refused:
            raise ValidationError(refusal_text(refused), code=refused.code) from None


class DayField(PartialDateField):
    """A day of a model: of a month the first day, or with `end` the last."""

    def clean(self, value: Any) -> Any:
        read = super().clean(value)
        return None if read is None else (read.last if self.end else read.first)

    def prepare_value(self, value: Any) -> Any:
        return value.isoformat() if hasattr(value, "isoformat") else super().prepare_value(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.clean(data))
        except ValidationError:
            return True

    def read_back(self, value: Any) -> str:
        # What a month means is said in the help; the day itself needs no echo.
        return ""


class _VersionedModelForm(VersionedForm, GroupedForm, ConstrainedForm, forms.ModelForm):  # type: ignore[type-arg]
    def changes_since(self, instance: Any, version: int) -> Sequence[tuple[Text, object, str, datetime]]:
        return history.changes_since(instance, version)


class MunicipalityForm(_VersionedModelForm):
    """The facts of a municipality; a new one, or one that stands (then with a reason)."""

    organisation_number = OrganisationNumberField(help_text=gettext_lazy("For example 212000-0530."))
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, help_text=REASON_HELP)

    groups = [("", ["name", "code", "kind", "organisation_number", "reason"])]

    class Meta:
        model = Municipality
        fields = ["name", "code", "kind", "organisation_number"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            del self.fields["reason"]

    def clean_code(self) -> str | None:
        return self.cleaned_data["code"] or None


class ArmsForm(GroupedForm, forms.Form):
    """The picture on the covers of reports."""

    picture = forms.FileField(
        label=gettext_lazy("Picture"),
        help_text=gettext_lazy(
            "PNG or JPEG, at most 2 MB. It stands on the cover of reports instead of the name."
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg"}),
    )
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, help_text=REASON_HELP)


class MailDomainForm(GroupedForm, forms.Form):
    """What stands after @ in the municipality's own addresses."""

    domain = forms.CharField(
        label=gettext_lazy("Mail domain"),
        max_length=100,
        help_text=gettext_lazy(
            "What stands after @ in your own work address, for example sjostad.se, or one below it, such as "
            "skola.sjostad.se, which is added by itself. Any other is added by who runs the installation."
        ),
    )

    def clean_domain(self) -> str:
        domain = mail_domain_of(self.cleaned_data["domain"])
        if not domain:
            raise ValidationError(MESSAGES["mail_domain_is_a_domain"])
        return domain


class RemoveMailDomainForm(GroupedForm, forms.Form):
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, help_text=REASON_HELP)


class ReportsByMailForm(GroupedForm, forms.Form):
    """Switching on or off: `takes` says which of them the page offered, whatever stands by now."""

    takes = forms.ChoiceField(choices=[("on", "on"), ("off", "off")], widget=forms.HiddenInput)
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, help_text=REASON_HELP)


class PopulationForm(GroupedForm, ConstrainedForm, forms.ModelForm):  # type: ignore[type-arg]
    """A year's figure. A year that stands already is corrected, with a reason: it is the same fact."""

    reason = forms.CharField(
        label=gettext_lazy("Why"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("Needed when the year stands already. Stands in the history."),
    )

    groups = [("", ["year", "inhabitants", "source", "reason"])]

    class Meta:
        model = Population
        fields = ["year", "inhabitants", "source"]
        widgets = {
            "year": forms.TextInput(attrs={"class": "input--date", "inputmode": "numeric"}),
            "inhabitants": forms.TextInput(attrs={"class": "input--date", "inputmode": "numeric"}),
        }

    def __init__(self, *args: Any, reader: Reader, **kwargs: Any) -> None:
        self.municipality = reader.municipality
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        year = cleaned.get("year") or 0
        stands = Population.objects.filter(municipality=self.municipality, year=year).exists()
        if stands and not cleaned.get("reason") and "reason" not in self.errors:
            self.add_error("reason", _("The figure of this year stands already. Say why it is corrected."))
        return cleaned

    def clean_year(self) -> int:
        year: int = self.cleaned_data["year"]
        if not 1900 <= year <= 2199:
            raise ValidationError(str(MESSAGES["population_year_is_a_year"]))
        return year


class MemberForm(GroupedForm, ConstrainedForm, forms.ModelForm):  # type: ignore[type-arg]
    """A member of a region, federation or cooperation body."""

    valid_from = DayField(label=gettext_lazy("From"))
    valid_to = DayField(label=gettext_lazy("To and including"), end=True, required=False)

    groups = [("", ["member", ("valid_from", "valid_to")], DAYS_HELP)]

    class Meta:
        model = MunicipalityMember
        fields = ["member", "valid_from", "valid_to"]

    def __init__(self, *args: Any, reader: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.municipality = reader.municipality
        self.initial["valid_from"] = reader.today
        member: Any = self.fields["member"]
        member.label = _("Member")
        member.queryset = Municipality.objects.exclude(pk=reader.municipality.pk)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.municipality.kind == MunicipalityKind.MUNICIPALITY:
            self.add_error(None, str(NoMembers()))
        return cleaned


class UnitForm(_VersionedModelForm):
    """A unit, new or standing. A new name keeps the old one as a former name.

    A standing unit gets its last day on the page that ends it; here a last day can be corrected or taken away.
    """

    valid_from = DayField(label=gettext_lazy("From"))
    valid_to = DayField(label=gettext_lazy("To and including"), end=True, required=False)
    renamed_on = DayField(
        label=gettext_lazy("A new name applies from"),
        required=False,
        help_text=gettext_lazy(
            "Only if you change the name: the old one is kept as a former name until then."
        ),
    )
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, help_text=REASON_HELP)

    groups = [
        ("", ["name", "renamed_on", "kind", "parent", "is_executive_board"]),
        (gettext_lazy("When"), [("valid_from", "valid_to")], DAYS_HELP),
        ("", ["reason"]),
    ]

    class Meta:
        model = Unit
        fields = ["name", "kind", "parent", "is_executive_board", "valid_from", "valid_to"]

    def __init__(self, *args: Any, reader: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today, self.name_before = reader.today, self.instance.name
        self.instance.municipality = reader.municipality
        parent: Any = self.fields["parent"]
        today = visible_units(reader).valid_on(reader.today)  # type: ignore[attr-defined]
        # A unit that stands below an ended one is saved there until it is moved.
        parent.queryset = (
            visible_units(reader)
            .filter(Q(pk__in=today.values("pk")) | Q(pk=self.instance.parent_id))
            .exclude(pk=self.instance.pk)
        )
        parent.empty_label = _("No other unit: stands by itself")
        self.fields["renamed_on"].initial = reader.today
        if self.instance.pk is None:
            self.initial["valid_from"] = reader.today
            del self.fields["reason"], self.fields["renamed_on"]
        elif self.instance.valid_to is None or (self.is_bound and "valid_to" not in self.data):
            # Nor does a page that was opened while the unit stood take away the last day it has got since.
            del self.fields["valid_to"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        renamed_on = cleaned.get("renamed_on")
        if (
            renamed_on is not None
            and renamed_on > self.today
            and fold(cleaned.get("name", "")) != fold(self.name_before)
        ):
            self.add_error("renamed_on", str(NotYetRenamed()))
        last = cleaned.get("valid_to")
        # Read before cleaning writes the day into the instance.
        if self.instance.pk is not None and last is not None and last != self.instance.valid_to:
            try:
                none_stands_below(self.instance, last)
            except UnitsBelow as refused:
                self.add_error("valid_to", str(refused))
        return cleaned


class EndUnitForm(GroupedForm, forms.Form):
    """The last day of a unit and why."""

    last_day = PartialDateField(label=gettext_lazy("Last day"), end=True)
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, help_text=REASON_HELP)

    def __init__(self, *args: Any, unit: Unit, **kwargs: Any) -> None:
        self.unit = unit
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        last = last_day(cleaned, "last_day")
        if last is None:
            return cleaned
        if last < self.unit.valid_from:
            self.add_error("last_day", str(MESSAGES["unit_ends_after_it_starts"]))
            return cleaned
        try:
            none_stands_below(self.unit, last)
        except UnitsBelow as refused:
            self.add_error(None, str(refused))
        return cleaned


class UnitNameForm(GroupedForm, ConstrainedForm, forms.ModelForm):  # type: ignore[type-arg]
    """A former name or another name of a unit."""

    until = DayField(
        label=gettext_lazy("Until"),
        end=True,
        required=False,
        help_text=gettext_lazy("For a former name: the last day it was used, if known."),
    )

    groups = [("", ["name", "kind", "until"])]

    class Meta:
        model = UnitName
        fields = ["name", "kind", "until"]

    def __init__(self, *args: Any, unit: Unit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.unit, self.instance.municipality_id = unit, unit.municipality_id


class BoardServiceForm(GroupedForm, ConstrainedForm, forms.ModelForm):  # type: ignore[type-arg]
    """Which board a unit serves, from a day."""

    valid_from = DayField(label=gettext_lazy("From"))
    valid_to = DayField(label=gettext_lazy("To and including"), end=True, required=False)

    groups = [("", ["board", ("valid_from", "valid_to")], DAYS_HELP)]

    class Meta:
        model = BoardService
        fields = ["board", "valid_from", "valid_to"]

    def __init__(self, *args: Any, reader: Reader, unit: Unit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.unit, self.instance.municipality = unit, reader.municipality
        self.initial["valid_from"] = reader.today
        board: Any = self.fields["board"]
        board.label = _("Board")
        board.queryset = visible_units(reader).filter(kind=UnitKind.BOARD).exclude(pk=unit.pk)


class EndServiceForm(GroupedForm, forms.Form):
    last_day = PartialDateField(label=gettext_lazy("Last day"), end=True)
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, help_text=REASON_HELP)

    def __init__(self, *args: Any, service: BoardService, **kwargs: Any) -> None:
        self.service = service
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        last = last_day(cleaned, "last_day")
        if last is not None and last < self.service.valid_from:
            self.add_error("last_day", str(MESSAGES["board_service_ends_after_it_starts"]))
        return cleaned


class AdministratorForm(GroupedForm, forms.Form):
    """The first administrator of a municipality, named by who runs the installation."""

    email = forms.EmailField(label=gettext_lazy("Work e-mail"), max_length=254)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
