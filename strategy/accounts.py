"""Local accounts: login by e-mail, lock by account and address together, one-time addresses to set a password.

Where single sign-on is on, local accounts can be limited to those kept for emergencies (MEDEL_LOCAL_LOGIN).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from pages.forms import GroupedForm
from strategy.models import Account, Municipality, Person

security = logging.getLogger("medel.security")


def has_local_login(account: Account) -> bool:
    """Whether the account may be opened with a password at all."""
    return settings.LOCAL_LOGIN == "all" or account.for_emergencies


class LocalAccounts(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up: the administrator gives assignments, and a one-time address sets the password."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def get_login_stages(self) -> list[str]:
        return ["strategy.second_factor.AskForCode"]

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Account | None:
        """A right password of an account that none opens is answered, and counted, as a wrong one."""
        account: Account | None = super().authenticate(request, **credentials)
        if account is None or has_local_login(account):
            return account
        user_login_failed.send(
            sender=__name__, credentials={"email": credentials.get("email", "")}, request=request
        )
        return None

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        if code == "email_password_mismatch" and settings.LOCAL_LOGIN == "emergencies":
            return ValidationError(
                _(
                    "The e-mail address or the password is wrong, or the account is not one kept for emergencies. "
                    "Everybody else logs in with the work account."
                )
            )
        error: ValidationError = super().validation_error(code, *args)
        return error

    def reauthenticate(self, user: Account, password: str) -> bool:
        # allauth looks in its own table of addresses, which is empty here: the account holds the address.
        found = self.authenticate(self.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def post_login(self, request: HttpRequest, user: Account, **kwargs: Any) -> HttpResponse:
        signed_on = (kwargs.get("signal_kwargs") or {}).get("sociallogin") is not None
        if not signed_on and settings.LOCAL_LOGIN == "emergencies":
            security.warning(
                "emergency login: account %s (person %s) from %s",
                user.pk,
                user.person_id,
                client_address(request),
            )
        response: HttpResponse = super().post_login(request, user, **kwargs)
        return response


def sign_on_name() -> str | None:
    """What the button of single sign-on says after "Log in with"; None where it is off."""
    if settings.SINGLE_SIGN_ON is None:
        return None
    return settings.SINGLE_SIGN_ON.name or str(_("your work account"))


class LoginForm(GroupedForm, AllauthLoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # The placeholder repeats the label and vanishes while typing.
            field.widget.attrs.pop("placeholder", None)
        # The way to a new password stands after the button: between the fields it would take the tab from them.
        self.fields["password"].help_text = ""

    @property
    def sign_on_name(self) -> str | None:
        return sign_on_name()

    @property
    def is_for_emergencies(self) -> bool:
        return settings.LOCAL_LOGIN == "emergencies"

    @property
    def takes_reports_by_mail(self) -> bool:
        """Whether some municipality lets people without an account report projects."""
        return Municipality.objects.filter(takes_reports_by_mail=True).exists()

    @property
    def is_shown(self) -> bool:
        """Behind a link where it is for emergencies; shown again with what was wrong."""
        return not self.is_for_emergencies or self.is_bound or "nodlage" in self.request.GET


class ResetPasswordForm(AllauthResetPasswordForm):  # type: ignore[misc]
    users: list[Account]

    def clean_email(self) -> str:
        """Mails those alone whom a password would let in; the page answers all alike."""
        email: str = super().clean_email()
        self.users = [account for account in self.users if has_local_login(account)]
        return email


def client_address(request: HttpRequest) -> str:
    """The address of who asks. X-Forwarded-For is believed from the named proxies alone (MEDEL_TRUSTED_PROXIES)."""
    address: str = request.META.get("REMOTE_ADDR", "")
    if address in settings.TRUSTED_PROXIES or (not address and settings.TRUSTED_PROXIES):
        forwarded = [
            part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()
        ]
        # From the right: the last entry that no trusted proxy wrote is who asked.
        candidate: str
        for candidate in reversed(forwarded):
            if candidate not in settings.TRUSTED_PROXIES:
                return candidate
    return address or "127.0.0.1"


def login_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The account that somebody tries: allauth passes it on as `email`, the login form has it as `login`.

    Cut to what an address holds: axes stores it, and a longer one would be an error of the database.
    """
    given = (
        (credentials or {}).get("email")
        or (credentials or {}).get("username")
        or request.POST.get("login", "")
    )
    return str(given).strip().lower()[:254]


def locked_out(request: HttpRequest, credentials: dict[str, Any] | None = None, *args: Any) -> HttpResponse:
    """Too many tries with this account from this address: others behind the same address are not held up."""
    return render(
        request, "account/locked_out.html", {"minutes": int(settings.AXES_COOLOFF_TIME * 60)}, status=429
    )


# So long it is kept who logged in, or tried to, and from where.
KEPT = timedelta(days=90)


def forget_old_logins(now: datetime) -> None:
    """Removes sessions that are over, and logins, tries and locks older than KEPT: they name persons."""
    Session.objects.filter(expire_date__lt=now).delete()
    for trace in (AccessAttempt, AccessFailureLog, AccessLog):
        trace.objects.filter(attempt_time__lt=now - KEPT).delete()


def open_account(person: Person) -> Account:
    """The person's login, made if there is none; without a password until the one-time address is used."""
    account = Account.objects.filter(person=person).first()
    return account or Account.objects.create_user(person.email, person)


def one_time_address(account: Account) -> str:
    """An address where the person chooses a password. It works once, and for as long as PASSWORD_RESET_TIMEOUT.

    Empty for an account that no password opens: it is opened through single sign-on.
    """
    if not has_local_login(account):
        return ""
    token = default_token_generator.make_token(account)
    path = reverse(
        "account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(account), "key": token}
    )
    return f"{settings.SITE_ADDRESS.rstrip('/')}{path}"


def add_person(*, name: str, email: str, municipality: Municipality | None, title: str = "") -> Person:
    """A new person, or the one who already has the address, perhaps known from another municipality.

    Who is known elsewhere keeps the name given there; only the key passes the wall.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT medel_person_with_address(%s)", [email.strip()])
        known = cursor.fetchone()[0]
    if known is not None:
        return Person(pk=known, name=name, email=email)
    person = Person(name=name, email=email, title=title, registered_in=municipality)
    person.save()
    return person
