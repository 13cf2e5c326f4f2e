"""Gives a municipality a mail domain, whatever the domain: only who runs the installation can judge whose it is."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError
from django.utils.translation import gettext as _

from pages.forms import constraint_message
from strategy import history
from strategy.management.acting import find_municipality
from strategy.organisation import MESSAGES, give_mail_domain, mail_domain_of
from strategy.walls import scope


class Command(BaseCommand):
    help = (
        "Adds a mail domain to a municipality: whose verified address lies in it comes in by single sign-on as its "
        "employee, and may report projects by mail where that is switched on. Make sure that the domain is the "
        "municipality's own. Its administrator adds the domain of his or her own work address and those below it "
        "without this command. Done twice it changes nothing. Exit status 0: it is there; 1: refused, with a sentence."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("domain", metavar="DOMAIN", help="what stands after @, for example sjostad.se")
        parser.add_argument("--municipality", required=True, metavar="CODE", help="four-digit code or name")
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        domain = mail_domain_of(options["domain"])
        if not domain:
            raise CommandError(str(MESSAGES["mail_domain_is_a_domain"]))
        place = find_municipality(options["municipality"])
        try:
            with (
                scope(place.pk),
                history.context(
                    municipality=place.pk, page="manage.py add_mail_domain", request=uuid.uuid4().hex
                ),
            ):
                new = give_mail_domain(place, domain)
        except IntegrityError as error:
            raise CommandError(constraint_message(error) or str(error)) from None
        if options["json"]:
            told = {"domain": domain, "municipality": place.code or place.name, "added": new}
            self.stdout.write(json.dumps(told, ensure_ascii=False))
        elif new:
            self.stdout.write(
                _("%(domain)s is a mail domain of %(municipality)s.")
                % {"domain": domain, "municipality": place}
            )
        else:
            self.stdout.write(
                _("%(domain)s was a mail domain of %(municipality)s already; nothing is changed.")
                % {"domain": domain, "municipality": place}
            )
