"""Where each phrasing stands in the content files, and where the next one goes.

A shelf holds what is said for one label in one language. A phrasing is added by inserting its line
into the text of the file, so that comments, order and formatting stay as people wrote them. Called
by mobilis/learning.py.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import NamedTuple

import yaml
from yaml.nodes import Node, ScalarNode, SequenceNode

from mobilis.assessment import load_assessment
from mobilis.content import LANGUAGES, load_content, read_yaml
from mobilis.errors import ContentError
from mobilis.likeness import Message

INTENTS = "data/nlu.yml"
ASSESSMENT = "assessment/readiness.yml"
ANSWER = "answer/"
UNSURE = f"{ANSWER}unsure"
SET_ASIDE = ("tests/evaluation/*.tsv", "data/calibration.*.tsv")  # never to be trained on

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, ten times faster


@dataclass(frozen=True)
class Shelf:
    """What is said for a label (an intent, `faq/<id>`, `answer/<question>/<option>` or
    `answer/unsure`) in a language: in `field` of `file`. `titles` are learned from too.

    Its lines are those from `start` (counted from 0) that stand deeper than `column`.
    """

    label: str
    language: str
    file: str
    field: str
    phrasings: tuple[Message, ...]
    start: int
    column: int
    titles: tuple[Message, ...] = ()
    listed: bool = True  # a YAML list; else a block of lines that begin with "- "
    lined: bool = True  # one phrasing a line

    @property
    def taught(self) -> tuple[Message, ...]:
        """Everything that is learned from it."""
        return (*self.titles, *self.phrasings)


class Change(NamedTuple):
    """A file before and after, as text."""

    file: str
    before: str
    after: str


def shelves(root: Path) -> list[Shelf]:
    """Every place below `root` that phrasings are learned from.

    Raises:
        ContentError: a content file is wrong; the first problem, with its file and field.
    """
    faqs = load_content(root).faqs
    load_assessment(root / ASSESSMENT)
    found = [shelf for faq in faqs for shelf in _of_question(root, faq)]
    return [*found, *_of_intents(root), *_of_answers(root)]


def set_aside(root: Path) -> Iterator[Message]:
    """The messages below `root` that understanding is measured or calibrated on."""
    for path in sorted(path for pattern in SET_ASIDE for path in root.glob(pattern)):
        column = 0 if path.name == "facets.tsv" else -1
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            yield Message(line.split("\t")[column], f"{path.relative_to(root)}:{number}")


def added(root: Path, additions: Sequence[tuple[Shelf, str]]) -> list[Change]:
    """What the files would be with each text at the end of its shelf, in the given order.

    Raises:
        ContentError: a shelf is not written as one phrasing a line.
    """
    before = {shelf.file: _read(root, shelf.file) for shelf, _ in additions}
    lines = {file: text.splitlines(keepends=True) for file, text in before.items()}
    new: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for shelf, text in additions:
        if not shelf.lined:
            raise ContentError(f"{shelf.file}: {shelf.field} must have one phrasing a line")
        last = _last_line(shelf, lines[shelf.file])
        new[shelf.file][last].append(_as_line(shelf, text, lines[shelf.file][last]))
    return [Change(file, before[file], _inserted(lines[file], new[file])) for file in sorted(new)]


def _inserted(lines: Sequence[str], new: Mapping[int, Sequence[str]]) -> str:
    """`lines` with the new ones after those whose numbers they are under."""
    text = []
    for number, line in enumerate(lines):
        below = new.get(number, ())
        text += [line if line.endswith("\n") or not below else f"{line}\n", *below]
    return "".join(text)


def _last_line(shelf: Shelf, lines: Sequence[str]) -> int:
    last = shelf.start
    for number in range(shelf.start + 1, len(lines)):
        line = lines[number]
        if not line.strip():
            continue
        if len(line) - len(line.lstrip(" ")) <= shelf.column:
            break
        last = number
    return last


def _as_line(shelf: Shelf, text: str, above: str) -> str:
    ending = "\r\n" if above.endswith("\r\n") else "\n"
    if shelf.listed:
        return f"{' ' * shelf.column}- {as_scalar(text)}{ending}"
    return f"{above[: len(above) - len(above.lstrip(' '))]}- {text}{ending}"


def as_scalar(text: str) -> str:
    """`text`, one line, as an item of a YAML list: plain where it can be, else quoted."""
    plain = yaml.safe_dump([text], allow_unicode=True, width=inf)[2:-1]
    return json.dumps(text, ensure_ascii=False) if plain[0] in "'\"" else plain


def _of_question(root: Path, faq: str) -> Iterator[Shelf]:
    file = f"faq/{faq}.yml"
    tree = _tree(root, file)
    for language in LANGUAGES:
        node = _at(tree, language, "phrasings")
        yield _list_shelf(f"faq/{faq}", language, file, f"{language}.phrasings", node)


def _of_answers(root: Path) -> Iterator[Shelf]:
    tree = _tree(root, ASSESSMENT)
    for language in LANGUAGES:
        node, field = _at(tree, "unsure", language), f"unsure.{language}"
        yield _list_shelf(UNSURE, language, ASSESSMENT, field, node)
        for question in _at(tree, "questions").value:
            for option in _at(question, "options").value:
                names = (_at(question, "id").value, _at(option, "id").value)
                field = f"questions.{names[0]}.options.{names[1]}.phrasings.{language}"
                title = _message(_at(option, "title", language), ASSESSMENT)
                node = _at(option, "phrasings", language)
                label = ANSWER + "/".join(names)
                yield _list_shelf(label, language, ASSESSMENT, field, node, (title,))


def _list_shelf(
    label: str,
    language: str,
    file: str,
    field: str,
    node: Node,
    titles: tuple[Message, ...] = (),
) -> Shelf:
    phrasings = tuple(_message(item, file) for item in node.value)
    start, column = node.value[-1].start_mark.line, node.start_mark.column
    lined = isinstance(node, SequenceNode) and not node.flow_style
    return Shelf(label, language, file, field, phrasings, start, column, titles, lined=lined)


def _of_intents(root: Path) -> Iterator[Shelf]:
    data = read_yaml(root, INTENTS)
    blocks = data.get("nlu") if isinstance(data, Mapping) else None
    if not isinstance(blocks, list):
        raise ContentError(f"{INTENTS}: nlu must be a list")
    nodes = _at(_tree(root, INTENTS), "nlu").value
    for number, (block, node) in enumerate(zip(blocks, nodes, strict=True), 1):
        if not isinstance(block, Mapping) or not isinstance(block.get("examples"), str):
            raise ContentError(f"{INTENTS}: nlu[{number}].examples must be lines of phrasings")
        metadata = block.get("metadata")
        language = metadata.get("language") if isinstance(metadata, Mapping) else None
        if language in LANGUAGES and "intent" in block:
            yield _block_shelf(str(block["intent"]), language, node)


def _block_shelf(intent: str, language: str, block: Node) -> Shelf:
    examples = _at(block, "examples")
    start, column = examples.start_mark.line, block.start_mark.column
    said = [
        Message(line.strip().removeprefix("-").strip(), f"{INTENTS}:{number}")
        for number, line in enumerate(examples.value.splitlines(), start + 2)
        if line.strip()
    ]
    field, lined = (
        f"{intent} ({language})",
        isinstance(examples, ScalarNode) and examples.style == "|",
    )
    return Shelf(
        intent, language, INTENTS, field, tuple(said), start, column, listed=False, lined=lined
    )


def _message(node: Node, file: str) -> Message:
    return Message(node.value, f"{file}:{node.start_mark.line + 1}")


def _tree(root: Path, file: str) -> Node:
    tree = yaml.compose(_read(root, file), Loader=_Loader)
    assert tree is not None  # the file was read and checked before
    return tree


def _at(node: Node, *keys: str) -> Node:
    """What stands under some keys of nested mappings."""
    for key in keys:
        node = next(value for name, value in node.value if name.value == key)
    return node


def _read(root: Path, file: str) -> str:
    """The text of a file with its line endings as they are."""
    with (root / file).open(encoding="utf-8", newline="") as opened:
        return opened.read()
