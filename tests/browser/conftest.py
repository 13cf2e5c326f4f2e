"""A real browser against a real server on a database of its own: a clone of the tests' database with the demo in it.

Cloned, because the tables refuse to be emptied. The server listens on loopback and is stopped by its own process id.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from reporting.demo import PASSWORD

BASE = Path(__file__).resolve().parent.parent.parent
# Playwright keeps an event loop in this thread; the tests' own queries are made while it rests.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def _address(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="module")
def site(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a running Medel with the demo; its own database and folder, gone afterwards."""
    with django_db_blocker.unblock():
        template = connection.settings_dict["NAME"]
        connection.close()
    name = f"{template}_browser_{os.getpid()}"
    var = tmp_path_factory.mktemp("var")
    maintenance = _address(settings.DATABASE_OWNER_URL, "postgres")
    with psycopg.connect(maintenance, autocommit=True) as owner:
        owner.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    environment = {
        **os.environ,
        "DATABASE_URL": _address(settings.DATABASE_URL, name),
        "DATABASE_OWNER_URL": _address(settings.DATABASE_OWNER_URL, name),
        "MEDEL_LOCAL": "1",
        "MEDEL_SECRET_KEY": "of the browser tests alone " * 3,
        "MEDEL_VAR": str(var),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = None
    try:
        subprocess.run(
            [sys.executable, "manage.py", "demo"], cwd=BASE, env=environment, check=True, capture_output=True
        )
        with (var / "server.log").open("wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "config.wsgi", "--worker-class", "gthread", "--threads", "4",
                 "--bind", f"127.0.0.1:{port}", "--no-control-socket"],
                cwd=BASE, env=environment, stdout=log, stderr=log,
            )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, server, var / "server.log")
        yield address
    finally:
        if server is not None:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
        with psycopg.connect(maintenance, autocommit=True) as owner:
            owner.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(150):
        if server.poll() is not None:
            raise RuntimeError(f"the server stopped: {log.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(f"{address}/halsa/", timeout=2).read()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"the server did not answer: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


Opened = Callable[..., Page]


@pytest.fixture
def opened(chromium: Browser, site: str) -> Iterator[Opened]:
    """`opened("revisor@jonkoping.example")` logs in and gives the page; options go to the browser's context."""
    contexts: list[BrowserContext] = []

    def as_somebody(email: str = "", **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = chromium.new_context(base_url=site, locale="sv-SE", **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        if email:
            page.goto("/konto/login/")
            page.locator("input[name=login]").fill(email)
            page.locator("input[name=password]").fill(PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(lambda url: "/konto/login/" not in url)
        return page

    yield as_somebody
    for context in contexts:
        context.close()
