"""History: written for every model, however a row is written, and not to be forged, changed or switched off."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pgtrigger
import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.translation import gettext as _

from projects.models import Project, ProjectParty, ProjectRole, State
from strategy import history
from strategy.hardening import event_models, harden
from strategy.history import WITHOUT_HISTORY, event_model, tracked_models
from strategy.management.commands.migrate import as_owner
from strategy.models import Document, Municipality, Person, Role, StoredFile, Unit
from strategy.walls import Wall, scope
from tests import factories
from tests.everything import everything

# For each tracked model a field to change, and what makes a second row of it valid.
CHANGES: dict[str, tuple[str, Any]] = {
    "Municipality": ("name", "Nystads kommun"),
    "MunicipalityMember": ("valid_to", date(2040, 1, 1)),
    "Population": ("inhabitants", 2000),
    "Unit": ("name", "Omsorgsförvaltningen"),
    "UnitName": ("name", "Omsorgskontoret"),
    "BoardService": ("valid_to", date(2040, 1, 1)),
    "Person": ("made_anonymous_on", date(2026, 1, 1)),
    "Account": ("is_active", False),
    "Assignment": ("ends_on", date(2040, 1, 1)),
    "ImportBatch": ("state", "cancelled"),
    "RememberedWord": ("meaning", "owner"),
    "Message": ("attempts", 1),
    "Funder": ("name", "Stiftelsen Bergstad"),
    "Programme": ("name", "Bergstads program"),
    "Project": ("title", "Tryggare hemma"),
    "ProjectUnit": ("unit_id", lambda whole: whole.board.pk),
    "ProjectParty": ("name", "Aneby kommun"),
    "ProjectShare": ("role", "partner"),
    "ImportedProject": ("line", 3),
    "MailDomain": ("domain", "nystad.example"),
    "Document": ("title", "Beslut om stöd"),
    "Handover": ("reason", "Byter tjänst"),
    "ProjectGate": ("evidence", "Nämnden § 12"),
    "ProjectGroup": ("name", "Styrgruppen"),
    "GroupMember": ("function", "ordförande"),
    "GroupMeeting": ("subject", "Start"),
    "EffectFollowUp": ("due_on", date(2040, 1, 1)),
    "ReportedProject": ("reason", "Se projektet"),
    "ProjectNumber": ("name", "Hemma"),
    "GrantListProfile": ("name", "Andra listan"),
    "ListedGrant": ("summary", "Om projektet"),
}
SECOND: dict[str, dict[str, Any]] = {
    "Municipality": {"name": "Andra kommunen", "code": "0001"},
    "MunicipalityMember": {"valid_from": date(1960, 1, 1), "valid_to": date(1960, 12, 31)},
    "Population": {"year": 2024},
    "Unit": {"name": "Andra förvaltningen"},
    "UnitName": {"name": "Andra namnet"},
    "BoardService": {"valid_from": date(1960, 1, 1), "valid_to": date(1960, 12, 31)},
    "Person": {"email": "andra@example.org"},
    "Account": {"email": "andra@example.org", "person_id": lambda whole: factories.person(whole.place).pk},
    "Assignment": {"starts_on": date(1960, 1, 1), "ends_on": date(1960, 12, 31)},
    "StoredFile": {},
    "ImportBatch": {},
    "RememberedWord": {"word": "andra ordet"},
    "Message": {},
    "Funder": {"name": "Andra stiftelsen"},
    "Programme": {"name": "Andra programmet"},
    "Project": {"register_number": 900},
    "ProjectUnit": {"unit_id": lambda whole: whole.board.pk},
    "ProjectParty": {"name": "Andra parten"},
    "ProjectShare": {"municipality_id": lambda whole: factories.municipality("Tredje kommunen").pk},
    "ImportedProject": {"project_id": lambda whole: factories.project(whole.place, "Andra projektet").pk},
    "MailDomain": {"domain": "andra.example"},
    "Document": {},
    "Handover": {},
    "ProjectStep": {"from_state": State.ANCHORING, "to_state": State.DECIDED_TO_APPLY},
    "ProjectGate": {"kind": "budget"},
    "ProjectGroup": {"kind": "working"},
    "GroupMember": {},
    "GroupMeeting": {"held_on": date(1960, 1, 1)},
    "EffectFollowUp": {"due_on": date(1960, 1, 1)},
    "ProjectDocument": {
        "document_id": lambda whole: another_document(whole).pk,
    },
    "ReportedProject": {},
    "ProjectNumber": {"code": "7715"},
    "GrantListProfile": {"name": "Tredje listan"},
    "ListedGrant": {"reference": "2021-2"},
}
WRITE_ONCE = {"StoredFile", "ProjectStep", "ProjectDocument"}
NEVER_DELETED = {
    "Municipality",
    "Unit",
    "Person",
    "Assignment",
    "StoredFile",
    "ImportBatch",
    "Message",
    "Funder",
    "Programme",
    "Project",
    "Document",
    "Handover",
    "ProjectStep",
    "ReportedProject",
    "ProjectNumber",
    "ListedGrant",
}


def another_document(whole):
    return Document.objects.create(
        municipality=whole.place,
        file=whole.row(StoredFile),
        kind="plan",
        title="Plan",
        added_by=whole.row(Person),
    )


def tracked(*, without=()):
    return [pytest.param(m, id=m.__name__) for m in tracked_models() if m.__name__ not in without]


def ask(sql, params=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def refused(sql, params=()):
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        ask(sql, params)
    return str(error.value)


def told(model, key):
    """Label and context of each event of the row, in order. Read as the owner, whom no wall hides anything from."""
    with as_owner():
        return [
            (label, json.loads(context) if context else None)
            for label, context in ask(
                f"SELECT e.pgh_label, c.metadata FROM {event_model(model)._meta.db_table} e"
                " LEFT JOIN pghistory_context c ON c.id = e.pgh_context_id"
                " WHERE e.pgh_obj_id = %s ORDER BY e.pgh_id",
                [key],
            )
        ]


def value_for(given, whole):
    return given(whole) if callable(given) else given


def acting(whole):
    """A context as a request opens it, with what its events will tell."""
    said = {
        "person": whole.row(Person).pk,
        "municipality": whole.place.pk,
        "page": "/prov/",
        "request": "a1b2",
        "reason": "Fel från början",
    }
    return history.context(**said), said


# -- Every model ------------------------------------------------------------------------------------------


def test_every_model_of_our_own_has_a_history_or_stands_in_the_list_of_those_without():
    own = {
        model.__name__
        for model in apps.get_models()
        if model._meta.app_label in {"strategy", "projects", "reporting"} and model not in event_models()
    }
    assert own - {model.__name__ for model in tracked_models()} == set(WITHOUT_HISTORY)
    assert {model.__name__ for model in tracked_models()} == SECOND.keys() == CHANGES.keys() | WRITE_ONCE


@pytest.mark.django_db
@pytest.mark.parametrize("model", tracked())
def test_insert_update_and_delete_have_their_triggers(model):
    found = ask(
        "SELECT split_part(p.proname, '_', 2), p.prosecdef, p.proconfig FROM pg_trigger t"
        " JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = %s::regclass AND t.tgenabled = 'O'"
        " AND p.proname ~ '^pgtrigger_(insert_insert|update_update|delete_delete)_'",
        [model._meta.db_table],
    )
    assert sorted(found) == [
        (name, True, ["search_path=public, pg_temp"]) for name in ("delete", "insert", "update")
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("model", tracked())
def test_a_row_made_by_save_in_bulk_or_by_raw_sql_is_told(model):
    whole = everything("Sjöstad")
    context, said = acting(whole)
    installation = model is Municipality
    with scope(None if installation else whole.place.pk, installation=installation):
        row = whole.row(model)
        assert [label for label, _context in told(model, row.pk)][:1] == ["insert"]
        different = {name: value_for(given, whole) for name, given in SECOND[model.__name__].items()}
        columns = [field.column for field in model._meta.concrete_fields if not field.primary_key]
        made = []
        with context:
            for way in ("save", "bulk", "raw"):
                with transaction.atomic():
                    before = {key for (key,) in ask(f"SELECT id FROM {model._meta.db_table}")}
                    if way == "raw":
                        listed = ", ".join(f'"{column}"' for column in columns)
                        chosen = ", ".join(
                            "%s" if column in different else f'"{column}"' for column in columns
                        )
                        ask(
                            f"INSERT INTO {model._meta.db_table} ({listed})"
                            f" SELECT {chosen} FROM {model._meta.db_table} WHERE id = %s",
                            [*(different[column] for column in columns if column in different), row.pk],
                        )
                    else:
                        second = model._base_manager.get(pk=row.pk)
                        second.pk = None
                        for name, value in different.items():
                            setattr(second, name, value)
                        if way == "bulk":
                            model._base_manager.bulk_create([second])
                        else:
                            second.save(force_insert=True)
                    (key,) = {key for (key,) in ask(f"SELECT id FROM {model._meta.db_table}")} - before
                    made.append((way, told(model, key)))
                    transaction.set_rollback(True)
    assert made == [(way, [("insert", said)]) for way in ("save", "bulk", "raw")]


@pytest.mark.django_db
@pytest.mark.parametrize("model", tracked(without=WRITE_ONCE))
def test_a_row_changed_by_save_in_bulk_by_queryset_or_by_raw_sql_is_told(model):
    whole = everything("Sjöstad")
    context, said = acting(whole)
    name, given = CHANGES[model.__name__]
    value = value_for(given, whole)
    changed = []
    with scope(whole.place.pk), context:
        for way in ("save", "bulk", "queryset", "raw"):
            with transaction.atomic():
                row = model._base_manager.get(pk=whole.row(model).pk)
                before = len(told(model, row.pk))
                setattr(row, name, value)
                match way:
                    case "save":
                        row.save()
                    case "bulk":
                        model._base_manager.bulk_update([row], [name.removesuffix("_id")])
                    case "queryset":
                        model._base_manager.filter(pk=row.pk).update(**{name: value})
                    case "raw":
                        ask(f"UPDATE {model._meta.db_table} SET {name} = %s WHERE id = %s", [value, row.pk])
                changed.append((way, told(model, row.pk)[before:]))
                transaction.set_rollback(True)
    assert changed == [(way, [("update", said)]) for way in ("save", "bulk", "queryset", "raw")]


@pytest.mark.django_db
def test_a_stored_file_is_never_changed():
    whole = everything("Sjöstad")
    with scope(whole.place.pk):
        said = refused(
            "UPDATE strategy_storedfile SET name = 'annan.csv' WHERE municipality_id = %s", [whole.place.pk]
        )
    assert "Cannot update or delete rows" in said


@pytest.mark.django_db
@pytest.mark.parametrize("model", tracked())
def test_a_deleted_row_is_told_or_deleting_it_is_refused(model):
    whole = everything("Sjöstad")
    context, said = acting(whole)
    row = whole.row(model)
    with scope(whole.place.pk, installation=model is Municipality), context, transaction.atomic():
        statement = f"DELETE FROM {model._meta.db_table} WHERE id = %s"
        if model.__name__ in NEVER_DELETED:
            assert "Cannot " in (sentence := refused(statement, [row.pk])) and "delete rows" in sentence
            with pytest.raises(DatabaseError, match="delete rows"), transaction.atomic():
                model._base_manager.filter(pk=row.pk)._raw_delete("default")
        else:
            assert ask(statement, [row.pk]) == 1
            assert told(model, row.pk)[-1] == ("delete", said)
        transaction.set_rollback(True)


# -- Forged -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_application_role_may_only_read_events_and_contexts():
    tables = [model._meta.db_table for model in event_models()] + ["pghistory_context"]
    for table in tables:
        rights = ask(
            "SELECT right_ FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE',"
            " 'REFERENCES', 'TRIGGER'])"
            " AS right_ WHERE has_table_privilege(%s, right_)",
            [table],
        )
        assert (table, rights) == (table, [("SELECT",)])
        assert "permission denied" in refused(f"INSERT INTO {table} DEFAULT VALUES")
        assert "permission denied" in refused(f"DELETE FROM {table}")
        column = "metadata" if table == "pghistory_context" else "pgh_label"
        assert "permission denied" in refused(f"UPDATE {table} SET {column} = {column}")
        assert "permission denied" in refused(f"TRUNCATE {table}")


@pytest.mark.django_db
@pytest.mark.parametrize("model", tracked())
def test_no_table_with_a_history_is_emptied_not_even_by_its_owner(model):
    assert "permission denied" in refused(f"TRUNCATE {model._meta.db_table} CASCADE")
    with as_owner():
        for table in (model._meta.db_table, event_model(model)._meta.db_table, "pghistory_context"):
            assert "never emptied" in refused(f"TRUNCATE {table} CASCADE")


@pytest.mark.django_db
def test_the_switch_of_the_session_switches_nothing_off():
    whole = everything("Sjöstad")
    unit = whole.row(Unit)
    names = [
        name
        for (name,) in ask(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'strategy_unit'::regclass AND NOT tgisinternal"
        )
    ]
    assert len(names) > 3
    values = ["{" + ",".join(names) + "}", "{strategy_unit}", "{*}", *(f"{{{name}}}" for name in names)]
    with scope(whole.place.pk):
        for number, value in enumerate(values):
            before = len(told(Unit, unit.pk))
            ask("SELECT set_config('pgtrigger.ignore', %s, true)", [value])
            ask("UPDATE strategy_unit SET name = %s WHERE id = %s", [f"Namn {number}", unit.pk])
            assert (value, len(told(Unit, unit.pk)) - before) == (value, 1)
        ask("SELECT set_config('pgtrigger.ignore', '', true)")
        with pgtrigger.ignore():
            before = len(told(Unit, unit.pk))
            Unit.objects.filter(pk=unit.pk).update(name="Utan spår")
            assert len(told(Unit, unit.pk)) - before == 1
        # The rules that are triggers too stand as well.
        with (
            pgtrigger.ignore(),
            pytest.raises(DatabaseError, match="Cannot delete rows"),
            transaction.atomic(),
        ):
            ask("DELETE FROM strategy_unit WHERE id = %s", [unit.pk])


@pytest.mark.django_db
def test_the_replication_switch_and_the_triggers_are_out_of_reach():
    assert "permission denied" in refused("SET session_replication_role = replica")
    for statement in (
        "ALTER TABLE strategy_unit DISABLE TRIGGER ALL",
        "ALTER TABLE strategy_unit DISABLE TRIGGER USER",
        "DROP TRIGGER medel_is_never_emptied ON strategy_unit",
        "ALTER FUNCTION _pgh_attach_context() SECURITY INVOKER",
        (
            "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean"
            " LANGUAGE sql AS 'SELECT true'"
        ),
    ):
        assert "must be owner" in refused(statement) or "permission denied" in refused(statement)


@pytest.mark.django_db
def test_a_temporary_table_of_the_same_name_catches_no_event():
    whole = everything("Sjöstad")
    unit = whole.row(Unit)
    before = len(told(Unit, unit.pk))
    with scope(whole.place.pk), history.context(person=1, municipality=whole.place.pk):
        ask("CREATE TEMPORARY TABLE strategy_unitevent (LIKE public.strategy_unitevent)")
        ask("CREATE TEMPORARY TABLE pghistory_context (LIKE public.pghistory_context)")
        ask("CREATE TEMPORARY TABLE strategy_assignment (LIKE public.strategy_assignment)")
        ask("SELECT set_config('search_path', 'pg_temp, public', true)")
        ask("UPDATE public.strategy_unit SET name = 'Skugga' WHERE id = %s", [unit.pk])
        assert ask(
            "SELECT (SELECT count(*) FROM strategy_unitevent), (SELECT count(*) FROM pghistory_context)"
        ) == [(0, 0)]
        ask("SELECT set_config('search_path', 'public', true)")
        ask("DROP TABLE pg_temp.strategy_unitevent, pg_temp.pghistory_context, pg_temp.strategy_assignment")
    assert len(told(Unit, unit.pk)) == before + 1


@pytest.mark.django_db
def test_the_functions_that_write_events_are_not_borrowed_for_rows_that_never_were():
    (function,) = ask(
        "SELECT p.oid::regproc::text FROM pg_proc p WHERE p.proname LIKE %s",
        [r"pgtrigger\_insert\_insert\_%"],
    )[0]
    assert function
    writers = ask(
        "SELECT t.tgfoid::regproc::text FROM pg_trigger t WHERE t.tgrelid = 'strategy_unit'::regclass"
        " AND t.tgname LIKE %s",
        [r"pgtrigger\_%"],
    )
    ask("CREATE TEMPORARY TABLE mine (LIKE strategy_unit)")
    for (writer,) in writers:
        said = refused(f"CREATE TRIGGER forged AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION {writer}()")
        assert "permission denied for function" in said
    assert "permission denied for function" in refused("SELECT _pgh_attach_context()")


@pytest.mark.django_db
def test_what_was_said_of_an_act_may_be_anything_and_breaks_no_page():
    whole = everything("Sjöstad")
    project = whole.row(Project)
    with scope(whole.place.pk):
        for metadata in (
            '{"municipality": "x", "person": "y"}',
            "[1]",
            '"text"',
            f'{{"municipality": {whole.place.pk}, "person": "y"}}',
        ):
            ask(
                "SELECT set_config('pghistory.context_id', gen_random_uuid()::text, true),"
                " set_config('pghistory.context_metadata', %s, true)",
                [metadata],
            )
            ask("UPDATE projects_project SET note = note || 'x' WHERE id = %s", [project.pk])
        assert ask("SELECT count(*) FROM pghistory_context") == [(1,)]
        assert len(history.acts(project)) >= 4


# -- Where transactions commit ----------------------------------------------------------------------------


def test_what_was_done_is_not_told_anew_by_somebody_else(own_database):
    whole = everything("Sjöstad")
    unit = whole.row(Unit)
    with scope(whole.place.pk), history.context(person=7, municipality=whole.place.pk, page="/x/"):
        Unit.objects.filter(pk=unit.pk).update(name="Ett")
        history.give_reason("Bytte namn")  # within the act: a reason is added
        Unit.objects.filter(pk=unit.pk).update(name="Två")
    acts = {"person": 7, "municipality": whole.place.pk, "page": "/x/", "reason": "Bytte namn"}
    assert told(Unit, unit.pk)[-2:] == [("update", acts), ("update", acts)]
    with scope(whole.place.pk):
        ((old,),) = ask(
            "SELECT DISTINCT pgh_context_id::text FROM strategy_unitevent"
            " WHERE pgh_obj_id = %s AND pgh_context_id IS NOT NULL",
            [unit.pk],
        )
    for forged in ({"person": 8}, {**acts, "reason": ""}, {}):
        with pytest.raises(DatabaseError, match="not told anew"), scope(whole.place.pk):
            ask(
                "SELECT set_config('pghistory.context_id', %s, true),"
                " set_config('pghistory.context_metadata', %s, true)",
                [old, json.dumps(forged)],
            )
            ask("UPDATE strategy_unit SET name = 'Tre' WHERE id = %s", [unit.pk])
    assert told(Unit, unit.pk)[-2:] == [("update", acts), ("update", acts)]
    # A long command may go on with the same act in its next transaction.
    with history.context(person=7, municipality=whole.place.pk, page="/import/"):
        for name in ("Fyra", "Fem"):
            with scope(whole.place.pk):
                Unit.objects.filter(pk=unit.pk).update(name=name)
    with scope(whole.place.pk):
        assert [act.page for act in history.acts(Unit.objects.get(pk=unit.pk))][:2] == ["/import/", "/x/"]


def test_an_owner_cannot_rewrite_a_finished_act_by_a_slip_either(own_database):
    whole = everything("Sjöstad")
    with scope(whole.place.pk), history.context(person=7, municipality=whole.place.pk):
        Unit.objects.filter(pk=whole.row(Unit).pk).update(name="Ett")
    with as_owner():
        assert "not told anew" in refused("UPDATE pghistory_context SET metadata = '{}'")


def hardened():
    functions = ask(
        "SELECT p.proname, p.prosecdef, p.proconfig, has_function_privilege('medel_app', p.oid, 'EXECUTE')"
        " FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"
        " AND (p.proname LIKE %s OR p.proname = '_pgh_attach_context')",
        [r"pgtrigger\_%"],
    )
    return len(functions) > 60 and {
        (definer, tuple(config or ()), callable_) for _name, definer, config, callable_ in functions
    } == {(True, ("search_path=public, pg_temp",), False)}


def test_migrating_again_keeps_the_history_hard(own_database):
    assert hardened()
    with as_owner():
        pgtrigger.install()  # what an upgrade of the triggers does: their functions are made anew, soft
        assert not hardened()
    call_command("migrate", verbosity=0)
    assert hardened()
    assert ask("SELECT _pgtrigger_should_ignore('x')") == [(False,)] if _may_ask() else True
    with as_owner(), connection.cursor() as cursor:
        harden(cursor)
        harden(cursor)
    assert hardened()
    whole = everything("Sjöstad")
    with scope(whole.place.pk):
        ask("SELECT set_config('pgtrigger.ignore', '{strategy_unit}', true)")
        assert ask("UPDATE strategy_unit SET name = 'Efter' WHERE id = %s", [whole.row(Unit).pk]) == 1
    assert told(Unit, whole.row(Unit).pk)[-1] == ("update", None)


def _may_ask():
    return ask("SELECT has_function_privilege(current_user, '_pgtrigger_should_ignore(name)', 'EXECUTE')")[0][
        0
    ]


def test_by_its_own_login_the_application_role_forges_nothing(own_database):
    if settings.DATABASE_URL == settings.DATABASE_OWNER_URL:
        pytest.skip("DATABASE_URL is the owner's: there is no login of the application role to try")
    whole = everything("Sjöstad")
    with psycopg.connect(settings.DATABASE_URL, dbname=own_database, autocommit=True) as login:
        for statement in (
            "SET session_replication_role = replica",
            "INSERT INTO strategy_unitevent (pgh_label) VALUES ('insert')",
            "UPDATE pghistory_context SET metadata = '{}'",
            "DELETE FROM projects_projectevent",
            "TRUNCATE projects_projectevent",
            "ALTER TABLE strategy_unit DISABLE TRIGGER ALL",
            "COPY strategy_unitevent FROM STDIN",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported)):
                login.execute(statement)
        with login.transaction():
            login.execute("SET LOCAL pgtrigger.ignore = '{*}'")
            login.execute("SELECT set_config('medel.writes', %s, true)", [str(whole.place.pk)])
            login.execute("SELECT set_config('medel.reads', %s, true)", [f"{{{whole.place.pk}}}"])
            login.execute("UPDATE strategy_unit SET name = 'Utan spår' WHERE id = %s", [whole.row(Unit).pk])
    assert told(Unit, whole.row(Unit).pk)[-1] == ("update", None)


# -- Read -------------------------------------------------------------------------------------------------


@pytest.fixture
def place(db):
    place = factories.municipality()
    with scope(place.pk):
        yield place


def change(place, project, who, **fields):
    with history.context(person=who.pk, municipality=place.pk, page="/andra/", reason="Rättat"):
        for name, value in fields.items():
            setattr(project, name, value)
        project.save()


def test_reading_the_history_takes_as_many_queries_for_five_acts_as_for_one(place):
    who = factories.person(place, "Strateg")
    project = factories.project(place)
    factories.assignment(who, Role.STRATEGIST, place)
    unit = factories.unit(place)
    counts = []
    for number in range(1, 6):
        change(place, project, who, title=f"Titel {number}", owner_unit=unit if number % 2 else None)
        ProjectParty.objects.create(municipality=place, project=project, name=f"Part {number}")
        with CaptureQueriesContext(
            connection,
        ) as captured:
            acts = history.acts(project)
        counts.append((len(acts) > number, len(captured)))
    assert counts == [(True, counts[0][1])] * 5
    assert counts[0][1] <= 12


def test_one_click_is_one_act_with_the_parts_on_the_whole(place):
    who = factories.person(place, "Strateg")
    project = factories.project(place)
    with history.context(person=who.pk, municipality=place.pk, page="/projekt/1/andra/", reason="Nytt avtal"):
        project.role = ProjectRole.PARTNER
        project.save()
        party = ProjectParty.objects.create(municipality=place, project=project, name="Nässjö kommun")
    with history.context(person=who.pk, municipality=place.pk, page="/projekt/1/andra/"):
        party.delete()
    # All of a test is one moment; in the register each act is one of its own.
    added, removed, _registered = sorted(
        history.acts(project), key=lambda act: (act.reason == "", act.kind == "created")
    )
    assert (added.who, added.page, added.reason, added.kind) == (
        "Strateg",
        "/projekt/1/andra/",
        "Nytt avtal",
        "changed",
    )
    assert [(d.before, d.after) for d in added.differences] == [
        ("", str(ProjectRole.PARTNER.label)),
        ("", "Nässjö kommun"),
    ]
    assert [(bool(d.part), d.before, d.after) for d in removed.differences] == [(True, "Nässjö kommun", "")]


def test_who_is_not_known_here_is_told_as_such(place):
    other = factories.municipality("Bergstad")
    with scope(other.pk):
        stranger = factories.person(other, "Någon annan")
    project = factories.project(place)
    Project.objects.filter(pk=project.pk).update(note="Två")
    change(place, project, stranger, note="Ett")
    with history.context(person=stranger.pk, municipality=None, page="/x/"):
        Project.objects.filter(pk=project.pk).update(note="Tre")
    assert sorted(act.who for act in history.acts(project)) == sorted(
        [
            _("somebody in another municipality"),  # who
            _("the system"),
            _("somebody in another municipality"),  # where
            _("the system"),
        ]
    )


def test_who_was_made_anonymous_is_no_longer_named_anywhere_in_the_history(place):
    who = factories.person(place, "Alva Bergströmsson", title="Handläggare", phone="036-10 00 00")
    project = factories.project(place)
    change(place, project, who, note="Ett")
    assert history.acts(project)[0].who == "Alva Bergströmsson"
    with history.context(person=who.pk, municipality=place.pk):
        who.name, who.title, who.phone, who.email = "Anonymised", "", "", "nobody@example.org"
        who.made_anonymous_on = factories.TODAY
        who.save()
    act = history.acts(project)[0]
    assert (act.who, act.person_id) == ("Anonymised", who.pk)
    with as_owner():
        for model in [*event_models(), apps.get_model("pghistory", "Context")]:
            table = model._meta.db_table
            assert ask(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%%Bergströmsson%%'") == [(0,)], (
                table
            )


def test_walls_are_the_same_for_rows_and_their_history():
    assert all(isinstance(getattr(model, "wall", None), Wall) for model in tracked_models())
