"""A long import is written by the worker, with the rights of the person who confirmed it."""

from __future__ import annotations

import uuid

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from pages.files import TableRefused
from pages.forms import constraint_message
from pages.imports import NotReady
from projects.exchange import batches
from strategy import history
from strategy.attachments import FileDamaged
from strategy.models import BatchState, ImportBatch, Municipality
from strategy.permissions import Reader, resolve_reader
from strategy.walls import scope


@app.task(queue="imports")
def take_in(municipality: int, batch: int, person: int) -> None:
    """Confirms the batch, or leaves with it why that could not be done; nothing is written by halves.

    Run again (its worker was killed, or somebody was impatient) it finds the batch as it was, or done.
    """
    try:
        problem = _take_in(municipality, batch, person)
    except IntegrityError as error:
        problem = constraint_message(error) or _failed()
    except Exception:
        _leave(municipality, batch, person, _failed())
        raise
    if problem:
        _leave(municipality, batch, person, problem)


def confirm_later(reader: Reader, batch: ImportBatch, *, seen: str, leave_out_refused: bool = False) -> None:
    """Leaves the confirming to the worker, which judges again; what stops it is told by `progress`."""
    reader.require("project.import", batch)
    with transaction.atomic():
        batches.still(batch, BatchState.JUDGED)
        # In the same transaction: the job and what it is to do come into being together.
        job = take_in.defer(municipality=reader.municipality.pk, batch=batch.pk, person=reader.person.pk)
        batch.answers = {
            **batch.answers,
            "taking_in": {"seen": seen, "leave_out_refused": leave_out_refused, "job": job},
        }
        batch.save(update_fields=["answers"])


def _take_in(municipality: int, batch_id: int, person: int) -> str:
    """Why the batch was not taken in; "" where it was, or where somebody has dealt with it."""
    with (
        scope(municipality, person=person),
        history.context(person=person, municipality=municipality, page="worker", request=uuid.uuid4().hex),
    ):
        place = Municipality.objects.get(pk=municipality)
        batch = ImportBatch.objects.select_related("file").get(pk=batch_id)
        wanted = batch.answers.get("taking_in")
        if batch.state != BatchState.JUDGED or wanted is None:
            return ""
        reader = resolve_reader(person, place, timezone.localdate(), (place,))
        try:
            batches.confirm(
                reader,
                batch,
                seen=wanted["seen"],
                at=timezone.now(),
                leave_out_refused=wanted["leave_out_refused"],
            )
        except (NotReady, TableRefused) as refused:
            return refused.message
        except PermissionDenied as refused:
            return str(refused)
        except FileDamaged:
            return _(
                "The stored file is missing or damaged. Ask the one who runs Medel to restore it from backup."
            )
        except batches.BatchMovedOn:
            return ""
    return ""


def _failed() -> str:
    return _("The import was broken off, and nothing was written. Start it again.")


def _leave(municipality: int, batch_id: int, person: int, problem: str) -> None:
    with (
        scope(municipality, person=person),
        history.context(person=person, municipality=municipality, page="worker", request=uuid.uuid4().hex),
    ):
        batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
        if batch.state == BatchState.JUDGED and "taking_in" in batch.answers:
            batch.answers["taking_in"]["problem"] = problem
            batch.save(update_fields=["answers"])
