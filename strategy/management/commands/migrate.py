"""Django's migrate, as the owner of the tables and followed by the hardening."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connection

from strategy.hardening import harden


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner():
            super().handle(*args, **options)
            if options.get("plan") or options.get("check_unapplied"):
                return
            if not _everything_applied():
                return
            with connection.cursor() as cursor:
                harden(cursor)


def _everything_applied() -> bool:
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


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
        connection.settings_dict = {**self.before, **settings.OWNER_DATABASE}

    def __exit__(self, *error: object) -> None:
        if settings.STEPS_DOWN:
            with connection.cursor() as cursor:
                cursor.execute(f"SET ROLE {connection.ops.quote_name(settings.APPLICATION_ROLE)}")
            return
        connection.close()
        connection.settings_dict = self.before
