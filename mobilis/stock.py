"""The stock assistant that ours is measured beside: what `rasa init` begins with, on our data.

Its files are written from our content, every label with a response; its pipeline and policies are
those that Rasa chooses by itself. Trained once per content (minutes), kept in `.rasa/bench/`. It
learns only some of our phrasings, which spares it an hour of training and makes it a little lighter
and faster: that favours the stock side.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from mobilis.assessment import load_assessment
from mobilis.content import LANGUAGES, load_content, read_yaml
from mobilis.errors import ContentError, MobilisError
from mobilis.stack import leaving_nothing
from mobilis.supervisor import RASA_ENVIRONMENT

KEPT = Path(".rasa") / "bench"  # below the project
MODEL = Path("models") / "stock.tar.gz"
TRAINED = "trained.json"  # {"seconds", "at"}: written last, so a folder with it is complete
FAQ, ANSWER, LOST = "faq", "answer", "nlu_fallback"
PHRASINGS = 12  # of each label and language
TELL_EVERY = 30.0  # seconds of training between two signs of life

# What `rasa train` writes into an empty config.yml (rasa 3.6: default_config.yml).
CONFIG: Mapping[str, Any] = {
    "recipe": "default.v1",
    "assistant_id": "stock",
    "language": "en",
    "pipeline": [
        {"name": "WhitespaceTokenizer"},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": 100, "constrain_similarities": True},
        {"name": "EntitySynonymMapper"},
        {"name": "ResponseSelector", "epochs": 100, "constrain_similarities": True},
        {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
    ],
    "policies": [
        {"name": "MemoizationPolicy"},
        {"name": "RulePolicy"},
        {"name": "UnexpecTEDIntentPolicy", "max_history": 5, "epochs": 100},
        {
            "name": "TEDPolicy",
            "max_history": 5,
            "epochs": 100,
            "constrain_similarities": True,
        },
    ],
}

Phrasings = dict[str, dict[str, list[str]]]  # by label, by language
Files = dict[str, Any]  # by name, the data of a YAML file
Tell = Callable[[str], None]


class StockFailed(MobilisError):
    """The stock assistant cannot be trained or does not start; the message says where to look."""


def phrasings(root: Path) -> Phrasings:
    """What people say, by label (`faq/<id>` for questions) and language: all that ours learns from.

    Raises:
        ContentError: a content file is wrong; names the file and the field.
    """
    said: Phrasings = {}
    for path in sorted((root / "data").glob("*.yml")):
        for block in read_yaml(root, f"data/{path.name}").get("nlu") or []:
            language = (block.get("metadata") or {}).get("language", LANGUAGES[0])
            examples = block.get("examples")
            if not isinstance(examples, str):
                raise ContentError(f"data/{path.name}: examples of {block['intent']} must be text")
            lines = [line.strip().removeprefix("- ") for line in examples.splitlines()]
            heard = said.setdefault(block["intent"], {}).setdefault(language, [])
            heard += [line for line in lines if line]
    for faq in load_content(root).faqs.values():
        said[f"{FAQ}/{faq.id}"] = {lang: list(faq.phrasings[lang]) for lang in LANGUAGES}
    assessment = load_assessment(root / "assessment" / "readiness.yml")
    options = [option for question in assessment.questions for option in question.options]
    said[ANSWER] = {
        lang: [text for option in options for text in (option.title[lang], *option.phrasings[lang])]
        + list(assessment.unsure[lang])
        for lang in LANGUAGES
    }
    return said


def files(root: Path, most: int = PHRASINGS) -> Files:
    """The project's files, made from the content below `root`; the same content, the same files.
    Of each label it is taught at most so many phrasings a language, or all of them when 0.

    An answer to a question is the answer of its content file; any other label is answered with its
    first phrasing. Rules answer every label, and stories after a greeting teach the policies that
    learn.
    """
    said = phrasings(root)
    faqs = load_content(root).faqs
    texts = {label: {lang: heard[0] for lang, heard in by.items()} for label, by in said.items()}
    texts |= {f"{FAQ}/{faq.id}": dict(faq.answer) for faq in faqs.values()}
    intents = sorted({label.split("/")[0] for label in said})
    responses = {
        f"utter_{label}": [{"text": text} for text in by.values()] for label, by in texts.items()
    }
    responses[f"utter_{LOST}"] = [{"text": "Pardon?"}]
    return {
        "config.yml": dict(CONFIG),
        "credentials.yml": {"rest": None},
        "endpoints.yml": {},
        "domain.yml": {
            "version": "3.1",
            "intents": [*intents, LOST],
            "responses": responses,
            "session_config": {
                "session_expiration_time": 60,
                "carry_over_slots_to_new_session": True,
            },
        },
        "data/nlu.yml": {
            "version": "3.1",
            "nlu": [_taught(label, by_language, most) for label, by_language in said.items()],
        },
        "data/rules.yml": {
            "version": "3.1",
            "rules": [{"rule": name, "steps": _steps(name)} for name in [*intents, LOST]],
        },
        "data/stories.yml": {
            "version": "3.1",
            "stories": [
                {"story": f"{name} after a greeting", "steps": _steps("greet") + _steps(name)}
                for name in intents
            ],
        },
    }


def _taught(label: str, by_language: Mapping[str, list[str]], most: int) -> dict[str, str]:
    chosen = [text for heard in by_language.values() for text in spread(heard, most)]
    return {"intent": label, "examples": "".join(f"- {text}\n" for text in dict.fromkeys(chosen))}


def spread(texts: Sequence[str], most: int) -> list[str]:
    """At most so many of `texts`, from all over them; all of them when `most` is 0."""
    if not most or len(texts) <= most:
        return list(texts)
    return [texts[number * len(texts) // most] for number in range(most)]


def _steps(intent: str) -> list[dict[str, str]]:
    return [{"intent": intent}, {"action": f"utter_{intent}"}]


def write(folder: Path, made: Files) -> None:
    """Write the project's files below `folder`."""
    for name, data in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=10_000)
        path.write_text(text, encoding="utf-8")


def kept(root: Path, made: Files) -> Path:
    """The folder that a project of these files is kept in."""
    content = json.dumps(made, ensure_ascii=False, sort_keys=True)
    return root / KEPT / hashlib.sha256(content.encode()).hexdigest()[:16]


def prepare(root: Path, tell: Tell, fresh: bool = False, most: int = PHRASINGS) -> Path:
    """The folder of the trained stock assistant for the content below `root` (see `files`); trained
    when it is not there yet, or `fresh`. Folders of former content are removed.

    Raises:
        ContentError: a content file is wrong; names the file and the field.
        StockFailed: Rasa could not train it.
    """
    made = files(root, most)
    folder = kept(root, made)
    for other in (root / KEPT).glob("*"):
        if fresh or other != folder:
            shutil.rmtree(other)
    if not (folder / TRAINED).is_file():
        write(folder, made)
        _train(folder, tell)
    return folder


def training(folder: Path) -> dict[str, Any]:
    """How long the training of a prepared assistant took, in `seconds`, and when it ended, `at`."""
    found: dict[str, Any] = json.loads((folder / TRAINED).read_text(encoding="utf-8"))
    return found


def _train(folder: Path, tell: Tell) -> None:
    command = [sys.executable, "-m", "rasa", "train", "--fixed-model-name", MODEL.name]
    log = folder / "log"
    began = time.monotonic()
    tell("training the stock assistant, once for this content (ten minutes or more)")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **RASA_ENVIRONMENT},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with leaving_nothing(process):
            _wait(process, began, tell)
    seconds = time.monotonic() - began
    if process.returncode or not (folder / MODEL).is_file():
        raise StockFailed(f"the stock assistant could not be trained; what Rasa said is in {log}")
    shutil.rmtree(folder / ".rasa", ignore_errors=True)  # Rasa's own cache
    done = {"seconds": round(seconds, 1), "at": _now()}
    (folder / TRAINED).write_text(json.dumps(done), encoding="utf-8")
    tell(f"trained the stock assistant in {seconds:.0f} s")


def _wait(process: subprocess.Popen[bytes], began: float, tell: Tell) -> None:
    while True:
        try:
            process.wait(TELL_EVERY)
        except subprocess.TimeoutExpired:
            tell(f"training the stock assistant: {time.monotonic() - began:.0f} s so far")
        else:
            return


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
