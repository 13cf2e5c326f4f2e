"""Django's migrate, as the owner of the tables and followed by the hardening."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connection, transaction

from strategy.hardening import harden


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner():
            try:
                super().handle(*args, **options)
            except BaseException:
                # What was migrated before the failure is no less walled.
                with suppress(Exception):
                    _harden()
                raise
            if not (options.get("plan") or options.get("check_unapplied")):
                _harden()


def _harden() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        harden(cursor)


class as_owner:
    """The default connection speaks as the owner for as long: by the owner's address, or stepping back up.

    In tests the database has another name than the address says: the role alone changes.
    """

    def __enter__(self) -> None:
        if settings.STEPS_DOWN:
            connection.ensure_connection()
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE NONE")
            return
        connection.close()
        self.before = connection.settings_dict
        connection.settings_dict = {**self.before, **(settings.OWNER_DATABASE or {})}

    def __exit__(self, *error: object) -> None:
        if settings.STEPS_DOWN:
            with connection.cursor() as cursor:
                cursor.execute(f"SET ROLE {connection.ops.quote_name(settings.APPLICATION_ROLE)}")
            return
        connection.close()
        connection.settings_dict = self.before
