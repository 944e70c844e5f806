"""`mobilis …`: every command, each a few lines around the library."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path

from mobilis import (
    __version__,
    backup_commands,
    console_commands,
    dev_commands,
    doctor_commands,
    live_commands,
    privacy_commands,
    process_commands,
    teams_app,
)
from mobilis.errors import ContentError, ImportRefused, MobilisError
from mobilis.settings import Settings, load_settings
from mobilis.staff_commands import add_staff_commands, welcome
from mobilis.supervisor import RASA_ENVIRONMENT

MOST_MESSAGES = 600  # of one measure of understanding: more would leave none for the long ones


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Errors are one sentence on stderr."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace, Settings], int] = options.command
    try:
        code = command(options, load_settings())
        sys.stdout.flush()  # here, and not when Python ends
        return code
    except MobilisError as error:
        print(f"mobilis: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads has seen enough; Python shall not flush once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mobilis", description="A bilingual assistant that coaches nonprofits on policy work."
    )
    parser.add_argument("--version", action="version", version=f"mobilis {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="start everything and keep it running")
    up.add_argument("--no-train", action="store_true", help="do not train, even when it is due")
    up.set_defaults(command=_up)

    train = commands.add_parser("train", help="train the model from the content")
    when = train.add_mutually_exclusive_group()
    when.add_argument("--if-due", action="store_true", help="only when the content is newer")
    when.add_argument("--output", type=Path, metavar="FILE", help="leave the present model alone")
    when.add_argument("--live", action="store_true", help="and have what runs here take it over")
    train.add_argument("--quiet", action="store_true", help="show what Rasa says only on failure")
    train.set_defaults(command=_train)

    chat = commands.add_parser("chat", help="talk to the running assistant in this terminal")
    chat.add_argument("--language", choices=("fr", "en"), default="fr")
    chat.set_defaults(command=_chat)

    content = commands.add_parser("content", help="the content files")
    actions = content.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", help="check every content file; name file and field")
    check.add_argument("--json", action="store_true", help="print the problems as JSON")
    check.set_defaults(command=_check_content)
    missing = actions.add_parser("missing", help="list what a language still lacks")
    missing.add_argument("language", metavar="LANGUAGE", help="a language code, such as es")
    missing.set_defaults(command=_missing_content)

    coaches = commands.add_parser("coaches", help="the directory of coaches")
    actions = coaches.add_subparsers(required=True, metavar="ACTION")
    imported = actions.add_parser("import", help="import a CSV file, all of it or nothing")
    imported.add_argument("file", type=Path, metavar="FILE.csv")
    imported.set_defaults(command=_import_coaches)

    database = commands.add_parser("migrate", help="bring the database to the newest schema")
    database.add_argument("--to", default="head", metavar="REVISION", help="another schema")
    database.add_argument("--dry-run", action="store_true", help="only show what would be done")
    database.set_defaults(command=_migrate)

    erase = commands.add_parser("erase", help="erase a conversation and all that came from it")
    erase.add_argument("conversation", metavar="CONVERSATION")
    erase.set_defaults(command=_erase)
    privacy_commands.add_commands(commands)

    add_staff_commands(commands)

    evaluate = commands.add_parser("evaluate", help="measure understanding on a file of examples")
    evaluate.add_argument("what", choices=("intents", "answers", "facets", "language"))
    evaluate.add_argument("file", type=Path, metavar="FILE")
    evaluate.add_argument("--json", action="store_true", help="print the report as JSON")
    evaluate.add_argument(
        "--compare", type=Path, metavar="MODEL", help="show what changes with another model's file"
    )
    evaluate.set_defaults(command=_evaluate)

    calibrate = commands.add_parser(
        "calibrate", help="choose from data where confidence ends and doubt begins"
    )
    calibrate.add_argument("files", nargs="*", type=Path, metavar="FILE")
    calibrate.add_argument("--write", action="store_true", help="put the choice into config.yml")
    calibrate.add_argument("--json", action="store_true", help="print the report as JSON")
    calibrate.set_defaults(command=_calibrate)

    learn = commands.add_parser("learn", help="learn from what was not understood")
    actions = learn.add_subparsers(required=True, metavar="ACTION")
    exported = actions.add_parser("export", help="write it out, masked, for a person to review")
    exported.add_argument("--since", type=_day, metavar="DATE", help="from this day on (UTC)")
    exported.add_argument("--output", type=Path, metavar="FILE", help="a new file to write to")
    exported.add_argument(
        "--decided", action="store_true", help="only what was decided in the console, to apply"
    )
    exported.set_defaults(command=_export_learning)
    applied = actions.add_parser("apply", help="add what was accepted to the content files")
    applied.add_argument("file", type=Path, metavar="FILE")
    applied.add_argument("--dry-run", action="store_true", help="only show what would change")
    applied.set_defaults(command=_apply_learning)
    bench = commands.add_parser("bench", help="measure speed beside the stock assistant")
    benches = bench.add_subparsers(required=True, metavar="WHAT")
    nlu = benches.add_parser("nlu", help="what understanding a message costs, on one core")
    nlu.add_argument("--messages", default="400", metavar="N", help="how many (400)")
    nlu.set_defaults(command=_bench_nlu)
    turns = benches.add_parser("turns", help="the whole chain over HTTP, many talking at once")
    turns.add_argument(
        "--concurrency", default="1,8,32", metavar="N,…", help="conversations at once (1,8,32)"
    )
    turns.add_argument("--turns", default="768", metavar="N", help="turns at each level (768)")
    turns.add_argument("--train", action="store_true", help="also train ours from nothing")
    turns.set_defaults(command=_bench_turns)
    scale = benches.add_parser("scale", help="one front door and brain beside two, on PostgreSQL")
    scale.add_argument(
        "--database", required=True, metavar="URL", help="a PostgreSQL server to make databases on"
    )
    scale.add_argument(
        "--concurrency", default="1,8,32", metavar="N,…", help="conversations at once (1,8,32)"
    )
    scale.add_argument("--turns", default="256", metavar="N", help="turns at each level (256)")
    scale.add_argument("--json", action="store_true", help="print the report as JSON")
    scale.set_defaults(command=_bench_scale)
    load = benches.add_parser("load", help="more and more visitors at once, until it is too much")
    load.add_argument(
        "--levels",
        default="1,2,4,8,16,32,64,128,256",
        metavar="N,…",
        help="visitors at once (1,2,4,8,16,32,64,128,256)",
    )
    load.add_argument("--seconds", default="20", metavar="N", help="that each level lasts (20)")
    load.add_argument(
        "--think", default="1", metavar="N", help="seconds before each message, on average (1)"
    )
    load.add_argument(
        "--postgres", default="", metavar="URL", help="an empty database, to be visited on too"
    )
    load.add_argument(
        "--write", type=Path, metavar="FOLDER", help="write load.md and load.svg, such as in docs"
    )
    load.set_defaults(command=_bench_load)
    widget = benches.add_parser("widget", help="what a person waits for, in a browser")
    widget.add_argument("--turns", default="64", metavar="N", help="messages said (64)")
    widget.add_argument("--json", action="store_true", help="print the report as JSON")
    widget.set_defaults(command=_bench_widget)
    for one in (nlu, turns, load):
        one.add_argument("--ours-only", action="store_true", help="without the stock assistant")
        one.add_argument(
            "--phrasings",
            default="12",
            metavar="N",
            help="that the stock assistant learns, of each label and language (12; 0: all, hours)",
        )
        one.add_argument("--fresh", action="store_true", help="train the stock assistant again")
        one.add_argument("--json", action="store_true", help="print the report as JSON")
    console_commands.add_bench(benches)
    report = commands.add_parser("report", help="write a readable report on understanding")
    report.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where to (docs/understanding)"
    )
    report.set_defaults(command=_report)

    journeys = commands.add_parser("journeys", help="play scripted conversations on a running one")
    journeys.add_argument("files", nargs="*", type=Path, metavar="FILE.yml")
    journeys.add_argument("--write", type=Path, metavar="FOLDER", help="write the transcripts")
    journeys.set_defaults(command=_journeys)
    backup_commands.add_commands(commands)
    console_commands.add_commands(commands)
    dev_commands.add_commands(commands)
    doctor_commands.add_commands(commands)
    live_commands.add_commands(commands)
    process_commands.add_commands(commands)
    teams_app.add_commands(commands)
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a day such as 2026-11-23 is expected, not {text!r}"
        ) from None


def _up(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.live import UP
    from mobilis.seeing.logs import JSON, configure, log_format
    from mobilis.store import Database, migrate
    from mobilis.supervisor import Supervisor, say
    from mobilis.training import is_due, train

    configure(UP, settings)
    migrate(settings.database)
    _import_sample(Database.from_settings(settings), settings)
    welcome(settings)
    if not options.no_train and is_due(settings.project_dir):
        say("the content is newer than the model: training (minutes the first time)", settings)
        train(settings.project_dir, quiet=log_format(settings) == JSON)
    asyncio.run(Supervisor(settings).run())
    return 0


def _import_sample(database: object, settings: Settings) -> None:
    """A new database begins with the fictional directory."""
    from mobilis.coaches import all_coaches, import_coaches
    from mobilis.store import Database
    from mobilis.supervisor import say

    assert isinstance(database, Database)
    if not all_coaches(database):
        count = import_coaches(database, settings.project_dir / "coaches" / "sample.csv")
        say(f"imported {count} fictional coaches from coaches/sample.csv", settings)
    database.dispose()


def _train(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.training import is_due, train

    if options.if_due and not is_due(settings.project_dir):
        print("the model is up to date")
        return 0
    if options.live:
        return live_commands.train_live(settings, options.quiet)
    path = train(settings.project_dir, quiet=options.quiet, output=options.output)
    print(f"trained {path}")
    return 0


def _chat(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.terminal import converse

    converse(f"http://127.0.0.1:{settings.port}", options.language)
    return 0


def _check_content(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.content_check import content_problems

    found = content_problems(settings.project_dir)
    if options.json:
        print(json.dumps({"problems": found}, ensure_ascii=False))
    else:
        print("\n".join(found) or "every content file is well formed")
    return 1 if found else 0


def _missing_content(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.content import missing

    found = missing(settings.project_dir, options.language)
    print("\n".join(found) or f"nothing is missing in {options.language}")
    return 1 if found else 0


def _import_coaches(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.coaches import import_coaches
    from mobilis.store import Database, migrate

    migrate(settings.database)
    try:
        count = import_coaches(Database.from_settings(settings), options.file)
    except ImportRefused as refused:
        print("\n".join(refused.problems), file=sys.stderr)
        print("mobilis: nothing was imported", file=sys.stderr)
        return 1
    print(f"imported {count} coaches")
    return 0


def _migrate(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.schema import HEAD, change, newest

    change(settings.database, options.to, options.dry_run, partial(print, flush=True))
    if not options.dry_run and options.to in (HEAD, newest()):
        print("the database is at the newest schema")
    return 0


def _erase(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.privacy import erase_conversation
    from mobilis.store import Database

    with Database.from_settings(settings).erase() as connection:
        counts = erase_conversation(connection, options.conversation, "command")
    print(json.dumps(counts))
    return 0


def _evaluate(options: argparse.Namespace, settings: Settings) -> int:
    _quiet_rasa()
    from mobilis.nlu import comparison, evaluation

    given = (options.what, options.file, settings.project_dir)
    if options.compare:
        report, to_text = comparison.compare(*given, options.compare), comparison.to_text
    else:
        report, to_text = evaluation.evaluate(*given), evaluation.to_text
    print(json.dumps(report, ensure_ascii=False) if options.json else to_text(report))
    return 0


def _calibrate(options: argparse.Namespace, settings: Settings) -> int:
    _quiet_rasa()
    from mobilis.nlu.calibration import FILES, calibrate, to_text, write

    root = settings.project_dir
    report = calibrate(root, options.files or sorted(root.glob(FILES)))
    print(json.dumps(report, ensure_ascii=False) if options.json else to_text(report))
    if options.write:
        write(root, report)
        print("written to config.yml; train again with: mobilis train", file=sys.stderr)
    return 0


def _export_learning(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.decisions import for_review
    from mobilis.learning import to_review, write_new, written_since
    from mobilis.store import Database, migrate

    migrate(settings.database)
    root, where = settings.project_dir, written_since(options.since)
    with Database.from_settings(settings).read() as connection:
        found, verdicts, held = for_review(connection, root, where, options.decided)
    if held:
        print(f"{held} decisions are too like what is known, or one another", file=sys.stderr)
    if not found:
        nothing = "nothing was decided" if options.decided else "all was understood"
        print(f"there is nothing to review: {nothing}", file=sys.stderr)
        return 0
    text = to_review(root, found, verdicts)
    if options.output:
        write_new(options.output, text)
        print(f"wrote {len(found)} messages to review to {options.output}")
    else:
        print(text, end="")
    return 0


def _apply_learning(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.review import plan, to_diff, write

    try:
        planned = plan(settings.project_dir, options.file)
    except ImportRefused as refused:
        print("\n".join(refused.problems), file=sys.stderr)
        print("mobilis: nothing was added", file=sys.stderr)
        return 1
    count, known = len(planned.additions), f"{planned.known} stand there already"
    if options.dry_run:
        print(to_diff(planned.changes))
        print(f"{count} phrasings would be added, {known}")
        return 0
    write(settings.project_dir, planned.changes)
    for shelf, text in planned.additions:
        print(f"{shelf.file}: {shelf.field}: {text}")
    print(f"{count} phrasings were added, {known}; they are learned by: mobilis train")
    return 0


def _bench_nlu(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.measures import keep_to_one_core, trained_model, whole_number

    root = settings.project_dir
    trained_model(root)  # before minutes go into the stock assistant
    count = whole_number("--messages", options.messages, 1, MOST_MESSAGES)
    _end_as_on_ctrl_c()
    project = None if options.ours_only else _prepare_stock(root, options)
    keep_to_one_core()
    _quiet_rasa()
    from mobilis.nlu.bench import bench_nlu, to_text

    report = bench_nlu(root, _tell, count, project)
    print(json.dumps(report, ensure_ascii=False) if options.json else to_text(report))
    return 0


def _bench_turns(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.bench import bench_turns, to_text

    root = settings.project_dir
    _end_as_on_ctrl_c()
    prepare = None if options.ours_only else partial(_prepare_stock, root, options)
    report = bench_turns(root, _tell, options.concurrency, options.turns, prepare, options.train)
    print(json.dumps(report, ensure_ascii=False) if options.json else to_text(report))
    return 0


def _bench_scale(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.scale_bench import bench_scale, to_text

    _end_as_on_ctrl_c()
    given = options.database, options.concurrency, options.turns
    report = bench_scale(settings.project_dir, _tell, *given)
    print(json.dumps(report, ensure_ascii=False) if options.json else to_text(report))
    return 0


def _bench_load(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.load_bench import bench_load, to_text, write

    root = settings.project_dir
    _end_as_on_ctrl_c()
    prepare = None if options.ours_only else partial(_prepare_stock, root, options)
    how = (options.levels, options.seconds, options.think, options.postgres)
    report = bench_load(root, _tell, *how, prepare)
    if options.write:
        write(report, options.write)
    print(json.dumps(report, ensure_ascii=False) if options.json else to_text(report))
    return 0


def _bench_widget(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.widget_bench import bench_widget, to_text

    _end_as_on_ctrl_c()
    report = bench_widget(settings.project_dir, _tell, options.turns)
    print(json.dumps(report, ensure_ascii=False) if options.json else to_text(report))
    return 0


def _end_as_on_ctrl_c() -> None:
    """When this process is told to end, it first ends those that it started."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _prepare_stock(root: Path, options: argparse.Namespace) -> Path:
    from mobilis.measures import whole_number
    from mobilis.stock import prepare

    most = whole_number("--phrasings", options.phrasings, 0, 1000)
    return prepare(root, _tell, options.fresh, most)


def _quiet_rasa() -> None:
    """Before Rasa is loaded here: none of the warnings that nobody can act on, as in its own
    processes."""
    os.environ.update(RASA_ENVIRONMENT)
    logging.captureWarnings(True)  # filters would be set anew by some of what Rasa loads
    logging.getLogger("py.warnings").setLevel(logging.ERROR)


def _tell(line: str) -> None:
    """What goes on, beside what is printed."""
    print(line, file=sys.stderr, flush=True)


def _report(options: argparse.Namespace, settings: Settings) -> int:
    _quiet_rasa()
    from mobilis.nlu.report import FOLDER, report

    def say(progress: str) -> None:
        print(progress, flush=True)

    folder = options.output or settings.project_dir / FOLDER
    for path in report(settings.project_dir, folder, say):
        say(f"wrote {path}")
    return 0


def _journeys(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.journeys import load_journey, play, to_markdown

    base = f"http://127.0.0.1:{settings.port}"
    files = options.files or sorted((settings.project_dir / "tests" / "journeys").glob("*.yml"))
    if not files:
        raise ContentError("tests/journeys: no journey was found")
    for path in files:
        journey = load_journey(path)
        if journey.disturbs:
            print(f"{path.stem}: skipped, it ends processes (see make transcripts)", flush=True)
            continue
        print(path.stem, flush=True)
        transcript = play(journey, base)
        if options.write:
            options.write.mkdir(parents=True, exist_ok=True)
            (options.write / f"{path.stem}.md").write_text(to_markdown(transcript), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
