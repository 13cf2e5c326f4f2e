"""What an upper floor adds beside the files of the list: documents about the chosen year."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise

from pages.registries import Registry


@dataclass(frozen=True)
class YearReport:
    """A document about the projects of a year; `address` gives its address for the year."""

    name: str
    label: str | Promise
    address: Callable[[int], str]


year_reports: Registry[YearReport] = Registry("year report")
