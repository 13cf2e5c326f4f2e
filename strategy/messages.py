"""Mail: a row in the outbox, written in the transaction of what it tells of; the worker sends it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone

from strategy.models import Message
from strategy.walls import scope

log = logging.getLogger("medel.messages")

# After so many tries a message is left for a person to look at; it is never thrown away.
ATTEMPTS = 12


class OutboxBackend(BaseEmailBackend):
    """Django's mail backend for everything that sends mail (password resets too): writes to the outbox."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        from strategy.jobs import send_waiting_messages

        rows = [
            Message(recipient=address, subject=str(mail.subject)[:250], body=str(mail.body))
            for mail in email_messages
            for address in mail.recipients()
        ]
        with transaction.atomic():
            for row in rows:
                row.save(force_insert=True)
            send_waiting_messages.defer()
        return len(email_messages)


def send_waiting() -> tuple[int, int]:
    """Sends what waits; returns how many left and how many failed. Each message in its own transaction."""
    sent = failed = 0
    with scope(installation=True):
        waiting = list(
            Message.objects.filter(sent_at__isnull=True, attempts__lt=ATTEMPTS).values_list("pk", flat=True)
        )
    for pk in waiting:
        with scope(installation=True):
            message = (
                Message.objects.select_for_update(skip_locked=True).filter(pk=pk, sent_at__isnull=True).first()
            )
            if message is None:
                continue
            message.attempts += 1
            try:
                connection = get_connection(settings.OUTGOING_EMAIL_BACKEND)
                EmailMessage(message.subject, message.body, None, [message.recipient], connection=connection).send()
            except OSError as error:  # smtplib's errors are OSErrors
                message.last_error = str(error)[:300]
                failed += 1
                log.warning("message %s was not sent: %s", pk, error)
            else:
                message.sent_at = timezone.now()
                message.last_error = ""
                sent += 1
            message.save(update_fields=["attempts", "sent_at", "last_error"])
    return sent, failed
