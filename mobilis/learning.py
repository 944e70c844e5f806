"""Learning from use, its first half: what was not understood, as a file for a person to review.

Reads what `mobilis.results` keeps, which is masked. What that person accepted is taken back by
mobilis/review.py. Called by the command line.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection, Row

from mobilis.assessment import load_assessment
from mobilis.content import LANGUAGES, Text, both_languages, load_content, read_yaml
from mobilis.errors import ContentError, FileRefused
from mobilis.models import unhandled
from mobilis.phrasings import ANSWER, ASSESSMENT, UNSURE, as_scalar, shelves
from mobilis.results import NONE_OF_THESE
from mobilis.text import is_command, words

WORDS = "content/learning.yml"
KEYS = (
    "guide",
    "found",
    "masked",
    *("known", "set_aside", "alike"),
    "no_label",
    "labels",
    "unsure",
    "out_of_scope",
)
# What people also say after they were not understood, and which tells nothing of what they meant.
TELLS_NOTHING = frozenset(
    "greet goodbye thank affirm deny help bot_challenge stop resume go_back start_over"
    " request_human delete_my_data switch_language out_of_scope".split()
)
PLACEHOLDER = re.compile(r"\[[^\]]*\]")  # what masking puts in the place of a detail

Votes = Mapping[str, int]  # {label: how often}


@dataclass(frozen=True)
class Missed:
    """A text that was not understood or asked about, with all that is known of what it meant.

    `question` is the question of the assessment that was open. `chosen` counts what visitors then
    picked, `followed_by` what their next message meant.
    """

    key: str  # of mobilis/likeness.py: what is one text
    text: str
    language: str
    question: str | None
    last: date
    outcomes: Votes
    chosen: Votes
    followed_by: Votes
    guesses: Sequence[Mapping[str, Any]]  # of the last time: [{"label", "confidence"}]

    @property
    def count(self) -> int:
        """How often it was written."""
        return sum(self.outcomes.values())

    @property
    def picked(self) -> str:
        """What most visitors picked, or nothing."""
        return _most({label: n for label, n in self.chosen.items() if label != NONE_OF_THESE})

    @property
    def proposed(self) -> str:
        """What it most likely means, for the order of the review: a label, an open question of the
        assessment as `answer/<question>`, or nothing."""
        told = self.picked or _most(self.followed_by)
        if told:
            return told
        if self.question:
            return ANSWER + self.question
        return str(self.guesses[0]["label"]) if self.guesses and not self.chosen else ""


def missed(connection: Connection, since: date | None = None) -> list[Missed]:
    """What was not understood or asked about, since the beginning of a day (UTC) if one is given.

    Texts that differ only in case, accents and punctuation are one. What teaches nothing, since
    it has no words of its own, is left out.
    """
    return gather(connection, written_since(since))


def written_since(day: date | None) -> list[Any]:
    """The condition of `gather` for a day (UTC) and those after it; none without a day."""
    start = datetime.combine(day, time(), timezone.utc) if day else None
    return [unhandled.c.created_at >= start] if start else []


def gather(connection: Connection, where: Sequence[Any], limit: int | None = None) -> list[Missed]:
    """The same of the messages that meet some conditions, or of the last so many of them."""
    newest = unhandled.c.created_at.desc(), unhandled.c.id.desc()
    query = select(unhandled).where(*where).order_by(*newest).limit(limit)
    alike: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in reversed(connection.execute(query).all()):
        if words(PLACEHOLDER.sub("", row.text)) and not is_command(row.text):
            alike[row.key].append(row)
    return [_together(rows) for rows in alike.values()]


def unfit(text: str) -> str:
    """Why a text cannot be learned whatever the others are, as one word; empty when it can."""
    if PLACEHOLDER.search(text):
        return "masked"
    if set("[]") & set(text):
        return "bracket"
    if not text.isprintable():
        return "unseen"
    if is_command(text):
        return "command"
    return "" if words(text) else "wordless"


def _together(rows: Sequence[Row[Any]]) -> Missed:
    last = rows[-1]
    return Missed(
        key=last.key,
        text=_one_line(last.text),
        language=last.language,
        question=last.question,
        last=last.created_at.date(),
        outcomes=_votes(row.outcome for row in rows),
        chosen=_votes(row.chosen for row in rows),
        followed_by=_votes(row.followed_by for row in rows if row.followed_by not in TELLS_NOTHING),
        guesses=last.guesses,
    )


def _votes(labels: Iterator[str | None]) -> Votes:
    return Counter(label for label in labels if label)


def _most(votes: Votes) -> str:
    return max(sorted(votes), key=lambda label: votes[label], default="")


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@dataclass(frozen=True)
class Verdict:
    """What the file says of a text that staff decided about already.

    `why` names the sentence that says why it is not accepted all the same, if it is not.
    """

    label: str
    text: str
    why: str = ""


def to_review(
    root: Path, found: Sequence[Missed], verdicts: Mapping[str, Verdict] | None = None
) -> str:
    """The file for the reviewer: one entry a text, grouped by what they most likely mean, those
    that were written most at the head.

    Args:
        verdicts: what was decided already, by the key of the text.

    Raises:
        ContentError: a content file is wrong.
    """
    words_of = _words(root)
    labels = list(dict.fromkeys(shelf.label for shelf in shelves(root)))
    titles = _titles(root, labels, words_of)
    groups: dict[str, list[Missed]] = defaultdict(list)
    decided = verdicts or {}
    for one in found:
        groups[decided[one.key].label if one.key in decided else one.proposed].append(one)
    order = sorted(groups, key=lambda label: (-_total(groups[label]), label))
    lines = [*_guide(words_of, found), "", "messages:"]
    for label in order:
        lines += ["", f"# === {_heading(label, titles, words_of)} ({_total(groups[label])})"]
        for one in sorted(groups[label], key=lambda one: (-one.count, one.language, one.text)):
            lines += ["", *_entry(one, decided.get(one.key), titles, words_of)]
    lines += ["", f"# {_both(words_of['labels'])}"]
    lines += [f"#   {label}: {titles[label]}" for label in labels]
    return "\n".join(lines) + "\n"


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, lest a review under way be lost.

    Raises:
        FileRefused: it is there, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise FileRefused(f"{path}: there is a file of this name already") from None
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}") from None


def _guide(words_of: Mapping[str, Text], found: Sequence[Missed]) -> Iterator[str]:
    days = sorted(one.last for one in found)
    values = {"messages": _total(found), "texts": len(found), "first": days[0], "last": days[-1]}
    for number, language in enumerate(LANGUAGES):
        text = words_of["guide"][language], words_of["found"][language].format(**values)
        yield from ["#"] * (number > 0)
        yield from (f"# {line}" for line in "\n".join(text).splitlines())


def _entry(
    one: Missed,
    verdict: Verdict | None,
    titles: Mapping[str, str],
    words_of: Mapping[str, Text],
) -> Iterator[str]:
    picked = Verdict(one.picked if one.picked in titles else "", one.text)
    entry = verdict or picked
    why = entry.why or ("masked" if PLACEHOLDER.search(entry.text) else "")
    if why:
        yield f"# {_both(words_of[why])}"
    yield f"- text: {as_scalar(entry.text)}"
    yield f"  language: {one.language}"
    yield f"  label: {entry.label}".rstrip()
    yield f"  accept: {'true' if verdict and not why else 'false'}"
    yield f"  date: {one.last}"
    yield f"  count: {one.count}"
    yield f"  outcome: {_inline(one.outcomes)}"
    if one.question:
        yield f"  question: {one.question}"
    if one.chosen:
        yield f"  chosen: {_inline(one.chosen)}"
    if one.followed_by:
        yield f"  followed_by: {_inline(one.followed_by)}"
    yield f"  guesses: {_inline({g['label']: round(g['confidence'], 2) for g in one.guesses})}"


def _inline(values: Mapping[str, float]) -> str:
    ordered = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
    return "{" + ", ".join(f"{name}: {value}" for name, value in ordered) + "}"


def _heading(label: str, titles: Mapping[str, str], words_of: Mapping[str, Text]) -> str:
    if not label:
        return _both(words_of["no_label"])
    return f"{label}: {titles[label]}" if label in titles else label


def _total(found: Sequence[Missed]) -> int:
    return sum(one.count for one in found)


def _titles(root: Path, labels: Sequence[str], words_of: Mapping[str, Text]) -> dict[str, str]:
    """What each label means, and each question of the assessment."""
    content = load_content(root)
    titles = {f"faq/{faq.id}": _both(faq.title) for faq in content.faqs.values()}
    titles |= {UNSURE: _both(words_of["unsure"]), "out_of_scope": _both(words_of["out_of_scope"])}
    for question in load_assessment(root / ASSESSMENT).questions:
        titles[ANSWER + question.id] = _both(question.text)
        for option in question.options:
            titles[f"{ANSWER}{question.id}/{option.id}"] = _both(option.title)
    intents = [label for label in labels if label not in titles]
    return titles | {name: _both(content.choices.get(name, {})) for name in intents}


def _both(text: Text) -> str:
    return " / ".join(text[language] for language in LANGUAGES if language in text)


def _words(root: Path) -> dict[str, Text]:
    data = read_yaml(root, WORDS)
    if not isinstance(data, Mapping):
        raise ContentError(f"{WORDS}: a mapping of names to fr and en is expected")
    return {key: both_languages(WORDS, key, data.get(key)) for key in KEYS}
