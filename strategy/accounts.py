"""Local accounts: login by e-mail, lock by account and address together, one-time addresses to set a password."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from pages.forms import GroupedForm
from strategy.models import Account, Municipality, Person


class LocalAccounts(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up: the administrator gives assignments, and a one-time address sets the password."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)


class LoginForm(GroupedForm, AllauthLoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # The placeholder repeats the label and vanishes while typing.
            field.widget.attrs.pop("placeholder", None)
        # The way to a new password stands after the button: between the fields it would take the tab from them.
        self.fields["password"].help_text = ""


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
    """An address where the person chooses a password. It works once, and for as long as PASSWORD_RESET_TIMEOUT."""
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
