"""What this floor puts into its own registries at start-up: menu items, installation pages, constraint messages."""

from typing import Any

from allauth.account.signals import password_reset
from axes.utils import reset as open_locks
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from strategy import organisation, responsibilities  # noqa: F401 - registers the constraints' messages and history's parts
from strategy.models import Role
from strategy.requests import InstallationPage, MenuItem, installation_pages, menu

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

for _name in ("installation", "installation_municipality_add", "installation_administrator"):
    installation_pages.register(InstallationPage(_name))


@receiver(password_reset, dispatch_uid="a_new_password_opens_the_lock")
def a_new_password_opens_the_lock(user: Any, **kwargs: Any) -> None:
    """Whoever chose a new password by mail need not wait for the lock of the old one to pass."""
    open_locks(username=user.get_username())
