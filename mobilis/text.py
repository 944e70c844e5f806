"""How text is made comparable before anything is learned from it or looked up in it.

Pure functions on strings; every component goes through them, in training and in a live turn.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# What the encoder and the classifiers read of a message: more words only cost time.
MAX_WORDS = 60
MAX_CHARACTERS = 400

# Texts that are remembered as they were made comparable: of a message, each part asks again.
RECENT = 256

# Put before a typed "/", so that typed text is never taken for a payload; strip() keeps it.
GUARD = "\u2060"

_APOSTROPHES = re.compile("[\u2018\u2019\u02bc\u00b4`]")
_NAME_BEFORE_CUT = re.compile(r"(?:\s+[A-ZÀ-Ý][\w'’-]*){1,4}$")
_NAME_AFTER_CUT = re.compile(r"^(?:[A-ZÀ-Ý][\w'’-]*\s+){1,4}")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_INVISIBLE = re.compile(
    "[\0-\x08\x0e-\x1b\x7f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u20e3\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
# English writes ee and oo; nothing else is lost with « ouiiii », "helppp". « www » is no word.
_REPEATED = re.compile(r"([^\W\d_w])\1{2,}")
_DOUBLED = "eoEO"
_MARKS = re.compile(r"([?!.])\1+")
_SIGN = re.compile(r"[^\w\s\0-\x7f]")
_OPENING = re.compile(
    r"^(?:(?:bonjour|bonsoir|bon matin|bon après-midi|all?[oô]|salut|coucou|hello|hi|hey"
    r"|good (?:morning|afternoon|evening|day))\b"
    r"(?:\s+(?:madame|monsieur|there|everyone|tout le monde|à tous|à vous|la gang)\b)?"
    r"\s*[,!.;:-]*\s*)+",
    re.IGNORECASE,
)
# « ici Luc, du centre jeunesse, », "I'm Sam from Prairie Harvest." The name has a capital, so that
# « je suis comptable, » stays. After a greeting, no verb is needed: "Hi, Sam from Prairie Harvest
# here," but « Bonjour, Coaching de groupe, » is no name.
_NAME = r"[A-ZÀ-Ý][^\W\d_]*(?:['-][^\W\d_]+)*(?: [A-ZÀ-Ý][^\W\d_]*(?:['-][^\W\d_]+)*){0,2}"
_SOURCE = r"(?:,? (?:from|with|at|du|des|de la|de l')\b[^,.!?;:]{1,60}?)"
_PLACE = r"(?:,? (?:from|with|at|of|de|du|des|d'|au|aux|à)\b[^,.!?;:]{1,60}?)"
_INTRODUCES = (
    r"(?i:je me présente *:?|je suis|je m'appelle|mon nom est|mon nom c'est|moi,? c'est|c'est|ici"
    r"|let me introduce myself *[,:]?|my name is|my name's|i am|i'm|this is|it's) "
)
_INTRODUCTION_END = r"(?i: here| ici)?(?:[,.!;:] *| +- +|$)"
_INTRODUCTION = re.compile(rf"^{_INTRODUCES}{_NAME}{_PLACE}{{0,2}}{_INTRODUCTION_END}")
_NAME_AND_SOURCE = re.compile(rf"^{_NAME}{_SOURCE}{{1,2}}{_INTRODUCTION_END}")
_CLOSING = re.compile(
    r"[\s,.!;]*\b(?:(?:un gros |grand )?merci(?: beaucoup| bien| d'avance| à l'avance)?"
    r"|thanks(?: a lot| so much| in advance)?|thank you(?: so much| very much)?"
    r"|svp|stp|s'il (?:vous|te) plaît|please|pls|plz)\s*[!.]*$",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"[ \t\r\n]+")
_WORD = re.compile(r"[^\W_]+")
_CLAUSE_END = re.compile(r"(?<=[?!.;])\s+|\n+")
_CONJUNCTION = re.compile(
    r"\s*,?\s+(?:et aussi|et puis|pis aussi|pis|et|aussi|and also|and then|and|also|plus)\s+",
    re.IGNORECASE,
)


def guard(text: str) -> str:
    """`text` as typed, made safe from being read as a payload."""
    return GUARD + text if text.lstrip().startswith("/") else text


def is_command(text: str) -> bool:
    """Whether `text` begins like a payload, whatever blanks or invisible characters come first."""
    return plain(text).lstrip().startswith("/")


@lru_cache(RECENT)
def plain(text: str) -> str:
    """`text` at full length: one kind of apostrophe and dash, nothing invisible, no « ouiiii »
    and no "???"."""
    text = _APOSTROPHES.sub("'", _INVISIBLE.sub("", text))  # NFKC would take U+00B4 apart
    text = _APOSTROPHES.sub("'", unicodedata.normalize("NFKC", text))
    text = _DASHES.sub("-", text)
    return _MARKS.sub(r"\1", _REPEATED.sub(_fewer, text))


def _fewer(repeated: re.Match[str]) -> str:
    letter = repeated.group(1)
    return 2 * letter if letter in _DOUBLED else letter


@lru_cache(RECENT)
def clean(text: str) -> str:
    """One line, one kind of apostrophe, dash and space, no pictures or invisible characters, at
    most `MAX_WORDS` words and `MAX_CHARACTERS` characters: the beginning and the end are kept,
    where people put the question."""
    text = " ".join(_without_pictures(plain(text)).split())
    if len(text) > MAX_CHARACTERS:
        half = (MAX_CHARACTERS - 1) // 2
        text = f"{text[:half]} {text[-half:]}"
    words = text.split()
    if len(words) > MAX_WORDS:
        words = words[: MAX_WORDS // 2] + words[-MAX_WORDS // 2 :]
    return " ".join(words)


def beginning_and_end(text: str) -> str:
    """`text` in at most `MAX_CHARACTERS` characters, cut between words; no name is cut in two."""
    if len(text) <= MAX_CHARACTERS:
        return text
    half = MAX_CHARACTERS // 2 - 2
    first, last = text[:half], text[-half:]
    first = _NAME_BEFORE_CUT.sub("", first.rpartition(" ")[0] or first)
    last = _NAME_AFTER_CUT.sub("", last.partition(" ")[2] or last)
    return f"{first} … {last}"


def _without_pictures(text: str) -> str:
    """`text` with a space for each emoji and other symbol; money and sums keep their signs."""
    return _SIGN.sub(_shown, text)


def _shown(sign: re.Match[str]) -> str:
    return " " if unicodedata.category(sign.group()) in ("So", "Sk") else sign.group()


def without_courtesies(text: str) -> str | None:
    """What `text` says between a greeting, who it is from, and a thank-you: « Bonjour, ici Luc, du
    centre jeunesse. C'est combien? Merci! » → « C'est combien? »; of a greeting and who it is from,
    the greeting. None when it has none of these, or says no more than a word beside them."""
    whole = clean(text)
    said, asked = _opened(whole)
    if said and not asked:
        return whole.removesuffix(said).strip() or None
    rest = _CLOSING.sub("", asked)
    return rest if rest != whole and len(words(rest)) >= 2 else None


def introduces(text: str) -> bool:
    """Whether `text` begins with who it is from."""
    said, asked = _opened(clean(text))
    return said != asked


def _opened(whole: str) -> tuple[str, str]:
    """A clean text without its greeting, and without who it is from either."""
    said = _OPENING.sub("", whole)
    asked = _INTRODUCTION.sub("", said)
    if asked == said != whole:
        asked = _NAME_AND_SOURCE.sub("", said)
    return said, asked


@lru_cache(RECENT)
def fold(text: str) -> str:
    """`clean` text in lower case without accents: « Élections » → "elections"."""
    return unaccented(clean(text))


def unaccented(text: str) -> str:
    """`text` in lower case without accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("œ", "oe"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def single_spaced(text: str) -> str:
    """`text` in one line: single spaces, none around it; a no-break space stays."""
    return _BLANKS.sub(" ", text).strip()


def words(text: str) -> list[str]:
    """The folded words of `text`, elisions split: « J'ai l'idée » → j, ai, l, idee."""
    return _WORD.findall(fold(text))


def clauses(text: str) -> list[str]:
    """The parts of `text` that may each ask something: sentences, and halves of "… and …"."""
    found = []
    for sentence in _CLAUSE_END.split(clean_lines(text)):
        for part in re.split(r",\s+", sentence):
            found += [half for half in _CONJUNCTION.split(part) if len(words(half)) >= 2]
    return found


def clean_lines(text: str) -> str:
    """`clean`, line by line."""
    return "\n".join(clean(line) for line in text.splitlines() if line.strip())
