"""Names a municipality's administrator, or who runs the installation, and prints a one-time address."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from pages.forms import constraint_message
from strategy import history
from strategy.accounts import one_time_address, open_account
from strategy.management.acting import find_municipality
from strategy.models import Account, Municipality, Person
from strategy.responsibilities import Somebody, appoint_administrator, person_id_of
from strategy.walls import scope
from values.text import squeeze


class Command(BaseCommand):
    help = (
        "Makes somebody administrator of a municipality (--municipality), of the installation (--installation) or "
        "both, and prints an address where a password is chosen. The address works once. Done again nothing "
        "changes, except that a new address is printed. Exit status 0: done; 1: refused, with a sentence."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("mail", metavar="MAIL", help="the person's work e-mail, which is the login")
        parser.add_argument("--municipality", metavar="CODE", help="four-digit code or name")
        parser.add_argument(
            "--name", default="", help="the person's name; without it the e-mail's first part"
        )
        parser.add_argument(
            "--installation",
            action="store_true",
            help="adds municipalities and shared reference data, and reads no municipality's projects",
        )
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        mail = squeeze(options["mail"]).lower()
        try:
            validate_email(mail)
        except ValidationError:
            raise CommandError(_("“%(mail)s” is not an e-mail address.") % {"mail": mail}) from None
        if not options["municipality"] and not options["installation"]:
            raise CommandError(_("Give --municipality CODE, --installation or both."))
        place = find_municipality(options["municipality"]) if options["municipality"] else None
        who = Somebody(name=squeeze(options["name"]) or mail.partition("@")[0], email=mail)
        try:
            with (
                transaction.atomic(),
                history.context(
                    municipality=place.pk if place else None,
                    page="manage.py add_administrator",
                    request=uuid.uuid4().hex,
                ),
            ):
                account = self._appoint(who, place, installation=options["installation"])
                address = one_time_address(account)
        except IntegrityError as error:
            raise CommandError(constraint_message(error) or str(error)) from None
        until = timezone.localtime() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
        if options["json"]:
            told = {
                "mail": mail,
                "municipality": place.code or place.name if place else None,
                "installation": account.runs_installation,
                "one_time_address": address,
                "valid_until": until.isoformat(timespec="minutes"),
            }
            self.stdout.write(json.dumps(told, ensure_ascii=False))
            return
        if place:
            self.stdout.write(
                _("%(mail)s is administrator of %(municipality)s.") % {"mail": mail, "municipality": place}
            )
        if account.runs_installation:
            self.stdout.write(_("%(mail)s runs the installation.") % {"mail": mail})
        if not address:
            self.stdout.write(
                _(
                    "Log in with the work account: passwords are for the accounts that manage.py local_account "
                    "--for-emergencies keeps."
                )
            )
            return
        self.stdout.write(
            _("Choose a password here, once, no later than %(day)s:")
            % {"day": until.strftime("%Y-%m-%d %H:%M")}
        )
        self.stdout.write(address)

    def _appoint(self, who: Somebody, place: Municipality | None, *, installation: bool) -> Account:
        if place is not None:
            assignment, _new = appoint_administrator(place, who, starts_on=timezone.localdate())
            with scope(place.pk):
                account = open_account(assignment.person)
        else:
            account = self._account_outside(who)
        if installation and not account.runs_installation:
            with scope(person=account.person_id, installation=True):
                account.runs_installation = True
                account.save(update_fields=["runs_installation"])
        return account

    def _account_outside(self, who: Somebody) -> Account:
        """The login of somebody who is in no municipality: the wall lets a person see the own row alone."""
        known = person_id_of(who)
        if known is None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT nextval(pg_get_serial_sequence('strategy_person', 'id'))")
                pk: int = cursor.fetchone()[0]
        else:
            pk = known
        with scope(person=pk, installation=True):
            if known is None:
                Person(pk=pk, name=who.name, email=who.email).save(force_insert=True)
            return open_account(Person.objects.get(pk=pk))
