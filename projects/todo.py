"""What waits of imported files, for the page of what is to be done."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Min
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from strategy.models import BatchState, ImportBatch
from strategy.permissions import Reader
from strategy.todo import Task


def files_to_confirm(reader: Reader) -> Iterable[Task]:
    """Imported files that nobody has confirmed yet, as one row; one query."""
    if not reader.can("project.import"):
        return
    found = ImportBatch.objects.filter(municipality=reader.municipality, state=BatchState.JUDGED).aggregate(
        count=Count("pk"), since=Min("uploaded_at")
    )
    if found["count"]:
        yield Task(
            title=ngettext(
                "One file waits to be confirmed", "%(count)d files wait to be confirmed", found["count"]
            )
            % {"count": found["count"]},
            url=reverse("projects:imports"),
            why=gettext(
                "Nothing of it is in the register until it is confirmed. Look at what it would change."
            ),
            when=gettext("import"),
            since=timezone.localdate(found["since"]),
        )
