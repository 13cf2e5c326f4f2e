"""Every page, as the roles that use it: no fault found by axe, no sideways scroll, one primary button."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Opened

pytestmark = pytest.mark.browser

PUBLIC = ["/konto/login/", "/konto/password/reset/", "/styleguide/", "/hjalp/", "/finns-inte/"]
PAGES = {
    "strateg@sjostad.example": [
        "/",
        "/projekt/",
        "/projekt/?q=finns+inte",
        "/projekt/?ar=2026&hur=slutade",
        "/projekt/nytt/",
        "{project}",
        "{project}andra/",
        "{project}makulera/",
        "{project}dela/",
        "/projekt/inlasning/",
        "/projekt/inlasning/ny/",
        "/att-gora/own-share/",
        "/anmal/",
        "/anmal/mina/",
        "/anmal/lista/",
        "{report}",
        "{report}registrera/",
        "/rapporter/",
        "/rapporter/projektlista/2026/",
        "/rapporter/projektlista/1999/",
        "/ansvar/",
        "/ansvar/nytt/",
        "/ansvar/enheter/",
        "/hjalp/",
        "/konto/password/change/",
        "/konto/andra-faktor/",
        "/konto/andra-faktor/ny/",
    ],
    "administrator@sjostad.example": [
        "/",
        "/ansvar/",
        "/ansvar/nytt/",
        "/ansvar/enheter/ny/",
        "/ansvar/kommunen/",
        "/ansvar/kommunen/andra/",
    ],
    "strateg@jonkoping.example": [
        "/",
        "/projekt/?kommuner=alla",
        "/rapporter/projektlista/2026/?kommuner=alla",
    ],
    "medarbetare@jonkoping.example": ["/", "/projekt/", "/projekt/nytt/", "/anmal/", "/anmal/mina/"],
    "revisor@sjostad.example": ["/", "/projekt/", "{project}", "/projekt/inlasning/"],
}


def look_at(page: Page, address: str) -> list[str]:
    """What is wrong with the page, in words."""
    page.goto(address)
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": rules})
    wrong = [
        f"{address}: {fault['id']}: {fault['nodes'][0]['html'][:160]}"
        for fault in found.response["violations"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        wrong.append(f"{address}: scrolls sideways at {page.viewport_size}")
    primary = page.locator("main .button:not(.button--quiet):not(.button--small):visible").count()
    if primary > 1 and "styleguide" not in address:
        wrong.append(f"{address}: {primary} primary buttons")
    if page.locator("h1").count() != 1:
        wrong.append(f"{address}: {page.locator('h1').count()} main headings")
    return wrong


def project_of(page: Page) -> str:
    page.goto("/projekt/")
    first = page.locator("main table tbody th a").first
    return str(first.get_attribute("href")) if first.count() else "/projekt/"


def report_of(page: Page) -> str:
    """A report, made by the person whose page it is, that is like a project of the demo."""
    page.goto("/anmal/")
    page.locator("input[name=title]").fill("Läslust i skolan")
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(re.compile(r"/anmal/\d+/$"))
    return page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_nothing_is_wrong_with_any_page(opened: Opened, scheme: str, width: int) -> None:
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    wrong: list[str] = []
    public = opened(**options)
    for address in PUBLIC:
        wrong += look_at(public, address)
    for email, addresses in PAGES.items():
        page = opened(email, **options)
        project = project_of(page)
        report = report_of(page) if any("{report}" in address for address in addresses) else ""
        for address in addresses:
            wrong += look_at(page, address.format(project=project, report=report))
    assert wrong == []


def test_nothing_scrolls_sideways_at_two_hundred_percent(opened: Opened) -> None:
    page = opened("strateg@sjostad.example", viewport={"width": 640, "height": 480}, device_scale_factor=2)
    project = project_of(page)
    report = report_of(page)
    sideways = []
    for address in PAGES["strateg@sjostad.example"]:
        page.goto(address.format(project=project, report=report))
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            sideways.append(address)
    assert sideways == []
