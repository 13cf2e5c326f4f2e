"""The project's own PostgreSQL server, in var/, used where DATABASE_URL names no other.

Standard library only: the set-up imports it before any package is installed, the settings afterwards.
What goes wrong is a `ServerError` with one sentence that says what to do.

The server listens on a socket alone. Started as root it runs as the user postgres (else nobody), because
PostgreSQL refuses to run as root; started by anyone else it runs as that person. Who needs it holds a
shared lock on var/locks/users; the last one to leave stops it. The kernel lets go of a lock when its holder
is killed, so no count can go wrong.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import re
import secrets as randomness
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple, Protocol
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

OLDEST_MAJOR = 15  # ICU as the collation of a whole database came with PostgreSQL 15.
DATABASE = "medel"
SUPERUSER = "postgres"
OWNER = "medel_owner"
APPLICATION = "medel_app"
# Where Debian, Ubuntu and the PostgreSQL project's own packages put the programs of each version.
PROGRAMS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
# Where the data go when the server's user cannot enter the checkout.
ELSEWHERE = Path("/var/lib/medel")
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET = 107  # sockaddr_un has 108 bytes, the last one is the closing zero.


class ServerError(Exception):
    """One sentence for the person at the keyboard: what is wrong and what to do."""


class Cursor(Protocol):
    """What is used of any DB-API cursor."""

    def execute(self, query: str, /) -> object: ...
    def fetchall(self) -> Sequence[Sequence[object]]: ...


class Account(NamedTuple):
    """The user the server runs as."""

    uid: int
    gid: int
    name: str


# --- Where things lie ---------------------------------------------------------------------------------------


def programs() -> dict[int, Path]:
    """Directories of PostgreSQL's programs on this machine, by major version, none older than we can use."""
    found: dict[int, Path] = {}
    candidates = [path for pattern in PROGRAMS for path in Path("/").glob(pattern.lstrip("/"))]
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    for directory in candidates:
        if not (directory / "initdb").exists() or not (directory / "postgres").exists():
            continue
        named = re.search(r"(\d+)/bin$", str(directory))
        if named:
            major = int(named[1])
        else:
            said = subprocess.run([directory / "postgres", "--version"], capture_output=True, text=True)
            numbers = re.search(r"(\d+)", said.stdout)
            major = int(numbers[1]) if numbers else 0
        if major >= OLDEST_MAJOR:
            found.setdefault(major, directory)
    return found


def _recorded(record: Path, base: Path) -> Path | None:
    """A path written down for this checkout. One written for another that still stands came with a copy of
    var/: two servers on the same data would destroy them, so it is not ours."""
    try:
        path, owner = record.read_text().splitlines()[:2]
    except (OSError, ValueError):
        return None
    if owner != str(base) and (Path(owner) / "var" / record.name).exists():
        return None
    return Path(path)


def _record(record: Path, base: Path, path: Path) -> None:
    _write(record, f"{path}\n{base}\n".encode(), 0o644)


def place(base: Path) -> Path:
    """The directory that holds the data directories, one per major version."""
    return _recorded(base / "var" / "postgres.location", base) or base / "var" / "postgres"


def data_directory(base: Path) -> Path | None:
    """The one in use: the newest finished one. Those set aside or under construction have a suffix."""
    try:
        names = [entry.name for entry in place(base).iterdir() if entry.name.isdigit()]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise ServerError(_not_ours(base)) from error
    return place(base) / max(names, key=int) if names else None


def _not_ours(base: Path) -> str:
    return f"{base / 'var'} belongs to another user: run the command as that user or as root."


def socket_directory(base: Path) -> Path:
    """Where the server's socket lies, or would by default."""
    return _recorded(base / "var" / "postgres.socket", base) or place(base) / "run"


def _fits(directory: Path) -> bool:
    """libpq splits host lists at commas and the system limits the length; anything unusual goes elsewhere."""
    path = f"{directory}/{SOCKET_NAME}"
    return len(os.fsencode(path)) <= LONGEST_SOCKET and re.fullmatch(r"[A-Za-z0-9/._+-]+", path) is not None


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by more than `mode` says, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(content)
            file.flush()
            os.fsync(handle)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


# --- Secrets and addresses ----------------------------------------------------------------------------------


def secrets(base: Path) -> dict[str, str]:
    """The generated secrets of this checkout, in var/secrets.json for its owner alone; made if missing."""
    path = base / "var" / "secrets.json"
    try:
        kept: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        kept = {}
    except PermissionError as error:
        raise ServerError(_not_ours(base)) from error
    except ValueError as error:
        raise ServerError(
            f"{path} is damaged: remove it and run make setup, new secrets are made."
        ) from error
    wanted = {"secret_key": 50, SUPERUSER: 24, OWNER: 24, APPLICATION: 24}
    missing = {name: randomness.token_urlsafe(size) for name, size in wanted.items() if not kept.get(name)}
    if missing:
        kept |= missing
        _write(path, json.dumps(kept, indent=1).encode(), 0o600)
    return kept


def own_address(base: Path, role: str, database: str = DATABASE) -> str:
    """The own server's address for one of its roles."""
    password = quote(secrets(base)[role], safe="")
    return f"postgresql://{role}:{password}@/{database}?host={quote(str(socket_directory(base)), safe='')}"


def addresses(base: Path) -> tuple[str, str] | None:
    """DATABASE_URL of the application role and DATABASE_OWNER_URL of the owner; None before the set-up."""
    base = base.resolve()
    if data_directory(base) is None or not (base / "var" / "secrets.json").exists():
        return None
    return own_address(base, APPLICATION), own_address(base, OWNER)


def secret_key(base: Path) -> str | None:
    """The generated key of this checkout; None before the set-up. Reading it writes nothing."""
    try:
        found = json.loads((base.resolve() / "var" / "secrets.json").read_text()).get("secret_key")
    except (OSError, ValueError):
        return None
    return str(found) if found else None


def local(own: bool) -> bool:
    """Whether the site is for this machine alone: plain http, and in the project's own database the demo.

    MEDEL_LOCAL says so where it is given. Otherwise a site on the own server is local until it has names to
    answer to (MEDEL_HOSTS), and one on any other database never is. Set-up and settings both ask here.
    """
    given = os.environ.get("MEDEL_LOCAL", "").strip()
    if given:
        if given.lower() in {"1", "true", "yes", "on"}:
            return True
        if given.lower() in {"0", "false", "no", "off"}:
            return False
        raise ServerError(f"MEDEL_LOCAL must be 1 or 0, not {given!r}: correct it.")
    return own and not os.environ.get("MEDEL_HOSTS", "").strip(" ,")


def without_password(url: str) -> tuple[str, str]:
    """The address without its password, and the password: arguments show in every process list."""
    parts = urlsplit(url)
    user, _, server = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    query = parse_qsl(parts.query, keep_blank_values=True)
    password = unquote(password) or dict(query).get("password", "")
    rest = urlencode([(key, value) for key, value in query if key != "password"], quote_via=quote)
    netloc = f"{name}@{server}" if name else server
    # urlunsplit drops the empty host of postgresql:///medel: put together here.
    return f"{parts.scheme}://{netloc}{parts.path}" + (f"?{rest}" if rest else ""), password


# --- Programs -----------------------------------------------------------------------------------------------


def account(base: Path) -> Account:
    """Whom the server runs as: whoever owns the data; else, for root, a user without rights; else oneself."""
    me = pwd.getpwuid(os.geteuid())
    data = data_directory(base)
    if data is not None:
        owner = data.stat()
        if os.geteuid() not in (0, owner.st_uid):
            raise ServerError(_not_ours(base))
        if owner.st_uid != 0:
            try:
                name = pwd.getpwuid(owner.st_uid).pw_name
            except KeyError:
                name = str(owner.st_uid)
            return Account(owner.st_uid, owner.st_gid, name)
    if os.geteuid() != 0:
        return Account(me.pw_uid, me.pw_gid, me.pw_name)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return Account(user.pw_uid, user.pw_gid, name)
    raise ServerError(
        "PostgreSQL does not run as root: create a user named postgres, or run as another user."
    )


def _environment(password: str = "") -> dict[str, str]:
    """The PG… variables of the person at the keyboard belong to other servers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    kept |= {"LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "10"}
    return kept | {"PGPASSWORD": password} if password else kept


def run_program(
    arguments: Sequence[str | Path],
    *,
    who: Account | None = None,
    password: str = "",
    given: str | None = None,
    cannot: str,
) -> str:
    """Run a program of PostgreSQL's; what it writes, or a sentence of `cannot` and the line that says why."""
    change = who is not None and os.geteuid() == 0
    try:
        done = subprocess.run(
            [str(argument) for argument in arguments],
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            env=_environment(password),
            user=who.uid if who and change else None,
            group=who.gid if who and change else None,
            extra_groups=[] if change else None,
        )
    except OSError as error:
        raise ServerError(f"{cannot}: {error.strerror} ({arguments[0]}).") from error
    if done.returncode != 0:
        raise ServerError(f"{cannot}: {_reason(done.stderr)}")
    return done.stdout


def _reason(text: str) -> str:
    """The line that says why, among what a program wrote; the whole of it for a full disk."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any("No space left" in line for line in lines):
        return "the disk is full, make room and run the command again."
    telling = [line for line in lines if re.search(r"\b(FATAL|ERROR|PANIC|error|fatal):", line)]
    chosen = (telling or lines or ["it said nothing"])[-1 if not telling else 0]
    return chosen if chosen.endswith(".") else f"{chosen}."


def major_of(data: Path) -> int:
    """The major version of PostgreSQL that made a data directory."""
    try:
        return int((data / "PG_VERSION").read_text().strip())
    except PermissionError as error:
        raise ServerError(
            f"{data} belongs to another user: run the command as that user or as root."
        ) from error
    except (OSError, ValueError) as error:
        raise ServerError(
            f"{data} is not a whole data directory (PG_VERSION cannot be read): put it back from where it "
            "was copied, or move it away to begin with an empty database."
        ) from error


def binaries(base: Path) -> Path:
    """The programs that fit the data directory, or before there is one the newest on the machine."""
    found = programs()
    data = data_directory(base)
    if data is None:
        if not found:
            raise ServerError(
                f"PostgreSQL {OLDEST_MAJOR} or newer is missing: install it (on Debian: apt-get install "
                "postgresql), or set DATABASE_URL to a database that runs elsewhere."
            )
        return found[max(found)]
    major = major_of(data)
    if major in found:
        return found[major]
    newer = [other for other in found if other > major]
    if newer:
        raise ServerError(
            f"The database was made with PostgreSQL {major}, but this machine now has PostgreSQL "
            f"{max(newer)}: run make db-upgrade."
        )
    raise ServerError(
        f"The database was made with PostgreSQL {major}, which this machine does not have: install "
        f"postgresql-{major}."
    )


# --- Locks --------------------------------------------------------------------------------------------------


def _lock(base: Path, name: str, how: int) -> IO[bytes]:
    path = base / "var" / "locks" / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except PermissionError as error:
        raise ServerError(_not_ours(base)) from error
    try:
        fcntl.flock(file, how)
    except BaseException:
        file.close()
        raise
    return file


@contextlib.contextmanager
def only_one(base: Path, name: str) -> Iterator[None]:
    """One process at a time does `name` in this checkout; the next waits."""
    with _lock(base, name, fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def in_use(base: Path) -> Iterator[bool]:
    """Keep the server running for the time of the block; True if it had to be started. The last to leave
    stops it."""
    base = base.resolve()
    with only_one(base, "server"):
        mine = _lock(base, "users", fcntl.LOCK_SH)
        try:
            started = _start(base)
        except BaseException:
            mine.close()
            raise
    try:
        yield started
    finally:
        with only_one(base, "server"):
            mine.close()
            with contextlib.suppress(BlockingIOError), _lock(base, "users", fcntl.LOCK_EX | fcntl.LOCK_NB):
                if not _is_kept(base):
                    _stop(base)


@contextlib.contextmanager
def alone(base: Path) -> Iterator[None]:
    """Nobody else uses the server for the time of the block."""
    base = base.resolve()
    with only_one(base, "server"):
        try:
            users = _lock(base, "users", fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServerError("Medel is running from here: stop make run and make test first.") from error
        with users:
            yield


@contextlib.contextmanager
def held(base: Path) -> Iterator[None]:
    """Inside `alone`: the server running for the time of the block."""
    _start(base)
    try:
        yield
    finally:
        _stop(base)


def _is_kept(base: Path) -> bool:
    """Whether somebody asked for the running server to stay (`bootstrap.py server`)."""
    try:
        kept = (base / "var" / "locks" / "kept").read_text()
    except OSError:
        return False
    return kept == str(postmaster(base))


def keep(base: Path) -> None:
    """Leave the running server running when its last user has gone, until `stop`."""
    _write(base.resolve() / "var" / "locks" / "kept", str(postmaster(base.resolve())).encode(), 0o644)


# --- Setting up ---------------------------------------------------------------------------------------------


def prepare(base: Path) -> bool:
    """Make the data directory, the roles and the empty database; True if anything was done.

    The cluster is built beside its place and renamed when whole, so an interrupted set-up begins again.
    """
    base = base.resolve()
    with only_one(base, "server"):
        kept = secrets(base)
        data = data_directory(base)
        if data is None:
            directory = binaries(base)
            major = next(number for number, path in programs().items() if path == directory)
            take_into_use(base, build(base, directory, major), major)
            return True
        fits = _roles_fingerprint(kept)
        if _fingerprint_file(base, data).exists() and _fingerprint_file(base, data).read_text() == fits:
            return False
        # The passwords were lost or the roles have changed: set both without needing to log in.
        programs_here = binaries(base)
        again = postmaster(base) is not None
        if again:
            _stop(base)
        clear_stale(data)
        _roles(account(base), programs_here, data, kept)
        _write(_fingerprint_file(base, data), fits.encode(), 0o600)
        if again:
            _start(base)
        return True


def _choose_place(base: Path) -> None:
    """var/postgres, or /var/lib/medel where the server's user cannot come that far (below /root)."""
    var = base / "var"
    try:
        var.mkdir(exist_ok=True)
    except PermissionError as error:
        raise ServerError(f"{base} cannot be written to: run the command as the user who owns it.") from error
    inside = place(base)
    inside.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return
    who = account(base)
    if inside == var / "postgres":
        var.chmod(0o711)
        inside.chmod(0o711)
        if _can_own(inside, who):
            return
        inside.rmdir()
        inside = ELSEWHERE / hashlib.sha256(os.fsencode(base)).hexdigest()[:12]
        _record(var / "postgres.location", base, inside)
    inside.mkdir(parents=True, exist_ok=True)
    inside.chmod(0o711)
    ELSEWHERE.chmod(0o711)
    if not _can_own(inside, who):
        raise ServerError(
            f"The user {who.name} cannot write below {inside}: give it that right, or set DATABASE_URL."
        )


def _can_own(directory: Path, who: Account) -> bool:
    """Tried, not worked out: parents, access lists and file systems without owners all have a say."""
    trial = directory / "trial"
    try:
        trial.mkdir(exist_ok=True)
        os.chown(trial, who.uid, who.gid)
        run_program(["touch", trial / "written"], who=who, cannot="trial")
        owner = (trial / "written").stat().st_uid
    except (OSError, ServerError):
        return False
    finally:
        shutil.rmtree(trial, ignore_errors=True)
    return owner == who.uid


def _own_directory(path: Path, who: Account) -> None:
    path.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(path, who.uid, who.gid)
    path.chmod(0o700)


def build(base: Path, directory: Path, major: int) -> Path:
    """A new cluster with the roles and the empty database, beside its place."""
    kept = secrets(base)
    _choose_place(base)
    who = account(base)
    new = place(base) / f"{major}.new"
    shutil.rmtree(new, ignore_errors=True)
    _own_directory(new, who)
    run_program(
        [
            directory / "initdb",
            f"--pgdata={new}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--locale-provider=icu",
            "--icu-locale=sv-SE",
            # Never started with it: pg_hba.conf is written below. (Anything else wants a password file here.)
            "--auth=trust",
            "--data-checksums",
        ],
        who=who,
        cannot="The database could not be created",
    )
    (new / "pg_hba.conf").write_text("local all all scram-sha-256\nlocal replication all reject\n")
    with (new / "postgresql.conf").open("a") as file:
        file.write("\n# A socket is the only way in.\nlisten_addresses = ''\n")
        file.write("timezone = 'UTC'\nlog_timezone = 'UTC'\n")
    _roles(who, directory, new, kept)
    return new


def take_into_use(base: Path, new: Path, major: int) -> Path | None:
    """Put a built cluster in its place; where the one used until now was set aside, if there was one."""
    old = data_directory(base)
    finished = place(base) / str(major)
    aside = None
    if old is not None:
        aside = old.with_name(f"{old.name}.old-{datetime.now(UTC).strftime('%Y%m%dT%H%M%SZ')}")
        if old == finished:
            old.rename(aside)
    # The highest number is the one in use: killed between these renames, there is still a whole one.
    new.rename(finished)
    if old is not None and aside is not None and old != finished:
        old.rename(aside)
    _write(_fingerprint_file(base, finished), _roles_fingerprint(secrets(base)).encode(), 0o600)
    return aside


def _roles_sql(kept: dict[str, str]) -> dict[str, list[str]]:
    """Statements by database; each may be run again. The rights of tables that do not exist yet stand in
    template1, from which every database is copied, the tests' own included."""

    def role(name: str, rights: str) -> list[str]:
        there = f"SELECT FROM pg_roles WHERE rolname = '{name}'"
        return [
            f"DO $$ BEGIN IF NOT EXISTS ({there}) THEN CREATE ROLE {name}; END IF; END $$",
            f"ALTER ROLE {name} WITH {rights} PASSWORD '{kept[name]}'",
        ]

    roles = [
        f"ALTER ROLE {SUPERUSER} PASSWORD '{kept[SUPERUSER]}'",
        *role(OWNER, "LOGIN CREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS"),
        *role(APPLICATION, "LOGIN NOCREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS"),
        f"GRANT {APPLICATION} TO {OWNER}",
    ]
    future = f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT"
    rights = [
        f"{future} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APPLICATION}",
        f"{future} USAGE ON SEQUENCES TO {APPLICATION}",
    ]
    return {"postgres": roles, "template1": rights}


def _roles(who: Account, directory: Path, data: Path, kept: dict[str, str]) -> None:
    """In single-user mode: no server to start, no password to know."""

    def say(database: str, statements: list[str]) -> str:
        return run_program(
            [directory / "postgres", "--single", "-D", data, "-c", "exit_on_error=true", database],
            who=who,
            given="".join(f"{statement}\n" for statement in statements),
            cannot="The database's roles could not be set",
        )

    for database, statements in _roles_sql(kept).items():
        say(database, statements)
    if f'datname = "{DATABASE}"' not in say("postgres", ["SELECT datname FROM pg_database"]):
        say("postgres", [f"CREATE DATABASE {DATABASE} OWNER {OWNER}"])


def _roles_fingerprint(kept: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(_roles_sql(kept)).encode()).hexdigest()


def _fingerprint_file(base: Path, data: Path) -> Path:
    return base / "var" / "locks" / f"roles-{identity(data)}"


def identity(data: Path) -> str:
    """Tells this data directory from one made anew in the same place: PG_VERSION is written once."""
    written = (data / "PG_VERSION").stat()
    return f"{data.name}-{written.st_ino}-{written.st_mtime_ns}"


# --- Starting and stopping ----------------------------------------------------------------------------------


def _processes_in(data: Path) -> list[int]:
    """Every process of PostgreSQL's in this data directory: each has made it its working directory."""
    wanted = data.resolve()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink() == wanted and "postgres" in (entry / "comm").read_text():
                    found.append(int(entry.name))
    return found


def postmaster(base: Path) -> int | None:
    """The process number of our running server. One in a file left behind may be anybody's by now."""
    data = data_directory(base)
    if data is None:
        return None
    return _postmaster_of(data)


def _postmaster_of(data: Path) -> int | None:
    try:
        number = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        if Path(f"/proc/{number}/cwd").readlink() != data.resolve():
            return None
        return number if "postgres" in Path(f"/proc/{number}/comm").read_text() else None
    except (OSError, ValueError):
        return None


def running(base: Path) -> bool:
    """Whether the project's own server runs."""
    return postmaster(base.resolve()) is not None


def start(base: Path, *, stay: bool = True) -> bool:
    """Start the server if it does not run; True if it had to be. It stays until `stop`, or if it need not
    `stay` until the last of its users has left."""
    base = base.resolve()
    with only_one(base, "server"):
        started = _start(base)
        if stay:
            keep(base)
        return started


def stop(base: Path) -> bool:
    """Stop the server if it runs; True if it did. Open connections are ended, nothing committed is lost."""
    base = base.resolve()
    with only_one(base, "server"):
        return _stop(base)


def clear_stale(data: Path) -> None:
    """Take away the process file of a server that was killed, when nobody works in the directory any more.

    PostgreSQL takes it away itself unless the number is in use again; but while a process of the killed
    server lives the file is what protects the data, so we wait for these to end.
    """
    if not Path("/proc/self/comm").exists():
        return  # Nobody can be seen: PostgreSQL itself decides what the file is worth.
    for _ in range(100):
        if not _processes_in(data):
            break
        time.sleep(0.1)
    else:
        raise ServerError(f"Processes of a killed server still work in {data}: end them and try again.")
    with contextlib.suppress(FileNotFoundError):
        (data / "postmaster.pid").unlink()


def stop_unused(base: Path) -> bool:
    """The same, but refused with a sentence while anybody uses it."""
    with alone(base):
        return _stop(base.resolve())


def _start(base: Path) -> bool:
    data = data_directory(base)
    if data is None:
        raise ServerError("The database is not set up yet: run make setup.")
    directory = binaries(base)
    if _postmaster_of(data) is not None:
        _wait_until_ready(base, directory, data, None)
        return False
    clear_stale(data)
    launch(base, directory, data)
    return True


def launch(base: Path, directory: Path, data: Path) -> None:
    who = account(base)
    sockets = _make_socket_directory(base, who)
    # Left by a server that was killed. Its number may live on, as somebody else's or as a process that nobody
    # has collected, and PostgreSQL would believe it; the directory is this checkout's alone: we know better.
    for left in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
        with contextlib.suppress(FileNotFoundError):
            (sockets / left).unlink()
    log = base / "var" / "log" / "postgres.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > 10_000_000:
        log.replace(log.with_suffix(".log.1"))
    root = os.geteuid() == 0
    with log.open("ab") as written:
        began = written.tell()
        process = subprocess.Popen(
            [directory / "postgres", "-D", str(data), "-k", str(sockets)],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            cwd="/",
            env=_environment(),
            # A session of its own: Ctrl-C at the keyboard is for the program that stops the server last.
            start_new_session=True,
            user=who.uid if root else None,
            group=who.gid if root else None,
            extra_groups=[] if root else None,
        )
    try:
        _wait_until_ready(base, directory, data, process)
    except ServerError as error:
        with log.open("rb") as read:
            read.seek(began)
            said = read.read().decode(errors="replace")
        telling = [line for line in said.splitlines() if re.search(r"\b(FATAL|PANIC|No space)", line)]
        if telling:
            raise ServerError(f"The database did not start: {_reason(telling[0])} More in {log}.") from error
        raise


def _make_socket_directory(base: Path, who: Account) -> Path:
    record = base / "var" / "postgres.socket"
    usual = place(base) / "run"
    if _fits(usual):
        with contextlib.suppress(FileNotFoundError):
            record.unlink()
        _own_directory(usual, who)
        return usual
    known = _recorded(record, base)
    if known is not None:
        with contextlib.suppress(OSError):
            there = known.lstat()
            # Anybody may write beside it: only a directory that is the server's own and closed to others.
            if there.st_uid == who.uid and there.st_mode & 0o170777 == 0o040700:
                return known
    # Not TMPDIR: that may be long, or closed to the server's user. mkdtemp makes it private.
    above = "/run" if os.access("/run", os.W_OK) else "/tmp"  # noqa: S108
    made = Path(tempfile.mkdtemp(prefix="medel-", dir=above))
    _own_directory(made, who)
    _record(record, base, made)
    return made


def _wait_until_ready(
    base: Path, directory: Path, data: Path, process: subprocess.Popen[bytes] | None, patience: float = 120
) -> None:
    """Recovery after a crash may take a while, a server that has ended will never answer."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        asked = subprocess.run(
            [directory / "pg_isready", "-q", "-h", socket_directory(base), "-p", "5432", "-t", "2"],
            env=_environment(),
            capture_output=True,
        )
        if asked.returncode == 0:
            return
        if process is not None and process.poll() is not None:
            break
        if process is None and _postmaster_of(data) is None:
            break
        time.sleep(0.05)
    raise ServerError(f"The database did not start: {base / 'var' / 'log' / 'postgres.log'} says why.")


def _stop(base: Path) -> bool:
    data = data_directory(base)
    with contextlib.suppress(FileNotFoundError):
        (base / "var" / "locks" / "kept").unlink()
    return data is not None and stop_in(data)


def stop_in(data: Path) -> bool:
    number = _postmaster_of(data)
    if number is None:
        return False
    # SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one (recovery at the next start).
    for ask, patience in ((signal.SIGINT, 60), (signal.SIGQUIT, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, ask)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError, OSError):
                os.waitpid(number, os.WNOHANG)
            if _postmaster_of(data) is None:
                return True
            time.sleep(0.02)
    raise ServerError(f"The database (process {number}) does not stop: end it by hand.")


# --- Asking -------------------------------------------------------------------------------------------------


def ask(base: Path, statement: str, database: str = DATABASE, role: str = SUPERUSER) -> list[list[str]]:
    """Rows of one statement to the own, running server, everything as text."""
    base = base.resolve()
    return ask_at(own_address(base, role, database), statement, binaries(base))


def ask_at(url: str, statement: str, directory: Path) -> list[list[str]]:
    """Rows of one statement at any address, everything as text."""
    address, password = without_password(url)
    options = ["-X", "-q", "-A", "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1"]
    out = run_program(
        [directory / "psql", *options, "-d", address, "-c", statement],
        password=password,
        cannot="The database refused",
    )
    return [line.split("\x1f") for line in out.splitlines()]


# Version, encoding and collation of the database one is connected to, and the collations its columns use
# whose version differs from the system's. Column names changed in PostgreSQL 17, hence to_jsonb.
STATE_QUERY = """
SELECT current_setting('server_version_num'), pg_encoding_to_char(d.encoding), d.datlocprovider,
       coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', ''),
       coalesce(d.datcollversion, ''), coalesce(pg_database_collation_actual_version(d.oid), ''),
       (SELECT coalesce(string_agg(c.collname, ', ' ORDER BY c.collname), '') FROM pg_collation c
         WHERE c.collversion <> pg_collation_actual_version(c.oid)
           AND c.oid IN (SELECT a.attcollation FROM pg_attribute a WHERE a.attrelid >= 16384))
  FROM pg_database d WHERE d.datname = current_database()
"""


class State(NamedTuple):
    """A row of STATE_QUERY."""

    version: str
    encoding: str
    provider: str
    locale: str
    recorded: str
    actual: str
    collations: str

    @property
    def collation_changed(self) -> bool:
        return self.recorded != self.actual or bool(self.collations)

    def problem(self) -> str | None:
        options = "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'sv-SE' TEMPLATE template0"
        create = f"create the database with {options}"
        if self.encoding != "UTF8":
            return f"The database's encoding is {self.encoding}, but UTF8 is needed: {create}."
        if self.provider != "i" or not re.match(r"sv\b", self.locale):
            return f"The database does not sort in Swedish by ICU (sv-SE): {create}."
        if self.collation_changed:
            versions = f"from version {self.recorded} to {self.actual}"
            what = versions if self.recorded != self.actual else f"({self.collations})"
            return (
                f"The rules by which the database sorts text have changed with the system {what} "
                "and its indexes may be wrong: run make db-upgrade."
            )
        return None


def problem(cursor: Cursor) -> str | None:
    """One sentence if the database one is connected to cannot be used as it stands, else None."""
    cursor.execute("SELECT current_setting('server_version_num')")
    number = int(str(cursor.fetchall()[0][0]))
    if number < OLDEST_MAJOR * 10000:
        return (
            f"The database server is PostgreSQL {number // 10000}, but {OLDEST_MAJOR} or newer is needed: "
            "upgrade it, or set DATABASE_URL to another."
        )
    cursor.execute(STATE_QUERY)
    return State(*(str(value) for value in cursor.fetchall()[0])).problem()


def state(base: Path) -> State:
    """Of the own, running server."""
    return State(*ask(base, STATE_QUERY)[0])


def own_problem(base: Path) -> str | None:
    """One sentence if the own, running server cannot be used as it stands, else None."""
    return state(base).problem()
