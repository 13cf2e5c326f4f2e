"""HTML to PDF/UA-1: tagged, with language and title, from our own files alone, and stopping on any error.

WeasyPrint merely logs what it cannot load; a report without its stylesheet or its fonts would go out
unnoticed. Here the first such thing raises PdfFailed.
"""

import logging
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree.ElementTree import SubElement

import weasyprint
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

_SVG: Final = "{http://www.w3.org/2000/svg}"
# A host that cannot exist (RFC 2606): relative addresses need one to be told from those of others.
_OWN_HOST: Final = "https://medel.invalid/"
# What a document may carry within itself: a municipality's arms.
_EMBEDDED: Final = ("data:image/png", "data:image/jpeg", "data:image/svg+xml", "data:image/webp")


# It warns of each property that our stylesheets have for browsers alone; errors are collected below.
logging.getLogger("weasyprint").setLevel(logging.ERROR)


class PdfFailed(RuntimeError):
    """The document could not be made; the message names the file or the fault, for the operator."""


class OwnFiles(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types.
    """Gives out our static files and images embedded in the page; everything else is an error that stops."""

    def __init__(self, base: str) -> None:
        super().__init__(allowed_protocols=["data"], allow_redirects=False, fail_on_errors=True)
        storage: Any = staticfiles_storage  # Whatever the setting names; all have base_url.
        self._static = urljoin(base, storage.base_url)

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        if url.startswith("data:"):
            if not url.startswith(_EMBEDDED):
                raise PdfFailed(f"Only images may be embedded in a document, not {url[:40]}.")
            return super().fetch(url, headers)
        address = urlsplit(url)._replace(query="", fragment="").geturl()
        if not address.startswith(self._static):
            raise PdfFailed(f"A document loads our own static files alone, not {url}.")
        name = unquote(address.removeprefix(self._static))
        return URLFetcherResponse(
            url,
            static_file(name),
            {"Content-Type": mimetypes.guess_type(name)[0] or "application/octet-stream"},
        )


def static_file(name: str) -> bytes:
    """A static file as it lies in the project, or by the hashed name under which it was collected.

    Raises PdfFailed where there is none.
    """
    if found := finders.find(name):
        return Path(found).read_bytes()
    if settings.STATIC_ROOT and staticfiles_storage.exists(name):
        with staticfiles_storage.open(name) as file:
            return bytes(file.read())
    raise PdfFailed(f"There is no static file named {name}.")


def render_pdf(html: str, *, base: str = "") -> bytes:
    """The document as PDF. Language and title are taken from <html lang> and <title>, and must stand there.

    `base` is the site's address (https://…/): with it, relative links lead there; without, they are text.
    Raises PdfFailed on a missing file, a foreign address, a link within the document that leads nowhere, or
    a document without language or title.
    """
    host = base or _OWN_HOST
    try:
        with _faults() as faults:
            page = weasyprint.HTML(string=html, base_url=host, url_fetcher=OwnFiles(host))
            root = page.etree_element
            title = root.find("head/title")
            if not root.get("lang"):
                raise PdfFailed("A document states its language: <html lang> is missing.")
            if title is None or not (title.text or "").strip():
                raise PdfFailed("A document states its title: <title> is missing or empty.")
            _name_drawings(root)
            if not base:
                _unlink(root)
            pdf = page.write_pdf(pdf_variant="pdf/ua-1")
    except FatalURLFetchingError as error:  # A BaseException: left alone it would end the worker.
        raise PdfFailed(str(error.__cause__ or error)) from error
    if faults:
        raise PdfFailed(" ".join(faults))
    return bytes(pdf)


def _unlink(root: Any) -> None:
    """Without the site's address a relative link would lead nowhere: it becomes text."""
    for link in root.iter("a"):
        if not link.get("href", "#").startswith(("#", "https:", "http:", "mailto:")):
            link.tag = "span"
            del link.attrib["href"]


def _name_drawings(root: Any) -> None:
    """PDF/UA wants words for each drawing, and WeasyPrint takes them from <title> alone.

    A chart gives its aria-label; a mark, hidden beside its word, gets a space, which is read as nothing.
    """
    for drawing in root.iter(f"{_SVG}svg"):
        if drawing.find(f"{_SVG}title") is not None:
            continue
        words = drawing.get("aria-label") or (
            "\N{NO-BREAK SPACE}" if drawing.get("aria-hidden") == "true" else None
        )
        if words is None:
            raise PdfFailed("A drawing has words: <svg> needs aria-label, or aria-hidden beside its word.")
        SubElement(drawing, f"{_SVG}title").text = words


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.faults: list[str] = []
        self._thread = get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:  # Another thread may be making another document.
            self.faults.append(record.getMessage()[:200])  # An embedded image is its own address.


@contextmanager
def _faults() -> Iterator[list[str]]:
    """What WeasyPrint logs as an error. Its warnings (properties for browsers alone) are no faults."""
    collector = _Collector()
    logger: Any = logging.getLogger("weasyprint")
    logger.addHandler(collector)
    try:
        yield collector.faults
    finally:
        logger.removeHandler(collector)
