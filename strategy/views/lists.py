"""Choosing the columns of a list, and saving, renaming and removing views of it."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from pages.forms import saving
from strategy.forms.lists import ColumnsForm, ViewForm, said_columns
from strategy.lists import (
    LONGEST_QUERY,
    VIEW,
    SavableList,
    filters_of,
    keep_columns,
    kept,
    list_of_slug,
    lists,
    may_change,
    may_remove,
    save_view,
    visible_views,
)
from strategy.models import SavedView
from strategy.permissions import Reader
from strategy.requests import found_or_404, reader_of
from strategy.views.pages import Crumb, form_page

on_a_form = require_http_methods(["GET", "HEAD", "POST"])


def _list(request: HttpRequest, slug: str) -> tuple[Reader, SavableList]:
    """The list of that name, if the reader may read it."""
    reader = reader_of(request)
    listing = list_of_slug(slug)
    if listing is None:
        raise Http404
    reader.require(listing.action)
    return reader, listing


def _view(request: HttpRequest, pk: int) -> tuple[Reader, SavableList, SavedView]:
    """An own or shared view, if the reader may read its list."""
    reader = reader_of(request)
    view = found_or_404(reader, visible_views(reader), pk)
    listing = lists[view.listing]
    reader.require(listing.action)
    return reader, listing, view


def _query(request: HttpRequest) -> str:
    """The list's filters as the page was opened with them."""
    query = filters_of(request.GET.urlencode())
    if len(query) > LONGEST_QUERY:
        raise Http404
    return query


def _opened(request: HttpRequest, reader: Reader) -> SavedView | None:
    """The view that was open in the list."""
    key = request.GET.get(VIEW, "")
    if not key:
        return None
    if not key.isdecimal() or len(key) > 18:
        raise Http404
    return found_or_404(reader, visible_views(reader), int(key))


def _crumbs(listing: SavableList, *more: Crumb) -> Sequence[Crumb]:
    return (Crumb(listing.title, listing.url), *more)


@on_a_form
def columns(request: HttpRequest, slug: str) -> HttpResponse:
    """Which columns the reader sees in the list, in every municipality's list alike."""
    reader, listing = _list(request, slug)
    query, opened = _query(request), _opened(request, reader)
    form = ColumnsForm(
        request.POST if request.method == "POST" else None,
        listing=listing,
        initial={"columns": kept(reader, listing).columns(opened)},
    )
    if form.is_valid():
        keep_columns(reader, listing, form.cleaned_data["columns"])
        messages.success(request, _("The list now has the columns that you chose."))
        # Without the view, whose own columns would hide the choice.
        return redirect(listing.address(query))
    return form_page(
        request,
        form,
        title=_("Columns of the list"),
        lead=_("They stay as you choose them until you choose again. Files get the same columns."),
        submit=_("Show these columns"),
        back=listing.address(query, opened),
        crumbs=_crumbs(listing),
    )


@on_a_form
def save(request: HttpRequest, slug: str) -> HttpResponse:
    """The list's filters and columns, as they stand, under a name."""
    reader, listing = _list(request, slug)
    query, opened = _query(request), _opened(request, reader)
    shown = kept(reader, listing).columns(opened)
    mine = opened if opened is not None and may_change(reader, opened) else None
    form = ViewForm(
        request.POST if request.method == "POST" else None,
        reader=reader,
        listing=listing,
        opened=mine,
        initial={"name": mine.name, "shared": mine.shared, "replace": True} if mine else None,
    )
    if form.is_valid():
        with saving(form):
            view = save_view(
                reader,
                listing,
                name=form.cleaned_data["name"],
                query=query,
                columns=shown,
                shared=form.cleaned_data["shared"],
            )
    if form.is_valid():
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
        return redirect(listing.address(query, view))
    return form_page(
        request,
        form,
        title=_("Save the view"),
        lead=_("Saves what is chosen in the list and these columns: %(columns)s.")
        % {"columns": said_columns(listing, shown)},
        submit=_("Save the view"),
        back=listing.address(query, opened),
        crumbs=_crumbs(listing),
    )


@require_safe
def views(request: HttpRequest, slug: str) -> HttpResponse:
    """One's own views and those that others share."""
    reader, listing = _list(request, slug)
    found = kept(reader, listing)

    def lines(those: Sequence[SavedView]) -> list[dict[str, object]]:
        return [
            {
                "view": view,
                "url": listing.address(view.query, view),
                "columns": said_columns(listing, listing.known(view.columns or listing.usual)),
                "may_change": may_change(reader, view),
                "may_remove": may_remove(reader, view),
            }
            for view in those
        ]

    return render(
        request,
        "strategy/views.html",
        {
            "title": _("Saved views"),
            "crumbs": _crumbs(listing),
            "listing": listing,
            "own": lines(found.own),
            "shared": lines(found.shared),
        },
    )


@on_a_form
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Another name, and whether others are offered it."""
    reader, listing, view = _view(request, pk)
    if not may_change(reader, view):
        raise PermissionDenied(
            _("Only who saved a view may change it. You may save one of your own instead.")
        )
    form = ViewForm(
        request.POST if request.method == "POST" else None,
        reader=reader,
        listing=listing,
        view=view,
        initial={"name": view.name, "shared": view.shared},
    )
    if form.is_valid():
        with saving(form):
            view.name, view.shared = form.cleaned_data["name"], form.cleaned_data["shared"]
            view.save()
    if form.is_valid():
        messages.success(request, _("The view “%(name)s” is changed.") % {"name": view.name})
        return redirect("list_views", slug=listing.slug)
    return form_page(
        request,
        form,
        title=_("Change the view"),
        submit=_("Save changes"),
        back=reverse("list_views", args=[listing.slug]),
        crumbs=_crumbs(listing, Crumb(_("Saved views"), reverse("list_views", args=[listing.slug]))),
    )


@require_http_methods(["POST"])
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    reader, listing, view = _view(request, pk)
    if not may_remove(reader, view):
        raise PermissionDenied(
            _("A shared view is removed by who saved it, or by the international strategist.")
        )
    view.delete()
    messages.success(request, _("The view “%(name)s” is removed.") % {"name": view.name})
    return redirect("list_views", slug=listing.slug)
