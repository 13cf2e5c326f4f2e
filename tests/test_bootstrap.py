"""What `make` does before anything else stands: sentences instead of tracebacks, nothing done twice."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from config import bootstrap, server

SCRIPT = Path(bootstrap.__file__)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_URL_FILE", "DATABASE_OWNER_URL_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PORT", "CHROMIUM", "MEDEL_VAR", "MEDEL_SECRET_KEY", "MEDEL_LOCAL", "MEDEL_ADDRESS", "YES"):
        monkeypatch.delenv(name, raising=False)
    for name in ("MEDEL_HOSTS", "MEDEL_SECRET_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "BASE", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return tmp_path


def sentence(call: object, *arguments: object) -> str:
    assert callable(call)
    with pytest.raises((bootstrap.Trouble, server.ServerError)) as refused:
        call(*arguments)
    return str(refused.value)


# --- Python ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_these_pythons_are_used(version: tuple[int, int]) -> None:
    assert bootstrap.python_problem(version) is None


@pytest.mark.parametrize("version", [(3, 8), (3, 10), (3, 14)])
def test_another_python_gets_one_sentence(version: tuple[int, int]) -> None:
    assert bootstrap.python_problem(version) == (
        f"Medel needs Python 3.11, 3.12 or 3.13, but python3 is {version[0]}.{version[1]}: "
        "install one of them and name it, for instance PYTHON=python3.11 make run."
    )


def test_an_old_python_can_read_the_script_as_far_as_its_sentence() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_the_set_up_needs_nothing_but_the_standard_library() -> None:
    for name in ("bootstrap", "server", "backups"):
        tree = ast.parse((SCRIPT.parent / f"{name}.py").read_text(encoding="utf-8"))
        imported = {
            (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
            for node in tree.body
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        roots = {module.split(".")[0] for module in imported}
        assert roots - set(sys.stdlib_module_names) <= {"config"}


# --- Sentences ------------------------------------------------------------------------------------------


def test_a_taken_port_is_said_with_another_to_choose() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        assert sentence(bootstrap.check_port, port, 0) == (
            f"Port {port} is taken by another program: stop that one, or choose another port, "
            f"PORT={port + 1} make run."
        )


@pytest.mark.parametrize("text", ["x", "0", "65536", "-1", "80 80"])
def test_a_port_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PORT", text)

    assert sentence(bootstrap.wanted_port) == (
        f"PORT must be a number between 1 and 65535, not {text!r}: correct it."
    )


def test_a_nearly_full_disk_is_said_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**10, 10**10, 123_456_789))

    assert sentence(bootstrap.setup) == (
        f"The disk is nearly full (123 MB left, 500 MB needed below {checkout}): "
        "make room and run the command again."
    )
    assert list(checkout.iterdir()) == []


def test_who_may_not_install_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "rights", lambda: None)

    assert sentence(bootstrap.install_system_packages, ["postgresql"]) == (
        "postgresql is missing and this user may not install software: ask for apt-get install postgresql, "
        "or set DATABASE_URL to a database elsewhere, and run the command again."
    )


def test_what_only_makes_pdfs_quicker_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "rights", lambda: None)

    assert bootstrap.install_system_packages(["libharfbuzz-subset0"]) is False


def test_an_owner_without_an_application_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://a@b/c")

    assert sentence(bootstrap.external) == (
        "DATABASE_OWNER_URL is set but DATABASE_URL is not: set both, or neither for an own server."
    )


@pytest.mark.parametrize(
    ("address", "beginning"),
    [
        ("mysql://a:geheim@b/c", "DATABASE_URL must look like postgresql://user:password@host:5432/medel"),
        ("postgresql://a:geheim@/c?host=/nowhere", "DATABASE_URL leads to no usable database ("),
        ("postgresql://a:geheim%zz@[::1/c", "DATABASE_URL leads to no usable database ("),
    ],
)
def test_a_wrong_address_is_said_without_its_password(
    monkeypatch: pytest.MonkeyPatch, address: str, beginning: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", address)

    said = sentence(bootstrap.check_database)

    assert said.startswith(beginning)
    assert said.endswith("correct it." if "mysql" in address else "correct it or start that server.")
    assert "geheim" not in said
    assert "\n" not in said


def test_trouble_is_one_line_on_stderr_and_status_1() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "run"], env={**os.environ, "PORT": "x"}, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "PORT must be a number between 1 and 65535, not 'x': correct it.\n",
    )


# --- Nothing twice --------------------------------------------------------------------------------------


def test_nothing_is_missing_where_everything_stands(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    monkeypatch.setattr(bootstrap, "has_library", lambda name: True)
    monkeypatch.setattr(server, "programs", lambda: {15: Path("/")})
    monkeypatch.setattr(bootstrap, "chromium", lambda: "/usr/bin/chromium")

    assert bootstrap.missing_system_packages("test") == []


def test_on_a_bare_machine_everything_is_missing(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    monkeypatch.setattr(bootstrap, "has_library", lambda name: False)
    monkeypatch.setattr(server, "programs", dict)
    monkeypatch.setattr(bootstrap, "chromium", lambda: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    libraries = ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"]

    assert bootstrap.missing_system_packages("run") == [*libraries, "python3-venv", "postgresql"]
    of_tests = [*libraries, "libatomic1", "python3-venv", "postgresql", "chromium"]
    assert bootstrap.missing_system_packages("test") == of_tests
    monkeypatch.setenv("DATABASE_URL", "postgresql://a@b/c")
    assert bootstrap.missing_system_packages("run") == [*libraries, "python3-venv"]


def test_the_packages_are_installed_once_for_each_lock(
    monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        (checkout / name).write_text(name)
    commands: list[list[str]] = []

    def logged(command: list[str], log: Path, environment: object = None) -> None:
        commands.append(command)
        (checkout / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
        (checkout / ".venv" / "bin" / "python").touch()

    monkeypatch.setattr(bootstrap, "logged", logged)

    assert [bootstrap.install_packages(kind) for kind in ("run", "run", "test", "run", "test")] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert all("--require-hashes" in command for command in commands if "pip" in command)
    (checkout / "requirements.lock").write_text("changed")
    assert bootstrap.install_packages("run") is True


def test_apts_own_cluster_is_declined_before_postgresql_comes(
    monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> None:
    done: list[str] = []
    monkeypatch.setattr(bootstrap, "rights", list)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")

    def logged(command: list[str], log: Path) -> None:
        done.append(" ".join(command[command.index("apt-get") :]))

    monkeypatch.setattr(bootstrap, "logged", logged)
    monkeypatch.setattr(bootstrap, "without_main_cluster", lambda prefix: done.append("no main cluster"))

    assert bootstrap.install_system_packages(["libpango-1.0-0", "postgresql"]) is True

    apt = "apt-get -q -o DPkg::Lock::Timeout=300"
    install = f"{apt} install -y --no-install-recommends -o Dpkg::Options::=--force-confold"
    assert done == [
        f"{apt} update",
        f"{install} postgresql-common",
        "no main cluster",
        f"{install} libpango-1.0-0 postgresql",
    ]


def test_apts_own_cluster_is_declined_once(tmp_path: Path) -> None:
    path = tmp_path / "createcluster.conf"
    path.write_text("# Default values\n#create_main_cluster = true\nstart_conf = 'auto'\n")

    for _ in range(2):
        bootstrap.without_main_cluster([], path)

    assert path.read_text() == "# Default values\nstart_conf = 'auto'\ncreate_main_cluster = false\n"


def test_the_locks_name_no_index() -> None:
    for name in bootstrap.LOCKS["test"]:
        lines = (bootstrap.BASE / name).read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if "://" in line or line.startswith("-")] == []


# --- Environment ----------------------------------------------------------------------------------------


def test_a_database_of_ones_own_choice_adds_nothing_to_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://a@b/c")

    assert bootstrap.child_environment() == {**os.environ, "PYTHONUNBUFFERED": "1"}


def test_an_address_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "address").write_text("postgresql://a@b/c\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "address"))

    assert (bootstrap.external(), bootstrap.address("DATABASE_URL")) == (True, "postgresql://a@b/c")


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "addresses", lambda base: ("application", "owner"))
    monkeypatch.setattr(server, "secrets", lambda base: {"secret_key": "key"})


def brought() -> dict[str, str]:
    """What the children are told besides, or otherwise than, what the set-up itself was told."""
    told = bootstrap.child_environment(8001)
    told.pop("PYTHONUNBUFFERED", None)
    return {name: text for name, text in told.items() if os.environ.get(name) != text}


@pytest.mark.usefixtures("own")
def test_the_own_server_brings_addresses_key_and_loopback() -> None:
    assert brought() == {
        "DATABASE_URL": "application",
        "DATABASE_OWNER_URL": "owner",
        "MEDEL_SECRET_KEY": "key",
        "MEDEL_LOCAL": "1",
        "MEDEL_ADDRESS": "http://127.0.0.1:8001",
    }


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("given", [{"MEDEL_HOSTS": "medel.example.se"}, {"MEDEL_LOCAL": "no"}])
def test_a_real_site_on_the_own_server_is_told_that_it_is_not_local(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    for name, text in given.items():
        monkeypatch.setenv(name, text)

    assert brought() == {
        "DATABASE_URL": "application",
        "DATABASE_OWNER_URL": "owner",
        "MEDEL_SECRET_KEY": "key",
        "MEDEL_LOCAL": "0",
    }


@pytest.mark.usefixtures("own")
def test_a_given_key_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDEL_SECRET_KEY", "mine")
    assert "MEDEL_SECRET_KEY" not in brought()

    monkeypatch.setenv("MEDEL_SECRET_KEY", "")
    assert brought()["MEDEL_SECRET_KEY"] == "key"

    monkeypatch.setenv("MEDEL_SECRET_KEY_FILE", str(tmp_path / "key"))
    assert "MEDEL_SECRET_KEY" not in brought()


@pytest.mark.parametrize(
    ("own_server", "hosts", "given", "expected"),
    [
        (True, "", "", True),
        (True, " , ", "", True),
        (True, "medel.example.se", "", False),
        (True, "", "0", False),
        (True, "medel.example.se", "1", True),
        (False, "", "", False),
        (False, "medel.example.se", "", False),
        (False, "", "1", True),
    ],
)
def test_a_site_is_local_on_the_own_server_without_names_unless_said(
    monkeypatch: pytest.MonkeyPatch, own_server: bool, hosts: str, given: str, expected: bool
) -> None:
    monkeypatch.setenv("MEDEL_HOSTS", hosts)
    monkeypatch.setenv("MEDEL_LOCAL", given)

    assert server.local(own=own_server) is expected


def test_what_is_neither_local_nor_not_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDEL_LOCAL", "perhaps")

    assert sentence(bootstrap.local) == "MEDEL_LOCAL must be 1 or 0, not 'perhaps': correct it."


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["migrate --verbosity 0", "demo --language en --if-empty"]),
        (
            {"MEDEL_HOSTS": "medel.example.se"},
            [
                "migrate --verbosity 0",
                "collectstatic --noinput --verbosity 0",
                "demo --language en --warn",
            ],
        ),
        (
            {"DATABASE_URL": "postgresql://a@b/c", "MEDEL_LOCAL": "1"},
            [
                "migrate --verbosity 0",
                "collectstatic --noinput --verbosity 0",
                "demo --language en --warn",
            ],
        ),
    ],
)
def test_the_demo_comes_by_itself_into_a_local_site_alone(
    monkeypatch: pytest.MonkeyPatch, checkout: Path, given: dict[str, str], expected: list[str]
) -> None:
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    (checkout / "var" / "locks").mkdir(parents=True)
    done: list[str] = []

    def attended(command: list[str], environment: object) -> int:
        done.append(" ".join(command[2:]))
        return 0

    monkeypatch.setattr(bootstrap, "attended", attended)
    monkeypatch.setattr(bootstrap, "migration_state", lambda: "as it is")

    bootstrap.migrate({})
    assert done == expected

    bootstrap.migrate({})
    assert done == (expected if not given else expected * 2)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [True, "http://127.0.0.1:8000", False, 0, ["127.0.0.1", "localhost", "[::1]"]]),
        (
            {"MEDEL_HOSTS": "medel.example.se,localhost"},
            [False, "https://medel.example.se", True, 31_536_000, ["medel.example.se", "localhost"]],
        ),
    ],
)
def test_the_settings_by_hand_decide_as_the_set_up_does(
    given: dict[str, str], expected: list[object]
) -> None:
    program = (
        "import json\n"
        "from config import server\n"
        "server.addresses = lambda base: ('postgresql://a@/medel', 'postgresql://b@/medel')\n"
        "server.secrets = lambda base: {'secret_key': 'key'}\n"
        "from config import settings as s\n"
        "assert s.SECRET_KEY == 'key'\n"
        "told = [s.LOCAL, s.SITE_ADDRESS, s.SESSION_COOKIE_SECURE, s.SECURE_HSTS_SECONDS, s.ALLOWED_HOSTS]\n"
        "print(json.dumps(told))\n"
    )
    environment = {**os.environ, **given}

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=bootstrap.BASE,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == expected


# --- Processes ------------------------------------------------------------------------------------------


def test_a_command_ends_with_its_own_exit_status() -> None:
    def status(script: str) -> int:
        return bootstrap.attended(["sh", "-c", script], os.environ)

    assert [status("exit 0"), status("exit 5"), status("kill -TERM $$")] == [0, 5, 143]


def test_a_process_that_will_not_end_is_killed_with_its_group() -> None:
    stubborn = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert stubborn.stdout is not None
    stubborn.stdout.readline()

    bootstrap.end([stubborn], patience=0.2)

    assert stubborn.returncode == -signal.SIGKILL


def test_what_was_started_dies_with_a_supervisor_that_is_killed() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(bootstrap.BASE)!r})\n"
        "import subprocess, time\n"
        "from config import bootstrap\n"
        "child = subprocess.Popen(['sleep', '60'], preexec_fn=bootstrap.dies_with_us())\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    child = int(supervisor.stdout.readline())
    supervisor.kill()
    supervisor.wait()

    def alive() -> bool:
        try:
            return Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    deadline = time.monotonic() + 5
    while alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive()


# --- make -----------------------------------------------------------------------------------------------


def test_every_target_of_make_is_a_verb() -> None:
    rules = (bootstrap.BASE / "Makefile").read_text(encoding="utf-8").splitlines()
    targets = next(line for line in rules if line.startswith("run ")).rstrip(":").split()

    assert sorted(targets) == ["backup", "db-upgrade", "lock", "run", "setup", "test"]
    assert set(targets) <= set(bootstrap.VERBS)


def test_the_checks_run_from_the_cheapest_to_the_dearest() -> None:
    assert [heading for heading, _, _ in bootstrap.test_steps()] == [
        "Lint",
        "Format",
        "Import rules",
        "Types",
        "Migrations",
        "Deployment check",
        "Tests",
        "Browser tests",
    ]


def test_a_failing_check_stops_the_rest_with_its_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://a@b/c")
    monkeypatch.setattr(bootstrap, "setup", lambda kind: False)
    monkeypatch.setattr(bootstrap, "check_external", lambda: None)
    monkeypatch.setattr(bootstrap, "chromium", lambda: None)
    steps = [
        ("One", ["true"], {}),
        ("Two", ["sh", "-c", "exit $STATUS"], {"STATUS": "4"}),
        ("Three", ["true"], {}),
    ]
    monkeypatch.setattr(bootstrap, "test_steps", lambda: steps)

    assert bootstrap.test() == 4
    assert capsys.readouterr().out == "== One\n== Two\n"
