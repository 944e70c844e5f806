"""Small words that show what a message is about where its label alone would mislead: that it asks,
cancels, sends, keeps, picks the second, or only names a language.

Pure; called by `mobilis.nlu.context`, which decides. Texts are compared without case and accents.
"""

import re

from mobilis.text import fold, words

# What a picture alone says.
PICTURES = {
    "👋": "greet",
    "👍": "affirm",
    "👌": "affirm",
    "✅": "affirm",
    "👎": "deny",
    "🙏": "thank",
}

_FOLLOWS = re.compile(
    r"^(?:et|pis|puis|mais|ok et|ok pis|and|but|so|ok and|what about|how about|what if|qu en est il"
    r"|dans ce cas|sinon|alors|also|meme chose|same)\b"
)
_ASKS = re.compile(
    r"\?\s*$|^(?:est ce|c est (?:quoi|qui|combien|quand|ou)|comment|combien|quand|pourquoi|qui"
    r"|quel|quelle|quels|ou|qu|what|how|why|when|who|where|which|is|are|do|does|can|could|should|kosse|faut)\b"
)
_WAITING = re.compile(
    r"^(?:(?:wait|hold on|hmm|but|mais|attends|attendez|minute|before that|avant ca"
    r"|can i ask something(?: first)?|une question|question)\b[\s,:.!]*)+"
)
_CANCELS = re.compile(
    r"(?:(?:ok|bon|non|no|oh|actually|en fait|finalement|thanks|merci)\b[\s,]*)*"
    r"(?:laisse[rz]? faire|oublie[rz]? ca|annule[rz]?\b|cancel\b|forget it|never ?mind"
    r"|envoie[rz]? pas)"
)
_ERASES = re.compile(r"\b(?:efface|supprim|detrui|oubli|delete|erase|remove|forget|wipe)")
_SENDING = frozenset("envoie envoye envoyez envoyer transmets transmettez send submit".split())
_NEGATIONS = frozenset("pas non ne n not no don attends wait".split())
_KEEPING = frozenset("keep garde gardez garder non no nope pas dont don wait attends".split())
_PLAIN_YES = frozenset(
    """oui ouais ok okay yes yep yeah sure certain certaine absolument accord go confirme confirm
    correct definitely""".split()
)
_ALL_OF_IT = frozenset(
    """svp stp please d vas y ahead do it mets en efface effacez effacer tout toute toutes delete
    erase everything all of je suis i am le la les c est ca bien sur mes my me donnees
    renseignements data""".split()
)
_REACHING = frozenset(
    """contact contacter contacte contactez touch joindre rejoindre ecrire parler rencontrer
    appeler choisis prends prendre reach write talk meet call choose pick take""".split()
)
_CHOOSING = re.compile(
    r"\b(?:go(?:ing)? with|lean\w* towards?|(?:vais|va|irais|irait)(?: y aller)? avec)\b"
)
_PRONOUNS = frozenset("him her them le la lui elle".split())
_THEM = re.compile(
    r"\b(?:(?:is|are|does|do|has|have|can|could|would|will) (?:he|she|they)|which (?:one|of)"
    r"|(?:any|one|both|none|either|neither) of them|the (?:two|three)|lequel|laquelle"
    r"|(?:his|her|their) (?:e ?mail|phone|number|rates?|fees?|address)|lesquel(?:le)?s"
    r"|(?:son|leur) (?:courriel|numero|telephone)|(?:ses|leurs) (?:tarifs?|coordonnees)"
    r"|les (?:deux|trois)|(?:un|une|aucune?) d (?:entre )?(?:eux|elles)"
    r"|(?:est|sont|parle|parlent|travaille|travaillent|a|ont|peut|peuvent) (?:t )?(?:il|elle)s?"
    r"|(?:il|elle)s? (?:est|sont|parle|parlent|travaille|travaillent|a|ont|fait|font) tu)\b"
)
_INVENTED = frozenset(
    """fiction fictif fictifs fictive fictives faux fausse fausses vrai vrais vraie vraies fake real
    fictional invented invente inventes demo demonstration""".split()
)
_SOURCE = re.compile(
    r"\b(?:url|sources?|references?|webpage|page|guidance|lignes directrices)\b"
    r"|^(?:the |le |un |a )?(?:link|lien)$"
    r"|\b(?:send|give|share|have|get|got|need|find|where|envoy\w*|donn\w*|avez|avoir|aurais|ou)\b.{0,40}"
    r"\b(?:links?|liens?)\b"
    r"|\b(?:where|ou)\b.{0,30}\b(?:written|says?|read|find|ecrit|dit|lire|trouve\w*)\b"
    r"|\b(?:ecrit|marque|dit|trouve) (?:ca )?ou\b"
    r"|\b(?:who|qui) (?:says|dit)\b|\bd ou (?:ca |cela )?(?:vient|sort)|\bcomes? from\b"
)
_COMPARES = re.compile(r"\b(?:differences?|differs?|versus|vs|compare[rzds]?)\b")
_WHEN = re.compile(
    r"\b(?:how (?:soon|long|fast|quickly|many days)|when|quand|dans combien"
    r"|combien de (?:temps|jours)|c est long|ca prend)\b"
)
_ANSWERING = re.compile(
    r"\b(?:hear|answer|repl(?:y|ies)|respon|get back|gets back|call|contact|write|repon|rappel|ecri"
    r"|nouvelles?\b|retour|joindre)"
)
_GUIDANCE = re.compile(
    r"\bcg ?0?27\b|\bguidance\b|\blignes directrices\b|\b(?:cra|arc)\b.{0,20}\bdocument\b"
)
_EXPLAINS = re.compile(
    r"\b(?:vous voulez dire|tu veux dire|ca veut dire quoi|what do you mean|what does that mean"
    r"|(?:comprends pas|pas (?:sur|sure) de comprendre) (?:la question|ce que vous)"
    r"|(?:don t|not sure i) understand (?:the question|what you)"
    r"|explique[rz]? (?:moi )?(?:la question|ca)|explain (?:the question|that|it))\b"
)
_DECLINES = re.compile(
    r"^(?:no thanks|no thank you|non merci|not (?:today|now|yet|right now)|maybe later|another time"
    r"|pas (?:tout de suite|maintenant|aujourd hui|pour l instant)|plus tard|une autre fois)\b"
)
_QUESTIONNAIRE = re.compile(
    r"\b(?:don t|dont|do not|didn t|veux pas|veut pas|voulais pas|tente pas|no need|pas besoin)\b"
    r".{0,30}\b(?:questions?|questionnaire|quiz|assessment|evaluation|auto evaluation)\b"
)
_BACK_LAST = re.compile(r"[.,;:!?]\s*(?:retour|go back)[\s.!]*$")
_ASKED_FIRST = re.compile(
    r"\b(?:mais d abord|but first|before that|avant ca|avant de repondre|but before)\b[\s,:]*"
    r"(.{8,})"
)
_CONFIRMS = re.compile(
    r"\b(?:who|qui) (?:could|can|would|should|pourrait|peut|pourra|saurait|do we ask)\b"
)
_SOMEBODY = re.compile(r"\b(?:someone|somebody|anyone|anybody|quelqu un|looking for|cherche\w*)\b")
_IN_CASE = re.compile(
    r"\b(?:if (?:i|we|ever)|si (?:je|j|on|jamais)|later|plus tard|un jour|au besoin)\b"
)
_REACTION = re.compile(
    r"^(?:(?:ok|okay|so|good|great|perfect|parfait|super|bon|bien|donc|ah|oh|cool|fine|alright|nice"
    r"|all right|i see|i get that|je vois|je comprends|d accord|excellent|right)\b\s*)+"
)
_TAKEN_UP = 3  # words
_SHORTEST_NAME = 4  # letters: « de la » in a name is no name
_LONE = 3  # words, up to which the name of a language, or "more", asks for it
_FOR_A_LANGUAGE = re.compile(
    r"\b(?:in (?:french|english)|en (?:francais|anglais|english|french)|switch|change[rz]?"
    r"|passe[rz]?|passons|continue\w*|(?:you|we) (?:speak|talk|do)|parle[rz]?|parlons|jase\w*"
    r"|prefer\w*|aime\w* mieux|rather|please|pls|svp|stp|pourquoi|why)\b"
)
_ANOTHER_THING = re.compile(r"\b(?:one more thing|another thing|autre affaire|autre chose)\b")
_OF_A_LIST = re.compile(
    r"\b(?:coach|mentor|result|option|choi|liste?\b|profil|suivant|next|autres?\b|others?\b|them\b"
    r"|see|show|voir|montre|people|person|name|nom)"
)
_COACH = re.compile(r"\b(?:coach|mentor)")
_LETTER_LAST = re.compile(
    r"\b(?:je dirais|j irais avec|je choisis|on est|c est|plutot|donc|i d say|i would say"
    r"|i d go with|i think|so|we re|probably)\s+(?:plutot |plus |la |le |an? )?([a-d])$"
)
_BY_LETTER = re.compile(r"([A-Da-d])\s?[.):,;–-]\s|([BD])\s(?=\w+\s)")
_IT_IS = re.compile(r"\bc est\b")  # while "c" alone is the third
_ORDINALS = {
    1: ["1", "a", "un", "une", "premier", "premiere", "first", "one"],
    2: ["2", "b", "deux", "deuxieme", "second", "seconde", "two"],
    3: ["3", "c", "trois", "troisieme", "third", "three"],
}
_PLACE = re.compile(
    r"\b(?:la|le|the)\s(premiere?|first|deuxieme|seconde?|second|troisieme|third)\b"
)
_SHORT = 7  # words of a choice and what is said of it
_PICK_FILLERS = frozenset(
    "le la les l the option choix numero number reponse ca est it s please svp stp choice".split()
)


def asks(text: str) -> bool:
    """Whether `text` is a question by its mark or its first words."""
    return bool(_ASKS.search(_level(text)))


def asks_after_all(text: str) -> bool:
    """The same once « attends », "before that" … are left out."""
    return bool(_ASKS.search(_WAITING.sub("", _level(text))))


def follows(text: str) -> bool:
    """Whether `text` goes on from what was just said: « et au Québec? », "what about …"."""
    return bool(_FOLLOWS.search(" ".join(words(text))))


def cancels(text: str) -> bool:
    """Whether `text` begins with a cancellation: « non, laisse faire », "forget it"."""
    return bool(_CANCELS.match(_WAITING.sub("", _level(text))))


def erases(text: str) -> bool:
    """Whether something is to be erased or forgotten."""
    return bool(_ERASES.search(_level(text)))


def sends(text: str) -> bool:
    """Whether what was read back is to be sent: « ok envoie ça »."""
    said = words(text)
    return bool(_SENDING.intersection(said)) and not _NEGATIONS.intersection(said)


def keeps(text: str) -> bool:
    """Whether something is to be kept, or not to be done."""
    return not _KEEPING.isdisjoint(words(text))


def is_plain_yes(text: str) -> bool:
    """Whether `text` is a yes to erasing everything, and nothing else beside it."""
    said = set(words(text))
    return said <= _PLAIN_YES | _ALL_OF_IT and not said.isdisjoint(_PLAIN_YES)


def reaches(text: str) -> bool:
    """Whether somebody is to be contacted, or chosen."""
    return not _REACHING.isdisjoint(words(text)) or bool(_CHOOSING.search(_level(text)))


def names_one_of(text: str, title: str) -> bool:
    """Whether `text` has a name of `title`: « Inès », of « Joindre Inès Horizon »."""
    names = {word for word in words(title) if len(word) >= _SHORTEST_NAME} - _REACHING - _INVENTED
    return not names.isdisjoint(words(text))


def points_to_one(text: str) -> bool:
    """Whether `text` has a pronoun that stands for a person."""
    return not _PRONOUNS.isdisjoint(words(text))


def asks_about_them(text: str) -> bool:
    """Whether something is asked about people who were just shown: "does she …", « lequel … »."""
    return bool(_THEM.search(" ".join(words(text))))


def asks_who_is_real(text: str) -> bool:
    """Whether it is asked about the people of the demonstration that they are invented."""
    return is_of_coaches(text) and not _INVENTED.isdisjoint(words(text))


def asks_for_the_source(text: str) -> bool:
    """Whether it is asked where an answer comes from, or for a link."""
    return bool(_SOURCE.search(" ".join(words(text))))


def compares(text: str) -> bool:
    """Whether two things are compared: « la différence entre … »."""
    return bool(_COMPARES.search(_level(text)))


def asks_when(text: str) -> bool:
    """Whether it is asked how long something takes."""
    return bool(_WHEN.search(" ".join(words(text))))


def is_of_an_answer(text: str) -> bool:
    """Whether somebody's answer, call or letter is named."""
    return bool(_ANSWERING.search(_level(text)))


def names_the_guidance(text: str) -> bool:
    """Whether the CRA's guidance is named."""
    return bool(_GUIDANCE.search(" ".join(words(text))))


def wants_it_explained(text: str) -> bool:
    """Whether somebody asks what is meant: « C'est quoi vous voulez dire par impact? »."""
    return bool(_EXPLAINS.search(" ".join(words(text))))


def declines(text: str) -> bool:
    """Whether `text` begins by putting off or turning down: "Not today then, …"."""
    return bool(_DECLINES.match(" ".join(words(text))))


def wants_no_questions(text: str) -> bool:
    """Whether somebody does not want to be asked questions."""
    return bool(_QUESTIONNAIRE.search(" ".join(words(text))))


def ends_with_back(text: str) -> bool:
    """Whether `text` ends with the word that goes back: « on est deux. retour »."""
    return bool(_BACK_LAST.search(_level(text)))


def asked_first(text: str) -> str:
    """What is asked « mais d'abord, … », "before that, …"; or ""."""
    found = _ASKED_FIRST.search(_level(text))
    return found[1] if found else ""


def asks_who_confirms(text: str) -> bool:
    """Whether it is asked who could tell."""
    return bool(_CONFIRMS.search(" ".join(words(text))))


def is_of_somebody(text: str) -> bool:
    """Whether a person is looked for, or a coach named."""
    return is_of_coaches(text) or bool(_SOMEBODY.search(" ".join(words(text))))


def is_for_later(text: str) -> bool:
    """Whether something is asked for in case of need: "if we change our minds, can you …"."""
    return bool(_IN_CASE.search(" ".join(words(text))))


def reacts(text: str) -> bool:
    """Whether `text` takes up what was said, and asks nothing: "So confidential, good."."""
    said = " ".join(words(text))
    rest = _REACTION.sub("", said, count=1)
    return rest != said and not text.rstrip().endswith("?") and len(rest.split()) <= _TAKEN_UP


def asks_for_a_language(text: str) -> bool:
    """Whether a language is asked for, and not only named: "does Claire speak French"."""
    return len(words(text)) <= _LONE or bool(_FOR_A_LANGUAGE.search(_level(text)))


def asks_for_more(text: str) -> bool:
    """Whether more of a list is asked for, and not "one more thing"."""
    said = _level(text)
    if _ANOTHER_THING.search(said):
        return False
    return len(words(text)) <= _LONE or bool(_OF_A_LIST.search(said))


def is_of_coaches(text: str) -> bool:
    """Whether a coach is named."""
    return bool(_COACH.search(_level(text)))


def letter_of(text: str) -> str:
    """The letter that `text` begins with, where it goes on with why, or ends with: « B. on sait pas
    quand », « …, je dirais C »; else `text`. « C défini » and « A mon avis » are words."""
    found = _BY_LETTER.match(text.strip())
    if found:
        return found[1] or found[2]
    last = _LETTER_LAST.search(" ".join(words(text)))
    return last[1].upper() if last else text


def place_of(text: str, shortest: int = 1) -> int | None:
    """The place in a list, from 1 to 3, that `text` names and nothing else: « la deuxième », "2".
    `shortest`: letters that its word must have."""
    said = _IT_IS.sub("", " ".join(words(text))).split()
    said = [word for word in said if word not in _PICK_FILLERS]
    said = [word for word in said if word != "one"] or said  # "the second one"
    for number, names in _ORDINALS.items():
        if said and all(word in names and len(word) >= shortest for word in said):
            return number
    return None


def place_in(text: str) -> int | None:
    """The place in a list that a short text names among other words: « je prends la deuxième »,
    "the second one sounds good"."""
    said = words(text)
    found = _PLACE.search(" ".join(said)) if len(said) <= _SHORT else None
    if found:
        return next(n for n, names in _ORDINALS.items() if found[1] in names)
    return place_of(text)


def _level(text: str) -> str:
    return fold(text).replace("'", " ")
