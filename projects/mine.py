"""Which projects are a reader's own: said once, for the home page's figures and the list's filter alike."""

from __future__ import annotations

from django.db.models import Q

from projects.seen import taking_part
from strategy.permissions import Reader


def mine(reader: Reader) -> Q | None:
    """The projects that the reader's units own or take part in, and those that the reader runs.

    None where none is more the reader's than another: who changes all of the municipality's projects, and
    who reads for the whole municipality and changes nothing.
    """
    if reader.units("project.change") is None:
        return None
    units = frozenset[int]().union(*(held.unit_ids or () for held in reader.held))
    if not units and not reader.can("project.change"):
        return None
    return taking_part(units) | Q(project_manager=reader.person)
