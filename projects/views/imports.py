"""The pages of an import, in the order in which one meets them: upload, questions and preview, result, undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
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
from pages.files import ChooseSheet, TableRefused, write_csv
from pages.forms import constraint_message
from pages.imports import COUNTED, OUTCOMES, NotReady, Outcome, Preview, QuestionsForm
from pages.lists import FORMATS, Action, TableView
from projects import code_lists, exchange
from projects.exchange.template import GUIDE
from projects.models import ImportedProject, Project
from projects.public_lists import taking
from strategy import history
from strategy.attachments import FileDamaged, contents, upload_was_too_large
from strategy.models import BatchState, ImportBatch, ReadingKind
from strategy.permissions import Reader
from strategy.readings import log_reading
from strategy.requests import found_or_404, reader_of
from values.text import format_decimal, squeeze

# So many rows are shown; refused ones and those asked about first.
ROWS_SHOWN = 200

STATES = {
    BatchState.JUDGED: Mark(BatchState.JUDGED.label, "ring", "warn"),
    BatchState.CONFIRMED: Mark(BatchState.CONFIRMED.label, "full", "good"),
    BatchState.UNDONE: Mark(BatchState.UNDONE.label, "dash"),
    BatchState.CANCELLED: Mark(BatchState.CANCELLED.label, "dash"),
}


# --- all imports -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file that is taken in: its name, who reads it and where it is dealt with."""

    label: Text
    action: str
    page: str


KINDS: Mapping[str, Kind] = {
    exchange.KIND: Kind(gettext_lazy("Projects"), "import.read", "projects:import_preview"),
    code_lists.KIND: Kind(gettext_lazy("Project codes"), "code_list.read", "projects:codes_batch"),
    taking.KIND: Kind(gettext_lazy("A funder's list"), "grant_list.read", "projects:grants_batch"),
}


class ImportFilter(django_filters.FilterSet):  # type: ignore[misc]  # The package has no types.
    """Names are the words of the address, which is Swedish."""

    q = django_filters.CharFilter(label=gettext_lazy("Name of the file"), method="by_name", max_length=250)
    slag = django_filters.ChoiceFilter(
        label=gettext_lazy("Kind of file"),
        choices=[(name, kind.label) for name, kind in KINDS.items()],
        field_name="kind",
        empty_label=gettext_lazy("All"),
        null_label=None,
    )
    lage = django_filters.ChoiceFilter(
        label=gettext_lazy("State"),
        choices=BatchState.choices,
        field_name="state",
        empty_label=gettext_lazy("All"),
        null_label=None,
    )
    av = django_filters.ChoiceFilter(
        label=gettext_lazy("Uploaded by"),
        choices=[],
        method="by_person",
        empty_label=gettext_lazy("All"),
        null_label=None,
    )
    fran = django_filters.DateFilter(
        label=gettext_lazy("Uploaded from"),
        field_name="uploaded_at",
        lookup_expr="date__gte",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    till = django_filters.DateFilter(
        label=gettext_lazy("Uploaded to"),
        field_name="uploaded_at",
        lookup_expr="date__lte",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    class Meta:
        model = ImportBatch
        fields: Sequence[str] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = self.queryset.order_by("uploaded_by__name").values_list("uploaded_by", "uploaded_by__name")
        self.filters["av"].extra["choices"] = [(str(pk), name) for pk, name in people.distinct()]

    def by_name(self, found: QuerySet[ImportBatch], _name: str, text: str) -> QuerySet[ImportBatch]:
        return found.filter(file__name__icontains=squeeze(text))

    def by_person(self, found: QuerySet[ImportBatch], _name: str, person: str) -> QuerySet[ImportBatch]:
        return found.filter(uploaded_by=int(person))


def _count(outcome: Outcome) -> Callable[[ImportBatch], int | None]:
    return lambda batch: batch.counts.get(outcome.value)


class ImportList(TableView):
    """Every file that was ever taken in or tried, by whom and with what outcome."""

    title = gettext_lazy("Imports")
    lead = gettext_lazy("Files taken in, or tried: by whom, and what became of their rows.")
    ordering = ("-uploaded_at", "-pk")
    empty_text = gettext_lazy("No file has been taken in yet.")
    filterset_class = ImportFilter
    columns = (
        Column(
            "file",
            gettext_lazy("File"),
            "file.name",
            row_header=True,
            href=lambda batch: reverse(KINDS[batch.kind].page, args=[batch.pk]),
            small=lambda batch: _("Import %(number)d") % {"number": batch.pk},
        ),
        Column("state", gettext_lazy("State"), lambda batch: STATES[batch.state], kind="mark", first=True),
        Column("kind", gettext_lazy("Kind of file"), lambda batch: KINDS[batch.kind].label),
        Column("uploaded_at", gettext_lazy("Uploaded"), "uploaded_at", kind="date"),
        Column("uploaded_by", gettext_lazy("By"), "uploaded_by.name"),
        Column(
            "year", gettext_lazy("Concerns the year"), lambda batch: batch.answers.get("year"), missing="–"
        ),
        *(
            Column(outcome.value, OUTCOMES[outcome], _count(outcome), numeric=True, missing="–")
            for outcome in (Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED, Outcome.REFUSED)
        ),
        Column(
            "download",
            gettext_lazy("The file as it came"),
            lambda batch: _("Download") if batch.kind == exchange.KIND else None,
            href=lambda batch: (
                reverse("projects:import_file", args=[batch.pk]) if batch.kind == exchange.KIND else None
            ),
            missing="–",
        ),
    )

    reader: Reader

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.reader = reader_of(request)
        self.reader.require("import.read")
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[ImportBatch]:
        readable = [name for name, kind in KINDS.items() if self.reader.can(kind.action)]
        return ImportBatch.objects.filter(
            municipality=self.reader.municipality, kind__in=readable
        ).select_related("file", "uploaded_by")

    def get_filterset(self, queryset: QuerySet[Any]) -> Any:
        return ImportFilter(self.get_filter_data(), queryset=queryset, request=self.request)

    def get_primary_action(self) -> Action | None:
        if not self.reader.can("project.import"):
            return None
        return Action(gettext_lazy("Import a file"), reverse("projects:import_upload"))


# --- upload ----------------------------------------------------------------------------------------------


class UploadForm(forms.Form):
    # Before the file: what stands after one that is too large never arrives, and what was typed is kept.
    year = forms.IntegerField(
        label=gettext_lazy("Which year do the rows concern?"),
        help_text=gettext_lazy(
            "For a list of the projects of a year. Projects without dates are then found under that year."
        ),
        min_value=1971,
        max_value=2199,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "input--date"}),
        error_messages={
            "invalid": gettext_lazy("Write the year with four digits, for example 2017."),
            "min_value": gettext_lazy("Write a year from 1971 to 2199."),
            "max_value": gettext_lazy("Write a year from 1971 to 2199."),
        },
    )
    file = forms.FileField(
        label=gettext_lazy("Which file?"),
        help_text=gettext_lazy(
            "An Excel workbook (.xlsx) or a table saved as CSV, with a line of headings. The headings that are "
            "known stand below."
        ),
        error_messages={
            "required": gettext_lazy("Choose the file that holds the rows."),
            "empty": gettext_lazy("The file is empty. Choose the file that holds the rows."),
            "max_length": gettext_lazy("The name of the file is too long. Give it a shorter one."),
        },
        max_length=250,
    )

    def __init__(self, *args: Any, too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.too_large = too_large
        if too_large:
            self.fields["file"].required = False

    def clean(self) -> None:
        super().clean()
        if self.too_large:
            self.add_error(
                "file",
                _(
                    "The file is larger than %(limit)d MB, the most that is taken. Divide it and upload the parts."
                )
                % {"limit": settings.REGISTER_FILE_LIMIT // (1024 * 1024)},
            )


@require_http_methods(["GET", "HEAD", "POST"])
def import_upload(request: HttpRequest) -> HttpResponse:
    reader = reader_of(request)
    reader.require("project.import")
    if request.method != "POST":
        return _upload_page(request, UploadForm())
    form = UploadForm(request.POST, request.FILES, too_large=upload_was_too_large(request))
    if not form.is_valid():
        return _upload_page(request, form)
    file = form.cleaned_data["file"]
    try:
        batch = exchange.upload(
            reader,
            file.name,
            file.read(),
            year=form.cleaned_data["year"],
            content_type=file.content_type or "",
            may_choose=True,
        )
    except TableRefused as refused:
        return _upload_page(request, form, refused)
    return redirect("projects:import_preview", batch.pk)


def _upload_page(
    request: HttpRequest, form: UploadForm, refused: TableRefused | None = None, status: int = 200
) -> HttpResponse:
    problems = refused.problems if refused else ()
    more = len(problems) - ROWS_SHOWN
    told = [
        {"text": problem.message, "link": f"#{form['file'].auto_id}"} for problem in problems[:ROWS_SHOWN]
    ]
    if more > 0:
        told.append(
            {"text": ngettext("and %(count)d more", "and %(count)d more", more) % {"count": more}, "link": ""}
        )
    return render(
        request,
        "projects/imports/upload.html",
        {
            "form": form,
            "problems": told,
            "columns": [
                {
                    "name": column.label,
                    "label": GUIDE[column.name][0],
                    "also": ", ".join((column.name, *column.also)),
                }
                for column in exchange.COLUMNS
            ],
            "crumbs": _crumbs(),
        },
        status=status,
    )


# --- questions and preview, later the result -------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def import_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What the file would do; once confirmed, what it did. POST brings answers and judges anew."""
    reader = reader_of(request)
    if request.method == "POST":
        reader.require("project.import")
    batch = _batch(reader, pk)
    if batch.state != BatchState.JUDGED:
        return _result_page(request, batch)
    if (progress := exchange.progress(batch, timezone.now())) is not None:
        return _progress_page(request, batch, progress)
    try:
        preview = exchange.preview_of(reader, batch)
    except ChooseSheet as choice:
        return _sheet_page(request, batch, SheetForm(choice.sheets))
    except (FileDamaged, TableRefused):
        return _damaged(request)
    if request.GET.get("format") == "csv":
        return _attachment(write_csv(TROUBLES, preview.troubles), f"import-{batch.pk}.csv")
    if request.method != "POST":
        problem = batch.answers.get("taking_in", {}).get("problem", "")
        return _preview_page(request, batch, preview, problem=problem)
    form = QuestionsForm(preview.questions, request.POST)
    if not form.is_valid():
        return _preview_page(request, batch, preview, form=form)
    if not form.answers():
        messages.error(request, _("No question is answered yet. Choose an answer, then look again."))
        return redirect("projects:import_preview", batch.pk)
    try:
        exchange.answer(reader, batch, form.answers())
    except exchange.BatchMovedOn as moved:
        _moved_on(request, moved)
    return redirect("projects:import_preview", batch.pk)


class SheetForm(forms.Form):
    """Which sheet of a workbook holds the projects."""

    mark_optional = False

    def __init__(self, sheets: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sheet"] = forms.ChoiceField(
            label=_("Which sheet holds the projects?"),
            help_text=_("Several sheets of the workbook hold a table. One of them is read."),
            choices=[(name, name) for name in sheets],
            widget=forms.RadioSelect,
            error_messages={"required": _("Choose the sheet that holds the projects.")},
        )


def _sheet_page(
    request: HttpRequest, batch: ImportBatch, form: SheetForm, problems: Sequence[Any] = (), status: int = 200
) -> HttpResponse:
    return render(
        request,
        "projects/imports/sheet.html",
        {
            "batch": batch,
            "form": form,
            "problems": [
                {"text": problem.message, "link": f"#{form['sheet'].auto_id}"}
                for problem in problems[:ROWS_SHOWN]
            ],
            "may_import": bool(reader_of(request).can("project.import", batch)),
            "crumbs": _crumbs(),
        },
        status=status,
    )


@require_POST
def import_sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """Says which sheet of a workbook is read."""
    reader = reader_of(request)
    reader.require("project.import")
    batch = _batch(reader, pk)
    wanted = request.POST.get("sheet", "")
    try:
        sheets = exchange.sheets_of(batch)
    except (FileDamaged, TableRefused):
        return _damaged(request)
    try:
        form = SheetForm(sheets, request.POST)
        if not form.is_valid():
            return _sheet_page(request, batch, form)
        exchange.choose_sheet(reader, batch, wanted)
    except exchange.BatchMovedOn as moved:
        _moved_on(request, moved)
    except FileDamaged:
        return _damaged(request)
    except TableRefused as refused:
        return _sheet_page(request, batch, SheetForm(sheets, request.POST), refused.problems)
    return redirect("projects:import_preview", batch.pk)


TROUBLES = (
    Column("line", gettext_lazy("Line"), "line", row_header=True),
    Column("column", gettext_lazy("Column"), "column", missing="–"),
    Column("message", gettext_lazy("What to do"), "message"),
)
ROWS = (
    Column("line", gettext_lazy("Line"), "line"),
    Column(
        "name",
        gettext_lazy("Project"),
        "name",
        row_header=True,
        href=lambda row: row.target.get_absolute_url() if row.target else None,
        small=lambda row: row.target.register_id if row.target else "",
    ),
    Column(
        "what",
        gettext_lazy("What the file says"),
        "name",
        kind="mark",  # On a narrow card the differences bring labels of their own.
        html="projects/imports/differences.html",
    ),
)


def _preview_page(
    request: HttpRequest,
    batch: ImportBatch,
    preview: Preview,
    *,
    form: QuestionsForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    reader = reader_of(request)
    counts = preview.counts
    rows = [
        row for row in preview.first(ROWS_SHOWN + counts["refused"]) if row.outcome is not Outcome.REFUSED
    ]
    groups = [
        (f"{OUTCOMES[outcome]} ({_figure(counts[outcome])})", [row for row in rows if row.outcome is outcome])
        for outcome in Outcome
    ]
    writes = counts[Outcome.NEW] + counts[Outcome.CHANGED]
    return render(
        request,
        "projects/imports/preview.html",
        {
            "batch": batch,
            "year": batch.answers.get("year"),
            "sheet": batch.answers.get("sheet", ""),
            "preview": preview,
            "figures": [
                {"label": OUTCOMES[outcome], "value": _figure(counts[outcome])} for outcome in COUNTED
            ],
            "problems": [{"text": problem}] if problem else [],
            "troubles": listing(TROUBLES, preview.troubles[:ROWS_SHOWN], name=_("What is refused, and why")),
            "more_troubles": max(len(preview.troubles) - ROWS_SHOWN, 0),
            "questions": form
            if form is not None
            else QuestionsForm(preview.questions)
            if preview.questions and reader.can("project.import", batch)
            else None,
            "rows": listing(
                ROWS, groups=[group for group in groups if group[1]], name=_("What becomes of the rows")
            ),
            "shown": len(rows),
            "row_count": len(preview.rows) - counts["refused"],
            "writes": writes,
            "may_import": bool(reader.can("project.import", batch)),
            "confirm_label": ngettext("Take in %(count)s project", "Take in %(count)s projects", writes)
            % {"count": _figure(writes)},
            "leave_out_label": ngettext(
                "Leave out %(count)s refused row", "Leave out %(count)s refused rows", counts["refused"]
            )
            % {"count": _figure(counts["refused"])},
            "crumbs": _crumbs(),
        },
        status=status,
    )


@require_POST
def import_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    reader.require("project.import")
    batch = _batch(reader, pk)
    if exchange.is_long(batch):
        return _confirm_later(request, batch)
    try:
        preview = exchange.confirm(
            reader,
            batch,
            seen=request.POST.get("seen", ""),
            at=timezone.now(),
            leave_out_refused="leave_out" in request.POST,
        )
    except NotReady as refused:
        return _preview_page(request, batch, refused.preview, problem=refused.message, status=409)
    except exchange.BatchMovedOn as moved:
        _moved_on(request, moved)
    except (FileDamaged, TableRefused):
        return _damaged(request)
    except IntegrityError as error:
        message = constraint_message(error)
        if message is None:
            raise
        preview = exchange.preview_of(reader, batch)
        return _preview_page(request, batch, preview, problem=message, status=409)
    else:
        written = preview.counts[Outcome.NEW] + preview.counts[Outcome.CHANGED]
        messages.success(
            request,
            ngettext("%(count)s project was taken in.", "%(count)s projects were taken in.", written)
            % {"count": _figure(written)},
        )
    return redirect("projects:import_preview", batch.pk)


def _confirm_later(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    try:
        exchange.confirm_later(
            reader_of(request),
            batch,
            seen=request.POST.get("seen", ""),
            leave_out_refused="leave_out" in request.POST,
        )
    except exchange.BatchMovedOn as moved:
        _moved_on(request, moved)
    return redirect("projects:import_preview", batch.pk)


PROGRESS = {
    exchange.Progress.WAITING: Mark(gettext_lazy("Waits for its turn"), "ring"),
    exchange.Progress.WORKING: Mark(gettext_lazy("Is being taken in"), "half"),
    exchange.Progress.STOPPED: Mark(gettext_lazy("Has stopped"), "cross", "warn"),
}


@never_cache
@require_safe
def import_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far the worker has come, as a page or for htmx; once it is done, to the result."""
    batch = _batch(reader_of(request), pk)
    htmx = request.headers.get("HX-Request") == "true"
    if (progress := exchange.progress(batch, timezone.now())) is not None:
        return _progress_page(request, batch, progress, fragment=htmx)
    address = reverse("projects:import_preview", args=[batch.pk])
    return HttpResponse(headers={"HX-Redirect": address}) if htmx else redirect(address)


def _progress_page(
    request: HttpRequest, batch: ImportBatch, progress: exchange.Progress, *, fragment: bool = False
) -> HttpResponse:
    template = "projects/imports/progress.html"
    return render(
        request,
        f"{template}#progress" if fragment else template,
        {
            "batch": batch,
            "state": PROGRESS[progress],
            "stopped": progress is exchange.Progress.STOPPED,
            "rows": _figure(sum(batch.counts.get(outcome, 0) for outcome in (Outcome.NEW, Outcome.CHANGED))),
            "wanted": batch.answers["taking_in"],
            "may_import": bool(reader_of(request).can("project.import", batch)),
            "crumbs": _crumbs(),
        },
    )


@require_POST
def import_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    reader.require("project.import")
    batch = _batch(reader, pk)
    try:
        exchange.cancel(reader, batch)
    except exchange.BatchMovedOn as moved:
        _moved_on(request, moved)
    else:
        messages.success(request, _("The import is cancelled. Nothing was written."))
    return redirect("projects:imports")


# --- the result and its undoing --------------------------------------------------------------------------

IMPORTED = (
    Column("line", gettext_lazy("Line"), "line"),
    Column(
        "project",
        gettext_lazy("Project"),
        "project.title",
        row_header=True,
        href=lambda row: row.project.get_absolute_url(),
        small="project.register_id",
    ),
    Column("action", gettext_lazy("What was done"), "get_action_display"),
)


def _result_page(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    reader = reader_of(request)
    rows: QuerySet[ImportedProject] = batch.imported_projects.select_related("project").order_by("line", "pk")
    count = rows.count()
    kept = Project.objects.filter(pk__in=batch.counts.get("kept_projects", [])).order_by("pk")[:ROWS_SHOWN]
    return render(
        request,
        "projects/imports/result.html",
        {
            "batch": batch,
            "year": batch.answers.get("year"),
            "state": STATES[BatchState(batch.state)],
            "figures": _result_figures(batch.counts, undone=batch.state == BatchState.UNDONE),
            "rows": listing(IMPORTED, rows[:ROWS_SHOWN], name=_("Projects of the import")) if count else None,
            "shown": min(count, ROWS_SHOWN),
            "row_count": count,
            "entries": _what_was_done(batch),
            "kept": kept if batch.state == BatchState.UNDONE else (),
            "may_undo": batch.state == BatchState.CONFIRMED
            and bool(count)
            and reader.can("project.import", batch),
            "crumbs": _crumbs(),
        },
    )


def _result_figures(counts: Mapping[str, Any], *, undone: bool) -> list[dict[str, Any]]:
    told: Sequence[tuple[Any, str]] = (
        [
            (_("Withdrawn"), "withdrawn"),
            (_("Given back their former values"), "restored"),
            (_("Left as they are"), "kept"),
        ]
        if undone
        else [(OUTCOMES[outcome], outcome.value) for outcome in COUNTED if outcome is not Outcome.ASKED]
    )
    return [{"label": label, "value": _figure(counts.get(name, 0))} for label, name in told]


def _what_was_done(batch: ImportBatch) -> tuple[history.Entry, ...]:
    """Who uploaded, took in, cancelled or undid the file, when and why; of its fields the state alone."""
    state = str(ImportBatch._meta.get_field("state").verbose_name).casefold()
    told = []
    for act in history.acts(batch):
        after = next((one.after for one in act.differences if one.label.casefold() == state), "")
        what = _("Uploaded") if act.kind == "created" else after
        if what:
            told.append(
                history.Entry(
                    when=timezone.localtime(act.at), who=act.who, reason=act.reason, what=what, changes=()
                )
            )
    return tuple(told)


@require_POST
def import_undo(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    reader.require("project.import")
    batch = _batch(reader, pk)
    try:
        undone = exchange.undo(reader, batch, at=timezone.now(), reason=request.POST.get("reason", ""))
    except exchange.BatchMovedOn as moved:
        _moved_on(request, moved)
    except exchange.UndoneFirst as refused:
        messages.error(request, str(refused))
    else:
        if undone.kept:
            messages.warning(
                request,
                ngettext(
                    "The import is undone. %(count)d project was changed afterwards and is left as it is.",
                    "The import is undone. %(count)d projects were changed afterwards and are left as they are.",
                    len(undone.kept),
                )
                % {"count": len(undone.kept)},
            )
        else:
            messages.success(request, _("The import is undone. The file may be imported again."))
    return redirect("projects:import_preview", batch.pk)


@never_cache
@require_safe
def import_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The file as it came, always as an attachment."""
    reader = reader_of(request)
    batch = _batch(reader, pk)
    try:
        data = contents(batch.file)
    except FileDamaged:
        return _damaged(request)
    log_reading(reader, ReadingKind.FILE, what=batch.file.name)
    return _attachment(data, batch.file.name)


@require_safe
def import_register(request: HttpRequest) -> HttpResponse:
    """The municipality's standing projects, notes and all, with the headings that an import knows.

    For who may take it in again once it is corrected.
    """
    reader = reader_of(request)
    reader.require("project.import")
    own = Project.objects.visible_to(reader).filter(municipality=reader.municipality).standing()
    log_reading(reader, ReadingKind.EXPORT, what="register.csv")
    return _attachment(
        exchange.export_projects(own.order_by("register_year", "register_number")), "register.csv"
    )


@require_safe
def import_template(request: HttpRequest) -> HttpResponse:
    """A workbook to fill in, with the municipality's own lists."""
    reader = reader_of(request)
    reader.require("project.import")
    return _attachment(exchange.write_template(reader), _("projects-to-take-in.xlsx"))


# --- shared ----------------------------------------------------------------------------------------------


def _batch(reader: Reader, pk: int) -> ImportBatch:
    """A batch of the reader's municipality; another's is not found, and the attempt is logged."""
    reader.require("import.read")
    return found_or_404(reader, exchange.batches_visible_to(reader).select_related("file", "uploaded_by"), pk)


def _figure(count: int) -> str:
    return format_decimal(Decimal(count))


def _crumbs() -> list[dict[str, Any]]:
    return [
        {"label": _("Projects"), "url": reverse("projects:list")},
        {"label": _("Imports"), "url": reverse("projects:imports")},
    ]


def _attachment(data: bytes, name: str) -> HttpResponse:
    workbook = data.startswith(b"PK")
    response = HttpResponse(data, content_type=FORMATS["xlsx"][1] if workbook else "text/csv")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _damaged(request: HttpRequest) -> HttpResponse:
    messages.error(
        request,
        _("The stored file is missing or damaged. Ask the one who runs Medel to restore it from backup."),
    )
    return redirect("projects:imports")


def _moved_on(request: HttpRequest, moved: exchange.BatchMovedOn) -> None:
    messages.warning(
        request,
        _("Somebody has dealt with this import already. Its state is now: %(state)s.") % {"state": moved},
    )
