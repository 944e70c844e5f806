"""`mobilis doctor`: each check, where all is well and where it is not; one sentence each."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from loopback import LoopbackServer
from mail_servers import MailServer
from processes import free_port
from sqlalchemy import insert, text, update

from mobilis import doctor, doctor_commands
from mobilis.conversations import open_conversation
from mobilis.doctor import address, installation, ports
from mobilis.doctor import database as stored
from mobilis.doctor.findings import FAULT, OK, WARNING, Finding
from mobilis.doctor.mail import check_mail
from mobilis.errors import MobilisError, StoreError
from mobilis.models import conversations, deliveries, inbox, outbox
from mobilis.settings import ROOT, Settings
from mobilis.store import Database, migrate, now

pytestmark = pytest.mark.door

LOCK = "# locked\nhttpx==9.9 \\\n    --hash=sha256:0\n    # via door.in\nPyYAML==1.0\n"


class Answering:
    """A server on loopback that answers by path: {path: (status, body)}."""

    def __init__(self, answers: dict[str, tuple[int, Any]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answers.get(self.path, (404, {}))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = LoopbackServer(Handler)
        self.port, self.url = self._server.server_address[1], self._server.url
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def answering() -> Iterator[Any]:
    running: list[Answering] = []

    def start(**answers: Any) -> Answering:
        running.append(Answering({f"/{path}": answer for path, answer in answers.items()}))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), project_dir=tmp_path, data_dir=tmp_path / "var")


@pytest.fixture
def filled(settings: Settings) -> Iterator[Database]:
    """A migrated database where the settings have it."""
    migrate(settings.database)
    database = Database.from_settings(settings)
    yield database
    database.dispose()


def states(findings: Any) -> list[tuple[str, str]]:
    """What is found, in short; each is a sentence."""
    shown = list(findings)
    assert all(one.sentence.endswith((".", "?")) for one in shown), shown
    return [(one.about, one.state) for one in shown]


def sentence(findings: Any) -> str:
    [one] = findings
    return str(one.sentence)


# --- what was installed


def test_the_present_python_is_well(settings) -> None:
    assert states(installation.check_python(settings)) == [("python", OK)]


def test_an_old_python_is_a_fault(settings, monkeypatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 9, 1))
    assert states(installation.check_python(settings)) == [("python", FAULT)]


def test_without_rasa_only_the_front_door_runs(settings, monkeypatch) -> None:
    monkeypatch.setattr(installation, "has_rasa", lambda: False)
    assert "only the front door" in sentence(installation.check_python(settings))
    assert states(installation.check_model(settings)) == [("model", OK)]
    assert states(installation.check_encoder(settings)) == []


def test_packages_are_held_against_their_lock() -> None:
    [found] = installation.check_packages(Settings())
    assert found.about == "packages"
    assert found.state in (OK, WARNING)  # a package may be on its way into the lock


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ({"httpx": "9.9", "PyYAML": "1.0"}, [OK]),
        ({"httpx": "9.9", "PyYAML": "2.0"}, [WARNING]),
        ({"PyYAML": "2.0"}, [FAULT, WARNING]),
    ],
)
def test_packages_that_are_missing_or_other_are_named(
    settings, monkeypatch, installed, expected
) -> None:
    (settings.project_dir / "requirements").mkdir()
    for name in (installation.BRAIN_LOCK, installation.DOOR_LOCK):
        (settings.project_dir / name).write_text(LOCK)
    monkeypatch.setattr(installation, "_installed", installed.get)
    found = list(installation.check_packages(settings))
    assert [one.state for one in found] == expected
    assert ("PyYAML 2.0 (not 1.0)" in found[-1].sentence) == (WARNING in expected)


def test_without_a_lock_nothing_can_be_compared(settings) -> None:
    assert states(installation.check_packages(settings)) == [("packages", WARNING)]


def test_only_the_first_of_many_are_named() -> None:
    assert installation._few(list("abcdef")) == "a, b, c, d and 2 more"


def test_the_content_is_well_formed_or_its_field_is_named(tmp_path) -> None:
    assert states(installation.check_content(Settings())) == [("content", OK)]
    for name in ("content", "faq", "assessment", "data"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("domain.yml", "config.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "content" / "letters.yml").write_text("letters: 3\n")
    found = installation.check_content(replace(Settings(), project_dir=tmp_path))
    assert {one.state for one in found} == {FAULT}


@pytest.fixture
def model(settings, monkeypatch) -> Any:
    """Writes a model that a version of Rasa has trained."""
    monkeypatch.setattr(installation, "has_rasa", lambda: True)
    monkeypatch.setattr(installation, "_installed", lambda name: "3.6.21")
    monkeypatch.setattr(installation, "is_due", lambda root: False)

    def write(metadata: bytes) -> Settings:
        path = settings.project_dir / installation.MODEL
        path.parent.mkdir(exist_ok=True)
        with tarfile.open(path, "w:gz") as archive:
            member = tarfile.TarInfo("metadata.json")
            member.size = len(metadata)
            archive.addfile(member, io.BytesIO(metadata))
        return settings

    return write


def test_a_model_of_this_content_and_rasa_is_well(model, monkeypatch) -> None:
    settings = model(b'{"rasa_open_source_version": "3.6.21"}')
    assert states(installation.check_model(settings)) == [("model", OK)]
    monkeypatch.setattr(installation, "is_due", lambda root: True)
    assert states(installation.check_model(settings)) == [("model", WARNING)]


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (b'{"rasa_open_source_version": "3.5.0"}', "was trained by Rasa 3.5.0"),
        (b"{}", "cannot be read"),
        (b"no", "cannot be read"),
    ],
)
def test_a_model_of_another_rasa_or_none_at_all_is_a_fault(model, metadata, said) -> None:
    [found] = installation.check_model(model(metadata))
    assert (found.state, said in found.sentence) == (FAULT, True)


def test_without_a_model_it_says_how_to_make_one(model, settings) -> None:
    assert sentence(installation.check_model(settings)).endswith("mobilis train makes it.")
    model(b"{}")
    (settings.project_dir / installation.MODEL).write_bytes(b"not an archive")
    assert "cannot be read" in sentence(installation.check_model(settings))
    with tarfile.open(settings.project_dir / installation.MODEL, "w:gz"):
        pass  # an archive of nothing
    assert "cannot be read" in sentence(installation.check_model(settings))


@pytest.mark.parametrize(
    ("chosen", "bundled", "expected"),
    [
        ("", True, OK),
        ("", False, WARNING),
        ("none", True, WARNING),
        ("{folder}/none", True, FAULT),
        ("{folder}", True, OK),
    ],
)
def test_the_encoder_is_found_or_missed(
    settings, monkeypatch, tmp_path, chosen, bundled, expected
) -> None:
    monkeypatch.setattr(installation, "has_rasa", lambda: True)
    weights = tmp_path if bundled else None
    monkeypatch.setattr("mobilis.encoders.bundled_weights", lambda: weights)
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).touch()
    given = replace(settings, encoder=chosen.format(folder=tmp_path))
    assert states(installation.check_encoder(given)) == [("encoder", expected)]


def test_a_widget_that_is_not_built_is_a_fault(settings) -> None:
    assert states(installation.check_widget(settings)) == [("widget", FAULT)]
    built = settings.project_dir / "widget" / "dist" / "widget.js"
    built.parent.mkdir(parents=True)
    built.touch()
    assert states(installation.check_widget(settings)) == [("widget", OK)]


@pytest.mark.parametrize(
    ("free", "expected"), [(10**10, OK), (10**9, WARNING), (10**8, FAULT), (None, FAULT)]
)
def test_room_on_the_disk_is_looked_at(settings, monkeypatch, free, expected) -> None:
    def usage(folder: Path) -> Any:
        if free is None:
            raise OSError(5, "Input/output error")
        return shutil._ntuple_diskusage(10**11, 0, free)  # type: ignore[attr-defined]

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert states(installation.check_disk(settings)) == [("disk", expected)]


# --- the database


def test_a_database_of_this_version_that_takes_what_it_is_given_is_well(settings, filled) -> None:
    assert states(stored.check_database(settings)) == [("database", OK)] * 2
    assert states(stored.check_clock(settings)) == [("clock", OK)]
    assert states(stored.check_backlog(settings)) == [("queues", OK)]
    assert states(stored.check_retention(settings)) == [("retention", OK)]
    with filled.read() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master")).scalars().all()
    assert "mobilis_doctor" not in tables  # nothing is left of the try


def test_a_database_on_postgres_is_looked_at_too(settings, postgres) -> None:
    url = postgres.create("doctor")
    there = replace(settings, database_url=url)
    assert "is empty: mobilis migrate" in next(stored.check_database(there)).sentence
    migrate(url)
    [first, _] = stored.check_database(there)
    assert first.sentence == "PostgreSQL answers, with the schema of this version."
    assert states(stored.check_clock(there)) == [("clock", OK)]


def test_a_database_that_is_not_made_is_not_made_by_looking(settings) -> None:
    assert states(stored.check_database(settings)) == [("database", WARNING)]
    for check in (stored.check_clock, stored.check_backlog, stored.check_retention):
        assert states(check(settings)) == []
    assert not settings.data_dir.exists()


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:9/none", "mysql://a/b", "what"])
def test_a_database_that_is_not_reached_is_a_fault_told_once(settings, url) -> None:
    away = replace(settings, database_url=url)
    assert states(stored.check_database(away)) == [("database", FAULT)]
    for check in (stored.check_clock, stored.check_backlog, stored.check_retention):
        assert states(check(away)) == []


def test_another_schema_is_a_fault(settings, filled) -> None:
    with filled.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    [first, *_] = stored.check_database(settings)
    assert (first.state, "has the schema 0001" in first.sentence) == (FAULT, True)


def test_a_database_that_cannot_be_written_to_is_a_fault(settings, filled, monkeypatch) -> None:
    def refuse(database: Database) -> None:
        raise StoreError("the database refused: OperationalError")

    monkeypatch.setattr(stored, "_try_to_write", refuse)
    assert states(stored.check_database(settings)) == [("database", OK), ("database", FAULT)]


def test_another_journal_and_a_log_that_only_grows_are_told(settings, filled, monkeypatch) -> None:
    monkeypatch.setattr(stored, "LARGE_LOG", -1)
    assert states(stored.check_database(settings))[-1] == ("database", WARNING)
    monkeypatch.setattr("mobilis.store._prepare_sqlite", lambda *_: None)
    other = f"sqlite:///{settings.data_dir / 'plain.db'}"
    plain = Database(other)
    plain.engine.dispose()
    monkeypatch.setattr(stored, "_schema", lambda database: iter(()))
    monkeypatch.setattr(stored, "_try_to_write", lambda database: None)
    (settings.data_dir / "plain.db").touch()
    found = [*stored.check_database(replace(settings, database_url=other))]
    assert any("journal is" in one.sentence for one in found)


def test_a_clock_that_was_set_back_or_differs_is_told(settings, filled, monkeypatch) -> None:
    with filled.write() as connection:
        open_conversation(connection, "fr")
        later = now() + timedelta(hours=1)
        connection.execute(update(conversations).values(last_at=later))
    assert states(stored.check_clock(settings)) == [("clock", WARNING)]
    monkeypatch.setattr(stored, "_apart", lambda connection: -60.0)
    assert states(stored.check_clock(settings)) == [("clock", FAULT)]


def test_what_waits_for_long_and_what_was_given_up_is_told(settings, filled) -> None:
    with filled.write() as connection:
        opened = open_conversation(connection, "fr")
        connection.execute(update(inbox).values(at=now() - timedelta(hours=1)))
        row = {"id": "m", "position": 9, "at": now(), "language": "fr", "content": {}}
        own = {"conversation_id": opened.conversation_id}
        connection.execute(insert(outbox).values(**row, **own))
        failed = {"message_id": "m", "kind": "send", "state": "failed", "due_at": now()}
        connection.execute(insert(deliveries).values(**failed, **own))
    first, second = stored.check_backlog(settings)
    assert "1 messages" in first.sentence
    assert "1 deliveries" in second.sentence
    assert {first.state, second.state} == {WARNING}


def test_what_is_kept_for_ever_or_for_too_long_is_told(settings, filled) -> None:
    for_ever = replace(settings, transcript_days=0)
    assert states(stored.check_retention(for_ever)) == [("retention", WARNING)]
    with filled.write() as connection:
        open_conversation(connection, "fr")
        old = now() - timedelta(days=200)
        connection.execute(update(conversations).values(last_at=old))
    assert "longer than the settings say" in sentence(stored.check_retention(settings))


def test_backups_are_looked_at_where_there_is_a_folder(settings) -> None:
    assert states(stored.check_backups(settings)) == []
    folder = settings.data_dir / "backups"
    folder.mkdir(parents=True)
    assert states(stored.check_backups(settings)) == [("backups", WARNING)]
    (folder / "one").touch()
    assert states(stored.check_backups(settings)) == [("backups", OK)]
    long_ago = (now() - timedelta(days=9)).timestamp()
    os.utime(folder / "one", (long_ago, long_ago))
    assert states(stored.check_backups(settings)) == [("backups", WARNING)]


# --- what the outside sees


def test_a_secret_is_long_and_its_owners_alone(settings) -> None:
    assert states(address.check_secret(settings)) == [("secret", OK)]
    path = settings.data_dir / "secret"
    path.parent.mkdir()
    path.write_text("x" * 40)
    path.chmod(0o600)
    assert states(address.check_secret(settings)) == [("secret", OK)]
    path.chmod(0o644)
    assert states(address.check_secret(settings)) == [("secret", FAULT)]
    short, long = replace(settings, secret="x" * 15), replace(settings, secret="x" * 16)
    assert states(address.check_secret(short)) == [("secret", FAULT)]
    assert "x" * 15 not in sentence(address.check_secret(short))
    assert states(address.check_secret(long)) == [("secret", OK)]


def test_a_front_door_for_this_computer_alone_needs_no_address(settings) -> None:
    assert states(address.check_address(settings)) == [("address", OK)]


def test_an_address_is_https_and_ours(settings, answering) -> None:
    ours = answering(healthz=(200, {"status": "ok", "parts": {}}))
    theirs = answering(healthz=(200, {"status": "ok"}))
    public = replace(settings, host="0.0.0.0", cors_origins=("https://a.ca",))
    well = [("websites", OK)]
    assert states(address.check_address(public)) == [("address", WARNING), *well]
    for url, state in (
        (ours.url, OK),
        (theirs.url, FAULT),
        (f"http://127.0.0.1:{free_port()}", WARNING),
        ("http://chat.example.org", FAULT),
        ("http://127.0.0.1:1\x00", WARNING),
    ):
        found = states(address.check_address(replace(public, public_url=url)))
        assert found == [("address", state), *well], url


def test_behind_a_proxy_its_visitors_are_told_apart(settings) -> None:
    url = f"https://127.0.0.1:{free_port()}"
    public = replace(settings, public_url=url, cors_origins=("https://a.ca",))
    found = states(address.check_address(public))
    assert found == [("address", WARNING), ("proxies", WARNING), ("websites", OK)]
    found = states(address.check_address(replace(public, trusted_proxies=1)))
    assert found == [("address", WARNING), ("websites", OK)]


@pytest.mark.parametrize(
    ("origins", "state"),
    [
        ((), WARNING),
        (("https://a.ca",), OK),
        (("http://localhost:3000",), OK),
        (("*",), WARNING),
        (("http://a.ca",), WARNING),
    ],
)
def test_websites_are_named_one_by_one(settings, origins, state) -> None:
    assert states(address._websites(replace(settings, cors_origins=origins))) == [
        ("websites", state)
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [OK]),
        ({"host": "0.0.0.0"}, [WARNING]),
        ({"metrics_port": 9464}, [OK]),
        ({"metrics_port": 9464, "metrics_host": "0.0.0.0"}, [WARNING]),
        ({"log_format": "xml"}, [FAULT, OK]),
        ({"log_level": "LOUD"}, [FAULT, OK]),
    ],
)
def test_the_settings_of_seeing_are_looked_at(settings, changes, expected) -> None:
    found = states(address.check_metrics(replace(settings, **changes)))
    assert found == [("seeing", state) for state in expected]


def test_the_collector_of_traces_is_looked_for(settings, answering, monkeypatch) -> None:
    assert states(address.check_traces(settings)) == []
    there = replace(settings, traces_url=f"{answering().url}/v1/traces")
    away = replace(settings, traces_url=f"http://127.0.0.1:{free_port()}/v1/traces")
    odd = replace(settings, traces_url="collector")
    for given, state in ((there, OK), (away, WARNING), (odd, FAULT)):
        assert states(address.check_traces(given)) == [("traces", state)]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "mobilis[traces]" in sentence(address.check_traces(there))


def on(settings: Settings, **changes: int) -> Settings:
    taken = {name: free_port() for name in ("port", "brain_port", "actions_port")}
    return replace(settings, **{**taken, **changes})


def test_ports_that_nobody_has_are_free(settings) -> None:
    assert states(ports.check_ports(on(settings))) == [("ports", OK)]


def test_ports_that_ours_have_are_ours_and_what_runs_is_ready(settings, answering) -> None:
    door = answering(healthz=(200, {"status": "ok", "parts": {}}), metrics=(200, b"mobilis_x 1"))
    brain = answering(
        **{"webhooks/mobilis/health": (401, {"error": "the secret is missing or wrong"})}
    )
    actions = answering(health=(200, {"status": "ok"}))
    given = on(settings, port=door.port, brain_port=brain.port, actions_port=actions.port)
    found = [*ports.check_ports(given)]
    assert states(found) == [("ready", OK), ("ports", OK)]
    assert found[1].sentence.startswith("Ours are running at")


def test_metrics_have_ports_too(settings, answering, monkeypatch) -> None:
    monkeypatch.setattr(ports, "PROCESSES", ("door",))
    ours = answering(metrics=(200, b"mobilis_x 1"))
    theirs = answering(metrics=(200, b"other 1"))
    found = [*ports.check_ports(on(settings, metrics_port=ours.port))]
    assert str(ours.port) in found[0].sentence
    found = [*ports.check_ports(on(settings, metrics_port=theirs.port))]
    assert (found[0].state, "MOBILIS_METRICS_PORT" in found[0].sentence) == (FAULT, True)


def test_what_runs_and_is_not_ready_is_named(settings, answering) -> None:
    door = answering(healthz=(503, {"status": "error", "part": "brain", "parts": {}}))
    found = [*ports.check_ports(on(settings, port=door.port))]
    assert (found[0].about, found[0].state) == ("ready", FAULT)
    assert "brain does not answer" in found[0].sentence


@pytest.mark.parametrize("name", ["port", "brain_port", "actions_port"])
@pytest.mark.parametrize("body", [b"<html>", [1], {"status": "fine"}])
def test_a_port_that_another_program_has_is_a_fault(settings, answering, name, body) -> None:
    paths = ("healthz", "health", "webhooks/mobilis/health")
    other = answering(**dict.fromkeys(paths, (200, body)))
    found = [*ports.check_ports(on(settings, **{name: other.port}))]
    assert (found[0].state, str(other.port) in found[0].sentence) == (FAULT, True)
    assert found[0].sentence.startswith(f"MOBILIS_{name.upper()}: ")


def test_what_speaks_no_http_is_another_program(settings, monkeypatch) -> None:
    import socket

    monkeypatch.setattr(ports, "SECONDS", 0.5)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        threading.Thread(target=lambda: other.accept()[0].close(), daemon=True).start()
        given = on(settings, metrics_port=0, port=other.getsockname()[1])
        [first, *_] = ports.check_ports(given)
    assert first.state == FAULT


def test_one_port_for_two_things_is_a_fault(settings) -> None:
    port = free_port()
    found = ports.check_ports(on(settings, port=port, brain_port=port))
    assert states(found) == [("ports", FAULT)]


# --- e-mails


def test_a_mail_server_is_spoken_to_and_nothing_is_sent(settings) -> None:
    assert states(check_mail(settings)) == [("mail", OK)]
    with MailServer() as server:
        given = replace(settings, smtp_url=server.url, mail_from="a@exemple.ca")
        assert states(check_mail(given)) == [("mail", OK)]
        assert server.taken == []
        server.fault = "hangs_up"
        assert states(check_mail(given)) == [("mail", FAULT)]
    assert "does not answer" in sentence(check_mail(given))
    half = replace(given, mail_from="")
    assert sentence(check_mail(half)).startswith("MOBILIS_MAIL_FROM: ")


# --- the command


def test_findings_are_a_table_for_people_and_json_for_programs(capsys, monkeypatch) -> None:
    found = [Finding("disk", OK, "Room."), Finding("mail", WARNING, "Hm.")]
    monkeypatch.setattr(doctor, "CHECKS", (lambda settings: iter(found),))
    monkeypatch.setattr(doctor_commands, "_of_the_door", lambda: iter(()))
    options = doctor_commands.argparse.Namespace(json=False)
    assert doctor_commands._everything(options, Settings()) == 0
    assert capsys.readouterr().out == "ok      disk        Room.\nwarning mail        Hm.\n"
    found.append(Finding("ports", FAULT, "Taken."))
    options.json = True
    assert doctor_commands._everything(options, Settings()) == 1
    told = json.loads(capsys.readouterr().out)["findings"]
    assert told[2] == {"about": "ports", "state": "fault", "ok": False, "sentence": "Taken."}


def test_everything_is_looked_at_by_the_command(settings, monkeypatch, capsys, tmp_path) -> None:
    from mobilis.cli import main

    for name in ("PORT", "BRAIN_PORT", "ACTIONS_PORT"):
        monkeypatch.setenv(f"MOBILIS_{name}", str(free_port()))
    monkeypatch.setenv("MOBILIS_DATA_DIR", str(tmp_path / "var"))
    main(["doctor", "--json"])
    about = [one["about"] for one in json.loads(capsys.readouterr().out)["findings"]]
    wanted = {"python", "packages", "content", "disk", "database", "secret", "ports", "address"}
    assert wanted | {"seeing", "mail", "sign-in", "notices"} <= set(about)


def test_a_front_door_that_cannot_be_looked_at_is_one_sentence(monkeypatch) -> None:
    monkeypatch.setenv("MOBILIS_PORTS", "7")
    with pytest.raises(MobilisError, match="MOBILIS_PORTS: there is no such setting"):
        next(doctor_commands._of_the_door())
