"""Adds a municipality, region, federation or cooperation body to the installation."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError
from django.utils.translation import gettext as _

from pages.forms import constraint_message, refusal_text
from strategy import history
from strategy.models import Municipality, MunicipalityKind
from strategy.organisation import add_municipality
from strategy.walls import scope
from values.errors import Refused
from values.organisation_number import parse_organisation_number
from values.text import fold, squeeze


class Command(BaseCommand):
    help = (
        "Adds a municipality with its four-digit code and name. Done twice with the same code and name it changes "
        "nothing. Exit status 0: it is there; 1: refused, with a sentence that says why."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", metavar="CODE", help='four digits from Statistics Sweden; "-" for none')
        parser.add_argument("name", metavar="NAME", help='the name, for example "Jönköpings kommun"')
        parser.add_argument(
            "--kind",
            choices=MunicipalityKind.values,
            default=MunicipalityKind.MUNICIPALITY.value,
            help="default: %(default)s",
        )
        parser.add_argument(
            "--organisation-number", default="", metavar="NNNNNN-NNNN", help="with its check digit"
        )
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        code = "" if options["code"] == "-" else options["code"].strip()
        name = squeeze(options["name"])
        try:
            number = (
                parse_organisation_number(options["organisation_number"])
                if options["organisation_number"]
                else ""
            )
        except Refused as refused:
            raise CommandError(refusal_text(refused)) from None
        with (
            scope(installation=True),
            history.context(page="manage.py add_municipality", request=uuid.uuid4().hex),
        ):
            place, new = self._add(code, name, options["kind"], number)
        if options["json"]:
            told = {
                "id": place.pk,
                "code": place.code,
                "name": place.name,
                "kind": place.kind,
                "organisation_number": place.organisation_number,
                "added": new,
            }
            self.stdout.write(json.dumps(told, ensure_ascii=False))
        elif new:
            self.stdout.write(_("%(municipality)s is added.") % {"municipality": place})
        else:
            self.stdout.write(
                _("%(municipality)s was there already; nothing is changed.") % {"municipality": place}
            )

    def _add(self, code: str, name: str, kind: str, number: str) -> tuple[Municipality, bool]:
        for place in Municipality.objects.all():
            same_name = fold(place.name) == fold(name)
            if (
                same_name
                and (place.code or "") == code
                and place.kind == kind
                and number in ("", place.organisation_number)
            ):
                return place, False
            if same_name or (code and place.code == code) or (number and place.organisation_number == number):
                raise CommandError(
                    _(
                        "%(code)s %(name)s is there already with other facts. Correct them on the page of the "
                        "municipality, or give another code and name."
                    )
                    % {"code": place.code or "-", "name": place.name}
                )
        try:
            place = Municipality(name=name, code=code or None, kind=kind, organisation_number=number or None)
            place.clean_fields()
            return add_municipality(name=name, code=code, kind=kind, organisation_number=number), True
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except IntegrityError as error:
            raise CommandError(constraint_message(error) or str(error)) from None
