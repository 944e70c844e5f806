"""Journeys: whole conversations written in YAML, and the program that plays them over HTTP.

A journey is one file, tests/journeys/<name>.yml:

    title: …                 # one sentence
    language: fr             # of the opened conversation
    steps:
      - say: "c tu gratuit"  # typed text
        expect:              # the assistant's messages of that turn, in order: checks on each
          - {kind: faq, faq: cost}
      - choose: {option: b}  # a choice of the latest message that offers it
        switch: en           # from this turn on, the conversation is in this language
        expect: [{kind: question, question: change, number: 3}, any]
      - restart: brain       # brain, actions or door: stopped and started again
      - say: "ok"
        kill_during: door    # killed once it took the message, while the answer is prepared
        expect: [any]
        history_has: ["c tu gratuit"]  # texts that some message of the history holds
        history_lacks: [secret]        # texts that none holds, as after an erasure

Choices (`choose`, and the check `choices`) are named by what they stand for:

    {option: b}         an answer to the question of that message; {option: confirm} at a gate
    {faq: cost}         a question of faq/
    {intent: find_coach}, {intent: go_back, field: lead_email}    under any of its titles
    {choice: i_agree}   a key of content/choices.yml
    {region: QC}        a region offered to search in
    {coach: 1}          to be put in touch with the first coach of that message
    {title: "…"}        words, when nothing else will do

Checks on a message. Fewer may be given than it has fields; every message is also checked for its
language. A list stands for "one of these" in kind, faq, question, number, band, region, topic and
level means "all of these".

    kind, language, faq (id), question (id), number (of the question), band, score, gaps
    says: lead_kept     a key of content/wording.yml or a response of domain.yml, filled in or not;
    noted: {question: impact, option: c}    the answer that is read back
    contains, lacks     lists of texts
    choices             choices that are offered, among others perhaps
    coaches_min, coaches_max, region, topic, level, languages    how many cards; what each has
    relaxed: true       the message says which wish was given up; or a list of facets
    reference: true     one reference is given; `same`: the one given before

`any`, last in `expect`, stands for further messages, or none. After each restart and kill the
history must hold exactly what was said: nothing lost, nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Protocol

from mobilis.content import LANGUAGES, read_yaml
from mobilis.errors import ContentError, JourneyFailed, LineFailed
from mobilis.expectations import (
    Expectation,
    Label,
    Message,
    Situation,
    Words,
    expectation_problem,
    find_choice,
    label_problem,
    load_words,
    mismatches,
)
from mobilis.lines import Line, Turn, over_the_api
from mobilis.settings import ROOT
from mobilis.transcripts import (
    PROCESSES,
    Answered,
    Disturbed,
    Entry,
    Pressed,
    Transcript,
    Typed,
    to_markdown,
)

__all__ = [
    *("Journey", "Processes", "Step", "hold", "load_journey", "load_journeys", "play"),
    "to_markdown",
]

FOLDER = ROOT / "tests" / "journeys"
ANY = "any"
PATIENCE_SECONDS = 120.0  # for one turn, restarts included

_SPOKEN_KEYS = {
    *("say", "choose", "switch", "kill_during", "expect"),
    *("history_has", "history_lacks"),
}


class Processes(Protocol):
    """The running stack, as the caller holds it. Names: brain, actions, door."""

    def restart(self, name: str) -> None:
        """Stop a process in good order and start it again; return when it is ready."""

    def kill(self, name: str) -> None:
        """End a process at once, without warning, and see to it that it is started again."""


@dataclass(frozen=True)
class Step:
    """One thing that happens: the visitor says or chooses something, or a process restarts."""

    number: int  # from 1
    say: str | None = None
    choose: Label | None = None
    restart: str | None = None
    kill_during: str | None = None
    switch: str | None = None
    expect: tuple[Expectation, ...] = ()
    more: bool = False  # further messages may follow
    history_has: tuple[str, ...] = ()
    history_lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Journey:
    """One file, checked."""

    name: str
    title: str
    language: str
    steps: tuple[Step, ...]
    words: Words = field(repr=False)

    @property
    def disturbs(self) -> bool:
        """Whether playing it restarts or kills processes."""
        return any(step.restart or step.kill_during for step in self.steps)


# --- files


def load_journeys(paths: Iterable[Path] | None = None) -> list[Journey]:
    """The journeys of some files, or every journey there is in the order of the file names.

    Raises:
        ContentError: a file is wrong; names the file and the step.
    """
    return [load_journey(path) for path in paths or sorted(FOLDER.glob("*.yml"))]


def load_journey(path: Path, root: Path = ROOT) -> Journey:
    """Read and check one journey against the content below `root`.

    Raises:
        ContentError: the file is wrong; names the file and the step.
    """
    data = read_yaml(path.parent, path.name)
    if not isinstance(data, Mapping) or set(data) != {"title", "language", "steps"}:
        raise ContentError(f"{path.name}: title, language and steps are expected")
    if not isinstance(data["title"], str) or not data["title"].strip():
        raise ContentError(f"{path.name}: title must be a sentence")
    if data["language"] not in LANGUAGES:
        raise ContentError(f"{path.name}: language must be one of {', '.join(LANGUAGES)}")
    if not isinstance(data["steps"], list) or not data["steps"]:
        raise ContentError(f"{path.name}: steps must be a list")
    words = load_words(root)
    steps = []
    for number, item in enumerate(data["steps"], 1):
        problem = _step_problem(words, item)
        if problem:
            raise ContentError(f"{path.name}: step {number}: {problem}")
        steps.append(_step(number, item))
    return Journey(path.stem, data["title"].strip(), data["language"], tuple(steps), words)


def _step(number: int, item: Mapping[str, Any]) -> Step:
    expect = item.get("expect") or []
    return Step(
        number=number,
        say=item.get("say"),
        choose=item.get("choose"),
        restart=item.get("restart"),
        kill_during=item.get("kill_during"),
        switch=item.get("switch"),
        expect=tuple(one for one in expect if one != ANY),
        more=ANY in expect,
        history_has=tuple(item.get("history_has") or ()),
        history_lacks=tuple(item.get("history_lacks") or ()),
    )


def _step_problem(words: Words, item: Any) -> str | None:
    """What is wrong with a step, or None."""
    if not isinstance(item, Mapping):
        return "must be a mapping"
    if "restart" in item:
        if set(item) != {"restart"}:
            return "restart stands alone in its step"
        return _unknown("restart", item["restart"], PROCESSES)
    if ("say" in item) == ("choose" in item):
        return "one of say, choose or restart is expected"
    for key in item:
        if key not in _SPOKEN_KEYS:
            return f"{key} is not a field of a step"
    return (
        _spoken_problem(words, item)
        or _unknown("switch", item.get("switch"), LANGUAGES)
        or _unknown("kill_during", item.get("kill_during"), PROCESSES)
        or _expect_problem(words, item.get("expect"))
        or _texts_problem(item, "history_has")
        or _texts_problem(item, "history_lacks")
    )


def _spoken_problem(words: Words, item: Mapping[str, Any]) -> str | None:
    if "say" in item:
        said = item["say"]
        return None if isinstance(said, str) and said.strip() else "say must be a text, in quotes"
    wrong = label_problem(words, item["choose"])
    return f"choose {wrong}" if wrong else None


def _unknown(key: str, value: Any, known: Iterable[str]) -> str | None:
    if value is None or value in known:
        return None
    return f"{key} must be one of {', '.join(known)}"


def _expect_problem(words: Words, expect: Any) -> str | None:
    if not isinstance(expect, list) or not expect:
        return "expect must list the messages of the turn"
    for number, expected in enumerate(expect, 1):
        if expected == ANY:
            if number < len(expect):
                return "expect: any may only come last"
            continue
        wrong = expectation_problem(words, expected)
        if wrong:
            return f"expect[{number}]: {wrong}"
    return None


def _texts_problem(item: Mapping[str, Any], key: str) -> str | None:
    texts = item.get(key, [])
    if isinstance(texts, list) and all(isinstance(text, str) and text for text in texts):
        return None
    return f"{key} must be a list of texts"


# --- playing


def play(
    journey: Journey,
    base_url: str,
    processes: Processes | None = None,
    patience: float = PATIENCE_SECONDS,
) -> Transcript:
    """Play `journey` against the chat API at `base_url`; `patience` is in seconds, for one turn.

    Raises:
        JourneyFailed: it did not go as written; names the file, the step, expected and got.
    """
    with over_the_api(base_url, patience) as line:
        return hold(journey, line, processes)


def hold(journey: Journey, line: Line, processes: Processes | None = None) -> Transcript:
    """Play `journey` over a line that is not used yet.

    Raises:
        JourneyFailed: it did not go as written; names the file, the step, expected and got.
    """
    player = _Player(journey, line, processes)
    player.open()
    for step in journey.steps:
        player.play(step)
    return Transcript(journey.title, journey.language, tuple(player.entries))


class _Player:
    """One conversation being held: what was said so far, and in which language it goes on."""

    def __init__(self, journey: Journey, line: Line, processes: Processes | None) -> None:
        self.journey = journey
        self.line = line
        self.processes = processes
        self.now = Situation(journey.words, journey.language)
        self.entries: list[tuple[str, Entry]] = []
        self.received: list[Message] = []
        self.said_ids: list[str] = []  # of every message so far, as the history should hold them
        self.where = f"{journey.name}.yml"

    def open(self) -> None:
        """Open the conversation; its greeting must be in the journey's language."""
        with self._failing():
            greeting = self.line.open(self.journey.language)
        self._take(greeting)
        if not greeting:
            self._fail("expected a greeting, got no message")
        self._verify([{"kind": "text"}], greeting, more=True)

    def play(self, step: Step) -> None:
        """Do what `step` says and verify what comes back."""
        self.where = f"{self.journey.name}.yml: step {step.number}"
        if step.restart:
            self._processes().restart(step.restart)
            self._note(Disturbed(step.restart, killed=False))
            self._verify_history()
            return
        with self._failing():
            answer = self._answer(step)
        self.now.language = step.switch or self.now.language
        self._take(answer)
        self._verify(step.expect, answer, step.more)
        if step.kill_during:
            self._verify_history()
        self._verify_texts(step)

    def _answer(self, step: Step) -> list[Message]:
        turn = self._turn(step)
        if step.kill_during:
            turn.bring()
            self._processes().kill(step.kill_during)
            self._note(Disturbed(step.kill_during, killed=True))
        answer = turn.answer()
        self.said_ids.append(turn.id)
        return answer

    def _turn(self, step: Step) -> Turn:
        """What a step says: what is typed, or the choice that is named."""
        if step.say is not None:
            self._note(Typed(step.say))
            return self.line.say(step.say)
        message, choice = self._find(step.choose or {})
        self._note(Pressed(choice["title"]))
        return self.line.choose(message, choice)

    def _find(self, label: Label) -> tuple[Message, Mapping[str, Any]]:
        for message in reversed(self.received):
            choice = find_choice(self.now.words, label, message, message["language"])
            if choice is not None:
                return message, choice
        offered = [c["title"] for c in (self.received[-1].get("choices") or [])]
        self._fail(f"expected the choice {dict(label)}, the last message offers {offered}")

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            self.received.append(message)
            self.said_ids.append(message["id"])
            self._note(Answered(message))

    def _note(self, entry: Entry) -> None:
        self.entries.append((self.now.language, entry))

    # --- verifying

    def _verify(self, expect: Iterable[Expectation], messages: list[Message], more: bool) -> None:
        expected = list(expect)
        got = [_summary(message) for message in messages]
        if len(messages) < len(expected) or (len(messages) > len(expected) and not more):
            wanted = [dict(one) for one in expected]
            self._fail(f"expected {len(expected)} messages {wanted}, got {len(got)}: {got}")
        for number, message in enumerate(messages, 1):
            checks = expected[number - 1] if number <= len(expected) else {}
            problems = mismatches(message, checks, self.now)
            if problems:
                self._fail(f"message {number}: {'; '.join(problems)} (the turn: {got})")

    def _verify_history(self) -> None:
        """Nothing was lost and nothing is there twice."""
        ids = [message["id"] for message in self._history()]
        if ids != self.said_ids:
            lost = len(set(self.said_ids) - set(ids))
            self._fail(
                f"expected a history of the {len(self.said_ids)} messages said,"
                f" got {len(ids)}, with {lost} of them missing"
            )

    def _verify_texts(self, step: Step) -> None:
        if not step.history_has and not step.history_lacks:
            return
        history = self._history()
        texts = [message["text"] for message in history]
        for text in step.history_has:
            if not any(text in said for said in texts):
                self._fail(f"expected {text!r} in the history, got {texts}")
        for text in step.history_lacks:
            if any(text in said for said in texts):
                self._fail(f"expected no {text!r} in the history, got {texts}")
        if step.history_lacks:  # something was erased: what is left is all there should be
            self.said_ids = [message["id"] for message in history]

    def _history(self) -> list[Message]:
        with self._failing():
            return self.line.history()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """What the line says of a failure, with where it was."""
        try:
            yield
        except LineFailed as error:
            self._fail(str(error))

    def _processes(self) -> Processes:
        if self.processes is None:
            self._fail("expected processes to restart or kill, got none from the caller")
        return self.processes

    def _fail(self, sentence: str) -> NoReturn:
        raise JourneyFailed(f"{self.where}: {sentence}")


def _summary(message: Message) -> str:
    """A message in short, for errors."""
    text = " ".join(str(message.get("text", "")).split())
    shown = text if len(text) <= 80 else text[:77] + "…"
    ids = [
        str(value)
        for value in (
            (message.get("faq") or {}).get("id"),
            (message.get("question") or {}).get("id"),
            (message.get("result") or {}).get("band"),
        )
        if value
    ]
    return " ".join([str(message.get("kind")), *ids, repr(shown)])
