"""`python -m bench [--runs N] [--only WORD] [--json]`: see docs/performance.md."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from dataclasses import asdict
from itertools import chain
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bench.database import own_database

if TYPE_CHECKING:
    from bench.measuring import Figure

_HEADING = ("", "who", "median ms", "lowest", "Python", "queries", "peak MB", "kB", "goal", "yardstick")
_LINE = "{:<42} {:<15} {:>9} {:>8} {:>8} {:>8} {:>8} {:>7}  {:<18} {}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="how often each page is asked for (15)")
    parser.add_argument("--only", default="", help="measure only what has this in its name, as 'list'")
    parser.add_argument("--projects", type=int, default=10_000, help="in all municipalities (10 000)")
    parser.add_argument("--rows", type=int, default=10_000, help="of the imported file (10 000)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--keep", action="store_true", help="leave the database medel_bench standing")
    parser.add_argument("--again", action="store_true", help="measure in the database that --keep left")
    options = parser.parse_args()
    with own_database(keep=options.keep, again=options.again):
        _measure(options)


def _measure(options: argparse.Namespace) -> None:
    """Django is imported here, when the environment names the database."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from bench import imports, pages, register

    today = timezone.localdate()
    begun = perf_counter()
    call_command("migrate", verbosity=0)
    migrated = perf_counter()
    filled = register.standing() if options.again else register.fill(today, options.projects)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('server_version')")
        role, server = cursor.fetchone()
    head: dict[str, Any] = {
        "projects": sum(town.projects for town in filled.towns),
        "of which in the largest municipality": filled.largest.projects,
        "seconds to migrate": round(migrated - begun),
        "seconds to fill": round(perf_counter() - migrated),
        "database role": role,
        "PostgreSQL": server.split()[0],
        "Python": sys.version.split()[0],
        "Django": django.get_version(),
        "cores": os.cpu_count(),
        "load at the start": f"{os.getloadavg()[0]:.1f}",
    }
    if not options.json:
        print("\n".join(f"{name}: {value}" for name, value in head.items()), "", sep="\n")
        print(_LINE.format(*_HEADING), flush=True)
    found: list[Figure] = []
    for figure in chain(
        pages.figures(filled, today, options.runs, options.only),
        imports.figures(filled, today, options.runs, options.only, options.rows),
    ):
        found.append(figure)
        if not options.json:
            print(_line(figure), flush=True)
    connection.close()
    head["resident peak, MB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    if options.json:
        print(json.dumps(head | {"figures": [asdict(one) | {"meets": one.meets} for one in found]}, indent=2))
    else:
        print(f"\nresident peak: {head['resident peak, MB']} MB")


def _line(figure: Figure) -> str:
    goals = [
        f"≤ {figure.goal_ms:.0f} ms" if figure.goal_ms else "",
        f"≤ {figure.goal_queries} q" if figure.goal_queries else "",
        f"≤ {figure.goal_times} ×" if figure.goal_times else "",
    ]
    told = " ".join(goal for goal in goals if goal)
    if figure.meets is False:
        told += " NO"
    yardstick = f"{figure.yardstick_ms:.1f} ms: {figure.yardstick}" if figure.yardstick_ms is not None else ""
    return _LINE.format(
        figure.name,
        figure.who,
        f"{figure.median_ms:.1f}",
        f"{figure.lowest_ms:.1f}",
        f"{figure.cpu_ms:.1f}",
        figure.queries,
        f"{figure.peak_bytes / 1_000_000:.1f}" if figure.peak_bytes else "",
        f"{figure.size / 1000:.0f}" if figure.size else "",
        told,
        yardstick,
    ).rstrip()


if __name__ == "__main__":
    main()
