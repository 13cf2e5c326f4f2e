"""Mail: a row in the outbox, written in the transaction of what it tells of; the worker sends it.

At least once: a worker that dies between the mail server's yes and its own commit sends again. Two workers
never send the same message, and nothing that was not sent is given up in silence.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from strategy.models import Message
from strategy.walls import scope

log = logging.getLogger("medel.messages")

# Tries with a pause that doubles from one minute: the last after nearly three days, longer than a weekend.
# A message that still did not leave stays in the outbox and is reported as an error.
ATTEMPTS = 14


class OutboxBackend(BaseEmailBackend):
    """Django's mail backend for everything that sends mail (password resets too): writes to the outbox.

    One row a recipient, plain text: Medel sends no HTML and no attachments.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        from strategy.jobs import send_waiting_messages

        rows = []
        for mail in email_messages:
            if mail.attachments:
                raise ValueError("Mail from Medel has no attachments.")
            mail.message()  # refuses a line break in a header now, while the sender can be told
            rows += [
                Message(recipient=address, subject=str(mail.subject)[:250], body=str(mail.body))
                for address in mail.recipients()
            ]
        # Mail to a login belongs to no municipality; the transaction is the caller's where there is one.
        with scope(installation=True):
            for row in rows:
                row.save(force_insert=True)
            if rows:
                send_waiting_messages.defer()
        return len(email_messages)


def pause_after(attempts: int) -> timedelta:
    """How long after its making a message that failed so many times is tried again."""
    return timedelta(minutes=2 ** (attempts - 1) if attempts else 0)


def send_waiting(now: datetime) -> tuple[int, int]:
    """Sends what is due; returns how many left and how many failed. Each message in its own transaction."""
    sent = failed = 0
    with scope(installation=True):
        waiting = [
            pk
            for pk, attempts, made in Message.objects.filter(
                sent_at__isnull=True, attempts__lt=ATTEMPTS
            ).values_list("pk", "attempts", "created_at")
            if made + pause_after(attempts) <= now
        ]
    for pk in waiting:
        with scope(installation=True):
            # Another worker's message is passed over; one that has left meanwhile is no longer found.
            message = (
                Message.objects.select_for_update(skip_locked=True)
                .filter(pk=pk, sent_at__isnull=True)
                .first()
            )
            if message is None:
                continue
            message.attempts += 1
            try:
                connection = get_connection(settings.OUTGOING_EMAIL_BACKEND)
                EmailMessage(
                    message.subject, message.body, None, [message.recipient], connection=connection
                ).send()
            except Exception as error:  # one mail that cannot be sent must not hold up the others
                message.last_error = f"{type(error).__name__}: {error}"[:300]
                failed += 1
                level = logging.ERROR if message.attempts >= ATTEMPTS else logging.WARNING
                log.log(
                    level, "message %s was not sent, try %s of %s: %s", pk, message.attempts, ATTEMPTS, error
                )
            else:
                message.sent_at = timezone.now()
                message.last_error = ""
                sent += 1
            message.save(update_fields=["attempts", "sent_at", "last_error"])
    return sent, failed


def forget_old_texts(now: datetime, *, days: int = 30) -> int:
    """Empties the text of mails sent so many days ago: they hold one-time addresses and names."""
    with scope(installation=True):
        return Message.objects.filter(sent_at__lt=now - timedelta(days=days)).exclude(body="").update(body="")
