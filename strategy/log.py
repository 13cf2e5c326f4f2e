"""The global log: every act of the municipality, newest first, found again by when, who, what and why.

It goes by the events themselves, which triggers write and nobody can keep away, and not by the acts' notes
(history contexts), which are what the writer said: an event without a note, or with one of another
municipality, stands in the log like any other. Events of one transaction have one time, so that an act is the
time and the note; the index on (municipality, time) of each event table keeps that quick.

What is told of an object is declared per model (`kinds`): its name, its page, and what it takes to read it.
Whoever reads the log reads no more of an object here than on its own page.
"""
# ruff: noqa: S608 - the statements are put together from the names of our own tables; values are parameters

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pghistory.models import Context

from pages.registries import Registry
from strategy import history
from strategy.history import Difference, Names, event_model
from strategy.models import (
    Account,
    Assignment,
    BoardService,
    Document,
    Handover,
    MailDomain,
    Municipality,
    MunicipalityMember,
    Person,
    Population,
    Reading,
    RememberedWord,
    StoredFile,
    Unit,
    UnitName,
)
from strategy.permissions import Reader
from strategy.walls import Wall
from values.text import squeeze

# Tracked, and not in the log, each with the reason. A test holds every tracked model against this and `kinds`.
NOT_IN_THE_LOG = {
    "Message": "Mail is written by the worker, and of whom it went to and what it said nothing is kept.",
}

# How many objects of one act the page shows; the rest stand on the act's own page.
SHOWN_OF_AN_ACT = 10
# So many changes stand in a file at most: a larger one is asked for by its days.
MOST_IN_A_FILE = 10_000

INSERTED, UPDATED, DELETED = "insert", "update", "delete"
DEEDS: Mapping[str, str | Promise] = {
    INSERTED: gettext_lazy("was made"),
    UPDATED: gettext_lazy("was changed"),
    DELETED: gettext_lazy("was removed"),
}
# Who a filter asks for when no person acted.
THE_SYSTEM = "systemet"


@dataclass(frozen=True)
class Kind:
    """How the objects of a model are told in the log.

    `tells` are the fields that name an object as it was called then ("" of them: the row's name of today).
    `action` is what it takes to read anything of it, for the whole municipality; `fields` says so of single
    fields; `readable` asks beyond that, of the event and of the row alike. `url` finds the page by the event.
    """

    model: type[models.Model]
    label: str | Promise
    tells: tuple[str, ...] = ()
    action: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    readable: Callable[[Reader, Any], bool] | None = None
    url: Callable[[Any], str | None] | None = None

    @property
    def name(self) -> str:
        return self.model._meta.label_lower

    def may_read(self, reader: Reader, row: Any) -> bool:
        if self.action and reader.units(self.action) is not None:
            return False
        return self.readable is None or self.readable(reader, row)


kinds: Registry[Kind] = Registry("kind in the log")


def _page(name: str, key: str = "pgh_obj_id") -> Callable[[Any], str | None]:
    def url(event: Any) -> str | None:
        pk = getattr(event, key)
        return None if pk is None else reverse(name, args=[pk])

    return url


page_of = _page


def _secret_is_read(reader: Reader, row: Any) -> bool:
    return not row.is_secret or reader.units("document.read_secret") is None


for _kind in (
    Kind(
        Municipality, gettext_lazy("the municipality"), ("name",), url=lambda event: reverse("municipality")
    ),
    Kind(
        MunicipalityMember,
        gettext_lazy("member of the municipality's cooperation"),
        ("member",),
        url=lambda event: reverse("municipality"),
    ),
    Kind(MailDomain, gettext_lazy("mail domain"), ("domain",), url=lambda event: reverse("municipality")),
    Kind(Population, gettext_lazy("inhabitants"), ("year",), url=lambda event: reverse("municipality")),
    Kind(Unit, gettext_lazy("unit"), ("name",), url=_page("unit")),
    Kind(UnitName, gettext_lazy("name of a unit"), ("name", "unit"), url=_page("unit", "unit_id")),
    Kind(BoardService, gettext_lazy("board served"), ("unit", "board"), url=_page("unit", "unit_id")),
    # Its names are no part of the history: the person is told as he or she is called now.
    Kind(Person, gettext_lazy("person")),
    # That a login was opened, closed, or kept for emergencies; neither passwords nor logins are events.
    Kind(Account, gettext_lazy("login"), ("person",)),
    Kind(
        Assignment, gettext_lazy("assignment"), ("person", "role", "unit", "subject"), url=_page("assignment")
    ),
    Kind(
        Handover,
        gettext_lazy("handover"),
        ("person", "receiver", "on"),
        url=_page("handover", "person_id"),
    ),
    # What a file is called may tell as much as a secret document's title.
    Kind(StoredFile, gettext_lazy("stored file"), ("name",), action="document.read_secret"),
    Kind(RememberedWord, gettext_lazy("word of imports"), ("column", "word", "meaning")),
    Kind(
        Document,
        gettext_lazy("document"),
        ("title",),
        action="document.read",
        readable=_secret_is_read,
    ),
):
    kinds.register(_kind)


# -- What is asked for --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What the log is narrowed to; both days included. `person` may be THE_SYSTEM."""

    first: date | None = None
    last: date | None = None
    person: int | str | None = None
    kind: str = ""
    deed: str = ""
    reason: str = ""
    obj: int | None = None
    # One act: its time and its note.
    at: datetime | None = None
    context: UUID | None = None


@dataclass(frozen=True)
class Changed:
    """One object in one act."""

    at: datetime
    who: str
    reason: str
    page: str
    kind: Kind
    object_id: int
    name: str
    url: str
    deed: str
    differences: tuple[Difference, ...]
    # Whether the reader may read what was changed; else the act alone is told.
    readable: bool

    @property
    def only_url(self) -> str:
        """The log of this one object."""
        return f"{reverse('log')}?{urlencode({'slag': self.kind.name, 'objekt': str(self.object_id)})}"

    @property
    def kind_label(self) -> str:
        return str(self.kind.label)

    @property
    def deed_label(self) -> str:
        return str(DEEDS[self.deed])

    @property
    def told(self) -> str:
        """The differences in one text, for a file."""
        if not self.readable:
            return _("You do not read what this held.")
        return "; ".join(f"{one.label}: {one.before or '–'} → {one.after or '–'}" for one in self.differences)


@dataclass(frozen=True)
class LoggedAct:
    """One click: what one person did at once, to `count` objects, of which the first are told."""

    at: datetime
    context: UUID | None
    who: str
    reason: str
    page: str
    count: int
    changes: tuple[Changed, ...]

    @property
    def more(self) -> int:
        return self.count - len(self.changes)

    @property
    def url(self) -> str:
        """The act's own page, with every object in it."""
        query = {"tid": self.at.isoformat(), "nr": str(self.context or "")}
        return f"{reverse('log_act')}?{urlencode(query)}"


class Found:
    """What was asked for, as a list page takes it: counted once, cut into pages, never read whole.

    Rows are acts, or with `by_object` the objects of the acts one by one.
    """

    model = Context  # for django_filters, which asks

    def __init__(self, reader: Reader, asked: Asked | None = None, *, by_object: bool = False) -> None:
        self.reader, self.asked, self.by_object = reader, asked or Asked(), by_object
        self.nothing = False
        self._count: int | None = None
        self._looked: tuple[tuple[int, int], list[tuple[Any, ...]]] = ((0, 0), [])

    def all(self) -> Found:
        return self

    def none(self) -> Found:
        found = Found(self.reader, self.asked, by_object=self.by_object)
        found.nothing, found._count = True, 0
        return found

    def narrowed(self, asked: Asked) -> Found:
        return Found(self.reader, asked, by_object=self.by_object)

    def each_object(self) -> Found:
        """The same, one row an object."""
        found = Found(self.reader, self.asked, by_object=True)
        found.nothing = self.nothing
        return found

    def count(self) -> int:
        """One scan of the municipality's events in the index; a page of acts has brought it along already."""
        if self._count is None:
            found, _args = _union(self.reader, self.asked, "SELECT e.pgh_created_at, e.pgh_context_id")
            distinct = "" if self.by_object else "DISTINCT"
            self._count = _rows(f"SELECT count(*) FROM (SELECT {distinct} * FROM ({found}) e) f", _args)[0][0]
        return self._count or 0

    def look_at(self, start: int, most: int) -> None:
        """Finds the acts of a page, which bring the count along: one scan instead of two."""
        if not self.nothing and not self.by_object:
            self._looked = ((start, most), self._act_rows(start, most))

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, part: slice) -> Sequence[LoggedAct] | Sequence[Changed]:
        start = part.start or 0
        most = (part.stop - start) if part.stop is not None else MOST_IN_A_FILE
        if self.nothing:
            return []
        return self._changes(start, most) if self.by_object else self._acts(start, most)

    def __iter__(self) -> Iterator[Any]:
        return iter(self[0:MOST_IN_A_FILE])

    def _act_rows(self, start: int, most: int) -> list[tuple[Any, ...]]:
        found, args = _union(self.reader, self.asked, "SELECT e.pgh_created_at, e.pgh_context_id")
        acts = _rows(
            "SELECT pgh_created_at, pgh_context_id, count(*), count(*) OVER ()"
            f" FROM ({found}) e GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT %s OFFSET %s",
            [*args, most, start],
        )
        if acts:
            self._count = acts[0][3]
        return acts

    def _acts(self, start: int, most: int) -> list[LoggedAct]:
        where, acts = self._looked
        if where != (start, most):
            acts = self._act_rows(start, most)
        if not acts:
            return []
        keys = _first_of(self.reader, self.asked, [(row[0], row[1]) for row in acts])
        changes: dict[tuple[datetime, UUID | None], list[tuple[Changed, Any]]] = defaultdict(list)
        contexts = _contexts(row[1] for row in acts)
        for changed, event in _told(self.reader, keys, contexts):
            changes[event.pgh_created_at, event.pgh_context_id].append((changed, event))
        told = []
        for at, context, count, _all in acts:
            of_act = [changed for changed, _event in changes[at, context]][:SHOWN_OF_AN_ACT]
            first = of_act[0] if of_act else None
            told.append(
                LoggedAct(
                    at=at,
                    context=context,
                    who=first.who if first else "",
                    reason=first.reason if first else "",
                    page=first.page if first else "",
                    count=count,
                    changes=tuple(of_act),
                )
            )
        return told

    def _changes(self, start: int, most: int) -> list[Changed]:
        found, args = _union(
            self.reader, self.asked, "SELECT {model} AS model, e.pgh_id, e.pgh_created_at, e.pgh_context_id"
        )
        rows = _rows(
            f"SELECT model, pgh_id, pgh_context_id FROM ({found}) e"
            " ORDER BY pgh_created_at DESC, pgh_context_id, model, pgh_id LIMIT %s OFFSET %s",
            [*args, most, start],
        )
        contexts = _contexts(row[2] for row in rows)
        keys = [(model, pk) for model, pk, _context in rows]
        return [changed for changed, _event in _told(self.reader, keys, contexts)]


def logged_kinds() -> list[Kind]:
    """By their names, as a choice shows them."""
    return sorted(kinds, key=lambda kind: str(kind.label))


def _mine(kind: Kind, reader: Reader) -> tuple[str, list[Any]]:
    """Which events of the kind are the municipality's. The wall lets through more: every municipality's name,
    what another one did about a person known in both."""
    place = reader.municipality.pk
    wall = getattr(kind.model, "wall", None)
    if wall is Wall.MUNICIPALITY:
        return "e.pgh_obj_id = %s", [place]
    if wall is Wall.PERSON:
        of_place = "SELECT c.id FROM pghistory_context c WHERE c.metadata ->> 'municipality' = %s"
        return f"(e.registered_in_id = %s OR e.pgh_context_id IN ({of_place}))", [place, str(place)]
    if wall is Wall.ACCOUNT:
        of_place = "SELECT c.id FROM pghistory_context c WHERE c.metadata ->> 'municipality' = %s"
        people = "SELECT p.id FROM strategy_person p WHERE p.registered_in_id = %s"
        return f"(e.person_id IN ({people}) OR e.pgh_context_id IN ({of_place}))", [place, str(place)]
    columns = {one.column for one in event_model(kind.model)._meta.concrete_fields}
    if "owner_municipality_id" in columns:
        return "(e.municipality_id = %s OR e.owner_municipality_id = %s)", [place, place]
    return "e.municipality_id = %s", [place]


def _which(kind: Kind, reader: Reader, asked: Asked) -> tuple[str, list[Any]]:
    """The condition on the events of one kind."""
    where, args = _mine(kind, reader)
    wanted = [where]

    def add(condition: str, value: Any) -> None:
        wanted.append(condition)
        args.append(value)

    if asked.first is not None:
        add("e.pgh_created_at >= %s", _midnight(asked.first))
    if asked.last is not None:
        add("e.pgh_created_at < %s", _midnight(asked.last + timedelta(days=1)))
    if asked.deed:
        add("e.pgh_label = %s", asked.deed)
    if asked.obj is not None:
        add("e.pgh_obj_id = %s", asked.obj)
    if asked.at is not None:
        add("e.pgh_created_at = %s", asked.at)
        add("e.pgh_context_id IS NOT DISTINCT FROM %s", asked.context)
    return " AND ".join(wanted), args


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _asked_kinds(asked: Asked) -> list[Kind]:
    return [kind for kind in kinds if not asked.kind or kind.name == asked.kind]


def _union(reader: Reader, asked: Asked, select: str) -> tuple[str, list[Any]]:
    """The events asked for, of all kinds together."""
    branches, args = [], []
    for kind in _asked_kinds(asked):
        where, values = _which(kind, reader, asked)
        columns = select.replace("{model}", f"'{kind.name}'")
        branches.append(f"{columns} FROM {_table(kind)} e WHERE {where}")
        args += values
    said, values = _said(reader, asked)
    union = " UNION ALL ".join(branches)
    if said:
        return f"SELECT * FROM ({union}) e WHERE {said}", [*args, *values]
    return union, args


def _said(reader: Reader, asked: Asked) -> tuple[str, list[Any]]:
    """The condition on the acts' notes: who and why. Only notes of this municipality are read."""
    of_place = "SELECT c.id FROM pghistory_context c WHERE c.metadata ->> 'municipality' = %s"
    wanted: list[str] = []
    args: list[Any] = []
    if isinstance(asked.person, int):
        wanted.append(f"e.pgh_context_id IN ({of_place} AND c.metadata ->> 'person' = %s)")
        args += [str(reader.municipality.pk), str(asked.person)]
    elif asked.person == THE_SYSTEM:
        wanted.append(
            "(e.pgh_context_id IS NULL OR e.pgh_context_id IN"
            f" ({of_place} AND c.metadata ->> 'person' IS NULL))"
        )
        args.append(str(reader.municipality.pk))
    if reason := squeeze(asked.reason):
        pattern = reason.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        wanted.append(f"e.pgh_context_id IN ({of_place} AND lower(c.metadata ->> 'reason') LIKE %s)")
        args += [str(reader.municipality.pk), f"%{pattern}%"]
    return " AND ".join(wanted), args


def _table(kind: Kind) -> str:
    return connection.ops.quote_name(event_model(kind.model)._meta.db_table)


def _rows(sql: str, args: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


# -- What is told ---------------------------------------------------------------------------------------------

Key = tuple[str, int]  # a kind's name and the event's number


def _first_of(reader: Reader, asked: Asked, acts: Sequence[tuple[datetime, UUID | None]]) -> list[Key]:
    """The first events of each act, of each kind no more than are shown: an import's ten thousand stay unread."""
    branches, args = [], []
    for kind in _asked_kinds(asked):
        where, values = _which(kind, reader, asked)
        branches.append(
            f"SELECT '{kind.name}', e.pgh_id FROM acts a CROSS JOIN LATERAL (SELECT e.pgh_id FROM {_table(kind)} e"
            f" WHERE {where} AND e.pgh_created_at = a.at AND e.pgh_context_id IS NOT DISTINCT FROM a.context"
            # Not by the bare number: the planner would then walk the primary key of the whole table.
            f" ORDER BY e.pgh_id + 0 LIMIT {SHOWN_OF_AN_ACT}) e"
        )
        args += values
    rows = _rows(
        "WITH acts (at, context) AS MATERIALIZED (SELECT * FROM unnest(%s::timestamptz[], %s::uuid[])) "
        + " UNION ALL ".join(branches),
        [[at for at, _context in acts], [context for _at, context in acts], *args],
    )
    return [(name, pk) for name, pk in rows]


def _contexts(keys: Any) -> dict[UUID, Context]:
    """The notes that the reader sees; another municipality's stay away."""
    wanted = {key for key in keys if key is not None}
    return {context.pk: context for context in Context.objects.filter(pk__in=wanted)} if wanted else {}


def _told(reader: Reader, keys: Sequence[Key], contexts: Mapping[UUID, Context]) -> list[tuple[Changed, Any]]:
    """The events in words, in the order of the keys' kinds; a fixed number of queries for any number of events."""
    pairs = _read(keys, contexts)
    both = [one for pair in pairs.values() for one in pair if one is not None]
    itself: dict[type[models.Model], set[Any]] = defaultdict(set)
    for (name, _pk), (event, _before) in pairs.items():
        if not kinds[name].tells:
            itself[kinds[name].model].add(event.pgh_obj_id)

    def named(row: models.Model) -> str:
        name = row._meta.label_lower
        if name in kinds and not kinds[name].may_read(reader, row):
            return f"{kinds[name].label} {row.pk}"
        return str(row)

    names = Names(both, named=named, also=itself)
    return [
        (_changed(reader, kinds[key[0]], *pairs[key], names), pairs[key][0]) for key in keys if key in pairs
    ]


def _changed(reader: Reader, kind: Kind, event: Any, before: Any, names: Names) -> Changed:
    metadata = history.note_of(event)
    readable = kind.may_read(reader, event) and (before is None or kind.may_read(reader, before))
    closed = {name for name, action in kind.fields.items() if reader.units(action) is not None}
    if not readable:
        name = _("number %(number)d, whose name you do not read") % {"number": event.pgh_obj_id}
    elif kind.tells:
        name = ", ".join(
            said for one in kind.tells if (said := names.value(event, event._meta.get_field(one)))
        )
    else:
        name = names.of(kind.model, event.pgh_obj_id)
    return Changed(
        at=timezone.localtime(event.pgh_created_at),
        who=names.who(event),
        reason=str(metadata.get("reason", "")),
        page=str(metadata.get("page", "")),
        kind=kind,
        object_id=event.pgh_obj_id,
        name=name,
        # What the reader does not read has no page for the reader either.
        url=(kind.url(event) if kind.url and readable and event.pgh_label != DELETED else None) or "",
        deed=event.pgh_label,
        differences=tuple(
            one if one.name not in closed else replace(one, before="", after=_("(you do not read this)"))
            for one in history.differences(event, before, "", names)
        )
        if readable
        else (),
        readable=readable,
    )


def _read(keys: Collection[Key], contexts: Mapping[UUID, Context]) -> dict[Key, tuple[Any, Any]]:
    """Each event with the one before it of the same object; one query for all tables."""
    wanted: dict[str, list[int]] = defaultdict(list)
    for name, pk in keys:
        wanted[name].append(pk)
    branches, args = [], []
    for name, pks in wanted.items():
        table = _table(kinds[name])
        branches.append(
            f"SELECT '{name}' AS model, e.pgh_id, to_jsonb(e) AS now, (SELECT to_jsonb(b) FROM {table} b"
            " WHERE b.pgh_obj_id = e.pgh_obj_id AND b.pgh_id < e.pgh_id ORDER BY b.pgh_id DESC LIMIT 1)"
            f" AS before FROM {table} e WHERE e.pgh_id = ANY (%s)"
        )
        args.append(pks)
    if not branches:
        return {}
    return {
        (name, pk): (_event(kinds[name], now, contexts), _event(kinds[name], before, contexts))
        for name, pk, now, before in _rows(" UNION ALL ".join(branches), args)
    }


def _event(kind: Kind, columns: Any, contexts: Mapping[UUID, Context]) -> Any:
    """An event's row as the model's instance, from what the database wrote as JSON."""
    if columns is None:
        return None
    told = json.loads(columns, parse_float=Decimal) if isinstance(columns, str) else columns
    model = event_model(kind.model)
    event = model(
        **{
            one.attname: one.to_python(told[one.column])
            for one in model._meta.concrete_fields
            if one.column in told
        }
    )
    # Known already: no query for each event.
    noted: Any = model._meta.get_field("pgh_context")
    noted.set_cached_value(event, contexts.get(event.pgh_context_id))  # type: ignore[attr-defined]
    return event


# -- What was handed out --------------------------------------------------------------------------------------


def readings(reader: Reader) -> models.QuerySet[Reading]:
    """Who was handed out what in the municipality, for whoever reads the log; latest first."""
    reader.require("log.read")
    return Reading.objects.filter(municipality=reader.municipality).select_related("person", "document")


def readings_of(reader: Reader, document: Document) -> models.QuerySet[Reading]:
    """Who was handed out one document, latest first: for those who answer for what it belongs to.

    The page of the document asks whether the reader may: what it belongs to is known there.
    """
    return (
        Reading.objects.filter(municipality=reader.municipality, document=document)
        .select_related("person")
        .order_by("-at", "-id")
    )


def read_out(reader: Reader, reading: Reading) -> str:
    """What was handed out, as far as the reader reads it: a document's title follows the document."""
    document = reading.document
    if document is None:
        return reading.what
    if not kinds[Document._meta.label_lower].may_read(reader, document):
        return _("document %(number)d") % {"number": document.pk}
    return document.title
