"""Parts of the project page: what belongs to a project but has a subject of its own puts itself there.

A part is a section of the page with its own heading and address (`#documents`). Its context is made only
where it is visible, with a constant number of queries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from pages.registries import Registry
from projects.models import Project
from strategy.permissions import Reader


def _always(reader: Reader, project: Project) -> bool:
    return True


@dataclass(frozen=True)
class Part:
    """`template` is rendered with what `context` gives, and with reader, project and part (and the request).

    The page sets `<section id=name>` with the label as its heading around it, so the template begins below the
    heading; an h3 is its next. Lower `place` stands first. `visible` hides it from who may not read it.
    """

    name: str
    label: str | Promise
    template: str
    context: Callable[[Reader, Project], dict[str, Any]]
    place: int = 50
    visible: Callable[[Reader, Project], bool] = _always


@dataclass(frozen=True)
class ShownPart:
    """A part as the page's template takes it, rendered."""

    name: str
    label: str | Promise
    html: SafeString


parts: Registry[Part] = Registry("part of the project page")


def shown_parts(request: HttpRequest, reader: Reader, project: Project) -> Sequence[ShownPart]:
    """The parts that the reader sees of this project, in their order."""
    seen = sorted((part for part in parts if part.visible(reader, project)), key=lambda part: part.place)
    return [
        ShownPart(
            part.name,
            part.label,
            render_to_string(
                part.template,
                {"reader": reader, "project": project, "part": part, **part.context(reader, project)},
                request=request,
            ),
        )
        for part in seen
    ]
