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
# Who acted, on which page and why.
CONTEXT = "pghistory_context"


def walled_models() -> list[tuple[type[models.Model], Wall]]:
    """Models with a declared wall, without the event models (which are walled by what they are events of)."""
    return [
        (model, model.wall)  # type: ignore[attr-defined]
        for model in apps.get_models()
        if isinstance(getattr(model, "wall", None), Wall) and not hasattr(model, WRITTEN_BY_TRIGGERS_ALONE)
    ]


def event_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if hasattr(model, WRITTEN_BY_TRIGGERS_ALONE)]


def harden(cursor: Any) -> None:
    """Brings roles, grants, policies and history functions to what this version declares. Repeatable.

    Tables that do not stand yet (after a part of the migrations) are passed over.
    """
    quote = cursor.db.ops.quote_name
    role = quote(settings.APPLICATION_ROLE)
    _role_exists(cursor, settings.APPLICATION_ROLE)
    standing = set(cursor.db.introspection.table_names(cursor))
    _grants(cursor, role, standing)
    _policies(cursor, role, quote, standing)
    _history(cursor, role, quote, standing)
    _functions(cursor, role)
    _register_numbers(cursor, standing)


def _role_exists(cursor: Any, name: str) -> None:
    cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", [name])
    found = cursor.fetchone()
    if found is None:
        raise CommandError(
            f"The database has no role {name}: run CREATE ROLE {name} LOGIN PASSWORD '…'; GRANT {name} TO the owner; "
            "as a database administrator, and migrate again."
        )
    if found[0]:
        raise CommandError(
            f"The role {name} is a superuser or passes row security: "
            f"run ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS."
        )


def _grants(cursor: Any, role: str, standing: set[str]) -> None:
    for statement in (
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    ):
        cursor.execute(statement)
    if "django_migrations" in standing:
        cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}")
    # Register numbers are taken through their function alone.
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'S' AND relname LIKE %s", ["register_numbers_%"]
    )
    for (sequence,) in cursor.fetchall():
        cursor.execute(f'REVOKE ALL ON SEQUENCE "{sequence}" FROM {role}')


def _register_numbers(cursor: Any, standing: set[str]) -> None:
    cursor.execute("SELECT to_regprocedure('medel_prepare_register_numbers()')")
    if cursor.fetchone()[0] is not None and "strategy_municipality" in standing:
        cursor.execute("SELECT medel_prepare_register_numbers()")


def _policies(cursor: Any, role: str, quote: Any, standing: set[str]) -> None:
    for model, wall in walled_models():
        if model._meta.db_table not in standing:
            continue
        table = quote(model._meta.db_table)
        _raise_wall(
            cursor,
            table,
            role,
            {
                "SELECT": f"USING ({wall.read})",
                "INSERT": f"WITH CHECK ({wall.create})",
                "UPDATE": f"USING ({wall.write}) WITH CHECK ({wall.write})",
                "DELETE": f"USING ({wall.create})",
            },
        )
    for model in event_models():
        if model._meta.db_table in standing:
            read = {"SELECT": f"USING ({event_wall(model)})"}
            _raise_wall(cursor, quote(model._meta.db_table), role, read)
    if CONTEXT in standing:
        # Compared as text: what a context says was claimed by who wrote, and must not make the comparison fail.
        read = {
            "SELECT": "USING (metadata ->> 'municipality' = ANY ((SELECT medel_reads()::text[])::text[]))"
        }
        _raise_wall(cursor, CONTEXT, role, read)


def event_wall(model: type[models.Model]) -> str:
    """Who reads an event: whoever may read the row that it is an event of, by the columns the event keeps."""
    columns = {field.column for field in model._meta.concrete_fields}
    wall = getattr(model.pgh_tracked_model, "wall", None)  # type: ignore[attr-defined]
    if wall in (Wall.MUNICIPALITY, Wall.OF_MUNICIPALITY):
        return "true"
    if wall is Wall.ACCOUNT:
        # Inside a municipality, those of its people: never of all, as the login reads the accounts themselves.
        return "(SELECT cardinality(medel_reads())) > 0 AND person_id IN (SELECT p.id FROM strategy_person p)"
    if wall is None:
        return "false"  # the owner alone
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


def _history(cursor: Any, role: str, quote: Any, standing: set[str]) -> None:
    # Every trigger asks this function whether the session has switched it off. The answer is no: setting the
    # switch empty on each function instead would need a right that only a database administrator gives.
    cursor.execute(
        "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean"
        " LANGUAGE sql IMMUTABLE AS $$ SELECT false $$"
    )
    tables = [model._meta.db_table for model in event_models()] + [CONTEXT]
    tables = [table for table in tables if table in standing]
    tracked = [model._meta.db_table for model in tracked_models() if model._meta.db_table in standing]
    for table in tables:
        rights = "INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"
        cursor.execute(f"REVOKE {rights} ON {quote(table)} FROM {role}, PUBLIC")
    cursor.execute(
        "CREATE OR REPLACE FUNCTION medel_is_never_emptied() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'this table is never emptied' USING ERRCODE = 'insufficient_privilege'; END $$"
    )
    for table in tables + tracked:
        cursor.execute(
            f"CREATE OR REPLACE TRIGGER medel_is_never_emptied BEFORE TRUNCATE ON {quote(table)}"
            " EXECUTE FUNCTION medel_is_never_emptied()"
        )
    # The function that notes who acts overwrites the note when its key comes again. Within the transaction
    # that made it, it may (a reason is added); afterwards nobody rewrites who did it, and why.
    cursor.execute(
        "CREATE OR REPLACE FUNCTION medel_act_is_done() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF OLD.created_at IS DISTINCT FROM now() THEN RAISE EXCEPTION 'what was done is not told anew'"
        " USING ERRCODE = 'insufficient_privilege'; END IF;"
        " NEW.id := OLD.id; NEW.created_at := OLD.created_at; RETURN NEW; END $$"
    )
    if CONTEXT in standing:
        cursor.execute(
            f"CREATE OR REPLACE TRIGGER medel_act_is_done BEFORE UPDATE ON {CONTEXT}"
            " FOR EACH ROW EXECUTE FUNCTION medel_act_is_done()"
        )


def _functions(cursor: Any, role: str) -> None:
    """Functions with the owner's rights: nobody calls a trigger's function but its trigger.

    Whoever may call one could hang it on a temporary table of the same shape and have it write events of
    rows that never were.
    """
    cursor.execute(
        "SELECT p.oid::regprocedure, p.proname, p.prorettype = 'trigger'::regtype FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'"
        " AND (p.proname LIKE %s OR p.proname LIKE %s OR p.proname = '_pgh_attach_context')",
        [r"pgtrigger\_%", r"medel\_%"],
    )
    for function, name, is_trigger in cursor.fetchall():
        if not name.startswith("medel_"):
            cursor.execute(f"ALTER FUNCTION {function} SECURITY DEFINER SET search_path = public, pg_temp")
        cursor.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC, {role}")
        if name.startswith("medel_") and not is_trigger:
            cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {role}")
