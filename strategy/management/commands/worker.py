"""Runs waiting and periodic jobs until SIGTERM or Ctrl-C; what is under way then is finished first."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

from asgiref.sync import sync_to_async
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from procrastinate import App
from procrastinate.contrib.django import app

log = logging.getLogger("medel.worker")

# Seconds after which a job that does not end is left to be started again by the next worker.
PATIENCE = 30.0
# Seconds between two tries while the database is away: the first, and the longest.
PAUSE, LONGEST_PAUSE = 1.0, 30.0


class Command(BaseCommand):
    help = "Runs waiting and periodic jobs (mail, nightly work) until it is told to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="Run what waits and end, instead of waiting for more."
        )

    def handle(self, *args: Any, once: bool = False, **options: Any) -> None:
        asyncio.run(work(once=once))


async def work(*, once: bool = False) -> None:
    """Works until told to stop; a database that is away is waited for, a worker that falls is begun anew."""
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    pause = PAUSE
    while not told_to_stop.is_set():
        began = loop.time()
        fallen = await _until(told_to_stop, once)
        if once or told_to_stop.is_set():
            if once and fallen is not None:
                raise fallen
            return
        if loop.time() - began > LONGEST_PAUSE:
            pause = PAUSE
        log.warning("the worker is begun anew in %.0f s: %s", pause, fallen or "the database went away")
        try:
            await asyncio.wait_for(told_to_stop.wait(), pause)
        except TimeoutError:
            pause = min(pause * 2, LONGEST_PAUSE)


async def _until(told_to_stop: asyncio.Event, once: bool) -> Exception | None:
    """One worker's life; returns what it fell from."""
    # A connection that died with the database is not tried again.
    await sync_to_async(close_old_connections, thread_sensitive=True)()
    worker = asyncio.create_task(_run(once))
    stop = asyncio.create_task(told_to_stop.wait())
    await asyncio.wait({worker, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not worker.done():
        worker.cancel()  # ends when the job under way has ended
    try:
        await worker
    except asyncio.CancelledError:
        return None
    except Exception as error:
        return error
    return None


async def _run(once: bool) -> None:
    # The worker has connections of its own, as the application role; jobs are still deferred over Django's,
    # so that a job and the rows it is about come into being in one transaction also inside a job.
    working = App(
        connector=app.connector.get_worker_connector(),  # type: ignore[attr-defined]
        worker_defaults=app.worker_defaults,
    )
    app.perform_import_paths()  # type: ignore[no-untyped-call]
    working.tasks = app.tasks
    working.periodic_registry = app.periodic_registry
    async with working.open_async():
        await working.run_worker_async(
            wait=not once,
            listen_notify=not once,
            delete_jobs="successful",
            install_signal_handlers=False,
            shutdown_graceful_timeout=PATIENCE,
        )
