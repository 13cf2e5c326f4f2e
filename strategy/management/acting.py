"""Who acts in a command, and where: the municipality and the person behind `--municipality` and `--as`."""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from strategy import history
from strategy.models import Municipality, Person, Role
from strategy.permissions import Held, Reader, resolve_reader
from strategy.requests import municipalities_of
from strategy.walls import scope
from values.text import fold, squeeze


@contextmanager
def acting(municipality: str, mail: str | None = None, *, reason: str = "") -> Iterator[Reader]:
    """Opens the municipality's scope and history for a command, and yields who acts there.

    `municipality` is the four-digit code or the name (`find_municipality`), `mail` the person's work e-mail.
    The reader has that person's rights, so the command still asks `reader.require(…)` as a page does. Without
    a mail it is the system that reads, as a reader of the whole municipality: for commands that write nothing.
    Raises CommandError, one sentence, when the municipality or the person is not known.
    """
    place = find_municipality(municipality)
    today = timezone.localdate()
    page = " ".join(["manage.py", *sys.argv[1:2]]) if Path(sys.argv[0]).name == "manage.py" else "manage.py"
    if mail is None:
        with scope(place.pk), history.context(municipality=place.pk, page=page, request=uuid.uuid4().hex):
            yield Reader(Person(name=""), place, (Held(Role.READER, None, None),), (place,), today)
        return
    person_id = _person_with_address(mail)
    with scope(place.pk, person=person_id):
        person = None if person_id is None else Person.objects.filter(pk=person_id).first()
        reader = None if person is None else resolve_reader(person, place, today)
        if person is None or reader is None or not reader.held:
            raise CommandError(
                _(
                    "Nobody with the address %(mail)s has an assignment in %(municipality)s today. "
                    "Give the work e-mail of somebody who has."
                )
                % {"mail": squeeze(mail), "municipality": place},
                returncode=2,
            )
        reader = Reader(person, place, reader.held, municipalities_of(person.pk, today), today)
        with history.context(
            person=person.pk, municipality=place.pk, page=page, request=uuid.uuid4().hex, reason=reason
        ):
            yield reader


def find_municipality(wanted: str) -> Municipality:
    """By code or name (case and spaces aside), also the everyday name: Habo, Jönköping.

    The whole name goes before the everyday one. Raises CommandError that names those there are.
    """
    known = list(Municipality.objects.order_by("name"))
    asked = _names(wanted)
    ranked: dict[int, list[Municipality]] = {}
    for place in known:
        own = _names(place.name)
        alike = [asked.index(name) + own.index(name) for name in asked if name in own]
        if alike or asked[0] == (place.code or None):
            ranked.setdefault(min(alike, default=0), []).append(place)
    if ranked:
        best = ranked[min(ranked)]
        if len(best) == 1:
            return best[0]
        raise CommandError(
            _("“%(wanted)s” may be any of these: %(known)s. Give the code or the whole name.")
            % {"wanted": squeeze(wanted), "known": _listed(best)},
            returncode=2,
        )
    if not known:
        raise CommandError(
            _("There is no municipality yet. Add one with manage.py add_municipality CODE NAME."),
            returncode=2,
        )
    raise CommandError(
        _("There is no municipality “%(wanted)s”. Give one of these, by code or name: %(known)s.")
        % {"wanted": squeeze(wanted), "known": _listed(known)},
        returncode=2,
    )


def _listed(places: Sequence[Municipality]) -> str:
    return ", ".join(f"{place.code} {place.name}" if place.code else place.name for place in places)


def _names(name: str) -> list[str]:
    """The name as a key and, where it says what it is, without that and without the genitive s.

    "jönköpings kommun", "jönköpings", "jönköping".
    """
    whole = fold(name)
    bare = re.sub(r" (?:kommuns?|stad)$", "", whole)
    return list(dict.fromkeys([whole, bare, bare.removesuffix("s") if bare != whole else bare]))


def _person_with_address(mail: str) -> int | None:
    """By the narrow function: the wall hides people until it is known who asks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT medel_person_with_address(%s)", [squeeze(mail)])
        found: int | None = cursor.fetchone()[0]
    return found
