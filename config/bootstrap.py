#!/usr/bin/env python3
"""`make` and nothing else before it: sets Medel up on a fresh machine, runs it, tests it, backs it up.

Run by the system's python3 with the standard library alone. Everything is looked at before it is done, so a
second time changes nothing. Whatever stops a command is one sentence on stderr and exit status 1. The syntax
stays readable to Python 3.8, so that an old Python gets a sentence too and not a SyntaxError.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import http.client
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

BASE = Path(__file__).resolve().parent.parent
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)


def python_problem(version: Sequence[int]) -> str | None:
    """Why this Python cannot be used, in one sentence, or None."""
    if OLDEST_PYTHON <= tuple(version[:2]) <= NEWEST_PYTHON:
        return None
    return (
        "Medel needs Python 3.11, 3.12 or 3.13, but python3 is {}.{}: "
        "install one of them and name it, for instance PYTHON=python3.11 make run.".format(*version[:2])
    )


if __name__ == "__main__":
    unusable = python_problem(sys.version_info[:2])
    if unusable:
        sys.exit(unusable)
    # A script's own directory comes first on the path; what is imported from here is the package config.
    sys.path[0] = str(BASE)

from config import backups, server  # noqa: E402 - an old Python must get its sentence before this

VENV = BASE / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"run": ["requirements.lock"], "test": ["requirements.lock", "requirements-dev.lock"]}
ROOM_NEEDED = 500_000_000  # bytes; packages, an empty database and Chromium fit in it.
FLOORS = ["config", "values", "pages", "strategy", "projects", "reporting"]
# Shared libraries WeasyPrint loads, and the package each comes in on Debian and Ubuntu.
LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
# What the program that drives the browser in tests loads (its node is not Debian's).
TEST_LIBRARIES = {"libatomic.so.1": "libatomic1"}
# Without it PDFs are only written more slowly; older systems have no such package.
OPTIONAL_PACKAGES = {"libharfbuzz-subset0"}
# The set-up speaks English, and so does what it calls.
DEMO = ("demo", "--language", "en")
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Trouble(Exception):
    """One sentence for the person at the keyboard: what is wrong and what to do."""


class Stopped(BaseException):
    """A signal asked us to stop; not an Exception, so nothing takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def say(text: str) -> None:
    print(text, flush=True)


# --- Where the database is ----------------------------------------------------------------------------------


def address(name: str) -> str:
    """The value of NAME, or of the file NAME_FILE names; empty if neither is set."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Trouble(
                f"{name}_FILE names {path}, which cannot be read ({error.strerror}): correct it."
            ) from error
    return os.environ.get(name, "").strip()


def external() -> bool:
    """Whether the environment names a database; then the project's own server and the demo are left alone."""
    if address("DATABASE_OWNER_URL") and not address("DATABASE_URL"):
        raise Trouble(
            "DATABASE_OWNER_URL is set but DATABASE_URL is not: set both, or neither for an own server."
        )
    return bool(address("DATABASE_URL"))


def local() -> bool:
    """Whether this is a first look on the own server: plain http on loopback, with the demo."""
    return not external() and server.local(own=True)


@contextlib.contextmanager
def database() -> Iterator[None]:
    """The own server kept running for the time of the block, or the database of the environment, checked."""
    if external():
        check_external()
        yield
        return
    with server.in_use(BASE):
        wrong = server.own_problem(BASE)
        if wrong:
            raise Trouble(wrong)
        yield


def check_external() -> None:
    """Try the addresses of the environment, with the packages of the virtual environment."""
    done = subprocess.run(
        [str(PYTHON), str(Path(__file__).resolve()), "check-database"],
        cwd=BASE,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise Trouble(lines[-1] if lines else "The database at DATABASE_URL could not be checked.")


def check_database() -> int:
    """Inside the virtual environment: connect to both addresses and look whether the database can be used."""
    import psycopg

    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        url = address(name)
        if not url:
            continue
        if not re.match(r"postgres(ql)?://", url):
            raise Trouble(f"{name} must look like postgresql://user:password@host:5432/medel: correct it.")
        try:
            with psycopg.connect(url, connect_timeout=10) as connection, connection.cursor() as cursor:
                wrong = server.problem(cursor)
        except (psycopg.Error, ValueError) as error:
            reason = reason_of(str(error), [url])
            raise Trouble(
                f"{name} leads to no usable database ({reason}): correct it or start that server."
            ) from error
        if wrong:
            raise Trouble(wrong)
    return 0


def reason_of(text: str, urls: Sequence[str] = ()) -> str:
    """The last telling line of a message, without the passwords of the addresses it may repeat."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("Is the server running")]
    said = lines[-1] if lines else "no reason given"
    for url in urls:
        try:
            shown, password = server.without_password(url)
        except ValueError:
            return "the address cannot be read"
        said = said.replace(url, shown)
        if password:
            said = said.replace(password, "***")
    return said.rstrip(".")


def child_environment(port: int = 8000) -> dict[str, str]:
    """What web, worker and commands are told. With a database of one's own choice nothing is added; with the
    own server its addresses, a key where none is given, and whether the site is local."""
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    if external():
        return environment
    found = server.addresses(BASE)
    if found is None:
        raise Trouble("The database is not set up yet: run make setup.")
    environment["DATABASE_URL"], environment["DATABASE_OWNER_URL"] = found
    # Said aloud, since the settings see a database named by the environment from here on.
    environment["MEDEL_LOCAL"] = "1" if local() else "0"
    if not (environment.get("MEDEL_SECRET_KEY_FILE") or environment.get("MEDEL_SECRET_KEY")):
        environment["MEDEL_SECRET_KEY"] = server.secrets(BASE)["secret_key"]
    if local():
        environment.setdefault("MEDEL_ADDRESS", f"http://127.0.0.1:{port}")
    return environment


# --- Setting up ---------------------------------------------------------------------------------------------


def setup(kind: str = "run") -> bool:
    """Prepare this checkout for `make run` or `make test`; True if anything had to be done."""
    check_room(BASE)
    if not os.access(BASE, os.W_OK):
        raise Trouble(f"{BASE} cannot be written to: run the command as the user who owns it.")
    with server.only_one(BASE, "setup"):
        changed = install_system_packages(missing_system_packages(kind))
        changed = install_packages(kind) or changed
        if not external():
            changed = server.prepare(BASE) or changed
    return changed


def check_room(path: Path) -> None:
    free = shutil.disk_usage(path).free
    if free < ROOM_NEEDED:
        raise Trouble(
            f"The disk is nearly full ({free // 1_000_000} MB left, {ROOM_NEEDED // 1_000_000} MB needed "
            f"below {path}): make room and run the command again."
        )


def has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def chromium() -> str | None:
    """The browser for the browser tests."""
    named = os.environ.get("CHROMIUM")
    if named:
        found = shutil.which(named)
        if found is None:
            raise Trouble(f"CHROMIUM names {named}, which is not a program: correct it.")
        return found
    for name in ("chromium", "google-chrome", "google-chrome-stable"):
        found = shutil.which(name)
        if found:
            return found
    return None


def missing_system_packages(kind: str) -> list[str]:
    """Debian's names of what is not on this machine yet."""
    libraries = {**LIBRARIES, **(TEST_LIBRARIES if kind == "test" else {})}
    missing = [package for library, package in libraries.items() if not has_library(library)]
    if not PYTHON.exists() and importlib.util.find_spec("ensurepip") is None:
        missing.append("python3-venv")
    if not external() and not server.programs():
        missing.append("postgresql")
    if kind == "test" and chromium() is None:
        missing.append("chromium")
    return missing


def rights() -> list[str] | None:
    """What to write before a command to run it as root; None if we may not."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0:
        return [sudo, "-n"]
    return None


def install_system_packages(missing: Sequence[str]) -> bool:
    if not missing:
        return False
    prefix = rights() if shutil.which("apt-get") else None
    needed = [package for package in missing if package not in OPTIONAL_PACKAGES]
    if prefix is None:
        if needed:
            raise Trouble(missing_sentence(needed))
        return False
    if not needed and not any(known_to_apt(package) for package in missing):
        return False
    say(f"Installing {', '.join(missing)} with apt …")
    environment = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
    apt = [*prefix, *environment, "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    install = [*apt, "install", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold"]
    log = BASE / "var" / "log" / "apt.log"
    logged(
        [*apt, "update"], log
    )  # A list that cannot be fetched may be one we do not need: installing tells.
    wanted = [package for package in missing if package in needed or known_to_apt(package)]
    if "postgresql" in wanted:
        # Its package would start a server of its own on port 5432: say no before it comes.
        must(install_failed, logged([*install, "postgresql-common"], log), ["postgresql"], log)
        without_main_cluster(prefix)
    must(install_failed, logged([*install, *wanted], log), wanted, log)
    if "chromium" in wanted and chromium() is None:
        raise Trouble(
            "No Chromium came with the package chromium: name a browser, CHROMIUM=/path/to/it make test."
        )
    return True


def must(
    sentence: Callable[[Sequence[str], str, Path], str], result: str | None, what: Sequence[str], log: Path
) -> None:
    if result is not None:
        raise Trouble(sentence(what, result, log))


def install_failed(packages: Sequence[str], said: str, log: Path) -> str:
    names = " ".join(packages)
    return f"apt-get could not install {names} ({said}): install by hand and try again; more in {log}."


def missing_sentence(packages: Sequence[str]) -> str:
    """For who may not install: what, how, and the way round it where there is one."""
    ways = {
        "postgresql": "or set DATABASE_URL to a database elsewhere",
        "chromium": "or name a browser with CHROMIUM=",
    }
    others = "".join(f", {ways[package]}" for package in packages if package in ways)
    verb = "is" if len(packages) == 1 else "are"
    return (
        f"{', '.join(packages)} {verb} missing and this user may not install software: "
        f"ask for apt-get install {' '.join(packages)}{others}, and run the command again."
    )


def known_to_apt(package: str) -> bool:
    shown = subprocess.run(
        ["apt-cache", "policy", package], capture_output=True, text=True, env=plain_environment()
    )
    return "Candidate: " in shown.stdout and "Candidate: (none)" not in shown.stdout


def plain_environment() -> dict[str, str]:
    return dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE="")


def without_main_cluster(
    prefix: Sequence[str], path: Path = Path("/etc/postgresql-common/createcluster.conf")
) -> None:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    kept = [line for line in text.splitlines() if not re.match(r"\s*#?\s*create_main_cluster\b", line)]
    changed = "\n".join([*kept, "create_main_cluster = false", ""])
    subprocess.run(
        [*prefix, "tee", str(path)], input=changed, text=True, stdout=subprocess.DEVNULL, check=True
    )


def logged(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> str | None:
    """Run a command with its output in a log; None if it went well, else the line that says why not."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb+") as file:
        code = attended(command, environment or plain_environment(), stdout=file)
        if code == 0:
            return None
        file.seek(0)
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    if any("No space left" in line for line in lines):
        raise Trouble("The disk is full: make room and run the command again.")
    telling = [line for line in lines if re.match(r"\s*(E:|ERROR|error)", line)]
    chosen = (telling or [line for line in lines if line.strip()] or [f"exit status {code}"])[-1]
    return re.sub(r"^\s*(E:|ERROR:)\s*", "", chosen).strip().rstrip(".")


def fingerprint(paths: Sequence[Path]) -> str:
    """Of names and contents; what is compared to know whether a step has been done."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(BASE)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def stamped(stamp: Path, content: str) -> bool:
    try:
        return stamp.read_text(encoding="utf-8") == content
    except OSError:
        return False


def install_packages(kind: str) -> bool:
    """The virtual environment with the locked packages; True if it had to be changed.

    It knows its path and its Python: moved or upgraded, it is made anew.
    """
    made_for = f"{BASE} {sys.version_info[0]}.{sys.version_info[1]}"
    files = [BASE / name for name in LOCKS[kind]]
    locked = fingerprint(files)
    if (
        PYTHON.exists()
        and stamped(VENV / "made-for", made_for)
        and stamped(VENV / f"packages-{kind}", locked)
    ):
        return False
    log = BASE / "var" / "log" / "packages.log"
    if not stamped(VENV / "made-for", made_for):
        say("Making the virtual environment …")
        shutil.rmtree(VENV, ignore_errors=True)
        said = logged([sys.executable, "-m", "venv", str(VENV)], log)
        if said is not None:
            shutil.rmtree(VENV, ignore_errors=True)
            raise Trouble(
                f"The virtual environment could not be made ({said}): install Python's module venv "
                "(on Debian: apt-get install python3-venv) and run the command again."
            )
        (VENV / "made-for").write_text(made_for, encoding="utf-8")
    say("Installing the Python packages …")
    named = [argument for path in files for argument in ("-r", str(path))]
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    said = logged([*command, "--require-hashes", *named], log, dict(plain_environment(), PIP_USER="0"))
    if said is not None:
        raise Trouble(
            f"The Python packages could not be installed ({said}): see {log} and run the command again."
        )
    for done, names in LOCKS.items():
        if set(names) <= set(LOCKS[kind]):
            (VENV / f"packages-{done}").write_text(
                fingerprint([BASE / name for name in names]), encoding="utf-8"
            )
    return True


# --- Processes ----------------------------------------------------------------------------------------------


def dies_with_us(number: int = signal.SIGTERM) -> Callable[[], None]:
    """For a child, before it becomes another program: the kernel sends it this signal when we are gone, also
    by SIGKILL."""
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)

    def between() -> None:
        libc.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return between


def stop_with_make() -> None:
    """If make is killed, what it started ends too."""
    with contextlib.suppress(OSError):
        if Path(f"/proc/{os.getppid()}/comm").read_text().strip() in {"make", "gmake"}:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def heed_signals() -> None:
    """Every way of being asked to stop clears up alike, also where SIGINT came to us ignored (`&`)."""

    def stop(number: int, frame: FrameType | None) -> None:
        ignore_signals()
        raise Stopped(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def attended(command: Sequence[str], environment: Mapping[str, str], stdout: IO[bytes] | None = None) -> int:
    """Run a command to its end and return its exit status; if we are stopped meanwhile, it is ended first."""
    process = subprocess.Popen(
        list(command),
        cwd=BASE,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT if stdout is not None else None,
        preexec_fn=dies_with_us(),
        # Out of the terminal's reach: Ctrl-C comes to us, and we end the command.
        start_new_session=True,
    )
    try:
        code = process.wait()
    except BaseException:
        end([process])
        raise
    return code if code >= 0 else 128 - code


def end(processes: Sequence[subprocess.Popen[bytes]], patience: float = 10) -> None:
    """Ask all to end, wait, and kill what is left of their groups."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + patience
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def manage(*arguments: str) -> list[str]:
    return [str(PYTHON), str(BASE / "manage.py"), *arguments]


# --- Running ------------------------------------------------------------------------------------------------


def wanted_port() -> int:
    text = os.environ.get("PORT", "8000").strip() or "8000"
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise Trouble(f"PORT must be a number between 1 and 65535, not {text!r}: correct it.")
    return int(text)


def check_port(port: int, patience: float = 3) -> None:
    """The processes of a run that was killed may need a moment to let go of it."""
    deadline = time.monotonic() + patience
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno == errno.EACCES:
                    raise Trouble(
                        f"Port {port} is not for ordinary users: choose another, PORT=8001 make run."
                    ) from error
                if time.monotonic() > deadline:
                    raise Trouble(
                        f"Port {port} is taken by another program: stop that one, or choose another port, "
                        f"PORT={port + 1 if port < 65535 else 8001} make run."
                    ) from error
            else:
                return
        time.sleep(0.2)


def migrate(environment: Mapping[str, str]) -> None:
    """Tables; locally the demo into an empty database, all left out where nothing has changed since; on a
    real site the static files under their hashed names, and a warning where the demo was loaded earlier."""
    stamp = BASE / "var" / "locks" / "migrated"
    if local() and stamped(stamp, migration_state()):
        return
    say("Preparing the database …")
    if attended(manage("migrate", "--verbosity", "0"), environment) != 0:
        raise Trouble("The database could not be migrated: what went wrong stands above.")
    if not local():
        if attended(manage("collectstatic", "--noinput", "--verbosity", "0"), environment) != 0:
            raise Trouble("The static files could not be collected: what went wrong stands above.")
        if attended(manage(*DEMO, "--warn"), environment) != 0:
            raise Trouble("The accounts could not be looked through: what went wrong stands above.")
        return
    if attended(manage(*DEMO, "--if-empty"), environment) != 0:
        raise Trouble("The demo could not be loaded: what went wrong stands above.")
    stamp.write_text(migration_state(), encoding="utf-8")


def migration_state() -> str:
    """Of the code, the data directory and what it holds: a restored or emptied database is noticed."""
    sources = sorted(path for floor in FLOORS for path in (BASE / floor).rglob("*.py"))
    data = server.data_directory(BASE)
    identity = server.identity(data) if data else ""
    held = server.ask(BASE, "SELECT to_regclass('public.django_migrations') IS NOT NULL")[0][0]
    applied = ""
    if held == "t":
        applied = "-".join(server.ask(BASE, "SELECT count(*), max(id) FROM django_migrations")[0])
    return f"{fingerprint([*sources, BASE / 'requirements.lock'])} {identity} {applied}"


def web_command(port: int) -> list[str]:
    threads = ["--worker-class", "gthread", "--workers", "1", "--threads", "8"]
    quiet = ["--log-level", "warning", "--graceful-timeout", "5", "--no-control-socket"]
    return [str(PYTHON), "-m", "gunicorn", "config.wsgi", *threads, *quiet, "--bind", f"127.0.0.1:{port}"]


class Child:
    """A process of ours that is started again when it ends unasked, after a growing pause."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name, self.command, self.environment = name, list(command), dict(environment)
        self.pause = 1.0
        self.again_at = 0.0
        self.start()

    def start(self) -> None:
        self.began = time.monotonic()
        self.again_at = 0.0
        self.process = subprocess.Popen(
            self.command,
            cwd=BASE,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            preexec_fn=dies_with_us(),
            start_new_session=True,
        )

    def look(self) -> None:
        now = time.monotonic()
        if self.process.poll() is None:
            if now - self.began > 60:
                self.pause = 1.0
        elif not self.again_at:
            say(f"The {self.name} ended (exit status {self.process.returncode}); it is started again.")
            self.again_at = now + self.pause
            self.pause = min(self.pause * 2, 30.0)
        elif now >= self.again_at:
            self.start()


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    # A real site answers to its own names alone, and logs an error for any other.
    name = os.environ.get("MEDEL_HOSTS", "").split(",")[0].strip().lstrip(".*")
    try:
        connection.request("GET", "/", headers={"Host": name} if name else {})
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def run() -> int:
    """Web and worker until Ctrl-C or SIGTERM; what was started here is stopped here, the database last."""
    stop_with_make()
    port = wanted_port()
    check_port(port)
    setup("run")
    with database():
        environment = child_environment(port)
        migrate(environment)
        # The web server warns of a directory that is not there; locally it stays empty.
        (variable_files() / "static").mkdir(parents=True, exist_ok=True)
        check_port(port)
        children: list[Child] = []
        try:
            children.append(Child("web server", web_command(port), environment))
            children.append(Child("worker", manage("worker"), environment))
            while not answers(port):
                if children[0].process.poll() is not None:
                    raise Trouble("The web server did not start: what went wrong stands above.")
                time.sleep(0.05)
            say(f"Medel stands at http://127.0.0.1:{port}/ – Ctrl-C stops it.")
            if local():
                attended(manage(*DEMO, "--logins"), environment)
            while True:
                time.sleep(0.5)
                if not external() and not server.running(BASE):
                    say("The database ended; it is started again.")
                    with contextlib.suppress(server.ServerError):
                        server.start(BASE, stay=False)
                for child in children:
                    child.look()
        except Stopped:
            return 0  # Being asked to stop is how a run ends.
        finally:
            ignore_signals()
            end([child.process for child in children])


# --- Testing ------------------------------------------------------------------------------------------------


def test_steps() -> list[tuple[str, list[str], dict[str, str]]]:
    """Heading, command and what the environment has besides, in the order of cheapness."""

    def module(name: str, *arguments: str) -> list[str]:
        return [str(PYTHON), "-m", name, *arguments]

    deployed = {
        "MEDEL_SECRET_KEY": secrets.token_urlsafe(64),
        "MEDEL_HOSTS": "medel.example.se",
        "MEDEL_LOCAL": "",
    }
    return [
        ("Lint", module("ruff", "check", "--quiet"), {}),
        ("Format", module("ruff", "format", "--check", "--quiet"), {}),
        ("Import rules", [str(VENV / "bin" / "lint-imports")], {}),
        ("Types", module("mypy", "."), {}),
        ("Migrations", manage("makemigrations", "--check", "--dry-run"), {}),
        ("Deployment check", manage("check", "--deploy", "--fail-level", "WARNING"), deployed),
        ("Tests", module("pytest", "-n", "2", "-m", "not browser"), {}),
        ("Browser tests", module("pytest", "-m", "browser"), {}),
    ]


def test() -> int:
    """Every check in turn, up to the first that fails; its exit status is ours."""
    stop_with_make()
    setup("test")
    with database():
        environment = child_environment()
        # The tests bring their own site, whatever the one of this environment is.
        environment["MEDEL_LOCAL"] = "1"
        environment.pop("MEDEL_HOSTS", None)
        if not environment.get("MEDEL_SECRET_KEY_FILE"):
            environment.setdefault("MEDEL_SECRET_KEY", secrets.token_urlsafe(50))
        environment.pop("MEDEL_DEBUG", None)
        browser = chromium()
        if browser:
            environment["CHROMIUM"] = browser
        for heading, command, more in test_steps():
            say(f"== {heading}")
            status = attended(command, dict(environment, **more))
            if status != 0:
                return status
    return 0


# --- Looking after the database -----------------------------------------------------------------------------


def variable_files() -> Path:
    return Path(os.environ.get("MEDEL_VAR") or BASE / "var")


def backup() -> int:
    if external():
        made = backups.backup(
            BASE, variable_files(), address("DATABASE_OWNER_URL") or address("DATABASE_URL")
        )
    else:
        check_room(BASE)
        with server.in_use(BASE):
            made = backups.backup(BASE, variable_files())
    say(f"Backup: {made}")
    return 0


def agreed(question: str) -> bool:
    if os.environ.get("YES", "").lower() in {"1", "yes", "ja", "y", "j"}:
        say(question)
        return True
    try:
        answer = input(f"{question} (yes/no) ")
    except EOFError:
        answer = ""
    return answer.strip().lower() in {"yes", "y", "ja", "j"}


def refused() -> Trouble:
    return Trouble("Nothing was changed: answer yes, or run the command with YES=1.")


def db_upgrade() -> int:
    if external():
        url = address("DATABASE_OWNER_URL") or address("DATABASE_URL")
        if not agreed("All indexes of the database at DATABASE_URL are built anew. Go on?"):
            raise refused()
        backups.reindex(url, backups.client_programs())
        say("Done.")
        return 0
    with server.only_one(BASE, "setup"):
        install_system_packages(
            [package for package in missing_system_packages("run") if package == "postgresql"]
        )
    plan = backups.upgrade_plan(BASE)
    if plan.kind == "nothing":
        say(plan.question)
        return 0
    check_room(BASE)
    if not agreed(plan.question):
        raise refused()
    aside = backups.upgrade(BASE, variable_files(), plan)
    say(f"Done. The old data directory is {aside}." if aside else "Done.")
    return 0


def restore() -> int:
    """bootstrap.py restore var/backup/<time>: into a new cluster, the present one is kept aside."""
    if external():
        raise Trouble(
            "DATABASE_URL is set: restore that database with pg_restore (docs/installation.md says how)."
        )
    if len(sys.argv) < 3:
        raise Trouble(f"Name the backup, for instance: {sys.argv[0]} restore var/backup/2026-01-31T020000Z")
    source = Path(sys.argv[2]).resolve()
    check_room(BASE)
    if not agreed(
        f"The database is replaced by the backup {source.name}; the present one is kept aside. Go on?"
    ):
        raise refused()
    say(f"Done. The old data directory is {backups.restore(BASE, source)}.")
    return 0


def own_server() -> int:
    """bootstrap.py server [--stop]: the own server alone, in the background; prints its addresses."""
    if external():
        raise Trouble("DATABASE_URL is set, so the project's own server is not used: unset it to start that.")
    if "--stop" in sys.argv[2:]:
        server.stop_unused(BASE)
        return 0
    with server.only_one(BASE, "setup"):
        install_system_packages(
            [package for package in missing_system_packages("run") if package == "postgresql"]
        )
    server.prepare(BASE)
    server.start(BASE)
    found = server.addresses(BASE)
    if found is not None:
        say("export DATABASE_URL='{}'\nexport DATABASE_OWNER_URL='{}'".format(*found))
    return 0


def lock() -> int:
    """Resolve requirements*.in anew for every supported Python; UPGRADE=1 takes the newest of everything."""
    tool = VENV / "bin" / "uv"
    if not tool.exists():
        home = BASE / "var" / "uv"
        tool = home / "bin" / "uv"
        if not tool.exists():
            log = BASE / "var" / "log" / "lock.log"
            said = logged([sys.executable, "-m", "venv", str(home)], log)
            said = said or logged(
                [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "uv"], log
            )
            if said is not None:
                raise Trouble(f"uv could not be installed ({said}): see {log}.")
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"]
    options += ["--no-emit-find-links", "--quiet", "--custom-compile-command", "make lock"]
    if os.environ.get("UPGRADE"):
        options.append("--upgrade")
    for name in ("requirements", "requirements-dev"):
        command = [str(tool), "pip", "compile", *options, f"{name}.in", "-o", f"{name}.lock"]
        if attended(command, os.environ) != 0:
            raise Trouble(f"{name}.lock could not be made: what went wrong stands above.")
        if re.search(r"^--|://", (BASE / f"{name}.lock").read_text(encoding="utf-8"), flags=re.MULTILINE):
            raise Trouble(f"{name}.lock names the address of an index: take that line away.")
    return 0


def set_up() -> int:
    changed = setup("run")
    say("Medel is set up." if changed else "Medel is set up; nothing had to be done.")
    return 0


VERBS: dict[str, Callable[[], int]] = {
    "setup": set_up,
    "run": run,
    "test": test,
    "backup": backup,
    "restore": restore,
    "db-upgrade": db_upgrade,
    "lock": lock,
    "server": own_server,
    "check-database": check_database,
}


def main() -> int:
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb not in VERBS:
        print(f"Usage: {Path(sys.argv[0]).name} {'|'.join(VERBS)}", file=sys.stderr)
        return 2
    heed_signals()
    try:
        return VERBS[verb]()
    except (Trouble, server.ServerError) as error:
        sentence = str(error)
    except Stopped as stopped:
        return 128 + stopped.number
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}:
            raise
        sentence = (
            f"{error.filename or BASE} cannot be written to ({error.strerror}): put that right and try again."
        )
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            sentence = "The disk is full: make room and run the command again."
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
