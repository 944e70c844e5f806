"""The page of the report, in Markdown: every picture with a table that says the same.

Called by `mobilis.nlu.report`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mobilis.nlu.figures import Point
from mobilis.nlu.measured import IN_SCOPE, OUTSIDE, WORDS, Confused, Language, inside

HEADLINES = {
    "n": "messages",
    "accuracy": "label ranked first is the right one",
    "macro_f1": "macro F1",
    "expected_calibration_error": "expected calibration error",
}
SHARES = {
    "out_of_scope_refused": "out-of-scope recall",
    "refused": "in scope: refused",
    "clarified": "… asked about (“did you mean”)",
    "wrong": "… answered wrongly without asking",
}
_SIGNS = re.compile(r"([\\`*_\[\]<>|#~$])")


def page(facts: Mapping[str, str], languages: Sequence[Language]) -> str:
    """The page about `languages`, made under the circumstances that `facts` names."""
    parts = [
        "# Understanding in pictures",
        "Made by `mobilis report`; do not edit it, run that again. How messages are kept apart "
        "and what was tried: [Understanding](../understanding.md).",
        _table(["", ""], [[name, fact] for name, fact in facts.items()]),
        "## At a glance",
        _headlines(languages),
        "## What visitors get",
        _picture("outcomes", _outcomes_in_words(languages)),
        _outcomes(languages),
        "## Which labels are taken for another",
        "Down the side what was meant, along the top what was understood: the label ranked first, "
        "whether it was then answered or asked about. The example is the message of which the "
        "assistant was surest.",
        *(part for language in languages for part in _confusion(language)),
        "## Is confidence to be trusted",
        "Messages in ten bins by confidence. On the dashed line, of 100 messages of 80 % "
        "confidence 80 are right; below it the assistant is too sure of itself.",
        _picture("reliability", _reliability_in_words(languages)),
        _reliability(languages),
        "## Would more phrasings help",
        "The classifier of labels is taught a part of the phrasings of each label and language, "
        f"up to {_draws(languages)} times by drawing others; the last point is the model in use. "
        "Only the label ranked first counts here, before what the conversation makes of it.",
        _picture("learning_curve", _gain(languages)),
        _learning(languages),
        _gain(languages),
        "## Make it again",
        "```sh\nmobilis train --if-due\nmobilis report\n"
        "mobilis evaluate intents tests/evaluation/intents.fr.tsv   # every error, French\n"
        "mobilis evaluate intents tests/evaluation/intents.en.tsv   # every error, English\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _headlines(languages: Sequence[Language]) -> str:
    rows = [
        [title, *(_headline(key, language.report[key]) for language in languages)]
        for key, title in HEADLINES.items()
    ]
    rows += [
        [title, *(_share(language, outcome) for language in languages)]
        for outcome, title in SHARES.items()
    ]
    return _table(["", *_names(languages)], rows)


def _headline(key: str, value: Any) -> str:
    if key == "n":
        return str(value)
    return f"{value:.3f}" if key == "macro_f1" else percent(value)


def _outcomes(languages: Sequence[Language]) -> str:
    rows = []
    for place, kinds in (("in scope", IN_SCOPE), ("out of scope", OUTSIDE)):
        for kind in kinds:
            counts = [_of(language, kind) for language in languages]
            rows.append([f"{place}: {WORDS.get(kind, kind)}", *counts])
    return _table(["", *_names(languages)], rows)


def _of(language: Language, outcome: str) -> str:
    count, total = language.outcomes.get(outcome, 0), _all(language, outcome)
    return f"{count} of {total} ({_share(language, outcome)})" if total else "–"


def _share(language: Language, outcome: str) -> str:
    count, total = language.outcomes.get(outcome, 0), _all(language, outcome)
    return percent(count / total) if total else "–"


def _all(language: Language, outcome: str) -> int:
    if outcome in IN_SCOPE:
        return inside(language)
    return sum(language.outcomes.values()) - inside(language)


def _outcomes_in_words(languages: Sequence[Language]) -> str:
    said = [
        f"{language.name} in scope, {', '.join(_told(language, kind) for kind in IN_SCOPE)}"
        for language in languages
    ]
    return f"Stacked bars: {'; '.join(said)}. The table has the same numbers."


def _told(language: Language, outcome: str) -> str:
    return f"{_share(language, outcome)} {WORDS.get(outcome, outcome)}"


def _confusion(language: Language) -> list[str]:
    total, wrong = language.report["n"], sum(pair.times for pair in language.confused)
    heading = f"### {language.name}"
    if not wrong:
        return [heading, f"All of {total} messages are taken for what they mean."]
    said = (
        f"Matrix of the labels most often confused in {language.name}: {wrong} of {total} messages "
        "are taken for another label. The table has every pair."
    )
    rows = [
        [
            f"`{pair.expected}`",
            f"`{pair.understood}`",
            str(pair.times),
            _got(pair),
            told(pair.example),
        ]
        for pair in language.confused
    ]
    columns = ["expected", "understood", "times", "what the visitor got", "an example"]
    return [heading, _picture(f"confusion_{language.name.lower()}", said), _table(columns, rows)]


def _got(pair: Confused) -> str:
    if len(pair.outcomes) == 1:
        return next(iter(pair.outcomes))
    return ", ".join(f"{name} {count}" for name, count in sorted(pair.outcomes.items()))


def _reliability(languages: Sequence[Language]) -> str:
    rows = [
        [language.name, percent(bin.confidence), percent(bin.right), str(bin.messages)]
        for language in languages
        for bin in language.bins
    ]
    return _table(["", "confidence", "right", "messages"], rows)


def _reliability_in_words(languages: Sequence[Language]) -> str:
    said = [
        f"{language.name} {percent(language.report['expected_calibration_error'])}"
        for language in languages
    ]
    return (
        "Confidence against the share that is right, by language, above the messages of each bin; "
        f"expected calibration error: {', '.join(said)}."
    )


def _learning(languages: Sequence[Language]) -> str:
    rows = [
        [points[0].part, str(points[0].phrasings), *(_spread(point) for point in points)]
        for points in zip(*(language.curve for language in languages))
    ]
    return _table(["part", "phrasings", *_names(languages)], rows)


def _spread(point: Point) -> str:
    low, high = min(point.accuracies), max(point.accuracies)
    if low == high:
        return percent(point.mean)
    return f"{percent(point.mean)} ({100 * low:.1f} to {100 * high:.1f})"


def _gain(languages: Sequence[Language]) -> str:
    gains = []
    for language in languages:
        half = next(point for point in language.curve if point.part == "1/2")
        gains.append(f"{100 * (language.curve[-1].mean - half.mean):.1f} points in {language.name}")
    return f"From half of the phrasings to all of them, accuracy gains {' and '.join(gains)}."


def _draws(languages: Sequence[Language]) -> int:
    return max(len(point.accuracies) for point in languages[0].curve)


def _names(languages: Sequence[Language]) -> list[str]:
    return [language.name for language in languages]


def _picture(name: str, words: str) -> str:
    return f"![{words}]({name}.svg)"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percent(share: float) -> str:
    """A share with one decimal: 0.9512 → "95.1 %"."""
    return f"{100 * share:.1f} %"


def told(text: str) -> str:
    """What someone wrote, so that no sign of it means anything in Markdown."""
    return _SIGNS.sub(r"\\\1", text)
