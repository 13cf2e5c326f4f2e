"""The columns of a project in a file: how each is read, how it is written, and by which headings it is known.

`ProjectResource` declares each column once, for both directions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from django.conf import settings
from django.db.models import QuerySet
from django.utils import translation
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export import fields, resources, widgets

from pages.columns import Column, Text
from pages.files import Problem, TableRefused, write_csv
from pages.imports import CellRefused, ImportColumn, Sheet, read_sheet
from projects.models import (
    CoFinancingKind,
    Kind,
    Level,
    Project,
    ProjectParty,
    ProjectRole,
    Source,
    State,
)
from projects.texts import TextRefused, longest, plain
from strategy.models import Unit
from values.money import CURRENCIES, Amount, parse_amount
from values.precision import PartialDate, Precision, parse_partial_date
from values.text import fold, parse_counts, squeeze


@dataclass(frozen=True, slots=True)
class Foreign:
    """A word that is not known in its column, as it stands in the file."""

    word: str


class TextWidget(widgets.Widget):  # type: ignore[misc]  # The package has no types.
    """Text on one line, or on several; refused when longer than the register keeps."""

    def __init__(self, longest: int, *, lines: bool = False) -> None:
        super().__init__()
        self.longest = longest
        self.lines = lines

    def clean(self, value: str, row: object = None, **kwargs: object) -> str | None:
        text = plain(value, lines=self.lines)
        if len(text) > self.longest:
            raise CellRefused(
                _("The text has %(length)d characters, and %(longest)d is the most. Shorten it.")
                % {"length": len(text), "longest": self.longest}
            )
        return text or None

    def render(self, value: Any, obj: object = None, **kwargs: object) -> str:
        return "" if value is None else str(value)


class AmountWidget(widgets.Widget):  # type: ignore[misc]
    """“31 mkr”, “900 tkr”, “ca 400 000”: kronor where no other currency is named."""

    def clean(self, value: str, row: object = None, **kwargs: object) -> Amount:
        amount = parse_amount(value)
        if amount.money.amount < 0:
            raise CellRefused(_("An amount must not be below zero. Correct it."))
        return amount

    def render(self, value: Amount | None, obj: object = None, **kwargs: object) -> str:
        if value is None:
            return ""
        written = format(value.money.amount, "f").removesuffix(".00").replace(".", ",")
        unit = "" if value.money.currency == "SEK" else f" {value.money.currency}"
        return f"{'ca ' if value.approximate else ''}{written}{unit}"


class DateWidget(widgets.Widget):  # type: ignore[misc]
    """A day or a month. A year alone is refused: the register does not guess the month."""

    def clean(self, value: str, row: object = None, **kwargs: object) -> PartialDate:
        # Databases write a day as its midnight, and the register keeps no clock.
        known = parse_partial_date(_CLOCK.sub("", value))
        if known.precision is Precision.YEAR:
            raise CellRefused(_("Give the month too, as %(example)s.") % {"example": f"{known.label}-09"})
        return known

    def render(self, value: PartialDate | None, obj: object = None, **kwargs: object) -> str:
        return "" if value is None else value.label


_CLOCK = re.compile(r"(?<=\d)[ T]\d{1,2}[:.]\d\d(?:[:.]\d\d(?:[.,]\d+)?)?$")


class ProjectNumberWidget(TextWidget):
    """The accounts' number. What our list says in place of one that is not stated is none."""

    def clean(self, value: str, row: object = None, **kwargs: object) -> str | None:
        text = super().clean(value)
        if text is None or fold(text) in self._none or self._with.match(fold(text)):
            return None
        return text

    @cached_property
    def _none(self) -> frozenset[str]:
        said: set[str] = set()
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                said |= {
                    fold(_("in another organisation's accounts")),
                    fold(_("not in the accounts yet")),
                    fold(_("not to be accounted")),
                }
        return frozenset(said)

    @cached_property
    def _with(self) -> re.Pattern[str]:
        begun = set()
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                begun.add(fold(_("with %(organisation)s") % {"organisation": ""}))
        return re.compile("(?:" + "|".join(re.escape(one) + r" \D" for one in begun if one) + ")")


class ApproximateWidget(widgets.Widget):  # type: ignore[misc]
    """Whether the amount beside is approximate, as our own files say it."""

    def clean(self, value: str, row: object = None, **kwargs: object) -> bool:
        said = {"ca", "cirka", "ungefär", "ungefärligt", "approximately", "approximate", "ja", "yes"}
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                said.add(fold(_("approximately")))
        if fold(value) not in said:
            raise CellRefused(
                _("Write “%(word)s” where the amount is approximate, and nothing where it is exact.")
                % {"word": _("approximately")}
            )
        return True


class CurrencyWidget(widgets.Widget):  # type: ignore[misc]
    """The currency of the amount beside, as our own files say it."""

    def clean(self, value: str, row: object = None, **kwargs: object) -> str:
        code = squeeze(value).upper()
        if code not in CURRENCIES:
            raise CellRefused(
                _("“%(text)s” is no currency that is known here. Write three letters, as EUR.")
                % {"text": squeeze(value)[:20]}
            )
        return code


class WordWidget(widgets.Widget):  # type: ignore[misc]
    """One of a column's words, in Swedish or English; another is asked about."""

    def __init__(self, choices: Sequence[tuple[str, Text]], words: Mapping[str, str]) -> None:
        super().__init__()
        self.choices = choices
        self.words = {
            fold(word): value
            for value, listed in words.items()
            for word in (value, value.replace("_", " "), *listed.split(", "))
        }

    def clean(self, value: str, row: object = None, **kwargs: object) -> str | Foreign:
        word = squeeze(value)
        known = self.words.get(fold(word)) or self._labels.get(fold(word))
        return Foreign(word) if known is None else known

    @cached_property
    def _labels(self) -> dict[str, str]:
        """The words that our own pages and files show, in each language: what went out comes in again."""
        known: dict[str, str] = {}
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                known |= {fold(str(label)): value for value, label in self.choices}
        return known

    def render(self, value: Any, obj: object = None, **kwargs: object) -> str:
        return "" if value is None else str(value)


class RegisterIdWidget(widgets.Widget):  # type: ignore[misc]
    """ "P-2026-14" as year and number."""

    def clean(self, value: str, row: object = None, **kwargs: object) -> tuple[int, int]:
        found = re.fullmatch(r"P-?([0-9]{4})-([0-9]{1,9})", squeeze(value).upper().replace("\u2011", "-"))
        if found is None:
            raise CellRefused(
                _("“%(text)s” is not a register id. Write it as P-2026-14, or leave the cell empty.")
                % {"text": squeeze(value)[:40]}
            )
        return int(found[1]), int(found[2])

    def render(self, value: Any, obj: object = None, **kwargs: object) -> str:
        return str(value)


class UnitsWidget(TextWidget):
    """Names of units; they are found in the organisation by the judge."""

    def render(self, value: Any, obj: object = None, **kwargs: object) -> str:
        if value is None:
            return ""
        if isinstance(value, Unit):
            return value.name
        return "; ".join(sorted(part.unit.name for part in value.all()))


@dataclass(frozen=True, slots=True)
class PartyValue:
    """A party by name, or so many of a kind: what `ProjectParty` holds of a file.

    `key` tells which party it is, equality whether it is spelt the same.
    """

    name: str = ""
    kind: str = ""
    number: int = 1
    place: str = ""

    @property
    def key(self) -> tuple[str, str, int, str]:
        return (fold(self.name), fold(self.kind), self.number, fold(self.place))

    def __str__(self) -> str:
        where = f" i {self.place}" if self.place else ""
        return self.name or f"{self.number} {self.kind}{where}"


class PartiesWidget(widgets.Widget):  # type: ignore[misc]
    """Names, or counts by kind; a text that is neither is asked about."""

    def clean(
        self, value: str, row: object = None, **kwargs: object
    ) -> tuple[PartyValue, ...] | Foreign | None:
        text = squeeze(value)
        counts = parse_counts(text)
        if counts:
            return as_parties(PartyValue(kind=one.kind, number=one.number, place=one.place) for one in counts)
        found: list[PartyValue] = []
        for part in name_parts(text):
            counted = parse_counts(part)
            if counted:
                found += [PartyValue(kind=one.kind, number=one.number, place=one.place) for one in counted]
            elif _is_a_name(part):
                found.append(PartyValue(name=part))
            else:
                return Foreign(text)
        return as_parties(found) or None

    def render(self, value: Any, obj: object = None, **kwargs: object) -> str:
        if value is None:
            return ""
        told = [str(as_party(party)) for party in value.all()]
        # A semicolon alone parts names that hold a comma.
        return "; ".join(told) + (";" if len(told) == 1 and "," in told[0] else "")


def as_parties(given: Iterable[PartyValue]) -> tuple[PartyValue, ...]:
    """Each once, in the order of the file. Raises CellRefused for what the register cannot keep."""
    parties = tuple({party.key: party for party in given}.values())
    for party in parties:
        if len(party.name) > 200 or len(party.kind) > 100 or len(party.place) > 100:
            raise CellRefused(
                _("“%(text)s…” is too long for a party. Shorten the name.") % {"text": str(party)[:40]}
            )
    return parties


def name_parts(text: str) -> list[str]:
    """Names parted by semicolons, else by commas and “och”. “Kultur- och fritid” is one name."""
    if ";" in text:
        parts = text.split(";")
    else:
        parts = [
            part
            for piece in text.split(",")
            for part in re.split(r"(?<!-) (?:och|samt|and|&) (?=[A-ZÅÄÖ0-9])", piece)
        ]
    return [part for one in parts if (part := re.sub(r"^(?:och|samt|and|&) ", "", squeeze(one)))]


# Words with which a sentence begins and a name does not.
_NO_NAME = frozenset(
    {
        *("alla", "beslut", "beslutad", "beslutat", "beslutas", "enligt", "flera", "flertal", "godkänd"),
        *("godkänt", "olika", "samtliga", "se", "decided", "see"),
    }
)


def _is_a_name(text: str) -> bool:
    words = text.split(" ")
    return (
        len(words) <= 8
        and (text[0].isupper() or text[0].isdigit())
        and any(word[0].isupper() for word in words)
        and words[0].casefold() not in _NO_NAME
        and not text.endswith(".")
    )


def as_party(party: ProjectParty) -> PartyValue:
    return PartyValue(party.name, party.kind, party.number, party.place)


class ProjectField(fields.Field):  # type: ignore[misc]
    """A column of the file: its name, its label on screen, and other headings that mean the same."""

    def __init__(
        self,
        column_name: str,
        label: Text,
        *,
        also: str = "",
        holds: Literal["", "dates", "codes"] = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(column_name=column_name, **kwargs)
        self.holds = holds
        self.label = label
        self.also = tuple(also.split(", ")) if also else ()


class ProjectResource(resources.Resource):  # type: ignore[misc]
    """The columns of a project in a file, in the order in which they are written."""

    register_id = ProjectField(
        "register_id",
        gettext_lazy("Register id"),
        also="register-id, registernummer, projekt-id",
        attribute="register_id",
        widget=RegisterIdWidget(),
    )
    title = ProjectField(
        "title",
        gettext_lazy("Title"),
        also="titel, projekt, project, projektnamn, projekttitel",
        attribute="title",
        widget=TextWidget(longest("title")),
    )
    acronym = ProjectField(
        "acronym",
        gettext_lazy("Acronym"),
        also="akronym, kortnamn",
        attribute="acronym",
        widget=TextWidget(longest("acronym")),
    )
    summary = ProjectField(
        "summary",
        gettext_lazy("Summary"),
        also="sammanfattning, beskrivning",
        attribute="summary",
        widget=TextWidget(longest("summary"), lines=True),
    )
    programme = ProjectField(
        "programme", gettext_lazy("Programme"), also="program", attribute="programme", widget=TextWidget(200)
    )
    funder = ProjectField(
        "funder", gettext_lazy("Funder"), also="finansiär", attribute="funder", widget=TextWidget(200)
    )
    starts = ProjectField(
        "starts",
        gettext_lazy("Starts"),
        also="start, startar, startdatum, projektstart, starts_on",
        attribute="start",
        widget=DateWidget(),
        holds="dates",
    )
    ends = ProjectField(
        "ends",
        gettext_lazy("Ends"),
        also="slut, slutar, slutdatum, projektslut, end, ends_on",
        attribute="end",
        widget=DateWidget(),
        holds="dates",
    )
    state = ProjectField(
        "state",
        gettext_lazy("State"),
        also="läge, status",
        attribute="state",
        widget=WordWidget(
            State.choices,
            {
                State.IDEA: "idé, projektidé",
                State.ANCHORING: "förankras, förankring, being anchored",
                State.DECIDED_TO_APPLY: "beslut att söka, beslutat att söka",
                State.APPLIED: "sökt, ansökt, ansökan inlämnad, inlämnad",
                State.GRANTED: "beviljat, beviljad, bifall",
                State.REJECTED: "avslag, avslaget, avslagen",
                State.TAKEN_BACK: "återtagen, återtaget, återkallad, application taken back",
                State.ONGOING: "pågående, pågår, running",
                State.PAUSED: "pausat, pausad, vilande",
                State.FINAL_REPORTED: "slutrapporterat, slutredovisad, final report handed in",
                State.ENDED: "avslutat, avslutad, slutfört, slutförd, klart, klar",
                State.ARCHIVED: "arkiverat, arkiverad",
                State.BROKEN_OFF: "avbrutet, avbruten",
            },
        ),
    )
    total_budget = ProjectField(
        "total_budget_sek",
        gettext_lazy("Total budget"),
        also="total_budget, totalbudget, totalbudget sek, total budget kr",
        attribute="budget",
        widget=AmountWidget(),
    )
    own_share = ProjectField(
        "own_share_sek",
        gettext_lazy("Own share"),
        also="own_share, vår del, egen del, kommunens del, our share",
        attribute="share",
        widget=AmountWidget(),
    )
    role = ProjectField(
        "role",
        gettext_lazy("Our role"),
        also="roll, vår roll, kommunens roll, our role",
        attribute="role",
        widget=WordWidget(
            ProjectRole.choices,
            {
                ProjectRole.OWNER: "ägare, projektägare, huvudman, project owner",
                ProjectRole.PARTNER: "part, projektpartner, medsökande, co-applicant",
                ProjectRole.CO_FINANCIER: "medfinansiär, medfinansierar, co-financier",
                ProjectRole.PARTICIPANT: "deltagare, deltar, medverkar",
                ProjectRole.GRANT_RECIPIENT: "bidragsmottagare, statsbidrag, recipient of a state grant",
            },
        ),
    )
    co_financing = ProjectField(
        "co_financing",
        gettext_lazy("Our co-financing"),
        also="medfinansiering, vår medfinansiering, egen medfinansiering",
        attribute="co_financing",
        widget=WordWidget(
            CoFinancingKind.choices,
            {
                CoFinancingKind.MONEY: "pengar, kontant, kontanta medel",
                CoFinancingKind.WORKING_TIME: "arbetstid, tid, egen tid",
                CoFinancingKind.BOTH: "pengar och arbetstid, båda, money and working time",
                CoFinancingKind.NONE: "ingen, inte alls, nej, not at all",
            },
        ),
    )
    accounted_by = ProjectField(
        "accounted_by",
        gettext_lazy("Accounted by"),
        also="redovisas av, redovisas hos, bokförs hos, bokförs av",
        attribute="accounted_by",
        widget=TextWidget(longest("accounted_by")),
    )
    project_number = ProjectField(
        "project_number",
        gettext_lazy("Project number"),
        also="projektnummer, projektnr",
        attribute="project_number",
        widget=ProjectNumberWidget(longest("project_number")),
        holds="codes",
    )
    level = ProjectField(
        "level",
        gettext_lazy("Level"),
        also="nivå, projektnivå",
        attribute="level",
        widget=WordWidget(
            Level.choices,
            {
                Level.LOCAL: "lokal, lokalt, kommunal, kommunalt",
                Level.REGIONAL: "regional, regionalt, länet, delregional, delregionalt",
                Level.NATIONAL: "nationell, nationellt, rikstäckande",
                Level.INTERNATIONAL: "internationell, internationellt, eu",
            },
        ),
    )
    kind = ProjectField(
        "kind",
        gettext_lazy("Kind of project"),
        also="typ, projekttyp, typ av projekt, slag, slag av projekt",
        attribute="kind",
        widget=WordWidget(
            Kind.choices,
            {
                Kind.DEVELOPMENT: "utveckling, utvecklingsprojekt",
                Kind.RESEARCH: "forskning, forskningsprojekt",
                Kind.MOBILITY: "mobilitet, utbyte, mobilitetsprojekt, exchange",
                Kind.INVESTMENT: "investering, investeringsprojekt",
                Kind.STATE_GRANT: "riktat statsbidrag, statsbidrag",
                Kind.PRE_STUDY: "förstudie, prestudy",
            },
        ),
    )
    dnr = ProjectField(
        "dnr",
        gettext_lazy("Registry number"),
        also="diarienummer, diarienr, vårt diarienummer, eget diarienummer, our registry number",
        attribute="dnr",
        widget=TextWidget(longest("dnr")),
    )
    external_reference = ProjectField(
        "external_reference",
        gettext_lazy("The funder's reference"),
        also="finansiärens diarienummer, finansiärens referens, ärende-id, ärendenummer, grant agreement, "
        "projekt-id hos finansiären, funder reference",
        attribute="external_reference",
        widget=TextWidget(longest("external_reference")),
    )
    initiated_by = ProjectField(
        "initiated_by",
        gettext_lazy("Started by"),
        also="initierad av, initiativtagare, initiativ från",
        attribute="initiated_by",
        widget=TextWidget(longest("initiated_by")),
    )
    source = ProjectField(
        "source",
        gettext_lazy("Source of the idea"),
        also="källa, idéns källa, varifrån idén kom",
        attribute="source",
        widget=WordWidget(
            Source.choices,
            {
                Source.STRATEGIST: "strategen, internationell strateg, internationella strategen",
                Source.OWN: "egen verksamhet, egna verksamheten, verksamheten, our own",
                Source.NETWORK: "nätverk, nätverket",
                Source.PARTNER: "partner, samarbetspartner",
                Source.EXECUTIVE_BOARD: "kommunstyrelsen, ks",
                Source.OTHER: "annan, annat, någon annan, other",
            },
        ),
    )
    link_to_operations = ProjectField(
        "link_to_operations",
        gettext_lazy("Link to the operations"),
        also="koppling till verksamheten, verksamhetskoppling",
        attribute="link_to_operations",
        widget=TextWidget(longest("link_to_operations"), lines=True),
    )
    expected_effect = ProjectField(
        "expected_effect",
        gettext_lazy("Expected effect"),
        also="förväntad effekt, förväntade effekter, expected effects",
        attribute="expected_effect",
        widget=TextWidget(longest("expected_effect"), lines=True),
    )
    achieved_effect = ProjectField(
        "achieved_effect",
        gettext_lazy("Achieved effect"),
        also="uppnådd effekt, uppnådda effekter, resultat, achieved effects",
        attribute="achieved_effect",
        widget=TextWidget(longest("achieved_effect"), lines=True),
    )
    partners = ProjectField(
        "partners",
        gettext_lazy("Parties"),
        also="parter, partner, samverkansparter, parties",
        attribute="parties",
        widget=PartiesWidget(),
    )
    owner = ProjectField(
        "owner",
        gettext_lazy("Owner unit"),
        also="ägare, ansvarig enhet, ägande enhet, ägarenhet, owner_unit",
        attribute="owner_unit",
        widget=UnitsWidget(2000),
    )
    units = ProjectField(
        "units",
        gettext_lazy("Units taking part"),
        also="enheter, deltagande enheter, units taking part",
        attribute="taking_part",
        widget=UnitsWidget(2000),
    )
    decided_by = ProjectField(
        "decided_by",
        gettext_lazy("Decided by"),
        also="beslutat av, beslutad av",
        attribute="decided_by",
        widget=TextWidget(longest("decided_by")),
    )
    note = ProjectField(
        "note",
        gettext_lazy("Note"),
        also="anteckning, anmärkning, kommentar",
        attribute="note",
        widget=TextWidget(longest("note"), lines=True),
    )


FIELDS: Mapping[str, ProjectField] = {one.column_name: one for one in ProjectResource().get_export_fields()}


def _reading(field: ProjectField) -> Callable[[str], Any]:
    """The field's own reading, of what a text may hold in any column: names become rows of their own."""

    def read(cell: str) -> Any:
        try:
            plain(cell)
            return field.widget.clean(cell)
        except TextRefused as refused:
            raise CellRefused(str(refused)) from None

    return read


def _column(name: str, field: ProjectField) -> ImportColumn:
    return ImportColumn(name, field.label, _reading(field), field.also, field.holds)


_beside: Any = lazy(lambda pattern, label: str(pattern) % {"column": str(label)}, str)
COLUMNS = tuple(_column(name, one) for name, one in FIELDS.items())
# What our own lists put beside an amount that is approximate or in another currency (pages.files).
COMPANIONS = tuple(
    _column(
        f"{amount}_{part}",
        ProjectField(f"{amount}_{part}", _beside(pattern, FIELDS[f"{amount}_sek"].label), widget=one),
    )
    for amount in ("total_budget", "own_share")
    for part, pattern, one in (
        ("currency", gettext_lazy("%(column)s, currency"), CurrencyWidget()),
        ("approximate", gettext_lazy("%(column)s, approximate"), ApproximateWidget()),
    )
)
# Columns of our own lists that repeat what others hold, for reading alone.
REPEATED: tuple[Text, ...] = (
    gettext_lazy("Municipality"),
    gettext_lazy("Acronym or summary"),
    gettext_lazy("Programme and funder"),
    gettext_lazy("Period"),
    gettext_lazy("Unit"),
    gettext_lazy("To deal with"),
)
# Columns in which a word of somebody else's vocabulary is asked about.
WORD_COLUMNS = ("role", "state", "co_financing", "level", "kind", "source")


def read_projects(data: bytes, *, sheet: str | None = None) -> Sheet:
    """Raises `TableRefused` with every reason when the file is no table of projects, `ChooseSheet` when
    several sheets of a workbook hold one and `sheet` names none.
    """
    read = read_sheet(data, COLUMNS, beside=COMPANIONS, passed_over=REPEATED, sheet=sheet)
    if not {"title", "register_id"} & read.headings.keys():
        message = _(
            "The file has no column of titles. Give the column with the projects' names the heading “title”."
        )
        raise TableRefused(Problem("no_title", None, None, message))
    return read


def export_projects(projects: QuerySet[Project]) -> bytes:
    """CSV with the column names that `judge` reads: taken in again, it changes nothing."""
    rows = projects.select_related("owner_unit", "funder", "programme").prefetch_related(
        "parties", "taking_part__unit"
    )
    columns = [Column(name, name, one.export) for name, one in FIELDS.items()]
    return write_csv(columns, rows)
