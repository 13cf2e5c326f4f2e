"""Fills an empty database with the demo, and tells whom one can log in as."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from reporting import demo
from strategy.models import Account, Municipality


class Command(BaseCommand):
    help = (
        "Fills an empty database with the demo (Jönköping, Habo, Mullsjö, Vaggeryd and the invented Sjöstad)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing where there are municipalities"
        )
        parser.add_argument(
            "--logins", action="store_true", help="print the logins of the demo and do nothing else"
        )
        parser.add_argument(
            "--warn", action="store_true", help="warn where the demo's accounts stand and do nothing else"
        )
        parser.add_argument("--json", action="store_true", help="print the logins as JSON")
        parser.add_argument(
            "--language", choices=[code for code, _name in settings.LANGUAGES], help="of what is printed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        built = None
        refused = False
        if not (options["logins"] or options["warn"]):
            if options["if_empty"] and Municipality.objects.exists():
                return
            try:
                built = demo.build(timezone.localdate())
            except demo.NotEmpty:
                refused = True
        # Printing alone: what the demo writes is in the installation's language.
        with override(options["language"] or get_language()):
            if refused:
                raise CommandError(
                    _(
                        "The database has municipalities already. "
                        "The demo is only loaded into an empty database."
                    )
                )
            if built is not None:
                self.stderr.write(_("The demo is loaded.") if built else _("The demo stands already."))
            if built is not None or options["warn"]:
                self._warn()
            # `make run` prints them when the first page answers.
            if options["logins"] or not (options["if_empty"] or options["warn"]):
                self._print_logins(options["json"])

    def _warn(self) -> None:
        if not settings.LOCAL and _stands():
            self.stderr.write(
                _(
                    "Warning: the password of the demo's accounts is published, and this site is not a local "
                    "one: keep it where nobody else reaches it, or begin again with an empty database."
                )
            )

    def _print_logins(self, as_json: bool) -> None:
        if not _stands():
            raise CommandError(_("There is no demo in this database."))
        logins = demo.logins(timezone.localdate())
        if as_json:
            rows = [
                {
                    "login": login.email,
                    "role": login.role.value,
                    "municipality": login.municipality,
                    "unit": login.unit,
                }
                for login in logins
            ]
            self.stdout.write(
                json.dumps({"password": demo.PASSWORD, "logins": rows}, ensure_ascii=False, indent=1)
            )
            return
        self.stdout.write(_("Password for all: %(password)s") % {"password": demo.PASSWORD})
        width = max(len(login.email) for login in logins)
        held: dict[str, list[demo.Login]] = {}
        for login in logins:
            held.setdefault(login.email, []).append(login)
        for email, assignments in held.items():
            self.stdout.write(f"  {email:<{width}}  {_told(assignments)}")


def _stands() -> bool:
    """By the accounts, since a real installation may well have municipalities of the same names."""
    emails = {login.email for login in demo.logins(timezone.localdate())}
    return Account.objects.filter(email__in=emails).exists()


def _told(assignments: list[demo.Login]) -> str:
    """One person's roles, each with the municipalities it is held in."""
    return "; ".join(
        ", ".join([str(role.label), *(_place(login) for login in logins)])
        for role, logins in groupby(assignments, key=lambda login: login.role)
    )


def _place(login: demo.Login) -> str:
    if not login.municipality:
        return _("the installation")
    return f"{login.municipality} ({login.unit})" if login.unit else login.municipality
