"""In which language a message is written."""

from __future__ import annotations

import pytest

from mobilis.nlu.language import KEEP, OTHER, LanguageModel

PAIRS = [
    *[
        ("fr", text)
        for text in ("c'est combien ça coûte", "on peut avoir de l'aide", "c tu gratuit")
    ],
    *[
        ("fr", text)
        for text in ("je veux un coach", "qui peut faire une demande", "merci beaucoup")
    ],
    *[("en", text) for text in ("how much does it cost", "can we get help", "is it free")],
    *[("en", text) for text in ("i want a coach", "who can apply for this", "thank you so much")],
]


@pytest.fixture(scope="module")
def languages() -> LanguageModel:
    return LanguageModel().fit(PAIRS)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("c tu combien", "fr"),
        ("on veut de l'aide", "fr"),
        ("can it cost this much", "en"),
        ("is this free", "en"),
        ("Nous aimerions rencontrer la mairesse de notre ville", "fr"),  # words never seen
        ("Our organization would like to meet the mayor", "en"),
        ("¿Cuánto cuesta el acompañamiento para una organización pequeña?", OTHER),
        ("Wie viel kostet die Begleitung für einen kleinen Verein?", OTHER),
        ("сколько это стоит", OTHER),
        ("费用是多少", OTHER),
        ("MERCI BEAUCOUP", "fr"),  # in capitals, and yet no name
        ("IS IT FREE", "en"),
        ("gratuit = c'est combien?", "fr"),  # "=" is no code between words
        ("merci", "fr"),  # read once, in one language
        ("coach à Montréal", "fr"),  # its one word of a language is « à »
        ("la Maison de Sophia, can it get help", "en"),  # « de » within a name
        ("can the Loi sur la transparence et l'éthique en matière de lobbyisme apply", "en"),
        ("it is for the Commission scolaire francophone du Yukon", "en"),
        ("we can go to the Table de concertation, is it free", "en"),
        ("c'est qui le Centre for the Study of Living Standards", "fr"),
    ],
)
def test_the_language_of_a_message_is_read(
    languages: LanguageModel, text: str, language: str
) -> None:
    assert languages.read(text).language == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "2",
        "b",
        "123 456",
        "123456789 RR0001",
        "coach?",
        "lobbying",
        "Marie Tremblay",
        "Marie Tremblay, 514-555-0134",
        "Sudbury Food Bank",
        "Saint-Vincent de Paul",
        "MARIE TREMBLAY",
        "on it",  # one word of each
        "marie@exemple.ca",
        "https://example.org/how-much-does-it-cost",
        "🎉",
    ],
)
def test_what_tells_no_language_changes_none(languages: LanguageModel, text: str) -> None:
    assert languages.read(text).language == KEEP


def test_evidence_is_positive_for_french(languages: LanguageModel) -> None:
    assert languages.read("c'est gratuit").evidence > 0 > languages.read("it is free").evidence


def test_the_general_models_are_not_asked_what_can_change_nothing(
    languages: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(languages, "_general", lambda text: asked.append(text) or 0.0)
    plain = " ".join(["je veux de l'aide pour un coach, c'est combien"] * 2)
    assert languages.read(f"{plain} quelquechose").language == "fr"
    assert asked == []
    assert languages.read("je veux quelquechose").language == "fr"
    assert len(asked) == 1


def test_the_letters_of_a_word_tell_its_language(
    languages: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(languages, "_general", lambda text: 0.0)
    assert languages.read("combient gratuitement").evidence > 0
    assert languages.read("freely helpful").evidence < 0


def test_no_single_word_decides_everything(languages: LanguageModel) -> None:
    assert max(abs(odds) for odds in languages.odds.values()) <= 3.5 * 1.5


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE conversations; --",
        "<b>is this free</b>",
        "delete from leads",
        "{is: 1}",
        "is=free",
    ],
)
def test_code_tells_no_language(languages: LanguageModel, text: str) -> None:
    assert languages.read(text).language == KEEP


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Rivière-du-Loup is it free", "en"),
        ("Trois-Rivières", KEEP),
        ("Rimouski", KEEP),
        ("trois-rivieres", KEEP),
        ("is it free in trois rivieres", "en"),
        ("Saint-Jérôme c'est gratuit", "fr"),
        ("a non profit", KEEP),
        ("non-profits, is it free", "en"),
        ("c'est gratuit pour un non-profit", "fr"),
    ],
)
def test_a_name_or_a_borrowed_word_tells_no_language(
    languages: LanguageModel, text: str, language: str
) -> None:
    assert languages.read(text).language == language


@pytest.mark.parametrize("text", ["a" * 2000, "aa", "xy"])
def test_a_letter_or_two_tell_no_language(languages: LanguageModel, text: str) -> None:
    assert languages.read(text).language == KEEP


def test_borrowed_nouns_do_not_hide_the_language_of_the_sentence() -> None:
    said = [("fr", "un comité logement"), ("en", "our team needs it")]
    model = LanguageModel().fit([*PAIRS, *said * 9])
    assert model.read("our comité logement needs a coach").language == "en"


def test_the_words_of_an_address_tell_no_language() -> None:
    model = LanguageModel().fit([*PAIRS, *[("fr", "des gens de la rue")] * 9])
    assert model.read("1420, rue King Ouest, Sherbrooke").language == KEEP
    assert model.read("des gens de la rue").language == "fr"
