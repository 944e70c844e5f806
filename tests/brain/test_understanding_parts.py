"""The parts that understand, each by itself: labels, names, lemmas, training data, spelling."""

from __future__ import annotations

import dataclasses
import pickle
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActiveLoop, SlotSet
from rasa.shared.core.slots import TextSlot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mobilis import freshness
from mobilis.errors import ContentError
from mobilis.nlu import derived, resolver
from mobilis.nlu.classifier import Encode, LabelModel, Ranking, _asked, no_vector
from mobilis.nlu.context import Knowledge
from mobilis.nlu.french import LEMMAS, French, FrenchLemmatizer, Names, lemma_table
from mobilis.nlu.importer import ContentImporter, Phrasing, label_of
from mobilis.nlu.language import KEEP, LANGUAGE, OTHER, Reading
from mobilis.nlu.lexical import Letters, Terms
from mobilis.nlu.spelling import SPELL, SPELLED, Speller, learn_spelling
from mobilis.nlu.vectors import Products
from mobilis.settings import ROOT
from mobilis.text import MAX_CHARACTERS, beginning_and_end

DOMAIN = Domain.empty()

# --- labels


TEXTS = ["c'est combien", "combien ça coûte", "un coach svp", "trouver un coach"] * 3
LABELS = ["faq/cost", "faq/cost", "find_coach", "find_coach"] * 3
NO_VECTORS = np.zeros((len(TEXTS), 0), dtype=np.float32)


def given(vector: object) -> Encode:
    """What makes this vector when it is asked to."""
    return lambda: np.array(vector, dtype=np.float32)


def test_labels_are_ranked_by_words_alone_without_vectors() -> None:
    model = LabelModel().fit(TEXTS, NO_VECTORS, LABELS)
    ranking = model.rank("COMBIEN ça coûte donc?")
    assert [label for label, _ in ranking] == ["faq/cost", "find_coach"]
    assert sum(p for _, p in ranking) == pytest.approx(1)


def test_vectors_count_where_words_say_nothing() -> None:
    near, far = [1.0, 0.0], [0.0, 1.0]
    vectors = np.array([near, near, far, far] * 3, dtype=np.float32)
    model = LabelModel().fit(TEXTS, vectors, LABELS)
    assert model.rank("zzz", given(near))[0][0] == "faq/cost"
    assert model.rank("zzz", given(far))[0][0] == "find_coach"


@pytest.mark.parametrize(
    ("plain", "doubtful", "asked"), [(1.0, 0.0, 1), (0.6, 0.0, 0), (1.0, 0.999, 0)]
)
def test_a_vector_is_only_made_where_words_are_neither_plain_nor_doubtful(
    plain: float, doubtful: float, asked: int
) -> None:
    made = []

    def encode() -> np.ndarray:
        made.append(1)
        return np.eye(4, dtype=np.float32)[0]

    vectors = np.eye(4, dtype=np.float32).repeat(3, axis=0)
    model = LabelModel(scale=3.0).fit(TEXTS, vectors, LABELS)
    text = "combien ça coûte donc"
    assert 0.6 < model.rank(text)[0][1] < 0.999
    assert model.rank(text, encode, doubtful=doubtful, plain=plain)[0][0] == "faq/cost"
    assert len(made) == asked


def test_a_model_trained_with_an_encoder_still_runs_without_one() -> None:
    vectors = np.eye(4, dtype=np.float32).repeat(3, axis=0)
    model = LabelModel().fit(TEXTS, vectors, LABELS)
    assert model.rank("trouver un coach", no_vector)[0][0] == "find_coach"


def test_a_model_trained_with_another_encoder_goes_by_the_words() -> None:
    vectors = np.eye(4, dtype=np.float32).repeat(3, axis=0)
    model = LabelModel().fit(TEXTS, vectors, LABELS)
    ranking = model.rank("trouver un coach", given([1, 0, 0]), plain=1.0)
    assert ranking == model.rank("trouver un coach")


def test_a_model_trained_without_an_encoder_runs_with_one() -> None:
    model = LabelModel().fit(TEXTS, NO_VECTORS, LABELS)
    assert model.rank("trouver un coach", given([1, 1, 1]))[0][0] == "find_coach"


def test_products_are_those_of_the_vectors_as_integers_have_them() -> None:
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(500, 24)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    products = Products(vectors)
    assert np.abs(products.rows() - vectors).max() < 0.005
    for one in (products, pickle.loads(pickle.dumps(products))):
        found = one.of(vectors[:1])
        assert found.shape == (1, 500)
        assert np.abs(found - vectors[:1] @ products.rows().T).max() < 0.01


def test_products_of_no_vectors_are_none() -> None:
    assert Products(np.zeros((3, 0), dtype=np.float32)).rows().shape == (3, 0)


def test_what_was_learned_is_found_again_in_another_process() -> None:
    vectors = np.eye(4, dtype=np.float32).repeat(3, axis=0)
    model = LabelModel().fit(TEXTS, vectors, LABELS)
    ranking = model.rank("zzz", given(vectors[0]))
    assert pickle.loads(pickle.dumps(model)).rank("zzz", given(vectors[0])) == ranking


def test_french_words_are_compared_by_their_lemmas() -> None:
    texts = ["zut", "zou"] * 3
    lemmas: list[str | None] = ["accompagner un organisme", None] * 3
    model = LabelModel().fit(texts, np.zeros((6, 0)), ["accompaniment", "other"] * 3, lemmas)
    assert model.rank("?", no_vector, "organisme")[0][0] == "accompaniment"
    assert model.rank("zou")[0][0] == "other"


@pytest.mark.parametrize("kind", [Letters, partial(Terms, ngram_range=(1, 2))])
@pytest.mark.parametrize(
    "text", ["combien pour un coach, un bon coach", "un\tcoach  à zzz", "", "a"]
)
def test_one_text_is_weighted_as_scikit_learn_weights_many(
    kind: Callable[[], Terms], text: str
) -> None:
    terms = kind()
    terms.fit(TEXTS)
    row = terms._vectorizer.transform([text])
    for _ in range(2):  # the second time, its words are remembered
        numbers, weights = terms.row(text)
        assert dict(zip(numbers, weights)) == pytest.approx(dict(zip(row.indices, row.data)))


@pytest.mark.parametrize("text", ["combien pour un coach", "zzz", ""])
def test_training_again_gives_the_same_ranking(text: str) -> None:
    vectors = np.random.default_rng(1).normal(size=(len(TEXTS), 8)).astype(np.float32)
    first, second = (LabelModel().fit(TEXTS, vectors, LABELS) for _ in range(2))
    assert first.rank(text, given(vectors[3])) == second.rank(text, given(vectors[3]))


@pytest.mark.parametrize("text", ["combien pour un coach", "zzz", ""])
def test_probabilities_sum_to_one(text: str) -> None:
    vectors = np.random.default_rng(1).normal(size=(len(TEXTS), 8)).astype(np.float32)
    ranking = LabelModel().fit(TEXTS, vectors, LABELS).rank(text, given(vectors[3]))
    assert sum(p for _, p in ranking) == pytest.approx(1)
    assert all(0 < p < 1 for _, p in ranking)


def test_a_higher_scale_is_surer_of_the_same_order() -> None:
    labels = ["faq/cost", "faq/timeline", "find_coach", "more_results"] * 3
    model = LabelModel().fit(TEXTS, NO_VECTORS, labels)
    rankings = []
    for scale in (1.0, 8.0, 20.0):
        model.scale = scale
        rankings.append(model.rank("c'est combien un coach"))
    first, *others = ([label for label, _ in ranking] for ranking in rankings)
    assert others == [first, first]
    assert rankings[0][0][1] < rankings[1][0][1] < rankings[2][0][1]


GREETS, ASKS, DOUBTS = [("greet", 0.9)], [("faq/deadline", 0.7)], [("faq/deadline", 0.5)]


@pytest.mark.parametrize(
    ("text", "whole", "part", "asked"),
    [
        ("Bonjour, c'est quand la date limite", GREETS, ASKS, ASKS),
        ("Bonjour, c'est quand la date limite", GREETS, DOUBTS, GREETS),
        ("Bonjour, comment ça va", GREETS, [("greet", 0.8)], GREETS),
        ("Bonjour, c'est quand la date limite", DOUBTS, ASKS, ASKS),  # plainer without
        ("Bonjour, c'est quand la date limite", ASKS, DOUBTS, ASKS),
        ("Bonjour", GREETS, ASKS, GREETS),
    ],
)
def test_a_greeting_before_a_question_is_only_a_greeting(
    text: str, whole: Ranking, part: Ranking, asked: Ranking
) -> None:
    assert _asked(text, whole, lambda rest: part) == asked


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
        ("au bureau (514 555-0199)", "au bureau ([téléphone])"),
        ("(514) 555-0199, (1 514) 555-0199", "[téléphone], [téléphone]"),
        ("(cell 514) 555-0199, ((514) 555-0199)", "(cell [téléphone]), ([téléphone])"),
        ("(+1 (514) 555-0199)", "([téléphone])"),
        ("le site (https://exemple.ca/moi)", "le site ([lien])"),
        ("le site (https://exemple.ca/a_(b))", "le site ([lien])"),
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


def test_of_a_long_message_the_masked_beginning_and_end_are_kept(french: French) -> None:
    told = "notre organisme aide des familles depuis longtemps, " * 40
    masked = french.mask(f"Je m'appelle Marie Tremblay, {told} écrivez à marie@exemple.ca svp")
    masked = beginning_and_end(masked)
    assert len(masked) <= MAX_CHARACTERS
    assert masked.startswith("Je m'appelle [nom], notre organisme")
    assert " … " in masked
    assert masked.endswith("écrivez à [courriel] svp")


@pytest.mark.parametrize("before", range(MAX_CHARACTERS // 2 - 30, MAX_CHARACTERS // 2))
def test_no_address_and_no_name_is_cut_in_two(french: French, before: int) -> None:
    for detail in ("marie.tremblay@exemple.ca", "514 555-1234", "Marie Tremblay"):
        text = f"{'oui ' * before}"[:before] + f" {detail} " + "non " * MAX_CHARACTERS
        masked = beginning_and_end(french.mask(text))
        assert not {"marie", "tremblay", "514", "555"} & set(masked.casefold().split())


def test_a_long_word_is_cut_as_well() -> None:
    assert len(beginning_and_end("a" * 2000)) <= MAX_CHARACTERS
    assert len(beginning_and_end(" " * 2000)) <= MAX_CHARACTERS


def test_names_are_looked_for_in_the_beginning_and_the_end_of_a_long_message(
    french: French,
) -> None:
    found = french.names("Marie Tremblay veut un coach. " + "oui " * 500 + "Merci à Mary Simon")
    assert found.persons == ["Marie Tremblay", "Mary Simon"]


def test_words_never_seen_before_are_forgotten_again(french: French) -> None:
    model = french._loaded()
    french.names("Combien ça coûte?")
    known = len(model.vocab.strings)
    french.names("Zwyxqa Brvtnqx habite à Plmqrtz")
    assert len(model.vocab.strings) == known


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_model_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived, "MODEL", "no_such_model")
    broken = French()
    with pytest.raises(RuntimeError, match="spaCy could not load its French model"):
        broken.names("Marie")
    with pytest.raises(RuntimeError, match="spaCy could not load its French model"):
        broken.mask("Marie")


# --- what the content says


@pytest.fixture
def stamps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the content was changed last, as the resolver sees it; of one's own choice."""
    found = [1.0]
    monkeypatch.setattr(freshness, "_changed", lambda root, folders, moment: found[-1])
    monkeypatch.setattr(freshness, "_kept", {})
    monkeypatch.setattr(freshness, "_wrong", {})
    resolver._knowledge.cache_clear()
    return found


def test_a_changed_content_is_known_at_the_next_message(
    stamps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = resolver.ContextResolver({})
    assert "aim" in parts.knowledge.questions
    changed = dataclasses.replace(parts.knowledge, questions=frozenset({"new"}))
    monkeypatch.setattr(resolver, "knowledge_of", lambda root: changed)
    tracker = DialogueStateTracker("visitor", [])
    parts.process([], tracker, DOMAIN)
    assert "aim" in parts.knowledge.questions
    stamps.append(2.0)
    parts.process([], tracker, DOMAIN)
    assert parts.knowledge.questions == {"new"}


def test_while_the_content_is_broken_what_was_known_is_known(
    stamps: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(root: Path) -> Knowledge:
        raise ContentError("faq/cost.yml: en.answer is missing")

    parts = resolver.ContextResolver({})
    monkeypatch.setattr(resolver, "knowledge_of", broken)
    stamps.append(2.0)
    for _ in range(3):
        parts.process([], DialogueStateTracker("visitor", []), DOMAIN)
    assert "aim" in parts.knowledge.questions
    assert [record.message for record in caplog.records] == [
        "the content stays as it was: faq/cost.yml: en.answer is missing"
    ]


class Asked:
    """Stands for the French model and notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def names(self, text: str) -> Names:
        self.asked.append("names")
        return Names(["Ana"], [])


@pytest.mark.parametrize(
    ("form", "requested", "label", "asked"),
    [
        ("interest_form", "lead_name", "greet", ["names"]),
        ("interest_form", "lead_organization", "greet", ["names"]),
        ("interest_form", "lead_message", "greet", []),
        (None, None, "greet", []),
        (None, None, "unknown", []),
    ],
)
def test_the_model_is_asked_only_when_an_answer_needs_it(
    monkeypatch: pytest.MonkeyPatch,
    form: str | None,
    requested: str | None,
    label: str,
    asked: list[str],
) -> None:
    french = Asked()
    monkeypatch.setattr(resolver, "the_french", lambda: french)
    slots = [TextSlot("requested_slot", mappings=[]), TextSlot("language", mappings=[])]
    tracker = DialogueStateTracker("visitor", slots)
    tracker.update_with_events([ActiveLoop(form), SlotSet("requested_slot", requested)], DOMAIN)
    sure = 0.0 if label == "unknown" else 0.9
    message = Message({TEXT: "Ana Exemple, Maison des jeunes", resolver.LABELS: [(label, sure)]})
    resolver.ContextResolver({}).process([message], tracker, DOMAIN)
    assert french.asked == asked


# --- lemmas


@pytest.fixture(scope="module")
def lemmas() -> dict[str, str]:
    return lemma_table(["Nos députées se mobilisent!", "un organisme gratuit"])


@pytest.mark.parametrize(
    ("form", "lemma"),
    [
        ("deputees", "depute"),
        ("mobilisent", "mobiliser"),
        ("mobilisons", "mobiliser"),  # never said, a form of what was
        ("organismes", "organisme"),
        ("gratuites", "gratuit"),
    ],
)
def test_forms_of_what_was_said_have_a_lemma(lemmas: dict[str, str], form: str, lemma: str) -> None:
    assert lemmas[form] == lemma


def test_words_of_other_texts_are_left_out(lemmas: dict[str, str]) -> None:
    assert not {"elections", "municipalites"} & set(lemmas)
    assert all(form == form.lower() and form != lemma for form, lemma in lemmas.items())


@pytest.fixture
def lemmatizer(tmp_path: Path) -> FrenchLemmatizer:
    return FrenchLemmatizer({}, LocalModelStorage(tmp_path), Resource("lemmas"))


def written(text: str, language: str | None) -> Message:
    label = {"language": language} if language else None
    return Message.build(text, intent="greet", intent_metadata=label)


def test_the_lemmatizer_learns_from_french_and_is_found_again(
    lemmatizer: FrenchLemmatizer, tmp_path: Path
) -> None:
    said = [written("Nos députées", "fr"), written("des organismes", "en"), written("/stop", None)]
    lemmatizer.train(TrainingData(said))
    assert "deputees" in lemmatizer.learned
    assert "organismes" not in lemmatizer.learned
    found = FrenchLemmatizer.load({}, LocalModelStorage(tmp_path), Resource("lemmas"), None)
    assert found.learned == lemmatizer.learned


def test_in_training_french_has_lemmas(
    lemmatizer: FrenchLemmatizer, lemmas: dict[str, str]
) -> None:
    lemmatizer.learned = lemmas
    said = [written("Organismes GRATUITS?", "fr"), written("organismes", "en"), written("x", None)]
    lemmatizer.process_training_data(TrainingData(said))
    assert [m.get(LEMMAS) for m in said] == ["organisme gratuit", None, None]


@pytest.mark.parametrize(
    ("language", "given"),
    [("fr", "l organisme"), (KEEP, "l organisme"), (OTHER, "l organisme"), ("en", None)],
)
def test_a_message_that_is_not_english_has_lemmas(
    lemmatizer: FrenchLemmatizer, lemmas: dict[str, str], language: str, given: str | None
) -> None:
    lemmatizer.learned = lemmas
    message = Message({TEXT: "L'organismes!", LANGUAGE: Reading(language, 0.0)})
    lemmatizer.process([message])
    assert message.get(LEMMAS) == given


def test_without_a_reading_there_are_no_lemmas(lemmatizer: FrenchLemmatizer) -> None:
    message = Message({TEXT: "/stop"})
    lemmatizer.process([message])
    assert message.get(LEMMAS) is None


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


def test_the_phrasings_of_intents_are_taught_too() -> None:
    importer = ContentImporter(
        str(ROOT / "config.yml"), training_data_paths=[str(ROOT / "data" / "nlu.yml")]
    )
    read = importer.get_nlu_data().intent_examples
    taught = {
        (label_of(m), m.get("metadata")["intent"]["language"], m.get(TEXT))
        for m in read
        if m.get("metadata")
    }
    blocks = yaml.safe_load((ROOT / "data" / "nlu.yml").read_text(encoding="utf-8"))["nlu"]
    wanted = {
        (block["intent"], block["metadata"]["language"], line.removeprefix("- ").strip())
        for block in blocks
        for line in block["examples"].splitlines()
    }
    assert wanted <= taught
    assert all(isinstance(message, Phrasing) for message in read)


def phrasing(text: str, label: str) -> Phrasing:
    return Phrasing(Message.build(text, intent="faq", intent_metadata={"label": label}).data)


def test_what_components_add_to_a_phrasing_leaves_its_fingerprint() -> None:
    one = phrasing("c'est combien", "faq/cost")
    before = one.fingerprint()
    one.set("embedding", np.ones(3))
    one.set(LEMMAS, "ce etre combien")
    assert one.fingerprint() == before == phrasing("c'est combien", "faq/cost").fingerprint()
    assert one.get(LEMMAS) == "ce etre combien"


def test_phrasings_of_other_words_or_labels_have_other_fingerprints() -> None:
    several = [
        phrasing("c'est combien", "faq/cost"),
        phrasing("c'est gratuit", "faq/cost"),
        phrasing("c'est combien", "faq/timeline"),
    ]
    assert len({one.fingerprint() for one in several}) == 3


def test_examples_carry_no_response_key_of_rasa(examples: list[Message]) -> None:
    assert all(m.get("response") is None and m.get("intent_response_key") is None for m in examples)


def test_the_rest_is_what_rasa_itself_reads() -> None:
    files = [str(ROOT / name) for name in ("config.yml", "domain.yml")]
    ours, own = (
        importer(*files, training_data_paths=[str(ROOT / "data")])
        for importer in (ContentImporter, RasaFileImporter)
    )
    assert ours.get_config() == own.get_config()
    assert ours.get_domain().as_dict() == own.get_domain().as_dict()
    assert len(ours.get_stories().story_steps) == len(own.get_stories().story_steps) > 0


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


# --- what the encoder reads


def test_accents_are_put_back_as_phrasings_write_them() -> None:
    texts = ["un bénévole", "nos bénévoles, un bénévole", "un benevole", "à Montréal ou la", "la"]
    learned = learn_spelling(texts)
    assert {bare: learned[bare] for bare in ("benevole", "benevoles", "montreal", "a")} == {
        "benevole": "bénévole",
        "benevoles": "bénévoles",
        "montreal": "montréal",
        "a": "à",
    }
    assert "la" not in learned


def test_apostrophes_are_put_back_as_phrasings_write_them() -> None:
    learned = learn_spelling(["l'organisme d'ici", "jai", *["j'ai un organisme"] * 4, "nous"])
    assert learned["lorganisme"] == "l'organisme"
    assert learned["dorganisme"] == "d'organisme"  # never seen, but its word is
    assert learned["jai"] == "j'ai"
    assert "nous" not in learned and "organisme" not in learned


@pytest.fixture
def speller() -> Speller:
    speller = Speller({}, None, Resource("speller"))
    speller.learned = {"elections": "élections"}
    return speller


@pytest.mark.parametrize(
    ("language", "text", "spelled"),
    [
        ("fr", "C koi les ELECTIONS?", "c'est quoi les élections?"),
        (KEEP, "elections svp", "élections s'il vous plaît"),
        ("fr", "qu est ce que l elections", "qu'est ce que l'élections"),
        ("en", "pls, elections", "please, elections"),
    ],
)
def test_a_message_is_spelled_in_its_language(
    speller: Speller, language: str, text: str, spelled: str
) -> None:
    message = Message({TEXT: text, LANGUAGE: Reading(language, 0.0)})
    speller.process([message])
    assert message.get(SPELLED) == spelled
    assert message.get(SPELL)("U know") == ("you know" if language == "en" else "u know")


def test_a_payload_is_not_spelled(speller: Speller) -> None:
    message = Message({TEXT: "/restart"})
    speller.process([message])
    assert message.get(SPELLED) is None
