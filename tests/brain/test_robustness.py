"""However a message is typed, it means the same; nothing that is typed breaks the parse, is obeyed,
or takes long.

The share of messages whose label changes with the way of typing is measured on a part of the
evaluation sets; each limit is what was measured, with a little room."""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from mobilis.nlu import classifier
from mobilis.nlu.classifier import LabelModel, Ranking
from mobilis.nlu.context import LOST
from mobilis.nlu.encoder import MAX_TOKENS, Encoder
from mobilis.nlu.evaluation import Understanding, examples
from mobilis.nlu.resolver import MOBILIS
from mobilis.settings import ROOT
from mobilis.text import guard

EVERY = 8  # every how manieth message of the evaluation sets is typed in other ways
PLEASE = {"fr": "please", "en": "svp"}
HELLO = {"fr": "Hi, ", "en": "Allô, "}
OWN_HELLO = {"fr": "Bonjour, ", "en": "Hello, "}
OWN_THANKS = {"fr": "Merci!", "en": "Thanks!"}


def unaccented(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def stretched(text: str, times: int = 4) -> str:
    """The longest word with its last letter held down."""
    word = max(re.findall(r"[^\W\d_]+", text), key=len, default="")
    return text.replace(word, word + word[-1:] * (times - 1), 1)


Way = Callable[[str, str], str]  # (text, language) → the text typed in another way

# What is the same to every part that understands: not one label may change.
SAME: dict[str, Way] = {
    "capitals": lambda text, _: text.upper(),
    "no capitals": lambda text, _: text.lower(),
    "typographic apostrophes": lambda text, _: text.replace("'", "\u2019"),
    "accents as apostrophes": lambda text, _: text.replace("'", "\u00b4"),
    "long dashes": lambda text, _: text.replace("-", "\u2013"),
    "no-break hyphens": lambda text, _: text.replace("-", "\u2011"),
    "doubled spaces": lambda text, _: text.replace(" ", "  "),
    "no-break spaces": lambda text, _: text.replace(" ", "\u00a0"),
    "accents taken apart": lambda text, _: unicodedata.normalize("NFD", text),
    "wide letters": lambda text, _: re.sub(
        "[a-z]", lambda letter: chr(ord(letter.group()) + 0xFEE0), text
    ),
    "invisible characters": lambda text, _: "\u200b".join(text),
    "soft hyphens and isolates": lambda text, _: f"\u2066{text[:5]}\u00ad{text[5:]}\u2069",
    "a picture at the end": lambda text, _: f"{text} 🙂🙏🏽",
    "a flag before": lambda text, _: f"🇨🇦 {text}",
}

# What is alike: the share of the messages that may be decided otherwise, in French and in English;
# nearly all of it is whether they are answered or asked about.
ALIKE: dict[str, tuple[Way, float, float]] = {
    "no accents": (lambda text, _: unaccented(text), 0.02, 0.02),
    "no apostrophes": (lambda text, _: re.sub("['\u2019]", "", text), 0.06, 0.08),
    "spaces for apostrophes": (lambda text, _: re.sub("['\u2019]", " ", text), 0.02, 0.13),
    "spaces for hyphens": (lambda text, _: re.sub(r"(?<=\w)-(?=\w)", " ", text), 0.09, 0.02),
    "a letter held down": (lambda text, _: stretched(text), 0.03, 0.02),
    "a line break": (lambda text, _: text.replace(" ", "\n", 1), 0.03, 0.03),
    "question marks": (lambda text, _: text.rstrip(" ?!.…") + "???", 0.05, 0.05),
    "no marks": (lambda text, _: re.sub(r"[?!.,;:…]", "", text), 0.07, 0.07),
    "please in the other language": (
        lambda text, language: f"{text} {PLEASE[language]}",
        0.05,
        0.05,
    ),
    "hello before": (lambda text, language: OWN_HELLO[language] + text, 0.06, 0.05),
    "thanks after": (lambda text, language: f"{text} {OWN_THANKS[language]}", 0.04, 0.04),
    "hello in the other language": (lambda text, language: HELLO[language] + text, 0.08, 0.05),
}


def decided(model: Understanding, text: str) -> str:
    """The label that a message is decided to have, or that it is asked about or lost."""
    return str((model.parse(text).get(MOBILIS) or {}).get("label"))


@pytest.fixture(scope="module")
def said(trained: Understanding) -> dict[str, list[tuple[str, str]]]:
    """By language, messages and the label that each is decided to have."""
    found = {}
    for language in ("fr", "en"):
        rows = examples("intents", ROOT / "tests" / "evaluation" / f"intents.{language}.tsv")
        found[language] = [(text, decided(trained, text)) for _, text in rows[::EVERY]]
    return found


def changed(
    model: Understanding, messages: Sequence[tuple[str, str]], way: Way, language: str
) -> tuple[float, list[str]]:
    """The share of the messages that are decided otherwise when typed in another way; and which."""
    typed = [
        (way(text, language), label) for text, label in messages if way(text, language) != text
    ]
    others = [text for text, label in typed if decided(model, text) != label]
    return len(others) / max(len(typed), 1), others


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("way", SAME)
def test_what_only_looks_different_means_the_same(
    trained: Understanding, said: dict[str, list[tuple[str, str]]], way: str, language: str
) -> None:
    assert changed(trained, said[language][::8], SAME[way], language)[1] == []


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("way", ALIKE)
def test_what_is_typed_otherwise_mostly_means_the_same(
    trained: Understanding, said: dict[str, list[tuple[str, str]]], way: str, language: str
) -> None:
    typed, *limits = ALIKE[way]
    share, others = changed(trained, said[language], typed, language)
    assert share <= limits[language == "en"], others


@pytest.mark.parametrize("text", ["a", "B", "d.", "1", "2)", "17", "x"])
def test_a_lone_letter_or_number_that_picks_nothing_is_not_guessed_at(
    trained: Understanding, text: str
) -> None:
    assert decided(trained, text) == LOST


@pytest.mark.parametrize("text", ["k", "ok"])
def test_a_letter_may_stand_for_a_yes(trained: Understanding, text: str) -> None:
    assert decided(trained, text) == "affirm"


# --- anything at all

INVISIBLE = "\u200b\u200d\u2060\ufeff\u00ad\u2066\u202e\ufe0f\u034f\u180e\U000e0041\x00\x1b"
BLANK = " \t\n\r\u00a0\u2003\u2028\u3000"
COMMANDS = (
    *("restart", "session_start", "back", 'inform{"lead_name": "Ana"}', "faq/cost"),
    *('answer{"question": "aim", "option": "a"}', 'affirm@1.0{"confirmed": "yes"}', "EXTERNAL: x"),
)
# Characters of every kind beside those that scripts, phones and attackers send.
STRANGE = st.text(
    st.one_of(
        st.characters(blacklist_categories=["Cs"]),
        st.sampled_from(f"{INVISIBLE}{BLANK}éÉœ'\u2019-–/\\{{}}[]\"?!.0٣١مرحباשלוםहिन्दी🙂👩‍🚀🇨🇦"),
    ),
    max_size=80,
)
FRENCH_AND_ENGLISH = st.lists(
    st.sampled_from(
        "un coach combien ça coûte how much is it oui non help arrêter et and ?".split()
    ),
    max_size=30,
).map(" ".join)
LONG = st.builds(lambda text, times: text * times, STRANGE, st.integers(10, 400))
ANYTHING = st.one_of(
    STRANGE, FRENCH_AND_ENGLISH, st.tuples(FRENCH_AND_ENGLISH, STRANGE).map("".join)
)
QUESTIONS = st.sampled_from([None, "aim", "impact", "gate"])

parsing = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def well_formed(model: Understanding, parsed: dict[str, Any]) -> bool:
    """Whether dialogue and actions can go on from a parse."""
    names = [parsed["intent"]["name"], *(one["name"] for one in parsed["intent_ranking"])]
    sure = [one["confidence"] for one in (parsed["intent"], *parsed["intent_ranking"])]
    kept = parsed.get(MOBILIS) or {}
    json.dumps(kept, allow_nan=False)
    return (
        set(names) <= {*model.agent.domain.intents, LOST}
        and all(0 <= confidence <= 1 for confidence in sure)
        and kept["language"] in (None, "fr", "en")
    )


@parsing
@given(text=ANYTHING, question=QUESTIONS)
@example(text="\u200b", question="aim")
@example(text="🇨🇦", question="aim")
@example(text="\u202eoc nu", question=None)
@example(text="a\u0300" * 500, question="aim")
@example(text="ﷺ" * 200, question=None)  # one character that becomes eighteen
@example(text="\U0010ffff\ufffe\ufdd0", question=None)
def test_whatever_is_typed_there_is_a_meaning(
    trained: Understanding, text: str, question: str | None
) -> None:
    assume(text.strip())  # nothing at all is refused before
    parsed = trained.parse(text, question)
    assert parsed["text"] == guard(text).strip()
    assert well_formed(trained, parsed)


@settings(parsing, max_examples=25)
@given(text=LONG, question=QUESTIONS)
def test_whatever_is_typed_at_length_there_is_a_meaning(
    trained: Understanding, text: str, question: str | None
) -> None:
    assume(text.strip())
    assert well_formed(trained, trained.parse(text[:20_000], question))


@parsing
@given(
    before=st.text(INVISIBLE + BLANK, max_size=4),
    slash=st.sampled_from("/\uff0f"),
    command=st.sampled_from(COMMANDS),
    question=QUESTIONS,
)
def test_a_typed_command_is_never_obeyed(
    trained: Understanding, before: str, slash: str, command: str, question: str | None
) -> None:
    parsed = trained.parse(before + slash + command, question)
    assert parsed["intent"] == {"name": LOST, "confidence": 0.0}
    assert parsed["entities"] == []


# --- in time


@pytest.fixture
def lengths(trained: Understanding, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens the encoder has run over, for each text from now on; words decide nothing
    alone."""
    seen: list[int] = []
    run, rank = Encoder._run, LabelModel.rank

    def encoding(model: LabelModel, *texts: Any, **named: Any) -> Ranking:
        return rank(model, *texts, **{**named, "plain": classifier.NEVER})

    def counted(encoder: Encoder, texts: list[list[int]]) -> np.ndarray:
        seen.extend(map(len, texts))
        return run(encoder, texts)

    monkeypatch.setattr(Encoder, "_run", counted)
    monkeypatch.setattr(classifier, "DOUBTFUL", 0.0)
    monkeypatch.setattr(LabelModel, "rank", encoding)
    return seen


LENGTHY = {
    "questions": "combien ça coûte? " * 200,
    "one word": "x" * 20_000,
    "one accented word": "é" * 20_000,
    "Chinese": "费用是多少" * 2_000,
    "pictures": "🙂 oui " * 2_000,
    "accents upon accents": "a\u0300\u0301\u0302" * 2_000,
    "ligatures": "ﷺ" * 2_000,
    "sentences of a letter": "a.b!c?\n" * 2_000,
    "many parts": " et ".join(["combien ça coûte"] * 500),
}


@pytest.mark.parametrize("kind", LENGTHY)
@pytest.mark.parametrize("question", [None, "aim"])
def test_of_a_long_message_few_tokens_are_encoded(
    trained: Understanding, lengths: list[int], kind: str, question: str | None
) -> None:
    before = random.Random(f"{kind}{question}").random()  # so that no vector is remembered
    trained.parse(f"{before} {LENGTHY[kind]}", question)
    assert lengths
    assert max(lengths) <= MAX_TOKENS
    assert len(lengths) <= 10  # the message, and the first of its parts


# --- in training

TEXTS = [
    *(f"combien coûte {word}" for word in "ça le un ce votre l'accompagnement".split()),
    *(f"un coach {word}" for word in "svp à Laval bilingue pour nous maintenant".split()),
    *(f"how much is {word}" for word in "it the coaching this that your help".split()),
]
LABELS = [f"faq/{text.split()[0]}" for text in TEXTS]
ASKED = ["combien", "coach à Laval", "how much", "zut", ""]


def vectors_of(texts: Sequence[str]) -> np.ndarray:
    """A vector for each text that depends on nothing else."""
    rows = [np.random.default_rng(list(text.encode())).normal(size=16) for text in texts]
    return np.stack(rows).astype(np.float32)


def learned(order: Sequence[int]) -> LabelModel:
    texts = [TEXTS[number] for number in order]
    return LabelModel().fit(texts, vectors_of(texts), [LABELS[number] for number in order])


def test_training_twice_gives_the_same_bytes(tmp_path: Any) -> None:
    files = [tmp_path / name for name in ("first", "second")]
    for file in files:
        joblib.dump(learned(range(len(TEXTS))), file)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_content_changes_no_prediction(seed: int) -> None:
    order = list(range(len(TEXTS)))
    random.Random(seed).shuffle(order)
    written, shuffled = learned(range(len(TEXTS))), learned(order)
    for text in ASKED:
        encode = partial(np.squeeze, vectors_of([text]), 0)
        first, second = (dict(model.rank(text, encode)) for model in (written, shuffled))
        assert first == pytest.approx(second, abs=1e-4)
