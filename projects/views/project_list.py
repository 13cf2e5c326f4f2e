"""The list of projects: what the reader's municipality, or all the reader's municipalities, own or have a part in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, npgettext

from pages.columns import NOT_SUMMED, Column, Text
from pages.lists import FORMAT, FORMATS, Action, Choice, Download, TableView
from projects.attention import Rule, attention
from projects.columns import PARTIES, PROJECT_MANAGER, USUAL, choosable_columns, list_columns
from projects.exports import year_reports
from projects.filters import ProjectFilter
from projects.models import Project
from projects.searching import found_keys, with_keys
from projects.seen import counted_and_summed, latest_first, own_or_shared, see, seen_from, undated_last
from strategy.lists import VIEW, Kept, SavableList, kept, lists, visible_views
from strategy.models import Municipality, ReadingKind, SavedView
from strategy.permissions import Reader, municipalities_where
from strategy.readings import log_reading
from strategy.requests import found_or_404, reader_of
from strategy.walls import scope

LISTING = lists.register(
    SavableList(
        "projects",
        "projekt",
        "projects:list",
        gettext_lazy("Projects"),
        "project.read",
        choosable_columns,
        USUAL,
    )
)
# Long texts that no column shows.
_UNREAD = (
    *("search_text", "note", "decided_by", "withdrawn_reason", "initiated_by", "link_to_operations"),
    *("expected_effect", "achieved_effect", "kept_up", "archive_place", "research_led_by"),
    "our_research_part",
)


class ProjectList(TableView):
    title = gettext_lazy("Projects")
    lead = gettext_lazy(
        "Externally funded and international projects that the municipality owns or takes part in."
    )
    template_name = "projects/list.html"
    filterset_class = ProjectFilter
    filter_target = ""  # the heading says the year, and the joint list's links keep the filters
    folded_filters = ("program", "roll", "niva", "slag", "hur", "makulerade", "utannummer")
    empty_text = gettext_lazy("No project is registered yet.")

    reader: Reader
    municipalities: tuple[Municipality, ...]
    rules: Mapping[int, Sequence[Rule]] = {}
    filterset: ProjectFilter | None = None
    cut: Any = ()  # the keys, or a query of them, of the rows that are shown
    kept: Kept
    view: SavedView | None = None
    # Of a search the keys of all that was found, in order: the text is sought once, and not for sums and rows anew.
    keys: Sequence[int] | None = None
    guessed = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.reader = reader_of(request)
        self.reader.require("project.read")
        if FORMAT in request.GET:
            self.reader.require("project.export")
        self.kept = kept(self.reader, LISTING)
        self.view = self._opened(request.GET.get(VIEW, ""))
        self.municipalities = (self.reader.municipality,)
        if not self.may_be_joint or request.GET.get("kommuner") != "alla":
            return super().dispatch(request, *args, **kwargs)
        everywhere = [place.pk for place in self.reader.municipalities]
        with scope(self.reader.municipality.pk, reads=everywhere, person=self.reader.person.pk):
            self.municipalities = municipalities_where(self.reader, "project.read")
            return super().dispatch(request, *args, **kwargs)

    def _opened(self, key: str) -> SavedView | None:
        """The saved view that the address names; one's own or a shared one, else 404, logged."""
        if not key:
            return None
        view = self.kept.view(key)
        if view is None:
            if not key.isdecimal() or len(key) > 18:
                raise Http404
            found_or_404(self.reader, visible_views(self.reader).filter(listing=LISTING.name), int(key))
        return view

    @property
    def may_be_joint(self) -> bool:
        return len(self.reader.municipalities) > 1

    @property
    def is_file(self) -> bool:
        return FORMAT in self.request.GET

    @property
    def is_joint(self) -> bool:
        return len(self.municipalities) > 1

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """The names of the columns: the open view's, else those that the person keeps."""
        return self.kept.columns(self.view)

    def get_queryset(self) -> QuerySet[Project]:
        mine = (
            own_or_shared(self.municipalities) if self.is_joint else Project.objects.visible_to(self.reader)
        )
        return seen_from(mine, self.municipalities)

    def order(self, queryset: QuerySet[Project]) -> QuerySet[Project]:
        """As searched for, then as the year's list or the whole list stands."""
        ordered = undated_last(queryset) if self.request.GET.get("ar") else latest_first(queryset)
        if self.filterset is None or not self.filterset.text:
            return ordered
        return self.keyed(found_keys(ordered, self.filterset.text))

    def keyed(self, keys: Sequence[int]) -> QuerySet[Project]:
        self.keys = keys
        return seen_from(with_keys(Project.objects.all(), keys), self.municipalities)

    def get_filterset(self, queryset: QuerySet[Project]) -> ProjectFilter:
        self.filterset = ProjectFilter(
            self.get_filter_data(),
            queryset=queryset,
            request=self.request,
            reader=self.reader,
            municipalities=self.municipalities,
        )
        return self.filterset

    def instead_of_nothing(self, filterset: ProjectFilter) -> QuerySet[Project] | None:
        """Titles and funders spelt alike, where the text is found nowhere."""
        keys = filterset.spelt_alike() if filterset.text else []
        if not keys:
            return None
        self.guessed = True
        return self.keyed(keys)

    def get_notices(self) -> Sequence[Text]:
        said: list[Text] = []
        if self.view is not None and self.filterset is not None and not self.filterset.is_valid():
            said.append(
                _(
                    "The view “%(name)s” was saved with a filter that cannot be used any more. "
                    "Choose another and save the view again, or remove the view."
                )
                % {"name": self.view.name}
            )
        if self.guessed and self.filterset is not None:
            said.append(
                _("Nothing has “%(text)s”. Did you mean one of these?") % {"text": self.filterset.text}
            )
        return said

    def get_columns(self) -> Sequence[Column]:
        return list_columns(
            lambda project: self.rules.get(project.pk, ()),
            joint=self.is_joint,
            file=self.is_file,
            shown=self.shown,
        )

    def fetch(self, found: QuerySet[Project]) -> Sequence[Project]:
        # Sorted and cut by the few columns of an index; only what is left is read whole.
        if self.keys is not None:
            self.cut = self.keys[found.query.low_mark : found.query.high_mark]
            chosen = seen_from(with_keys(Project.objects.all(), self.cut), self.municipalities)
        else:
            self.cut = found.values("pk")
            chosen = self.order(seen_from(Project.objects.filter(pk__in=self.cut), self.municipalities))
        chosen = chosen.defer(*_UNREAD)
        related = ["municipality", "owner_unit", "funder", "programme"]
        if PROJECT_MANAGER in self.shown:
            related.append("project_manager")
        # A page joins them; a file of thousands of rows names the same few again and again.
        whole = chosen.prefetch_related(*related) if self.is_file else chosen.select_related(*related)
        rows = list(whole.prefetch_related("parties") if PARTIES in self.shown else whole)
        see(rows, self.municipalities)
        return rows

    def answer_file(self, found: QuerySet[Project], filterset: Any, form: str) -> HttpResponseBase:
        log_reading(self.reader, ReadingKind.EXPORT, what=f"{self.get_title()}, {FORMATS[form][0]}")
        return super().answer_file(found, filterset, form)

    def prepare_rows(self, rows: Sequence[Project]) -> None:
        if "attention" not in self.shown:
            return
        # A page's few by their keys; a file's thousands as they were found.
        keys: Any = self.cut if self.is_file else [project.pk for project in rows]
        # A rule speaks to each municipality that the transaction reads: in a joint list to all of them.
        self.rules = attention(Project.objects.filter(pk__in=keys), self.reader.today)

    def count_and_totals(self, found: QuerySet[Project]) -> tuple[int, Mapping[str, Any]]:
        if self.keys is not None and not self.keys:
            return 0, {}
        count, shares, unknown = counted_and_summed(found, self.municipalities)
        not_stated = ngettext("%(count)d not stated", "%(count)d not stated", unknown) % {"count": unknown}
        totals = {
            "total_budget": NOT_SUMMED,
            "own_share": [*shares, not_stated] if unknown else shares,
        }
        return count, {name: total for name, total in totals.items() if name in self.shown}

    def get_title(self) -> Text:
        year = self.filterset.year if self.filterset is not None else None
        return _("Projects %(year)d") % {"year": year} if year else self.title

    def get_caption(self) -> Text:
        if "total_budget" not in self.shown:
            return (
                _("Amounts in kronor where no other currency is given.") if "own_share" in self.shown else ""
            )
        return _(
            "Amounts in kronor where no other currency is given. Total budgets are not summed: "
            "they are those of whole projects, in which other organisations have their parts."
        )

    def get_total_label(self, count: int) -> Text:
        label = npgettext(
            "the row that sums a list", "%(count)d project", "All %(count)d projects", count
        ) % {"count": count}
        if self.filterset is not None and self.filterset.shows_withdrawn:
            return _("%(projects)s, the withdrawn ones not summed") % {"projects": label}
        return label

    def get_count_text(self, first: int, last: int, count: int) -> Text:
        return ngettext(
            "Showing %(first)d–%(last)d of %(count)d project",
            "Showing %(first)d–%(last)d of %(count)d projects",
            count,
        ) % {"first": first, "last": last, "count": count}

    def get_primary_action(self) -> Action | None:
        if not self.reader.can("project.register"):
            return None
        return Action(gettext_lazy("Register a project"), reverse("projects:register"))

    def get_choices(self) -> Sequence[Choice]:
        views = (*self.kept.own, *self.kept.shared)
        if not views:
            return ()
        return [
            Choice(_("All projects"), LISTING.url, current=not self.request.GET),
            *(
                Choice(
                    view.name,
                    LISTING.address(view.query, view),
                    current=view == self.view,
                    by=view.person.name if view in self.kept.shared else "",
                )
                for view in views
            ),
            Choice(_("Manage the views"), reverse("list_views", args=[LISTING.slug])),
        ]

    def get_tools(self) -> Sequence[Download]:
        query = self.address().partition("?")[2]
        asked = f"?{query}" if query else ""
        return [
            Download(_("Choose columns"), reverse("list_columns", args=[LISTING.slug]) + asked),
            Download(_("Save the view"), reverse("list_save", args=[LISTING.slug]) + asked),
        ]

    def get_downloads(self) -> Sequence[Download]:
        if not self.reader.can("project.export"):
            return ()
        year = self.filterset.year if self.filterset is not None else None
        if year is None:
            return super().get_downloads()
        joint = "&kommuner=alla" if self.is_joint else ""
        reports = [Download(report.label, report.address(year) + joint) for report in year_reports]
        return [*super().get_downloads(), *reports]

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        # One municipality or all: the links keep what else was chosen, except what belongs to one.
        return context | {
            "may_be_joint": self.may_be_joint,
            "is_joint": self.is_joint,
            "joint_url": self.address(without=["enhet"], kommuner="alla"),
            "single_url": self.address(without=["kommuner", "enhet"]),
        }
