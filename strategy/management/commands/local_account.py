"""What only the IT department does with an account: kept for emergencies, a lost second factor, a new subject."""

from __future__ import annotations

import json
import uuid
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from strategy import history
from strategy.accounts import one_time_address
from strategy.models import Account, Person
from strategy.second_factor import take_away
from strategy.walls import scope
from values.text import squeeze


def _told_in(account: Account) -> int | None:
    """The municipality whose log tells the act: where the person was registered, else one where he or she works.

    Without one, nobody would read the reason (the wall hides notes of no municipality). Needs the person's scope.
    """
    registered: int | None = Person.objects.get(pk=account.person_id).registered_in_id
    if registered is not None:
        return registered
    with connection.cursor() as cursor:
        cursor.execute("SELECT medel_municipalities_of(%s, %s)", [account.person_id, timezone.localdate()])
        return min((row[0] for row in cursor.fetchall()), default=None)


class Command(BaseCommand):
    help = (
        "Keeps an account for emergencies (then it has a password also where MEDEL_LOCAL_LOGIN=emergencies, and an "
        "address to choose one is printed), closes or opens it, takes a lost second factor away, or disconnects it "
        "from single sign-on, so that the next login with its address joins it anew. Exit status 0: done; "
        "1: refused, with a sentence."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("mail", metavar="MAIL", help="the account's e-mail address")
        parser.add_argument("--for-emergencies", action="store_const", const=True, dest="emergencies")
        parser.add_argument("--not-for-emergencies", action="store_const", const=False, dest="emergencies")
        parser.add_argument(
            "--close", action="store_const", const=False, dest="is_active", help="no login at all"
        )
        parser.add_argument("--open", action="store_const", const=True, dest="is_active")
        parser.add_argument("--take-away-second-factor", action="store_true", help="needs --reason")
        parser.add_argument("--disconnect", action="store_true", help="from single sign-on")
        parser.add_argument("--reason", default="", help="stands in the history")
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        mail = squeeze(options["mail"]).lower()
        asked = [
            options["emergencies"] is not None,
            options["is_active"] is not None,
            options["take_away_second_factor"],
            options["disconnect"],
        ]
        if not any(asked):
            raise CommandError(
                _(
                    "Say what to do: --for-emergencies, --not-for-emergencies, --close, --open, "
                    "--take-away-second-factor or --disconnect."
                )
            )
        if options["take_away_second_factor"] and not options["reason"].strip():
            raise CommandError(_("Give --reason: it stands in the history."))
        with scope():
            account = Account.objects.filter(email=mail).first()
        if account is None:
            raise CommandError(_("There is no account with the address %(mail)s.") % {"mail": mail})
        told: dict[str, object] = {"mail": mail}
        with (
            scope(person=account.person_id),
            history.context(
                municipality=_told_in(account),
                page="manage.py local_account",
                request=uuid.uuid4().hex,
                reason=options["reason"].strip(),
            ),
        ):
            if options["emergencies"] is not None:
                account.for_emergencies = options["emergencies"]
                account.save(update_fields=["for_emergencies"])
                told["for_emergencies"] = account.for_emergencies
                if account.for_emergencies:
                    told["one_time_address"] = one_time_address(account)
            if options["is_active"] is not None:
                account.is_active = options["is_active"]
                account.save(update_fields=["is_active"])
                told["may_log_in"] = account.is_active
            if options["take_away_second_factor"]:
                person = Person.objects.get(pk=account.person_id)
                told["second_factor_taken_away"] = take_away(person, reason=options["reason"])
            if options["disconnect"]:
                removed, _each = SocialAccount.objects.filter(user=account).delete()
                told["disconnected"] = removed > 0
        if options["json"]:
            self.stdout.write(json.dumps(told, ensure_ascii=False))
        else:
            self._tell(mail, told)

    def _tell(self, mail: str, told: dict[str, object]) -> None:
        if told.get("for_emergencies"):
            self.stdout.write(
                _("%(mail)s is kept for emergencies. Choose a password here, once:") % {"mail": mail}
            )
            self.stdout.write(str(told["one_time_address"]))
        elif "for_emergencies" in told:
            self.stdout.write(_("%(mail)s is not kept for emergencies any more.") % {"mail": mail})
        if told.get("may_log_in"):
            self.stdout.write(_("%(mail)s may log in.") % {"mail": mail})
        elif "may_log_in" in told:
            self.stdout.write(_("%(mail)s does not come in any more.") % {"mail": mail})
        if told.get("second_factor_taken_away"):
            self.stdout.write(_("The second factor of %(mail)s is taken away.") % {"mail": mail})
        elif "second_factor_taken_away" in told:
            self.stdout.write(_("%(mail)s has no second factor.") % {"mail": mail})
        if told.get("disconnected"):
            self.stdout.write(_("%(mail)s is disconnected from single sign-on.") % {"mail": mail})
        elif "disconnected" in told:
            self.stdout.write(_("%(mail)s was not connected to single sign-on.") % {"mail": mail})
