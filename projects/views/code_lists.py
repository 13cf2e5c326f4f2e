"""The accounts' project codes: the list in which they are answered for, a code's project, and taking lists in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

import django_filters
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pages.columns import Column, Mark, Text, listing
from pages.files import ChooseSheet, TableRefused
from pages.forms import GroupedForm, constraint_message, saving
from pages.imports import COUNTED, OUTCOMES, NotReady, Outcome, Preview
from pages.lists import Action, TableView
from projects import code_lists
from projects.forms import PlainText, ProjectForm, Suggestions, project_with_id
from projects.models import External, Funder, Programme, Project, ProjectNumber
from projects.registry import named, register_project
from projects.views.imports import STATES
from strategy.attachments import FileDamaged, contents, upload_was_too_large
from strategy.models import BatchState, ImportBatch, ReadingKind
from strategy.permissions import Reader
from strategy.readings import log_reading
from strategy.requests import found_or_404, reader_of
from values.text import format_decimal, squeeze

form_page = require_http_methods(["GET", "HEAD", "POST"])
ROWS_SHOWN = 200
_MOST_ANSWERS = 200


def _figure(number: int) -> str:
    return format_decimal(Decimal(number))


# --- the list --------------------------------------------------------------------------------------------

WAITING, ANSWERED, NO_PROJECT = "saknas", "besvarade", "utan-projekt"


class CodeFilter(django_filters.FilterSet):  # type: ignore[misc]  # The package has no types.
    q = django_filters.CharFilter(label=gettext_lazy("Code or name"), method="by_text", max_length=100)
    svar = django_filters.ChoiceFilter(
        label=gettext_lazy("External project"),
        method="by_answer",
        empty_label=gettext_lazy("All"),
        null_label=None,
        choices=[
            (WAITING, gettext_lazy("not gone through")),
            (ANSWERED, gettext_lazy("gone through")),
            (External.YES.value, gettext_lazy("yes")),
            (NO_PROJECT, gettext_lazy("yes, project not known")),
            (External.NO.value, gettext_lazy("no")),
            (External.UNKNOWN.value, gettext_lazy("do not know")),
        ],
    )
    ansvar = django_filters.CharFilter(label=gettext_lazy("Ansvar"), method="by_ansvar", max_length=50)
    bok = django_filters.ChoiceFilter(
        label=gettext_lazy("Accounts"),
        method="by_source",
        empty_label=gettext_lazy("All"),
        null_label=None,
        choices=[],
    )

    class Meta:
        model = ProjectNumber
        fields: Sequence[str] = ()

    def __init__(self, *args: Any, sources: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["bok"].extra["choices"] = [
            (source or "-", code_lists.source_label(source)) for source in sources
        ]
        if len(sources) < 2:
            del self.filters["bok"]

    def by_text(self, codes: Any, name: str, value: str) -> QuerySet[ProjectNumber]:
        text = squeeze(value)
        return codes.filter(Q(code__startswith=text) | Q(name__icontains=text))  # type: ignore[no-any-return]

    def by_ansvar(self, codes: Any, name: str, value: str) -> QuerySet[ProjectNumber]:
        return codes.filter(ansvar_code__startswith=squeeze(value))  # type: ignore[no-any-return]

    def by_source(self, codes: Any, name: str, value: str) -> QuerySet[ProjectNumber]:
        return codes.filter(source="" if value == "-" else value)  # type: ignore[no-any-return]

    def by_answer(self, codes: Any, name: str, value: str) -> QuerySet[ProjectNumber]:
        match value:
            case "saknas":
                return codes.filter(external="")  # type: ignore[no-any-return]
            case "besvarade":
                return codes.exclude(external="")  # type: ignore[no-any-return]
            case "utan-projekt":
                return codes.filter(external=External.YES, project=None)  # type: ignore[no-any-return]
        return codes.filter(external=value)  # type: ignore[no-any-return]


def _period(row: ProjectNumber) -> str | None:
    if row.opened_on is None and row.closed_on is None:
        return None
    first = row.opened_on.isoformat() if row.opened_on else ""
    last = row.closed_on.isoformat() if row.closed_on else ""
    return f"{first} – {last}".strip()


_MARKS = {
    External.YES: Mark(External.YES.label, "full", "good"),
    External.NO: Mark(External.NO.label, "dash"),
    External.UNKNOWN: Mark(External.UNKNOWN.label, "ring", "warn"),
}


class CodeList(TableView):
    """Fifty codes at a time, each with yes, no or do not know."""

    title = gettext_lazy("Project codes")
    lead = gettext_lazy("Which of the accounts' project codes are externally funded projects?")
    template_name = "projects/code_lists/list.html"
    fragment_name = "projects/code_lists/list.html#results"
    filter_target = ""
    page_size = code_lists.PER_PAGE
    ordering = ("source", "code")
    empty_text = gettext_lazy("No list of project codes has been taken in yet.")
    filterset_class = CodeFilter
    reader: Reader

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.reader = reader_of(request)
        self.reader.require("code_list.read")
        self.progress = code_lists.progress(self.reader)
        self.sources = code_lists.sources_known(self.reader)
        return super().dispatch(request, *args, **kwargs)

    @property
    def may_answer(self) -> bool:
        return bool(self.reader.can("code_list.take"))

    def get_queryset(self) -> QuerySet[ProjectNumber]:
        return code_lists.visible_to(self.reader).select_related("project")

    def get_filter_data(self) -> QueryDict:
        """What waits is shown first; the rest when asked for."""
        if "svar" in self.request.GET or not self.progress.waiting:
            return self.request.GET
        data = self.request.GET.copy()
        data["svar"] = WAITING
        return data

    def get_filterset(self, queryset: QuerySet[ProjectNumber]) -> CodeFilter:
        return CodeFilter(
            self.get_filter_data(), queryset=queryset, request=self.request, sources=self.sources
        )

    def get_columns(self) -> Sequence[Column]:
        columns = [
            Column("code", gettext_lazy("Code"), "code", row_header=True, small="name"),
            Column("name", gettext_lazy("Name of the code"), "name"),
            Column("ansvar", gettext_lazy("Ansvar"), "ansvar_code", missing="–"),
            Column("period", gettext_lazy("Opened – closed"), _period, missing="–"),
        ]
        if "format" not in self.request.GET:
            columns.pop(1)  # On screen the name stands under its code.
        if len(self.sources) > 1:
            columns.append(
                Column("source", gettext_lazy("Accounts"), lambda row: code_lists.source_label(row.source))
            )
        columns += [
            Column(
                "external",
                gettext_lazy("External project?"),
                lambda row: _MARKS.get(row.external),
                kind="mark",
                html="projects/code_lists/answer.html" if self.may_answer else None,
                missing=gettext_lazy("not gone through"),
            ),
            Column(
                "suggestion",
                gettext_lazy("Suggestion"),
                lambda row: None if row.external else _suggested(row),
                missing="",
            ),
            Column(
                "project",
                gettext_lazy("Project"),
                lambda row: (
                    row.project.title
                    if row.project
                    else _("Join or register")
                    if row.external == "yes"
                    else None
                ),
                href=lambda row: (
                    row.project.get_absolute_url()
                    if row.project
                    else reverse("projects:code_project", args=[row.pk])
                    if row.external == "yes"
                    else None
                ),
                missing="",
            ),
        ]
        return columns

    def get_primary_action(self) -> Action | None:
        if not self.may_answer:
            return None
        return Action(gettext_lazy("Take in a list of codes"), reverse("projects:codes_take"))

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        told = self.progress
        return context | {
            "progress": told,
            "progress_text": _("%(answered)s of %(total)s gone through")
            % {"answered": _figure(told.answered), "total": _figure(told.total)},
            "may_answer": self.may_answer and bool(context["listing"].rows),
            "query": self.request.GET.urlencode(),
            "without_project_url": f"{reverse('projects:codes')}?svar={NO_PROJECT}",
            "batches_url": reverse("projects:codes_batches"),
        }

    def get_count_text(self, first: int, last: int, count: int) -> Text:
        return ngettext(
            "Showing %(first)d–%(last)d of %(count)d code",
            "Showing %(first)d–%(last)d of %(count)d codes",
            count,
        ) % {"first": first, "last": last, "count": count}


def _suggested(row: ProjectNumber) -> str | None:
    found = code_lists.suggestion(row)
    if found is None:
        return None
    return _("Perhaps %(answer)s: %(why)s") % {"answer": str(found.answer.label).lower(), "why": found.why}


@require_POST
def answer(request: HttpRequest) -> HttpResponse:
    """The answers of a page. `all` gives every code shown that has no answer chosen the same one."""
    reader = reader_of(request)
    reader.require("code_list.take")
    versions: dict[int, int] = {}
    answers: dict[int, str] = {}
    for name, value in list(request.POST.items())[: 2 * _MOST_ANSWERS + 10]:
        kind, _dash, key = name.partition("-")
        if not key.isdecimal() or len(key) > 15:
            continue
        if kind == "v" and str(value).isdecimal():
            versions[int(key)] = int(str(value)[:9])
        elif kind == "svar":
            answers[int(key)] = str(value)
    if (rest := request.POST.get("alla", "")) in External.values:
        for pk in versions:
            answers.setdefault(pk, rest)
    # Without a radio chosen there is no answer: an empty one is never sent by the page.
    given = {pk: said for pk, said in answers.items() if said in External.values}
    done = code_lists.answer(reader, given, versions, at=timezone.now())
    if done.count:
        messages.success(
            request,
            ngettext("%(count)d answer is kept.", "%(count)d answers are kept.", done.count)
            % {"count": done.count},
        )
    elif not (done.collided or done.joined):
        messages.info(request, _("No answer was changed."))
    if done.collided:
        messages.error(
            request,
            _("Answered by somebody else meanwhile, and left as it stands: %(codes)s.")
            % {
                "codes": "; ".join(
                    f"{row.code} {row.get_external_display() or '–'} ({row.answered_by or '–'})"
                    for row in done.collided[:10]
                )
            },
        )
    if done.joined:
        messages.error(
            request,
            _("These have a project, and stay external projects until it is taken away: %(codes)s.")
            % {"codes": ", ".join(row.code for row in done.joined[:10])},
        )
    kept = [(name, value) for name, value in parse_qsl(request.POST.get("fraga", "")[:500]) if name != "page"]
    return redirect(f"{reverse('projects:codes')}?{urlencode(kept)}" if kept else reverse("projects:codes"))


# --- a code's project ------------------------------------------------------------------------------------


class JoinForm(GroupedForm, forms.Form):
    """One of the suggested projects, or any by its register id."""

    mark_optional = False

    project = forms.ChoiceField(
        label=gettext_lazy("Which project is it?"), widget=forms.RadioSelect, required=False, choices=()
    )
    register_id = PlainText(
        label=gettext_lazy("Another project"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("Its register id, for example P-2026-14."),
    )

    def __init__(self, *args: Any, reader: Reader, offered: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reader = reader
        field: Any = self.fields["project"]
        field.choices = [(str(pk), label) for pk, label in offered]
        if not offered:
            del self.fields["project"]
            self.fields["register_id"].label = _("Which project is it?")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        typed, chosen = cleaned.get("register_id"), cleaned.get("project")
        if typed:
            try:
                cleaned["found"] = project_with_id(self.reader, typed)
            except ValidationError as wrong:
                self.add_error("register_id", wrong)
        elif chosen:
            cleaned["found"] = Project.objects.filter(
                municipality=self.reader.municipality, pk=int(chosen)
            ).first()
        elif not self.errors:
            self.add_error(
                "project" if "project" in self.fields else "register_id",
                ValidationError(_("Choose a project, or write the register id of one.")),
            )
        found = cleaned.get("found")
        if found is not None and found.is_withdrawn:
            self.add_error(
                "register_id", ValidationError(_("The project is withdrawn. Choose one that stands."))
            )
        return cleaned


def offered_label(project: Project, why: str) -> str:
    return f"{project.register_id} {project.title} ({why})"


def _code(request: HttpRequest, pk: int) -> ProjectNumber:
    reader = reader_of(request)
    reader.require("code_list.read")
    found = code_lists.visible_to(reader).select_related("project", "answered_by", "batch__file")
    return found_or_404(reader, found, pk)


def _crumbs(*more: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"label": _("Projects"), "url": reverse("projects:list")},
        {"label": _("Project codes"), "url": reverse("projects:codes")},
        *more,
    ]


@form_page
def code_project(request: HttpRequest, pk: int) -> HttpResponse:
    """Which project the code is of: one that the register knows, or one to register."""
    reader = reader_of(request)
    row = _code(request, pk)
    if request.method == "POST":
        reader.require("code_list.take", row)
    alike = code_lists.alike(reader, row) if row.project is None else []
    form = JoinForm(
        request.POST if request.method == "POST" else None,
        reader=reader,
        offered=[(one.project.pk, offered_label(one.project, one.why)) for one in alike],
    )
    if request.method == "POST" and form.is_valid():
        project = form.cleaned_data["found"]
        try:
            with saving(form):
                code_lists.join(reader, row, project, at=timezone.now())
        except code_lists.AlreadySettled as told:
            messages.error(request, str(told))
            return redirect("projects:code_project", row.pk)
        if form.is_valid():
            messages.success(
                request,
                _("The code %(code)s is joined to %(project)s.")
                % {"code": row.code, "project": project.title},
            )
            return redirect(f"{reverse('projects:codes')}?svar={NO_PROJECT}")
    context = {
        "row": row,
        "period": _period(row),
        "form": form,
        "alike": alike,
        "may_join": bool(reader.can("code_list.take", row)) and row.project is None,
        "may_register": bool(reader.can("project.register") and reader.can("code_list.take", row))
        and row.project is None,
        "may_part": bool(reader.can("code_list.take", row)) and row.project is not None,
        "source": code_lists.source_label(row.source),
        "suggestion": None if row.external else _suggested(row),
        "crumbs": _crumbs({"label": row.code}),
    }
    return render(request, "projects/code_lists/code.html", context, status=_status(form))


@form_page
def code_register(request: HttpRequest, pk: int) -> HttpResponse:
    """Registers a project that begins with what the accounts know, and joins the code to it."""
    reader = reader_of(request)
    reader.require("project.register")
    row = _code(request, pk)
    reader.require("code_list.take", row)
    if row.project is not None:
        messages.info(request, _("The code %(code)s has its project already.") % {"code": row.code})
        return redirect("projects:code_project", row.pk)
    form = ProjectForm(
        request.POST if request.method == "POST" else None,
        reader=reader,
        initial=code_lists.prefilled(reader, row),
    )
    if request.method == "POST" and form.is_valid():
        try:
            with saving(form):
                project = register_from(reader, form)
                code_lists.join(reader, row, project, at=timezone.now())
        except code_lists.AlreadySettled as told:
            messages.error(request, str(told))
            return redirect("projects:code_project", row.pk)
        if form.is_valid():
            messages.success(
                request,
                _("“%(title)s” is registered as %(id)s.")
                % {"title": project.title, "id": project.register_id},
            )
            return redirect(project)
    context = {
        "form": form,
        "can_own": form.may_own,
        "lead": _("Prefilled from the project code %(code)s. Correct and fill in what is known.")
        % {"code": row.code},
        "back": reverse("projects:code_project", args=[row.pk]),
        "crumbs": _crumbs({"label": row.code, "url": reverse("projects:code_project", args=[row.pk])}),
    }
    return render(request, "projects/code_lists/register.html", context, status=_status(form))


def register_from(reader: Reader, form: ProjectForm) -> Project:
    """Registers what the form says; inside `saving`, so that what the database refuses becomes its error."""
    funder = named(Funder, form.cleaned_data["funder"], reader.municipality)
    programme = named(Programme, form.cleaned_data["programme"], reader.municipality, funder=funder)
    project = register_project(
        reader,
        form.apply(funder, programme),
        units=form.cleaned_data["units"],
        parties=form.cleaned_data["parties"],
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return project


@require_POST
def code_part(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    row = _code(request, pk)
    reader.require("code_list.take", row)
    reason = squeeze(request.POST.get("reason", ""))[:500]
    if not reason:
        messages.error(request, _("Say why the code is taken away from the project."))
    elif row.project is not None:
        code_lists.part(reader, row, reason=reason)
        messages.success(request, _("The code %(code)s has no project now.") % {"code": row.code})
    return redirect("projects:code_project", row.pk)


def _status(form: Any) -> int:
    return 422 if form.is_bound and form.errors else 200


# --- taking a list in ------------------------------------------------------------------------------------


class UploadForm(GroupedForm, forms.Form):
    # Before the file: what stands after one that is too large never arrives, and what was typed is kept.
    source = PlainText(
        label=gettext_lazy("Whose accounts?"),
        max_length=60,
        required=False,
        widget=Suggestions,
        help_text=gettext_lazy(
            "Empty for the municipality's own. A company has its own codes: write its name."
        ),
    )
    file = forms.FileField(
        label=gettext_lazy("Which file?"),
        help_text=gettext_lazy(
            "The list of project codes from the economy system, as XLSX or CSV: code and name, and if there are "
            "ansvar and dates."
        ),
        error_messages={
            "required": gettext_lazy("Choose the file that holds the codes."),
            "empty": gettext_lazy("The file is empty. Choose the file that holds the codes."),
            "max_length": gettext_lazy("The name of the file is too long. Give it a shorter one."),
        },
        max_length=250,
    )

    def __init__(self, *args: Any, too_large: bool = False, reader: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.too_large = too_large
        self.fields["file"].required = not too_large
        widget: Any = self.fields["source"].widget
        widget.suggestions = list(
            dict.fromkeys([*filter(None, code_lists.sources_known(reader)), *code_lists.companies(reader)])
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.too_large:
            self.add_error("file", too_large_sentence())
        return cleaned


def too_large_sentence() -> str:
    return _("The file is larger than %(limit)d MB, the most that is taken here.") % {
        "limit": settings.REGISTER_FILE_LIMIT // (1024 * 1024)
    }


@form_page
def take(request: HttpRequest) -> HttpResponse:
    reader = reader_of(request)
    reader.require("code_list.take")
    if request.method != "POST":
        return _take_page(request, UploadForm(reader=reader))
    form = UploadForm(request.POST, request.FILES, too_large=upload_was_too_large(request), reader=reader)
    if not form.is_valid():
        return _take_page(request, form)
    file = form.cleaned_data["file"]
    try:
        batch = code_lists.upload(
            reader,
            file.name,
            file.read(),
            source=form.cleaned_data["source"],
            content_type=file.content_type or "",
        )
    except TableRefused as refused:
        return _take_page(request, form, refused)
    return redirect("projects:codes_batch", batch.pk)


def told(refused: TableRefused | None, link: str = "") -> list[dict[str, str]]:
    problems = refused.problems if refused else ()
    said = [{"text": problem.message, "link": link} for problem in problems[:ROWS_SHOWN]]
    if (more := len(problems) - ROWS_SHOWN) > 0:
        said.append(
            {"text": ngettext("and %(count)d more", "and %(count)d more", more) % {"count": more}, "link": ""}
        )
    return said


def _take_page(request: HttpRequest, form: UploadForm, refused: TableRefused | None = None) -> HttpResponse:
    return render(
        request,
        "projects/code_lists/take.html",
        {
            "form": form,
            "problems": told(refused, f"#{form['file'].auto_id}"),
            "columns": [
                {"name": column.also[0], "label": column.label, "also": ", ".join(column.also[1:])}
                for column in code_lists.COLUMNS
            ],
            "crumbs": _crumbs(),
        },
        status=422 if refused or (form.is_bound and form.errors) else 200,
    )


def _batch(request: HttpRequest, pk: int) -> ImportBatch:
    reader = reader_of(request)
    reader.require("code_list.read")
    found = code_lists.batches(reader).select_related("file", "uploaded_by", "municipality")
    return found_or_404(reader, found, pk)


def counted(outcome: Outcome) -> Callable[[ImportBatch], int | None]:
    return lambda batch: batch.counts.get(outcome.value)


class BatchList(TableView):
    """The lists of codes that were taken in, or tried."""

    title = gettext_lazy("Lists of project codes")
    ordering = ("-uploaded_at", "-pk")
    empty_text = gettext_lazy("No list of project codes has been taken in yet.")
    columns = (
        Column(
            "file",
            gettext_lazy("File"),
            "file.name",
            row_header=True,
            href=lambda batch: reverse("projects:codes_batch", args=[batch.pk]),
        ),
        Column("state", gettext_lazy("State"), lambda batch: STATES[batch.state], kind="mark", first=True),
        Column(
            "source",
            gettext_lazy("Accounts"),
            lambda batch: code_lists.source_label(batch.answers.get("source", "")),
        ),
        Column("uploaded_at", gettext_lazy("Uploaded"), "uploaded_at", kind="date"),
        Column("uploaded_by", gettext_lazy("By"), "uploaded_by.name"),
        *(
            Column(
                outcome.value,
                OUTCOMES[outcome],
                counted(outcome),
                numeric=True,
                missing="–",
            )
            for outcome in (Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED, Outcome.REFUSED)
        ),
    )

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        reader_of(request).require("code_list.read")
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[ImportBatch]:
        return code_lists.batches(reader_of(self.request)).select_related("file", "uploaded_by")


TROUBLES = (
    Column("line", gettext_lazy("Line"), "line", row_header=True),
    Column("column", gettext_lazy("Column"), "column", missing="–"),
    Column("message", gettext_lazy("What to do"), "message"),
)


def _says(field: str) -> Callable[[Any], Any]:
    """What the list says in a column, or what stands where it says nothing."""

    def said(row: Any) -> Any:
        return row.target.said(field)

    return said


def _changes(row: Any) -> str:
    return "; ".join(f"{one.label}: {one.before or '–'} → {one.after}" for one in row.differences)


ROWS = (
    Column("line", gettext_lazy("Line"), "line"),
    Column("code", gettext_lazy("Code"), "target.code", row_header=True),
    Column("name", gettext_lazy("Name of the code"), _says("name")),
    Column("ansvar", gettext_lazy("Ansvar"), _says("ansvar_code"), missing="–"),
    Column("opened", gettext_lazy("Opened"), _says("opened_on"), kind="date", missing="–"),
    Column("closed", gettext_lazy("Closed"), _says("closed_on"), kind="date", missing="–"),
    Column("changes", gettext_lazy("What has changed"), _changes, missing=""),
)


@require_safe
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """The list as it came, always as an attachment."""
    return handed_out(request, _batch(request, pk))


def handed_out(request: HttpRequest, found: ImportBatch) -> HttpResponse:
    try:
        data = contents(found.file)
    except FileDamaged:
        messages.error(
            request,
            _("The stored file is missing or damaged. Ask the one who runs Medel to restore it from backup."),
        )
        return redirect("projects:codes" if found.kind == code_lists.KIND else "projects:grants")
    log_reading(reader_of(request), ReadingKind.FILE, what=found.file.name)
    response = HttpResponse(data, content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, found.file.name) or "attachment"
    return response


@never_cache
@form_page
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    """What a list would do; once confirmed, what it did. POST says which sheet is read."""
    reader = reader_of(request)
    found = _batch(request, pk)
    if request.method == "POST":
        reader.require("code_list.take", found)
        if sheet := request.POST.get("sheet", ""):
            try:
                code_lists.choose_sheet(reader, found, sheet[:100])
            except (TableRefused, FileDamaged) as refused:
                messages.error(request, str(refused))
        return redirect("projects:codes_batch", found.pk)
    if found.state != BatchState.JUDGED:
        return _result_page(request, found)
    try:
        preview = code_lists.preview_of(reader, found)
    except code_lists.PointOut:
        return redirect("projects:codes_columns", found.pk)
    except ChooseSheet as several:
        context = {"batch": found, "sheets": several.sheets, "crumbs": _crumbs()}
        return render(request, "projects/code_lists/sheets.html", context)
    except FileDamaged:
        messages.error(request, _("The stored file is damaged. Take the list in again."))
        return redirect("projects:codes")
    except TableRefused as refused:
        messages.error(request, refused.message)
        return redirect("projects:codes_columns", found.pk)
    return preview_page(request, found, preview)


def preview_page(
    request: HttpRequest, found: ImportBatch, preview: Preview, *, problem: str = "", status: int = 200
) -> HttpResponse:
    reader = reader_of(request)
    counts = preview.counts
    shown = [
        row for row in preview.first(ROWS_SHOWN + counts["refused"]) if row.outcome is not Outcome.REFUSED
    ]
    groups = [
        (
            f"{OUTCOMES[outcome]} ({_figure(counts[outcome])})",
            [row for row in shown if row.outcome is outcome],
        )
        for outcome in Outcome
    ]
    writes = counts[Outcome.NEW] + counts[Outcome.CHANGED]
    return render(
        request,
        "projects/code_lists/preview.html",
        {
            "batch": found,
            "source": code_lists.source_label(found.answers.get("source", "")),
            "preview": preview,
            "figures": [
                {"label": OUTCOMES[outcome], "value": _figure(counts[outcome])}
                for outcome in COUNTED
                if outcome is not Outcome.ASKED
            ],
            "problems": [{"text": problem}] if problem else [],
            "troubles": listing(TROUBLES, preview.troubles[:ROWS_SHOWN], name=_("What is refused, and why")),
            "more_troubles": max(len(preview.troubles) - ROWS_SHOWN, 0),
            "rows": listing(
                ROWS, groups=[group for group in groups if group[1]], name=_("What becomes of the rows")
            ),
            "shown": len(shown),
            "row_count": len(preview.rows) - counts["refused"],
            "writes": writes,
            "may_take": bool(reader.can("code_list.take", found)),
            "confirm_label": ngettext("Take in %(count)s code", "Take in %(count)s codes", writes)
            % {"count": _figure(writes)},
            "leave_out_label": ngettext(
                "Leave out %(count)s refused row", "Leave out %(count)s refused rows", counts["refused"]
            )
            % {"count": _figure(counts["refused"])},
            "crumbs": _crumbs(),
        },
        status=status,
    )


def _result_page(request: HttpRequest, found: ImportBatch) -> HttpResponse:
    reader = reader_of(request)
    names: list[tuple[str, Text]] = [
        ("new", OUTCOMES[Outcome.NEW]),
        ("changed", OUTCOMES[Outcome.CHANGED]),
        ("unchanged", OUTCOMES[Outcome.UNCHANGED]),
        ("hidden", gettext_lazy("Taken away")),
        ("restored", gettext_lazy("Restored")),
        ("kept", gettext_lazy("Left as they are")),
    ]
    context = {
        "batch": found,
        "state": STATES[BatchState(found.state)],
        "source": code_lists.source_label(found.answers.get("source", "")),
        "figures": [
            {"label": label, "value": _figure(found.counts[name])}
            for name, label in names
            if name in found.counts
        ],
        "may_undo": found.state == BatchState.CONFIRMED and bool(reader.can("code_list.take", found)),
        "crumbs": _crumbs(),
    }
    return render(request, "projects/code_lists/result.html", context)


class ColumnsForm(GroupedForm, forms.Form):
    """Which heading of theirs holds what of ours."""

    def __init__(
        self, *args: Any, headings: Sequence[str], guessed: Mapping[str, str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for column in code_lists.COLUMNS:
            self.fields[column.name] = forms.ChoiceField(
                label=str(column.label),
                required=column.name == "code",
                choices=[
                    ("", _("It is not in the list")),
                    *((heading, heading) for heading in headings if heading),
                ],
                initial=guessed.get(column.name, ""),
                error_messages={"required": _("Point out which column holds the codes.")},
            )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        told = [heading for heading in cleaned.values() if heading]
        if len(told) != len(set(told)):
            raise ValidationError(_("Two of the answers are the same column. Choose one column for each."))
        return cleaned

    def columns(self) -> dict[str, str]:
        """Their heading → our column."""
        return {heading: name for name, heading in self.cleaned_data.items() if heading}


@form_page
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Pointing out what the columns of a list hold; remembered for the next list."""
    reader = reader_of(request)
    found = _batch(request, pk)
    reader.require("code_list.take", found)
    if found.state != BatchState.JUDGED:
        return redirect("projects:codes_batch", found.pk)
    try:
        headings, rows = code_lists.headings_of(found)
    except (FileDamaged, TableRefused) as refused:
        messages.error(request, str(refused))
        return redirect("projects:codes")
    known = code_lists.known_headings(
        code_lists.remembered_headings(reader) | found.answers.get("columns", {})
    )
    guessed = {
        name: heading for heading in headings if (name := known.get(code_lists.heading_key(heading), ""))
    }
    form = ColumnsForm(request.POST if request.method == "POST" else None, headings=headings, guessed=guessed)
    problems: list[dict[str, str]] = []
    if request.method == "POST" and form.is_valid():
        try:
            code_lists.point_out(reader, found, form.columns())
        except code_lists.BatchMovedOn as moved:
            messages.error(request, _("Somebody has dealt with this already: %(state)s.") % {"state": moved})
            return redirect("projects:codes_batch", found.pk)
        except TableRefused as refused:
            problems = told(refused)
        else:
            return redirect("projects:codes_batch", found.pk)
    context = {
        "batch": found,
        "form": form,
        "problems": problems,
        "sample": sample_table(headings, rows),
        "cancel_url": reverse("projects:codes_cancel", args=[found.pk]),
        "crumbs": _crumbs(),
    }
    return render(
        request, "projects/code_lists/columns.html", context, status=422 if problems else _status(form)
    )


def sample_table(headings: Sequence[str], rows: Sequence[Sequence[str]], most: int = 60) -> Any:
    """The first rows, turned: a heading with its examples on each line, which reads well however many there are."""
    lines = [
        (heading, [cells[place][:80] for cells in rows if place < len(cells) and cells[place].strip()][:3])
        for place, heading in enumerate(headings)
        if heading
    ]
    return listing(
        (
            Column("heading", gettext_lazy("Column in the list"), lambda line: line[0], row_header=True),
            Column(
                "examples", gettext_lazy("What stands in it"), lambda line: " · ".join(line[1]), missing="–"
            ),
        ),
        lines[:most],
        name=_("The columns of the list"),
    )


@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    found = _batch(request, pk)
    reader.require("code_list.take", found)
    try:
        preview = code_lists.confirm(
            reader,
            found,
            seen=request.POST.get("seen", ""),
            at=timezone.now(),
            leave_out_refused="leave_out" in request.POST,
        )
    except NotReady as refused:
        return preview_page(request, found, refused.preview, problem=refused.message, status=409)
    except code_lists.BatchMovedOn as moved:
        messages.error(request, _("Somebody has dealt with this already: %(state)s.") % {"state": moved})
        return redirect("projects:codes_batch", found.pk)
    except (FileDamaged, TableRefused) as refused:
        messages.error(request, str(refused))
        return redirect("projects:codes_batch", found.pk)
    except IntegrityError as error:
        if (message := constraint_message(error)) is None:
            raise
        again = code_lists.preview_of(reader, found)
        return preview_page(request, found, again, problem=message, status=409)
    new = preview.counts[Outcome.NEW]
    messages.success(
        request,
        ngettext(
            "The list is taken in: %(count)s new code to go through.",
            "The list is taken in: %(count)s new codes to go through.",
            new,
        )
        % {"count": _figure(new)},
    )
    return redirect("projects:codes")


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    found = _batch(request, pk)
    reader.require("code_list.take", found)
    try:
        code_lists.cancel(reader, found)
    except code_lists.BatchMovedOn as moved:
        messages.error(request, _("Somebody has dealt with this already: %(state)s.") % {"state": moved})
    else:
        messages.success(request, _("The list is put aside. Nothing was written."))
    return redirect("projects:codes")


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    found = _batch(request, pk)
    reader.require("code_list.take", found)
    try:
        done = code_lists.undo(reader, found, at=timezone.now(), reason=request.POST.get("reason", "")[:500])
    except code_lists.UndoneFirst as refused:
        messages.error(request, str(refused))
    except code_lists.BatchMovedOn as moved:
        messages.error(request, _("Somebody has dealt with this already: %(state)s.") % {"state": moved})
    else:
        messages.success(
            request,
            _("The list is undone: %(hidden)d codes taken away, %(restored)d restored.")
            % {"hidden": done.hidden, "restored": done.restored},
        )
        if done.kept:
            messages.info(
                request,
                _("Answered for or changed since, and left as they are: %(codes)s.")
                % {"codes": ", ".join(row.code for row in done.kept[:20])},
            )
    return redirect("projects:codes_batch", found.pk)
