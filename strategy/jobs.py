"""Work for the worker. A job carries ids alone, and each opens the scope of its municipality itself."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings
from django.db import connection
from django.utils import timezone
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from strategy import accounts, attachments, handover, messages
from strategy.accounts import KEPT


@app.task(queue="messages")
def send_waiting_messages() -> None:
    """At once; what fails here leaves by `sweep_outbox`."""
    messages.send_waiting(timezone.now())


@app.periodic(cron="*/5 * * * *")
@app.task(queue="messages", queueing_lock="outbox")
def sweep_outbox(timestamp: int) -> None:
    """What was left behind (a worker that died, a mail server that was away) leaves in its turn."""
    messages.send_waiting(timezone.now())


@app.periodic(cron="*/10 * * * *")
@app.task(queue="upkeep", queueing_lock="stalled", pass_context=True)
async def restart_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Jobs whose worker was killed wait again."""
    for job in await context.app.job_manager.get_stalled_jobs():
        await context.app.job_manager.retry_job(job)


@app.periodic(cron="30 1 * * *")
@app.task(queue="upkeep", queueing_lock="backup", retry=RetryStrategy(max_attempts=3, wait=600))
def nightly_backup(timestamp: int) -> None:
    """`make backup`, where this machine can: with the project's own server, or with an owner's address.

    An installation with the application role's address alone is backed up by its database's own means.
    """
    if not settings.DATABASE_OWNER_URL or settings.DATABASE_OWNER_URL == settings.DATABASE_URL:
        return
    done = subprocess.run(  # noqa: S603 - our own file, no words from outside
        [sys.executable, str(settings.BASE_DIR / "config" / "bootstrap.py"), "backup"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise RuntimeError(f"The nightly backup was not made: {said}")


@app.periodic(cron="5 0 * * *")
@app.task(queue="upkeep", queueing_lock="handovers", retry=RetryStrategy(max_attempts=3, wait=600))
def carry_out_handovers(timestamp: int) -> None:
    """What is handed over from today and has no dates of its own. Done already: nothing happens."""
    handover.carry_out_due(timezone.localdate(), timezone.now())


@app.periodic(cron="0 3 * * *")
@app.task(queue="upkeep", queueing_lock="nightly")
def nightly_sweep(timestamp: int) -> None:
    """What is kept no longer (files that no row names, old mails' texts, old logins), and next year's counters."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT medel_prepare_register_numbers()")
    attachments.sweep(now)
    messages.forget_old_texts(now)
    accounts.forget_old_logins(now)


@app.periodic(cron="15 3 * * *")
@app.task(queue="upkeep", queueing_lock="old_jobs", pass_context=True)
async def forget_old_jobs(context: JobContext, timestamp: int) -> None:
    """Jobs that failed stay for whoever looks into it, but not for ever; the others go when they are done."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=KEPT.days * 24, include_failed=True, include_cancelled=True, include_aborted=True
    )
