"""The forms of the project pages: what is typed becomes a project, and a project becomes what is typed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, F, Func, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pages.columns import NOT_STATED, Text
from pages.forms import AmountField, GroupedForm, PartialDateField, VersionedForm
from projects.filters import tree
from projects.models import (
    Accounting,
    CoFinancingKind,
    Funder,
    Kind,
    Level,
    PartyRole,
    Programme,
    Project,
    ProjectParty,
    ProjectRole,
    ProjectShare,
    Source,
    State,
)
from projects.registry import MESSAGES
from projects.texts import TextRefused, longest, plain
from strategy import history
from strategy.models import Municipality, Person, Unit, UnitKind
from strategy.permissions import Reader
from strategy.responsibilities import may_be_chosen
from values.errors import shown
from values.periods import Period
from values.precision import PartialDate, Precision
from values.text import fold, parse_counts, squeeze

# --- fields ----------------------------------------------------------------------------------------------


class PlainText(forms.CharField):
    """Text as `plain` takes it; one line unless `lines`. What was typed is kept."""

    def __init__(self, *, lines: bool = False, **kwargs: Any) -> None:
        self.lines = lines
        if lines:
            kwargs.setdefault("widget", forms.Textarea)
        # The length and the signs are told below, in a sentence that says what to do.
        self.limit: int | None = kwargs.pop("max_length", None)
        super().__init__(**kwargs)
        self.validators = []

    def to_python(self, value: Any) -> str:
        try:
            text = plain(str(value or ""), lines=self.lines)
        except TextRefused as refused:
            raise ValidationError(str(refused), code=refused.code) from None
        if self.limit is not None and len(text) > self.limit:
            raise ValidationError(
                _("Shorten the text to %(limit)d characters. It has %(length)d now.")
                % {"limit": self.limit, "length": len(text)},
                code="max_length",
            )
        return text


class DayField(PartialDateField):
    """One day; a month or a year alone does not say when."""

    def clean(self, value: Any) -> Any:
        read = super().clean(value)
        if read is None:
            return None
        if read.precision != Precision.DAY:
            raise ValidationError(
                _("Give the day too, for example %(day)s.") % {"day": read.first.isoformat()},
                code="month_alone",
            )
        return read.first

    def prepare_value(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else super().prepare_value(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.clean(data))
        except ValidationError:
            return True

    def read_back(self, value: Any) -> str:
        # A day says itself.
        return ""


class Suggestions(forms.TextInput):
    """A text box that suggests what is known; anything else may be typed."""

    template_name = "projects/widgets/suggestions.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"autocomplete": "off", **(attrs or {})})
        self.suggestions: Sequence[str] = ()

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        list_id = f"{context['widget']['attrs'].get('id', name)}_list"
        context["widget"]["attrs"]["list"] = list_id
        context["widget"] |= {"suggestions": self.suggestions, "list_id": list_id}
        return context


class UnitField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the units given, shown in their tree."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Unit.objects.none(), **kwargs)

    def offer(self, units: Sequence[Unit], *, empty: bool, missing: Text = NOT_STATED) -> None:
        self.queryset = Unit.objects.filter(pk__in=[unit.pk for unit in units])
        choices: list[tuple[str, Any]] = list(tree(units))
        self.choices = [("", missing), *choices] if empty else choices


class UnitsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Any number of the units given, as check boxes in their tree."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Unit.objects.none(), **kwargs)

    def offer(self, units: Sequence[Unit]) -> None:
        self.queryset = Unit.objects.filter(pk__in=[unit.pk for unit in units])
        self.choices = tree(units)


def _stated(choices: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [("", NOT_STATED), *choices]


def _choice(label: Any, choices: Iterable[tuple[str, Any]], **kwargs: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=_stated(choices), required=False, **kwargs)


# --- parties, one on each line ---------------------------------------------------------------------------


def party_line(party: ProjectParty) -> str:
    """ "Nässjö kommun; SE; Partner" or "11 universitet i Europa": what `parse_parties` reads."""
    counted = f"{party.number} {party.kind}" + (f" i {party.place}" if party.place else "")
    what = party.name or counted
    role = str(PartyRole(party.role).label) if party.role else ""
    return "; ".join(part for part in (what, party.country, role) if part)


def parse_parties(text: str, standing: Iterable[ProjectParty] = ()) -> list[ProjectParty]:
    """A party on each line: a name or counts ("11 universitet"), then country and role in any order.

    A line that says what already stands, to the letter, is that party; any other spelling is a correction.
    All lines that cannot be read are told at once.
    """
    known = {party_line(party).strip(): party for party in standing}
    roles = {fold(word): role for role in PartyRole for word in (str(role.label), role.value)}
    parties: list[ProjectParty] = []
    wrong: list[ValidationError] = []
    for typed in text.split("\n"):
        if (as_it_stands := known.get(typed.strip())) is not None:
            parties.append(as_it_stands)
            continue
        if not (line := squeeze(typed)):
            continue
        what, *rest = (squeeze(cell) for cell in line.split(";"))
        country, role = "", ""
        for cell in filter(None, rest):
            if fold(cell) in roles and not role:
                role = roles[fold(cell)].value
            elif re.fullmatch(r"[A-Za-z]{2}", cell) and not country:
                country = cell.upper()
            else:
                wrong.append(
                    ValidationError(
                        _(
                            "“%(cell)s” is not a country of two letters, such as SE, "
                            "nor one of these roles: %(roles)s."
                        )
                        % {
                            "cell": shown(cell),
                            "roles": ", ".join(str(known_role.label) for known_role in PartyRole),
                        }
                    )
                )
        counts = parse_counts(what)
        if not what:
            wrong.append(ValidationError(_("Name the party first on “%(line)s”.") % {"line": shown(line)}))
        elif counts:
            parties += [
                ProjectParty(
                    kind=count.kind, number=count.number, place=count.place, country=country, role=role
                )
                for count in counts
            ]
        elif len(what) > 200:
            wrong.append(
                ValidationError(_("Shorten the party “%(line)s” to 200 characters.") % {"line": shown(what)})
            )
        else:
            parties.append(ProjectParty(name=what, country=country, role=role))
    names = [fold(party.name) for party in parties if party.name]
    if len(names) != len(set(names)):
        wrong.append(ValidationError(MESSAGES["a_party_stands_once"]))
    # Equal counts would be kept as one: 2 where 4 were meant.
    wrong += [
        ValidationError(
            _("“%(count)s” stands twice. Remove one line, or write the sum of both on one.") % {"count": line}
        )
        for line, times in Counter(party_line(party) for party in parties if not party.name).items()
        if times > 1
    ]
    if sum(party.role == PartyRole.LEAD for party in parties) > 1:
        wrong.append(ValidationError(MESSAGES["a_project_has_one_lead_partner"]))
    if wrong:
        raise ValidationError(wrong)
    return parties


# --- what may be chosen ----------------------------------------------------------------------------------


def owning_units(reader: Reader) -> list[Unit]:
    """Units that may own a project and for which the person may register one, by name. One query."""
    units = (
        Unit.objects.filter(municipality=reader.municipality)
        .valid_on(reader.today)
        .annotate(may_own=Func(F("id"), function="medel_unit_may_own", output_field=BooleanField()))
        .filter(may_own=True)
        .order_by("name", "pk")
    )
    reached = reader.units("project.register")
    return [unit for unit in units if reached is None or unit.pk in reached]


def participating_units(reader: Reader, present: Iterable[int] = ()) -> list[Unit]:
    """Units of today that may take part, and those that already do."""
    here = Unit.objects.filter(municipality=reader.municipality).order_by("name", "pk")
    today = here.valid_on(reader.today).exclude(kind=UnitKind.BOARD)
    return list(today | here.filter(pk__in=list(present)))


def managers(reader: Reader, present: int | None) -> QuerySet[Person]:
    """People with an assignment in the municipality today, and who already runs the project."""
    return Person.objects.filter(may_be_chosen(reader) | Q(pk=present)).order_by("name", "pk")


_REGISTER_ID = re.compile(r"(?:p-)?(\d{4})-(\d{1,9})", re.IGNORECASE | re.ASCII)


def project_with_id(reader: Reader, text: str) -> Project | None:
    """The municipality's own project "P-2026-14", also written 2026-14. ValidationError if there is none."""
    if not text:
        return None
    found = _REGISTER_ID.fullmatch(text)
    if found is None:
        raise ValidationError(
            _("Write the register id of the project, for example P-2026-14."), code="not_an_id"
        )
    project = Project.objects.filter(
        municipality=reader.municipality, register_year=int(found[1]), register_number=int(found[2])
    ).first()
    if project is None:
        raise ValidationError(
            _("There is no project %(id)s in the register. Check the id in the list of projects.")
            % {"id": shown(text)},
            code="no_such_project",
        )
    return project


# --- the project -----------------------------------------------------------------------------------------


# What is one field of the form and several of the project.
PAIRED = ("starts", "ends", "total_budget", "own_share")
_RESEARCH = ("research_led_by", "our_research_part", "doctoral_students")


def stands(project: Project, names: Iterable[str] = ()) -> dict[str, Any]:
    """What the project says now, as fields of these names show it, with funder, dates, amounts and relations."""
    return {
        **{name: getattr(project, name) for name in names},
        "owner_unit": project.owner_unit_id,
        "project_manager": project.project_manager_id,
        "funder": project.funder.name if project.funder else "",
        "programme": project.programme.name if project.programme else "",
        "follows": project.follows.register_id if project.follows else "",
        "part_of": project.part_of.register_id if project.part_of else "",
        "starts": project.start,
        "ends": project.end,
        "total_budget": project.budget,
        "own_share": project.share,
    }


def write_answer(project: Project, name: str, given: Any) -> None:
    """Writes the checked answer of one field into the project; it is not saved."""
    match name:
        case "starts" | "ends":
            day = None if given is None else given.last if name == "ends" else given.first
            setattr(project, f"{name}_on", day)
            setattr(project, f"{name}_precision", (given.precision if given else Precision.DAY).value)
        case "total_budget" | "own_share":
            setattr(project, name, given.money.amount if given else None)
            setattr(project, f"{name}_currency", given.money.currency if given else "SEK")
            setattr(project, f"{name}_approximate", bool(given and given.approximate))
        case _:
            setattr(project, name, given)


def check_together(form: forms.BaseForm, cleaned: Mapping[str, Any]) -> None:
    """What two answers say together; of those that the form has."""
    starts, ends = cleaned.get("starts"), cleaned.get("ends")
    if starts and ends and ends.last < starts.first:
        form.add_error("ends", ValidationError(MESSAGES["project_ends_after_it_starts"]))
    whole, own = cleaned.get("total_budget"), cleaned.get("own_share")
    if whole and own and whole.money.currency == own.money.currency and own.money > whole.money:
        form.add_error("own_share", ValidationError(MESSAGES["own_share_within_total_budget"]))
    if cleaned.get("accounted_by") and cleaned.get("accounting") not in {Accounting.ELSEWHERE, None}:
        form.add_error("accounted_by", ValidationError(MESSAGES["accounted_by_another_is_elsewhere"]))


class MonthOrDayField(PartialDateField):
    """A start or an end: at least to the month."""

    def to_python(self, value: Any) -> PartialDate | None:
        read = super().to_python(value)
        if read is not None and read.precision == Precision.YEAR:
            raise ValidationError(
                _("Give the month too, for example %(year)d-09.") % {"year": read.first.year},
                code="year_alone",
            )
        return read


class ProjectForm(GroupedForm, VersionedForm, forms.Form):
    """A project on one page: a new one, or with an instance one that is changed for a reason.

    `apply()` writes what was typed into the project; `units` and `parties` are its parts.
    """

    groups: ClassVar[Sequence[Any]] = [
        (
            gettext_lazy("The project"),
            [
                "title",
                "another",
                ("funder", "programme"),
                ("starts", "ends"),
                ("role", "state"),
                ("total_budget", "own_share"),
                "owner_unit",
            ],
        ),
        (
            gettext_lazy("More about the project"),
            [
                "acronym",
                "summary",
                ("level", "kind"),
                "units",
                "parties",
                "project_manager",
                "co_financing",
                "accounting",
                "accounted_by",
                "project_number",
                "decided_by",
                ("follows", "part_of"),
                "note",
            ],
            gettext_lazy("What is not known yet may be left empty and filled in later."),
            True,
        ),
        (
            gettext_lazy("Where it comes from and what it is for"),
            ["source", "initiated_by", "link_to_operations", "expected_effect"],
            gettext_lazy("Asked for at the latest when it is decided to apply."),
            True,
        ),
        (
            gettext_lazy("The case and the archive"),
            [("dnr", "external_reference"), ("kept_until", "archive_place")],
            "",
            True,
        ),
        (
            gettext_lazy("Research project"),
            ["research_led_by", "our_research_part", "doctoral_students"],
            gettext_lazy("Only for projects of the kind research."),
            True,
        ),
        (gettext_lazy("Why"), ["reason"]),
    ]

    title = PlainText(label=gettext_lazy("Title"), max_length=longest("title"))
    another = forms.BooleanField(label=gettext_lazy("It is another project"), required=False)
    funder = PlainText(
        label=gettext_lazy("Funder"),
        max_length=200,
        required=False,
        widget=Suggestions,
        help_text=gettext_lazy("Choose from the suggestions, or write a new one."),
    )
    programme = PlainText(
        label=gettext_lazy("Programme"),
        max_length=200,
        required=False,
        widget=Suggestions,
        help_text=gettext_lazy("For example Erasmus+."),
    )
    starts = MonthOrDayField(
        label=gettext_lazy("Starts"), required=False, help_text=gettext_lazy("2026-09-01 or 2026-09")
    )
    ends = MonthOrDayField(
        label=gettext_lazy("Ends"), required=False, end=True, help_text=gettext_lazy("The last day or month")
    )
    role = _choice(gettext_lazy("Our role"), ProjectRole.choices)
    total_budget = AmountField(
        label=gettext_lazy("Total budget"),
        required=False,
        help_text=gettext_lazy("Of all parties: 31 mkr, ca 400 tkr"),
    )
    own_share = AmountField(
        label=gettext_lazy("Own share"),
        required=False,
        help_text=gettext_lazy("What the municipality bears or gets"),
    )
    owner_unit = UnitField(
        label=gettext_lazy("Owner unit"),
        help_text=gettext_lazy(
            "The administration or company that carries out the project and answers for it."
        ),
        error_messages={"invalid_choice": MESSAGES["project_owner_unit_in_same_municipality"]},
    )
    acronym = PlainText(label=gettext_lazy("Acronym"), max_length=longest("acronym"), required=False)
    summary = PlainText(
        label=gettext_lazy("Summary"),
        lines=True,
        max_length=longest("summary"),
        required=False,
        help_text=gettext_lazy("What the project is to achieve, in a few sentences."),
    )
    state = _choice(
        gettext_lazy("State"),
        State.choices,
        help_text=gettext_lazy(
            "How far the project has come today. Later it is changed by steps on its page."
        ),
    )
    level = _choice(gettext_lazy("Level"), Level.choices)
    kind = _choice(gettext_lazy("Kind of project"), Kind.choices)
    source = _choice(gettext_lazy("Source of the idea"), Source.choices)
    initiated_by = PlainText(
        label=gettext_lazy("Started by"),
        max_length=longest("initiated_by"),
        required=False,
        help_text=gettext_lazy("By role and not by name, for example “a teacher at Strandskolan”."),
    )
    link_to_operations = PlainText(
        label=gettext_lazy("Link to the operations"),
        lines=True,
        max_length=longest("link_to_operations"),
        required=False,
        help_text=gettext_lazy(
            "In which of the unit's ordinary operations it belongs, and what it does for them."
        ),
    )
    expected_effect = PlainText(
        label=gettext_lazy("Expected effect"),
        lines=True,
        max_length=longest("expected_effect"),
        required=False,
        help_text=gettext_lazy("What is to be different when the project is over."),
    )
    dnr = PlainText(
        label=gettext_lazy("Our registry number"),
        max_length=longest("dnr"),
        required=False,
        help_text=gettext_lazy("For example SN 2024/0163."),
    )
    external_reference = PlainText(
        label=gettext_lazy("The funder's reference"),
        max_length=longest("external_reference"),
        required=False,
        help_text=gettext_lazy("What the funder calls the case; it stands in the decision."),
    )
    kept_until = DayField(
        label=gettext_lazy("Documents kept until"),
        required=False,
        help_text=gettext_lazy("As the funder's decision or agreement says, for example 2035-12-31."),
    )
    archive_place = PlainText(
        label=gettext_lazy("Place in the archive"),
        max_length=longest("archive_place"),
        required=False,
        help_text=gettext_lazy("For example the name of the archive system and the number of the file."),
    )
    research_led_by = PlainText(
        label=gettext_lazy("Research led by"),
        max_length=longest("research_led_by"),
        required=False,
        help_text=gettext_lazy("The university or organisation."),
    )
    our_research_part = PlainText(
        label=gettext_lazy("Our part in the research"),
        lines=True,
        max_length=longest("our_research_part"),
        required=False,
    )
    doctoral_students = forms.IntegerField(
        label=gettext_lazy("Doctoral students"),
        required=False,
        min_value=0,
        max_value=999,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=gettext_lazy("How many. Their names are not stored."),
        error_messages={
            code: gettext_lazy("Write how many doctoral students, from 0 to 999, in digits.")
            for code in ("invalid", "min_value", "max_value")
        },
    )
    units = UnitsField(
        label=gettext_lazy("Units taking part"),
        required=False,
        error_messages={
            "invalid_choice": MESSAGES["project_unit_unit_in_same_municipality"],
            "invalid_pk_value": MESSAGES["project_unit_unit_in_same_municipality"],
        },
    )
    parties = PlainText(
        label=gettext_lazy("Other parties"),
        lines=True,
        max_length=20000,
        required=False,
        help_text=gettext_lazy(
            "One on each line: Nässjö kommun, or 11 universitet. "
            "Country and role may follow after a semicolon: Tartu linn; EE; Partner."
        ),
    )
    project_manager = forms.ModelChoiceField(
        Person.objects.none(),
        label=gettext_lazy("Project manager"),
        required=False,
        empty_label=NOT_STATED,
        error_messages={"invalid_choice": MESSAGES["project_manager_works_here"]},
    )
    co_financing = _choice(gettext_lazy("Our co-financing"), CoFinancingKind.choices)
    accounting = _choice(gettext_lazy("Accounting"), Accounting.choices)
    accounted_by = PlainText(
        label=gettext_lazy("Accounted by"),
        max_length=longest("accounted_by"),
        required=False,
        help_text=gettext_lazy("If the project is in another organisation's accounts: whose."),
    )
    project_number = PlainText(
        label=gettext_lazy("Project number"), max_length=longest("project_number"), required=False
    )
    decided_by = PlainText(label=gettext_lazy("Decided by"), max_length=longest("decided_by"), required=False)
    follows = PlainText(
        label=gettext_lazy("Follows"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("The register id of the project before it, for example P-2026-14."),
    )
    part_of = PlainText(
        label=gettext_lazy("Part of"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("The register id of the larger project."),
    )
    note = PlainText(label=gettext_lazy("Note"), lines=True, max_length=longest("note"), required=False)
    reason = PlainText(
        label=gettext_lazy("Reason for the change"),
        max_length=500,
        help_text=gettext_lazy("Stands in the history, for example “Corrected after the grant agreement”."),
    )

    _copied = (
        *("title", "acronym", "summary", "state", "role", "co_financing", "accounting", "accounted_by"),
        *("project_number", "decided_by", "note", "owner_unit", "project_manager", "follows", "part_of"),
        *("level", "kind", "source", "initiated_by", "link_to_operations", "expected_effect", "dnr"),
        *("external_reference", "kept_until", "archive_place"),
        *("research_led_by", "our_research_part", "doctoral_students"),
    )

    def __init__(self, *args: Any, reader: Reader, instance: Project | None = None, **kwargs: Any) -> None:
        self.reader = reader
        self.instance = instance or Project(municipality=reader.municipality)
        self.is_new = self.instance.pk is None
        self.standing_parties = [] if self.is_new else list(self.instance.parties.all())
        standing_units = [] if self.is_new else [part.unit_id for part in self.instance.taking_part.all()]
        super().__init__(
            *args, initial={**self._stands(standing_units), **(kwargs.pop("initial", None) or {})}, **kwargs
        )
        if self.is_new:
            del self.fields["reason"]
        elif self.instance.state:
            # A known state is changed by steps and corrections alone (projects.life).
            del self.fields["state"]
        # Asked only once there is a project of the same title.
        self._another = self.fields["another"]
        if not (self.is_new and self.data.get("another")):
            del self.fields["another"]
        self._offer(standing_units)

    def _stands(self, units: list[int]) -> dict[str, Any]:
        """What the project says now, as the fields show it."""
        return {
            **stands(self.instance, self._copied),
            "units": units,
            "parties": "\n".join(map(party_line, self.standing_parties)),
        }

    def _offer(self, standing_units: list[int]) -> None:
        owners = owning_units(self.reader)
        self.may_own = bool(owners)
        present = self.instance.owner_unit
        owner_field: Any = self.fields["owner_unit"]
        if present is not None and present not in owners:
            owners.append(present)
        # Who registers by hand must give the unit; what an import left unknown may stay so.
        owner_field.required = self.is_new or present is not None
        lone = self.is_new and len(owners) == 1
        owner_field.offer(
            owners,
            empty=not lone and present is None,
            missing=_("Choose a unit") if self.is_new else NOT_STATED,
        )
        if lone:
            self.initial["owner_unit"] = owners[0].pk
        units_field: Any = self.fields["units"]
        units_field.offer(participating_units(self.reader, standing_units))
        manager_field: Any = self.fields["project_manager"]
        manager_field.queryset = managers(self.reader, self.instance.project_manager_id)
        for name, model in (("funder", Funder), ("programme", Programme)):
            widget: Any = self.fields[name].widget
            widget.suggestions = list(model.objects.order_by("name").values_list("name", flat=True))

    def changes_since(self, instance: Any, version: int) -> list[tuple[Text, object, str, datetime]]:
        return [*history.changes_since(instance, version, reader=self.reader)]

    def clean_parties(self) -> list[ProjectParty]:
        return parse_parties(self.cleaned_data["parties"], self.standing_parties)

    def clean_follows(self) -> Project | None:
        return project_with_id(self.reader, self.cleaned_data["follows"])

    def clean_part_of(self) -> Project | None:
        return project_with_id(self.reader, self.cleaned_data["part_of"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.is_new and not cleaned.get("another"):
            self._look_for_twins(cleaned)
        if cleaned.get("owner_unit") in (cleaned.get("units") or ()):
            self.add_error(
                "units",
                ValidationError(
                    _("The owner unit takes part anyway. Untick it among the units taking part.")
                ),
            )
        check_together(self, cleaned)
        if cleaned.get("kind") != Kind.RESEARCH:
            for name in _RESEARCH:
                if cleaned.get(name) not in (None, ""):
                    self.add_error(name, ValidationError(MESSAGES["research_is_told_of_research_projects"]))
        return cleaned

    def _look_for_twins(self, cleaned: dict[str, Any]) -> None:
        """Asks whether it is another project where one of the same title stands, as an import recognises it."""
        starts, ends = cleaned.get("starts"), cleaned.get("ends")
        if "title" not in cleaned or (starts and ends and ends.last < starts.first):
            return
        period = Period(starts and starts.first, ends and ends.last)
        standing = Project.objects.filter(
            municipality=self.reader.municipality, title__iexact=cleaned["title"]
        ).standing()
        twins = [
            project.register_id
            for project in standing.order_by("-pk")
            if Period(project.starts_on, project.ends_on).overlaps(period)
        ]
        if twins:
            self.fields["another"] = self._another
            told = ngettext(
                "%(ids)s has this title already. Change that one, or tick here if this is another project.",
                "%(ids)s have this title already. Change one of them, or tick here if this is another project.",
                len(twins),
            )
            self.add_error("another", ValidationError(told % {"ids": ", ".join(twins[:5])}))

    def apply(self, funder: Funder | None, programme: Programme | None) -> Project:
        """Writes the checked answers into the project; it is not saved."""
        project: Project = self.instance
        cleaned = self.cleaned_data
        for name in (*self._copied, *PAIRED):
            if name in cleaned:
                write_answer(project, name, cleaned[name])
        project.funder, project.programme = funder, programme
        if project.starts_on is None and project.ends_on is None and project.recorded_for_year is None:
            # Without dates it would stand in no year's list.
            project.recorded_for_year = self.reader.today.year if self.is_new else project.register_year
        return project


# --- withdrawing and sharing -----------------------------------------------------------------------------


class WithdrawForm(GroupedForm, forms.Form):
    reason = PlainText(
        label=gettext_lazy("Why is the project withdrawn?"),
        max_length=500,
        help_text=gettext_lazy("For example “Registered twice, see P-2026-14”."),
    )


class ShareForm(GroupedForm, forms.Form):
    municipality = forms.ModelChoiceField(
        Municipality.objects.none(),
        label=gettext_lazy("Municipality"),
        empty_label=gettext_lazy("Choose a municipality"),
        error_messages={
            "required": gettext_lazy("Choose the municipality to share the project with."),
            "invalid_choice": gettext_lazy(
                "Choose a municipality from the list that does not have the project already."
            ),
        },
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["municipality"]
        field.queryset = Municipality.objects.exclude(pk=project.municipality_id).exclude(
            pk__in=project.shares.values("municipality")
        )


class SharePartForm(GroupedForm, VersionedForm, forms.Form):
    """The own unit, role and share of a municipality in a project that another one owns."""

    groups: ClassVar[Sequence[Any]] = [
        (gettext_lazy("Our part"), ["unit", "role", "co_financing", "own_share", "reason"])
    ]

    unit = UnitField(
        label=gettext_lazy("Unit"),
        required=False,
        error_messages={"invalid_choice": MESSAGES["project_owner_unit_in_same_municipality"]},
    )
    role = _choice(gettext_lazy("Our role"), ProjectRole.choices)
    co_financing = _choice(gettext_lazy("Our co-financing"), CoFinancingKind.choices)
    own_share = AmountField(
        label=gettext_lazy("Own share"), required=False, help_text=gettext_lazy("For example 400 tkr")
    )
    reason = ProjectForm.base_fields["reason"]

    def __init__(self, *args: Any, reader: Reader, instance: ProjectShare, **kwargs: Any) -> None:
        self.instance = instance
        stands = {
            "unit": instance.unit_id,
            "role": instance.role,
            "co_financing": instance.co_financing,
            "own_share": instance.share,
        }
        super().__init__(*args, initial=stands, **kwargs)
        units = participating_units(reader, [instance.unit_id] if instance.unit_id else [])
        reached = reader.units("project.change")
        if reached is not None:
            units = [unit for unit in units if unit.pk in reached or unit.pk == instance.unit_id]
        field: Any = self.fields["unit"]
        field.offer(units, empty=reached is None)

    def changes_since(self, instance: Any, version: int) -> list[tuple[Text, object, str, datetime]]:
        return [*history.changes_since(instance, version)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        whole, own = self.instance.project.budget, cleaned.get("own_share")
        if whole and own and whole.money.currency == own.money.currency and own.money > whole.money:
            self.add_error("own_share", ValidationError(MESSAGES["own_share_within_total_budget"]))
        return cleaned

    def apply(self) -> ProjectShare:
        share: ProjectShare = self.instance
        cleaned = self.cleaned_data
        share.unit, share.role, share.co_financing = cleaned["unit"], cleaned["role"], cleaned["co_financing"]
        given = cleaned["own_share"]
        share.own_share = given.money.amount if given else None
        share.own_share_currency = given.money.currency if given else "SEK"
        share.own_share_approximate = bool(given and given.approximate)
        return share
