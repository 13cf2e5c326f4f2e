"""Backups of the database, and what is built on them: moving to a newer PostgreSQL, going back.

Standard library only, like config.server. The files themselves are content-addressed and write-once, so a
backup lists them and any later copy of var/files serves it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from config import server
from config.server import ServerError

KEPT = 7


def backup(
    base: Path,
    files: Path,
    url: str | None = None,
    *,
    programs: Path | None = None,
    now: datetime | None = None,
) -> Path:
    """Dump the database and list the stored files in var/backup/<time>; the last seven are kept.

    `files` is the directory that holds var/ or what stands for it. Without `url` the own server, which must
    run; its superuser reads past row-level security. With `url` that database, as its owner. A backup
    stands under its name only when it is whole.
    """
    base = base.resolve()
    directory = programs or (server.binaries(base) if url is None else client_programs())
    time_of = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H%M%SZ")
    backups = base / "var" / "backup"
    with server.only_one(base, "backup"):
        backups.mkdir(parents=True, exist_ok=True)
        backups.chmod(0o700)
        for left in backups.glob(".*"):
            shutil.rmtree(left, ignore_errors=True)
        unfinished = backups / f".{time_of}"
        unfinished.mkdir()
        try:
            _dump(url or server.own_address(base, server.SUPERUSER), directory, unfinished / "database.dump")
            listed = "".join(_stored_files(files / "files"))
            (unfinished / "files.txt").write_text(listed, encoding="utf-8")
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        finished = backups / time_of
        shutil.rmtree(finished, ignore_errors=True)
        unfinished.rename(finished)
        for old in kept(base)[KEPT:]:
            shutil.rmtree(old)
    return finished


def kept(base: Path) -> list[Path]:
    """Finished backups, newest first."""
    backups = base / "var" / "backup"
    if not backups.is_dir():
        return []
    whole = (path for path in backups.iterdir() if path.name[0] != "." and (path / "database.dump").is_file())
    return sorted(whole, reverse=True)


def client_programs() -> Path:
    """The newest pg_dump and psql of this machine; the server may be another machine."""
    for pattern in server.PROGRAMS:
        clients = [path for path in Path("/").glob(pattern.lstrip("/")) if (path / "pg_dump").exists()]
        if clients:
            return max(clients, key=lambda path: int(re.sub(r"\D", "", str(path)) or 0))
    on_path = shutil.which("pg_dump")
    if on_path:
        return Path(on_path).parent
    raise ServerError("pg_dump is missing: install it (on Debian: apt-get install postgresql-client).")


def _dump(url: str, directory: Path, to: Path) -> None:
    address, password = server.without_password(url)
    server.run_program(
        [directory / "pg_dump", "--format=custom", f"--file={to}", "-d", address],
        password=password,
        cannot="The database could not be dumped",
    )


def _stored_files(files: Path) -> Iterator[str]:
    """A line per stored file: size in bytes, tab, path below var/files (named by the hash of its content)."""
    for path in sorted(files.rglob("*")):
        if path.is_file():
            yield f"{path.stat().st_size}\t{path.relative_to(files)}\n"


class Plan(NamedTuple):
    """What `upgrade` would do, as one question to the person at the keyboard."""

    kind: str  # "nothing", "reindex", "dump" or "backup"
    question: str
    backup: Path | None = None


def upgrade_plan(base: Path) -> Plan:
    """What the own server's data need on this machine."""
    base = base.resolve()
    data = server.data_directory(base)
    if data is None:
        return Plan("nothing", "There is no database yet.")
    found = server.programs()
    old, newest = server.major_of(data), max(found, default=0)
    if newest <= old:
        server.binaries(base)  # Says what is missing, if anything is.
        with server.in_use(base):
            state = server.state(base)
        if state.collation_changed:
            return Plan("reindex", "The system sorts text by new rules: all indexes are built anew. Go on?")
        said = f"Nothing to do: the database fits PostgreSQL {old} and the system's collation."
        return Plan("nothing", said)
    if old in found:
        return Plan(
            "dump",
            f"The database is moved from PostgreSQL {old} to {newest}; the old directory is kept. Go on?",
        )
    backups = kept(base)
    if not backups:
        raise ServerError(
            f"The programs of PostgreSQL {old}, which made the database, are gone and var/backup holds no "
            f"backup: install postgresql-{old} beside the new one and run make db-upgrade again."
        )
    return Plan(
        "backup",
        f"The programs of PostgreSQL {old} are gone, so the database cannot be read. The newest "
        f"backup is from {backups[0].name}: what was entered after it would be missing. Restore it into "
        f"PostgreSQL {newest}? The old directory is kept.",
        backups[0],
    )


def upgrade(base: Path, files: Path, plan: Plan) -> Path | None:
    """Do what the plan says; returns where the old data directory was set aside, if it was."""
    base = base.resolve()
    if plan.kind == "reindex":
        with server.in_use(base):
            for database in ("template1", "postgres", server.DATABASE):
                address = server.own_address(base, server.SUPERUSER, database)
                reindex(address, server.binaries(base))
    elif plan.kind == "dump":
        found = server.programs()
        with server.alone(base), server.held(base):
            # The newer pg_dump reads the older server and writes what the newer server wants.
            made = backup(base, files, programs=found[max(found)])
            return _restore(base, made)
    elif plan.backup is not None:
        return restore(base, plan.backup)
    return None


def reindex(url: str, directory: Path) -> None:
    """Build every index of a database anew and note the versions of its collations."""
    name = server.ask_at(url, "SELECT quote_ident(current_database())", directory)[0][0]
    server.ask_at(url, f"REINDEX DATABASE {name}", directory)
    server.ask_at(url, f"ALTER DATABASE {name} REFRESH COLLATION VERSION", directory)
    changed = server.ask_at(
        url,
        "SELECT format('ALTER COLLATION %I.%I REFRESH VERSION', n.nspname, c.collname) "
        "FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace "
        "WHERE c.collversion <> pg_collation_actual_version(c.oid) "
        "AND pg_has_role(c.collowner, 'USAGE')",
        directory,
    )
    for (statement,) in changed:
        server.ask_at(url, statement, directory)


def restore(base: Path, source: Path) -> Path | None:
    """Put a backup into a new cluster of the newest PostgreSQL here and take it into use.

    Returns where the old data directory was set aside. Until the last step the old one stays in use.
    """
    base = base.resolve()
    if not (source / "database.dump").is_file():
        raise ServerError(f"{source} is not a backup: name a directory below {base / 'var' / 'backup'}.")
    with server.alone(base):
        return _restore(base, source)


def _restore(base: Path, source: Path) -> Path | None:
    """With the server's locks held."""
    found = server.programs()
    if not found:
        server.binaries(base)
    major = max(found)
    old = server.data_directory(base)
    if old is not None:
        server.stop_in(old)
        server.clear_stale(old)
    new = server.build(base, found[major], major)
    try:
        server.launch(base, found[major], new)
        try:
            _fill(base, found[major], source / "database.dump")
        finally:
            server.stop_in(new)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    return server.take_into_use(base, new, major)


def _fill(base: Path, directory: Path, dump: Path) -> None:
    listed = server.run_program(
        [directory / "pg_restore", "--list", dump], cannot="The backup cannot be read"
    )
    # Made by the owner beforehand, as the migrations would have: pg_restore would make them the superuser's.
    for name in re.findall(r"^\d+; \d+ \d+ EXTENSION - (\S+)", listed, flags=re.MULTILINE):
        statement = f'CREATE EXTENSION IF NOT EXISTS "{name}"'
        server.ask_at(server.own_address(base, server.OWNER), statement, directory)
    url = server.own_address(base, server.SUPERUSER)
    address, password = server.without_password(url)
    server.run_program(
        [directory / "pg_restore", "--exit-on-error", "--single-transaction", "-d", address, dump],
        password=password,
        cannot="The backup could not be restored",
    )
    server.ask_at(url, "ANALYZE", directory)
