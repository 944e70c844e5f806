"""Learning from use, its second half: what a person accepted, added to the content files.

The file is the one of mobilis/learning.py. All of it is added or nothing, and every problem is
named with its line and field. Called by the command line.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from functools import lru_cache
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mobilis.content import LANGUAGES
from mobilis.errors import FileRefused, ImportRefused
from mobilis.given import read_given
from mobilis.learning import PLACEHOLDER, unfit
from mobilis.likeness import Message, nearly_same, pairs
from mobilis.phrasings import Change, Shelf, added, set_aside, shelves
from mobilis.text import words

REQUIRED = ("text", "language", "label", "accept")
TOLD = ("date", "count", "outcome", "question", "chosen", "followed_by", "guesses")
UNFIT = {
    "masked": "text still holds {masked}, which stands for a personal detail: write what anyone"
    " could say in its place",
    "bracket": "text holds a square bracket, which means something else in training files",
    "unseen": "text holds a character that cannot be seen",
    "command": "text begins with /, as only commands do",
    "wordless": "text has no words",
}
ACCEPT = {
    **dict.fromkeys(("yes", "oui", "true", "vrai"), True),
    **dict.fromkeys(("no", "non", "false", "faux"), False),
}


@dataclass(frozen=True)
class Reviewed:
    """An entry of the file, and the line of each of its fields."""

    text: str
    language: str
    label: str
    accept: bool
    lines: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """What a reviewed file leads to: the phrasings to add, the files that this changes, and how
    many of those accepted stand there already."""

    additions: Sequence[tuple[Shelf, str]]
    changes: Sequence[Change]
    known: int


Fault = tuple[int, str]  # its line, and what is wrong with which field


def plan(root: Path, path: Path) -> Plan:
    """What adding the accepted entries of `path` to the content below `root` would change.

    Raises:
        FileRefused: the file cannot be read, or is no review at all.
        ImportRefused: entries are wrong, or teach what must not be learned; names each.
        ContentError: a content file is wrong.
    """
    accepted = [entry for entry in read_review(path) if entry.accept]
    all_shelves = shelves(root)
    shelf_of = {(shelf.label, shelf.language): shelf for shelf in all_shelves}
    faults: list[Fault] = []
    new: list[tuple[Reviewed, Shelf]] = []
    known = 0
    for entry in accepted:
        label = entry.label if (entry.label, entry.language) in shelf_of else f"faq/{entry.label}"
        shelf = shelf_of.get((label, entry.language))
        if shelf is None:
            faults.append(_wrong_label(entry))
        elif any(said.text == entry.text for said in shelf.phrasings):
            known += 1
        elif fault := _unfit(entry):
            faults.append(fault)
        else:
            new.append((entry, shelf))
    if new:
        faults += _said_elsewhere(root, [entry for entry, _ in new], all_shelves)
    _refuse(path, faults)
    additions = [(shelf, entry.text) for entry, shelf in new]
    return Plan(additions, added(root, additions), known)


def write(root: Path, changes: Sequence[Change]) -> None:
    """Put the changed files in the place of the old ones, all or none.

    Raises:
        FileRefused: one of them cannot be written.
    """
    made: dict[Path, Path] = {}
    try:
        for change in changes:
            old = root / change.file
            new = made[old] = old.with_name(f".{old.name}.new")
            new.write_text(change.after, encoding="utf-8", newline="")
            shutil.copymode(old, new)
    except OSError as error:
        for new in made.values():
            new.unlink(missing_ok=True)
        raise FileRefused(f"{change.file}: {error.strerror}") from None
    for old, new in made.items():
        os.replace(new, old)


def to_diff(changes: Sequence[Change]) -> str:
    """The changes as a unified diff."""
    lines: list[str] = []
    for change in changes:
        before, after = (text.splitlines() for text in (change.before, change.after))
        lines += unified_diff(before, after, change.file, change.file, n=1, lineterm="")
    return "\n".join(lines)


def read_review(path: Path) -> list[Reviewed]:
    """Every entry of a reviewed file, accepted or not.

    Raises:
        FileRefused: the file cannot be read, or is no review at all.
        ImportRefused: entries are wrong; names the line and the field of each fault.
    """
    faults: list[Fault] = []
    entries = []
    for node in _messages(path):
        fields = _fields(node)
        found = fields if isinstance(fields, list) else list(_misread(node, fields))
        faults += found
        if isinstance(fields, dict) and not found:
            entries.append(_entry(fields))
    _refuse(path, faults)
    return entries


def _refuse(path: Path, faults: Sequence[Fault]) -> None:
    if faults:
        raise ImportRefused([f"{path}:{line}: {problem}" for line, problem in sorted(faults)])


def _messages(path: Path) -> list[Node]:
    # Every value is read as the text it is: "oui" is no truth value, 2026-11-23 no date.
    try:
        tree = yaml.compose(read_given(path), Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FileRefused(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise FileRefused(f"{path}: a character is not allowed in YAML") from None
    names = tree.value if isinstance(tree, MappingNode) else []
    for name, messages in names:
        if name.value == "messages" and isinstance(messages, SequenceNode):
            return list(messages.value)
    raise FileRefused(f"{path}: messages must be a list, as written by mobilis learn export")


def _fields(entry: Node) -> dict[str, Node] | list[Fault]:
    """The fields of an entry by name, or what is wrong with their names."""
    if not isinstance(entry, MappingNode):
        return [(_line(entry), "an entry must have the fields text, language, label and accept")]
    fields: dict[str, Node] = {}
    faults = []
    for name, value in entry.value:
        if name.value not in (*REQUIRED, *TOLD):
            faults.append((_line(name), f"{name.value} is not a field of an entry"))
        elif name.value in fields:
            faults.append((_line(name), f"{name.value} stands there twice"))
        fields[name.value] = value
    return faults or fields


def _misread(entry: Node, fields: Mapping[str, Node]) -> Iterator[Fault]:
    for name in REQUIRED:
        value = fields.get(name)
        if value is None:
            yield _line(entry), f"{name} is missing"
        elif not isinstance(value, ScalarNode):
            yield _line(value), f"{name} must be a text"
        elif name == "text" and not value.value.strip():
            yield _line(value), "text is empty"
        elif name == "language" and value.value not in LANGUAGES:
            yield _line(value), f"language must be one of {', '.join(LANGUAGES)}"
        elif name == "accept" and value.value.lower() not in ACCEPT:
            yield _line(value), f"accept must be true or false, not {value.value!r}"


def _entry(fields: Mapping[str, Node]) -> Reviewed:
    return Reviewed(
        text=" ".join(fields["text"].value.split()),
        language=fields["language"].value,
        label=fields["label"].value.strip(),
        accept=ACCEPT[fields["accept"].value.lower()],
        lines={name: _line(node) for name, node in fields.items()},
    )


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _wrong_label(entry: Reviewed) -> Fault:
    line = entry.lines["label"]
    if not entry.label:
        return line, "label is missing: it says what an accepted text means"
    return line, f"label names {entry.label}, which is no label that phrasings are learned for"


def _unfit(entry: Reviewed) -> Fault | None:
    """Why a text cannot be learned whatever the others are."""
    why = unfit(entry.text)
    if why == "masked":
        masked = PLACEHOLDER.search(entry.text)
        found = masked.group() if masked else ""
        return entry.lines["text"], UNFIT[why].format(masked=found)
    return (entry.lines["text"], UNFIT[why]) if why else None


def taken(
    root: Path, texts: Sequence[str], all_shelves: Sequence[Shelf]
) -> dict[int, tuple[str, Message]]:
    """Which texts cannot be learned because of what stands in the files, by their numbers: what
    they are, or nearly are, is "known" or "set_aside"."""
    said = [Message(text, str(number)) for number, text in enumerate(texts)]
    taught = tuple(message for shelf in all_shelves for message in shelf.taught)
    same_words = _by_words(taught)
    near = dict(pairs(said, taught))
    aside = dict(pairs(said, set_aside(root)))
    found: dict[int, tuple[str, Message]] = {}
    for number, one in enumerate(said):
        phrasing = same_words.get(tuple(words(one.text))) or near.get(one)
        if phrasing:
            found[number] = ("known", phrasing)
        elif one in aside:
            found[number] = ("set_aside", aside[one])
    return found


@lru_cache(maxsize=1)
def _by_words(taught: tuple[Message, ...]) -> dict[tuple[str, ...], Message]:
    return {tuple(words(message.text)): message for message in taught}


def _said_elsewhere(
    root: Path, entries: Sequence[Reviewed], all_shelves: Sequence[Shelf]
) -> Iterator[Fault]:
    """Which texts are, or nearly are, a phrasing, a message to measure by, or one another."""
    texts = [entry.text for entry in entries]
    found = taken(root, texts, all_shelves)
    for number, text in enumerate(texts):
        line = entries[number].lines["text"]
        before = next((n for n in range(number) if alike(texts[n], text)), None)
        kind, message = found.get(number, ("", None))
        if message and kind == "known":
            yield line, f"text is, or nearly is, {message.place} already: {message.text}"
        elif message:
            why = "which understanding is measured by and which must not be learned"
            yield line, f"text is, or nearly is, {message.place}, {why}"
        elif before is not None:
            yield line, f"text is, or nearly is, that of line {entries[before].lines['text']}"


def alike(one: str, other: str) -> bool:
    """Whether to learn one of two texts is to know the other."""
    return words(one) == words(other) or nearly_same(one, other)
