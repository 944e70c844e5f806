"""The journeys themselves, and the program that loads, plays and writes them down.

The real run against the whole stack is in tests/test_journeys.py; here the chat API is a tiny fake.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from loopback import LoopbackServer

from mobilis.errors import ContentError, JourneyFailed
from mobilis.expectations import load_words
from mobilis.journeys import FOLDER, Journey, load_journey, load_journeys, play, to_markdown

pytestmark = pytest.mark.pure

Turn = list[dict[str, Any]]
CHOICES = load_words().content.choices
WORDING = load_words().content.wording
ASSESSMENT = load_words().assessment


# --- a fake chat API


def text(words: str, language: str = "en", **fields: Any) -> dict[str, Any]:
    return {"kind": "text", "language": language, "text": words, **fields}


def offering(*titles: str, kind: str = "text", **fields: Any) -> dict[str, Any]:
    choices = [{"id": f"choice {title}", "title": title} for title in titles]
    return text("Pick one.", choices=choices, **fields) | {"kind": kind}


def question(question_id: str, language: str = "en") -> dict[str, Any]:
    asked = ASSESSMENT.question(question_id)
    titles = [f"{option.id.upper()}. {option.title[language]}" for option in asked.options]
    place = {"id": question_id, "number": asked.number, "of": 5}
    return offering(*titles, kind="question", language=language, question=place)


class FakeChat:
    """Answers each new message id with the next turn of its script, once."""

    def __init__(self) -> None:
        self.greeting: Turn = [text("Hello!")]
        self.turns: list[Turn] = []
        self.stumbles: list[int] = []  # statuses given first, each once
        self.forgets: set[str] = set()  # texts that never get to the history
        self.slow = False  # answers only when asked a second time
        self.bodies: list[dict[str, Any]] = []
        self.history: Turn = []
        self._answers: dict[str, Turn] = {}
        self._server = LoopbackServer(self._handler())
        self.url = self._server.url
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.stumbles:
            return self.stumbles.pop(0), {"error": {"code": "unavailable", "message": "…"}}
        if method == "GET":
            kept = [said for said in self.history if said["text"] not in self.forgets]
            return 200, {"messages": kept}
        if path == "/api/conversations":
            greeting = self._said(self.greeting)
            return 201, {"conversation": "c1", "token": "t1", "messages": greeting}
        self.bodies.append(body)
        if body["id"] not in self._answers:
            words = body.get("text") or body["choice"].removeprefix("choice ")
            self.history.append({"id": body["id"], "role": "visitor", "text": words})
            self._answers[body["id"]] = self._said(self.turns.pop(0) if self.turns else [])
            if self.slow:
                return 202, {"id": body["id"]}
        if "wait=" not in path:
            return 202, {"id": body["id"]}
        return 200, {"messages": self._answers[body["id"]]}

    def _said(self, turn: Turn) -> Turn:
        said = [
            {"id": f"m{len(self.history) + number}", "role": "assistant", **message}
            for number, message in enumerate(turn)
        ]
        self.history += said
        return said

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply("GET", {})

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                self._reply("POST", json.loads(self.rfile.read(length) or "{}"))

            def _reply(self, method: str, body: dict[str, Any]) -> None:
                status, answer = chat.answer(method, self.path, body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: Any) -> None:
                return None

        return Handler


class FakeProcesses:
    def __init__(self) -> None:
        self.done: list[str] = []

    def restart(self, name: str) -> None:
        self.done.append(f"restart {name}")

    def kill(self, name: str) -> None:
        self.done.append(f"kill {name}")


@pytest.fixture
def chat() -> Iterator[FakeChat]:
    fake = FakeChat()
    yield fake
    fake.stop()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def _write(steps: str, title: str = "A talk.", language: str = "en") -> Path:
        path = tmp_path / "talk.yml"
        path.write_text(f"title: {title}\nlanguage: {language}\nsteps:\n{steps}", encoding="utf-8")
        return path

    return _write


@pytest.fixture
def journey(write: Callable[..., Path]) -> Callable[..., Journey]:
    return lambda steps, language="en": load_journey(write(steps, language=language))


# --- the files


@pytest.fixture(scope="module")
def all_journeys() -> list[Journey]:
    return load_journeys()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.stem)
def test_every_journey_loads(path: Path) -> None:
    assert load_journey(path).steps


def test_there_are_enough_journeys_in_both_languages(all_journeys: list[Journey]) -> None:
    counts = Counter(journey.language for journey in all_journeys)
    assert sum(counts.values()) >= 20
    assert abs(counts["fr"] - counts["en"]) <= 2


def test_the_name_of_a_journey_ends_with_its_language(all_journeys: list[Journey]) -> None:
    for journey in all_journeys:
        assert journey.name.endswith(f"_{journey.language}")


def test_no_two_journeys_have_the_same_title(all_journeys: list[Journey]) -> None:
    assert max(Counter(journey.title for journey in all_journeys).values()) == 1


@pytest.mark.parametrize("process", ["brain", "actions", "door"])
def test_each_process_is_restarted_and_killed_somewhere(
    all_journeys: list[Journey], process: str
) -> None:
    steps = [step for journey in all_journeys for step in journey.steps]
    assert any(step.restart == process for step in steps)
    assert any(step.kill_during == process for step in steps)


def test_every_result_is_reached_somewhere(all_journeys: list[Journey]) -> None:
    checks = [e for j in all_journeys for step in j.steps for e in step.expect]
    assert {c["band"] for c in checks if "band" in c} == set(ASSESSMENT.bands)


# --- loading

BAD_STEPS = [
    ("  - shout: hey", "one of say, choose or restart is expected"),
    ("  - {say: a, choose: {faq: cost}, expect: [any]}", "one of say, choose or restart"),
    ("  - {say: ' ', expect: [any]}", "say must be a text, in quotes"),
    ("  - {say: 2, expect: [any]}", "say must be a text, in quotes"),
    ("  - {say: hey, wish: x, expect: [any]}", "wish is not a field of a step"),
    ("  - {say: hey}", "expect must list the messages of the turn"),
    ("  - {say: hey, expect: []}", "expect must list the messages of the turn"),
    ("  - {say: hey, expect: [any, {kind: text}]}", "expect: any may only come last"),
    ("  - {say: hey, expect: [{colour: red}]}", "expect[1]: colour is no check"),
    ("  - {say: hey, expect: [{kind: poem}]}", "expect[1]: kind names poem"),
    ("  - {say: hey, expect: [{faq: bananas}]}", "expect[1]: faq names bananas"),
    ("  - {say: hey, expect: [{question: soul}]}", "expect[1]: question names soul"),
    ("  - {say: hey, expect: [{band: superb}]}", "expect[1]: band names superb"),
    ("  - {say: hey, expect: [{gaps: capacity}]}", "expect[1]: gaps must be a list"),
    ("  - {say: hey, expect: [{score: many}]}", "expect[1]: score must be a whole number"),
    ("  - {say: hey, expect: [{says: hurrah}]}", "expect[1]: says names hurrah"),
    ("  - {say: hey, expect: [{contains: word}]}", "expect[1]: contains must be a list of texts"),
    ("  - {say: hey, expect: [{region: QQ}]}", "expect[1]: region names QQ"),
    ("  - {say: hey, expect: [{languages: fr}]}", "expect[1]: languages must be a list"),
    ("  - {say: hey, expect: [{relaxed: [colour]}]}", "expect[1]: relaxed names colour"),
    ("  - {say: hey, expect: [{reference: old}]}", "expect[1]: reference names old"),
    ("  - {say: hey, expect: [{noted: b}]}", "noted must name a question and an option"),
    (
        "  - {say: hey, expect: [{noted: {question: aim, option: z}}]}",
        "noted names option z, which does not exist",
    ),
    ("  - {say: hey, expect: [{choices: [{faq: bananas}]}]}", "choices names faq bananas"),
    ("  - {choose: b, expect: [any]}", "choose must name a choice"),
    ("  - {choose: {option: z}, expect: [any]}", "choose names option z"),
    ("  - {choose: {button: b}, expect: [any]}", "choose must name one of option, faq"),
    ("  - {choose: {faq: cost, field: x}, expect: [any]}", "choose says more than faq"),
    ("  - {choose: {intent: go_back, field: lead_shoe}, expect: [any]}", "names field lead_shoe"),
    ("  - {restart: brain, expect: [any]}", "restart stands alone in its step"),
    ("  - {restart: kettle}", "restart must be one of brain, actions, door"),
    ("  - {say: hey, kill_during: kettle, expect: [any]}", "kill_during must be one of"),
    ("  - {say: hey, switch: es, expect: [any]}", "switch must be one of fr, en"),
    ("  - {say: hey, expect: [any], history_has: word}", "history_has must be a list of texts"),
]


@pytest.mark.parametrize(("steps", "problem"), BAD_STEPS)
def test_a_wrong_step_is_named_with_its_file(
    write: Callable[..., Path], steps: str, problem: str
) -> None:
    with pytest.raises(ContentError) as error:
        load_journey(write("  - {say: hello, expect: [any]}\n" + steps))
    assert str(error.value).startswith("talk.yml: step 2: ")
    assert problem in str(error.value)


def test_a_file_without_its_fields_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "talk.yml"
    path.write_text("title: A talk.\n")
    with pytest.raises(ContentError, match=r"talk\.yml: title, language and steps are expected"):
        load_journey(path)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [({"title": "''"}, "title must be"), ({"language": "es"}, "language must be one of")],
)
def test_a_wrong_heading_is_refused(
    write: Callable[..., Path], fields: dict[str, str], problem: str
) -> None:
    with pytest.raises(ContentError, match=f"talk.yml: {problem}"):
        load_journey(write("  - {say: hey, expect: [any]}", **fields))


def test_no_steps_at_all_are_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ContentError, match="steps must be a list"):
        load_journey(write("  hey"))


# --- playing


def test_a_journey_types_chooses_and_verifies(
    chat: FakeChat, journey: Callable[..., Journey]
) -> None:
    chat.greeting = [offering(CHOICES["start_assessment"]["en"])]
    chat.turns = [[text("Five questions."), question("aim")], [question("impact")]]
    played = play(
        journey(
            """
  - choose: {intent: start_assessment}
    expect: [{kind: text}, {kind: question, question: aim, number: 1, choices: [{option: d}]}]
  - choose: {option: b}
    expect: [{kind: question, question: impact, number: 2}]
"""
        ),
        chat.url,
    )
    titles = [body["choice"] for body in chat.bodies]
    assert titles[0] == f"choice {CHOICES['start_assessment']['en']}"
    assert titles[1].startswith("choice B. ")
    assert len(played.entries) == 6


BAD_TURNS: list[tuple[str, Turn, str]] = [
    ("[{kind: faq}]", [text("Hm.")], "message 1: kind: expected faq, got text"),
    ("[{kind: text}]", [], "expected 1 messages [{'kind': 'text'}], got 0: []"),
    ("[{kind: text}]", [text("a"), text("b")], "expected 1 messages"),
    ("[{kind: text}, {kind: faq}, any]", [text("a")], "expected 2 messages"),
    ("[{kind: text}]", [text("Bonjour", "fr")], "message 1: language: expected en, got fr"),
    ("[any]", [text("Bonjour", "fr")], "message 1: language: expected en, got fr"),
    (
        "[{faq: cost}]",
        [text("It is paid.", faq={"id": "timeline", "sources": []})],
        "message 1: faq: expected cost, got timeline",
    ),
    ("[{question: aim}]", [question("impact")], "question: expected aim, got impact"),
    ("[{number: 1}]", [question("impact")], "number: expected 1, got 2"),
    (
        "[{score: 11, gaps: [capacity]}]",
        [text("So.", result={"band": "nearly", "score": 10, "of": 15, "gaps": ["impact"]})],
        "score: expected 11, got 10; gaps: expected ['capacity'], got ['impact']",
    ),
    ("[{contains: [free]}]", [text("It is paid.")], "missing ['free'] in: It is paid."),
    ("[{lacks: [paid]}]", [text("It is paid.")], "found ['paid'] in: It is paid."),
    ("[{says: lead_stopped}]", [text("Stopped.")], "says: expected lead_stopped, got Stopped."),
    (
        "[{choices: [{faq: cost}, {option: a}]}]",
        [question("aim")],
        "choices: expected [{'faq': 'cost'}, {'option': 'a'}], missing [{'faq': 'cost'}] among",
    ),
    (
        "[{noted: {question: impact, option: b}}]",
        [text(f"I noted: {ASSESSMENT.question('impact').options[2].noted['en']}.")],
        "noted: expected",
    ),
    ("[{reference: true}]", [text("Your reference is M-12.")], "reference: expected True"),
    ("[{relaxed: true}]", [text("Everything fits.")], "relaxed: expected True"),
    ("[{coaches_min: 1}]", [text("None.")], "coaches_min: expected 1, got 0"),
    (
        "[{region: QC}]",
        [text("One.", coaches=[{"name": "Ada Ace", "regions": ["ON"]}])],
        "region: expected QC, got Ada Ace ['ON']",
    ),
]


@pytest.mark.parametrize(("expect", "turn", "problem"), BAD_TURNS)
def test_what_is_not_as_expected_is_told_with_file_and_step(
    chat: FakeChat, journey: Callable[..., Journey], expect: str, turn: Turn, problem: str
) -> None:
    chat.turns = [[text("Hi.")], turn]
    steps = f"  - {{say: hello, expect: [{{kind: text}}]}}\n  - {{say: hm, expect: {expect}}}"
    with pytest.raises(JourneyFailed) as error:
        play(journey(steps), chat.url)
    assert str(error.value).startswith("talk.yml: step 2: ")
    assert problem in str(error.value)


def test_every_check_can_hold(chat: FakeChat, journey: Callable[..., Journey]) -> None:
    noted = ASSESSMENT.question("impact").options[2].noted["en"]
    card = {
        "name": "Ada Ace",
        "languages": ["fr", "en"],
        "regions": ["QC", "ON"],
        "topics": ["housing"],
        "levels": ["municipal"],
    }
    relaxed = WORDING["coaches_relaxed_topic"]["en"].format(names="housing")
    chat.turns = [
        [text(WORDING["assessment_noted"]["en"].format(noted=noted))],
        [text(relaxed, coaches=[card, card]) | {"kind": "coaches"}],
        [text("Reference: M-A2B3C4.")],
        [text("Again, M-A2B3C4.")],
    ]
    play(
        journey(
            """
  - {say: vague, expect: [{says: assessment_noted, noted: {question: impact, option: c}}]}
  - say: a coach
    expect:
      - {kind: [text, coaches], coaches_min: 1, coaches_max: 2, region: QC, level: municipal,
         topic: housing, languages: [fr], relaxed: [topic]}
  - {say: a person, expect: [{reference: true}]}
  - {say: a person, expect: [{reference: same}]}
"""
        ),
        chat.url,
    )


def test_another_reference_is_not_the_same(chat: FakeChat, journey: Callable[..., Journey]) -> None:
    chat.turns = [[text("M-A2B3C4")], [text("M-XYZ789")]]
    steps = "  - {say: a, expect: [{reference: true}]}\n  - {say: a, expect: [{reference: same}]}"
    with pytest.raises(JourneyFailed, match="step 2: message 1: reference: expected same"):
        play(journey(steps), chat.url)


def test_choices_are_found_under_their_other_titles(
    chat: FakeChat, journey: Callable[..., Journey]
) -> None:
    chat.turns = [
        [offering(CHOICES["i_agree"]["en"], CHOICES["i_decline"]["en"], kind="form")],
        [offering(CHOICES["correct_email"]["en"], CHOICES["cancel"]["en"], kind="form")],
        [offering(CHOICES["see_result"]["en"], CHOICES["correct_answer"]["en"])],
        [
            offering(
                CHOICES["contact_coach"]["en"].format(name="Ada Ace"),
                CHOICES["contact_coach"]["en"].format(name="Bo Bee"),
                coaches=[{"name": "Ada Ace"}, {"name": "Bo Bee"}],
            )
        ],
        [offering("Quebec", CHOICES["all_coaches"]["en"], "Word for word")],
        [text("Done.")],
    ]
    play(
        journey(
            """
  - {say: hey, expect: [{choices: [{intent: affirm}, {intent: deny}, {choice: i_agree}]}]}
  - choose: {intent: affirm}
    expect: [{choices: [{intent: go_back, field: lead_email}, {intent: stop}]}]
  - choose: {intent: go_back, field: lead_email}
    expect: [{choices: [{option: confirm}, {intent: go_back}]}]
  - choose: {option: confirm}
    expect: [{choices: [{coach: 1}, {coach: 2}]}]
  - choose: {coach: 2}
    expect: [{choices: [{region: QC}, {intent: find_coach}, {title: Word for word}]}]
  - choose: {title: Word for word}
    expect: [{kind: text}]
"""
        ),
        chat.url,
    )
    assert [body.get("choice") for body in chat.bodies[1:]] == [
        f"choice {CHOICES['i_agree']['en']}",
        f"choice {CHOICES['correct_email']['en']}",
        f"choice {CHOICES['see_result']['en']}",
        "choice Contact Bo Bee",
        "choice Word for word",
    ]


def test_a_choice_nobody_offers_is_told(chat: FakeChat, journey: Callable[..., Journey]) -> None:
    chat.greeting = [offering("Dance")]
    with pytest.raises(JourneyFailed, match=r"step 1: expected the choice .*cost.*\['Dance'\]"):
        play(journey("  - {choose: {faq: cost}, expect: [any]}"), chat.url)


def test_a_switch_holds_from_its_turn_on(chat: FakeChat, journey: Callable[..., Journey]) -> None:
    chat.turns = [[text("Hi.")], [question("change", "fr")], [question("allies", "fr")]]
    play(
        journey(
            """
  - {say: hello, expect: [{kind: text}]}
  - {say: en français, switch: fr, expect: [{question: change}]}
  - {choose: {option: c}, expect: [{question: allies}]}
"""
        ),
        chat.url,
    )
    assert ASSESSMENT.question("change").options[2].title["fr"] in chat.bodies[-1]["choice"]


def test_a_greeting_in_the_wrong_language_is_told(
    chat: FakeChat, journey: Callable[..., Journey]
) -> None:
    with pytest.raises(JourneyFailed, match=r"talk\.yml: message 1: language: expected fr, got en"):
        play(journey("  - {say: allo, expect: [any]}", language="fr"), chat.url)


def test_no_greeting_is_told(chat: FakeChat, journey: Callable[..., Journey]) -> None:
    chat.greeting = []
    with pytest.raises(JourneyFailed, match="expected a greeting, got no message"):
        play(journey("  - {say: hello, expect: [any]}"), chat.url)


# --- restarting, killing, waiting


def test_processes_are_restarted_and_killed_where_the_journey_says(
    chat: FakeChat, journey: Callable[..., Journey]
) -> None:
    chat.turns = [[text("One.")], [text("Two.")]]
    processes = FakeProcesses()
    play(
        journey(
            """
  - {say: first, expect: [{contains: [One]}]}
  - restart: actions
  - {say: second, kill_during: door, expect: [{contains: [Two]}]}
"""
        ),
        chat.url,
        processes,
    )
    assert processes.done == ["restart actions", "kill door"]
    assert chat.bodies[1] == chat.bodies[2]  # asked again under the same id


def test_a_message_lost_in_a_restart_is_told(
    chat: FakeChat, journey: Callable[..., Journey]
) -> None:
    chat.turns, chat.forgets = [[text("One.")]], {"One."}
    steps = "  - {say: first, expect: [any]}\n  - restart: brain"
    with pytest.raises(JourneyFailed, match=r"step 2: expected a history of the 3 .* 1 of them"):
        play(journey(steps), chat.url, FakeProcesses())


def test_processes_must_be_given(chat: FakeChat, journey: Callable[..., Journey]) -> None:
    with pytest.raises(JourneyFailed, match="expected processes to restart or kill"):
        play(journey("  - restart: brain"), chat.url)


def test_a_stack_that_comes_back_is_waited_for(
    chat: FakeChat, journey: Callable[..., Journey]
) -> None:
    chat.stumbles, chat.turns, chat.slow = [503, 429], [[text("One.")]], True
    play(journey("  - {say: first, expect: [{contains: [One]}]}"), chat.url)
    assert len(chat.history) == 3


def test_a_stack_that_stays_away_is_told(chat: FakeChat, journey: Callable[..., Journey]) -> None:
    chat.stumbles = [503] * 50
    with pytest.raises(JourneyFailed, match=r"expected status 201 within 0\.5 s, got status 503"):
        play(journey("  - {say: first, expect: [any]}"), chat.url, patience=0.5)


def test_nobody_at_the_address_is_told(journey: Callable[..., Journey]) -> None:
    with pytest.raises(JourneyFailed, match="got ConnectError"):
        play(journey("  - {say: hey, expect: [any]}"), "http://127.0.0.1:9", patience=0.4)


def test_a_refusal_is_told_at_once(chat: FakeChat, journey: Callable[..., Journey]) -> None:
    chat.stumbles = [400]
    with pytest.raises(JourneyFailed, match="expected status 201, got status 400"):
        play(journey("  - {say: hey, expect: [any]}"), chat.url)


def test_the_history_is_searched(chat: FakeChat, journey: Callable[..., Journey]) -> None:
    chat.turns = [[text("One.")], [text("Two.")], [text("Three.")]]
    kept = "  - {say: my secret, expect: [any], history_has: [secret, One]}\n"
    play(journey(kept), chat.url)
    with pytest.raises(JourneyFailed, match="expected no 'secret' in the history"):
        play(journey("  - {say: hm, expect: [any], history_lacks: [secret]}"), chat.url)
    with pytest.raises(JourneyFailed, match="expected 'dragon' in the history"):
        play(journey("  - {say: hm, expect: [any], history_has: [dragon]}"), chat.url)


def test_what_an_erasure_left_is_the_history_from_then_on(
    chat: FakeChat, journey: Callable[..., Journey]
) -> None:
    chat.turns, chat.forgets = [[text("Erased.")]], {"my secret"}
    steps = "  - {say: my secret, expect: [any], history_lacks: [secret]}\n  - restart: door"
    play(journey(steps), chat.url, FakeProcesses())


# --- writing down


def _told(chat: FakeChat, journey: Callable[..., Journey]) -> str:
    noted = {"band": "nearly", "score": 11, "of": 15, "gaps": ["impact", "allies"]}
    card = {"name": "Ada Ace", "languages": ["fr"], "regions": ["QC"], "topics": ["housing"]}
    chat.greeting = [offering(CHOICES["start_assessment"]["en"])]
    chat.turns = [
        [question("aim")],
        [text("So.", result=noted)],
        [text("Cards.", coaches=[card])],
        [text("Paid.", faq={"id": "cost", "sources": [{"title": "Page", "url": "https://x.ca"}]})],
        [text("Your reference is **M-A2B3C4**.\n\nBye.")],
    ]
    played = play(
        journey(
            """
  - {choose: {intent: start_assessment}, expect: [any]}
  - {say: hm, kill_during: brain, expect: [any]}
  - restart: door
  - {say: "<b>2*2</b>", expect: [any]}
  - {say: "c tu gratuit\\n?", expect: [any]}
  - {say: M-A2B3C4, expect: [any]}
"""
        ),
        chat.url,
        FakeProcesses(),
    )
    return to_markdown(played)


def test_a_transcript_reads_aloud(chat: FakeChat, journey: Callable[..., Journey]) -> None:
    told = _told(chat, journey)
    assert told.startswith(
        "# A talk.\n\n> **Assistant:** Pick one.\n>\n> Choices offered:\n>\n> - ["
    )
    for part in (
        "**You** choose: **Take the self-assessment**",
        "> *Question 1 of 5*\n>\n> **Assistant:** Pick one.",
        "*(Killing the brain while the answer is being prepared.)*",
        "*(Restarting the front door.)*",
        "> Result: **You are nearly there**, 11 out of 15. To work on: ",
        "> - **Ada Ace** (French; Quebec; housing)",
        "> - [Page](https://x.ca)",
        r"**You:** \<b\>2\*2\</b\>",
        "**You:** c tu gratuit  \n?",
        "> **Assistant:** Your reference is **M-…**.\n>\n> Bye.",
    ):
        assert part in told


def test_a_transcript_tells_no_ids_and_no_references(
    chat: FakeChat, journey: Callable[..., Journey]
) -> None:
    told = _told(chat, journey)
    assert "A2B3C4" not in told
    assert "choice " not in told.replace("**You** choose", "")


def test_the_same_talk_gives_the_same_transcript(journey: Callable[..., Journey]) -> None:
    chats = [FakeChat(), FakeChat()]
    told = [_told(chat, journey) for chat in chats]
    for chat in chats:
        chat.stop()
    assert told[0] == told[1]
