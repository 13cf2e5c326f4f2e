"""The second wall, asked by raw queries as the application role: what a municipality has is its own."""

from __future__ import annotations

import threading

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection, models, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from projects.models import Funder, Programme, Project, ProjectParty, ProjectShare, ProjectUnit
from projects.registry import take_register_numbers
from strategy import jobs
from strategy.hardening import event_models, harden, walled_models
from strategy.management.commands.migrate import as_owner
from strategy.models import Account, Assignment, Message, Municipality, Person, Role, Unit
from strategy.walls import WITHOUT_WALL, Wall, scope
from tests import factories
from tests.everything import everything

# What every municipality may read of another: its name, members and population; and no more.
PUBLIC = {Wall.MUNICIPALITY, Wall.OF_MUNICIPALITY}


def ask(sql, params=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def refused(sql, params=()):
    """The sentence of the database with which it refuses."""
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        ask(sql, params)
        ask("SET CONSTRAINTS ALL IMMEDIATE")
    return str(error.value)


def settings_now():
    return ask(
        "SELECT current_setting('medel.writes', true), current_setting('medel.reads', true),"
        " current_setting('medel.person', true), current_setting('medel.installation', true)"
    )[0]


def own_models():
    return [
        model for model in apps.get_models() if model._meta.app_label in {"strategy", "projects", "reporting"}
    ]


def walls():
    return [pytest.param(model, wall, id=model.__name__) for model, wall in walled_models()]


@pytest.fixture
def two():
    """Two municipalities with everything; neither shares with the other."""
    return everything("Sjöstad"), everything("Bergstad")


# -- Every table has a wall, or a reason ------------------------------------------------------------------


@pytest.mark.django_db
def test_tests_run_as_the_application_role():
    assert ask("SELECT current_user") == [("medel_app",)]


@pytest.mark.django_db
def test_every_table_has_a_wall_or_stands_in_the_list_of_those_without():
    tables = dict(
        ask(
            "SELECT c.relname, c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)"
            " FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'f')"
        )
    )
    assert {table for table, walled in tables.items() if not walled} == set(WITHOUT_WALL)
    assert all(len(reason) > 10 for reason in WITHOUT_WALL.values())


@pytest.mark.django_db
def test_every_model_of_our_own_declares_its_wall():
    assert [
        model.__name__
        for model in own_models()
        if not isinstance(getattr(model, "wall", None), Wall) and model not in event_models()
    ] == []


@pytest.mark.django_db
def test_no_view_reads_past_the_wall():
    assert (
        ask(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
        )
        == []
    )


@pytest.mark.django_db
def test_event_tables_have_a_policy_for_reading_alone():
    tables = [model._meta.db_table for model in event_models()] + ["pghistory_context"]
    found = ask(
        "SELECT c.relname, string_agg(p.polcmd::text, '') FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
        " WHERE c.relname = ANY (%s) GROUP BY 1",
        [tables],
    )
    assert dict(found) == dict.fromkeys(tables, "r")


def references():
    """Every foreign key from a municipality's row to something that belongs to a municipality, or to a person."""
    for model in own_models():
        names = {field.name for field in model._meta.concrete_fields}
        if "municipality" not in names or model in event_models():
            continue
        for field in model._meta.concrete_fields:
            target = field.related_model
            if not field.is_relation or target is Municipality:
                continue
            if target is Person or "municipality" in {f.name for f in target._meta.concrete_fields}:
                yield model, field


# The door by which a person known elsewhere comes in; nobody sees the person before.
# A step is refused already by where the project stands.
BEHIND_THE_WALL = "row-level security|the project stands elsewhere"
DOORS = {("Assignment", "person")}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "field"), [pytest.param(m, f, id=f"{m.__name__}.{f.name}") for m, f in references()]
)
def test_every_reference_is_held_to_its_municipality_by_the_database(model, field):
    table = model._meta.db_table
    composite = ask(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass"
        " AND array_length(conkey, 1) = 2"
        " AND (SELECT attnum FROM pg_attribute WHERE attrelid = conrelid AND attname = %s) = ANY (conkey)",
        [table, field.column],
    )
    trigger = ask(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND (tgname LIKE %s OR tgname LIKE %s)"
        " AND tgenabled = 'O'",
        [table, rf"pgtrigger\_{field.name}\_is\_shared%", rf"pgtrigger\_{field.name}\_works\_here%"],
    )
    if (model.__name__, field.name) in DOORS:
        assert (composite, trigger) == ([], [])
    else:
        assert len(composite) + len(trigger) >= 1


# -- Without a scope nothing is seen, nothing is written --------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "wall"), walls())
def test_without_a_scope_nothing_is_seen_and_nothing_written(model, wall):
    whole = everything("Sjöstad")
    table, row = model._meta.db_table, whole.row(model)
    with scope(whole.place.pk):
        assert ask(f"SELECT count(*) FROM {table} WHERE id = %s", [row.pk]) == [(1,)]
    # Accounts alone are looked up before a municipality is known.
    public = wall in PUBLIC or wall is Wall.ACCOUNT
    assert ask(f"SELECT count(*) FROM {table} WHERE id = %s", [row.pk]) == [(int(public),)]
    if wall is Wall.ACCOUNT:
        return
    assert ask(f"UPDATE {table} SET id = id WHERE id = %s", [row.pk]) == 0
    assert ask(f"DELETE FROM {table} WHERE id = %s", [row.pk]) == 0
    row.pk = None
    with pytest.raises(DatabaseError, match=BEHIND_THE_WALL), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.django_db
def test_history_is_not_seen_without_a_scope_nor_from_another_municipality(two):
    here, there = two
    for model in event_models():
        tracked = model.pgh_tracked_model  # type: ignore[attr-defined]
        count = f"SELECT count(*) FROM {model._meta.db_table} WHERE pgh_obj_id = %s"
        key = [here.row(tracked).pk]
        public = tracked.wall in PUBLIC
        with scope(here.place.pk):
            seen_here = ask(count, key)[0][0] > 0
        with scope(there.place.pk):
            seen_there = ask(count, key)[0][0] > 0
        seen_without = ask(count, key)[0][0] > 0
        expected = (True, public, public)
        assert (model.__name__, seen_here, seen_there, seen_without) == (model.__name__, *expected)


# -- From another municipality ----------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "wall"), walls())
def test_rows_of_another_municipality_are_neither_seen_nor_touched(two, model, wall):
    here, there = two
    table, row = model._meta.db_table, there.row(model)
    with scope(here.place.pk, person=here.row(Person).pk):
        assert ask(f"SELECT count(*) FROM {table} WHERE id = %s", [row.pk]) == [(int(wall in PUBLIC),)]
        assert ask(f"UPDATE {table} SET id = id WHERE id = %s", [row.pk]) == 0
        assert ask(f"DELETE FROM {table} WHERE id = %s", [row.pk]) == 0
        key, row.pk = row.pk, None
        with pytest.raises(DatabaseError, match=BEHIND_THE_WALL), transaction.atomic():
            row.save(force_insert=True)
        row.pk = key
    # Reading another municipality (a joint list) is not writing there.
    with scope(here.place.pk, reads=[there.place.pk]):
        assert ask(f"SELECT count(*) FROM {table} WHERE id = %s", [key]) == [(1,)]
        if wall is not Wall.ACCOUNT:
            assert ask(f"UPDATE {table} SET id = id WHERE id = %s", [key]) == 0
            assert ask(f"DELETE FROM {table} WHERE id = %s", [key]) == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "model",
    [
        pytest.param(model, id=model.__name__)
        for model, wall in walled_models()
        if wall not in {Wall.MUNICIPALITY, Wall.PERSON, Wall.ACCOUNT}
    ],
)
def test_a_row_never_moves_to_another_municipality(two, model):
    here, there = two
    with scope(here.place.pk, reads=[there.place.pk]):
        said = refused(
            f"UPDATE {model._meta.db_table} SET municipality_id = %s WHERE id = %s",
            [there.place.pk, here.row(model).pk],
        )
    assert "Cannot update" in said or "row-level security" in said


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "field"),
    [
        pytest.param(m, f, id=f"{m.__name__}.{f.name}")
        for m, f in references()
        if (m.__name__, f.name) not in DOORS
    ],
)
def test_a_reference_to_a_row_of_another_municipality_is_refused(two, model, field):
    here, there = two
    row = here.row(model)
    foreign = (there.board if field.name == "board" else there.row(field.related_model)).pk
    with scope(here.place.pk, reads=[there.place.pk]):  # even where the other's rows may be read
        said = refused(
            f"UPDATE {model._meta.db_table} SET {field.column} = %s WHERE id = %s", [foreign, row.pk]
        )
    assert any(
        words in said
        for words in (
            "foreign key constraint",
            "belongs to another municipality",
            "has no assignment",
            "Cannot update rows",
            "Cannot update or delete rows",
        )
    )


@pytest.mark.django_db
def test_own_rows_beside_reference_data_of_the_installation(two):
    here, _there = two
    with scope(installation=True):
        shared = Funder.objects.create(name="Vinnova i provet")
        Programme.objects.create(name="Program i provet", funder=shared)
    assert ask("SELECT count(*) FROM projects_funder WHERE id = %s", [shared.pk]) == [(1,)]
    with scope(here.place.pk):
        assert (
            ask("UPDATE projects_project SET funder_id = %s WHERE id = %s", [shared.pk, here.row(Project).pk])
            == 1
        )
        assert ask("UPDATE projects_funder SET name = 'Vårt' WHERE id = %s", [shared.pk]) == 0
        assert "row-level security" in refused(
            "INSERT INTO projects_funder (name, kind, version) VALUES ('Allas', '', 1)"
        )
    with scope(installation=True):
        # Programmes of the installation name funders of the installation.
        said = refused(
            "UPDATE projects_programme SET funder_id = %s WHERE municipality_id IS NULL",
            [here.row(Funder).pk],
        )
    assert "belongs to another municipality" in said


# -- People -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_person_is_seen_where_assigned_or_registered_and_by_himself(two):
    here, there = two
    who = here.row(Person)
    with scope(there.place.pk):
        assert list(Person.objects.filter(pk=who.pk)) == []
        # What invites somebody known elsewhere learns the key alone.
        assert ask("SELECT medel_person_with_address(%s)", [who.email.upper()]) == [(who.pk,)]
    with scope(person=who.pk):
        assert list(Person.objects.values_list("pk", flat=True)) == [who.pk]
        assert list(Assignment.objects.all()) == []
    with scope(there.place.pk):
        factories.assignment(Person(pk=who.pk), Role.READER, there.place)
        assert list(Person.objects.filter(pk=who.pk)) == [who]
        assert list(Assignment.objects.filter(person=who).values_list("municipality", flat=True)) == [
            there.place.pk
        ]
    assert sorted(ask("SELECT medel_municipalities_of(%s, %s)", [who.pk, factories.TODAY])) == sorted(
        [(here.place.pk,), (there.place.pk,)]
    )


@pytest.mark.django_db
def test_inside_a_municipality_only_its_peoples_accounts_are_there(two):
    here, there = two
    with scope(here.place.pk):
        assert list(Account.objects.values_list("pk", flat=True)) == [here.row(Account).pk]
    # The login page: before any municipality is known.
    with scope():
        assert Account.objects.filter(pk__in=[here.row(Account).pk, there.row(Account).pk]).count() == 2


# -- A project shared with another municipality -----------------------------------------------------------


@pytest.mark.django_db
def test_a_shared_project_is_read_by_the_other_written_by_its_owner_and_gone_when_unshared():
    guest = factories.municipality("Gäst")
    whole = everything("Sjöstad", shared_with=guest)
    project, share = whole.row(Project), whole.row(ProjectShare)
    parts = (whole.row(ProjectUnit), whole.row(ProjectParty))

    def seen():
        return (
            Project.objects.filter(pk=project.pk).exists(),
            *(type(part)._base_manager.filter(pk=part.pk).exists() for part in parts),
        )

    with scope(guest.pk):
        assert seen() == (True, True, True)
        for row in (project, *parts):
            assert ask(f"UPDATE {row._meta.db_table} SET id = id WHERE id = %s", [row.pk]) == 0
            assert ask(f"DELETE FROM {row._meta.db_table} WHERE id = %s", [row.pk]) == 0
        # The owner's unit, people, files and history stay at home.
        assert list(Unit.objects.filter(pk=project.owner_unit_id)) == []
        assert list(Person.objects.filter(pk=project.project_manager_id)) == []
        assert list(project.events.all()) == []
        # The guest adds its own unit, role and share, and neither shares further nor ends the sharing.
        own = factories.unit(guest, "Kommunledningskontoret")
        assert ask("UPDATE projects_projectshare SET unit_id = %s WHERE id = %s", [own.pk, share.pk]) == 1
        assert ask("DELETE FROM projects_projectshare WHERE id = %s", [share.pk]) == 0
        assert "foreign key" in refused(
            "UPDATE projects_projectshare SET unit_id = %s WHERE id = %s", [project.owner_unit_id, share.pk]
        )
        assert "Cannot update rows" in refused(
            "UPDATE projects_projectshare SET owner_municipality_id = %s WHERE id = %s", [guest.pk, share.pk]
        )
    with scope(whole.place.pk):
        assert ask("DELETE FROM projects_projectshare WHERE id = %s", [share.pk]) == 1
    with scope(guest.pk):
        assert seen() == (False, False, False)


@pytest.mark.django_db
def test_nobody_shares_anothers_project_with_himself(two):
    here, there = two
    insert = (
        "INSERT INTO projects_projectshare (owner_municipality_id, municipality_id, project_id, role, co_financing,"
        " own_share_currency, own_share_approximate, version) VALUES (%s, %s, %s, '', '', 'SEK', false, 1)"
    )
    with scope(here.place.pk):
        foreign = there.row(Project).pk
        assert "row-level security" in refused(insert, [there.place.pk, here.place.pk, foreign])
        # Nor as if the project were his.
        other = factories.municipality("Tredje")
    with scope(here.place.pk):
        assert "foreign key" in refused(insert, [here.place.pk, other.pk, foreign])


# -- Mail and numbers -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_mail_about_a_login_is_read_by_the_installations_own_work_alone(two):
    here, _there = two
    with scope(installation=True):
        mail = Message.objects.create(
            recipient="a@example.org", subject="Nytt lösenord", body="engångsadress"
        )
        assert Message.objects.filter(pk=mail.pk).exists()
    with scope(here.place.pk, person=here.row(Person).pk):
        assert not Message.objects.filter(pk=mail.pk).exists()
    assert not Message.objects.filter(pk=mail.pk).exists()


@pytest.mark.django_db
def test_register_numbers_are_taken_in_the_own_municipality_alone_and_never_set_back(two):
    here, there = two
    with scope(here.place.pk):
        first, second = take_register_numbers(here.place, 2031, 2)
        assert (first, second) == (1, 2)
        sequence = f"register_numbers_{here.place.pk}_2031"
        assert "permission denied" in refused("SELECT setval(%s, 1)", [sequence])
        assert "own municipality" in refused(f"SELECT medel_take_register_numbers({there.place.pk}, 2031, 1)")
        # A temporary sequence of the same name counts for nobody.
        ask(f"CREATE TEMPORARY SEQUENCE register_numbers_{here.place.pk}_2032 START 700")
        assert take_register_numbers(here.place, 2032, 1) == [1]
    assert "own municipality" in refused(f"SELECT medel_take_register_numbers({here.place.pk}, 2031, 1)")


@pytest.mark.django_db
def test_no_sequence_is_set_by_the_application_role():
    assert (
        ask(
            "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"
            " AND has_sequence_privilege('public.' || quote_ident(sequencename), 'UPDATE')"
        )
        == []
    )


# -- The scope ends with its transaction ------------------------------------------------------------------


@pytest.mark.django_db
def test_scopes_nest_and_each_gives_back_what_stood_before(two):
    here, there = two
    with scope(here.place.pk, person=7):
        outside = settings_now()
        with scope(there.place.pk, reads=[here.place.pk]):
            assert settings_now() == (str(there.place.pk), f"{{{here.place.pk},{there.place.pk}}}", "", "")
            with scope():
                assert settings_now() == ("", "{}", "", "")
                assert list(Unit.objects.all()) == []
            assert Unit.objects.exists()
        assert settings_now() == outside == (str(here.place.pk), f"{{{here.place.pk}}}", "7", "")
        with pytest.raises(ZeroDivisionError), scope(there.place.pk):
            raise ZeroDivisionError
        assert settings_now() == outside


def test_after_commit_and_after_rollback_the_connection_sees_nothing(own_database):
    whole = everything("Sjöstad")
    with scope(whole.place.pk):
        assert Unit.objects.exists()
    # A second transaction on the same connection.
    backend = connection.connection.info.backend_pid
    assert all(value in ("", None) for value in settings_now())
    assert list(Unit.objects.all()) == []
    with pytest.raises(ZeroDivisionError), scope(whole.place.pk):
        raise ZeroDivisionError
    assert all(value in ("", None) for value in settings_now())
    with pytest.raises((DatabaseError, TransactionManagementError)), scope(whole.place.pk):
        ask("SELECT 1/0")
    assert all(value in ("", None) for value in settings_now())
    assert list(Project.objects.all()) == []
    assert connection.connection.info.backend_pid == backend


def test_nobody_waits_for_anothers_long_import_to_get_a_register_id(own_database, monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "FILES_DIR", tmp_path)
    place = factories.municipality("Sjöstad")
    year = timezone.localdate().year
    jobs.nightly_sweep.func(timestamp=0)
    taken = []

    def other():
        try:
            with scope(place.pk):
                ask("SET LOCAL lock_timeout = '2s'")
                taken.append(take_register_numbers(place, year, 1))
        finally:
            connection.close()

    with scope(place.pk):
        assert take_register_numbers(place, year, 3) == [1, 2, 3]  # an import that has not committed yet
        second = threading.Thread(target=other)
        second.start()
        second.join()
    assert taken == [[4]]


# -- With the application role's own login ----------------------------------------------------------------


@pytest.fixture
def login(own_database):
    """A connection as the web makes it in operation: nothing to step back up to."""
    if settings.DATABASE_URL == settings.DATABASE_OWNER_URL:
        pytest.skip("DATABASE_URL is the owner's: there is no login of the application role to try")
    with psycopg.connect(settings.DATABASE_URL, dbname=own_database, autocommit=True) as connected:
        yield connected


ATTEMPTS = [
    "SET ROLE medel_owner",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION medel_owner",
    "SET session_replication_role = replica",
    "ALTER ROLE medel_app BYPASSRLS",
    "ALTER TABLE projects_project DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE projects_project DISABLE TRIGGER ALL",
    "ALTER TABLE projects_project OWNER TO medel_app",
    "DROP POLICY medel_select ON projects_project",
    "CREATE POLICY mine ON projects_project FOR SELECT TO medel_app USING (true)",
    "CREATE TABLE public.mine (id int)",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION public.medel_reads() RETURNS bigint[] LANGUAGE sql AS $$ SELECT '{1}'::bigint[] $$",
    "CREATE VIEW public.mine AS SELECT 1",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION dblink",
    "CREATE TRIGGER mine BEFORE INSERT ON projects_project EXECUTE FUNCTION medel_is_never_emptied()",
    "CREATE RULE mine AS ON INSERT TO projects_project DO INSTEAD NOTHING",
    "TRUNCATE projects_project CASCADE",
    "COPY projects_project FROM STDIN",
    "COPY projects_project TO PROGRAM 'cat'",
    "UPDATE django_migrations SET name = name",
]


@pytest.mark.parametrize("statement", ATTEMPTS)
def test_the_application_role_cannot_take_the_wall_down(login, statement):
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported)):
        login.execute(statement)


def test_resetting_the_role_changes_nothing_for_the_application_role(login):
    whole = everything("Sjöstad")
    for statement in (
        "RESET ROLE",
        "SET ROLE NONE",
        "RESET SESSION AUTHORIZATION",
        "RESET ALL",
        "DISCARD ALL",
    ):
        login.execute(statement)
        assert login.execute("SELECT current_user, session_user").fetchone() == ("medel_app", "medel_app")
        assert login.execute("SELECT count(*) FROM projects_project").fetchone() == (0,)
    # Asking to pass the wall is an error, not a way past it.
    login.execute("SET row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match=BEHIND_THE_WALL):
        login.execute("SELECT count(*) FROM projects_project")
    login.execute("RESET row_security")
    with login.transaction():
        login.execute("SELECT set_config('medel.reads', %s, true)", [f"{{{whole.place.pk}}}"])
        assert login.execute("SELECT count(*) FROM projects_project").fetchone() == (1,)
    assert login.execute("SELECT count(*) FROM projects_project").fetchone() == (0,)


def test_copying_out_gives_the_own_rows_alone(login):
    here, there = everything("Sjöstad"), everything("Bergstad")
    with login.transaction():
        login.execute("SELECT set_config('medel.reads', %s, true)", [f"{{{here.place.pk}}}"])
        with login.cursor().copy("COPY (SELECT municipality_id FROM projects_project) TO STDOUT") as copy:
            rows = {row[0] for row in copy.rows()}
    assert rows == {str(here.place.pk)}
    assert str(there.place.pk) not in rows


def test_a_function_of_ones_own_is_not_shown_the_others_rows(login):
    here, there = everything("Sjöstad"), everything("Bergstad")
    heard = []
    login.add_notice_handler(lambda notice: heard.append(notice.message_primary))
    login.execute(
        "CREATE FUNCTION pg_temp.tell(bigint) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
        " $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
    )
    with login.transaction():
        login.execute("SELECT set_config('medel.reads', %s, true)", [f"{{{here.place.pk}}}"])
        login.execute("SELECT * FROM projects_project WHERE pg_temp.tell(municipality_id)")
    assert set(heard) == {str(here.place.pk)}
    assert str(there.place.pk) not in heard


def test_functions_with_the_owners_rights_are_called_by_who_needs_them(login):
    found = login.execute(
        "SELECT p.proname, has_function_privilege('public', p.oid, 'EXECUTE'),"
        " has_function_privilege('medel_app', p.oid, 'EXECUTE') FROM pg_proc p"
        " WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace"
    ).fetchall()
    assert [name for name, everybody, _application in found if everybody] == []
    assert sorted(name for name, _everybody, application in found if application) == [
        "medel_municipalities_of",
        "medel_person_with_address",
        "medel_prepare_register_numbers",
        "medel_take_register_numbers",
        "medel_unit_may_own",
    ]


@pytest.mark.django_db
def test_raising_the_walls_again_changes_nothing():
    def standing():
        return ask(
            "SELECT polrelid::regclass::text, polname, polcmd::text, pg_get_expr(polqual, polrelid),"
            " pg_get_expr(polwithcheck, polrelid) FROM pg_policy ORDER BY 1, 2"
        )

    before = standing()
    with as_owner(), connection.cursor() as cursor:
        harden(cursor)
        harden(cursor)
    assert standing() == before
    assert ask("SELECT current_user") == [("medel_app",)]


def test_models_of_the_wall_are_walked_by_these_tests():
    # A test that goes through an empty list proves nothing.
    assert len(walled_models()) >= 20
    assert len(list(references())) >= 15
    assert all(issubclass(model, models.Model) for model, _wall in walled_models())
