"""Work for the worker. A job carries ids alone, and each opens the scope of its municipality itself."""

from __future__ import annotations

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from strategy import messages


@app.task(queue="messages", retry=RetryStrategy(max_attempts=5, exponential_wait=30))
def send_waiting_messages() -> None:
    _sent, failed = messages.send_waiting()
    if failed:
        raise RuntimeError(f"{failed} messages could not be sent; they are tried again")


@app.periodic(cron="*/5 * * * *")
@app.task(queue="messages", queueing_lock="outbox")
def sweep_outbox(timestamp: int) -> None:
    """What was left behind (a worker that died, a mail server that was away) leaves within five minutes."""
    messages.send_waiting()
