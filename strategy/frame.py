"""What this floor puts into its own registries at start-up: menu items, installation pages, constraint messages."""

import logging
from typing import Any

from allauth.account.signals import password_reset
from axes.helpers import get_failure_limit
from axes.signals import user_locked_out
from axes.utils import reset as open_locks
from django.contrib.auth.signals import user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from strategy import documents, handover, organisation, responsibilities  # noqa: F401 - registers the constraints' messages and history's parts
from strategy.accounts import client_address, login_name
from strategy.models import Role
from strategy.requests import InstallationPage, MenuItem, installation_pages, menu
from strategy.todo import Source, sources, vacancies

sources.register(Source("vacancies", _("Units without a contact person"), vacancies, place=20))

menu.register(
    MenuItem(
        "responsibilities",
        _("Responsibilities"),
        "responsibilities",
        "responsibilities.read",
        frozenset({Role.ADMINISTRATOR, Role.STRATEGIST, Role.HEAD, Role.AUDITOR}),
        place=80,
    )
)

menu.register(
    MenuItem(
        "documents",
        _("Documents"),
        "documents",
        "document.read",
        frozenset({Role.REGISTRAR, Role.AUDITOR}),
        place=30,
    )
)

menu.register(
    MenuItem(
        "log",
        _("Log"),
        "log",
        "log.read",
        frozenset({Role.AUDITOR}),
        place=90,
    )
)

for _name in ("installation", "installation_municipality_add", "installation_administrator"):
    installation_pages.register(InstallationPage(_name))

security = logging.getLogger("medel.security")


@receiver(user_login_failed, dispatch_uid="a_wrong_login_is_logged")
def a_wrong_login_is_logged(
    credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Who is attacked and from where: axes' own lines mask both."""
    if request is not None:
        # What was typed is cut, and quoted so that it cannot begin a line of its own.
        security.info(
            "login failed: account %.100r from %s", login_name(request, credentials), client_address(request)
        )


@receiver(user_locked_out, dispatch_uid="a_lock_is_logged")
def a_lock_is_logged(request: HttpRequest, username: str, **kwargs: Any) -> None:
    """The beginning alone: axes tells of a lock anew at each try while it lasts."""
    failures: int = getattr(request, "axes_failures_since_start", 0)
    if failures == get_failure_limit(request, {"username": username}):
        security.warning(
            "locked: account %.100r from %s after %d failed logins",
            username,
            client_address(request),
            failures,
        )


@receiver(password_reset, dispatch_uid="a_new_password_opens_the_lock")
def a_new_password_opens_the_lock(user: Any, **kwargs: Any) -> None:
    """Whoever chose a new password by mail need not wait for the lock of the old one to pass."""
    open_locks(username=user.get_username())
