"""The pages of the two logs: every act of the municipality, and who was handed out what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pages.columns import Column
from pages.lists import FORMATS, PAGE, TableView
from strategy.forms.log import LogFilter, ReadingFilter
from strategy.log import MOST_IN_A_FILE, Asked, Found, read_out, readings
from strategy.models import Document, Reading, ReadingKind
from strategy.permissions import Reader
from strategy.readings import log_reading
from strategy.requests import reader_of
from strategy.responsibilities import visible_people
from strategy.views.pages import Crumb, Text
from values.text import format_decimal


class _LogList(TableView):
    """What both logs share: who may read them, and that a file of the log is itself logged."""

    page_size = 50

    @property
    def reader(self) -> Reader:
        return reader_of(self.request)

    def get_creator(self) -> str:
        return str(self.reader.municipality)

    def answer_file(self, found: Any, filterset: Any, form: str) -> HttpResponseBase:
        log_reading(
            self.reader,
            ReadingKind.EXPORT,
            what=_("%(list)s as %(format)s") % {"list": self.get_title(), "format": FORMATS[form][0]},
        )
        return super().answer_file(found, filterset, form)


class _ActsList(_LogList):
    """The rows are no queryset: they come in their own order, and a file has a row for each object."""

    in_file = False
    file_columns: Sequence[Column] = (
        Column("at", gettext_lazy("When"), "at"),
        Column("who", gettext_lazy("Who"), "who"),
        Column("deed", gettext_lazy("What happened"), "deed_label"),
        Column("kind", gettext_lazy("What"), "kind_label"),
        Column("object", gettext_lazy("Name"), "name"),
        Column("number", gettext_lazy("Number of the object"), "object_id"),
        Column("changes", gettext_lazy("Before and after"), "told", missing=""),
        Column("reason", gettext_lazy("Why"), "reason"),
        Column("page", gettext_lazy("Page"), "page"),
    )

    def get_columns(self) -> Sequence[Column]:
        return self.file_columns if self.in_file else self.columns

    def order(self, queryset: Any) -> Any:
        return queryset

    def fetch(self, found: Any) -> Sequence[Any]:
        return list(found)

    def answer_file(self, found: Any, filterset: Any, form: str) -> HttpResponseBase:
        self.in_file = True
        return super().answer_file(found.each_object(), filterset, form)

    def get_total_label(self, count: int) -> Text:
        return ngettext("All %(count)d row", "All %(count)d rows", count) % {"count": count}


class Log(_ActsList):
    """Every act, newest first; each with the first of its objects, and the rest on the act's own page."""

    title = gettext_lazy("Log")
    template_name = "strategy/log.html"
    fragment_name = "strategy/log.html#results"
    no_match_text = gettext_lazy("Nothing was done that matches what you chose. Remove a filter to see more.")
    columns = (
        Column("when", gettext_lazy("When"), "at", html="strategy/log_when.html", first=True),
        Column("what", gettext_lazy("What was done"), "changes", html="strategy/log_what.html"),
        Column("why", gettext_lazy("Why"), "reason", html="strategy/log_why.html", missing=""),
    )

    def get_lead(self) -> str:
        return _(
            "Everything that was made, changed or removed in %(municipality)s, the latest first. "
            "Nobody can change or take away what stands here."
        ) % {"municipality": self.reader.municipality}

    def get_queryset(self) -> QuerySet[Any]:
        self.reader.require("log.read")
        found: Any = Found(self.reader)
        return found  # type: ignore[no-any-return]

    def get_filterset(self, queryset: QuerySet[Any]) -> Any:
        return LogFilter(
            self.get_filter_data(),
            queryset=queryset,
            request=self.request,
            people=visible_people(self.reader).order_by("name", "pk"),
        )

    def count_and_totals(self, found: Any) -> tuple[int, Mapping[str, Any]]:
        if not self.in_file:
            page = self.request.GET.get(PAGE, "")
            number = int(page) if page.isdecimal() and len(page) < 8 else 1
            found.look_at(max(number - 1, 0) * self.page_size, self.page_size)
        return found.count(), {}

    def get_count_text(self, first: int, last: int, count: int) -> Text:
        return _("Showing %(first)d–%(last)d of %(count)s acts. A file holds %(most)s changes at most.") % {
            "first": first,
            "last": last,
            "count": format_decimal(Decimal(count)),
            "most": format_decimal(Decimal(MOST_IN_A_FILE)),
        }


class LoggedActPage(_ActsList):
    """One act with every object in it: an import has thousands."""

    template_name = "strategy/log.html"
    fragment_name = "strategy/log.html#results"
    columns = (
        Column(
            "object", gettext_lazy("What was done"), "name", html="strategy/log_one.html", row_header=True
        ),
        Column("changes", gettext_lazy("Before and after"), "told", html="strategy/log_changes.html"),
    )

    def get_title(self) -> str:
        return _("One act in the log")

    def get_lead(self) -> str:
        first = self.first
        return ". ".join(
            said for said in (f"{first.at:%Y-%m-%d %H:%M}, {first.who}", first.reason, first.page) if said
        )

    def get_queryset(self) -> QuerySet[Any]:
        self.reader.require("log.read")
        try:
            at = datetime.fromisoformat(self.request.GET.get("tid", ""))
            number = self.request.GET.get("nr", "")
            context = UUID(number) if number else None
        except ValueError:
            raise Http404 from None
        if at.tzinfo is None:
            raise Http404
        found = Found(self.reader, Asked(at=at, context=context), by_object=True)
        told = found[0:1]
        if not told:
            raise Http404
        self.first: Any = told[0]
        return found  # type: ignore[return-value]

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return {**context, "crumbs": (Crumb(_("Log"), reverse("log")),)}


class Readings(_LogList):
    """Who was handed out which document, file, list or report, the latest first."""

    title = gettext_lazy("Readings and downloads")
    template_name = "strategy/readings.html"
    fragment_name = "strategy/readings.html#results"
    ordering = ("-at", "-pk")
    no_match_text = gettext_lazy("Nothing was handed out that matches what you chose.")
    empty_text = gettext_lazy("Nothing has been handed out yet.")

    def get_columns(self) -> Sequence[Column]:
        return (
            Column("at", gettext_lazy("When"), "at"),
            Column("person", gettext_lazy("Who"), "person.name", first=True, row_header=True),
            Column("kind", gettext_lazy("What"), "get_kind_display"),
            Column("what", gettext_lazy("Name"), lambda reading: read_out(self.reader, reading)),
        )

    def get_lead(self) -> str:
        return _("Documents, taken-in files, lists and reports that were handed out in %(municipality)s.") % {
            "municipality": self.reader.municipality
        }

    def get_queryset(self) -> QuerySet[Reading]:
        return readings(self.reader)

    def get_filterset(self, queryset: QuerySet[Any]) -> Any:
        return ReadingFilter(
            self.get_filter_data(),
            queryset=queryset,
            request=self.request,
            people=visible_people(self.reader).order_by("name", "pk"),
            documents=Document.objects.filter(municipality=self.reader.municipality),
        )
