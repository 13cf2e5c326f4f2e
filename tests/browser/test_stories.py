"""The stories that the register is made for, each told as its person would live it: in the browser, in Swedish."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path

import pypdf
import pytest
import python_calamine
from playwright.sync_api import Page, expect

from reporting.demo import PASSWORD
from tests.browser.conftest import Opened

pytestmark = pytest.mark.browser

LIST_OF_2017 = Path(__file__).resolve().parent.parent / "data" / "projects-2017.csv"
FIVE = ["Bredband utbyggnad", "CHANGE", "CoSIE", "Globala målen kommunikation", "Growkomp"]


def take_in_2017(page: Page) -> None:
    page.get_by_role("link", name="Inläsningar").first.click()
    page.locator("a.button").first.click()
    page.locator("input[type=file]").set_input_files(LIST_OF_2017)
    page.locator("input[name=year]").fill("2017")
    page.locator("main form button[type=submit]").last.click()
    expect(page.locator("main")).to_contain_text("gemensam satsning")
    page.locator("input[type=radio][value=decided_by]").check()
    page.locator("input[type=radio][value=partner]").check()
    page.locator("input[type=radio][value=approximate]").check()
    page.locator("main fieldset").last.locator("xpath=ancestor::form").locator("button").click()
    page.locator("form[action*=bekrafta] button").click()
    expect(page.locator("main")).to_contain_text("CHANGE")


def titles(page: Page) -> list[str]:
    return sorted(page.locator("main table tbody th a").all_inner_texts())


def test_the_strategist_takes_in_the_list_corrects_a_project_and_takes_the_year_list_home(
    opened: Opened,
) -> None:
    page = opened("strateg@jonkoping.example")
    take_in_2017(page)

    page.get_by_role("link", name="Projekt", exact=True).first.click()
    page.locator("select[name=ar]").select_option("2017")
    page.locator("form.filters button").click()
    assert titles(page) == FIVE

    page.get_by_role("link", name="CHANGE", exact=True).click()
    expect(page.locator("main")).to_contain_text("cirka 31 000 000 kr")
    page.get_by_role("link", name="Ändra", exact=True).click()
    page.locator("select[name=role]").select_option("participant")
    page.locator("[name=reason]").fill("Avtalet säger att vi deltar")
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("Avtalet säger att vi deltar")
    told = " ".join(page.locator("main").inner_text().split())
    assert "Vår roll före: Partner → efter: Deltagare" in told

    page.get_by_role("link", name="Rapporter").first.click()
    page.goto("/rapporter/projektlista/2017/")
    with page.expect_download() as taken:
        page.get_by_role("link", name=re.compile("PDF")).click()
    assert taken.value.suggested_filename.endswith(".pdf")
    paper = pypdf.PdfReader(io.BytesIO(Path(taken.value.path()).read_bytes()))
    text = " ".join(" ".join(sheet.extract_text().split()) for sheet in paper.pages)
    assert [title for title in FIVE if title not in text] == []
    assert "Externfinansierade projekt under 2017" in text
    assert "31 000 000" in text.replace("\xa0", " ")
    assert "Logga ut" not in text

    with page.expect_download() as taken:
        page.get_by_role("link", name="Excel").click()
    sheet = python_calamine.load_workbook(str(taken.value.path())).get_sheet_by_index(0).to_python()
    cells = {str(cell) for row in sheet for cell in row}
    assert [title for title in FIVE if title not in cells] == []


def test_a_contact_person_registers_changes_and_withdraws_a_project_by_keyboard_alone(opened: Opened) -> None:
    page = opened("kontaktperson@jonkoping.example")
    page.goto("/projekt/nytt/")

    def tab_to(name: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.getAttribute('name')") == name:
                return
        raise AssertionError(f"{name} is not reached by the tab key")

    def tab_to_button() -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('main form button[type=submit]')"):
                return
        raise AssertionError("no button is reached by the tab key")

    tab_to("title")
    page.keyboard.type("Trygg hemgång")
    tab_to("funder")
    page.keyboard.type("Socialstyrelsen")
    tab_to("starts")
    page.keyboard.type("2026-09")
    tab_to("ends")
    page.keyboard.type("2026-08")
    tab_to("total_budget")
    page.keyboard.type("ca 900 tkr")
    tab_to("own_share")
    page.keyboard.type("1 mkr")
    tab_to_button()
    page.keyboard.press("Enter")

    # Refused with all at once, nothing lost, and the focus on the summary.
    summary = page.locator("[role=alert]").first
    expect(summary).to_be_visible()
    assert page.locator("input[name=title]").input_value() == "Trygg hemgång"
    assert page.locator("input[name=total_budget]").input_value() == "ca 900 tkr"
    page.locator("input[name=ends]").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("2028-08")
    page.locator("input[name=own_share]").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("300 tkr")
    tab_to_button()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_contain_text("cirka 900 000 kr")
    expect(page.locator("main")).to_contain_text("Socialförvaltningen")
    address = page.url
    page.goto("/projekt/")
    assert page.locator("main table tbody th a").first.inner_text() == "Trygg hemgång"

    page.goto(f"{address}andra/")
    tab_to("title")
    page.keyboard.press("Control+A")
    page.keyboard.type("Trygg hemgång för alla")
    tab_to("reason")
    page.keyboard.type("Namnet i beslutet")
    tab_to_button()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Trygg hemgång för alla")

    page.goto(f"{address}makulera/")
    tab_to("reason")
    page.keyboard.type("Registrerat två gånger")
    tab_to_button()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Registrerat två gånger")
    page.goto("/projekt/")
    assert "Trygg hemgång för alla" not in titles(page)


def test_the_auditor_reads_and_takes_the_list_and_changes_nothing(opened: Opened) -> None:
    page = opened("revisor@sjostad.example")
    page.goto("/projekt/")
    assert len(titles(page)) == 11
    page.get_by_role("link", name="Trygg hemma", exact=True).click()
    address = page.url
    expect(page.locator("main")).to_contain_text("Historik")
    assert page.get_by_role("link", name="Ändra", exact=True).count() == 0
    assert page.locator("main form").count() == 0
    for deed in ("andra", "makulera", "dela"):
        assert page.goto(f"{address}{deed}/").status == 403  # type: ignore[union-attr]
    assert page.goto("/projekt/nytt/").status == 403  # type: ignore[union-attr]
    page.goto("/rapporter/projektlista/2026/")
    with page.expect_download() as taken:
        page.get_by_role("link", name=re.compile("PDF")).click()
    assert Path(taken.value.path()).read_bytes().startswith(b"%PDF")


def test_all_of_it_works_without_javascript(opened: Opened) -> None:
    page = opened("strateg@sjostad.example", java_script_enabled=False)
    page.goto("/projekt/")
    page.locator("input[name=q]").last.fill("Tartu")
    page.locator("form.filters button").click()
    assert titles(page) == ["Språkcafé över gränsen"]
    page.get_by_role("link", name="Språkcafé över gränsen").click()
    page.get_by_role("link", name="Ändra", exact=True).click()
    page.locator("select[name=role]").select_option("partner")
    page.locator("[name=reason]").fill("Avtalet säger partner")
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("Avtalet säger partner")
    page.goto(f"{page.url}steg/paused/")
    page.locator("[name=comment]").fill("Lärarna är tjänstlediga")
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("main")).to_contain_text("Lärarna är tjänstlediga")


def test_two_windows_do_not_overwrite_each_other(opened: Opened) -> None:
    first, second = opened("strateg@sjostad.example"), opened("kontakt.social@sjostad.example")
    first.goto("/projekt/")
    first.get_by_role("link", name="Nära vård 2027", exact=True).click()
    address = first.url
    first.goto(f"{address}andra/")
    second.goto(f"{address}andra/")
    first.locator("input[name=project_number]").fill("7801")
    first.locator("[name=reason]").fill("Numret kom i dag")
    first.locator("main form button[type=submit]").click()
    second.locator("input[name=acronym]").fill("NV27")
    second.locator("[name=reason]").fill("Kortnamn")
    second.locator("main form button[type=submit]").click()
    expect(second.locator("main")).to_contain_text("7801")
    assert second.locator("input[name=acronym]").input_value() == "NV27"
    first.reload()
    first.goto(address)
    expect(first.locator("main")).not_to_contain_text("NV27")
    expect(first.locator("main")).to_contain_text("7801")


def test_one_logs_in_by_typing_the_address_tab_the_password_and_enter(opened: Opened) -> None:
    page = opened()
    page.goto("/konto/login/")
    page.locator("input[name=login]").focus()
    page.keyboard.type("revisor@sjostad.example")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/konto/" not in url)
    expect(page.get_by_role("button", name="Logga ut")).to_be_visible()


LETTER_OF_AWARD = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PHONE = {"viewport": {"width": 390, "height": 844}}


def is_as_wide_as_the_phone(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_teachers_letter_of_award_becomes_a_running_project_on_a_phones_width(opened: Opened) -> None:
    teacher = opened("medarbetare@jonkoping.example", **PHONE)
    began = time.monotonic()
    teacher.locator("main a[href='/anmal/']").click()
    teacher.keyboard.press("Tab")
    teacher.locator("input[name=title]").focus()
    # From here by keyboard alone.
    teacher.keyboard.type("Bokcirkel på tre språk")
    teacher.keyboard.press("Tab")
    teacher.keyboard.type("Erasmus+")
    teacher.keyboard.press("Tab")
    teacher.keyboard.type("ca 400 tkr")
    expect(teacher.locator("main")).to_contain_text("400 000 kr")  # said back beside the field
    teacher.keyboard.press("Tab")
    teacher.keyboard.type("2026-08")
    teacher.keyboard.press("Tab")
    teacher.keyboard.type("2027-07")
    teacher.locator("input[type=file]").set_input_files(
        {"name": "beslut.pdf", "mimeType": "application/pdf", "buffer": LETTER_OF_AWARD}
    )
    assert is_as_wide_as_the_phone(teacher)
    teacher.locator("input[name=title]").focus()
    teacher.keyboard.press("Enter")
    expect(teacher.locator("main h1")).to_have_text("Bokcirkel på tre språk")
    assert time.monotonic() - began < 60
    expect(teacher.locator("main")).to_contain_text("cirka 400 000 kr")
    assert is_as_wide_as_the_phone(teacher)

    # The unit has no contact person: the strategist acts for it.
    page = opened("strateg@jonkoping.example", **PHONE)
    page.locator(".todo a", has_text="Bokcirkel på tre språk").first.click()
    assert is_as_wide_as_the_phone(page)
    page.locator("main a.button[href$='/registrera/']").click()
    assert page.locator("input[name=programme]").input_value() == "Erasmus+"
    page.locator("select[name=state]").select_option("granted")
    page.locator("select[name=document_kind]").select_option("decision")
    page.locator("details:has(select[name=project_manager]) > summary").click()
    page.locator("select[name=project_manager]").select_option(label="Medarbetare Utbildningsförvaltningen")
    page.locator("select[name=accounting]").select_option("here")
    page.locator("input[name=project_number]").fill("7714")
    assert is_as_wide_as_the_phone(page)
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url(re.compile(r"/projekt/\d+/$"))
    project = page.url
    expect(page.locator("#documents table")).to_contain_text("beslut")
    assert is_as_wide_as_the_phone(page)

    page.goto(f"{project}steg/ongoing/")
    page.locator("input[name=gates][value=organisation]").check()
    page.locator("input[name=gates_on]").fill("2026-11-20")
    page.locator("select[name=gates_by]").select_option(index=1)
    page.locator("[name=gates_evidence]").fill("Ledningsgruppen 2026-11-20, § 4")
    assert is_as_wide_as_the_phone(page)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(project)
    expect(page.locator("main [aria-current=step]").first).to_contain_text("Pågående")

    # The reporter sees what became of it, and the report waits for nobody any more.
    teacher.goto("/anmal/mina/")
    expect(teacher.locator("main table")).to_contain_text("P-2026-")
    assert is_as_wide_as_the_phone(teacher)
    page.goto("/att-gora/")
    expect(page.locator(".todo")).to_be_visible()
    expect(page.locator(".todo a[href^='/anmal/']")).to_have_count(0)
