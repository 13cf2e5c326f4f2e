"""How people keep the lists they look at: which columns each sees, and filters saved under a name.

A view is its person's own. When shared, everybody in the municipality may open it, and only its person changes
it; the strategist may remove it too, since it is offered to all. Lists of upper floors enter the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pages.forms import register_messages
from pages.lists import FORMAT, PAGE
from pages.registries import Registry
from strategy.models import Role, SavedView
from strategy.permissions import Reader
from values.text import squeeze

Text = str | Promise
# The parameter of a list's address by which a view is open.
VIEW = "vy"
# Longer than any list's filters; somebody has pasted a page.
LONGEST_QUERY = 2000


@dataclass(frozen=True)
class SavableList:
    """A list whose columns may be chosen and whose filters may be saved.

    `name` stands in the database and `slug` in addresses. `columns` gives name and label of all that may be
    chosen, in their order; the first is always shown, and `usual` are those of who has chosen nothing.
    `action` is the permission to read the list.
    """

    name: str
    slug: str
    url_name: str
    title: Text
    action: str
    columns: Callable[[], Sequence[tuple[str, Text]]]
    usual: Sequence[str]

    @property
    def url(self) -> str:
        return reverse(self.url_name)

    def address(self, query: str, view: SavedView | None = None) -> str:
        """The list with these filters, and with the view open."""
        parameters = QueryDict(query, mutable=True)
        if view is not None:
            parameters[VIEW] = str(view.pk)
        return f"{self.url}?{parameters.urlencode()}" if parameters else self.url

    def known(self, names: Sequence[str]) -> tuple[str, ...]:
        """Of these columns those that there are, in the list's order, the first always among them."""
        every = [name for name, _label in self.columns()]
        return tuple(name for place, name in enumerate(every) if place == 0 or name in names)


lists: Registry[SavableList] = Registry("list")


def list_of_slug(slug: str) -> SavableList | None:
    return next((one for one in lists if one.slug == slug), None)


@dataclass(frozen=True)
class Kept:
    """What one person has kept of one list, and what others share: all of it from one query."""

    listing: SavableList
    reader: Reader
    views: tuple[SavedView, ...] = ()
    always: SavedView | None = None
    own: tuple[SavedView, ...] = field(init=False)
    shared: tuple[SavedView, ...] = field(init=False)

    def __post_init__(self) -> None:
        mine = self.reader.person.pk
        object.__setattr__(self, "own", tuple(one for one in self.views if one.person_id == mine))
        object.__setattr__(self, "shared", tuple(one for one in self.views if one.person_id != mine))

    def view(self, key: str) -> SavedView | None:
        return next((one for one in self.views if str(one.pk) == key), None)

    def columns(self, view: SavedView | None = None) -> tuple[str, ...]:
        """What is shown: the view's columns, else those the person always sees, else the usual ones."""
        chosen = view.columns if view is not None else self.always.columns if self.always else ()
        return self.listing.known(chosen or self.listing.usual)


def visible_views(reader: Reader) -> QuerySet[SavedView]:
    """One's own views and those shared in the municipality, by name."""
    return (
        SavedView.objects.filter(municipality=reader.municipality)
        .filter(Q(person=reader.person) | Q(shared=True))
        .exclude(name="")
        .order_by("name", "pk")
    )


def kept(reader: Reader, listing: SavableList) -> Kept:
    """One query."""
    rows = (
        SavedView.objects.filter(municipality=reader.municipality, listing=listing.name)
        .filter(Q(person=reader.person) | Q(shared=True))
        .select_related("person")
        .order_by("name", "pk")
    )
    views, always = [], None
    for row in rows:
        if row.name:
            views.append(row)
        else:
            always = row
    return Kept(listing, reader, tuple(views), always)


def filters_of(query: str) -> str:
    """Of an address's parameters those that choose rows: not the page, the file or the open view."""
    parameters = QueryDict(query, mutable=True)
    for name in (PAGE, FORMAT, VIEW):
        parameters.pop(name, None)
    return parameters.urlencode()


def may_change(reader: Reader, view: SavedView) -> bool:
    return view.person_id == reader.person.pk


def may_remove(reader: Reader, view: SavedView) -> bool:
    return may_change(reader, view) or (view.shared and Role.STRATEGIST in reader.roles)


def keep_columns(reader: Reader, listing: SavableList, names: Sequence[str]) -> None:
    """The columns that the person sees from now on; the usual ones are not kept, so that new ones join them."""
    chosen = listing.known(names)
    mine: dict[str, Any] = {
        "municipality": reader.municipality,
        "person": reader.person,
        "listing": listing.name,
        "name": "",
    }
    if chosen == listing.known(listing.usual):
        SavedView.objects.filter(**mine).delete()
    else:
        SavedView.objects.update_or_create(**mine, defaults={"columns": list(chosen)})


def own_view(reader: Reader, listing: SavableList, name: str) -> SavedView | None:
    """The person's view of that name, whatever the case of its letters."""
    return (
        SavedView.objects.filter(
            municipality=reader.municipality,
            person=reader.person,
            listing=listing.name,
            name__iexact=squeeze(name),
        )
        .exclude(name="")
        .first()
    )


def save_view(
    reader: Reader,
    listing: SavableList,
    *,
    name: str,
    query: str,
    columns: Sequence[str],
    shared: bool,
) -> SavedView:
    """Saves or replaces the person's view of that name."""
    view = own_view(reader, listing, name) or SavedView(
        municipality=reader.municipality, person=reader.person, listing=listing.name
    )
    view.name = squeeze(name)
    view.query = filters_of(query)
    view.columns = list(listing.known(columns))
    view.shared = shared
    view.save()
    return view


register_messages(
    {"a_view_is_saved_once": _("You already have a view of that name. Choose another name.")},
    fields={"a_view_is_saved_once": "name"},
)
