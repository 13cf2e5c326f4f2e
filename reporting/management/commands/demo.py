"""Fills an empty database with the demo, and tells whom one can log in as."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from reporting import demo
from strategy.models import Municipality


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
        parser.add_argument("--json", action="store_true", help="print the logins as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.localdate()
        if options["logins"]:
            self._print_logins(options["json"])
            return
        if options["if_empty"] and Municipality.objects.exists():
            return
        try:
            built = demo.build(today)
        except demo.NotEmpty:
            raise CommandError(
                _("The database has municipalities already. The demo is only loaded into an empty database.")
            ) from None
        self.stderr.write(_("The demo is loaded.") if built else _("The demo stands already."))
        if not options["if_empty"]:  # `make run` prints them when the first page answers
            self._print_logins(options["json"])

    def _print_logins(self, as_json: bool) -> None:
        logins = demo.logins(timezone.localdate())
        if not Municipality.objects.filter(name__in={login.municipality for login in logins}).exists():
            raise CommandError(_("There is no demo in this database."))
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
        for login in logins:
            where = ", ".join(part for part in (login.municipality, login.unit) if part) or _("the installation")
            self.stdout.write(f"  {login.email:<{width}}  {login.role.label}, {where}")
