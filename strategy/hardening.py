"""Raised after every migrate, as owner: grants, row-level security, and a history that the web role cannot forge.

It must follow every migrate, because CREATE OR REPLACE FUNCTION resets what ALTER FUNCTION set.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db import models

from strategy.history import tracked_models
from strategy.walls import Wall

# Tables whose rows only triggers write, and only the owner of the functions may touch.
WRITTEN_BY_TRIGGERS_ALONE = "pgh_tracked_model"


def walled_models() -> list[tuple[type[models.Model], Wall]]:
    """Models with a declared wall, without the event models (which are walled by what they are events of)."""
    return [
        (model, model.wall)
        for model in apps.get_models()
        if isinstance(getattr(model, "wall", None), Wall) and not hasattr(model, WRITTEN_BY_TRIGGERS_ALONE)
    ]


def event_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if hasattr(model, WRITTEN_BY_TRIGGERS_ALONE)]


def harden(cursor: Any) -> None:
    """Brings roles, grants, policies and history functions to what this version declares. Repeatable."""
    quote = cursor.db.ops.quote_name
    role = quote(settings.APPLICATION_ROLE)
    _role_exists(cursor, settings.APPLICATION_ROLE)
    _grants(cursor, role)
    _policies(cursor, role, quote)
    _history(cursor, role, quote)


def _role_exists(cursor: Any, name: str) -> None:
    cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", [name])
    found = cursor.fetchone()
    if found is None:
        raise CommandError(
            f"The database has no role {name}: run CREATE ROLE {name} LOGIN PASSWORD '…'; GRANT {name} TO the owner; "
            "as a database administrator, and migrate again."
        )
    if found[0]:
        raise CommandError(f"The role {name} is a superuser or passes row security: run ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS.")


def _grants(cursor: Any, role: str) -> None:
    for statement in (
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}",
    ):
        cursor.execute(statement)
    # Register numbers are taken through their function alone.
    cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'S' AND relname LIKE %s", ["register_numbers_%"])
    for (sequence,) in cursor.fetchall():
        cursor.execute(f'REVOKE ALL ON SEQUENCE "{sequence}" FROM {role}')


def _policies(cursor: Any, role: str, quote: Any) -> None:
    for model, wall in walled_models():
        table = quote(model._meta.db_table)
        _raise_wall(
            cursor,
            table,
            role,
            {
                "SELECT": f"USING ({wall.read})",
                "INSERT": f"WITH CHECK ({wall.write})",
                "UPDATE": f"USING ({wall.write}) WITH CHECK ({wall.write})",
                "DELETE": f"USING ({wall.write})",
            },
        )
    for model in event_models():
        read = event_wall(model)
        if read is not None:
            _raise_wall(cursor, quote(model._meta.db_table), role, {"SELECT": f"USING ({read})"})
    _raise_wall(
        cursor,
        "pghistory_context",
        role,
        {"SELECT": "USING ((metadata ->> 'municipality')::bigint = ANY ((SELECT medel_reads())::bigint[]))"},
    )


def event_wall(model: type[models.Model]) -> str | None:
    """Who reads an event: whoever may read the row that it is an event of, by the columns the event keeps."""
    columns = {field.column for field in model._meta.concrete_fields}
    wall = getattr(model.pgh_tracked_model, "wall", None)  # type: ignore[attr-defined]
    if wall in (Wall.MUNICIPALITY, Wall.OF_MUNICIPALITY, None):
        return None if wall is None else "true"
    if wall is Wall.PERSON:
        return (
            "registered_in_id = ANY ((SELECT medel_reads())::bigint[]) OR pgh_obj_id IN"
            " (SELECT a.person_id FROM strategy_assignment a"
            " WHERE a.municipality_id = ANY ((SELECT medel_reads())::bigint[]))"
        )
    read = "municipality_id = ANY ((SELECT medel_reads())::bigint[])"
    if wall is Wall.REFERENCE:
        read += " OR municipality_id IS NULL"
    if "owner_municipality_id" in columns:
        read += " OR owner_municipality_id = ANY ((SELECT medel_reads())::bigint[])"
    return read


def _raise_wall(cursor: Any, table: str, role: str, policies: dict[str, str]) -> None:
    cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    for command in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        cursor.execute(f"DROP POLICY IF EXISTS medel_{command.lower()} ON {table}")
    for command, clause in policies.items():
        cursor.execute(f"CREATE POLICY medel_{command.lower()} ON {table} FOR {command} TO {role} {clause}")


def _history(cursor: Any, role: str, quote: Any) -> None:
    cursor.execute(
        "SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = 'public' AND (p.proname = '_pgh_attach_context' OR p.proname LIKE %s)",
        [r"pgtrigger\_%"],
    )
    for (function,) in cursor.fetchall():
        cursor.execute(f"ALTER FUNCTION {function} SECURITY DEFINER SET search_path = public, pg_temp")
    # Every trigger asks this function whether the session has switched it off. The answer is no: setting the
    # switch empty on each function instead would need a right that only a database administrator gives.
    cursor.execute(
        "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean"
        " LANGUAGE sql IMMUTABLE AS $$ SELECT false $$"
    )
    tables = [quote(model._meta.db_table) for model in event_models()] + ["pghistory_context"]
    for table in tables:
        cursor.execute(f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {table} FROM {role}, PUBLIC")
    cursor.execute(
        "CREATE OR REPLACE FUNCTION medel_is_never_emptied() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'this table is never emptied' USING ERRCODE = 'insufficient_privilege'; END $$"
    )
    for table in tables + [quote(model._meta.db_table) for model in tracked_models()]:
        cursor.execute(
            f"CREATE OR REPLACE TRIGGER medel_is_never_emptied BEFORE TRUNCATE ON {table}"
            " EXECUTE FUNCTION medel_is_never_emptied()"
        )
