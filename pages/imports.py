"""Taking in a file of rows: read against declared columns, judged all at once, asked about, shown, confirmed.

This floor knows no subject. A subject declares its columns, judges the whole sheet in a fixed number of
queries and hands back a `Preview`, which holds all that a person must see before anything is written:
what becomes of each row, every error with its row, column and what to do, and the questions that only a
person can answer. Nothing is written before the preview is confirmed, and what is confirmed is what was
shown: the outcome has a fingerprint, and a sheet that is judged otherwise in the meantime is shown anew.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from django import forms
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pages.columns import Text
from pages.files import FORMULA_STARTS, Problem, TableRefused, read_table
from pages.forms import refusal_text
from values.errors import Refused
from values.text import fold, squeeze

# More questions than anybody answers at once; the next ones come when these are answered. (Django refuses a
# form of more than settings.DATA_UPLOAD_MAX_NUMBER_FIELDS fields.)
QUESTIONS_AT_ONCE = 200
# How a cell says that nothing is known; read as an empty one.
NOTHING_STATED = frozenset({"", "-", "–", "—", "uppgift saknas", "ej angivet", "not stated"})


# --- reading ---------------------------------------------------------------------------------------------


class CellRefused(Exception):
    """What stands in a cell cannot be taken; the message is a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class ImportColumn:
    """A column that is known by its name or by one of the other headings (case, spaces, _ and - aside).

    `read` makes a value of a cell that is not empty, or raises `CellRefused` or `values.errors.Refused`.
    `holds` says what numbers of a workbook may be here: days whose format is lost, or codes whose leading
    zeros are.
    """

    name: str
    label: Text
    read: Callable[[str], Any]
    also: tuple[str, ...] = ()
    holds: Literal["", "dates", "codes"] = ""

    @property
    def headings(self) -> tuple[str, ...]:
        return (self.name, *self.also)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a row is refused: the line of the file, the heading as it stands in the file, and what to do."""

    line: int
    column: str
    message: str

    @property
    def text(self) -> str:
        if not self.column:
            return _("Line %(line)d: %(message)s") % {"line": self.line, "message": self.message}
        return _("Line %(line)d, column “%(column)s”: %(message)s") % {
            "line": self.line,
            "column": self.column,
            "message": self.message,
        }


@dataclass(slots=True)
class SheetRow:
    """A row as read: a value for each column whose cell says something, and what could not be read."""

    line: int
    values: dict[str, Any]
    troubles: list[Trouble] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that was read. `headings` maps the name of each column present to its heading in the file.

    `notes` are sentences about how it was read. `bare_codes` are the codes that stand as numbers in a
    workbook (column → line → digits): whether they had leading zeros cannot be seen.
    """

    headings: Mapping[str, str]
    rows: tuple[SheetRow, ...]
    name: str = ""
    notes: tuple[str, ...] = ()
    bare_codes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


def read_sheet(
    data: bytes,
    columns: Sequence[ImportColumn],
    *,
    beside: Sequence[ImportColumn] = (),
    passed_over: Sequence[Text] = (),
    sheet: str | None = None,
) -> Sheet:
    """Raises `TableRefused` when the file is no table, has columns that are not known, or has no rows.

    And `ChooseSheet` when several sheets of a workbook hold a table and `sheet` names none of them. Columns
    `beside` are known too but not offered; those headed as `passed_over` are not read, and that is said.
    """
    by_heading: dict[str, ImportColumn] = {}
    spellings: list[str] = []
    for column in (*columns, *beside):
        for heading in (*column.headings, *_in_each_language(column.label)):
            by_heading.setdefault(_heading_key(heading), column)
            spellings += dict.fromkeys((heading, heading.replace("_", " "), heading.replace("_", "-")))
    not_read = {_heading_key(said) for text in passed_over for said in _in_each_language(text)}
    try:
        table = read_table(
            data,
            known_headers=spellings,
            named=[column.name for column in columns],
            formulas_are_text=True,
            sheet=sheet,
        )
    except TableRefused as refused:
        # All at once: what is wrong with the headings is told beside what is wrong with the rows.
        if refused.header_line is None:
            raise
        unknown = _headings(refused.headers, refused.header_line, by_heading, columns, not_read)[1]
        raise TableRefused(*unknown, *refused.problems) from None
    present, problems = _headings(table.headers, table.header_line, by_heading, columns, not_read)
    if not table.rows and not problems:
        message = _("The file has headings but no rows. Choose the file that holds the rows.")
        problems.append(Problem("no_rows", table.header_line, None, message))
    if problems:
        raise TableRefused(*problems)
    rows = tuple(SheetRow(row.line, {}) for row in table.rows)
    notes = [*table.notes, *_not_read(table.headers, by_heading)]
    bare_codes: dict[str, Mapping[int, str]] = {}
    for column in (*columns, *beside):
        if column.name in present:
            place, heading = present[column.name]
            cells = [row.cells[place] for row in table.rows]
            numbers = table.numbers.get(place, {})
            if column.holds == "dates":
                notes += _with_days(cells, [row.line for row in table.rows], numbers, heading)
            elif column.holds == "codes" and numbers:
                bare_codes[column.name] = {
                    row.line: row.cells[place] for row in table.rows if row.line in numbers
                }
            _read_column(column, heading, rows, cells, typed=bool(table.sheet))
    return Sheet(
        {name: heading for name, (_place, heading) in present.items()},
        rows,
        table.sheet,
        tuple(notes),
        bare_codes,
    )


def _with_days(cells: list[str], lines: Sequence[int], numbers: Mapping[int, str], heading: str) -> list[str]:
    """Makes days of the numbers that lost the format of a date, and says so."""
    found = []
    for place, line in enumerate(lines):
        if day := numbers.get(line):
            found.append((line, cells[place], day))
            cells[place] = day
    if not found:
        return []
    line, number, day = found[0]
    return [
        ngettext(
            "In the column “%(column)s” a date stands as a number without the format of a date: line %(lines)s. "
            "%(number)s is read as %(day)s.",
            "In the column “%(column)s” dates stand as numbers without the format of a date: lines %(lines)s. "
            "%(number)s is read as %(day)s.",
            len(found),
        )
        % {
            "column": heading,
            "lines": ", ".join(str(line) for line, _n, _d in found[:20]) + (" …" if len(found) > 20 else ""),
            "number": number,
            "day": day,
        }
    ]


def _in_each_language(text: Text) -> list[str]:
    """What our own pages and files head a column with comes in again, whoever took it out."""
    said = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            said.append(str(text))
    return said


def _not_read(headers: Sequence[str], by_heading: Mapping[str, ImportColumn]) -> list[str]:
    passed = [heading for heading in headers if heading and _heading_key(heading) not in by_heading]
    if not passed:
        return []
    return [
        ngettext(
            "The column %(columns)s repeats what other columns hold, and is not read.",
            "The columns %(columns)s repeat what other columns hold, and are not read.",
            len(passed),
        )
        % {"columns": ", ".join(_("“%(column)s”") % {"column": heading} for heading in passed)}
    ]


def _headings(
    headers: Sequence[str],
    line: int,
    by_heading: Mapping[str, ImportColumn],
    columns: Sequence[ImportColumn],
    not_read: Collection[str],
) -> tuple[dict[str, tuple[int, str]], list[Problem]]:
    """Where each known column stands and how it is headed there; and what is wrong with the headings."""
    present: dict[str, tuple[int, str]] = {}
    problems: list[Problem] = []
    unknown: list[str] = []
    for place, heading in enumerate(headers):
        column = by_heading.get(_heading_key(heading))
        if column is None:
            unknown += [heading] if heading and _heading_key(heading) not in not_read else []
        elif column.name not in present:
            present[column.name] = (place, heading)
        elif fold(heading) != fold(present[column.name][1]):  # The reader itself tells of the same heading.
            problems.append(_same_column(line, present[column.name][1], heading))
    if unknown:
        problems.insert(0, _unknown_columns(line, unknown, columns))
    return present, problems


def _read_column(
    column: ImportColumn, heading: str, rows: Sequence[SheetRow], cells: Sequence[str], *, typed: bool
) -> None:
    """Each distinct text is read once: ten thousand rows hold few different roles, units and years."""
    known: dict[str, tuple[Any, str]] = {}
    for row, cell in zip(rows, cells, strict=True):
        if cell not in known:
            known[cell] = _read_cell(column, cell, typed=typed)
        value, refused = known[cell]
        if refused:
            row.troubles.append(Trouble(row.line, heading, refused))
        elif value is not None:
            row.values[column.name] = value


def _read_cell(column: ImportColumn, cell: str, *, typed: bool) -> tuple[Any, str]:
    """`typed`: the file itself tells a text from a formula, so a text is what it is."""
    text = cell.strip()
    # What our own files defused is what it was before, and so may anybody say that a text is meant.
    if typed:
        pass
    elif text.startswith("'") and text[1:2] in FORMULA_STARTS:
        text = text[1:]
    elif text.startswith("="):
        return None, _(
            "The cell holds a formula (%(cell)s). Write its value instead, or an apostrophe before it if it is "
            "meant as text."
        ) % {"cell": squeeze(text)[:40]}
    if not text or (len(text) < 20 and fold(text) in NOTHING_STATED):
        return None, ""
    try:
        return column.read(text), ""
    except Refused as refused:
        return None, refusal_text(refused)
    except CellRefused as refused:
        return None, str(refused)


def _heading_key(heading: str) -> str:
    return fold(heading.replace("_", " ").replace("-", " "))


def _unknown_columns(line: int, unknown: Sequence[str], columns: Sequence[ImportColumn]) -> Problem:
    names = ", ".join(unknown)
    message = ngettext(
        "Line %(line)d has a column that is not known: %(column)s. Remove it, or give it one of these "
        "headings: %(known)s.",
        "Line %(line)d has columns that are not known: %(column)s. Remove them, or give them some of these "
        "headings: %(known)s.",
        len(unknown),
    ) % {
        "line": line,
        "column": names,
        "known": ", ".join(dict.fromkeys(str(column.label) for column in columns)),
    }
    return Problem("unknown_column", line, names, message)


def _same_column(line: int, first: str, second: str) -> Problem:
    message = _(
        "Line %(line)d has the columns “%(first)s” and “%(second)s”, which mean the same. Remove one of them."
    ) % {"line": line, "first": first, "second": second}
    return Problem("heading_twice", line, second, message)


# --- what was found --------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What becomes of a row; in the order in which a person needs to look at them."""

    REFUSED = "refused"
    ASKED = "asked"
    CHANGED = "changed"
    NEW = "new"
    UNCHANGED = "unchanged"


OUTCOMES: Mapping[Outcome, Text] = {
    Outcome.REFUSED: gettext_lazy("Refused"),
    Outcome.ASKED: gettext_lazy("Asked about"),
    Outcome.NEW: gettext_lazy("New"),
    Outcome.CHANGED: gettext_lazy("Changed"),
    Outcome.UNCHANGED: gettext_lazy("Unchanged"),
}


# The order in which they are counted up: what is written, then the rest.
COUNTED = (Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED, Outcome.ASKED, Outcome.REFUSED)


@dataclass(frozen=True, slots=True)
class Difference:
    """One value of a row, and what stood before ("" where nothing did); `remark` is what to know of it."""

    label: str
    before: str
    after: str
    remark: str = ""


@dataclass(slots=True)
class Question:
    """Something that only a person can say, asked once however many rows it concerns.

    `key` stays the same as long as the file does; `answer` is "" until one of the choices is chosen.
    """

    key: str
    text: str
    choices: tuple[tuple[str, str], ...]
    help: str = ""
    answer: str = ""
    lines: list[int] = field(default_factory=list)

    @property
    def field_name(self) -> str:
        return "q" + hashlib.sha256(self.key.encode()).hexdigest()[:16]

    @property
    def lines_text(self) -> str:
        shown = ", ".join(map(str, self.lines[:10]))
        if len(self.lines) > 10:
            return ngettext(
                "Lines %(lines)s and %(more)d more", "Lines %(lines)s and %(more)d more", len(self.lines) - 10
            ) % {"lines": shown, "more": len(self.lines) - 10}
        return ngettext("Line %(lines)s", "Lines %(lines)s", len(self.lines)) % {"lines": shown}


@dataclass(slots=True)
class JudgedRow:
    """A row with what becomes of it.

    `fingerprint` is whatever the outcome depends on, to be compared later; `tell` gives the differences in
    words and is called for the rows that are shown; `target` is the object that the row is about.
    """

    line: int
    name: str
    outcome: Outcome
    fingerprint: Hashable = ()
    troubles: tuple[Trouble, ...] = ()
    target: Any = None
    tell: Callable[[], Sequence[Difference]] = tuple

    @property
    def label(self) -> str:
        return str(OUTCOMES[self.outcome])

    @property
    def differences(self) -> Sequence[Difference]:
        return self.tell()


@dataclass(frozen=True)
class Preview:
    """All that a confirmation would do, and all that stands in its way.

    `notes` are sentences about the file as a whole, such as names that would be added to a register.
    """

    rows: tuple[JudgedRow, ...]
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many rows each outcome has; every outcome is there."""
        found = Counter(row.outcome for row in self.rows)
        return {outcome.value: found[outcome] for outcome in Outcome}

    @cached_property
    def unanswered(self) -> tuple[Question, ...]:
        return tuple(question for question in self.questions if not question.answer)

    @cached_property
    def troubles(self) -> tuple[Trouble, ...]:
        """Every error of every row, in the order of the file."""
        return tuple(trouble for row in self.rows for trouble in row.troubles)

    @property
    def writes_something(self) -> bool:
        return bool(self.counts[Outcome.NEW] + self.counts[Outcome.CHANGED])

    @cached_property
    def fingerprint(self) -> str:
        """Two previews with the same fingerprint do the same."""
        told = hashlib.sha256()
        for row in self.rows:
            told.update(repr((row.line, row.outcome.value, row.fingerprint)).encode())
        for question in self.questions:
            told.update(repr((question.key, question.answer)).encode())
        return told.hexdigest()

    def first(self, limit: int) -> list[JudgedRow]:
        """The rows worth looking at first: refused and asked about, then what is written, then the rest."""
        order = list(Outcome)
        return sorted(self.rows, key=lambda row: (order.index(row.outcome), row.line))[:limit]

    def as_data(self) -> dict[str, Any]:
        """For `--json`: everything but the unchanged rows."""
        return {
            "counts": self.counts,
            "notes": list(self.notes),
            "questions": [
                {
                    "question": question.text,
                    "choices": dict(question.choices),
                    "answer": question.answer or None,
                    "lines": question.lines,
                }
                for question in self.questions
            ],
            "troubles": [
                {"line": trouble.line, "column": trouble.column, "message": trouble.message}
                for trouble in self.troubles
            ],
            "rows": [
                {
                    "line": row.line,
                    "name": row.name,
                    "outcome": row.outcome.value,
                    "differences": [
                        {"label": told.label, "before": told.before, "after": told.after}
                        | ({"remark": told.remark} if told.remark else {})
                        for told in row.differences
                    ],
                }
                for row in self.rows
                if row.outcome is not Outcome.UNCHANGED
            ],
        }


class Questions:
    """Gathers the questions of a sheet: asked once each, with the answer that is known already."""

    def __init__(self) -> None:
        self._asked: dict[str, Question] = {}

    def ask(
        self,
        key: str,
        line: int | None,
        *,
        text: str,
        choices: Iterable[tuple[str, Text]],
        answer: str = "",
        help: str = "",
    ) -> str:
        """The answer, or "" while there is none. An answer that is not among the choices is none."""
        question = self._asked.get(key)
        if question is None:
            offered = tuple((value, str(label)) for value, label in choices)
            valid = answer if answer in dict(offered) else ""
            question = self._asked[key] = Question(key, text, offered, help, valid)
        if line is not None and (not question.lines or question.lines[-1] != line):
            question.lines.append(line)
        return question.answer

    def concerns(self, key: str, line: int) -> None:
        """A further line that a question already asked is about."""
        self._asked[key].lines.append(line)

    def __iter__(self) -> Any:
        return iter(self._asked.values())

    def unanswered_first(self) -> tuple[Question, ...]:
        return tuple(sorted(self._asked.values(), key=lambda question: bool(question.answer)))


class QuestionsForm(forms.Form):
    """The questions of a preview as radio buttons. What is left open stays open."""

    mark_optional = False

    def __init__(self, questions: Sequence[Question], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = tuple(questions[:QUESTIONS_AT_ONCE])
        for question in self.questions:
            help_text = " · ".join(
                text for text in (question.help, question.lines and question.lines_text) if text
            )
            self.fields[question.field_name] = forms.ChoiceField(
                label=question.text,
                help_text=help_text,
                choices=question.choices,
                widget=forms.RadioSelect,
                required=False,
                initial=question.answer,
            )

    def answers(self) -> dict[str, str]:
        """Question key → chosen value, of the questions that were answered."""
        return {
            question.key: chosen
            for question in self.questions
            if (chosen := self.cleaned_data.get(question.field_name, ""))
        }


class NotReady(Exception):
    """The preview cannot be confirmed: something is unanswered, refused, or other than what was shown."""

    def __init__(self, message: str, preview: Preview) -> None:
        super().__init__(message)
        self.message = message
        self.preview = preview


def require_ready(preview: Preview, *, seen: str, leave_out_refused: bool) -> None:
    """Raises `NotReady` unless what would be written is what was seen, whose fingerprint is `seen`."""
    if preview.fingerprint != seen:
        raise NotReady(
            _("The register has changed since the preview was made. Look through it again, then confirm."),
            preview,
        )
    if preview.unanswered:
        raise NotReady(
            ngettext(
                "%(count)d question waits for an answer. Answer it, then confirm.",
                "%(count)d questions wait for an answer. Answer them, then confirm.",
                len(preview.unanswered),
            )
            % {"count": len(preview.unanswered)},
            preview,
        )
    if (refused := preview.counts[Outcome.REFUSED]) and not leave_out_refused:
        raise NotReady(
            ngettext(
                "%(count)d row is refused. Correct it in the file and choose the file again, or say that "
                "it is left out.",
                "%(count)d rows are refused. Correct them in the file and choose the file again, or say that "
                "they are left out.",
                refused,
            )
            % {"count": refused},
            preview,
        )
