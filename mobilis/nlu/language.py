"""In which language a message is written: French, English, another one, or no telling.

Three witnesses: the words of our own phrasings (which know « c tu gratuit »), the letters of words
that they seldom or never saw, and lingua's general models. "keep" means: too little to change
language for.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from lingua import Language, LanguageDetector, LanguageDetectorBuilder
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import METADATA, METADATA_INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mobilis.facets import place_names
from mobilis.nlu.component import LearningComponent
from mobilis.nlu.context import KEEP as KEEP
from mobilis.nlu.context import OTHER
from mobilis.nlu.lexical import Terms, ridge
from mobilis.settings import ROOT
from mobilis.shorthand import load_shorthand
from mobilis.text import clean, unaccented, words

LANGUAGE = "written_language"  # message property: a `Reading`

# Said in both languages, or names: no reason to change language.
NEUTRAL = frozenset(
    """ok okay k hm hmm mm mmh ah oh ha haha lol euh hum stop super perfect coach coachs coaches
    innoweave mobilis email faq cra arc t3010 ppdda adppe cg bravo ontario quebec canada manitoba
    alberta yukon nunavut a b c d e restart inform demo info test no question option options menu
    message budget cool wow coalition lobbying profit nonprofit miigwech kwe boozhoo tansi
    nakurmiik centraide documentation rue boulevard boul avenue chemin street road""".split()
)

# Said in both languages, though one of its words is of one.
_BORROWED = re.compile(r"\bnon[ -]profits?\b", re.I)
# « Rivière-du-Loup », "Saint-Vincent": a name wherever it stands, the first word included.
_JOINED_NAME = re.compile(r"\w+(?:-\w+)*-[A-ZÀ-Ý]\w*")
# « Saint-Vincent de Paul », "Boys and Girls Club": within a name, these belong to it.
_WITHIN_NAMES = frozenset("de du des la le les et of and the for".split())
# Amid words of one language, a name goes on with these of the other: "does the Loi sur la
# transparence et l'éthique apply".
_JOINING_AMID = {
    "en": frozenset("de du des d la le les l en et sur pour a au aux".split()),
    "fr": frozenset("of and the for in on to with".split()),
}

# The small words of a sentence tell its language; its nouns may be borrowed ("our comité logement
# needs a coach").
_SMALL = {
    "en": frozenset(
        """my our your his her their the this that these is are was does do did can could we you i
        they it he she us of to for with from how what when who why says say needs want wants and
        not at an any some if be been have has get here me about please pls thx thanks""".split()
    ),
    "fr": frozenset(
        """je tu il elle on nous vous ils elles mon ma mes notre nos votre vos son sa ses leur leurs
        le la les ce cette ces est sont etait c qui que quoi dans avec pour chez du des au aux de d
        pas mais ou et par un une ai fait peut peux veut veux toute tous svp stp""".split()
    ),
}
_EITHER_SMALL = frozenset().union(*_SMALL.values())
_SMALL_WEIGHT = 1.5

_UNREAD = 0.7  # times that a word could have been read, beyond those that it was
_SHORT_TIMES = 4  # as often as that, a short form of content/shorthand.yml counts as read

_SELDOM = 3  # read in our phrasings at most so often, a word says less than its letters
_LETTERS_RIDGE = 0.7  # how much of what each word says is taken for chance
_ACCENT, _A_GRAVE = 1.0, 2.5  # log-odds of a word that English would write without, and of « à »
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_LONGEST_PART = 2  # words of a name before one that joins them to the rest
_STOP = re.compile(r"[.,;:!?)]$")
_ACCENTED = re.compile("[àâçèéêëîïôùûœ]")

# Commands and marks that are no sentence of any language.
_CODE = re.compile(
    r"</?\w|--|[{}]|\w=[\w\"']|\b(?:select|drop|insert|delete)\s+(?:from|table|into|\*)", re.I
)

_OTHERS = ("SPANISH", "PORTUGUESE", "GERMAN", "ITALIAN", "ARABIC", "CHINESE", "RUSSIAN", "HINDI")
_MARGIN = 1.5  # log-odds that a message must show: a word read once is not enough
_UNKNOWN_MARGIN = 2.2  # … when our own words say nothing
_ONE_SIDED_MARGIN = 0.7  # … when it is a few words that were each read in one language only
_FEW = 3
_CERTAIN = 12.0  # log-odds of known words that nothing else could change
_OTHER_CONFIDENCE = 0.85
_LEAST = 1e-4  # that the general models may say of a language
_MOST_GENERAL = -math.log(_LEAST)  # log-odds that they may come to


class Reading(NamedTuple):
    """`language` is fr, en, other or keep; `evidence` is log-odds, French positive, as far as it
    had to be looked for."""

    language: str
    evidence: float


@lru_cache(maxsize=1)
def _detector() -> LanguageDetector:
    languages = [Language.FRENCH, Language.ENGLISH] + [getattr(Language, o) for o in _OTHERS]
    builder = LanguageDetectorBuilder.from_languages(*languages)
    return builder.with_low_accuracy_mode().build()  # 175 MB less; as good beside our own words


class LanguageModel:
    """Log-odds of words between French and English, learned from phrasings."""

    def fit(self, texts: Sequence[tuple[str, str]]) -> "LanguageModel":
        """Learn from pairs (language, text)."""
        counts: dict[str, Counter[str]] = {"fr": Counter(), "en": Counter()}
        for language, text in texts:
            counts[language].update(words(text))
        totals = {language: sum(counter.values()) + 1 for language, counter in counts.items()}
        for language, shorthand in load_shorthand(ROOT).items():
            alone = [said[0] for form in shorthand.forms if len(said := words(form)) == 1]
            counts[language].update(alone * _SHORT_TIMES)
        unread = _UNREAD / (sum(totals.values()) / len(totals))  # of every word, in each language
        self.odds: dict[str, float] = {}
        for word in set(counts["fr"]) | set(counts["en"]):
            french = counts["fr"][word] / totals["fr"] + unread
            english = counts["en"][word] / totals["en"] + unread
            self.odds[word] = max(-3.5, min(3.5, math.log(french / english)))
        self._seldom = frozenset(
            word for word in self.odds if counts["fr"][word] + counts["en"][word] <= _SELDOM
        )
        self._learn_letters()
        for word in _EITHER_SMALL & set(self.odds):
            self.odds[word] *= _SMALL_WEIGHT
        self._one_sided = frozenset(set(counts["fr"]) ^ set(counts["en"]))
        self._places = frozenset(tuple(words(place)) for place in place_names(ROOT))
        self._longest_place = max(map(len, self._places))
        return self

    def _learn_letters(self) -> None:
        """What the letters of a word say, from those of the words that were read."""
        known = sorted(word for word in self.odds if word.isalpha() and len(word) > 1)
        self._letters = Terms(analyzer="char_wb", ngram_range=(2, 4))
        targets = np.array([[self.odds[word]] for word in known], dtype=np.float32)
        self._weights = ridge(self._letters.fit(known), targets, _LETTERS_RIDGE)[:, 0]

    def _by_letters(self, word: str) -> float:
        terms, weights = self._letters.row(word)
        return float(weights @ self._weights[terms])

    def read(self, text: str) -> Reading:
        """The language of `text`; `keep` for what shows too little of any."""
        if _CODE.search(text):
            return Reading(KEEP, 0.0)
        text = self._without_long_names(text)
        said = self._without_places(_countable(text))
        own = [word for word in said if word not in NEUTRAL and not _DIGIT.search(word)]
        accents = self._accents(text)
        if not own and not accents:
            return Reading(OTHER if _far(text) and _foreign(text) else KEEP, 0.0)
        known = [self.odds[word] for word in own if word in self.odds]
        unknown = [word for word in own if word not in self.odds and (len(word) > 2 or _far(word))]
        seldom = [word for word in own if word in self._seldom and len(word) > 2]
        if clean(text).isupper():  # « MARIE TREMBLAY »: what is not ours may be a name
            unknown = seldom = []
        evidence = sum(known) + accents
        if own and own[0] in _EITHER_SMALL:  # a sentence goes on as it begins, with names in it
            evidence += self.odds.get(own[0], 0.0)
        margin = _MARGIN if known else _UNKNOWN_MARGIN
        if len(own) <= _FEW and self._one_sided.issuperset(own):
            margin = _ONE_SIDED_MARGIN
        if unknown + seldom and abs(evidence) < _CERTAIN:
            evidence += sum(map(self._by_letters, unknown + seldom))
            enough = len(own) >= 2 or _far(own[0])  # Chinese has no spaces
            if len(unknown) * 2 >= len(own) and enough and _foreign(text):
                return Reading(OTHER, 0.0)
            share = len(unknown + seldom) / len(own)
            weight = min(1.0, share + (0.2 if len(own) > 1 else 0.0))
            if abs(evidence) < margin + weight * _MOST_GENERAL:  # else it could change nothing
                evidence += weight * self._general(" ".join(own))
        if abs(evidence) < margin:
            return Reading(KEEP, evidence)
        return Reading("fr" if evidence > 0 else "en", evidence)

    def _without_long_names(self, text: str) -> str:
        """`text` without names that go on in the other language than what they stand in: "does the
        Loi sur la transparence et l'éthique en matière de lobbyisme apply to us" → "does the apply
        to us"."""
        tokens = clean(text).split()
        kept, start = tokens[:1], 1
        while start < len(tokens):
            end = start
            if tokens[start][:1].isupper():
                before = _first(tokens[start - 1])
                amid = next((name for name, small in _SMALL.items() if before in small), None)
                end = _end_of_name(tokens, start, _JOINING_AMID[amid]) if amid else start
            kept += tokens[start : start + 1] if end == start else []
            start = max(end, start + 1)
        return " ".join(kept)

    def _without_places(self, said: list[str]) -> list[str]:
        """« Rimouski », "trois-rivieres": where somebody is tells nothing either."""
        kept, start = [], 0
        while start < len(said):
            ends = range(min(len(said), start + self._longest_place), start, -1)
            end = next((end for end in ends if tuple(said[start:end]) in self._places), None)
            kept += [] if end else [said[start]]
            start = end or start + 1
        return kept

    def _accents(self, text: str) -> float:
        """What accents say; those of names and places say nothing."""
        whole = clean(text)
        odds = 0.0
        for word in _LETTERS.findall(whole.lower() if whole.isupper() else whole):
            if word == "à":
                odds += _A_GRAVE
            elif word.islower() and _ACCENTED.search(word):
                folded = unaccented(word)
                told = folded not in NEUTRAL and (folded,) not in self._places
                odds += _ACCENT if told else 0.0
        return odds

    @staticmethod
    def _general(text: str) -> float:
        values = {
            value.language: max(value.value, _LEAST)
            for value in _detector().compute_language_confidence_values(text)
        }
        return math.log(values[Language.FRENCH] / values[Language.ENGLISH])


def _first(token: str) -> str:
    """The word that a token begins with: « l'éthique » → "l"."""
    return next(iter(words(token)), "")


def _end_of_name(tokens: Sequence[str], start: int, joining: frozenset[str]) -> int:
    """Where the name ends that begins at `start`: it goes on for as long as a word joins the next
    one to it, soon; `start` when none does."""
    end, size = start + 1, len(tokens)
    while not _STOP.search(tokens[end - 1]):
        near = range(end, min(end + _LONGEST_PART + 1, size))
        joins = next((at for at in near if _first(tokens[at]) in joining), size)
        if joins == size:
            break
        end = joins + 1
        elided = len(words(tokens[joins])) > 1  # « l'éthique » is both
        while not elided and end < size and _first(tokens[end]) in joining:
            elided = len(words(tokens[end])) > 1
            end += 1
        end += not elided and end < size
    return end if end > start + 1 else start


def _far(text: str) -> bool:
    """Whether there are letters in `text` that neither language is written in."""
    return any(letter.isalpha() and ord(letter) > 0x24F for letter in text)


def _countable(text: str) -> list[str]:
    """The words that may tell a language: no addresses, no links, no names inside a sentence."""
    text = _BORROWED.sub(" ", clean(text))
    tokens = [t for t in text.split() if "@" not in t and "://" not in t and "www." not in t]
    if text.isupper():
        return words(" ".join(tokens))
    spelled = [token for token in tokens if _LETTERS.search(token)]
    if spelled and all(token[:1].isupper() for token in spelled) and len(spelled) <= 4:
        # « Marie Tremblay », "Sudbury Food Bank": a name, unless it is one capitalised word of ours
        alone = len(spelled) == 1 and not _JOINED_NAME.match(spelled[0])
        return words(spelled[0]) if alone else []
    named = [token[:1].isupper() and not token.isupper() for token in tokens]
    kept = [
        token
        for number, token in enumerate(tokens)
        if not (named[number] and (number > 0 or _JOINED_NAME.match(token)))
        and not (token in _WITHIN_NAMES and all(named[number - 1 : number + 2 : 2]) and number > 0)
    ]
    return words(" ".join(kept))


def _foreign(text: str) -> bool:
    values = _detector().compute_language_confidence_values(clean(text).lower())
    best = values[0] if values else None
    if best is None or best.language in (Language.FRENCH, Language.ENGLISH):
        return False
    latin = best.language.name in ("SPANISH", "PORTUGUESE", "GERMAN", "ITALIAN")
    return best.value >= (_OTHER_CONFIDENCE if latin else 0.5)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LanguageReader(LearningComponent):
    """Reads the language of every message, under `written_language`."""

    def train(self, training_data: TrainingData) -> Resource:
        pairs = [
            (m.get(METADATA)[METADATA_INTENT]["language"], m.get(TEXT))
            for m in training_data.intent_examples
            if (m.get(METADATA) or {}).get(METADATA_INTENT)
        ]
        return self.keep(LanguageModel().fit(pairs))

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(TEXT)
            if text and not text.startswith("/"):
                message.set(LANGUAGE, self.learned.read(text))
        return messages
