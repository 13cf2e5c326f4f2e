"""A file on its way into the register: uploaded, answered, confirmed in one transaction, perhaps undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import translation
from django.utils.translation import gettext as _

from pages.files import ChooseSheet
from pages.imports import Outcome, Preview, require_ready
from projects.exchange.columns import as_party, read_projects
from projects.exchange.directory import Reference
from projects.exchange.judge import KIND, Judge, Plan, with_answers
from projects.models import (
    Funder,
    ImportedAction,
    ImportedProject,
    Programme,
    Project,
    ProjectParty,
    ProjectUnit,
)
from projects.registry import take_register_numbers
from strategy import history
from strategy.attachments import contents, store
from strategy.models import BatchState, ImportBatch, Municipality, RememberedWord
from strategy.permissions import Reader
from values.text import fold, squeeze


def batches_visible_to(reader: Reader) -> QuerySet[ImportBatch]:
    batches = ImportBatch.objects.filter(municipality=reader.municipality, kind=KIND)
    return batches if reader.can("import.read") else batches.none()


def upload(
    reader: Reader,
    name: str,
    data: bytes,
    *,
    year: int | None,
    content_type: str = "",
    sheet: str | None = None,
    may_choose: bool = False,
) -> ImportBatch:
    """Stores a file that can be read as projects, with what becomes of its rows; writes no project.

    Raises `TableRefused`, and then nothing is stored. `may_choose`: a workbook of which several sheets hold
    a table is stored too, for somebody to say which (`choose_sheet`); until then `preview_of` raises
    `ChooseSheet`.
    """
    reader.require("project.import")
    answers: dict[str, Any] = {} if year is None else {"year": year}
    if sheet is not None:
        answers["sheet"] = sheet
    counts: dict[str, int] = {}
    try:
        counts = (
            Judge(reader.municipality, read_projects(data, sheet=sheet), answers, reader.today)
            .preview()
            .counts
        )
    except ChooseSheet:
        if not may_choose:
            raise
    file = store(reader.municipality, name, data, content_type)
    return ImportBatch.objects.create(
        municipality=reader.municipality,
        kind=KIND,
        file=file,
        answers=answers,
        counts=counts,
        uploaded_by=reader.person,
    )


def preview_of(reader: Reader, batch: ImportBatch) -> Preview:
    """What the batch would do to the register as it stands now. Raises FileDamaged and ChooseSheet."""
    reader.require("import.read", batch)
    return _judge(reader, batch).preview()


def _judge(reader: Reader, batch: ImportBatch, *, lock: bool = False) -> Judge:
    sheet = read_projects(contents(batch.file), sheet=batch.answers.get("sheet"))
    return Judge(reader.municipality, sheet, batch.answers, reader.today, lock=lock)


def answer(reader: Reader, batch: ImportBatch, given: Mapping[str, str]) -> Preview:
    """Keeps the answers with the batch and judges anew."""
    reader.require("project.import", batch)
    still(batch, BatchState.JUDGED)
    batch.answers = with_answers(batch.answers, given)
    preview = _judge(reader, batch).preview()
    batch.counts = preview.counts
    batch.save(update_fields=["answers", "counts"])
    return preview


def sheets_of(batch: ImportBatch) -> tuple[str, ...]:
    """The sheets of the file that hold a table. Raises FileDamaged."""
    try:
        read = read_projects(contents(batch.file))
    except ChooseSheet as choice:
        return choice.sheets
    return (read.name,)


def choose_sheet(reader: Reader, batch: ImportBatch, sheet: str) -> Preview:
    """Says which sheet of the workbook is read; the answers to questions about another fall away.

    Raises `TableRefused` where the sheet is no table of projects, and the batch stays as it was.
    """
    reader.require("project.import", batch)
    still(batch, BatchState.JUDGED)
    year = batch.answers.get("year")
    answers: dict[str, Any] = {"sheet": sheet} if year is None else {"year": year, "sheet": sheet}
    preview = Judge(
        reader.municipality, read_projects(contents(batch.file), sheet=sheet), answers, reader.today
    ).preview()
    batch.answers, batch.counts = answers, preview.counts
    batch.save(update_fields=["answers", "counts"])
    return preview


class UndoneFirst(Exception):
    """A later import changed the same projects: it is undone before this one. The message says which."""


class BatchMovedOn(Exception):
    """Somebody has confirmed, cancelled or undone the batch already."""


def still(batch: ImportBatch, state: BatchState) -> None:
    """Locks the batch and looks at it anew, so that two clicks do not do the same thing twice."""
    batch.refresh_from_db(from_queryset=ImportBatch.objects.select_for_update())
    if batch.state != state:
        raise BatchMovedOn(batch.get_state_display())


def _one_import_at_a_time(municipality: Municipality) -> None:
    """Two files confirmed in one moment could register a title twice. Registering by hand never waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('projects.exchange'), %s)", [municipality.pk])


@contextmanager
def _taking_in() -> Iterator[None]:
    """A list may give any state; by hand a state is reached by a step. Holds until the transaction ends."""
    _say_taking_in("on")
    yield
    _say_taking_in("")


def _say_taking_in(said: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('medel.takes_in', %s, true)", [said])


def confirm(
    reader: Reader, batch: ImportBatch, *, seen: str, at: datetime, leave_out_refused: bool = False
) -> Preview:
    """Takes the rows in: all of them or, if anything goes wrong, none.

    Judges again under a lock and raises `NotReady` with the new preview where the outcome is no longer the
    one that was `seen` (`Preview.fingerprint`), or something is unanswered or refused.
    """
    reader.require("project.import", batch)
    with transaction.atomic():
        still(batch, BatchState.JUDGED)
        _one_import_at_a_time(reader.municipality)
        judge = _judge(reader, batch, lock=True)
        preview = judge.preview()
        require_ready(preview, seen=seen, leave_out_refused=leave_out_refused)
        with _language_of_the_record():
            told = _("Import %(number)d, %(file)s") % {"number": batch.pk, "file": batch.file.name}
        history.give_reason(told)
        with _taking_in():
            _write(reader, batch, judge)
        batch.state = BatchState.CONFIRMED
        batch.confirmed_at = at
        batch.counts = preview.counts
        batch.answers.pop("taking_in", None)
        batch.save(update_fields=["state", "confirmed_at", "counts", "answers"])
    return preview


# An import of more is written by the worker: a request ends within seconds.
MOST_AT_ONCE = 2_000


def is_long(batch: ImportBatch) -> bool:
    written: int = sum(batch.counts.get(outcome, 0) for outcome in (Outcome.NEW, Outcome.CHANGED))
    return written > MOST_AT_ONCE


class Progress(StrEnum):
    """How far the worker has come with a batch."""

    WAITING = "waiting"
    WORKING = "working"
    STOPPED = "stopped"


# The worker tells every ten seconds that it lives.
_SILENCE = timedelta(seconds=60)


def progress(batch: ImportBatch, now: datetime) -> Progress | None:
    """None where the batch was not left to the worker, or where the worker has said what stopped it."""
    wanted = batch.answers.get("taking_in")
    if batch.state != BatchState.JUDGED or wanted is None or "problem" in wanted:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT j.status, w.last_heartbeat FROM procrastinate_jobs j"
            " LEFT JOIN procrastinate_workers w ON w.id = j.worker_id WHERE j.id = %s",
            [wanted["job"]],
        )
        status, heard = cursor.fetchone() or (None, None)
    if status == "todo":
        return Progress.WAITING
    if status == "doing" and heard is not None and now - heard < _SILENCE:
        return Progress.WORKING
    return Progress.STOPPED


def _language_of_the_record() -> AbstractContextManager[None]:
    """The record is one document: in the installation's language, whichever the person reads."""
    return translation.override(settings.LANGUAGE_CODE)


def cancel(reader: Reader, batch: ImportBatch) -> None:
    reader.require("project.import", batch)
    with transaction.atomic():
        still(batch, BatchState.JUDGED)
        batch.state = BatchState.CANCELLED
        batch.save(update_fields=["state"])


def _write(reader: Reader, batch: ImportBatch, judge: Judge) -> None:
    """A statement for each kind of row, whatever their number; the register numbers are taken last."""
    place = reader.municipality
    new = [plan for plan in judge.plans if judge.outcome(plan) is Outcome.NEW]
    changed = [plan for plan in judge.plans if judge.outcome(plan) is Outcome.CHANGED]
    keys = {
        "funder_id": _add(Funder, place, judge.new_references("funder_id")),
        "programme_id": _add(Programme, place, judge.new_references("programme_id")),
    }

    def value(name: str, wanted: Any) -> Any:
        if not isinstance(wanted, Reference):
            return wanted
        return keys[name][fold(wanted.name)] if wanted.pk is None else wanted.pk

    before: dict[int, dict[str, Any]] = {}
    for plan in changed:
        project = judge.projects[plan.target_id or 0]
        before[project.pk] = {
            "version": project.version,
            "fields": {name: _kept(then) for name, (then, _now) in plan.changes.items()},
        }
        for name, (_then, now) in plan.changes.items():
            setattr(project, name, value(name, now))
    _save(
        [judge.projects[plan.target_id or 0] for plan in changed],
        sorted({name for plan in changed for name in plan.changes}),
    )
    year = reader.today.year
    keys_of_new = _insert(
        place,
        year,
        take_register_numbers(place, year, len(new)),
        [{name: value(name, wanted) for name, wanted in plan.wanted.items()} for plan in new],
    )
    # Each plan with its project and the version that the project has now: the trigger counts one for the one
    # statement that changed it.
    touched = [
        *((plan, key, 1) for plan, key in zip(new, keys_of_new, strict=True)),
        *((plan, plan.target_id or 0, judge.projects[plan.target_id or 0].version + 1) for plan in changed),
    ]
    _write_parts(place, judge, touched, before)
    ImportedProject.objects.bulk_create(
        ImportedProject(
            municipality_id=place.pk,
            batch_id=batch.pk,
            project_id=key,
            line=plan.line,
            action=ImportedAction.NEW if plan.target is None else ImportedAction.CHANGED,
            before=before.get(key, {}),
            version_after=version,
        )
        for plan, key, version in touched
    )
    RememberedWord.objects.bulk_create(
        [
            RememberedWord(municipality=place, kind=KIND, column=column, word=word, meaning=meaning)
            for (column, word), meaning in judge.words_to_remember.items()
        ],
        update_conflicts=True,
        unique_fields=["municipality", "kind", "column", "word"],
        update_fields=["meaning"],
    )


def _add(
    model: type[Funder] | type[Programme], place: Municipality, names: Sequence[Reference]
) -> dict[str, int]:
    """The municipality's own additions to the list; folded name → key."""
    rows: list[Any] = [model(municipality=place, name=squeeze(one.name)) for one in names]
    model._default_manager.bulk_create(rows)
    return {fold(row.name): row.pk for row in rows}


def _insert(
    place: Municipality, year: int, numbers: Sequence[int], wanted: Sequence[Mapping[str, Any]]
) -> list[int]:
    """New projects in one statement; their keys in the order given.

    bulk_create makes an object of each row and asks fifty fields of it, where a row of a file fills twenty.
    What no row fills stands once in the statement.
    """
    if not wanted:
        return []
    pattern = Project(municipality_id=place.pk, register_year=year)
    filled = {name for row in wanted for name in row}
    table, quote = Project._meta, connection.ops.quote_name
    columns, terms, values = [], [], []
    for one in table.concrete_fields:
        if one.primary_key:
            continue
        kind = f"{one.db_type(connection)}"
        usual = one.pre_save(pattern, add=True)
        columns.append(quote(str(one.column)))
        if one.attname == "register_number":
            terms.append("unnest(%s::bigint[])")
            values.append(list(numbers))
        elif one.attname in filled:
            terms.append(f"unnest(%s::{kind}[])")
            given = [row.get(one.attname, usual) for row in wanted]
            values.append([one.get_db_prep_save(value, connection) for value in given])
        else:
            terms.append(f"%s::{kind}")
            values.append(one.get_db_prep_save(usual, connection))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(table.db_table)} ({', '.join(columns)})"
            f" SELECT {', '.join(terms)} RETURNING register_number, id",
            values,
        )
        keys = dict(cursor.fetchall())
    return [keys[number] for number in numbers]


def _save(projects: Sequence[Project], names: Sequence[str]) -> None:
    """One statement for all of them, each counted as one change even where only its parts differ.

    bulk_update takes 2 ms a row, and bulk_create with update_conflicts runs the triggers of an insert, which
    ask of the whole row what an update asks of the columns it changes.
    """
    if not projects:
        return
    changed: list[Any] = [Project._meta.get_field(name) for name in names or ["title"]]
    quote = connection.ops.quote_name
    assigned = ", ".join(f"{quote(one.column)} = new.{quote(one.column)}" for one in changed)
    arrays = ", ".join(f"unnest(%s::{one.db_type(connection)}[]) AS {quote(one.column)}" for one in changed)
    table = quote(Project._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {assigned}"  # noqa: S608 - names from our own model
            f" FROM (SELECT unnest(%s::bigint[]) AS key, {arrays}) AS new WHERE {table}.id = new.key",
            [
                [project.pk for project in projects],
                *(
                    [one.get_db_prep_save(getattr(project, one.attname), connection) for project in projects]
                    for one in changed
                ),
            ],
        )


def _kept(value: Any) -> Any:
    """For JSON; read back by the field's own `to_python`."""
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _write_parts(
    place: Municipality,
    judge: Judge,
    touched: Sequence[tuple[Plan, int, int]],
    before: Mapping[int, dict[str, Any]],
) -> None:
    """Makes parties and units those of the row, touching only the ones that differ."""
    gone_parties: list[int] = []
    gone_units: list[int] = []
    parties: list[ProjectParty] = []
    units: list[ProjectUnit] = []
    for plan, key, _version in touched:
        if plan.changes_parties:
            rows = judge.party_rows.get(key, []) if plan.target else []
            wanted = plan.parties or ()
            # By its key: a party that is only spelt otherwise keeps its country and role.
            standing = {as_party(row).key: row for row in rows}
            present_parties = set(map(as_party, rows))
            if plan.target:
                before[key]["parties"] = [_party_kept(row) for row in rows]
            gone_parties += [row.pk for row in rows if as_party(row) not in wanted]
            parties += [
                ProjectParty(
                    municipality_id=place.pk,
                    project_id=key,
                    name=party.name,
                    kind=party.kind,
                    number=party.number,
                    place=party.place,
                    country=former.country if (former := standing.get(party.key)) else "",
                    role=former.role if former else "",
                )
                for party in wanted
                if party not in present_parties
            ]
        if plan.changes_units:
            parts = judge.unit_rows.get(key, []) if plan.target else []
            if plan.target:
                before[key]["units"] = [part.unit_id for part in parts]
            gone_units += [part.pk for part in parts if part.unit_id not in (plan.units or ())]
            present = {part.unit_id for part in parts}
            units += [
                ProjectUnit(municipality_id=place.pk, project_id=key, unit_id=unit_id)
                for unit_id in plan.units or ()
                if unit_id not in present
            ]
    _replace_parts(gone_parties, gone_units, parties, units)


def _replace_parts(
    gone_parties: Sequence[int],
    gone_units: Sequence[int],
    parties: Sequence[ProjectParty],
    units: Sequence[ProjectUnit],
) -> None:
    ProjectParty.objects.filter(pk__in=gone_parties).delete()
    ProjectUnit.objects.filter(pk__in=gone_units).delete()
    ProjectParty.objects.bulk_create(parties)
    ProjectUnit.objects.bulk_create(units)


_PARTY_FIELDS = ("name", "kind", "number", "country", "place", "role")


def _party_kept(party: ProjectParty) -> dict[str, Any]:
    return {name: getattr(party, name) for name in _PARTY_FIELDS}


# --- undoing ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did: how many new projects it withdrew, how many it restored, and which it left."""

    withdrawn: int
    restored: int
    kept: tuple[Project, ...]


def undo(reader: Reader, batch: ImportBatch, *, at: datetime, reason: str = "") -> Undone:
    """Withdraws the new projects and gives changed ones their former values.

    A project that was changed after the import is left as it is and named, unless the change was a later
    import that is undone itself: imports are undone in the reverse of their order, and `UndoneFirst` names
    the one that comes before. Register ids stay used.
    """
    reader.require("project.import", batch)
    with transaction.atomic():
        still(batch, BatchState.CONFIRMED)
        with _language_of_the_record():
            told = _("Import %(number)d, %(file)s, was undone") % {
                "number": batch.pk,
                "file": batch.file.name,
            }
        why = f"{told}: {squeeze(reason)}" if reason.strip() else f"{told}."
        history.give_reason(why)
        done = list(batch.imported_projects.order_by("line", "pk"))
        _refuse_the_wrong_order(batch, done)
        projects = {
            project.pk: project
            for project in Project.objects.filter(pk__in=[row.project_id for row in done])
            .order_by("pk")
            .select_for_update()
        }
        untouched = [row for row in done if projects[row.project_id].version == row.version_after]
        kept = tuple(
            project for row in done if (project := projects[row.project_id]).version != row.version_after
        )
        new = [row.project_id for row in untouched if row.action == ImportedAction.NEW]
        changed = [row for row in untouched if row.action == ImportedAction.CHANGED]
        with _taking_in():
            Project.objects.filter(pk__in=new).update(withdrawn_at=at, withdrawn_reason=why[:500])
            _restore(reader.municipality, changed, projects)
        batch.state = BatchState.UNDONE
        batch.undone_at = at
        batch.counts = {
            **batch.counts,
            "withdrawn": len(new),
            "restored": len(changed),
            "kept": len(kept),
            "kept_projects": [project.pk for project in kept],
        }
        batch.save(update_fields=["state", "undone_at", "counts"])
    return Undone(len(new), len(changed), kept)


def _refuse_the_wrong_order(batch: ImportBatch, done: Sequence[ImportedProject]) -> None:
    versions = {row.project_id: row.version_after for row in done}
    later = max(
        (
            (version, number, file)
            for project, version, number, file in ImportedProject.objects.filter(
                municipality=batch.municipality, project__in=versions, batch__state=BatchState.CONFIRMED
            )
            .exclude(batch=batch)
            .values_list("project_id", "version_after", "batch_id", "batch__file__name")
            if version > versions[project]
        ),
        default=None,
    )
    if later is not None:
        raise UndoneFirst(
            _("Import %(number)d, %(file)s, changed the same projects later. Undo that one first.")
            % {"number": later[1], "file": later[2]}
        )


def _restore(place: Municipality, rows: Sequence[ImportedProject], projects: Mapping[int, Project]) -> None:
    names: set[str] = set()
    for row in rows:
        for name, then in row.before.get("fields", {}).items():
            names.add(name)
            setattr(projects[row.project_id], name, Project._meta.get_field(name).to_python(then))  # type: ignore[union-attr]
    _save([projects[row.project_id] for row in rows], sorted(names))
    _stand_again(rows)
    with_parties = [row for row in rows if "parties" in row.before]
    with_units = [row for row in rows if "units" in row.before]
    party_rows: dict[int, list[ProjectParty]] = {}
    for party in ProjectParty.objects.filter(project__in=[row.project_id for row in with_parties]):
        party_rows.setdefault(party.project_id, []).append(party)
    unit_rows: dict[int, list[ProjectUnit]] = {}
    for part in ProjectUnit.objects.filter(project__in=[row.project_id for row in with_units]):
        unit_rows.setdefault(part.project_id, []).append(part)
    gone_parties: list[int] = []
    gone_units: list[int] = []
    parties: list[ProjectParty] = []
    units: list[ProjectUnit] = []
    for row in with_parties:
        standing = party_rows.get(row.project_id, [])
        wanted = list(row.before["parties"])
        gone_parties += [party.pk for party in standing if _party_kept(party) not in wanted]
        present = [_party_kept(party) for party in standing]
        parties += [
            ProjectParty(municipality=place, project_id=row.project_id, **party)
            for party in wanted
            if party not in present
        ]
    for row in with_units:
        parts = unit_rows.get(row.project_id, [])
        gone_units += [part.pk for part in parts if part.unit_id not in row.before["units"]]
        present_units = {part.unit_id for part in parts}
        units += [
            ProjectUnit(municipality=place, project_id=row.project_id, unit_id=unit_id)
            for unit_id in row.before["units"]
            if unit_id not in present_units
        ]
    _replace_parts(gone_parties, gone_units, parties, units)


def _stand_again(rows: Sequence[ImportedProject]) -> None:
    """The imports whose outcome now stands anew, under a new version, may be undone in their turn."""
    then = {row.project_id: row.before.get("version", row.version_after - 1) for row in rows}
    standing = ImportedProject.objects.filter(project__in=then).values_list(
        "pk", "project_id", "version_after"
    )
    ImportedProject.objects.filter(
        pk__in=[pk for pk, project_id, version in standing if version == then[project_id]]
    ).update(version_after=Subquery(Project.objects.filter(pk=OuterRef("project")).values("version")))
