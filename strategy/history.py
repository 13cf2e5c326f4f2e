"""History: who changed what, when, on which page and why. Written by database triggers, read here.

Every model of our own is tracked by pghistory (insert, update and delete) or named below with the reason.
The application role cannot write, change or switch off the history (strategy.hardening).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import Any

import pghistory
from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from strategy.permissions import Reader
from values.text import format_decimal

# Models of our own without history, each with the reason. A test reads this list against all models.
WITHOUT_HISTORY: dict[str, str] = {
    "Reading": "A log itself: rows are only ever added.",
    "ReportLink": "A link that works once and goes after two days.",
    "SavedView": "How a person likes to see a list; nothing that the municipality knows.",
}

# Fields that are history's own or mean nothing to a reader.
UNTOLD = {
    "id",
    "version",
    "municipality",
    "owner_municipality",
    "search_text",
    "registered_at",
    "recorded_at",
    "register_year",
    "register_number",
    # What joining wrote into a project: told there.
    "written",
    # Of files and imports: what machines compare and count.
    "sha256",
    "content_type",
    "version_after",
    "before",
    "counts",
    "answers",
}

# What fields are called to a reader where their models give them no name of their own.
LABELS: dict[str, str | Promise] = {
    "action": gettext_lazy("what was done"),
    "batch": gettext_lazy("import"),
    "column": gettext_lazy("column"),
    "file": gettext_lazy("file"),
    "items": gettext_lazy("what is handed over"),
    "kind": gettext_lazy("kind"),
    "line": gettext_lazy("line"),
    "made_anonymous_on": gettext_lazy("made anonymous"),
    "meaning": gettext_lazy("meaning"),
    "person": gettext_lazy("person"),
    "project": gettext_lazy("project"),
    "registered_in": gettext_lazy("registered in"),
    "runs_installation": gettext_lazy("administrator of the installation"),
    "uploaded_by": gettext_lazy("uploaded by"),
    "word": gettext_lazy("word"),
}


@contextmanager
def context(
    *,
    person: int | None = None,
    municipality: int | None = None,
    page: str = "",
    request: str = "",
    reason: str = "",
) -> Iterator[None]:
    """All that is written inside is one act: grouped, and told with person, page and reason.

    The database keeps it until its transaction ends: what the same transaction writes afterwards outside of
    any context is told as part of the act.
    """
    told = {
        "person": person,
        "municipality": municipality,
        "page": page,
        "request": request,
        "reason": reason,
    }
    with pghistory.context(**{key: value for key, value in told.items() if value not in (None, "")}):
        yield


def give_reason(reason: str) -> None:
    """Adds the reason to the current act."""
    if reason.strip():
        pghistory.context(reason=reason.strip())


@contextmanager
def in_the_record() -> Iterator[None]:
    """Texts made inside are in the installation's language.

    The record is one document for those who audit it, whichever language the person at work reads.
    """
    with translation.override(settings.LANGUAGE_CODE):
        yield


@dataclass(frozen=True)
class Difference:
    """One field before and after. `part` names the part of the whole that it belongs to ("" for the whole)."""

    part: str
    label: str
    before: str
    after: str
    # The field's own name, for who may not read it.
    name: str = dataclasses.field(default="", compare=False)


@dataclass(frozen=True)
class Act:
    """One click: everything that one person changed at once."""

    at: datetime
    person_id: int | None
    who: str
    page: str
    reason: str
    kind: str  # created or changed, of the whole
    differences: tuple[Difference, ...]


# The parts of a whole: model -> [(part model, name of the foreign key to the whole)]. Filled by the upper floors.
_PARTS: dict[type[models.Model], list[tuple[type[models.Model], str]]] = {}


# Fields of parts that the history of the whole leaves out: not all who read it may read them.
_LEFT_OUT: dict[type[models.Model], frozenset[str]] = {}


def register_parts(
    whole: type[models.Model], *parts: tuple[type[models.Model], str], left_out: Collection[str] = ()
) -> None:
    """`left_out` names fields of these parts that are not for all who read the history of the whole."""
    _PARTS.setdefault(whole, []).extend(parts)
    for model, _name in parts:
        _LEFT_OUT[model] = _LEFT_OUT.get(model, frozenset()) | frozenset(left_out)


def event_model(model: type[models.Model]) -> type[models.Model]:
    return model.events.rel.related_model  # type: ignore[attr-defined, no-any-return]


def tracked_models() -> list[type[models.Model]]:
    """Every model of our own with a history."""
    return [
        model
        for model in apps.get_models()
        if hasattr(model, "events") and not hasattr(model, "pgh_tracked_model")
    ]


# Models whose rows are named to few, with which of the rows (by key) a reader reads. Filled by their subjects.
_READ_BY_FEW: dict[type[models.Model], Callable[[Reader, Collection[Any]], Collection[Any]]] = {}


def register_readable(
    model: type[models.Model], readable: Callable[[Reader, Collection[Any]], Collection[Any]]
) -> None:
    """Histories name a row of the model to whoever reads it; to others they say its kind and number."""
    _READ_BY_FEW[model] = readable


def unnamed(row: models.Model) -> str:
    """What a row is called to who may not read its name."""
    return f"{row._meta.verbose_name} {row.pk}"


def _named_to(reader: Reader | None, events: Iterable[models.Model]) -> Callable[[models.Model], str]:
    wanted: dict[type[models.Model], set[Any]] = {}
    for event in events:
        for field in _fields(event):
            if field.is_relation and field.related_model in _READ_BY_FEW:
                wanted.setdefault(field.related_model, set()).add(getattr(event, field.attname))
    read = {
        model: set(_READ_BY_FEW[model](reader, keys - {None})) if reader is not None else set()
        for model, keys in wanted.items()
    }
    return lambda row: str(row) if row.pk in read.get(type(row), {row.pk}) else unnamed(row)


def acts(
    obj: models.Model,
    limit: int | None = None,
    *,
    reader: Reader | None = None,
    since: int | None = None,
) -> tuple[Act, ...]:
    """What was done to the object and its parts, latest first. The number of queries is fixed.

    What only some read (a document) is named to a `reader` of it alone. `since` is a version of the object:
    then only what was saved after it.
    """
    events: list[tuple[models.Model, models.Model | None, str]] = []
    events += _with_predecessors(type(obj), {"pgh_obj_id": obj.pk}, "")
    for model, name in _PARTS.get(type(obj), ()):
        label = str(model._meta.verbose_name)
        events += _with_predecessors(model, {f"{name}_id": obj.pk}, label)
    rows = [event for event, _before, _part in events] + [b for _e, b, _p in events if b is not None]
    names = Names(rows, named=_named_to(reader, rows))
    events.sort(key=lambda item: (item[0].pgh_created_at, item[0].pgh_id), reverse=True)  # type: ignore[attr-defined]

    def click(item: tuple[models.Model, models.Model | None, str]) -> Any:
        event = item[0]
        return event.pgh_context_id or ("alone", type(event).__name__, event.pgh_id)  # type: ignore[attr-defined]

    ordered: dict[Any, list[tuple[models.Model, models.Model | None, str]]] = {}
    for item in events:
        ordered.setdefault(click(item), []).append(item)
    told = []
    for items in ordered.values():
        if since is not None and not any(
            not part and event.version > since  # type: ignore[attr-defined]
            for event, _before, part in items
        ):
            continue
        first = items[0][0]
        metadata = note_of(first)
        found: list[Difference] = []
        kind = "changed"
        in_order = list(reversed(items))  # oldest first, the whole before its parts
        for event, before, part in sorted(in_order, key=lambda item: item[2] != ""):
            if not part and event.pgh_label == "insert":  # type: ignore[attr-defined]
                kind = "created"
            found += differences(event, before, part, names)
        told.append(
            Act(
                at=first.pgh_created_at,  # type: ignore[attr-defined]
                person_id=_person_id(first),
                who=names.who(first),
                page=str(metadata.get("page", "")),
                reason=str(metadata.get("reason", "")),
                kind=kind,
                differences=tuple(found),
            )
        )
    return tuple(act for act in told if act.differences or act.kind == "created")[:limit]


@dataclass(frozen=True)
class Entry:
    """One act as components/history.html shows it."""

    when: datetime
    who: str
    reason: str
    what: str
    changes: tuple[EntryChange, ...]


@dataclass(frozen=True)
class EntryChange:
    label: str
    before: str | None
    after: str | None


# What an act is called on the page.
KINDS = {
    "created": gettext_lazy("Registered"),
    "changed": gettext_lazy("Changed"),
}


def entries(told: Iterable[Act], *, without: Collection[str] = ()) -> tuple[Entry, ...]:
    """Acts for the component; a part is told with its name before the field's.

    `without` names fields that the reader may not read: the act is told, not what stood there.
    """
    return tuple(
        Entry(
            when=timezone.localtime(act.at),
            who=act.who,
            reason=act.reason,
            what=str(KINDS[act.kind]),
            changes=tuple(
                EntryChange(
                    label=": ".join(
                        said for said in (one.part[:1].upper() + one.part[1:], one.label) if said
                    ),
                    before=one.before or None,
                    after=one.after or None,
                )
                for one in act.differences
                if one.name not in without
            ),
        )
        for act in told
    )


def changes_since(
    obj: models.Model, version: int, *, reader: Reader | None = None
) -> list[tuple[str, object, str, datetime]]:
    """What was saved of the object and its parts after the version, newest first: label, value, who, when.

    For `VersionedForm.changes_since` of a model that counts its versions. A field saved twice is told once.
    """
    told: dict[tuple[str, ...], tuple[str, object, str, datetime]] = {}
    for act in acts(obj, reader=reader, since=version):
        for one in act.differences:
            # A part that came or went is told for itself, a field by its latest value alone.
            key = (one.part, one.label) if one.label else (one.part, one.before, one.after)
            label = ": ".join(said for said in (one.part[:1].upper() + one.part[1:], one.label) if said)
            told.setdefault(key, (label, one.after or "–", act.who, act.at))
    return list(told.values())


def _with_predecessors(
    model: type[models.Model], which: dict[str, Any], part: str
) -> list[tuple[models.Model, models.Model | None, str]]:
    """Each event with the one before it of the same object."""
    rows = list(
        event_model(model)
        ._default_manager.filter(**which)
        .select_related("pgh_context")
        .order_by("pgh_obj_id", "pgh_id")
    )
    pairs: list[tuple[models.Model, models.Model | None, str]] = []
    for _key, group in groupby(rows, key=lambda event: event.pgh_obj_id):  # type: ignore[attr-defined]
        before = None
        for event in group:
            pairs.append((event, before, part))
            before = event
    return pairs


def note_of(event: models.Model) -> dict[str, Any]:
    """What the writer said of the act. It was said, not checked: anything may stand there."""
    context = event.pgh_context if event.pgh_context_id else None  # type: ignore[attr-defined]
    return context.metadata if context is not None and isinstance(context.metadata, dict) else {}


def _person_id(event: models.Model) -> int | None:
    person = note_of(event).get("person")
    return person if isinstance(person, int) else None


def _fields(event: models.Model) -> tuple[models.Field[Any, Any], ...]:
    return _fields_of(type(event))


@cache
def _fields_of(model: type[models.Model]) -> tuple[models.Field[Any, Any], ...]:
    return tuple(
        field
        for field in model._meta.concrete_fields
        if not field.name.startswith("pgh_") and field.name not in UNTOLD
    )


def _left_out(event: models.Model) -> frozenset[str]:
    return _LEFT_OUT.get(event.pgh_tracked_model, frozenset())  # type: ignore[attr-defined]


def label_of(field: models.Field[Any, Any]) -> str:
    """What the field is called, with a capital: the name that the model gives it, else the one given here."""
    given = str(field._verbose_name or LABELS.get(field.name) or field.verbose_name)  # type: ignore[attr-defined]
    return given[:1].upper() + given[1:]


def differences(
    event: models.Model, before: models.Model | None, part: str, names: Names
) -> list[Difference]:
    """A part that came or went is told as itself; of the whole, each field that changed."""
    label = event.pgh_label  # type: ignore[attr-defined]
    if part and label in {"insert", "delete"}:
        said = names.whole(event)
        return [Difference(part, "", "", said) if label == "insert" else Difference(part, "", said, "")]
    found = []
    left_out = _left_out(event) if part else frozenset()
    for field in _fields(event):
        if field.name in left_out:
            continue
        now = getattr(event, field.attname)
        then = getattr(before, field.attname) if before is not None else None
        if now == then or (before is None and now in (None, "", False)):
            continue
        if before is None and field.has_default() and now == field.get_default():
            continue
        found.append(
            Difference(
                part,
                label_of(field),
                names.value(before, field) if before is not None else "",
                names.value(event, field),
                field.name,
            )
        )
    return found


class Names:
    """Names of what events refer to, read once per kind: an event keeps the key alone.

    `named` says how a row is called (for who may not read its name), `also` which other rows are needed.
    """

    def __init__(
        self,
        events: Iterable[models.Model],
        *,
        named: Callable[[models.Model], str] = str,
        also: Mapping[type[models.Model], Collection[Any]] | None = None,
    ) -> None:
        wanted: dict[type[models.Model], set[Any]] = {
            model: set(keys) for model, keys in (also or {}).items()
        }
        people: set[int] = set()
        for event in events:
            if person := _person_id(event):
                people.add(person)
            for field in _fields(event):
                if field.is_relation and (key := getattr(event, field.attname)) is not None:
                    wanted.setdefault(field.related_model, set()).add(key)  # type: ignore[arg-type]
        person_model = apps.get_model("strategy", "Person")
        wanted.setdefault(person_model, set()).update(people)
        self._found = {
            model: {row.pk: named(row) for row in model._default_manager.filter(pk__in=keys)}
            for model, keys in wanted.items()
            if keys
        }
        self._person_model = person_model

    def of(self, model: type[models.Model], key: Any) -> str:
        """What the row is called now; its number where it is not seen."""
        return self._found.get(model, {}).get(key, f"#{key}")

    def who(self, event: models.Model) -> str:
        key = _person_id(event)
        # An act is told where it was done; of one done elsewhere (a shared project) the wall shows nothing.
        elsewhere = event.pgh_context_id is not None and event.pgh_context is None  # type: ignore[attr-defined]
        if key is None and not elsewhere:
            return _("the system")
        return self._found.get(self._person_model, {}).get(key, _("somebody in another municipality"))

    def value(self, event: models.Model, field: models.Field[Any, Any]) -> str:
        value = getattr(event, field.attname)
        if value is None or value == "":
            return ""
        if field.is_relation:
            return self._found.get(field.related_model, {}).get(value, f"#{value}")  # type: ignore[arg-type]
        if isinstance(value, list | dict):  # an array of choices, told by their words; or what JSON holds
            return _flat(value, dict(getattr(field, "base_field", field).flatchoices))
        if field.choices:
            return str(dict(field.flatchoices).get(value, value))
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, datetime):
            return date_format(timezone.localtime(value), "Y-m-d H:i")
        if isinstance(value, Decimal):
            return format_decimal(value.to_integral_value() if value == value.to_integral_value() else value)
        return str(value)

    def whole(self, event: models.Model) -> str:
        """A part in words: its telling fields, one after the other, without the whole that it is shown on."""
        to_the_whole = {
            name
            for parts in _PARTS.values()
            for part, name in parts
            if part is event.pgh_tracked_model  # type: ignore[attr-defined]
        }
        return ", ".join(
            said
            for field in _fields(event)
            if field.name not in to_the_whole | _left_out(event)
            and (said := self.value(event, field))
            and not (field.name == "number" and said == "1")
            # The day from which a thing has "always" been so was not chosen by anybody.
            and not (
                isinstance(field, models.DateField) and getattr(event, field.attname) == field.get_default()
            )
        )


def _flat(value: object, words: Mapping[Any, object]) -> str:
    """A list or a mapping in one text; a thing that has a label is told by it."""
    if isinstance(value, list):
        return ", ".join(_flat(one, words) for one in value)
    if isinstance(value, dict):
        if label := value.get("label"):
            return f"{label} ({value['skipped']})" if value.get("skipped") else str(label)
        return ", ".join(f"{key}: {_flat(one, words)}" for key, one in value.items())
    return str(words.get(value, value))
