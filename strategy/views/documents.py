"""Documents: the list of all that the reader may read, each one's page, and handing out, changing and withdrawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from pages.columns import NOT_STATED, Column, Text
from pages.forms import saving
from pages.lists import FORMATS, TableView
from strategy import history
from strategy.attachments import FileDamaged
from strategy.document_columns import document_columns, retention_label, size_label
from strategy.document_contents import CONTENT_TYPES
from strategy.documents import (
    Belonging,
    change_document,
    hand_out,
    may,
    owners,
    require,
    require_standing,
    visible_documents,
    whose,
    withdraw_document,
)
from strategy.forms.documents import ChangeDocumentForm, WithdrawDocumentForm
from strategy.models import Document, DocumentKind, ReadingKind, Retention
from strategy.permissions import Reader
from strategy.readings import log_reading
from strategy.requests import found_or_404, reader_of
from strategy.views.pages import Crumb, Fact, form_page
from values.text import squeeze

# How many of the latest readings stand on a document's page.
LATEST = 20


# --- the list --------------------------------------------------------------------------------------------

_MISSING = "saknas"
_ALL = gettext_lazy("All")


def _choice(label: Any, choices: Any, method: str, empty: Any = _ALL) -> Any:
    return django_filters.ChoiceFilter(
        label=label, choices=choices, method=method, empty_label=empty, null_label=None
    )


class DocumentFilter(django_filters.FilterSet):  # type: ignore[misc]  # The package has no types.
    """The names are the words of the address, which is Swedish. Each kind of owner adds a filter of its own."""

    q = django_filters.CharFilter(
        label=gettext_lazy("Title or registry number"), method="by_text", max_length=200
    )
    slag = _choice(gettext_lazy("Kind"), DocumentKind.choices, "by_kind")
    sekretess = _choice(
        gettext_lazy("Secrecy"),
        [("ja", gettext_lazy("marked secret")), ("nej", gettext_lazy("not marked"))],
        "by_secrecy",
    )
    bevarande = _choice(
        gettext_lazy("Retention"), [*Retention.choices, (_MISSING, NOT_STATED)], "by_retention"
    )
    makulerade = _choice(
        gettext_lazy("Withdrawn"),
        [("aven", gettext_lazy("shown too")), ("enbart", gettext_lazy("shown alone"))],
        "by_nothing",
        gettext_lazy("not shown"),
    )

    class Meta:
        model = Document
        fields: Sequence[str] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for owner in owners:
            self.filters[owner.name] = django_filters.CharFilter(
                label=owner.label, method=_by_owner(owner.named), max_length=200
            )
            self.filters[owner.name].parent = self
            self.filters[owner.name].model = Document

    def filter_queryset(self, queryset: QuerySet[Document]) -> QuerySet[Document]:
        found: QuerySet[Document] = super().filter_queryset(queryset)
        withdrawn = self.form.cleaned_data.get("makulerade")
        if withdrawn == "aven":
            return found
        return found.filter(withdrawn_at__isnull=withdrawn != "enbart")

    def by_text(self, found: QuerySet[Document], name: str, text: str) -> QuerySet[Document]:
        for word in squeeze(text).split():
            found = found.filter(Q(title__icontains=word) | Q(dnr__icontains=word))
        return found

    def by_kind(self, found: QuerySet[Document], name: str, kind: str) -> QuerySet[Document]:
        return found.filter(kind=kind)

    def by_secrecy(self, found: QuerySet[Document], name: str, answer: str) -> QuerySet[Document]:
        return found.filter(is_secret=answer == "ja")

    def by_retention(self, found: QuerySet[Document], name: str, answer: str) -> QuerySet[Document]:
        return found.filter(retention="" if answer == _MISSING else answer)

    def by_nothing(self, found: QuerySet[Document], name: str, answer: str) -> QuerySet[Document]:
        return found


def _by_owner(named: Callable[[str], Q]) -> Callable[[QuerySet[Document], str, str], QuerySet[Document]]:
    def by_owner(found: QuerySet[Document], name: str, text: str) -> QuerySet[Document]:
        return found.filter(named(squeeze(text)))

    return by_owner


class DocumentList(TableView):
    """All documents of the municipality that the reader may read, whatever they belong to."""

    title = gettext_lazy("Documents")
    lead = gettext_lazy(
        "Those that you may read. Each time a document is handed out stands in the log of the municipality."
    )
    filterset_class = DocumentFilter
    empty_text = gettext_lazy("There is no document that you may read. Add them on the page of a project.")

    reader: Reader
    belongings: Mapping[int, Belonging] = {}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.reader = reader_of(request)
        self.reader.require("document.read")
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Document]:
        return visible_documents(self.reader).select_related("file", "added_by")

    def get_columns(self) -> Sequence[Column]:
        return document_columns(
            lambda document: self.belongings[document.pk], file="format" in self.request.GET
        )

    def prepare_rows(self, rows: Sequence[Document]) -> None:
        self.belongings = whose(rows)

    def get_count_text(self, first: int, last: int, count: int) -> Text:
        return ngettext(
            "Showing %(first)d–%(last)d of %(count)d document",
            "Showing %(first)d–%(last)d of %(count)d documents",
            count,
        ) % {"first": first, "last": last, "count": count}

    def answer_file(self, found: QuerySet[Document], filterset: Any, form: str) -> HttpResponseBase:
        log_reading(self.reader, ReadingKind.EXPORT, what=f"{self.get_title()}, {FORMATS[form][0]}")
        return super().answer_file(found, filterset, form)


# --- one document ----------------------------------------------------------------------------------------


def _found(request: HttpRequest, pk: int, *, lock: bool = False) -> tuple[Document, Belonging]:
    """The document and what it belongs to, if the reader may read it."""
    reader = reader_of(request)
    here = Document.objects.filter(municipality=reader.municipality)
    if lock:
        # Before the rest is read: what the first of two saved is seen only after the wait.
        list(here.filter(pk=pk).select_for_update(of=("self",)).values("pk"))
    document = found_or_404(reader, here.select_related("file", "added_by"), pk)
    belonging = whose([document])[document.pk]
    require(reader, "document.read", document, belonging)
    return document, belonging


def _crumbs(belonging: Belonging, document: Document | None = None) -> list[Crumb]:
    crumbs = [Crumb(_("Documents"), reverse("documents"))]
    if belonging.thing is not None:
        crumbs = [Crumb(str(belonging.thing), f"{belonging.url}#documents")]
    if document is not None:
        crumbs.append(Crumb(document.title, reverse("document_about", args=[document.pk])))
    return crumbs


@require_http_methods(["GET", "POST"])
def document(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file. One that is marked secret comes at the press of a button that says that it is logged, never by GET."""
    reader = reader_of(request)
    document, belonging = _found(request, pk)
    if document.is_secret and request.method != "POST":
        return _about(request, document, belonging)
    try:
        file = hand_out(reader, document, belonging)
    except FileDamaged:
        messages.error(
            request,
            _("The stored file is missing or damaged. Ask the one who runs Medel to restore it from backup."),
        )
        return redirect("document_about", pk)
    known = document.file.content_type in CONTENT_TYPES.values()
    response = FileResponse(
        file,
        as_attachment=True,
        filename=document.file.name,
        content_type=document.file.content_type if known else "application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    # Should a browser show it all the same, then as a page that may nothing.
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
def about(request: HttpRequest, pk: int) -> HttpResponse:
    return _about(request, *_found(request, pk))


def _about(request: HttpRequest, document: Document, belonging: Belonging) -> HttpResponse:
    reader = reader_of(request)
    standing = not document.is_withdrawn and belonging.stands
    facts = [
        Fact(_("Belongs to"), belonging.thing, belonging.url),
        Fact(_("Kind"), document.get_kind_display()),
        Fact(_("Date"), document.dated_on and document.dated_on.isoformat()),
        Fact(_("Registry number"), document.dnr),
        Fact(_("Secrecy"), _secrecy(document)),
        Fact(_("Retention"), retention_label(document)),
        Fact(_("File"), f"{document.file.name}, {size_label(document)}"),
        Fact(_("Added by"), document.added_by.name),
        Fact(_("Added"), timezone.localtime(document.added_at).strftime("%Y-%m-%d %H:%M")),
        Fact(_("Checksum (SHA-256)"), document.file.sha256),
    ]
    # Both sides see it: who reads the log, and who answers for what the document belongs to (not who keeps
    # everybody's documents).
    answers = reader.units("document.add") is not None and may(reader, "document.add", document, belonging)
    read = bool(reader.can("log.read") or answers)
    context = {
        "document": document,
        "crumbs": _crumbs(belonging),
        "facts": facts,
        "withdrawn_at": document.withdrawn_at and timezone.localtime(document.withdrawn_at),
        "may_change": standing and may(reader, "document.add", document, belonging),
        "may_withdraw": standing and may(reader, "document.withdraw", document, belonging),
        "entries": history.entries(history.acts(document)) if reader.can("history.read") else (),
        "reads_log": read,
        "readings": [
            (timezone.localtime(reading.at), reading.person.name, reading.get_kind_display())
            for reading in document.readings.select_related("person")[:LATEST]
        ]
        if read
        else (),
    }
    return render(request, "strategy/documents/about.html", context)


def _secrecy(document: Document) -> str:
    if not document.is_secret:
        return _("Not marked secret")
    return _("Marked secret, %(ground)s") % {"ground": document.legal_ground}


def _status(form: forms.BaseForm) -> int:
    """A form that came back is not taken for a saved page."""
    return 422 if form.is_bound and form.errors else 200


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    document, belonging = _found(request, pk, lock=request.method == "POST")
    require(reader, "document.add", document, belonging)
    require_standing(document, belonging)
    crumbs = _crumbs(belonging, document)
    form = ChangeDocumentForm(request.POST if request.method == "POST" else None, instance=document)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            change_document(reader, document, reason=form.cleaned_data["reason"])
        if form.is_valid():
            messages.success(request, _("The changes to “%(title)s” are saved.") % {"title": document.title})
            if not may(reader, "document.read", document, belonging):
                # Who has marked it secret is not always one who reads what is secret.
                return redirect(belonging.url or "documents")
            return redirect("document_about", pk)
    response = form_page(
        request,
        form,
        title=_("Change what is said of the document"),
        lead=_("The file itself stays as it came. Another file is added as another document."),
        submit=_("Save"),
        back=reverse("document_about", args=[pk]),
        crumbs=crumbs,
    )
    response.status_code = _status(form)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    document, belonging = _found(request, pk, lock=request.method == "POST")
    require(reader, "document.withdraw", document, belonging)
    require_standing(document, belonging)
    form = WithdrawDocumentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            withdraw_document(reader, document, reason=form.cleaned_data["reason"], at=timezone.now())
        if form.is_valid():
            messages.success(request, _("“%(title)s” is withdrawn.") % {"title": document.title})
            return redirect(belonging.url or "documents")
    response = form_page(
        request,
        form,
        title=_("Withdraw “%(title)s”") % {"title": document.title},
        note=_("The document counts no more, but it stays readable with the reason. It cannot be put back."),
        submit=_("Withdraw the document"),
        back=reverse("document_about", args=[pk]),
        crumbs=_crumbs(belonging, document),
        stops=True,
    )
    response.status_code = _status(form)
    return response
