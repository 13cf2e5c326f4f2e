"""Judges a sheet against the register: what each row says, which project it speaks of, and what changes.

The sheet is judged as a whole, in a number of queries that does not grow with the rows.

- A row is known by its register id; without one by its title (case and spaces aside) among the standing
  projects of the municipality whose period it does not contradict. Several candidates are asked about.
- An empty cell says nothing: it neither clears what stands nor is filled with a guess.
- The year that a file concerns is kept where the project has no dates of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pages.columns import Text, on_screen
from pages.files import defuse
from pages.imports import (
    CellRefused,
    Difference,
    JudgedRow,
    Outcome,
    Preview,
    Questions,
    Sheet,
    SheetRow,
    Trouble,
)
from projects.exchange.columns import (
    FIELDS,
    WORD_COLUMNS,
    Foreign,
    PartyValue,
    as_parties,
    as_party,
    name_parts,
)
from projects.exchange.directory import Directory, Reference, references
from projects.models import (
    Accounting,
    Funder,
    ImportedProject,
    Programme,
    Project,
    ProjectParty,
    ProjectUnit,
    State,
)
from projects.registry import MESSAGES
from strategy import history
from strategy.models import BatchState, Municipality, RememberedWord, Unit
from values.money import Amount, Money
from values.periods import Period
from values.precision import PartialDate, Precision
from values.text import fold

KIND = "projects"
# What a word or text may mean beside the values of its column.
NOT_STATED = "not_stated"
NEW = "new"
# What a row is that is no new project: a sum below the list, or the project of another row.
SUM, SAME = "sum", "same"
_SUM_ROW = re.compile(
    r"(?:(?:del|slut|total)?summa(?: totalt)?|totalt?(?: summa)?|totaler|sum|sub-?total|grand total)"
    r"(?: (?:kr|tkr|kronor|sek|projekt|[0-9]{4}))?:?"
)
# Codes that are numbers in a workbook.
# Which stands of what was corrected by hand and what the file says.
KEEP, TAKE, EACH = "keep", "take", "each"
AS_THEY_STAND, WITH_ZEROS = "as_they_stand", "with_zeros"
TEXT_COLUMNS = (
    *("title", "acronym", "summary", "project_number", "decided_by", "note"),
    *("dnr", "external_reference", "initiated_by"),
    *("link_to_operations", "expected_effect", "achieved_effect"),
)
# What a text among the parties may be.
PARTY, DECIDED_BY, NOTE = "party", "decided_by", "note"

EMPTY: dict[str, Any] = {
    "starts_precision": Precision.DAY.value,
    "ends_precision": Precision.DAY.value,
    "total_budget_currency": "SEK",
    "own_share_currency": "SEK",
    "total_budget_approximate": False,
    "own_share_approximate": False,
}


@dataclass(slots=True)
class Plan:
    """What one row wants of the register: fields with their values, and the parts it names (None: none)."""

    row: SheetRow
    title: str
    wanted: dict[str, Any] = field(default_factory=dict)
    units: tuple[int, ...] | None = None
    parties: tuple[PartyValue, ...] | None = None
    extra_note: str = ""
    unmarked_amounts: tuple[str, ...] = ()
    asked: bool = False
    left_out: bool = False
    derived_state: bool = False
    owner_is_municipality: bool = False
    # Columns whose value somebody corrected by hand after an earlier import.
    corrected: frozenset[str] = frozenset()
    target_id: int | None = None
    target: Project | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    standing_units: tuple[int, ...] = ()
    standing_parties: tuple[PartyValue, ...] = ()

    @property
    def line(self) -> int:
        return self.row.line

    @property
    def period(self) -> Period | None:
        """None where the row gives no date, or dates that contradict each other."""
        first, last = self.wanted.get("starts_on"), self.wanted.get("ends_on")
        if (first is None and last is None) or (first and last and last < first):
            return None
        return Period(first, last)

    @property
    def changes_units(self) -> bool:
        return self.units is not None and set(self.units) != set(self.standing_units)

    @property
    def changes_parties(self) -> bool:
        return self.parties is not None and set(self.parties) != set(self.standing_parties)

    def after(self, field_name: str) -> Any:
        """The value of the field once the row is taken in."""
        if field_name in self.wanted:
            return self.wanted[field_name]
        if self.target is not None:
            return getattr(self.target, field_name)
        return EMPTY.get(field_name)


class Judge:
    """Judges a sheet against the register as it stands, in at most a dozen queries, and writes nothing.

    `lock` holds the projects that the sheet speaks of until the transaction ends.
    """

    def __init__(
        self,
        municipality: Municipality,
        sheet: Sheet,
        answers: Mapping[str, Any],
        today: date,
        *,
        lock: bool = False,
    ) -> None:
        self.municipality = municipality
        self.sheet = sheet
        self.answers = answers
        self.today = today
        self.lock = lock
        self.year: int | None = answers.get("year")
        self.directory = Directory(municipality, today)
        self.funders = references(Funder, municipality)
        self.programmes = references(Programme, municipality)
        self.remembered = {
            (column, word): meaning
            for column, word, meaning in RememberedWord.objects.filter(
                municipality=municipality, kind=KIND
            ).values_list("column", "word", "meaning")
        }
        self.questions = Questions()
        self._cells: dict[tuple[str, str], Any] = {}
        self.plans = [self._plan(row) for row in sheet.rows]
        self._match()
        self._load()
        self._refuse_twins()
        self._heed_corrections()
        for plan in self.plans:
            self._merge(plan)
        self._ask_about_amounts()
        for plan in self.plans:
            self._compare(plan)

    # What a row says.

    def _refuse(self, plan: Plan, column: str, message: object) -> None:
        plan.row.troubles.append(Trouble(plan.line, self.sheet.headings.get(column, ""), str(message)))

    def _found(self, plan: Plan, column: str, text: str, find: Callable[[str], Any]) -> Any:
        """What the text means, looked up once for all rows; None and a refusal where it means nothing."""
        key = (column, text)
        if key not in self._cells:
            try:
                self._cells[key] = find(text)
            except CellRefused as refused:
                self._cells[key] = refused
        found = self._cells[key]
        if isinstance(found, CellRefused):
            self._refuse(plan, column, found)
            return None
        return found

    def _plan(self, row: SheetRow) -> Plan:
        values = row.values
        # Judging twice must not double what the judge itself found.
        row = SheetRow(row.line, values, list(row.troubles))
        plan = Plan(row, values.get("title", ""))
        wanted = plan.wanted
        for column in TEXT_COLUMNS:
            if column in values:
                wanted[column] = values[column]
        for column in WORD_COLUMNS:
            if column in values and (meaning := self._word(plan, column, values[column])):
                wanted[column] = meaning
        for column, known in (("funder", self.funders), ("programme", self.programmes)):
            if column in values:
                name = values[column]
                wanted[f"{column}_id"] = known.get(fold(name)) or Reference(None, name)
        for column, name, precision in (
            ("starts", "starts_on", "starts_precision"),
            ("ends", "ends_on", "ends_precision"),
        ):
            if column in values:
                known_date: PartialDate = values[column]
                wanted[name] = known_date.first if column == "starts" else known_date.last
                wanted[precision] = known_date.precision.value
        for column, name in (("total_budget_sek", "total_budget"), ("own_share_sek", "own_share")):
            if column in values:
                amount: Amount = values[column]
                beside = f"{name}_approximate" in self.sheet.headings
                approximate = amount.approximate or bool(values.get(f"{name}_approximate"))
                wanted[name] = amount.money.amount
                wanted[f"{name}_currency"] = values.get(f"{name}_currency", amount.money.currency)
                wanted[f"{name}_approximate"] = approximate
                if not approximate and not beside:
                    plan.unmarked_amounts += (name,)
        if "accounted_by" in values:
            here = self.directory.is_municipality(values["accounted_by"])
            wanted["accounting"] = Accounting.HERE.value if here else Accounting.ELSEWHERE.value
            wanted["accounted_by"] = "" if here else values["accounted_by"]
        if plan.line in self.short_codes:
            self._ask_about_zeros(plan)
        self._plan_units(plan)
        if "partners" in values:
            self._plan_parties(plan, values["partners"])
        return plan

    @cached_property
    def short_codes(self) -> dict[int, tuple[str, str]]:
        """Project numbers that are numbers in a workbook and shorter than the others: line → (as it stands,
        with the leading zeros that it may have lost). A code of the accounts has one length.
        """
        bare = self.sheet.bare_codes.get("project_number", {})
        codes = {
            code
            for row in self.sheet.rows
            if (code := row.values.get("project_number", "")) and code.isdecimal() and len(code) <= 12
        }
        longest = max(map(len, codes), default=0)
        return {
            line: (code, code.zfill(longest))
            for line, code in bare.items()
            if code.isdecimal() and len(code) < longest
        }

    def _ask_about_zeros(self, plan: Plan) -> None:
        code, filled = self.short_codes[plan.line]
        answer = self.questions.ask(
            "zeros",
            plan.line,
            text=_("Had the project numbers zeros in front before they became numbers in the workbook?"),
            help=_(
                "Some are shorter than the others, and a workbook drops the zeros of a number. “%(code)s” may "
                "have been “%(filled)s”."
            )
            % {"code": code, "filled": filled},
            choices=(
                (AS_THEY_STAND, _("No, %(code)s is right") % {"code": code}),
                (WITH_ZEROS, _("Yes, %(filled)s is right") % {"filled": filled}),
            ),
            answer=self.answers.get("zeros", ""),
        )
        plan.asked = plan.asked or not answer
        if answer == WITH_ZEROS:
            plan.wanted["project_number"] = filled

    def _plan_units(self, plan: Plan) -> None:
        taking_part: list[Unit] = []
        if "owner" in plan.row.values:
            owner = self._found(plan, "owner", plan.row.values["owner"], self.directory.owner)
            if owner is not None:
                unit, several = owner
                if unit is not None:
                    plan.wanted["owner_unit_id"] = unit.pk
                taking_part += several
                plan.owner_is_municipality = unit is None and not several
        if "units" in plan.row.values:
            taking_part += self._found(plan, "units", plan.row.values["units"], self.directory.several) or []
        if taking_part:
            plan.units = tuple(dict.fromkeys(unit.pk for unit in taking_part))

    def _word(self, plan: Plan, column: str, value: str | Foreign) -> str:
        if not isinstance(value, Foreign):
            return value
        if len(value.word) > 100:
            self._refuse(plan, column, _("The text is too long for this column. Write one word or a few."))
            return ""
        meaning = self._answer(
            plan,
            column,
            value.word,
            _("What does “%(word)s” mean in the column “%(column)s”?"),
            (*FIELDS[column].widget.choices, (NOT_STATED, _("Not stated"))),
        )
        return "" if meaning == NOT_STATED else meaning

    def _answer(
        self, plan: Plan, column: str, word: str, text: str, choices: Iterable[tuple[str, Text]]
    ) -> str:
        """What somebody said that the word means, now or in an earlier import; asked once for all rows."""
        key = word_key(word)
        given = self.answers.get("words", {}).get(column, {}).get(key, "")
        answer = self.questions.ask(
            f"word:{column}:{key}",
            plan.line,
            text=text % {"word": word, "column": self.sheet.headings[column]},
            choices=choices,
            answer=given or self.remembered.get((column, key), ""),
            help=_("Answered as in an earlier import.")
            if not given and (column, key) in self.remembered
            else "",
        )
        plan.asked = plan.asked or not answer
        return answer

    def _plan_parties(self, plan: Plan, value: tuple[PartyValue, ...] | Foreign) -> None:
        if not isinstance(value, Foreign):
            plan.parties = value
            return
        meaning = self._answer(
            plan,
            "partners",
            value.word,
            _("What is “%(word)s” in the column “%(column)s”?"),
            (
                (PARTY, _("A party, or several parted by commas")),
                (DECIDED_BY, _("Who decided on the project")),
                (NOTE, _("A note on the project")),
            ),
        )
        match meaning:
            case "party":
                plan.parties = self._found(
                    plan,
                    "partners",
                    value.word,
                    lambda text: as_parties(PartyValue(name=part) for part in name_parts(text)),
                )
            case "decided_by":
                if len(value.word) > 300:
                    self._refuse(plan, "partners", _("The text is too long to say who decided. Shorten it."))
                elif plan.wanted.setdefault("decided_by", value.word) != value.word:
                    self._refuse(
                        plan,
                        "partners",
                        _("The row says in two columns who decided. Keep one of them."),
                    )
            case "note":
                plan.extra_note = value.word

    # Which project it speaks of.

    def _match(self) -> None:
        by_id: dict[tuple[int, int], list[Plan]] = {}
        by_title: dict[str, list[Plan]] = {}
        for plan in self.plans:
            if "register_id" in plan.row.values:
                by_id.setdefault(plan.row.values["register_id"], []).append(plan)
            elif plan.title:
                by_title.setdefault(fold(plan.title), []).append(plan)
            elif not any(trouble.column == self.sheet.headings.get("title") for trouble in plan.row.troubles):
                self._refuse(
                    plan, "title", _("The row has neither title nor register id. Give the project a title.")
                )
        self._match_ids(by_id)
        self._match_titles(by_title)
        for key, plans in by_title.items():
            if key and len(plans) > 1:
                self._tell_apart(plans)

    @staticmethod
    def _have_numbers_of_their_own(plans: Sequence[Plan]) -> bool:
        numbers = [plan.wanted.get("project_number", "") for plan in plans]
        return len(plans) > 1 and all(numbers) and len(set(numbers)) == len(numbers)

    def _match_ids(self, by_id: Mapping[tuple[int, int], list[Plan]]) -> None:
        standing = {
            (year, number): (pk, withdrawn)
            for pk, year, number, withdrawn in Project.objects.filter(
                municipality=self.municipality,
                register_year__in={year for year, _number in by_id},
                register_number__in={number for _year, number in by_id if number < 2**31},
            ).values_list("pk", "register_year", "register_number", "withdrawn_at")
        }
        for (year, number), plans in by_id.items():
            pk, withdrawn = standing.get((year, number), (None, None))
            for plan in plans:
                told = {"id": f"P-{year}-{number}"}
                if pk is None:
                    self._refuse(
                        plan,
                        "register_id",
                        _("%(id)s is not in the register. Correct it, or leave it empty for a new project.")
                        % told,
                    )
                elif withdrawn is not None:
                    self._refuse(
                        plan,
                        "register_id",
                        _("%(id)s is withdrawn. Leave the cell empty to register the project anew.") % told,
                    )
                else:
                    plan.target_id = pk

    def _match_titles(self, by_title: Mapping[str, list[Plan]]) -> None:
        candidates: dict[str, list[tuple[int, Period | None]]] = {}
        numbers: dict[int, str] = {}
        for pk, title, first, last, number in (
            Project.objects.filter(municipality=self.municipality)
            .standing()
            .order_by("pk")
            .values_list("pk", "title", "starts_on", "ends_on", "project_number")
        ):
            key = fold(title)
            if key in by_title:
                numbers[pk] = number
                candidates.setdefault(key, []).append((pk, Period(first, last) if first or last else None))
        self._choices: list[tuple[Plan, list[int]]] = []
        self._phases: list[tuple[Plan, int]] = []
        for key, plans in by_title.items():
            apart = self._have_numbers_of_their_own(plans)
            for plan in plans:
                period = plan.period
                found = [
                    pk
                    for pk, standing in candidates.get(key, ())
                    if standing is None or period is None or standing.overlaps(period)
                ]
                # Phases of one title are told apart by their numbers in the accounts.
                asked_for = plan.wanted.get("project_number", "")
                if (asked_for and len(plans) > 1) or len(found) > 1:
                    same = [pk for pk in found if asked_for and numbers[pk] == asked_for]
                    found = same or ([pk for pk in found if not numbers[pk]] if apart else found)
                if len(found) == 1:
                    plan.target_id = found[0]
                elif found:
                    self._choices.append((plan, found))

    def _load(self) -> None:
        """The projects spoken of, with their parts; locked if they are about to be written."""
        wanted = {plan.target_id for plan in self.plans if plan.target_id} | {
            pk for _plan, found in self._choices for pk in found
        }
        projects = Project.objects.filter(pk__in=wanted).standing().order_by("pk")
        if self.lock:
            projects = projects.select_for_update()
        self.projects = {project.pk: project for project in projects}
        self.party_rows: dict[int, list[ProjectParty]] = {}
        for party in ProjectParty.objects.filter(project__in=wanted).order_by("pk"):
            self.party_rows.setdefault(party.project_id, []).append(party)
        self.unit_rows: dict[int, list[ProjectUnit]] = {}
        for part in ProjectUnit.objects.filter(project__in=wanted).order_by("pk"):
            self.unit_rows.setdefault(part.project_id, []).append(part)
        for plan, found in self._choices:
            chosen = self.questions.ask(
                f"match:{plan.line}",
                plan.line,
                text=_("Which project is “%(title)s”?") % {"title": plan.title},
                choices=[(str(pk), self._candidate(self.projects[pk])) for pk in found if pk in self.projects]
                + [(NEW, _("A new project"))],
                answer=self.answers.get("matches", {}).get(str(plan.line), ""),
            )
            plan.asked = plan.asked or not chosen
            plan.target_id = int(chosen) if chosen not in ("", NEW) else None
        self._ask_what_rows_are()
        for plan in self.plans:
            if plan.target_id is not None:
                plan.target = self.projects.get(plan.target_id)
                if plan.target is None:  # Withdrawn while we waited for the lock.
                    plan.target_id = None
                    continue
                plan.standing_units = tuple(part.unit_id for part in self.unit_rows.get(plan.target_id, ()))
                plan.standing_parties = tuple(map(as_party, self.party_rows.get(plan.target_id, ())))

    @staticmethod
    def _candidate(project: Project) -> str:
        period = project.period_label or _("period not stated")
        return f"{project.register_id} {project.title}, {period}"

    def _tell_apart(self, plans: Sequence[Plan]) -> None:
        """Rows of one title whose periods do not keep them apart are one project, told twice; unless each has
        a project number of its own, which is asked about.
        """
        together = self._overlapping(plans)
        if not self._have_numbers_of_their_own(plans):
            for plan in plans:
                if plan.line in together:
                    self._refuse_twin(plan, together[plan.line])
            return
        choosing = {plan.line for plan, _found in self._choices}
        asked = [
            plan
            for plan in plans
            if plan.line in together and plan.target_id is None and plan.line not in choosing
        ]
        # One of them is what the title says; the others are asked about.
        self._phases += [
            (plan, together[plan.line]) for plan in (asked[1:] if len(asked) == len(plans) else asked)
        ]

    def _ask_what_rows_are(self) -> None:
        """About rows that would be new projects and perhaps are none: sums, and phases of one title."""
        given: Mapping[str, str] = self.answers.get("matches", {})
        choosing = {plan.line for plan, _found in self._choices}
        for plan in self.plans:
            if plan.target_id is None and plan.line not in choosing and _SUM_ROW.fullmatch(fold(plan.title)):
                chosen = self.questions.ask(
                    f"match:{plan.line}",
                    plan.line,
                    text=_("Is “%(title)s” a sum of the other rows?") % {"title": plan.title},
                    choices=((SUM, _("A sum: leave the row out")), (NEW, _("A new project"))),
                    answer=given.get(str(plan.line), ""),
                )
                plan.asked = plan.asked or not chosen
                plan.left_out = chosen == SUM
        for plan, other in self._phases:
            chosen = self.questions.ask(
                f"match:{plan.line}",
                plan.line,
                text=_(
                    "“%(title)s” stands on several lines with different project numbers. Is line %(line)d, with "
                    "the number %(number)s, a project of its own?"
                )
                % {"title": plan.title, "line": plan.line, "number": plan.wanted["project_number"]},
                choices=(
                    (NEW, _("A new project")),
                    (SAME, _("The same project as on line %(line)d") % {"line": other}),
                ),
                answer=given.get(str(plan.line), ""),
            )
            plan.asked = plan.asked or not chosen
            if chosen == SAME:
                self._refuse_twin(plan, other)
                self._refuse_twin(next(one for one in self.plans if one.line == other), plan.line)

    @staticmethod
    def _overlapping(plans: Sequence[Plan]) -> dict[int, int]:
        """The lines whose periods, or the want of them, do not keep them apart → another such line."""
        refused: dict[int, int] = {}
        undated = [plan for plan in plans if plan.period is None]
        dated = sorted(
            ((plan, period) for plan in plans if (period := plan.period) is not None),
            key=lambda item: item[1].first or date.min,
        )
        if undated:
            for plan in plans:
                other = next(one for one in (*undated, *plans) if one is not plan)
                refused[plan.line] = other.line
        furthest: tuple[Plan, Period] | None = None
        for plan, period in dated:
            if furthest is not None and furthest[1].overlaps(period):
                refused.setdefault(plan.line, furthest[0].line)
                refused.setdefault(furthest[0].line, plan.line)
            if furthest is None or (period.last or date.max) > (furthest[1].last or date.max):
                furthest = (plan, period)
        return refused

    def _refuse_twins(self) -> None:
        """Rows that lead to the same project, whichever way each was recognised."""
        by_target: dict[int, list[Plan]] = {}
        for plan in self.plans:
            if plan.target_id is not None:
                by_target.setdefault(plan.target_id, []).append(plan)
        for plans in by_target.values():
            if len(plans) > 1:
                for plan in plans:
                    self._refuse_twin(plan, next(one.line for one in plans if one is not plan))

    def _refuse_twin(self, plan: Plan, other: int) -> None:
        column = "register_id" if "register_id" in plan.row.values else "title"
        message = _("Lines %(line)d and %(other)d are the same project. Keep one of them.") % {
            "line": plan.line,
            "other": other,
        }
        if not any(trouble.message == message for trouble in plan.row.troubles):
            self._refuse(plan, column, message)

    # What somebody corrected by hand.

    def _heed_corrections(self) -> None:
        """Asks whether the file may overwrite what was corrected by hand after an earlier import."""
        found = [
            (plan, groups)
            for plan in self.plans
            if plan.target is not None and not plan.row.troubles and (groups := self._overwritten(plan))
        ]
        all_at_once = ""
        if len(found) > 1:
            all_at_once = self.questions.ask(
                "corrected",
                None,
                text=_(
                    "The file would overwrite what was corrected by hand in %(count)d projects. What stands?"
                )
                % {"count": len(found)},
                help=_("They were corrected after an earlier import."),
                choices=(
                    (KEEP, _("What was corrected by hand, in all of them")),
                    (TAKE, _("What the file says, in all of them")),
                    (EACH, _("I choose for each")),
                ),
                answer=self.answers.get("corrected", {}).get("", ""),
            )
            for plan, _groups in found:
                self.questions.concerns("corrected", plan.line)
        for plan, groups in found:
            chosen = all_at_once
            if len(found) == 1 or chosen == EACH:
                chosen = self.questions.ask(
                    f"corrected:{plan.line}",
                    plan.line,
                    text=_("“%(title)s” was corrected by hand. What stands?")
                    % {"title": getattr(plan.target, "title", "")},
                    help="; ".join(
                        f"{label}: {self._say(say, names, self._standing(plan, names)) or '–'} → "
                        f"{self._say(say, names, {name: plan.after(name) for name in names}) or '–'}"
                        for label, names, say in groups
                    ),
                    choices=(
                        (KEEP, _("What was corrected by hand")),
                        (TAKE, _("What the file says")),
                    ),
                    answer=self.answers.get("corrected", {}).get(str(plan.line), ""),
                )
            plan.asked = plan.asked or not chosen
            if chosen == KEEP:
                for _label, names, _say in groups:
                    for name in names:
                        plan.wanted.pop(name, None)
                    plan.unmarked_amounts = tuple(name for name in plan.unmarked_amounts if name not in names)
            else:
                plan.corrected = frozenset(str(label) for label, _names, _say in groups)

    def _overwritten(self, plan: Plan) -> list[_Told]:
        """The values that the row would change and that are no longer what an earlier import left."""
        left = self._left_by_imports.get(plan.target_id or 0)
        if left is None:
            return []
        found = []
        for told in _TOLD:
            names = told[1]
            standing = self._standing(plan, names)
            changes = any(
                name in plan.wanted and self._key_of(plan.wanted[name]) != standing[name] for name in names
            )
            if changes and any(left[name] != standing[name] for name in names):
                found.append(told)
        return found

    @staticmethod
    def _standing(plan: Plan, names: Sequence[str]) -> dict[str, Any]:
        return {name: getattr(plan.target, name) for name in names}

    @staticmethod
    def _key_of(value: Any) -> Any:
        return (value.pk or -1) if isinstance(value, Reference) else value

    @cached_property
    def _left_by_imports(self) -> dict[int, dict[str, Any]]:
        """What the latest import left of the projects that were changed since: key → its values then."""
        targets = {plan.target_id: plan.target for plan in self.plans if plan.target is not None}
        latest: dict[int, int] = {}
        for project, version in ImportedProject.objects.filter(
            municipality=self.municipality, project__in=targets, batch__state=BatchState.CONFIRMED
        ).values_list("project_id", "version_after"):
            latest[project] = max(version, latest.get(project, 0))
        changed = {
            project: version
            for project, version in latest.items()
            if (target := targets[project]) is not None and target.version > version
        }
        names = sorted({name for _label, fields, _say in _TOLD for name in fields})
        events: Any = history.event_model(Project)
        return {
            values["pgh_obj_id"]: values
            for values in events.objects.filter(
                pgh_obj_id__in=changed, version__in=set(changed.values())
            ).values("pgh_obj_id", "version", *names)
            if changed[values["pgh_obj_id"]] == values["version"]
        }

    # What becomes of it.

    def _merge(self, plan: Plan) -> None:
        """What the row and the register say together: the state, the year, and what contradicts itself."""
        wanted = plan.wanted
        first, last = plan.after("starts_on"), plan.after("ends_on")
        if first and last and last < first:
            self._refuse(
                plan,
                "ends" if "ends" in plan.row.values else "starts",
                MESSAGES["project_ends_after_it_starts"],
            )
        elif (
            not plan.after("state")
            and self._brings_dates(plan)
            and (state := state_on(self.today, first, last))
        ):
            wanted["state"] = state
            plan.derived_state = True
        if self.year is not None and first is None and last is None:
            wanted["recorded_for_year"] = self.year
        share, total = plan.after("own_share"), plan.after("total_budget")
        same = plan.after("own_share_currency") == plan.after("total_budget_currency")
        if share is not None and total is not None and same and share > total:
            self._refuse(
                plan,
                "own_share_sek" if "own_share_sek" in plan.row.values else "total_budget_sek",
                MESSAGES["own_share_within_total_budget"],
            )
        if plan.extra_note:
            standing = plan.after("note") or ""
            if plan.extra_note not in standing:
                wanted["note"] = f"{standing}\n{plan.extra_note}".strip()

    @staticmethod
    def _brings_dates(plan: Plan) -> bool:
        return plan.target is None or any(
            name in plan.wanted and plan.wanted[name] != getattr(plan.target, name)
            for name in ("starts_on", "ends_on")
        )

    def _ask_about_amounts(self) -> None:
        """Whether unmarked amounts are exact: asked unless a cell says "ca" or all of them stand already."""
        given: bool | None = self.answers.get("approximate")
        marked = any(
            plan.wanted.get(f"{name}_approximate")
            for plan in self.plans
            for name in ("total_budget", "own_share")
        )
        for plan in self.plans:
            if plan.left_out:
                continue
            for name in plan.unmarked_amounts:
                mark = f"{name}_approximate"
                stands = plan.target is not None and (
                    getattr(plan.target, name),
                    getattr(plan.target, f"{name}_currency"),
                ) == (plan.wanted[name], plan.wanted[f"{name}_currency"])
                if given is not None:
                    plan.wanted[mark] = given
                elif stands and not marked:
                    plan.wanted[mark] = getattr(plan.target, mark)
                if not marked and not plan.row.troubles and (given is not None or not stands):
                    self.questions.ask(
                        "amounts",
                        plan.line,
                        text=_("Are the amounts in the file exact or approximate?"),
                        help=_("No amount in the file says “ca”."),
                        choices=(("exact", _("Exact")), ("approximate", _("Approximate"))),
                        answer="" if given is None else "approximate" if given else "exact",
                    )

    def _compare(self, plan: Plan) -> None:
        if plan.target is None:
            return
        for name, after in plan.wanted.items():
            before = getattr(plan.target, name)
            if (after.pk if isinstance(after, Reference) else after) != before or (
                isinstance(after, Reference) and after.pk is None
            ):
                plan.changes[name] = (before, after)

    def preview(self) -> Preview:
        rows = tuple(map(self._judged, self.plans))
        return Preview(rows, self.questions.unanswered_first(), tuple(self._notes()))

    def outcome(self, plan: Plan) -> Outcome:
        if plan.row.troubles:
            return Outcome.REFUSED
        if plan.asked:
            return Outcome.ASKED
        if plan.left_out:
            return Outcome.UNCHANGED
        if plan.target_id is None:
            return Outcome.NEW
        changed = plan.changes or plan.changes_units or plan.changes_parties
        return Outcome.CHANGED if changed else Outcome.UNCHANGED

    def _judged(self, plan: Plan) -> JudgedRow:
        outcome = self.outcome(plan)
        fingerprint: tuple[Any, ...] = ()
        if outcome is Outcome.NEW:
            fingerprint = (*sorted(plan.wanted.items()), plan.units, plan.parties)
        elif outcome is Outcome.CHANGED:
            fingerprint = (
                plan.target_id,
                *sorted(plan.changes.items()),
                plan.units,
                plan.standing_units,
                plan.parties,
                plan.standing_parties,
            )
        return JudgedRow(
            plan.line,
            plan.title or (plan.target.title if plan.target else ""),
            outcome,
            fingerprint,
            tuple(plan.row.troubles),
            plan.target,
            lambda: self._tell(plan),
        )

    def _notes(self) -> list[str]:
        notes = list(self.sheet.notes)
        notes += [
            _("Line %(line)d, “%(title)s”, is a sum and is left out.")
            % {"line": plan.line, "title": plan.title}
            for plan in self.plans
            if plan.left_out
        ]
        formulas = [
            plan.line
            for plan in self.plans
            if self.outcome(plan) in (Outcome.NEW, Outcome.CHANGED)
            and any(isinstance(value, str) and defuse(value) != value for value in plan.row.values.values())
        ]
        if formulas:
            told = ", ".join(map(str, formulas[:20])) + (" …" if len(formulas) > 20 else "")
            notes.append(
                ngettext(
                    "Line %(lines)s holds a text that begins as a formula does, with =, +, - or @. It is "
                    "taken in as the text it is. Correct the file if its value was meant.",
                    "Lines %(lines)s hold texts that begin as a formula does, with =, +, - or @. They are "
                    "taken in as the text they are. Correct the file if their values were meant.",
                    len(formulas),
                )
                % {"lines": told}
            )
        nobody = [plan.line for plan in self.plans if plan.owner_is_municipality and not plan.row.troubles]
        if nobody:
            notes.append(
                ngettext(
                    "Line %(lines)s gives the municipality itself as the owner. Which unit owns the project is "
                    "then left as not stated.",
                    "Lines %(lines)s give the municipality itself as the owner. Which unit owns the projects is "
                    "then left as not stated.",
                    len(nobody),
                )
                % {"lines": ", ".join(map(str, nobody[:20])) + (" …" if len(nobody) > 20 else "")}
            )
        for column, text in (
            (
                "funder_id",
                _("New in the municipality's list of funders: %(names)s."),
            ),
            (
                "programme_id",
                _("New in the municipality's list of programmes: %(names)s."),
            ),
        ):
            names = [reference.name for reference in self.new_references(column)]
            if names:
                more = ngettext("%(count)d more", "%(count)d more", len(names) - 20) % {
                    "count": len(names) - 20
                }
                told = ", ".join(names[:20]) + (f", {more}" if len(names) > 20 else "")
                notes.append(text % {"names": told})
        return notes

    def new_references(self, column: str) -> list[Reference]:
        """Funders or programmes that rows to be written name and the register does not know, each once."""
        found: dict[str, Reference] = {}
        for plan in self.plans:
            reference = plan.wanted.get(column)
            if reference is not None and reference.pk is None and not plan.row.troubles and not plan.left_out:
                found.setdefault(fold(reference.name), reference)
        return list(found.values())

    # In words.

    def _tell(self, plan: Plan) -> list[Difference]:
        told: list[Difference] = []
        changed = (
            plan.changes
            if plan.target is not None
            else {name: (None, after) for name, after in plan.wanted.items()}
        )
        for label, names, say in _TOLD:
            if any(name in changed for name in names):
                before = {name: getattr(plan.target, name) if plan.target else None for name in names}
                after = {name: plan.after(name) for name in names}
                told.append(
                    Difference(
                        str(label),
                        self._say(say, names, before),
                        self._say(say, names, after),
                        self._remark(plan, str(label), names),
                    )
                )
        if plan.changes_units:
            told.append(
                Difference(
                    str(FIELDS["units"].label),
                    self._unit_names(plan.standing_units),
                    self._unit_names(plan.units or ()),
                )
            )
        if plan.changes_parties:
            told.append(
                Difference(
                    str(FIELDS["partners"].label),
                    ", ".join(map(str, plan.standing_parties)),
                    ", ".join(map(str, plan.parties or ())),
                )
            )
        return [
            one
            for one in told
            if one.before != one.after
            and not (plan.target is None and one.label == str(FIELDS["title"].label))
        ]

    @staticmethod
    def _remark(plan: Plan, label: str, names: Sequence[str]) -> str:
        if label in plan.corrected:
            return _("corrected by hand since the last import")
        return _("by the dates") if plan.derived_state and names == ("state",) else ""

    def _unit_names(self, keys: Iterable[int]) -> str:
        return ", ".join(sorted(self.directory.units[key].name for key in keys))

    def _say(self, say: str, names: Sequence[str], values: Mapping[str, Any]) -> str:
        value = values[names[0]]
        if value is None or value == "":
            return ""
        match say:
            case "date":
                return PartialDate.containing(value, Precision(values[names[1]])).label
            case "amount":
                return on_screen(Amount(Money(value, values[names[1]]), bool(values[names[2]])))
            case "unit":
                return self.directory.units[value].name
            case "funder_id" | "programme_id":
                if isinstance(value, Reference):
                    return value.name
                known = self.funders if say == "funder_id" else self.programmes
                return next((one.name for one in known.values() if one.pk == value), f"#{value}")
            case "choice":
                return str(dict(Project._meta.get_field(names[0]).flatchoices).get(value, value))  # type: ignore[union-attr]
        return str(value)

    @cached_property
    def words_to_remember(self) -> dict[tuple[str, str], str]:
        """What was answered about words and is not remembered so already."""
        given = {
            (column, word): meaning
            for column, words in self.answers.get("words", {}).items()
            for word, meaning in words.items()
        }
        asked = {question.key for question in self.questions if question.answer}
        return {
            key: meaning
            for key, meaning in given.items()
            if f"word:{key[0]}:{key[1]}" in asked and self.remembered.get(key) != meaning
        }


# How each value of a project is told: its label, the fields it is made of, and the kind of telling.
_Told = tuple[Text, tuple[str, ...], str]
_TOLD: tuple[_Told, ...] = (
    (FIELDS["title"].label, ("title",), ""),
    (FIELDS["acronym"].label, ("acronym",), ""),
    (FIELDS["summary"].label, ("summary",), ""),
    (FIELDS["programme"].label, ("programme_id",), "programme_id"),
    (FIELDS["funder"].label, ("funder_id",), "funder_id"),
    (FIELDS["starts"].label, ("starts_on", "starts_precision"), "date"),
    (FIELDS["ends"].label, ("ends_on", "ends_precision"), "date"),
    (FIELDS["state"].label, ("state",), "choice"),
    (
        FIELDS["total_budget_sek"].label,
        ("total_budget", "total_budget_currency", "total_budget_approximate"),
        "amount",
    ),
    (FIELDS["own_share_sek"].label, ("own_share", "own_share_currency", "own_share_approximate"), "amount"),
    (FIELDS["role"].label, ("role",), "choice"),
    (FIELDS["co_financing"].label, ("co_financing",), "choice"),
    (gettext_lazy("Accounting"), ("accounting",), "choice"),
    (FIELDS["accounted_by"].label, ("accounted_by",), ""),
    (FIELDS["project_number"].label, ("project_number",), ""),
    (FIELDS["level"].label, ("level",), "choice"),
    (FIELDS["kind"].label, ("kind",), "choice"),
    (FIELDS["dnr"].label, ("dnr",), ""),
    (FIELDS["external_reference"].label, ("external_reference",), ""),
    (FIELDS["initiated_by"].label, ("initiated_by",), ""),
    (FIELDS["source"].label, ("source",), "choice"),
    (FIELDS["link_to_operations"].label, ("link_to_operations",), ""),
    (FIELDS["expected_effect"].label, ("expected_effect",), ""),
    (FIELDS["achieved_effect"].label, ("achieved_effect",), ""),
    (FIELDS["owner"].label, ("owner_unit_id",), "unit"),
    (FIELDS["decided_by"].label, ("decided_by",), ""),
    (FIELDS["note"].label, ("note",), ""),
    (gettext_lazy("Recorded for the year"), ("recorded_for_year",), ""),
)


def word_key(word: str) -> str:
    """The key under which a word is remembered; of a long text its beginning and a hash of the whole."""
    key = fold(word)
    return key if len(key) <= 200 else f"{key[:150]}… {hashlib.sha256(key.encode()).hexdigest()[:32]}"


def state_on(today: date, first: date | None, last: date | None) -> str:
    """The state that the dates alone tell: ended, or ongoing between both dates; else not stated."""
    if last is not None and last < today:
        return State.ENDED.value
    if first is not None and last is not None and first <= today:
        return State.ONGOING.value
    return ""


def with_answers(answers: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The answers of a batch and those just given (question key → value), as the batch keeps them."""
    kept: dict[str, Any] = {
        **answers,
        "words": {column: dict(words) for column, words in answers.get("words", {}).items()},
        "matches": dict(answers.get("matches", {})),
        "corrected": dict(answers.get("corrected", {})),
    }
    for key, value in given.items():
        kind, _colon, rest = key.partition(":")
        if kind == "amounts":
            kept["approximate"] = value == "approximate"
        elif kind == "corrected":
            kept["corrected"][rest] = value
        elif kind == "zeros":
            kept["zeros"] = value
        elif kind == "match":
            kept["matches"][rest] = value
        elif kind == "word":
            column, _colon, word = rest.partition(":")
            kept["words"].setdefault(column, {})[word] = value
    return kept
