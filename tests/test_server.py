"""The project's own PostgreSQL server, in a directory made for these tests."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config import backups, server

needs_postgresql = pytest.mark.skipif(not server.programs(), reason="PostgreSQL is not on this machine.")


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """A checkout with the server set up. Not in pytest's directory: the user postgres may not enter that."""
    directory = Path(tempfile.mkdtemp(prefix="medel-test-"))
    directory.chmod(0o711)
    assert server.prepare(directory)
    yield directory.resolve()
    server.stop(directory)
    shutil.rmtree(directory)


@pytest.fixture
def started(base: Path) -> Iterator[Path]:
    server.start(base)
    yield base
    server.stop(base)


def wait_until_gone(number: int) -> None:
    while Path(f"/proc/{number}").exists():
        try:
            if os.waitpid(number, os.WNOHANG)[0]:
                return
        except ChildProcessError:
            pass
        time.sleep(0.02)


# --- Set up ---------------------------------------------------------------------------------------------


@needs_postgresql
def test_setting_up_again_changes_nothing(base: Path) -> None:
    before = (base / "var" / "secrets.json").read_text()

    assert server.prepare(base) is False
    assert (base / "var" / "secrets.json").read_text() == before


@needs_postgresql
def test_the_secrets_are_for_their_owner_alone(base: Path) -> None:
    path = base / "var" / "secrets.json"

    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(server.secrets(base)) == ["medel_app", "medel_owner", "postgres", "secret_key"]
    assert server.secret_key(base) == server.secrets(base)["secret_key"]


@needs_postgresql
def test_the_database_sorts_in_swedish(started: Path) -> None:
    sorted_words = server.ask(
        started, "SELECT string_agg(w, '' ORDER BY w) FROM unnest('{ö,ä,å,z,a}'::text[]) w"
    )

    assert sorted_words == [["azåäö"]]
    assert server.own_problem(started) is None


@needs_postgresql
def test_the_roles_have_no_more_rights_than_they_need(started: Path) -> None:
    found = server.ask(
        started,
        "SELECT rolname, rolcanlogin, rolcreatedb, rolsuper, rolbypassrls, rolcreaterole "
        "FROM pg_roles WHERE rolname LIKE 'medel%' ORDER BY rolname",
    )

    assert found == [["medel_app", "t", "f", "f", "f", "f"], ["medel_owner", "t", "t", "f", "f", "f"]]


@needs_postgresql
def test_the_server_listens_on_its_socket_alone(started: Path) -> None:
    assert server.ask(started, "SHOW listen_addresses") == [[""]]


@needs_postgresql
def test_a_wrong_password_is_refused(started: Path) -> None:
    address = server.own_address(started, server.APPLICATION)
    wrong = address.replace(server.secrets(started)[server.APPLICATION], "wrong")

    with pytest.raises(server.ServerError, match="password authentication failed"):
        server.ask_at(wrong, "SELECT 1", server.binaries(started))


@needs_postgresql
def test_the_application_may_use_the_owners_tables_and_own_none(started: Path) -> None:
    server.ask(started, "CREATE TABLE first_table (id serial, name text)", role=server.OWNER)
    server.ask(started, "INSERT INTO first_table (name) VALUES ('Ä')", role=server.APPLICATION)

    assert server.ask(started, "SELECT name FROM first_table", role=server.APPLICATION) == [["Ä"]]
    for forbidden in ("DROP TABLE first_table", "TRUNCATE first_table", "CREATE TABLE mine (id int)"):
        with pytest.raises(server.ServerError, match=r"permission denied|must be owner"):
            server.ask(started, forbidden, role=server.APPLICATION)
    server.ask(started, "DROP TABLE first_table", role=server.OWNER)


@needs_postgresql
def test_a_database_made_by_the_owner_has_the_same_rights(started: Path) -> None:
    server.ask(started, "CREATE DATABASE test_copy", role=server.OWNER)
    server.ask(started, "CREATE TABLE second_table (id int)", "test_copy", server.OWNER)

    assert server.ask(started, "SELECT count(*) FROM second_table", "test_copy", server.APPLICATION) == [
        ["0"]
    ]
    server.ask(started, "DROP DATABASE test_copy", role=server.OWNER)


@needs_postgresql
def test_the_owner_may_step_down_to_the_application(started: Path) -> None:
    assert server.ask(started, "SET ROLE medel_app; SELECT current_user", role=server.OWNER) == [
        ["medel_app"]
    ]


@needs_postgresql
def test_lost_secrets_are_made_anew_and_the_data_stay(started: Path) -> None:
    server.ask(started, "CREATE TABLE kept AS SELECT 1 AS n")
    (started / "var" / "secrets.json").unlink()

    assert server.prepare(started) is True
    assert server.ask(started, "SELECT n FROM kept") == [["1"]]
    server.ask(started, "DROP TABLE kept")


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root runs the server as somebody else.")
@needs_postgresql
def test_a_checkout_closed_to_the_servers_user_has_its_data_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    elsewhere = Path(tempfile.mkdtemp(prefix="medel-test-"))
    monkeypatch.setattr(server, "ELSEWHERE", elsewhere)
    try:
        server.prepare(closed)
        with server.in_use(closed):
            assert server.ask(closed, "SELECT 1") == [["1"]]
        assert server.place(closed).parent == elsewhere
        assert not (closed / "var" / "postgres").exists()
    finally:
        shutil.rmtree(elsewhere)


# --- Start and stop -------------------------------------------------------------------------------------


@needs_postgresql
def test_the_last_to_leave_stops_the_server(base: Path) -> None:
    with server.in_use(base) as first:
        with server.in_use(base) as second:
            assert (first, second) == (True, False)
        assert server.running(base)

    assert not server.running(base)


@needs_postgresql
def test_a_server_that_was_asked_to_stay_stays(base: Path) -> None:
    with server.in_use(base):
        server.keep(base)
    assert server.running(base)

    assert server.stop(base)
    assert not server.running(base)


@needs_postgresql
def test_a_server_in_use_is_not_stopped_for_work_that_needs_it_alone(base: Path) -> None:
    with server.in_use(base), pytest.raises(server.ServerError, match="stop make run and make test first"):
        server.stop_unused(base)


@needs_postgresql
def test_a_killed_server_starts_again_with_everything_committed(base: Path) -> None:
    server.start(base)
    server.ask(base, "CREATE TABLE committed AS SELECT 7 AS n")
    number = server.postmaster(base)
    assert number is not None
    os.kill(number, signal.SIGKILL)
    wait_until_gone(number)

    assert not server.running(base)
    with server.in_use(base):
        assert server.ask(base, "SELECT n FROM committed") == [["7"]]
        server.ask(base, "DROP TABLE committed")


@needs_postgresql
def test_a_process_file_that_names_a_stranger_is_not_believed(base: Path) -> None:
    data = server.data_directory(base)
    assert data is not None
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")

    assert not server.running(base)
    with server.in_use(base):
        assert server.running(base)


# --- Places and addresses -------------------------------------------------------------------------------


def test_before_the_set_up_there_are_no_addresses(tmp_path: Path) -> None:
    assert server.addresses(tmp_path) is None
    assert server.secret_key(tmp_path) is None
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("address", "bare", "password"),
    [
        ("postgresql://a:b%40c@h:5432/d", "postgresql://a@h:5432/d", "b@c"),
        ("postgresql://a:b@/d?host=%2Fs", "postgresql://a@/d?host=%2Fs", "b"),
        ("postgresql://h/d?password=x&sslmode=require", "postgresql://h/d?sslmode=require", "x"),
        ("postgresql:///d", "postgresql:///d", ""),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, bare: str, password: str) -> None:
    assert server.without_password(address) == (bare, password)


@pytest.mark.parametrize(
    ("directory", "fits"),
    [
        ("/srv/medel/var/postgres/run", True),
        ("/srv/å", False),
        ("/srv/a,b", False),
        ("/" + "x" * 92, True),
        ("/" + "x" * 93, False),
    ],
)
def test_a_socket_lies_where_its_path_is_short_and_plain(directory: str, fits: bool) -> None:
    assert server._fits(Path(directory)) is fits


def test_where_the_data_lie_is_not_believed_of_a_copied_checkout(tmp_path: Path) -> None:
    original, copy, moved = tmp_path / "original", tmp_path / "copy", tmp_path / "moved"
    (original / "var").mkdir(parents=True)
    server._record(original / "var" / "postgres.location", original, tmp_path / "data")
    shutil.copytree(original, copy)

    assert server.place(original) == tmp_path / "data"
    assert server.place(copy) == copy / "var" / "postgres"
    original.rename(moved)
    assert server.place(moved) == tmp_path / "data"


# --- What does not fit ----------------------------------------------------------------------------------


MADE_BY_16 = "The database was made with PostgreSQL 16"


@pytest.fixture
def made_by_16(tmp_path: Path) -> Path:
    data = tmp_path / "var" / "postgres" / "16"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    return tmp_path


@pytest.mark.parametrize(
    ("majors", "sentence"),
    [
        (
            [15],
            f"{MADE_BY_16}, which this machine does not have: install postgresql-16.",
        ),
        (
            [15, 17],
            (f"{MADE_BY_16}, but this machine now has PostgreSQL 17: run make db-upgrade."),
        ),
    ],
)
def test_a_data_directory_of_another_version_is_said_in_one_sentence(
    made_by_16: Path, monkeypatch: pytest.MonkeyPatch, majors: list[int], sentence: str
) -> None:
    monkeypatch.setattr(server, "programs", lambda: {major: Path("/nowhere") for major in majors})

    with pytest.raises(server.ServerError) as refused:
        server.binaries(made_by_16)
    assert str(refused.value) == sentence


def test_without_postgresql_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "programs", dict)

    with pytest.raises(server.ServerError) as refused:
        server.binaries(tmp_path)
    assert str(refused.value) == (
        "PostgreSQL 15 or newer is missing: install it (on Debian: apt-get install postgresql), "
        "or set DATABASE_URL to a database that runs elsewhere."
    )


class Answering:
    """A cursor of some other server."""

    def __init__(self, *row: str) -> None:
        self.row = row
        self.asked = ""

    def execute(self, query: str, /) -> object:
        self.asked = query
        return self

    def fetchall(self) -> Sequence[Sequence[object]]:
        return [self.row] if self.asked == server.STATE_QUERY else [self.row[:1]]


OPTIONS = (
    "create the database with ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'sv-SE' TEMPLATE template0."
)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (("170002", "UTF8", "i", "sv-SE", "153.1", "153.1", ""), None),
        (("150018", "UTF8", "i", "sv", "153.1", "153.1", ""), None),
        (
            ("140001", "UTF8", "c", "", "", "", ""),
            (
                "The database server is PostgreSQL 14, but 15 or newer is needed: "
                "upgrade it, or set DATABASE_URL to another."
            ),
        ),
        (
            ("150018", "LATIN1", "i", "sv-SE", "", "", ""),
            f"The database's encoding is LATIN1, but UTF8 is needed: {OPTIONS}",
        ),
        (
            ("150018", "UTF8", "c", "", "2.36", "2.36", ""),
            f"The database does not sort in Swedish by ICU (sv-SE): {OPTIONS}",
        ),
        (
            ("150018", "UTF8", "i", "sv-SE", "153.1", "157.2", ""),
            (
                "The rules by which the database sorts text have changed with the system from version "
                "153.1 to 157.2 and its indexes may be wrong: run make db-upgrade."
            ),
        ),
    ],
)
def test_a_database_that_cannot_be_used_is_said_in_one_sentence(
    row: tuple[str, ...], sentence: str | None
) -> None:
    assert server.problem(Answering(*row)) == sentence


# --- Backup and upgrade ---------------------------------------------------------------------------------


@needs_postgresql
def test_a_backup_holds_the_database_and_the_list_of_files_and_seven_are_kept(started: Path) -> None:
    (started / "var" / "files" / "ab").mkdir(parents=True)
    (started / "var" / "files" / "ab" / "abcd").write_bytes(b"12345")
    for day in range(1, 9):
        made = backups.backup(started, started / "var", now=datetime(2026, 1, day, 2, tzinfo=UTC))

    assert (made / "files.txt").read_text() == "5\tab/abcd\n"
    assert [path.name for path in backups.kept(started)] == [
        f"2026-01-0{day}T020000Z" for day in (8, 7, 6, 5, 4, 3, 2)
    ]
    shutil.rmtree(started / "var" / "backup")


@needs_postgresql
def test_a_failed_backup_leaves_nothing_behind(started: Path) -> None:
    with pytest.raises(server.ServerError, match="could not be dumped"):
        backups.backup(started, started / "var", "postgresql://nobody:x@/nothing?host=/nowhere")
    assert list((started / "var" / "backup").iterdir()) == []


@needs_postgresql
def test_a_restored_backup_is_the_database_as_it_was_and_the_present_one_is_kept(started: Path) -> None:
    server.ask(started, "CREATE EXTENSION btree_gist", role=server.OWNER)
    server.ask(started, "CREATE TABLE former AS SELECT 'Ä' AS name", role=server.OWNER)
    made = backups.backup(started, started / "var")
    server.ask(started, "DROP TABLE former")
    server.stop(started)

    aside = backups.restore(started, made)

    with server.in_use(started):
        assert server.ask(started, "SELECT name FROM former", role=server.APPLICATION) == [["Ä"]]
        owners = "SELECT extowner::regrole FROM pg_extension WHERE extname = 'btree_gist'"
        assert server.ask(started, owners) == [["medel_owner"]]
        server.ask(started, "DROP TABLE former; DROP EXTENSION btree_gist")
    assert aside is not None
    assert (aside / "PG_VERSION").exists()


@needs_postgresql
def test_after_a_change_of_collation_the_indexes_are_built_anew(started: Path) -> None:
    server.ask(started, "UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'medel'")
    plan = backups.upgrade_plan(started)
    assert (plan.kind, server.state(started).collation_changed) == ("reindex", True)

    assert backups.upgrade(started, started / "var", plan) is None

    assert server.own_problem(started) is None
    assert backups.upgrade_plan(started).kind == "nothing"


@needs_postgresql
def test_where_both_programs_stand_the_database_moves_to_the_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions are seldom on one machine: the same programs stand for both."""
    directory = Path(tempfile.mkdtemp(prefix="medel-test-"))
    directory.chmod(0o711)
    try:
        server.prepare(directory)
        old = server.data_directory(directory.resolve())
        assert old is not None
        major, programs = int(old.name), server.binaries(directory)
        with server.in_use(directory):
            server.ask(directory, "CREATE TABLE moved AS SELECT 5 AS n", role=server.OWNER)
        monkeypatch.setattr(server, "programs", lambda: {major: programs, major + 1: programs})

        plan = backups.upgrade_plan(directory)
        aside = backups.upgrade(directory, directory / "var", plan)

        assert plan.kind == "dump"
        assert server.data_directory(directory.resolve()) == old.with_name(str(major + 1))
        assert aside is not None
        assert aside.name.startswith(f"{major}.old-")
        with server.in_use(directory):
            assert server.ask(directory, "SELECT n FROM moved", role=server.APPLICATION) == [["5"]]
    finally:
        server.stop(directory)
        shutil.rmtree(directory)


def test_where_the_old_programs_are_gone_the_newest_backup_is_offered_with_its_time(
    made_by_16: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "programs", lambda: {17: Path("/nowhere")})
    with pytest.raises(server.ServerError) as refused:
        backups.upgrade_plan(made_by_16)
    assert str(refused.value) == (
        "The programs of PostgreSQL 16, which made the database, are gone and var/backup holds no backup: "
        "install postgresql-16 beside the new one and run make db-upgrade again."
    )

    for name in ("2026-01-01T020000Z", "2026-01-02T020000Z"):
        (made_by_16 / "var" / "backup" / name).mkdir(parents=True)
        (made_by_16 / "var" / "backup" / name / "database.dump").touch()
    plan = backups.upgrade_plan(made_by_16)

    assert plan == backups.Plan(
        "backup",
        "The programs of PostgreSQL 16 are gone, so the database cannot be read. The newest backup is from "
        "2026-01-02T020000Z: what was entered after it would be missing. Restore it into PostgreSQL 17? "
        "The old directory is kept.",
        made_by_16 / "var" / "backup" / "2026-01-02T020000Z",
    )
