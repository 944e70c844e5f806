"""A morning at the console, in a real browser: a triager's and then an admin's, in both languages.

`make test` plays it on few conversations; `make morning` on 200 000, trains what was decided, and
takes the pictures of docs/screenshots/console.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pictures
import pytest
from browsers import Visits
from chats import Chat
from mail_servers import MailServer
from pictures import LANGUAGES
from playwright.sync_api import Page, expect
from processes import Stack
from states import DECLARED, conclude

from mobilis import review
from mobilis.content import read_yaml
from mobilis.demo import fill
from mobilis.priority import WEIGHTS
from mobilis.settings import ROOT
from mobilis.store import Database
from mobilis.training import train

SignIn = Callable[..., Page]
FOLDER = ROOT / "docs" / "screenshots" / "console"
# In the order in which the morning comes to them.
PICTURES = {
    "queue": "The queue: whom to answer first, and why",
    "case": "A case: who wrote, why it is urgent, what was said, what is done about it",
    "live": "A live conversation: the visitor writes, a person answers",
    "reply": "An answer by e-mail, from a template in the visitor's language",
    "forward": "What a coach would be sent, shown before it is sent",
    "case_later": "The same case, answered, with its note and its tag",
    "learning": "What was not understood, with the assistant's best guesses",
    "answers": "How answers are received",
    "figures": "Figures of the last thirty days",
    "export": "What to export",
    "mentions": "Notes that mention me",
    "coaches": "The coach directory",
    "notices": "What the assistant says of the programme's status",
    "edits": "The history of both",
    "people": "Who may sign in",
    "privacy": "A person, found",
    "erase": "What erasing them takes away",
    "audit": "The audit log, verified",
}
HEADER = """# What the console looks like

Taken by `make morning` in a real Chromium, on {count} fictional conversations; never edited by
hand. Each picture is looked at before a change of looks is accepted. The fonts are those of the
machine that took them.

| | French | English |
|---|---|---|
"""
MOST_BYTES = 2_500_000  # of all pictures
COLLEAGUE = {"fr": "Camille Tremblay", "en": "Jamie Clark"}
NAME, ORGANIZATION, EMAIL = "Marie Roy", "Maison des aînés", "marie.roy@exemple.ca"


class Morning:
    """Somebody's browser, in a language, and what is kept of it."""

    def __init__(self, page: Page, stack: Stack, language: str, folder: Path | None) -> None:
        self.page = page
        self.base = f"{stack.base}/console"
        self.language = language
        self.folder = folder

    def word(self, file: str, key: str) -> str:
        """A sentence of content/console, up to what is filled in."""
        sentence = read_yaml(ROOT, f"content/console/{file}.yml")[key][self.language]
        return str(sentence).partition("{")[0]

    def go(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}")

    def press(self, file: str, key: str) -> None:
        """Press the button of a word, with the keyboard."""
        name = self.word(file, key)
        self.page.get_by_role("button", name=name, exact=True).first.press("Enter")

    def look(self, name: str) -> None:
        """Stop at a page, which becomes a picture when that is asked."""
        pictures.look(self.page, name, self.language, self.folder)


@pytest.fixture(scope="module")
def count(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--conversations"))


@pytest.fixture(scope="module")
def filled(stack: Stack, count: int) -> Database:
    """The running assistant's database, with fictional conversations."""
    database = Database.from_settings(stack.settings)
    given = {"conversations_wanted": count, "seed": 5, "weights": WEIGHTS, "anyway": True}
    tell = print if count > 10_000 else lambda line: None
    fill(database, ROOT, tell=tell, **given)
    return database


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest) -> Path | None:
    found: Path | None = request.config.getoption("--write-screenshots")
    if found is not None:
        found.mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture
def visitor(visit: Visits, filled: Database, language: str) -> Chat:
    """Somebody who has done the self-assessment, left their details and asked for a person."""
    chat = Chat(visit({"fr": "french", "en": "english"}[language]), language).open()
    chat.press("start_assessment")
    conclude(chat, 1, "a")
    chat.say(DECLARED[language])
    chat.says("lead_consent")
    chat.press("i_agree")
    for asked, said in (("name", NAME), ("organization", ORGANIZATION), ("email", EMAIL)):
        chat.says(f"lead_ask_{asked}")
        chat.say(said)
    chat.says("lead_message")
    chat.press("nothing_to_add")
    chat.says("lead_summary")
    chat.press("send")
    chat.says("lead_kept")
    chat.say({"fr": "je veux parler à une personne", "en": "I want to talk to a person"}[language])
    chat.says("human_reachable")
    return chat


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_morning(
    request: pytest.FixtureRequest,
    visit: Visits,
    sign_in: SignIn,
    stack: Stack,
    filled: Database,
    mail_server: MailServer,
    visitor: Chat,
    folder: Path | None,
    language: str,
    tmp_path: Path,
) -> None:
    if language == "en" and not folder:
        pytest.skip("the same in English is for make morning")
    if folder:
        visit.expect("inline style")  # by which Playwright keeps still what moves in a picture
    page = sign_in(language, name=COLLEAGUE[language], role="exporter", height=860)
    triager = Morning(page, stack, language, folder)
    case = sees_what_is_urgent_and_why(triager)
    takes_over_while_the_visitor_types(triager, visitor, case)
    answers_by_mail(triager, mail_server, case)
    works_on_the_case(triager, case)
    decided = labels_a_missed_question(triager, tmp_path)
    learns(decided, tmp_path, request.config.getoption("--train"))
    reads_the_figures(triager)
    exports(triager, filled)
    triager.go("/mentions")
    triager.look("mentions")
    page = sign_in(language, name="Dominique Gagnon", role="admin", height=860)
    admin = Morning(page, stack, language, folder)
    looks_after_the_content(admin)
    visit.expect("401")  # the visitor's chat asks for what is about to be erased
    erases_a_person(admin, visitor, case)
    verifies_the_audit_log(admin)


def sees_what_is_urgent_and_why(triager: Morning) -> str:
    """From the queue to the visitor's case; its address below /console."""
    page = triager.page
    triager.go("/queue")
    first = page.locator("table.cases tbody tr").first
    reasons = [int(points) for points in first.locator(".reasons b").all_inner_texts()]
    assert reasons
    assert sum(reasons) == int(first.locator(".points strong").inner_text())
    page.locator("#search").fill(f"{NAME} {ORGANIZATION}")
    page.locator("#apply").press("Enter")
    page.wait_for_url("**search=**")
    row = page.locator("table.cases tbody tr").filter(has_text=triager.word("queue", "is_there"))
    expect(row).to_have_count(1)
    expect(row).to_contain_text(triager.word("queue", "reason_person"))
    triager.go("/queue")
    triager.look("queue")
    triager.go(f"/queue?search={NAME.replace(' ', '+')}")
    link = row.locator("a[data-walk]")
    case = str(link.get_attribute("href")).partition("/console")[2].partition("?")[0]
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{case}*")
    for part in (NAME, ORGANIZATION, EMAIL, triager.word("case", "reason_interest")):
        expect(page.locator(".who-wrote")).to_contain_text(part)
    triager.look("case")
    return case


def takes_over_while_the_visitor_types(triager: Morning, visitor: Chat, case: str) -> None:
    page = triager.page
    triager.go(f"{case}/live")
    triager.press("live", "join")
    panel = visitor.page.get_by_role("dialog")
    last = panel.get_by_role("article").last
    expect(last).to_contain_text(COLLEAGUE[triager.language])
    asks, answers = {
        "fr": ("Bonjour! Avez-vous une rencontre prévue?", "Oui, mardi, avec notre députée."),
        "en": ("Hello! Do you have a meeting planned?", "Yes, on Tuesday, with our member."),
    }[triager.language]
    field = panel.get_by_role("textbox")
    field.press_sequentially(answers[:5])
    page.locator("#text").fill(asks)
    page.locator("#text").press("Enter")
    expect(last).to_contain_text(asks)
    field.press_sequentially(answers[5:])
    field.press("Enter")
    expect(page.get_by_role("log").locator(".visitor").last).to_contain_text(answers)
    triager.look("live")
    page.locator(".end summary").press("Enter")
    page.locator("#summary").fill({"fr": "On s'écrit.", "en": "We write."}[triager.language])
    triager.press("live", "hand_back")
    page.wait_for_url("**#told")
    expect(last).to_contain_text(COLLEAGUE[triager.language])


def answers_by_mail(triager: Morning, server: MailServer, case: str) -> None:
    page = triager.page
    triager.go(f"{case}/reply")
    page.locator("#letter-field").select_option("call")
    triager.press("mail", "use_letter")
    expect(page.locator("#writing input[name=letter]")).to_have_value("call")
    expect(page.locator("#text-field")).to_have_value(re.compile("Marie"))
    text = page.locator("#text-field").input_value()
    page.locator("#text-field").fill(re.sub(r"\[[^\]]*\]", "mardi 10 h / Tuesday 10", text))
    triager.look("reply")
    before = len(server.taken)
    triager.press("mail", "send")
    page.wait_for_url(f"**{case}*")
    expect(page.locator(".mails li").last).to_contain_text(
        triager.word("mail", "state_sent"), timeout=30_000
    )
    assert EMAIL in server.taken[before]["To"]
    triager.go(f"{case}/forward")
    page.locator("select[name=coach]").select_option(index=1)
    triager.press("mail", "coach_show")
    expect(page.locator("#passing h2").first).to_be_visible()
    triager.look("forward")


def works_on_the_case(triager: Morning, case: str) -> None:
    page = triager.page
    triager.go(case)
    note, tag = {
        "fr": (f"@{COLLEAGUE['fr']} rencontre mardi", "à suivre"),
        "en": (f"@{COLLEAGUE['en']} meeting on Tuesday", "to follow"),
    }[triager.language]
    page.locator("#note").fill(note)
    triager.press("case", "save_note")
    expect(page.locator("#notes .done")).to_be_visible()
    page.locator("#tags input[name=add]").fill(tag)
    triager.press("case", "add_tag")
    expect(page.locator("#tags .done")).to_be_visible()
    triager.look("case_later")


def labels_a_missed_question(triager: Morning, tmp_path: Path) -> Path:
    """One click on the assistant's best guess; the file of what is decided."""
    page = triager.page
    triager.go(f"/learning?language={triager.language}")
    triager.look("learning")
    page.locator("article.group .guesses button[value^=faq]").first.press("Enter")
    expect(page.locator("#told .done")).to_be_visible()
    triager.go("/learning/answers")
    triager.look("answers")
    triager.go("/learning")
    with page.expect_download() as download:
        page.locator("a[href$='decided=1']").click()
    path = tmp_path / "review.yml"
    download.value.save_as(path)
    return path


def learns(decided: Path, tmp_path: Path, really: bool) -> None:
    """What was decided goes into a copy of the content, from which a model is trained."""
    copy = tmp_path / "project"
    parts = ("content", "data", "faq", "assessment", "tests/evaluation")
    for name in parts:
        shutil.copytree(ROOT / name, copy / name)
    for name in ("config.yml", "domain.yml", "endpoints.yml", "credentials.yml"):
        shutil.copy(ROOT / name, copy / name)
    changes = review.plan(copy, decided).changes
    assert changes
    review.write(copy, changes)
    accepted = [entry for entry in review.read_review(decided) if entry.accept]
    if not really:
        return
    (copy / ".rasa").symlink_to(ROOT / ".rasa")
    model = train(copy, quiet=True, output=tmp_path / "next.tar.gz")
    asked = tmp_path / "asked.tsv"
    asked.write_text(f"{accepted[0].label}\t{accepted[0].text}\n", encoding="utf-8")
    mobilis = [Path(sys.executable).with_name("mobilis"), "evaluate", "intents", asked]
    told = subprocess.run(
        [*mobilis, "--compare", model, "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout)["after"]["correct"] == 1, told.stdout


def reads_the_figures(triager: Morning) -> None:
    page = triager.page
    triager.go("/figures")
    expect(page.locator("section svg").first).to_be_visible()
    triager.look("figures")
    with page.expect_download() as download:
        page.locator("section a[download]").first.click()
    assert Path(download.value.path()).read_bytes().startswith(b"\xef\xbb\xbf")


def exports(triager: Morning, filled: Database) -> None:
    page = triager.page
    triager.go("/export")
    triager.look("export")
    page.locator("#what-leads").check()
    with page.expect_download() as download:
        triager.press("export", "download")
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert EMAIL in [cell for row in csv.reader(io.StringIO(text)) for cell in row]


def looks_after_the_content(admin: Morning) -> None:
    for path in ("coaches", "notices", "edits", "people"):
        admin.go(f"/{path}")
        admin.look(path)


def erases_a_person(admin: Morning, visitor: Chat, case: str) -> None:
    page = admin.page
    admin.go("/privacy")
    page.locator("#wanted").fill(EMAIL)
    admin.press("privacy", "find")
    expect(page.locator(".found li.card")).not_to_have_count(0)
    admin.look("privacy")
    admin.press("privacy", "erase")
    admin.look("erase")
    page.locator("#confirmed").check()
    admin.press("privacy", "erase_now")
    expect(page.locator(".done")).to_be_visible()
    page.goto(f"{admin.base}/queue?tab=all&search={NAME.replace(' ', '+')}")
    expect(page.locator("table.cases")).to_have_count(0)
    expect(visitor.page.get_by_role("dialog").get_by_role("article")).to_have_count(1)


def verifies_the_audit_log(admin: Morning) -> None:
    page = admin.page
    admin.go("/audit")
    admin.press("audit", "verify")
    expect(page.locator(".done")).to_be_visible()
    admin.look("audit")


def test_the_pictures_have_their_page(folder: Path | None, count: int) -> None:
    if folder is None:
        pytest.skip("make morning writes it")
    header = HEADER.format(count=f"{count:,}".replace(",", " "))
    written = pictures.page_of_all(header, PICTURES)
    (folder / "README.md").write_text(written, encoding="utf-8")


def test_the_pictures_that_stand_there_are_those_listed() -> None:
    found = re.search(r"on ([\d ]+) fictional", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert found
    pictures.check(FOLDER, HEADER.format(count=found.group(1)), PICTURES, MOST_BYTES)
