"""The accounts' list of project codes, taken in and gone through: is it an externally funded project?

A list says what codes there are; only a person says which of them are external projects. The answers stay
with the codes, so that a later list asks of the new ones alone. A code that is external leads to its
project: one that the register has, or one to register.

Codes are never deleted. Undoing a list hides the codes that it brought and nobody has answered for, and
gives changed ones their former values; taking the same list in again brings them back. Lists of the same
accounts are undone in the reverse of their order: what an older one brought may stand in a later one too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from difflib import SequenceMatcher
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Count, IntegerField, Min, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pages.columns import Text
from pages.files import ChooseSheet, Problem, TableRefused, read_table
from pages.forms import register_messages
from pages.imports import (
    CellRefused,
    Difference,
    ImportColumn,
    JudgedRow,
    Outcome,
    Preview,
    Sheet,
    Trouble,
    read_sheet,
    require_ready,
)
from projects.models import External, Project, ProjectNumber
from projects.public_lists.reading import headers_of, parts, sample
from projects.registry import book_under, marked_reason, standing_locked, take_back
from projects.texts import TextRefused, plain
from strategy import history
from strategy.attachments import contents, store
from strategy.models import BatchState, ImportBatch, RememberedWord, Unit, UnitName
from strategy.permissions import Reader
from values.precision import PartialDate, Precision, parse_partial_date
from values.text import fold, squeeze

KIND = "project_codes"
PER_PAGE = 50
# What is compared with the name of a code: so many of its words, and so many projects that share them.
MOST_WORDS, LOOKED_AT = 8, 200

MESSAGES = {
    "a_code_stands_once_in_its_accounts": gettext_lazy(
        "Somebody has just taken in the same code. Look through the list again."
    ),
    "number_project_in_same_municipality": gettext_lazy("Choose a project of your own municipality."),
    "number_batch_in_same_municipality": gettext_lazy("The list belongs to another municipality."),
    "a_project_number_has_a_code": gettext_lazy("Give the code."),
    "external_is_known": gettext_lazy("Answer yes, no or do not know."),
    "a_code_closes_after_it_opens": gettext_lazy(
        "The code must not be closed before it is opened. Correct one of the dates."
    ),
    "an_answer_has_who_and_when": gettext_lazy("An answer needs who gave it and when."),
    "a_code_with_a_project_is_external": gettext_lazy(
        "The code has a project. Take it away from the project first, then change the answer."
    ),
}
register_messages(MESSAGES)


# --- reading ---------------------------------------------------------------------------------------------


def _text(longest: int) -> Any:
    def read(cell: str) -> str:
        try:
            text = plain(cell)
        except TextRefused as refused:
            raise CellRefused(str(refused)) from None
        if len(text) > longest:
            raise CellRefused(
                _("The text has %(length)d characters, and %(longest)d is the most. Shorten it.")
                % {"length": len(text), "longest": longest}
            )
        return text

    return read


_CLOCK = re.compile(r"[ T]\d{1,2}[:.]\d\d(?:[:.]\d\d)?$")


def _day(last: bool) -> Any:
    def read(cell: str) -> date:
        known = parse_partial_date(_CLOCK.sub("", cell))
        if known.precision is Precision.YEAR:
            raise CellRefused(_("Give the month too, as %(example)s.") % {"example": f"{known.label}-09"})
        return known.last if last else known.first

    return read


COLUMNS: tuple[ImportColumn, ...] = (
    ImportColumn(
        "code",
        gettext_lazy("Project code"),
        _text(50),
        (
            *(
                "Projekt",
                "Projektkod",
                "Kod",
                "Projektnr",
                "Projekt nr",
                "Projektnummer",
                "Objekt",
                "Objektkod",
            ),
            *("Kodvärde", "Värde", "Proj", "Projekt-ID", "Projekt id", "Project", "Project number"),
        ),
        holds="codes",
    ),
    ImportColumn(
        "name",
        gettext_lazy("Name of the code"),
        _text(200),
        (
            *("Benämning", "Namn", "Projektnamn", "Projektbenämning", "Text", "Beskrivning", "Klartext"),
            *("Kodtext", "Name", "Description"),
        ),
    ),
    ImportColumn(
        "ansvar",
        gettext_lazy("Ansvar"),
        _text(50),
        ("Ansvarskod", "Ansvar kod", "Ansvarsnummer", "Enhet", "Enhetskod", "Kostnadsställe", "Kst"),
        holds="codes",
    ),
    ImportColumn(
        "opened",
        gettext_lazy("Opened"),
        _day(last=False),
        (
            *(
                "Fr o m",
                "From",
                "Fr.o.m.",
                "From datum",
                "Startdatum",
                "Start",
                "Giltig från",
                "Giltig fr o m",
            ),
            *("Öppnad", "Gäller från", "Fr o m datum"),
        ),
        holds="dates",
    ),
    ImportColumn(
        "closed",
        gettext_lazy("Closed"),
        _day(last=True),
        (
            *("T o m", "Tom", "T.o.m.", "Tom datum", "Slutdatum", "Slut", "Giltig till", "Giltig t o m"),
            *("Stängd", "Stängt", "Gäller till", "Avslutad", "T o m datum"),
        ),
        holds="dates",
    ),
)
_BY_NAME = {column.name: column for column in COLUMNS}
# Our column → the model's field.
FIELDS = {"name": "name", "ansvar": "ansvar_code", "opened": "opened_on", "closed": "closed_on"}


class PointOut(TableRefused):
    """The column of codes is not known by its heading: somebody points out what the columns hold."""

    def __init__(self, refused: TableRefused, headings: Sequence[str]) -> None:
        super().__init__(*refused.problems)
        self.headings = tuple(headings)


def heading_key(heading: str) -> str:
    return fold(heading.replace("_", " ").replace("-", " "))


def known_headings(remembered: Mapping[str, str]) -> dict[str, str]:
    """Folded heading → our column, from the spellings we know and from what somebody has pointed out."""
    known = {heading_key(said): column.name for column in COLUMNS for said in (column.name, *column.also)}
    return known | {heading_key(heading): name for heading, name in remembered.items()}


def remembered_headings(reader: Reader) -> dict[str, str]:
    """Their heading → our column ("" for one that is passed over)."""
    return dict(
        RememberedWord.objects.filter(
            municipality=reader.municipality, kind=KIND, column="heading"
        ).values_list("word", "meaning")
    )


def read_codes(data: bytes, pointed_out: Mapping[str, str], *, sheet: str | None = None) -> Sheet:
    """The rows of a code list. `pointed_out`: their heading → our column, "-" for one to pass over.

    Columns that are not known are passed over. Raises TableRefused, ChooseSheet, and PointOut where no
    column of codes is found.
    """
    headings = _headings(data, sheet)
    known = known_headings(pointed_out)
    told: dict[str, list[str]] = {}
    for heading in headings:
        name = known.get(heading_key(heading), "")
        if name in _BY_NAME:
            told.setdefault(name, []).append(heading)
    if "code" not in told:
        try:
            # Whatever is wrong with the file is told by the reader of files; else the headings are the trouble.
            read_table(data, known_headers=headings or ["?"], formulas_are_text=True, sheet=sheet)
        except ChooseSheet:
            raise
        except TableRefused as refused:
            if refused.header_line is None:
                raise
        message = _(
            "No column of project codes was recognised. Point out which of the columns holds the codes."
        )
        raise PointOut(TableRefused(Problem("no_codes", None, None, message)), headings)
    # Of two columns that may both be meant, the one that somebody pointed out, else the first.
    chosen = {
        name: next(
            (heading for heading in several if heading_key(heading) in map(heading_key, pointed_out)),
            several[0],
        )
        for name, several in told.items()
    }
    columns = [
        ImportColumn(name, _literal(heading), _BY_NAME[name].read, (heading,), _BY_NAME[name].holds)
        for name, heading in chosen.items()
    ]
    # Known to the reader, so that the line of headings is found, and otherwise left alone.
    passed = [heading for heading in headings if heading not in chosen.values()]
    beside = [
        ImportColumn(f"passed_over_{n}", _literal(heading), str, (heading,))
        for n, heading in enumerate(passed)
    ]
    read = read_sheet(data, columns, beside=beside, sheet=sheet)
    if not passed:
        return read
    note = ngettext(
        "The column %(columns)s is not needed, and is not read.",
        "The columns %(columns)s are not needed, and are not read.",
        len(passed),
    ) % {"columns": ", ".join(f"“{heading}”" for heading in passed[:20])}
    return replace(read, notes=(*read.notes, note))


_literal: Any = lazy(str, str)


def _headings(data: bytes, sheet: str | None) -> list[str]:
    (headings,) = headers_of(parts(data)[:1], sheet=sheet).values()
    return [heading for heading in headings if heading]


# --- judging ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Plan:
    """What a row of the list asks for, and the code that stands, if any."""

    line: int
    code: str
    wanted: dict[str, Any]
    row: ProjectNumber | None = None
    hidden: bool = False  # stood in a list that was undone

    @property
    def rests_on_undone(self) -> bool:
        """Whether the list that brought the code was undone, answered for or not: this one holds it instead."""
        return (
            self.row is not None and self.row.batch is not None and self.row.batch.state == BatchState.UNDONE
        )

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Field → before and after; an empty cell leaves what is known."""
        if self.row is None:
            return {}
        return {
            name: (getattr(self.row, name), value)
            for name, value in self.wanted.items()
            if value != getattr(self.row, name)
        }

    def said(self, field: str) -> Any:
        """What the list says, or what stands where it says nothing."""
        return self.wanted.get(field) or (getattr(self.row, field) if self.row is not None else None)


class Judge:
    """A list against the codes of the same accounts; one query, however long the list is."""

    def __init__(self, reader: Reader, sheet: Sheet, source: str) -> None:
        self.sheet = sheet
        self.source = source
        standing = ProjectNumber.objects.filter(municipality=reader.municipality, source=source)
        self.known = {row.code: row for row in standing.select_related("batch")}
        self.plans: list[Plan] = []
        self.rows: list[JudgedRow] = []
        self._judge()

    def _judge(self) -> None:
        first: dict[str, Plan] = {}
        lines: dict[str, list[int]] = {}
        troubles: dict[int, list[Trouble]] = {row.line: list(row.troubles) for row in self.sheet.rows}
        heading = self.sheet.headings
        bare = self.sheet.bare_codes.get("code", {})
        padded = {code.lstrip("0"): code for code in self.known if code.startswith("0")}
        plans: list[Plan] = []
        for row in self.sheet.rows:
            code = row.values.get("code", "")
            if not code:
                if not row.troubles:
                    troubles[row.line].append(
                        Trouble(
                            row.line, heading["code"], _("The row has no code. Fill it in or remove the row.")
                        )
                    )
                plans.append(Plan(row.line, "", {}))
                continue
            wanted = {FIELDS[name]: value for name, value in row.values.items() if name in FIELDS}
            plan = Plan(row.line, code, wanted)
            opened, closed = wanted.get("opened_on"), wanted.get("closed_on")
            if opened and closed and closed < opened:
                troubles[row.line].append(
                    Trouble(row.line, heading["closed"], str(MESSAGES["a_code_closes_after_it_opens"]))
                )
            if row.line in bare and code not in self.known and code in padded:
                troubles[row.line].append(
                    Trouble(
                        row.line,
                        heading["code"],
                        _(
                            "The code stands as the number %(code)s, and there is a code %(known)s: the zeros "
                            "before it are lost. Give the column the format Text and write the codes anew."
                        )
                        % {"code": code, "known": padded[code]},
                    )
                )
            lines.setdefault(code, []).append(row.line)
            plans.append(plan)
            first.setdefault(code, plan)
        repeated: set[int] = set()
        for code, several in lines.items():
            if len(several) > 1:
                repeated |= self._twice(code, [p for p in plans if p.line in set(several)], troubles)
        for plan in plans:
            if plan.line in repeated:
                continue
            self._place(plan, tuple(troubles[plan.line]))

    def _twice(self, code: str, plans: list[Plan], troubles: dict[int, list[Trouble]]) -> set[int]:
        """The same code twice: one row where both say the same, else all of them refused and named together."""
        if all(plan.wanted == plans[0].wanted for plan in plans):
            return {plan.line for plan in plans[1:]}
        numbers = ", ".join(str(plan.line) for plan in plans)
        ansvar = list(dict.fromkeys(str(plan.wanted.get("ansvar_code", "")) for plan in plans))
        if len(ansvar) > 1:
            message = _(
                "The code %(code)s stands for several units (lines %(lines)s, ansvar %(ansvar)s). In one set of "
                "accounts a code is one project: correct the list, or take the units' lists in as different "
                "accounts."
            ) % {"code": code, "lines": numbers, "ansvar": ", ".join(one or "–" for one in ansvar)}
        else:
            message = _(
                "The code %(code)s stands several times and says different things (lines %(lines)s). "
                "Keep one of the rows."
            ) % {"code": code, "lines": numbers}
        for plan in plans:
            troubles[plan.line].append(Trouble(plan.line, self.sheet.headings["code"], message))
        return set()

    def _place(self, plan: Plan, troubles: tuple[Trouble, ...]) -> None:
        name = f"{plan.code} {plan.wanted.get('name', '')}".strip()
        plan.row = row = self.known.get(plan.code)
        if not troubles and (against := self._against_what_stands(plan)) is not None:
            troubles = (against,)
        if troubles:
            self.rows.append(
                JudgedRow(
                    plan.line, name or _("Line %(line)d") % {"line": plan.line}, Outcome.REFUSED, (), troubles
                )
            )
            return
        plan.hidden = row is not None and is_hidden(row)
        changed = Outcome.CHANGED if plan.changes else Outcome.UNCHANGED
        outcome = Outcome.NEW if row is None or plan.hidden else changed
        fingerprint = (plan.code, outcome.value, tuple(sorted((k, str(v)) for k, v in plan.wanted.items())))
        self.plans.append(plan)
        self.rows.append(
            JudgedRow(
                plan.line,
                name,
                outcome,
                fingerprint,
                target=plan,
                tell=lambda: [
                    Difference(_label(field), _said(before), _said(after))
                    for field, (before, after) in ({} if plan.hidden else plan.changes).items()
                ],
            )
        )

    def _against_what_stands(self, plan: Plan) -> Trouble | None:
        """A day of the list that does not go with the one that stands, where the list gives only one."""
        opened, closed = plan.said("opened_on"), plan.said("closed_on")
        if not (opened and closed and closed < opened):
            return None
        column = self.sheet.headings["closed" if plan.wanted.get("closed_on") else "opened"]
        message = _(
            "The code would be closed on %(closed)s, before it is opened on %(opened)s. One of the dates stands "
            "since an earlier list: correct the other, or give both."
        ) % {"closed": closed.isoformat(), "opened": opened.isoformat()}
        return Trouble(plan.line, column, message)

    def preview(self) -> Preview:
        notes = [*self.sheet.notes]
        if bare := self.sheet.bare_codes.get("code"):
            example = next(iter(bare.values()))
            notes.append(
                ngettext(
                    "%(count)d code stands as a number (%(example)s). If it has zeros before it in the "
                    "accounts, give the column the format Text first.",
                    "%(count)d codes stand as numbers, for example %(example)s. If any has zeros before it in "
                    "the accounts, give the column the format Text first.",
                    len(bare),
                )
                % {"count": len(bare), "example": example}
            )
        return Preview(tuple(sorted(self.rows, key=lambda row: row.line)), notes=tuple(notes))


def _label(field: str) -> str:
    name = next(name for name, own in FIELDS.items() if own == field)
    return str(_BY_NAME[name].label)


def _said(value: Any) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


def is_hidden(row: ProjectNumber) -> bool:
    """Its list was undone and nobody has answered for it."""
    return row.external == "" and row.batch is not None and row.batch.state == BatchState.UNDONE


# --- batches ---------------------------------------------------------------------------------------------


class BatchMovedOn(Exception):
    """Somebody has confirmed, cancelled or undone the list already."""


class UndoneFirst(Exception):
    """A later list of the same accounts is undone before this one. The message says which."""


def batches(reader: Reader) -> QuerySet[ImportBatch]:
    found = ImportBatch.objects.filter(municipality=reader.municipality, kind=KIND)
    return found if reader.can("code_list.read") else found.none()


def upload(
    reader: Reader,
    name: str,
    data: bytes,
    *,
    source: str = "",
    content_type: str = "",
    sheet: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> ImportBatch:
    """Stores a list that can be read, with what becomes of its rows; writes no code.

    A list whose headings are not known is stored too, for somebody to point out its columns (`point_out`).
    Raises TableRefused, and then nothing is stored.
    """
    reader.require("code_list.take")
    answers: dict[str, Any] = {"source": squeeze(source)[:60]}
    if sheet is not None:
        answers["sheet"] = sheet
    if columns:
        answers["columns"] = dict(columns)
    counts: dict[str, int] = {}
    with suppress(PointOut, ChooseSheet):
        counts = _judged(reader, data, answers).preview().counts
    file = store(reader.municipality, name, data, content_type)
    return ImportBatch.objects.create(
        municipality=reader.municipality,
        kind=KIND,
        file=file,
        answers=answers,
        counts=counts,
        uploaded_by=reader.person,
    )


def _judged(reader: Reader, data: bytes, answers: Mapping[str, Any]) -> Judge:
    pointed_out = remembered_headings(reader) | answers.get("columns", {})
    return Judge(reader, read_codes(data, pointed_out, sheet=answers.get("sheet")), answers.get("source", ""))


def judged(
    reader: Reader, data: bytes, source: str, columns: Mapping[str, str], sheet: str | None
) -> Preview:
    """What a list would do, without storing it."""
    answers = {"source": squeeze(source)[:60], "columns": columns, "sheet": sheet}
    return _judged(reader, data, answers).preview()


def preview_of(reader: Reader, batch: ImportBatch) -> Preview:
    """Raises FileDamaged, TableRefused, PointOut and ChooseSheet."""
    reader.require("code_list.read", batch)
    return _judged(reader, contents(batch.file), batch.answers).preview()


def headings_of(batch: ImportBatch) -> tuple[tuple[str, ...], list[Sequence[str]]]:
    """The list's headings and first rows, for whoever points out what the columns hold."""
    (part, *_others) = parts(contents(batch.file))
    return sample(part, sheet=batch.answers.get("sheet"))


def point_out(reader: Reader, batch: ImportBatch, columns: Mapping[str, str]) -> Preview:
    """Their heading → our column, kept with the list and remembered for the next one."""
    reader.require("code_list.take", batch)
    _still(batch, BatchState.JUDGED)
    given = {heading: name for heading, name in columns.items() if name in _BY_NAME}
    batch.answers = {**batch.answers, "columns": given}
    preview = _judged(reader, contents(batch.file), batch.answers).preview()
    batch.counts = preview.counts
    batch.save(update_fields=["answers", "counts"])
    RememberedWord.objects.bulk_create(
        [
            RememberedWord(
                municipality=reader.municipality,
                kind=KIND,
                column="heading",
                word=heading_key(heading)[:200],
                meaning=name,
            )
            for heading, name in given.items()
        ],
        update_conflicts=True,
        unique_fields=["municipality", "kind", "column", "word"],
        update_fields=["meaning"],
    )
    return preview


def choose_sheet(reader: Reader, batch: ImportBatch, sheet: str) -> None:
    reader.require("code_list.take", batch)
    _still(batch, BatchState.JUDGED)
    batch.answers = {**batch.answers, "sheet": sheet}
    try:
        batch.counts = _judged(reader, contents(batch.file), batch.answers).preview().counts
    except PointOut:
        batch.counts = {}
    batch.save(update_fields=["answers", "counts"])


def _still(batch: ImportBatch, state: BatchState) -> None:
    batch.refresh_from_db(from_queryset=ImportBatch.objects.select_for_update())
    if batch.state != state:
        raise BatchMovedOn(batch.get_state_display())


def confirm(
    reader: Reader, batch: ImportBatch, *, seen: str, at: datetime, leave_out_refused: bool = False
) -> Preview:
    """Takes the codes in, all or none. Raises NotReady where the outcome is not the one that was seen."""
    reader.require("code_list.take", batch)
    with transaction.atomic():
        _one_at_a_time(reader)
        _still(batch, BatchState.JUDGED)
        judge = _judged(reader, contents(batch.file), batch.answers)
        preview = judge.preview()
        require_ready(preview, seen=seen, leave_out_refused=leave_out_refused)
        history.give_reason(told_in_the_record(_TAKEN, batch))
        ProjectNumber.objects.bulk_create(
            ProjectNumber(
                municipality=reader.municipality,
                source=judge.source,
                code=plan.code,
                batch=batch,
                **plan.wanted,
            )
            for plan in judge.plans
            if plan.row is None
        )
        changed = [
            plan for plan in judge.plans if plan.row is not None and (plan.changes or plan.rests_on_undone)
        ]
        told: dict[str, dict[str, tuple[str, str]]] = {}
        for plan in changed:
            row: Any = plan.row
            if not plan.hidden and plan.changes:
                told[str(row.pk)] = {
                    name: (_said(then), _said(now)) for name, (then, now) in plan.changes.items()
                }
            for name, value in plan.wanted.items():
                setattr(row, name, value)
            if plan.rests_on_undone:
                row.batch = batch
        _save([plan.row for plan in changed if plan.row is not None])
        batch.state = BatchState.CONFIRMED
        batch.confirmed_at = at
        batch.counts = preview.counts
        batch.answers = {**batch.answers, "changed": told}
        batch.save(update_fields=["state", "confirmed_at", "counts", "answers"])
    return preview


def _one_at_a_time(reader: Reader) -> None:
    """Lists of one municipality are confirmed and undone one after the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('projects.code_lists'), %s)", [reader.municipality.pk]
        )


_TAKEN = gettext_lazy("List of project codes %(number)d, %(file)s")
_UNDONE = gettext_lazy("List of project codes %(number)d, %(file)s, was undone")


def told_in_the_record(text: Text, batch: ImportBatch) -> str:
    with history.in_the_record():
        return str(text) % {"number": batch.pk, "file": batch.file.name}


def _save(rows: Sequence[ProjectNumber]) -> None:
    """One statement for all of them: bulk_update takes two milliseconds a row."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE projects_projectnumber SET name = new.name, ansvar_code = new.ansvar,"
            " opened_on = new.opened, closed_on = new.closed, batch_id = new.batch"
            " FROM (SELECT unnest(%s::bigint[]) AS key, unnest(%s::text[]) AS name, unnest(%s::text[]) AS ansvar,"
            " unnest(%s::date[]) AS opened, unnest(%s::date[]) AS closed, unnest(%s::bigint[]) AS batch) AS new"
            " WHERE projects_projectnumber.id = new.key",
            [
                [row.pk for row in rows],
                [row.name for row in rows],
                [row.ansvar_code for row in rows],
                [row.opened_on for row in rows],
                [row.closed_on for row in rows],
                [row.batch_id for row in rows],
            ],
        )


def cancel(reader: Reader, batch: ImportBatch) -> None:
    reader.require("code_list.take", batch)
    with transaction.atomic():
        _still(batch, BatchState.JUDGED)
        batch.state = BatchState.CANCELLED
        batch.save(update_fields=["state"])


@dataclass(frozen=True, slots=True)
class Undone:
    hidden: int
    restored: int
    kept: tuple[ProjectNumber, ...]


def refuse_before_later(batch: ImportBatch, lists: QuerySet[ImportBatch]) -> None:
    """Raises UndoneFirst where one of `lists` was confirmed after the batch and still stands."""
    later = (
        lists.filter(state=BatchState.CONFIRMED)
        .filter(Q(confirmed_at__gt=batch.confirmed_at) | Q(confirmed_at=batch.confirmed_at, pk__gt=batch.pk))
        .select_related("file")
        .order_by("-confirmed_at", "-pk")
        .first()
    )
    if later is not None:
        raise UndoneFirst(
            _("List %(number)d, %(file)s, was taken in later and may hold the same. Undo that one first.")
            % {"number": later.pk, "file": later.file.name}
        )


def undo(reader: Reader, batch: ImportBatch, *, at: datetime, reason: str = "") -> Undone:
    """Hides the codes of the list that nobody has answered for, and gives changed ones their former values.

    A code that was answered for, or changed since, is left as it is and named. Raises UndoneFirst where a
    later list of the same accounts stands: it may hold the same codes, and say the same of them.
    """
    reader.require("code_list.take", batch)
    with transaction.atomic():
        _one_at_a_time(reader)
        _still(batch, BatchState.CONFIRMED)
        refuse_before_later(batch, batches(reader).filter(answers__source=batch.answers.get("source", "")))
        told = told_in_the_record(_UNDONE, batch)
        history.give_reason(f"{told}: {squeeze(reason)}" if reason.strip() else f"{told}.")
        new = list(ProjectNumber.objects.filter(batch=batch).order_by("code").select_for_update())
        wrote: Mapping[str, Mapping[str, Sequence[str]]] = batch.answers.get("changed", {})
        changed = list(
            ProjectNumber.objects.filter(pk__in=list(map(int, wrote))).order_by("code").select_for_update()
        )
        kept = [row for row in new if row.external]
        restored = []
        for row in changed:
            values = wrote[str(row.pk)]
            answered_since = row.answered_at and batch.confirmed_at and row.answered_at > batch.confirmed_at
            if answered_since or any(
                _said(getattr(row, name)) != now for name, (_then, now) in values.items()
            ):
                if row not in kept:
                    kept.append(row)
                continue
            for name, (then, _now) in values.items():
                setattr(row, name, ProjectNumber._meta.get_field(name).to_python(then or None))  # type: ignore[union-attr]
                if name in ("name", "ansvar_code"):
                    setattr(row, name, then)
            restored.append(row)
        _save(restored)
        batch.state = BatchState.UNDONE
        batch.undone_at = at
        batch.counts = {
            **batch.counts,
            "hidden": len(new) - sum(1 for row in new if row.external),
            "restored": len(restored),
            "kept": len(kept),
        }
        batch.save(update_fields=["state", "undone_at", "counts"])
    return Undone(batch.counts["hidden"], len(restored), tuple(kept))


# --- the codes -------------------------------------------------------------------------------------------


def visible_to(reader: Reader) -> QuerySet[ProjectNumber]:
    """The codes that stand: without those whose list was undone before anybody answered for them."""
    found = ProjectNumber.objects.filter(municipality=reader.municipality)
    if not reader.can("code_list.read"):
        return found.none()
    return found.exclude(batch__state=BatchState.UNDONE, external="")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the list has been gone through, and what the answers were."""

    total: int
    answered: int
    yes: int
    without_project: int
    since: date | None = None

    @property
    def waiting(self) -> int:
        return self.total - self.answered


def progress(reader: Reader) -> Progress:
    """One query."""
    told = visible_to(reader).aggregate(
        total=Count("pk"),
        answered=Count("pk", filter=~Q(external="")),
        yes=Count("pk", filter=Q(external=External.YES)),
        without=Count("pk", filter=Q(external=External.YES, project=None)),
        since=Min("batch__confirmed_at", filter=Q(external="")),
    )
    since = told["since"]
    return Progress(
        told["total"],
        told["answered"],
        told["yes"],
        told["without"],
        timezone.localdate(since) if since else None,
    )


# What in a name speaks for an external project. Shown as a suggestion with the word, never as an answer.
_SIGNS = re.compile(
    r"\b(erasmus|interreg|esf|eruf|erdf|amif|horisont|horizon|h2020|leader|life|vinnova|formas|"
    r"tillväxtverket|skolverket|socialstyrelsen|naturvårdsverket|boverket|energimyndigheten|mucf|uhr|"
    r"länsstyrelsen|arvsfonden|postkodstiftelsen|statsbidrag|projektbidrag|stimulansbidrag|bidrag|"
    r"medfinansiering|finansierat|fond|eu)\b|\beu[- ]|(projekt)",
    re.I,
)
_AGAINST = re.compile(r"\b(investering|inventarier|lokaler|löner|overhead|semester|interna?|drift)\b", re.I)


@dataclass(frozen=True, slots=True)
class Suggestion:
    answer: External
    why: str


def suggestion(row: ProjectNumber) -> Suggestion | None:
    """A probable answer from the words of the name; None where they say nothing."""
    if found := _SIGNS.search(row.name):
        return Suggestion(External.YES, _("The name has “%(word)s”.") % {"word": found[0].strip(" -")})
    if found := _AGAINST.search(row.name):
        return Suggestion(External.NO, _("The name has “%(word)s”.") % {"word": found[0]})
    return None


@dataclass(frozen=True, slots=True)
class Answered:
    """How many answers were kept, and which codes somebody else had answered otherwise meanwhile."""

    count: int
    collided: tuple[ProjectNumber, ...] = ()
    joined: tuple[ProjectNumber, ...] = ()  # have a project, so "no" was not taken


def answer(
    reader: Reader, answers: Mapping[int, str], versions: Mapping[int, int], *, at: datetime
) -> Answered:
    """Keeps yes, no or unknown for many codes at a time, in a statement for each answer.

    `versions` are those that the page was opened with: what somebody else has answered otherwise since is
    left and told. An empty answer takes one back.
    """
    reader.require("code_list.take")
    allowed = {"", *External.values}
    with transaction.atomic():
        rows = list(
            visible_to(reader)
            .filter(pk__in=[pk for pk, said in answers.items() if said in allowed])
            .select_related("answered_by")
            .order_by("pk")
            .select_for_update(of=("self",))
        )
        collided, joined = [], []
        chosen: dict[str, list[int]] = {}
        for row in rows:
            said = answers[row.pk]
            if said == row.external:
                continue
            # A name that a later list changed is no answer.
            if row.external and versions.get(row.pk) != row.version:
                collided.append(row)
            elif row.project_id is not None and said != External.YES:
                joined.append(row)
            else:
                chosen.setdefault(said, []).append(row.pk)
        for said, keys in chosen.items():
            ProjectNumber.objects.filter(pk__in=keys).update(
                external=said,
                answered_by=reader.person if said else None,
                answered_at=at if said else None,
            )
    return Answered(sum(map(len, chosen.values())), tuple(collided), tuple(joined))


# --- a code's project ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alike:
    project: Project
    why: str


def alike(reader: Reader, row: ProjectNumber, *, most: int = 6) -> list[Alike]:
    """Projects that the code may be of: the same number first, then those with a title like its name."""
    projects = Project.objects.visible_to(reader).standing().filter(municipality=reader.municipality)
    found = [
        Alike(one, _("Has the project number %(code)s") % {"code": row.code})
        for one in projects.filter(project_number=row.code)[:most]
    ]
    wanted = _words(row.name)
    if not wanted:
        return found[:most]
    scored = []
    # Those that share most words with the name, of which the longest tell most.
    shares = [
        Q(title__icontains=word) | Q(acronym__iexact=word) for word in sorted(wanted, key=len)[-MOST_WORDS:]
    ]
    many: Any = Value(0)
    for share_one in shares:
        many = many + Case(When(share_one, then=1), default=0, output_field=IntegerField())
    chosen = (
        projects.exclude(project_number=row.code)
        .filter(reduce(or_, shares))
        .order_by(many.desc(), "-pk")
        .values_list("pk", "title", "acronym")[:LOOKED_AT]
    )
    for pk, title, acronym in chosen:
        if acronym and fold(acronym) in wanted:
            scored.append((1.0, pk, _("Its acronym stands in the name of the code")))
            continue
        both = wanted & _words(title)
        share = 2 * len(both) / (len(wanted) + len(_words(title)) or 1)
        likeness = max(share, SequenceMatcher(None, fold(row.name), fold(title)).ratio() if both else 0)
        if likeness >= 0.5:
            scored.append((likeness, pk, _("Its title is like the name of the code")))
    scored.sort(key=lambda one: (-one[0], one[1]))
    by_key = Project.objects.in_bulk([pk for _likeness, pk, _why in scored[:most]])
    return [*found, *(Alike(by_key[pk], why) for _likeness, pk, why in scored[:most])][:most]


_COMMON = {
    "projekt",
    "projektet",
    "och",
    "i",
    "för",
    "på",
    "av",
    "med",
    "till",
    "den",
    "det",
    "the",
    "of",
    "eu",
}


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w{2,}", fold(text))) - _COMMON


class AlreadySettled(Exception):
    """Somebody else has joined the code to a project meanwhile; the message says which."""


def join(reader: Reader, row: ProjectNumber, project: Project, *, at: datetime) -> Project:
    """Says that the code is the project's, and writes it as the project's number where it has none.

    Whoever goes through the accounts' codes knows whose they are: the number comes with the code, and with it
    that the project is in the accounts. Raises PermissionDenied where the project is withdrawn meanwhile.
    """
    reader.require("code_list.take", row)
    with transaction.atomic():
        standing = (
            ProjectNumber.objects.select_for_update(of=("self",)).select_related("project").get(pk=row.pk)
        )
        if standing.project_id is not None:
            raise AlreadySettled(
                _("The code %(code)s has been joined to %(project)s meanwhile.")
                % {"code": standing.code, "project": standing.project}
            )
        project = standing_locked(reader, project)
        with history.in_the_record():
            told = _("The project code %(code)s of the accounts was joined to %(project)s.") % {
                "code": standing.code,
                "project": project.register_id,
            }
        history.give_reason(marked_reason(reader, project.owner_unit, told))
        standing.project = project
        if project.project_number == "":
            standing.written = book_under(project, standing.code)
        standing.external = External.YES
        if standing.answered_by_id is None or row.external != External.YES:
            standing.answered_by, standing.answered_at = reader.person, at
        standing.save(update_fields=["project", "external", "answered_by", "answered_at", "written"])
        if standing.written:
            project.save(update_fields=list(standing.written))
    return project


def part(reader: Reader, row: ProjectNumber, *, reason: str) -> None:
    """Takes the code away from its project, and the number with it where joining wrote it."""
    reader.require("code_list.take", row)
    with transaction.atomic():
        standing = ProjectNumber.objects.select_for_update().get(pk=row.pk)
        if standing.project_id is None:
            return
        project = Project.objects.select_for_update().get(pk=standing.project_id)
        history.give_reason(marked_reason(reader, project.owner_unit, reason))
        # A withdrawn project is kept as it was.
        if not project.is_withdrawn and (changed := take_back(project, standing.written)):
            project.save(update_fields=changed)
        standing.project = None
        standing.written = {}
        standing.save(update_fields=["project", "written"])


def likely_unit(reader: Reader, row: ProjectNumber) -> Unit | None:
    """The unit that the ansvar code means: called so, or else the one that owns the projects of its other codes."""
    if not row.ansvar_code:
        return None
    called = UnitName.objects.filter(municipality=reader.municipality, name=row.ansvar_code)
    found = list(Unit.objects.filter(pk__in=called.values("unit")).valid_on(reader.today)[:2])
    if len(found) == 1:
        return found[0]
    owners = (
        ProjectNumber.objects.filter(
            municipality=reader.municipality,
            source=row.source,
            ansvar_code=row.ansvar_code,
            project__owner_unit__isnull=False,
        )
        .values_list("project__owner_unit", flat=True)
        .distinct()[:2]
    )
    keys = [key for key in owners if key is not None]
    return Unit.objects.get(pk=keys[0]) if len(keys) == 1 else None


def prefilled(reader: Reader, row: ProjectNumber) -> dict[str, Any]:
    """What the register's form begins with, from what the accounts know."""

    def day(value: date | None) -> PartialDate | None:
        return PartialDate.containing(value, Precision.DAY) if value else None

    unit = likely_unit(reader, row)
    return {
        "title": row.name,
        "project_number": row.code,
        "accounting": "here",
        "starts": day(row.opened_on),
        "ends": day(row.closed_on),
        "owner_unit": unit.pk if unit else None,
    }


def sources_known(reader: Reader) -> list[str]:
    """Whose accounts have been taken in before; "" is the municipality's own."""
    return list(
        ProjectNumber.objects.filter(municipality=reader.municipality)
        .order_by("source")
        .values_list("source", flat=True)
        .distinct()
    )


def source_label(source: str) -> Text:
    return source or gettext_lazy("The municipality's accounts")


def companies(reader: Reader) -> Iterable[str]:
    """Names of companies whose accounts a list may be of."""
    return (
        Unit.objects.filter(municipality=reader.municipality, kind="company")
        .valid_on(reader.today)
        .order_by("name")
        .values_list("name", flat=True)
    )
