"""The page around one form, and the crumbs that lead to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True)
class Crumb:
    label: Text
    url: str = ""


@dataclass(frozen=True)
class Fact:
    """One line of components/facts.html; None is "not stated"."""

    label: Text
    value: object
    url: str = ""


def form_page(
    request: HttpRequest,
    form: forms.BaseForm,
    *,
    title: Text,
    submit: Text,
    back: str,
    lead: Text = "",
    note: Text = "",
    crumbs: Sequence[Crumb] = (),
    stops: bool = False,
) -> HttpResponse:
    """One form with one button; `stops` marks a deed that takes something away, `back` is where Cancel leads."""
    return render(
        request,
        "strategy/form.html",
        {
            "form": form,
            "title": title,
            "lead": lead,
            "note": note,
            "submit": submit,
            "back": back,
            "crumbs": crumbs,
            "stops": stops,
        },
    )
