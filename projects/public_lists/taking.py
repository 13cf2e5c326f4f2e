"""Funders' lists on their way in: read once, held against the register, confirmed, settled one by one.

What is ours in a list is kept with the batch when it is read (`answers["grants"]`), so that a list of
hundreds of thousands of rows is not read again for each look. Confirming writes a `ListedGrant` for each
grant that is new, and brings known ones up to date; what was settled stays settled, so that next year's
list shows only what is new. Grants are never deleted: undoing a list hides those that nobody has settled,
takes back what confirming it settled by itself, and gives changed ones their former values. Lists of the same
name are undone in the reverse of their order.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from pages.columns import Text, on_screen
from pages.files import ChooseSheet, Problem, TableRefused
from pages.forms import register_messages
from pages.imports import Difference, JudgedRow, Outcome, Preview, require_ready
from projects.code_lists import refuse_before_later
from projects.models import GrantListProfile, ListedGrant, Project
from projects.models.public_lists import Outcome as Settled
from projects.public_lists import profiles
from projects.public_lists.matching import Recogniser
from projects.public_lists.profiles import Beside, Profile
from projects.public_lists.reading import (
    MOST_UNPACKED,
    ChangedFormat,
    Found,
    Grant,
    Part,
    Source,
    find_ours,
    headers_of,
    parts,
)
from projects.registry import Written, marked_reason, standing_locked, take_back
from strategy import history
from strategy.attachments import contents, store
from strategy.models import BatchState, ImportBatch, RememberedWord
from strategy.permissions import Reader
from values.money import Amount, Money
from values.precision import PartialDate, Precision
from values.text import fold, squeeze

KIND = "public_list"
# What a list that is kept whole may unpack to: it is read while somebody waits. The command takes longer ones.
MOST_UNPACKED_AT_ONCE = 200 * 1024 * 1024

MESSAGES = {
    "a_profile_stands_once": gettext_lazy("There is already a list of this name. Choose another name."),
    "a_profile_has_a_name": gettext_lazy("Give the list a name."),
    "a_grant_is_listed_once": gettext_lazy(
        "Somebody has just taken in the same grant. Look through the list again."
    ),
    "grant_batch_in_same_municipality": gettext_lazy("The list belongs to another municipality."),
    "grant_unit_in_same_municipality": gettext_lazy("Choose a unit of your own municipality."),
    "grant_project_in_same_municipality": gettext_lazy("Choose a project of your own municipality."),
    "a_grant_is_settled_whole": gettext_lazy(
        "Join the grant to a project, register one, or set it aside with a reason."
    ),
    "grant_currency_has_three_letters": gettext_lazy(
        "Give the currency with three letters, for example EUR."
    ),
}
register_messages(MESSAGES)


# --- holding against the register ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """A project that may be the grant's. `sure`: it bears the funder's reference."""

    project_id: int
    register_id: str
    title: str
    why: str
    sure: bool
    likeness: float


_COMMON = {
    "och",
    "i",
    "för",
    "på",
    "av",
    "med",
    "till",
    "the",
    "of",
    "and",
    "for",
    "in",
    "to",
    "a",
    "en",
    "ett",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w{2,}", fold(text))) - _COMMON


def _references(text: str) -> set[str]:
    """The reference in the forms in which it is written: "2021SE05SFPR001_23-017-S01" is 23-017-S01 too."""
    key = fold(text).replace(" ", "")
    if not key:
        return set()
    told = {key}
    if re.search(r"_\d\d-\d{3}-s\d+$", key):
        told.add(key.rpartition("_")[2])
    # The joint database of research funders ends the number with the funder: 2021-00157_VR.
    if found := re.fullmatch(r"(\d{4}-\d{5})_\w+", key):
        told.add(found[1])
    return told


class Register:
    """All projects of the municipality by reference, acronym and words of the title; one query."""

    def __init__(self, reader: Reader) -> None:
        self._by_reference: dict[str, list[int]] = {}
        self._by_acronym: dict[str, list[int]] = {}
        self._by_word: dict[str, list[int]] = {}
        self._known: dict[int, tuple[str, str, frozenset[str], date | None, date | None]] = {}
        projects = Project.objects.visible_to(reader).standing().filter(municipality=reader.municipality)
        for pk, year, number, title, acronym, reference, starts, ends in projects.values_list(
            *("pk", "register_year", "register_number", "title", "acronym", "external_reference"),
            *("starts_on", "ends_on"),
        ):
            words = _words(title)
            self._known[pk] = (f"P-{year}-{number}", title, words, starts, ends)
            for key in _references(reference):
                self._by_reference.setdefault(key, []).append(pk)
            if acronym:
                self._by_acronym.setdefault(fold(acronym), []).append(pk)
            for word in words:
                self._by_word.setdefault(word, []).append(pk)

    def candidates(
        self, *, reference: str, title: str, acronym: str, starts: date | None, ends: date | None
    ) -> list[Candidate]:
        """The likeliest first; a sure one stands alone."""
        sure = {pk for key in _references(reference) for pk in self._by_reference.get(key, ())}
        if sure:
            return [
                self._candidate(pk, _("Has the funder's reference"), 1.0, sure=True) for pk in sorted(sure)
            ]
        found: dict[int, Candidate] = {}
        if acronym:
            for pk in self._by_acronym.get(fold(acronym), ()):
                if self._at_one_time(pk, starts, ends):
                    found[pk] = self._candidate(pk, _("Has the same acronym"), 0.95)
        words = _words(title)
        shared: dict[int, int] = {}
        for word in words:
            for pk in self._by_word.get(word, ()):
                shared[pk] = shared.get(pk, 0) + 1
        for pk, count in shared.items():
            likeness = 2 * count / (len(words) + len(self._known[pk][2]))
            same = fold(self._known[pk][1]) == fold(title)
            if (likeness >= 0.6 or same) and self._at_one_time(pk, starts, ends) and pk not in found:
                why = _("Has the same title") if same else _("Has a similar title")
                found[pk] = self._candidate(pk, why, 1.0 if same else likeness)
        return sorted(found.values(), key=lambda one: (-one.likeness, one.project_id))[:6]

    def _at_one_time(self, pk: int, starts: date | None, ends: date | None) -> bool:
        """Whether the periods may overlap; what is not stated rules nothing out."""
        _id, _title, _words_of, first, last = self._known[pk]
        return not ((ends and first and first > ends) or (starts and last and last < starts))

    def _candidate(self, pk: int, why: str, likeness: float, *, sure: bool = False) -> Candidate:
        register_id, title, *_rest = self._known[pk]
        return Candidate(pk, register_id, title, why, sure, likeness)

    def of(self, grant: Grant | ListedGrant) -> list[Candidate]:
        return self.candidates(
            reference=grant.reference,
            title=grant.title,
            acronym=grant.acronym,
            starts=grant.starts if isinstance(grant, Grant) else grant.starts_on,
            ends=grant.ends if isinstance(grant, Grant) else grant.ends_on,
        )


# --- reading in ------------------------------------------------------------------------------------------


class BatchMovedOn(Exception):
    """Somebody has confirmed, cancelled or undone the list already."""


def batches(reader: Reader) -> QuerySet[ImportBatch]:
    found = ImportBatch.objects.filter(municipality=reader.municipality, kind=KIND)
    return found if reader.can("grant_list.read") else found.none()


def profiles_of(reader: Reader) -> dict[str, Profile]:
    return profiles.known(list(GrantListProfile.objects.filter(municipality=reader.municipality)))


def remembered_recipients(reader: Reader) -> dict[str, str]:
    return dict(
        RememberedWord.objects.filter(
            municipality=reader.municipality, kind=KIND, column="recipient"
        ).values_list("word", "meaning")
    )


@dataclass(frozen=True)
class Package:
    """A list as it came: one file, or two that belong together."""

    name: str
    tables: tuple[Part, ...]

    @classmethod
    def of(cls, name: str, source: Source, *others: tuple[str, Source], most: int = MOST_UNPACKED) -> Package:
        """`most` is what all of it may unpack to, in bytes. Raises TableRefused."""
        tables = parts(source, name)
        for other_name, other in others:
            tables += parts(other, other_name)
        if sum(table.size for table in tables) > most:
            raise too_large_at_once(most)
        return cls(name, tuple(tables))

    @property
    def size(self) -> int:
        """In bytes, unpacked."""
        return sum(table.size for table in self.tables)


def _chosen(
    reader: Reader, package: Package, wanted: str, sheet: str | None
) -> tuple[Profile | None, tuple[Part, ...]]:
    """The profile by its name, else by the headings; with the table that it reads first."""
    every = profiles_of(reader)
    if wanted:
        if wanted not in every:
            raise PermissionDenied(_("There is no such list. Choose one of those that are offered."))
        return every[wanted], package.tables
    headers = headers_of(package.tables, sheet=sheet)
    for name, said in headers.items():
        if (profile := profiles.recognised(said, every)) is not None:
            return profile, tuple(sorted(package.tables, key=lambda part: part.name != name))
    return None, package.tables


def read(
    reader: Reader, package: Package, *, profile: str = "", sheet: str | None = None
) -> tuple[Profile | None, Found | None]:
    """What is ours in the list; no profile where none fits, and somebody must point out the columns.

    Raises TableRefused, ChangedFormat (a list whose profile no longer fits) and ChooseSheet.
    """
    reader.require("grant_list.take")
    chosen, tables = _chosen(reader, package, profile, sheet)
    if chosen is None:
        return None, None
    recogniser = Recogniser(reader.municipality, remembered_recipients(reader))
    try:
        with history.in_the_record():
            found = find_ours(tables, chosen, recogniser, sheet=sheet)
            if not recogniser.number:
                note = _(
                    "The municipality's organisation number is not stated under Organisation, so grants are "
                    "recognised by names alone."
                )
                found = replace(found, notes=(note, *found.notes))
    except TableRefused:
        # What is found is kept with the list; a refusal is told to whoever reads now, in their language.
        if get_language() != settings.LANGUAGE_CODE:
            find_ours(tables, chosen, recogniser, sheet=sheet)
        raise
    return chosen, found


def _kept(profile: Profile, found: Found) -> dict[str, Any]:
    return {
        # The list, in whatever form it came: what it names is known in its other forms too.
        "profile": profile.list_name,
        "columns": profile.name,
        "grants": [grant.as_data() for grant in found.ours],
        "perhaps": [grant.as_data() for grant in found.perhaps],
        "read": found.read,
        "notes": list(found.notes),
    }


def upload(
    reader: Reader,
    name: str,
    data: bytes,
    *,
    others: Sequence[tuple[str, bytes]] = (),
    profile: str = "",
    sheet: str | None = None,
    content_type: str = "",
    keep: bool = True,
) -> ImportBatch:
    """Stores a list with what of it is ours; writes no grant.

    A list that no profile fits is stored too, for somebody to point out its columns. Two tables that belong
    together are stored packed. With `keep` false the batch is judged alone, for a command that shows and writes
    nothing. Raises TableRefused and ChangedFormat, and then nothing is stored.
    """
    package = Package.of(name, data, *others, most=MOST_UNPACKED_AT_ONCE)
    answers: dict[str, Any] = {"wanted": profile}
    if sheet is not None:
        answers["sheet"] = sheet
    try:
        chosen, found = read(reader, package, profile=profile, sheet=sheet)
    except ChooseSheet:
        chosen, found = None, None
    if others:
        name, data, content_type = _packed(name, data, others)
    return _stored(reader, name, data, content_type, answers, chosen, found, keep=keep)


def _packed(name: str, data: bytes, others: Sequence[tuple[str, bytes]]) -> tuple[str, bytes, str]:
    memory = io.BytesIO()
    with ZipFile(memory, "w", ZIP_DEFLATED) as archive:
        for one, contents_of in [(name, data), *others]:
            archive.writestr(ZipInfo(one), contents_of, ZIP_DEFLATED)
    return f"{name.rpartition('.')[0] or name}.zip", memory.getvalue(), "application/zip"


def keep_extract(
    reader: Reader,
    name: str,
    package: Package,
    *,
    profile: str = "",
    sheet: str | None = None,
    keep: bool = True,
) -> ImportBatch:
    """As `upload`, of a list too large to be kept: what is stored is what of it is ours, as JSON."""
    chosen, found = read(reader, package, profile=profile, sheet=sheet)
    if chosen is None or found is None:
        raise no_profile(reader, package, sheet=sheet)
    data = json.dumps({"list": name, **_kept(chosen, found)}, ensure_ascii=False, indent=1).encode()
    answers: dict[str, Any] = {"wanted": profile, "extract": True}
    return _stored(reader, f"{name}.json", data, "application/json", answers, chosen, found, keep=keep)


def too_large_at_once(most: int) -> TableRefused:
    return TableRefused(
        Problem(
            "too_large_unpacked",
            None,
            None,
            _(
                "The list is larger than %(most)d MB unpacked, more than can be read while you wait. Ask whoever "
                "runs the installation to take it in with the command take_public_list."
            )
            % {"most": most // (1024 * 1024)},
        )
    )


def no_profile(reader: Reader, package: Package, *, sheet: str | None = None) -> TableRefused:
    """Why no profile fits: which columns are missing where the list is much like one, else that it is like none.

    Raises ChooseSheet where nobody has said which sheet the list is.
    """
    every = profiles_of(reader)
    for headings in headers_of(package.tables, sheet=sheet).values():
        near = profiles.nearest(headings, every)
        if near is not None and (missing := near.missing(headings)):
            return ChangedFormat(near, missing, near.unknown(headings))
    return TableRefused(
        Problem(
            "no_profile",
            None,
            None,
            _(
                "The columns of the list are not recognised. Take it in on the page first and point out its "
                "columns; then they are remembered."
            ),
        )
    )


def _stored(
    reader: Reader,
    name: str,
    data: bytes,
    content_type: str,
    answers: dict[str, Any],
    profile: Profile | None,
    found: Found | None,
    *,
    keep: bool,
) -> ImportBatch:
    batch = ImportBatch(
        municipality=reader.municipality, kind=KIND, answers=answers, uploaded_by=reader.person
    )
    if profile is not None and found is not None:
        batch.answers |= _kept(profile, found)
        batch.counts = Judge(reader, batch).preview().counts
    if keep:
        batch.file = store(reader.municipality, name, data, content_type)
        batch.save(force_insert=True)
    return batch


def package_of(batch: ImportBatch) -> Package:
    return Package.of(batch.file.name, contents(batch.file), most=MOST_UNPACKED_AT_ONCE)


class NameTaken(Exception):
    """The name is a shipped profile's, or another own profile's that was not to be replaced."""


def point_out(
    reader: Reader,
    batch: ImportBatch,
    *,
    name: str,
    columns: Mapping[str, str],
    given: Mapping[str, str],
    source_url: str = "",
    part: str = "",
    beside: Beside | None = None,
    based_on: str = "",
    replacing: bool = False,
) -> ImportBatch:
    """Keeps which column says what as a profile of the municipality's, and reads the list by it.

    `part` is the table that is read first, `beside` what the second says, `based_on` the shipped profile whose list
    this is in another form. Raises NameTaken for a shipped profile's name, and unless `replacing` for an own one's.
    """
    reader.require("grant_list.take", batch)
    name = squeeze(name)[:100]
    if profiles.shipped(name) is not None:
        raise NameTaken(
            _(
                "“%(name)s” is a list that the register knows by itself. Choose another name, for example “%(other)s”."
            )
            % {"name": name, "other": f"{name} {reader.today.year}"}
        )
    with transaction.atomic():
        _still(batch, BatchState.JUDGED)
        standing = GrantListProfile.objects.filter(municipality=reader.municipality, name=name)
        if not replacing and standing.exists():
            raise NameTaken(
                _(
                    "The columns of a list called “%(name)s” are remembered already. Choose another name, or tick "
                    "that they are replaced."
                )
                % {"name": name}
            )
        GrantListProfile.objects.update_or_create(
            municipality=reader.municipality,
            name=name,
            defaults={"source_url": source_url, **profiles.kept(columns, given, beside, based_on)},
        )
        _read_again(reader, batch, profile=name, part=part)
    return batch


def own_profiles(reader: Reader) -> QuerySet[GrantListProfile]:
    found = GrantListProfile.objects.filter(municipality=reader.municipality)
    return found if reader.can("grant_list.take") else found.none()


def forget(reader: Reader, row: GrantListProfile) -> None:
    """Removes what the municipality pointed out about a list; grants that were read by it stay."""
    reader.require("grant_list.take")
    row.delete()


def choose_sheet(reader: Reader, batch: ImportBatch, sheet: str) -> None:
    reader.require("grant_list.take", batch)
    with transaction.atomic():
        _still(batch, BatchState.JUDGED)
        batch.answers = {**batch.answers, "sheet": sheet}
        _read_again(reader, batch, profile=batch.answers.get("wanted", ""))


def _read_again(reader: Reader, batch: ImportBatch, *, profile: str, part: str = "") -> None:
    package = package_of(batch)
    if part:
        package = replace(package, tables=tuple(sorted(package.tables, key=lambda one: one.name != part)))
    chosen, found = read(reader, package, profile=profile, sheet=batch.answers.get("sheet"))
    if chosen is not None and found is not None:
        batch.answers = {**batch.answers, **_kept(chosen, found)}
        batch.counts = Judge(reader, batch).preview().counts
    batch.save(update_fields=["answers", "counts"])


def say_recipients(reader: Reader, batch: ImportBatch, said: Mapping[str, str]) -> None:
    """Which of the names that are alike are ours ("ours", "unit:ID") and which are not; remembered."""
    reader.require("grant_list.take", batch)
    with transaction.atomic():
        _still(batch, BatchState.JUDGED)
        meant = {name: meaning for name, meaning in said.items() if meaning}
        RememberedWord.objects.bulk_create(
            [
                RememberedWord(
                    municipality=reader.municipality,
                    kind=KIND,
                    column="recipient",
                    word=fold(name)[:200],
                    meaning=meaning,
                )
                for name, meaning in meant.items()
            ],
            update_conflicts=True,
            unique_fields=["municipality", "kind", "column", "word"],
            update_fields=["meaning"],
        )
        keys = {fold(name): meaning for name, meaning in meant.items()}
        grants, perhaps = list(batch.answers.get("grants", [])), []
        with history.in_the_record():
            ours = _("Said to be ours")
        for told in batch.answers.get("perhaps", []):
            meaning = keys.get(fold(told["recipient"]), "")
            if meaning == "ours":
                grants.append({**told, "unit_id": None, "matched_by": ours})
            elif meaning.startswith("unit:"):
                unit = int(meaning.removeprefix("unit:"))
                grants.append({**told, "unit_id": unit, "matched_by": ours})
            elif not meaning:
                perhaps.append(told)
        batch.answers = {**batch.answers, "grants": grants, "perhaps": perhaps}
        batch.counts = Judge(reader, batch).preview().counts
        batch.save(update_fields=["answers", "counts"])


# --- judging ---------------------------------------------------------------------------------------------

# The list's own words about a grant: brought up to date by a later list, whatever was done about it.
_COPIED = (
    *("title", "acronym", "summary", "funder", "programme", "organisation_number", "role"),
    *("amount", "amount_currency", "total_budget", "starts_on", "ends_on", "url"),
)
_TOLD: Mapping[str, Text] = {
    "title": gettext_lazy("Title"),
    "amount": gettext_lazy("Granted"),
    "total_budget": gettext_lazy("The whole project"),
    "amount_currency": gettext_lazy("Currency"),
    "starts_on": gettext_lazy("Starts"),
    "ends_on": gettext_lazy("Ends"),
    "role": gettext_lazy("Part in the project"),
    "programme": gettext_lazy("Programme"),
    "funder": gettext_lazy("Funder"),
}


def values_of(grant: Grant) -> dict[str, Any]:
    return {
        "title": grant.title,
        "acronym": grant.acronym,
        "summary": grant.summary,
        "funder": grant.funder,
        "programme": grant.programme,
        "organisation_number": grant.organisation_number,
        "role": grant.role,
        "amount": grant.amount,
        "amount_currency": grant.currency,
        "total_budget": grant.total,
        "starts_on": grant.starts,
        "ends_on": grant.ends,
        "url": grant.url,
    }


@dataclass(slots=True)
class Plan:
    grant: Grant
    row: ListedGrant | None
    candidates: list[Candidate]
    hidden: bool = False  # stood in a list that was undone

    @property
    def rests_on_undone(self) -> bool:
        """Whether the list that brought the grant was undone, settled or not: this one holds it instead."""
        return self.row is not None and self.row.batch.state == BatchState.UNDONE

    @property
    def is_new(self) -> bool:
        return self.row is None or self.hidden

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        if self.row is None:
            return {}
        wanted = values_of(self.grant)
        # What a list no longer says, it does not take back.
        return {
            name: (getattr(self.row, name), wanted[name])
            for name in _COPIED
            if wanted[name] not in ("", None) and wanted[name] != getattr(self.row, name)
        }

    @property
    def sure(self) -> Candidate | None:
        return self.candidates[0] if len(self.candidates) == 1 and self.candidates[0].sure else None

    @property
    def waits(self) -> bool:
        """Whether it will wait for somebody: not settled before, and not known by its reference."""
        return (self.row is None or self.row.outcome == "") and self.sure is None


class Judge:
    """A batch's grants against those listed before and against the register; three queries.

    With `lock` the listed ones are held as they stand, so that nobody settles one in the same moment.
    """

    def __init__(self, reader: Reader, batch: ImportBatch, *, lock: bool = False) -> None:
        self.source: str = batch.answers.get("profile", "")
        listed = (
            ListedGrant.objects.filter(municipality=reader.municipality, source=self.source)
            .select_related("batch", "project")
            .order_by("pk")
        )
        if lock:
            listed = listed.select_for_update(of=("self",))
        standing = {(row.reference, fold(row.recipient)): row for row in listed}
        register = Register(reader)
        self.plans: list[Plan] = []
        self.read: int = batch.answers.get("read", 0)
        self.notes: tuple[str, ...] = tuple(batch.answers.get("notes", ()))
        seen: set[tuple[str, str]] = set()
        for told in batch.answers.get("grants", ()):
            grant = Grant.of_data(told)
            key = (grant.reference, fold(grant.recipient))
            if key in seen:
                continue
            seen.add(key)
            row = standing.get(key)
            self.plans.append(Plan(grant, row, register.of(grant), is_hidden(row)))

    @property
    def unknown(self) -> list[Plan]:
        """New grants that no project is known or thought to be of."""
        return [plan for plan in self.plans if plan.is_new and not plan.candidates]

    def preview(self) -> Preview:
        rows = []
        for plan in self.plans:
            changed = Outcome.CHANGED if plan.changes else Outcome.UNCHANGED
            outcome = Outcome.NEW if plan.is_new else changed
            grant = plan.grant
            said = tuple(sorted((name, str(value)) for name, value in values_of(grant).items()))
            sure = plan.sure.project_id if plan.sure else 0
            rows.append(
                JudgedRow(
                    grant.line,
                    grant.title,
                    outcome,
                    (grant.reference, fold(grant.recipient), said, sure),
                    target=plan,
                    tell=lambda plan=plan: _differences(plan),  # type: ignore[misc]
                )
            )
        return Preview(tuple(rows), notes=self.notes)


def _differences(plan: Plan) -> list[Difference]:
    if plan.is_new:
        return []
    return [
        Difference(str(_TOLD[name]), on_screen(before), on_screen(after))
        for name, (before, after) in plan.changes.items()
        if name in _TOLD
    ]


def is_hidden(row: ListedGrant | None) -> bool:
    return row is not None and row.outcome == "" and row.batch.state == BatchState.UNDONE


def preview_of(reader: Reader, batch: ImportBatch) -> tuple[Judge, Preview]:
    reader.require("grant_list.read", batch)
    judge = Judge(reader, batch)
    return judge, judge.preview()


def _still(batch: ImportBatch, state: BatchState) -> None:
    batch.refresh_from_db(from_queryset=ImportBatch.objects.select_for_update())
    if batch.state != state:
        raise BatchMovedOn(batch.get_state_display())


_TAKEN = gettext_lazy("Funder's list %(number)d, %(file)s")
_UNDONE = gettext_lazy("Funder's list %(number)d, %(file)s, was undone")
_BY_REFERENCE = gettext_lazy("Known by the funder's reference")


def _in_the_record(text: Text) -> str:
    with history.in_the_record():
        return str(text)


def _told(text: Text, batch: ImportBatch) -> str:
    return _in_the_record(text) % {"number": batch.pk, "file": batch.file.name}


def _one_at_a_time(reader: Reader) -> None:
    """Lists of one municipality are confirmed and undone one after the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('projects.public_lists'), %s)", [reader.municipality.pk]
        )


def _said(value: Any) -> str:
    return "" if value is None else str(value)


def confirm(reader: Reader, batch: ImportBatch, *, seen: str, at: datetime) -> Preview:
    """Writes the grants, all or none. A grant whose reference a project bears is joined to it.

    Raises NotReady where the outcome is not the one that was `seen`.
    """
    reader.require("grant_list.take", batch)
    with transaction.atomic():
        _one_at_a_time(reader)
        _still(batch, BatchState.JUDGED)
        judge = Judge(reader, batch, lock=True)
        preview = judge.preview()
        require_ready(preview, seen=seen, leave_out_refused=False)
        history.give_reason(_told(_TAKEN, batch))
        new = []
        told: dict[str, dict[str, tuple[str, str]]] = {}
        by_itself: list[ListedGrant] = []
        for plan in judge.plans:
            settled: dict[str, Any] = {}
            if plan.sure is not None and (plan.row is None or plan.row.outcome == ""):
                settled = {
                    "outcome": Settled.JOINED,
                    "project_id": plan.sure.project_id,
                    "reason": _in_the_record(_BY_REFERENCE),
                    "settled_by": reader.person,
                    "settled_at": at,
                }
            if plan.row is None:
                grant = plan.grant
                row = ListedGrant(
                    municipality=reader.municipality,
                    batch=batch,
                    source=judge.source,
                    reference=grant.reference,
                    recipient=grant.recipient,
                    unit_id=grant.unit_id,
                    matched_by=grant.matched_by,
                    **values_of(grant),
                    **settled,
                )
                new.append(row)
                if settled:
                    by_itself.append(row)
                continue
            changes = plan.changes
            if not (changes or settled or plan.rests_on_undone):
                continue
            if changes and not plan.hidden:
                told[str(plan.row.pk)] = {
                    name: (_said(then), _said(now)) for name, (then, now) in changes.items()
                }
            if settled:
                by_itself.append(plan.row)
            for name, (_before, after) in changes.items():
                setattr(plan.row, name, after)
            for name, value in settled.items():
                setattr(plan.row, name, value)
            if plan.rests_on_undone:
                plan.row.batch = batch
            plan.row.save(update_fields=[*changes, *settled, "batch"])
        ListedGrant.objects.bulk_create(new)
        batch.answers = {
            **batch.answers,
            "changed": told,
            "joined": {str(row.pk): row.project_id for row in by_itself},
        }
        batch.state = BatchState.CONFIRMED
        batch.confirmed_at = at
        batch.counts = preview.counts | {"unknown": len(judge.unknown)}
        batch.save(update_fields=["state", "confirmed_at", "counts", "answers"])
    return preview


def cancel(reader: Reader, batch: ImportBatch) -> None:
    reader.require("grant_list.take", batch)
    with transaction.atomic():
        _still(batch, BatchState.JUDGED)
        batch.state = BatchState.CANCELLED
        batch.save(update_fields=["state"])


class Undone(NamedTuple):
    """How many grants are hidden, how many were settled by somebody and stay, and how many are as before."""

    hidden: int
    kept: int
    restored: int


def undo(reader: Reader, batch: ImportBatch, *, at: datetime, reason: str = "") -> Undone:
    """Takes back what confirming the list did: new grants, new values, and what it joined by the reference.

    What somebody has settled stays settled, and what was changed since stays as it is. Raises UndoneFirst
    where a later list of the same name stands: it may hold the same grants.
    """
    reader.require("grant_list.take", batch)
    with transaction.atomic():
        _one_at_a_time(reader)
        _still(batch, BatchState.CONFIRMED)
        refuse_before_later(batch, batches(reader).filter(answers__profile=batch.answers.get("profile", "")))
        told = _told(_UNDONE, batch)
        history.give_reason(f"{told}: {squeeze(reason)}" if reason.strip() else f"{told}.")
        wrote: Mapping[str, Mapping[str, Sequence[str]]] = batch.answers.get("changed", {})
        joined: Mapping[str, int] = batch.answers.get("joined", {})
        grants = (
            ListedGrant.objects.filter(Q(batch=batch) | Q(pk__in=[int(pk) for pk in {*wrote, *joined}]))
            .order_by("pk")
            .select_for_update()
        )
        hidden = kept = restored = 0
        for row in grants:
            changed = _given_back(row, wrote.get(str(row.pk), {}))
            if row.settled_at == batch.confirmed_at and row.project_id == joined.get(str(row.pk), 0):
                changed += _wait_again(row)
            if changed:
                row.save(update_fields=changed)
            if row.batch_id != batch.pk:
                restored += bool(changed)
            elif row.outcome == "":
                hidden += 1
            else:
                kept += 1
        batch.state = BatchState.UNDONE
        batch.undone_at = at
        batch.counts = {**batch.counts, "hidden": hidden, "kept": kept, "restored": restored}
        batch.save(update_fields=["state", "undone_at", "counts"])
    return Undone(hidden, kept, restored)


def _given_back(row: ListedGrant, values: Mapping[str, Sequence[str]]) -> list[str]:
    """Gives the fields their former values, unsaved, unless one of them was changed since."""
    if any(_said(getattr(row, name)) != now for name, (_then, now) in values.items()):
        return []
    for name, (then, _now) in values.items():
        field: Any = ListedGrant._meta.get_field(name)
        setattr(row, name, None if field.null and then == "" else field.to_python(then))
    return list(values)


def _wait_again(row: ListedGrant) -> list[str]:
    """Takes back how the grant was settled, unsaved."""
    row.outcome, row.project, row.reason = "", None, ""
    row.settled_by, row.settled_at, row.written = None, None, {}
    return ["outcome", "project", "reason", "settled_by", "settled_at", "written"]


# --- the grants ------------------------------------------------------------------------------------------


def visible_to(reader: Reader) -> QuerySet[ListedGrant]:
    """The grants that stand: without those whose list was undone before anybody settled them."""
    found = ListedGrant.objects.filter(municipality=reader.municipality)
    if not reader.can("grant_list.read"):
        return found.none()
    return found.exclude(batch__state=BatchState.UNDONE, outcome="")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many grants wait for somebody, since when, and how many there are in all."""

    waiting: int
    total: int
    since: date | None = None


def waiting(reader: Reader) -> Waiting:
    """One query."""
    told = visible_to(reader).aggregate(
        waiting=Count("pk", filter=Q(outcome="")),
        total=Count("pk"),
        since=Min("batch__confirmed_at", filter=Q(outcome="")),
    )
    since = timezone.localdate(told["since"]) if told["since"] else None
    return Waiting(told["waiting"], told["total"], since)


class AlreadySettled(Exception):
    """Somebody else has settled the grant meanwhile; the message says who and how."""


def _unsettled(grant: ListedGrant) -> ListedGrant:
    standing = (
        ListedGrant.objects.select_for_update(of=("self",))
        .select_related("settled_by", "project")
        .get(pk=grant.pk)
    )
    if standing.outcome:
        raise AlreadySettled(
            _("%(who)s has settled this meanwhile: %(how)s%(what)s.")
            % {
                "who": standing.settled_by,
                "how": standing.get_outcome_display(),
                "what": f", {standing.project}" if standing.project else f", {standing.reason}",
            }
        )
    return standing


def join(
    reader: Reader, grant: ListedGrant, project: Project, *, at: datetime, registered: bool = False
) -> None:
    """Says which project the grant is of; the project gets the funder's reference where it has none.

    Raises AlreadySettled, and PermissionDenied where the project is withdrawn meanwhile.
    """
    reader.require("grant_list.take", grant)
    with transaction.atomic():
        standing = _unsettled(grant)
        project = standing_locked(reader, project)
        with history.in_the_record():
            told = _("The grant %(reference)s in the list of %(source)s was joined to %(project)s.") % {
                "reference": standing.reference,
                "source": standing.source,
                "project": project.register_id,
            }
        history.give_reason(marked_reason(reader, project.owner_unit, told))
        standing.outcome = Settled.REGISTERED if registered else Settled.JOINED
        standing.project = project
        standing.settled_by, standing.settled_at = reader.person, at
        # A title in place of a reference that the list did not give is none.
        if project.external_reference == "" and standing.reference != standing.title[:100]:
            standing.written = {"external_reference": ["", standing.reference]}
            project.external_reference = standing.reference
            project.save(update_fields=["external_reference"])
        standing.save(update_fields=["outcome", "project", "settled_by", "settled_at", "written"])


def set_aside(reader: Reader, grant: ListedGrant, *, reason: str, at: datetime) -> None:
    reader.require("grant_list.take", grant)
    with transaction.atomic():
        standing = _unsettled(grant)
        history.give_reason(marked_reason(reader, standing.unit, reason))
        standing.outcome = Settled.SET_ASIDE
        standing.reason = squeeze(reason)[:500]
        standing.settled_by, standing.settled_at = reader.person, at
        standing.save(update_fields=["outcome", "reason", "settled_by", "settled_at"])


def open_again(reader: Reader, grant: ListedGrant, *, reason: str) -> None:
    """Takes back what was done about the grant; a registered project stays.

    The reference that joining wrote into the project goes, or the next list would join the grant to the same
    project by it; unless another grant of that reference is of the project too.
    """
    reader.require("grant_list.take", grant)
    with transaction.atomic():
        standing = ListedGrant.objects.select_for_update().get(pk=grant.pk)
        if standing.project_id is None:
            history.give_reason(marked_reason(reader, standing.unit, reason))
        else:
            project = Project.objects.select_for_update(of=("self",)).get(pk=standing.project_id)
            history.give_reason(marked_reason(reader, project.owner_unit, reason))
            _take_reference_back(standing, project)
        standing.save(update_fields=_wait_again(standing))


def _take_reference_back(grant: ListedGrant, project: Project) -> None:
    written: Written = grant.written
    # A withdrawn project is kept as it was.
    if not written or project.is_withdrawn:
        return
    others = ListedGrant.objects.filter(project=project, reference=grant.reference).exclude(pk=grant.pk)
    if (other := others.select_for_update().first()) is not None:
        other.written = written
        other.save(update_fields=["written"])
    elif changed := take_back(project, written):
        project.save(update_fields=changed)


def amount(number: Decimal | None, currency: str) -> Amount | None:
    return None if number is None else Amount(Money(number, currency))


_LEADS = {"coordinator", "beneficiary", "lead", "lead partner", "projektägare", "koordinator"}


def prefilled(grant: ListedGrant) -> dict[str, Any]:
    """What the register's form begins with. The own share is not the grant, and is left for a person."""

    def day(value: date | None) -> PartialDate | None:
        return PartialDate.containing(value, Precision.DAY) if value else None

    role = ""
    if grant.role:
        role = "owner" if fold(grant.role) in _LEADS else "partner"
    return {
        "title": grant.title[:250],
        "acronym": grant.acronym[:50],
        "summary": grant.summary,
        "funder": grant.funder,
        "programme": grant.programme,
        "starts": day(grant.starts_on),
        "ends": day(grant.ends_on),
        "role": role,
        "state": "granted",
        "total_budget": amount(grant.total_budget, grant.amount_currency),
        "owner_unit": grant.unit_id,
        "external_reference": grant.reference if grant.reference != grant.title[:100] else "",
    }
