"""The commands of the staff console: `mobilis console …`, `demo …`, `bench console`.

Called by mobilis/cli.py's parser.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from mobilis.settings import Settings

MOST = 5_000_000  # conversations of a demo or a bench
TELL_EVERY = 2.0  # seconds


def add_commands(commands: Any) -> None:
    """Put `console` and `demo` beside the other commands."""
    console = commands.add_parser("console", help="the staff console")
    actions = console.add_subparsers(required=True, metavar="ACTION")
    rebuild = actions.add_parser("rebuild", help="make every case and the search again")
    rebuild.set_defaults(command=_rebuild)
    demo = commands.add_parser("demo", help="fictional conversations, to try out the console")
    actions = demo.add_subparsers(required=True, metavar="ACTION")
    fill = actions.add_parser("fill", help="add fictional conversations, leads and cases")
    fill.add_argument("--conversations", default="2000", metavar="N", help="how many (2000)")
    fill.add_argument("--seed", type=int, default=1, metavar="S", help="others for another S (1)")
    fill.add_argument("--anyway", action="store_true", help="also beside real conversations")
    fill.set_defaults(command=_fill)


def add_bench(benches: Any) -> None:
    """Put `console` beside the other benches."""
    bench = benches.add_parser("console", help="the queue with many conversations, over HTTP")
    bench.add_argument("--conversations", default="200000", metavar="N", help="how many (200000)")
    bench.add_argument("--rounds", default="40", metavar="N", help="requests of each kind (40)")
    bench.add_argument("--keep", action="store_true", help="keep the database for the next time")
    bench.add_argument("--json", action="store_true", help="print the report as JSON")
    bench.set_defaults(command=_bench)


def _rebuild(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.cases import rebuild
    from mobilis.priority import read_weights
    from mobilis.store import Database, migrate

    migrate(settings.database)
    tell, done = progress(), 0
    for done in rebuild(Database.from_settings(settings), read_weights(settings.priority)):
        tell(f"{done} cases")
    print(f"made {done} cases again")
    return 0


def _fill(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.demo import fill
    from mobilis.measures import whole_number
    from mobilis.priority import read_weights
    from mobilis.store import Database, migrate

    wanted = whole_number("--conversations", options.conversations, 1, MOST)
    migrate(settings.database)
    count = fill(
        Database.from_settings(settings),
        settings.project_dir,
        conversations_wanted=wanted,
        seed=options.seed,
        weights=read_weights(settings.priority),
        tell=progress(),
        anyway=options.anyway,
    )
    print(f"added {count} fictional conversations")
    return 0


def _bench(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.console_bench import bench_console, to_text
    from mobilis.measures import whole_number

    wanted = whole_number("--conversations", options.conversations, 100, MOST)
    rounds = whole_number("--rounds", options.rounds, 1, 10_000)
    report = bench_console(settings.project_dir, progress(), wanted, rounds, options.keep)
    print(json.dumps(report, ensure_ascii=False) if options.json else to_text(report))
    return 0


def progress() -> Callable[[str], None]:
    """Tells how far it is, now and then, beside what is printed."""
    told_at = 0.0

    def tell(line: str) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= TELL_EVERY:
            told_at = time.monotonic()
            with suppress(BrokenPipeError):
                print(line, file=sys.stderr, flush=True)

    return tell
