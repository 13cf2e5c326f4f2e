"""The walls between municipalities, declared on the models and raised by `strategy.hardening`.

First wall: every list begins with `visible_to(reader)` (strategy.permissions). Second wall, here: row-level
security. Each transaction names the municipality it writes in and those it reads; a transaction that
forgets to sees nothing and writes nothing. References cannot cross municipalities: a composite foreign key
(SameMunicipality) or, towards reference data that may belong to the whole installation, a trigger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

import pgtrigger
from django.db import connection, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement, Table


class Wall(Enum):
    """Who may read and who may write a row of a table; a third condition where making and taking away a row
    asks for more than changing it."""

    OWN = (
        "municipality_id = ANY ((SELECT medel_reads())::bigint[])",
        "municipality_id = (SELECT medel_writes())",
    )
    REFERENCE = (
        "municipality_id IS NULL OR municipality_id = ANY ((SELECT medel_reads())::bigint[])",
        (
            "municipality_id = (SELECT medel_writes())"
            " OR (municipality_id IS NULL AND (SELECT medel_installation()))"
        ),
    )
    MUNICIPALITY = ("true", "id = (SELECT medel_writes()) OR (SELECT medel_installation())")
    OF_MUNICIPALITY = ("true", "municipality_id = (SELECT medel_writes()) OR (SELECT medel_installation())")
    SHARED = (
        (
            "municipality_id = ANY ((SELECT medel_reads())::bigint[]) OR id IN"
            " (SELECT s.project_id FROM projects_projectshare s"
            " WHERE s.municipality_id = ANY ((SELECT medel_reads())::bigint[]))"
        ),
        "municipality_id = (SELECT medel_writes())",
    )
    SHARED_PART = (
        (
            "municipality_id = ANY ((SELECT medel_reads())::bigint[]) OR project_id IN"
            " (SELECT s.project_id FROM projects_projectshare s"
            " WHERE s.municipality_id = ANY ((SELECT medel_reads())::bigint[]))"
        ),
        "municipality_id = (SELECT medel_writes())",
    )
    SHARE = (
        (
            "municipality_id = ANY ((SELECT medel_reads())::bigint[])"
            " OR owner_municipality_id = ANY ((SELECT medel_reads())::bigint[])"
        ),
        # Each fills in its own part; the owner alone shares and un-shares, or anybody could help himself.
        "owner_municipality_id = (SELECT medel_writes()) OR municipality_id = (SELECT medel_writes())",
        "owner_municipality_id = (SELECT medel_writes())",
    )
    PERSON = (
        (
            "registered_in_id = ANY ((SELECT medel_reads())::bigint[]) OR id = (SELECT medel_person())"
            " OR id IN (SELECT a.person_id FROM strategy_assignment a"
            " WHERE a.municipality_id = ANY ((SELECT medel_reads())::bigint[]))"
        ),
        (
            "registered_in_id = (SELECT medel_writes()) OR (SELECT medel_installation())"
            " OR id = (SELECT medel_person())"
            " OR id IN (SELECT a.person_id FROM strategy_assignment a"
            " WHERE a.municipality_id = (SELECT medel_writes()))"
        ),
    )
    # Mail without municipality (one-time addresses) is read by the installation's own work alone.
    OUTBOX = (
        "municipality_id = ANY ((SELECT medel_reads())::bigint[]) OR (SELECT medel_installation())",
        "municipality_id = (SELECT medel_writes()) OR (SELECT medel_installation())",
    )

    # The login looks accounts up before any municipality is known; inside one, only its people's are there.
    ACCOUNT = (
        (
            "(SELECT cardinality(medel_reads())) = 0 OR person_id = (SELECT medel_person())"
            " OR person_id IN (SELECT p.id FROM strategy_person p)"
        ),
        (
            "(SELECT cardinality(medel_reads())) = 0 OR person_id = (SELECT medel_person())"
            " OR person_id IN (SELECT p.id FROM strategy_person p)"
        ),
    )

    @property
    def read(self) -> str:
        return str(self.value[0])

    @property
    def write(self) -> str:
        return str(self.value[1])

    @property
    def create(self) -> str:
        """Who may make and take away rows."""
        return str(self.value[-1])


# Tables without a wall, each with the reason; a test reads this list against all tables.
WITHOUT_WALL = {
    "django_session": "Sessions hold a key and the chosen municipality.",
    "django_content_type": "Names of the tables.",
    "auth_group": "Unused; Django's own.",
    "auth_permission": "Unused; Django's own.",
    "auth_group_permissions": "Unused; Django's own.",
    "account_emailaddress": "allauth's copy of the login address.",
    "account_emailconfirmation": "allauth's confirmations; no person's name.",
    "socialaccount_socialaccount": "Which subject of the directory opens which account; no person's name.",
    "socialaccount_socialapp": "Unused: the provider stands in the environment.",
    "socialaccount_socialtoken": "Unused: no token is kept.",
    "mfa_authenticator": "Second factors, encrypted; the login asks before any municipality is known.",
    "axes_accessattempt": "Login attempts: address typed and network address.",
    "axes_accesslog": "Logins and log-outs.",
    "axes_accessfailurelog": "Failed logins.",
    "axes_accessattemptexpiration": "When a lock ends.",
    "django_migrations": "Which migrations have run.",
    "procrastinate_jobs": "Jobs carry ids alone; the work itself is done inside a municipality's scope.",
    "procrastinate_events": "Events of jobs.",
    "procrastinate_periodic_defers": "Periodic jobs.",
    "procrastinate_workers": "Which workers run.",
}


class MunicipalityOwned(models.Model):
    """A row that belongs to one municipality for good (it never moves) and is read and written there."""

    wall = Wall.OWN

    municipality = models.ForeignKey(
        "strategy.Municipality", on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        abstract = True
        triggers: list[pgtrigger.Trigger] = [
            pgtrigger.ReadOnly(name="stays_in_its_municipality", fields=["municipality"])
        ]


class SameMunicipality(models.BaseConstraint):
    """A reference that cannot leave its municipality: a composite foreign key on (municipality, field).

    The target needs `UniqueConstraint(fields=["municipality", "id"])`. `municipality` names the column of
    the referring table that must agree (a share row has two).
    """

    def __init__(self, *, field: str, name: str, municipality: str = "municipality") -> None:
        super().__init__(name=name)
        self.field = field
        self.municipality = municipality

    def _statement(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> Statement:
        field = model._meta.get_field(self.field)
        target: type[models.Model] = field.related_model  # type: ignore[assignment]
        quote = schema_editor.quote_name
        return Statement(
            "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (%(municipality)s, %(column)s)"
            " REFERENCES %(target)s (municipality_id, id) DEFERRABLE INITIALLY DEFERRED",
            table=Table(model._meta.db_table, quote),
            name=quote(self.name),
            municipality=quote(model._meta.get_field(self.municipality).column),  # type: ignore[union-attr, arg-type]
            column=quote(field.column),  # type: ignore[union-attr, arg-type]
            target=Table(target._meta.db_table, quote),
        )

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        # After all tables of the migration exist, as a foreign key must.
        schema_editor.deferred_sql.append(self._statement(model, schema_editor))
        return None

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        return self._statement(model, schema_editor)

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        quote = schema_editor.quote_name
        return Statement(
            "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s",
            table=Table(model._meta.db_table, quote),
            name=quote(self.name),
        )

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: Any = None) -> None:
        """The database holds it; forms offer only the municipality's own rows."""

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        kwargs["field"] = self.field
        if self.municipality != "municipality":
            kwargs["municipality"] = self.municipality
        return path, tuple(args), kwargs

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SameMunicipality):
            return self.deconstruct() == other.deconstruct()
        return NotImplemented

    __hash__ = models.BaseConstraint.__hash__


def own_or_shared_reference(field: str, target_table: str) -> pgtrigger.Trigger:
    """A reference to reference data must be the installation's or the row's own municipality's."""
    return pgtrigger.Trigger(
        name=f"{field}_is_shared_or_own",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf(f"{field}_id"),
        func=f"""
            IF NEW.{field}_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM {target_table} t WHERE t.id = NEW.{field}_id
                AND (t.municipality_id IS NULL OR t.municipality_id = NEW.municipality_id)
            ) THEN
                RAISE EXCEPTION 'the {field} belongs to another municipality'
                    USING ERRCODE = 'foreign_key_violation', CONSTRAINT = '{field}_is_shared_or_own';
            END IF;
            RETURN NEW;
        """,  # noqa: S608 - names from our own models
    )


def works_here(field: str) -> pgtrigger.Trigger:
    """A person named by a municipality's row has, or had, an assignment there."""
    return pgtrigger.Trigger(
        name=f"{field}_works_here",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf(f"{field}_id"),
        func=f"""
            IF NEW.{field}_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM strategy_assignment a
                WHERE a.person_id = NEW.{field}_id AND a.municipality_id = NEW.municipality_id
            ) THEN
                RAISE EXCEPTION 'the {field} has no assignment in the municipality'
                    USING ERRCODE = 'foreign_key_violation', CONSTRAINT = '{field}_works_here';
            END IF;
            RETURN NEW;
        """,  # noqa: S608 - names from our own models
    )


def composed(*fields: str) -> pgtrigger.Trigger:
    """Text by which rows are found is kept in Unicode's composed form: else Ä could stand beside Ä."""
    return pgtrigger.Trigger(
        name="keeps_its_text_composed",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=" ".join(f"NEW.{field} := normalize(NEW.{field});" for field in fields) + " RETURN NEW;",
    )


@contextmanager
def scope(
    writes: int | None = None,
    *,
    reads: Iterable[int] = (),
    person: int | None = None,
    installation: bool = False,
) -> Iterator[None]:
    """A transaction that writes in one municipality and reads it and `reads`.

    Leaving restores what stood before, so scopes may be nested (a command going through municipalities).
    """
    readable = sorted({*reads, *([writes] if writes is not None else [])})
    wanted = (
        str(writes) if writes is not None else "",
        "{" + ",".join(map(str, readable)) + "}",
        str(person) if person is not None else "",
        "on" if installation else "",
    )
    if not connection.in_atomic_block:
        # Most transactions: what is set ends with the transaction, and there is nothing to restore.
        with transaction.atomic():
            _set(wanted)
            yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(current_setting('medel.writes', true), ''),"
                " coalesce(current_setting('medel.reads', true), ''),"
                " coalesce(current_setting('medel.person', true), ''),"
                " coalesce(current_setting('medel.installation', true), '')"
            )
            before = cursor.fetchone()
        _set(wanted)
        yield
        _set(before)


def _set(values: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('medel.writes', %s, true), set_config('medel.reads', %s, true),"
            " set_config('medel.person', %s, true), set_config('medel.installation', %s, true)",
            list(values),
        )
