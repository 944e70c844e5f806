"""Reading contact details in what people say: a name, an organization, an address, a message, and
their corrections (« non attends, c'est pas le bon courriel, c'est … », "the name is just Ann Roy").

Pure. Called by the declaration of interest, which asks for each detail and reads them back, and by
understanding, which must know that a message corrects a detail before it takes it for a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

FIELDS = ("name", "organization", "email", "message")
LIMITS = {"name": 120, "organization": 200, "email": 254, "message": 2000}
NOTHING = "-"  # the value of a message that somebody does not want to leave

_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def _words(pattern: str) -> re.Pattern[str]:
    """A pattern written over several lines, spaces as they stand, whatever the case."""
    return re.compile(re.sub(r"\n\s*", "", pattern), re.IGNORECASE)


# « ben je viens de le dire, … », "like I said": said around a detail, no part of it.
_SAID_BEFORE = r"""(?:(?:ben |mais |well )?(?:je viens de (?:le |vous le )?dire
    |je (?:vous |te )?l'ai (?:déjà )?(?:dit|donné|écrit|indiqué)e?
    (?: plus haut| tantôt| à l'instant)?
    |comme (?:j'ai dit|je (?:vous )?disais)|you (?:already )?have (?:it|that)(?: already)?
    |(?:like |as )?i(?:'ve)? (?:just |already )?(?:said|say|told you|gave you|mentioned|wrote)
    (?: (?:it|that|already|above|earlier))*))"""
_OPENING = _words(
    rf"""^(?:{_SAID_BEFORE}[\s,:.]+)?
    (?:(?:bonjour|allo|allô|hi|hello|ok|euh|uh|um|ben|pis|et|and|alors|so|oh|ah)\b[\s,]*)*
    (?:moi\b[\s,]*)?
    (?:(?:c'est|il s'agit (?:de|du)|veuillez (?:inscrire|noter|indiquer)\s?:?
    |je m'appelle|mon nom,? (?:est|c'est)|je suis|on est|nous sommes|on s'appelle
    |(?:notre |mon |l')organi(?:sme|sation),? (?:est|c'est|s'appelle)
    |je travaille (?:à|pour|chez)|my name(?: is|'s)|i'm|i am|this is|it's|its|we are|we're
    |our organi[sz]ation is|i work (?:at|for|with))
    (?:\s+(?:juste|seulement|just|only|called))?\s+)?"""
)
_ENDING = _words(
    rf"[\s,]+(?:{_SAID_BEFORE}|svp|stp|please|s'il vous plaît|merci|thanks|thank you)$"
)

# What makes of the value that follows the right one.
_CORRECTS = _words(
    r"""\b(?:non|attends|attendez|minute|plutôt|je veux dire|pardon|s?cuse[zs]?|oups|erreur
    |trompée?|pas (?:le|la) bonn?e?|no|nope|wait|sorry|oops|actually|i mean|mistake|wrong|instead
    |rather|not the right)\b"""
)
# What tells that a detail is wrong, without what is right.
_FAULTY = _words(
    r"""\b(?:pas (?:le |la )?bonn?e?|mal|faute|erreur|trompée?|corriger?|changer?|modifier?|refaire
    |enl[eè]ve[rz]?|ôte[rz]?|remove|wrong|incorrect|mistake|typo|misspel\w*|fix|edit|change
    |correct|redo)\b"""
)
_REMOVES = _words(
    r"""\b(?:enl[eè]ve[rz]?|retire[rz]?|efface[rz]?|supprime[rz]?|ôte[rz]?|oublie[rz]?|pas|sans
    |aucun|remove|delete|drop|erase|scrap|forget|no|without|skip|take|take out|leave out)\s+$"""
)
_NOUNS = {
    "email": r"(?:adresse )?(?:courriel|e-?mail)|adresse|(?:e-?mail )?address|mail",
    "organization": r"""(?:nom (?:de l'|d')|name of (?:the|our) )?(?:organisme|organi[sz]ation|org)
    (?:'s)?(?: name)?|(?:group|charity|nonprofit)(?:'s)? name|group|groupe""",
    "part": r"(?:last|first|family) name|prénom|nom de famille",
    "name": r"nom|name",
    "message": r"message",
}
_FIELD = _words(
    r"(?<![\w@.-])(?:(?:mon|le|la|notre|my|the|our|ton|votre|your|un|a|de|dans|in)\s+|l'|d')*(?:"
    + "|".join(f"(?P<{name}>{noun})" for name, noun in _NOUNS.items())
    + r")(?![\w@-])"
)
_IS = _words(
    r"""(?:\s(?:au complet|complet|exact|officiel|full|right|correct))?[\s,]*
    (?:c'est|s'appelle|devrait être|serait|should (?:be|read)|[:=])\s*"""
)
_IS_MINE = _words(r"[\s,]*(?:est|is)\b\s*")  # after « mon nom », "my name", "group name"
_IS_LOOSELY = _words(r"[\s,]*(?:(?:est|is|was|pour|par|to)\b)\s*")
_MINE = _words(r"(?:mon nom|my name|(?:my |our |the )?(?:group|charity|nonprofit)(?:'s)? name)\b")
_CAPITAL = re.compile(r"\s+(?=[A-ZÀ-Ý])")
_MERELY = _words(
    r"""^(?:(?:plutôt|juste|seulement|simplement|bien|écrit|just|only|simply|actually|called|spelled
    |spelt)\s+)+"""
)
_ENDS = _words(r"[;!?\n]|[.,](?=\s|$)|\s(?:pis|puis|mais|but)\s|\stout court\b")
_JOINS = _words(r"(?:[\s,;.]|\b(?:et|and|pis|puis|svp|stp|please)\b)+$")
_AFTERTHOUGHT = _words(
    r"""[\s,;.]*(?:\b(?:ah|oh|sorry|désolée?|et|and|pis|puis|also|aussi|en passant|en fait|actually
    |by the way)\b[\s,;.]*)*$"""
)
_FROM = _words(
    r"""^(?P<name>[^,]+?),?\s+(?:du|(?-i:de la)|de l'|des|de|chez|et je représente|from|with|at)
    \b\s*(?:the\s+)?
    (?P<organization>\S.*)$"""
)
# "Colin Roy, I'm with the Food Bank"; "Bev Roy, Bancroft 60+ Club", but « Jean Roy, avocat ».
_BESIDE = _words(
    r"""^(?P<name>[^,]+?),\s*(?:(?:and )?(?:i'm|im|i am|we're|je suis)\s+
    (?:with|from|at|avec|de|du|chez|à)\s+(?:the\s+)?|(?=(?-i:[A-ZÀ-Ý]\S*\s\S)))
    (?P<organization>\S.*)$"""
)
_KIND = _words(r"^(?:du|(?-i:de la)|de l'|des|de|d'|chez|from|with|at|of)\b\s*(?:the\s+)?")
_QUESTION = _words(
    r"""^(?:(?:mais|but|and|et|hmm|euh|wait|attends)[\s,]+)*
    (?:pourquoi|why|c'est quoi|what|how|est-ce|à quoi|qui va
    |who (?:sees|reads|gets|will))\b|\?\s*$"""
)
_NO_MESSAGE = _words(
    r"""^(?:rien|aucun|non|pas de message|rien (?:de plus|à ajouter|de spécial|pour l'instant)
    |no,? that's (?:it|all|everything)|that's (?:it|all|everything)|c'est tout
    |none|nothing|nope|no|nothing (?:else|to add)|n/a|no message)[\s.!]*$"""
)
# « jocelyn point gagnon arobas escale point org », as a telephone writes what it hears.
_SPOKEN = (
    (_words(r"\s*\b(?:arobas|arobase|a commercial|at sign|at)\b\s*"), "@"),
    (_words(r"\s+(?:point|dot)\s+"), "."),
    (_words(r"\s+(?:tiret|trait d'union|dash|hyphen)\s+"), "-"),
    (_words(r"\s+(?:souligné|underscore)\s+"), "_"),
)
# "…, and you can reach me at", « … mon courriel c'est »: between a detail and the address.
_TOWARDS_ADDRESS = _words(
    r"""(?:^|[\s,;.]+)(?:(?:and|et|pis|puis|or|ou)\b[\s,]*)?
    (?:(?:you can (?:best |always |also )?|just )?
    (?:reach|write|contact|e-?mail|get|find)(?: to)? (?:me|us)
    |(?:(?:vous|tu|on) (?:pouvez|peux|peut) (?:toujours )?)?(?:me |m'|nous )
    (?:joindre|rejoindre|écrire|contacter|trouver)
    |(?:écri(?:s|vez)|joi(?:ns|gnez)|rejoi(?:ns|gnez)|contactez?)[ -](?:moi|nous)
    |(?:my|our|mon|notre|l')\s?(?:e-?mail|courriel|adresse|mail)\b)[^,;.@]{0,24}$"""
)
_DENIED = _words(r"\b(?:pas|et non|not)\s+(?:le |la |the |un |une |a |an )?(?P<wrong>[\w.@-]{2,})")
ALIKE = 0.6  # how alike a word and its correction are, from 0 to 1
_GOES_ON = _words(r"^[\s,;.:–—-]*(?:(?:mais|but|and|et|pis|puis|oh|ah|aussi|also)\b[\s,]*)*")
SENTENCE = 4  # words after an address that are more than a thank-you
_FIRST_PART = re.compile(r"([^.,;!\n]{1,40})[.,;!\n]+\s*(.*)", re.DOTALL)
NAME_WORDS = 6  # of a name, with what stands before it, that a sentence follows
_PARTS = re.compile(r"\s*[,;]\s+|\s+[-–—]\s+|\.\.\.|…|(?<=\w\w\w)[.!]\s+")
_PART_ENDS = _words(r"[,;\n]|(?<=\w\w)[.!?](?=\s|$)|\s(?:pis|et|and)\s")


@dataclass(frozen=True)
class Details:
    """What a person gave of themselves; empty strings where nothing was given."""

    name: str = ""
    organization: str = ""
    email: str = ""
    message: str = ""


@dataclass(frozen=True)
class Told:
    """What a message says of the details: `given` as they would be kept, by field, and those that
    are `wrong`, of which the right value was not said; `rest` is what it said before."""

    given: Mapping[str, str] = MappingProxyType({})
    wrong: frozenset[str] = frozenset()
    rest: str = ""

    def __bool__(self) -> bool:
        return bool(self.given or self.wrong)


def tidy(field: str, text: str) -> str | None:
    """`text` as the value of `field`, or None when it cannot be one.

    An e-mail address is found in a sentence, the last one when it corrects another; a name or an
    organization loses what stands around it (« je m'appelle … »).
    """
    text = _CONTROL.sub("", text).strip()
    if field == "email":
        found = _address(text)
        return found if found and len(found) <= LIMITS[field] else None
    if field != "message":
        text = _ENDING.sub("", text.replace("\u2019", "'").strip(" .,;!"))
        text = " ".join(_OPENING.sub("", text).split()).strip(" .,;!")
        if not any(character.isalpha() for character in text) or "@" in text:
            return None
    return text if 0 < len(text) <= LIMITS[field] else None


def is_address(text: str) -> bool:
    """Whether a text is one e-mail address and nothing else."""
    return len(text) <= LIMITS["email"] and bool(_EMAIL.fullmatch(text))


def _address(text: str) -> str | None:
    found = [match for match in _EMAIL.finditer(text) if len(match.group(0)) <= LIMITS["email"]]
    if not found:
        return None
    corrected = len(found) > 1 and _CORRECTS.search(text[found[0].end() : found[-1].start()])
    return found[-1 if corrected else 0].group(0)


def afterthought(text: str) -> str:
    """What goes on after an address, where that is a sentence (« …, mais un appel m'irait mieux »);
    "" where it is little, another address, or a correction."""
    found = _EMAIL.search(text)
    if not found or _CORRECTS.search(text) or len(_EMAIL.findall(text)) > 1:
        return ""
    said = _GOES_ON.sub("", text[found.end() :]).strip(" .,;:")
    return said if len(said.split()) >= SENTENCE else ""


def split_details(
    text: str, persons: Sequence[str], organizations: Sequence[str], named: bool = False
) -> Details | None:
    """Name, organization and address given in one message, or None when there is no address.

    `persons` and `organizations` are those found in the text; without them, the order of a
    signature is assumed: name, organization, address; without a name where it was `named` before.
    """
    found = _EMAIL.search(text)
    if not found or len(found.group(0)) > LIMITS["email"]:
        return None
    before = _TOWARDS_ADDRESS.sub("", text[: found.start()])
    rest = (before + "," + text[found.end() :]).replace("\n", ",")
    parts = [tidy("organization", part) for part in re.split(r"[,;]| - ", rest)]
    kept = [part for part in parts if part]
    first = kept[0] if kept and not named else ""
    name = next((person for person in persons if "@" not in person), first)
    others = [part for part in kept if not name or name not in part]
    organization = next(iter(organizations), others[0] if others else "")
    return Details(
        tidy("name", name) or "", tidy("organization", organization) or "", found.group(0)
    )


def answered(field: str, text: str, persons: Sequence[str] = ()) -> Mapping[str, str]:
    """The details that `text` gives where `field` was asked for, by field.

    Of an answer that corrects itself (« Lavoie, non, Lavoye ») the last part counts, of one that
    goes on with a question what stands before it; with a name, the organization may be told
    (« Sylvie Roy, du Centre de femmes »). `persons` are those found in the text.
    """
    if field == "message":
        return {field: NOTHING} if _NO_MESSAGE.match(text.strip()) else _tidied(field, text)
    if field == "email":
        return _tidied(field, text) or _tidied(field, _spelled(text))
    sentences = re.split(r"(?<=\w\w\w[.!?])\s+", text.replace("\u2019", "'"))
    asked = len(sentences) > 1 and _QUESTION.search(sentences[-1])
    said = " ".join(sentences[:-1] if asked else sentences)
    if field == "name" and not _CORRECTS.search(said) and len(sentences[0].split()) <= NAME_WORDS:
        said = sentences[0]
    if _QUESTION.search(said):
        return {}
    parts = [part for part in _PARTS.split(said) if part.strip()]
    corrected = any(_CORRECTS.search(part) for part in parts[1:])
    value = tidy(field, _after_correction(parts[-1]) if corrected else said)
    if not value:
        return {}
    both = _with_organization(value, persons) if field == "name" else None
    if both:
        return {**_tidied("name", both["name"]), **_tidied("organization", both["organization"])}
    return {field: value}


def _with_organization(value: str, persons: Sequence[str]) -> re.Match[str] | None:
    """The name and the organization of « Ana Roy, du Centre », "Bev Roy, Bancroft 60+ Club"."""
    for pattern, comma in ((_FROM, True), (_BESIDE, False)):
        found = pattern.match(value)
        if found and (
            (comma and "," in value) or is_person(found["name"]) or found["name"] in persons
        ):
            return found
    return None


def _after_correction(part: str) -> str:
    """« non attends Lavoye » → « Lavoye »."""
    found = list(_CORRECTS.finditer(part))
    rest = part[found[-1].end() :].strip() if found else part
    return rest or part


def is_person(name: str) -> bool:
    """Whether a name is two or three capitalized words, as those of people are."""
    words = name.split()
    return 2 <= len(words) <= 3 and all(word[:1].isupper() for word in words)


def _spelled(text: str) -> str:
    for spoken, sign in _SPOKEN:
        text = spoken.sub(sign, text)
    return text


def _tidied(field: str, text: str) -> dict[str, str]:
    value = tidy(field, text)
    return {field: value} if value else {}


def corrections(text: str, strictly: bool = False) -> Told:
    """What `text` says of details that it names: « l'organisme c'est Le Relais », "remove the
    message", « le nom est mal écrit »; and an address that it gives in the place of another.

    `strictly`: where any text may stand, "our organization is small" names none.
    """
    text = _CONTROL.sub("", text).replace("\u2019", "'")
    given: dict[str, str] = {}
    wrong: set[str] = set()
    starts: list[int] = []
    for field, start, before, after in _mentions(text):
        if field == "part":  # of a name: the whole is asked again
            wrong |= set() if strictly else {"name"}
            continue
        mine = bool(_MINE.match(text, start))
        said = "" if _REMOVES.search(before) else _value(after, strictly, mine)
        value = tidy(field, said) if said and not _FAULTY.match(said) else None
        if value:
            given[field] = value
        elif field == "message" and _REMOVES.search(before):
            given[field] = NOTHING
        elif "@" in said or (not strictly and (said or _is_faulty(before, after))):
            wrong.add(field)
        else:
            continue
        starts.append(start)
    corrects = _CORRECTS.search(text)
    address = tidy("email", text)
    if address and "email" not in given and (corrects or not strictly):
        given["email"] = address
    if corrects and "email" in given:
        starts.append(corrects.start())
    rest = _AFTERTHOUGHT.sub("", text[: min(starts)]).strip() if starts else ""
    return Told(given, frozenset(wrong - set(given)), rest)


def swap_in(text: str) -> tuple[str, str] | None:
    """The right word and the wrong one of « c'est 0198, pas 0199 », "it's Lavoye, not Lavoie", or
    None: two words that look alike, one of them denied."""
    text = text.replace("\u2019", "'")
    said = [word.strip('.,;:!?()«»"') for word in text.split()]
    for denied in _DENIED.finditer(text):
        wrong = denied["wrong"].rstrip(".-")
        others = [word for word in said if word and word.lower() != wrong.lower()]
        near = get_close_matches(wrong, others, n=1, cutoff=ALIKE)
        if near:
            return near[0], wrong
    return None


def swapped(text: str, details: Mapping[str, str]) -> Mapping[str, str]:
    """`details` that change, by field, once the word that `text` denies stands corrected."""
    swap = swap_in(text)
    if not swap:
        return {}
    right, wrong = swap
    pattern = re.compile(rf"(?<!\w){re.escape(wrong)}(?!\w)", re.IGNORECASE)
    changed = {field: pattern.sub(lambda _: right, value) for field, value in details.items()}
    return {field: value for field, value in changed.items() if value != details[field]}


def _is_faulty(before: str, after: str) -> bool:
    """Whether what stands near the name of a field says that it is wrong."""
    return bool(_FAULTY.search(f"{before[-40:]} {after[:40]}"))


def _mentions(text: str) -> Iterator[tuple[str, int, str, str]]:
    """Each field that is named, where, with the text before and the text up to the next one."""
    found = list(_FIELD.finditer(text))
    for number, match in enumerate(found):
        before = found[number - 1].end() if number else 0
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        yield (
            str(match.lastgroup),
            match.start(),
            text[before : match.start()],
            text[match.end() : end],
        )


def _value(after: str, strictly: bool, mine: bool) -> str:
    """The value that follows the name of a field, "" when none does."""
    is_ = _IS.match(after) or (_IS_MINE.match(after) if mine else None)
    if not strictly:
        is_ = is_ or _IS_LOOSELY.match(after) or _CAPITAL.match(after)
    if not is_:
        return ""
    said = _MERELY.sub("", after[is_.end() :])
    address = _EMAIL.match(said)
    said = address.group(0) if address else _ENDS.split(said, maxsplit=1)[0]
    return _JOINS.sub("", said).strip(" «»\"'")


def first_part(text: str) -> tuple[str, str]:
    """A short beginning of `text` and the rest, « D'accord. Ana Roy » → « D'accord », « Ana Roy »;
    the rest is "" when there is none."""
    parts = _FIRST_PART.match(text.strip())
    return (parts[1], parts[2]) if parts else (text, "")


def introduced_details(text: str, names: Sequence[str]) -> Mapping[str, str]:
    """The details by which somebody introduces themselves on the way (« mon nom c'est Luc Roy, de
    L'Escale, luc@escale.org »): by field. `names` are those that follow « je m'appelle » or "I'm".
    """
    told = dict(corrections(text, strictly=True).given)
    told.pop("message", None)
    address = tidy("email", text)
    if address:
        told["email"] = address
    for name in names[:1]:
        following = _EMAIL.sub(",", text[text.find(name) + len(name) :])
        both = _FROM.match(name)
        part = both["organization"] if both else _PART_ENDS.split(following.lstrip(" ,"), 1)[0]
        if both or (part and (following.startswith(",") or _KIND.match(part))):
            told = {**_tidied("organization", _KIND.sub("", part.strip())), **told}
        told.update(_tidied("name", both["name"] if both else name))
    return told
