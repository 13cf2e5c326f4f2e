"""Documents on paper: what is in them, how they are tagged, and what stops them."""

import base64
from collections import Counter
from io import BytesIO
from typing import Any

import pytest
from django.template import engines
from django.utils.translation import override, pgettext
from pypdf import PdfReader

from pages.pdf import PdfFailed, render_pdf

REPORT = """{% extends layout|default:"layouts/screen.html" %}{% load marks %}
{% block title %}Externfinansierade projekt under 2017 – Sjöstads kommun{% endblock %}
{% block cover %}
{% include "components/cover.html" with municipality="Sjöstads kommun" title="Projekt 2017" arms=arms only %}
{% endblock %}
{% block sender %}Sjöstads kommun & Bergsby{% endblock %}
{% block dnr %}KS 2026/0112{% endblock %}
{% block content %}
<h2>Projekt under 2017</h2>
<p><a href="#last">Sist</a> <a href="/projekt/1/">Trygg hemma</a> {% mark "half" "Pågående" %}, med Łódź</p>
<table class="table"><caption>Kronor.</caption>
<thead><tr><th scope="col">Projekt</th><th scope="col" class="num">Vår del</th></tr></thead>
<tbody>
{% for n in rows %}
<tr><th scope="row">Projekt {{ n }}</th><td class="num">{{ n }} 812 400</td></tr>
{% endfor %}
</tbody>
</table>
<section class="landscape"><h2 id="last">Bred tabell</h2><p>På tvären.</p></section>
{% endblock %}"""
DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAA"
    "AABJRU5ErkJggg=="
)


def report(layout: str = "layouts/print.html", rows: int = 60, language: str = "sv", **context: Any) -> str:
    with override(language):
        template = engines["django"].from_string(REPORT)
        return template.render({"layout": layout, "rows": range(1, rows + 1), **context})


def document(body: str, head: str = "<title>T</title>", attributes: str = 'lang="sv"') -> str:
    return f"<!doctype html><html {attributes}><head>{head}</head><body>{body}</body></html>"


def read(pdf: bytes) -> PdfReader:
    return PdfReader(BytesIO(pdf))


def catalog(reader: PdfReader) -> Any:
    return reader.trailer["/Root"]


def words(page: Any) -> str:
    return " ".join(page.extract_text().split())


def structure(reader: PdfReader) -> Counter[str]:
    """How often each kind of structure element stands in the document."""
    found: Counter[str] = Counter()

    def walk(node: Any) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif isinstance(node, dict):
            if "/S" in node:
                found[node["/S"]] += 1
            if "/K" in node:
                walk(node["/K"])

    walk(catalog(reader)["/StructTreeRoot"])
    return found


def figures(reader: PdfReader) -> list[Any]:
    found = []

    def walk(node: Any) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif isinstance(node, dict):
            if node.get("/S") == "/Figure":
                found.append(node.get("/Alt"))
            walk(node.get("/K", []))

    walk(catalog(reader)["/StructTreeRoot"])
    return found


@pytest.fixture(scope="module")
def made() -> PdfReader:
    return read(render_pdf(report()))


def test_a_document_states_its_language_and_title_and_is_tagged(made):
    root = made.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"], root["/ViewerPreferences"]["/DisplayDocTitle"]) == (
        "sv",
        True,
        True,
    )
    assert made.metadata is not None
    assert made.metadata.title == "Externfinansierade projekt under 2017 – Sjöstads kommun"


def test_a_document_says_that_it_is_pdf_ua(made):
    assert b"pdfuaid" in made.trailer["/Root"]["/Metadata"].get_data()


def test_the_figures_are_in_the_text_and_the_menu_is_not(made):
    text = " ".join(words(page) for page in made.pages)
    assert "Projekt 60 60 812 400" in text
    assert "Log out" not in text
    assert "Logga ut" not in text


def test_a_table_has_header_cells_in_its_structure(made):
    kinds = structure(made)
    # Sixty row headers, and the two of the head on each of the pages that it is repeated on.
    pages = sum("Vår del" in words(page) for page in made.pages)
    assert pages > 1
    assert kinds["/TH"] - 60 == 2 * pages
    assert kinds["/TD"] == 60


def test_the_head_and_foot_of_each_page_after_the_cover_say_where_one_is(made):
    cover, first, *_rest, last = [words(page) for page in made.pages]
    with override("sv"):
        of = pgettext("page 3 of 7", "of")
    assert "KS 2026/0112" not in cover
    assert "Sjöstads kommun & Bergsby" in first
    assert f"KS 2026/0112 2 {of} {len(made.pages)}" in first
    assert first.count("Projekt under 2017") == 2  # The chapter and its running head.
    assert f"{len(made.pages)} {of} {len(made.pages)}" in last


def test_an_english_document_counts_its_pages_in_english():
    pages = read(render_pdf(report(language="en", rows=1))).pages
    assert f"2 of {len(pages)}" in words(pages[1])


def test_a_wide_table_lies_across_the_page(made):
    sizes = [(page.mediabox.width > page.mediabox.height) for page in made.pages]
    assert sizes == [False] * (len(sizes) - 1) + [True]


def test_only_our_fonts_are_used_and_letters_beyond_latin_1_have_their_own(made):
    fonts = {
        font["/BaseFont"].split("+")[1]
        for page in made.pages
        for font in (each.get_object() for each in page["/Resources"]["/Font"].values())
    }
    assert {name for name in fonts if not name.startswith(("Inter", "Source-Serif-4"))} == set()
    assert "Inter-Ext" in fonts  # Łódź: drawn from one family with the rest it came out as other letters.


def test_no_text_is_smaller_than_nine_points(made):
    sizes: set[float] = set()

    def note(text: str, _cm: Any, matrix: list[float], _font: Any, size: float) -> None:
        if text.strip():
            sizes.add(round(abs(size * matrix[3]) * 0.75 if abs(matrix[3]) != 1 else size, 1))

    # WeasyPrint draws in CSS pixels under a page matrix of 0.75: its sizes are read in that unit.
    made.pages[1].extract_text(visitor_text=note)
    assert sizes
    assert min(sizes) >= 9


def test_a_link_to_the_site_is_text_unless_the_site_is_named():
    def addresses(pdf: bytes) -> list[str]:
        links = [each.get_object() for page in read(pdf).pages for each in page.get("/Annots", [])]
        return [link["/A"]["/URI"] for link in links if "/A" in link]

    html = report(rows=1)
    assert addresses(render_pdf(html)) == []
    assert addresses(render_pdf(html, base="https://medel.example.se/")) == [
        "https://medel.example.se/projekt/1/"
    ]


def test_every_drawing_has_words_and_that_of_a_mark_is_silent():
    chart = '<svg viewBox="0 0 9 9" role="img" aria-label="Budget per år"><path d="M0 0h9"/></svg>'
    mark = '<svg viewBox="0 0 9 9" aria-hidden="true"><path d="M0 0h9"/></svg> Pågående'
    assert figures(read(render_pdf(document(chart + mark)))) == ["Budget per år", "\N{NO-BREAK SPACE}"]


def test_the_arms_of_the_municipality_stand_on_the_cover_with_its_name_as_words():
    reader = read(render_pdf(report(rows=1, arms=DOT)))
    assert "Sjöstads kommun" in figures(reader)
    assert len(reader.pages[0].images) == 1


def test_the_same_template_makes_a_screen_page():
    assert '<nav class="crumbs"' not in report(layout="")
    assert 'id="content"' in report(layout="")


@pytest.mark.parametrize(
    ("html", "why"),
    [
        (
            document("x", '<title>T</title><link rel="stylesheet" href="/static/css/gone.css">'),
            "no static file named",
        ),
        (
            document("x", "<title>T</title><style>@import url('/static/css/gone.css')</style>"),
            "no static file named",
        ),
        (document('<img src="/static/gone.png" alt="x">'), "no static file named gone.png"),
        (
            document(
                "x", "<title>T</title><style>@font-face{font-family:F;src:url(/static/gone.woff2)}</style>"
            ),
            "no static file named gone.woff2",
        ),
        (document('<img src="https://example.org/a.png" alt="x">'), "our own static files alone"),
        (document('<img src="http://169.254.169.254/latest/" alt="x">'), "our own static files alone"),
        (document('<img src="file:///etc/passwd" alt="x">'), "our own static files alone"),
        (document('<img src="/static/../config/settings.py" alt="x">'), "."),
        (document('<img src="/static/%2e%2e/manage.py" alt="x">'), "."),
        (document('<img src="data:text/html;base64,eA==" alt="x">'), "Only images may be embedded"),
        (document(f'<img src="{DOT}">'), "has no required alt description"),
        (document('<a href="#nowhere">x</a>'), "nowhere"),
        (document('<svg viewBox="0 0 9 9"><path d="M0 0h9"/></svg>'), "A drawing has words"),
        (document("x", attributes=""), "<html lang> is missing"),
        (document("x", head="<title> </title>"), "<title> is missing or empty"),
        (document("x", head=""), "<title> is missing or empty"),
    ],
)
def test_what_is_missing_or_foreign_stops_the_document(html, why):
    with pytest.raises(PdfFailed) as failed:
        render_pdf(html)
    assert why in str(failed.value)


def test_a_drawing_embedded_as_data_may_not_fetch_from_elsewhere():
    inner = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><image href="https://example.org/a.png"/></svg>'
    address = "data:image/svg+xml;base64," + base64.b64encode(inner.encode()).decode()
    with pytest.raises(PdfFailed, match="Failed to render SVG image"):
        render_pdf(document(f'<img src="{address}" alt="x">'))


def test_the_cover_names_the_municipality_beside_its_arms_too():
    from django.template.loader import render_to_string

    cover = render_to_string(
        "components/cover.html",
        {"municipality": "Sjöstads kommun", "title": "T", "arms": "data:image/png;base64,AA"},
    )
    assert '<p class="arms">Sjöstads kommun</p>' in cover
