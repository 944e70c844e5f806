"""Whether a model understands at all: asked of it before the brain says that it is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from rasa.core.channels.channel import UserMessage

from mobilis.brain.smoke import problem_of
from mobilis.content import LANGUAGES, load_content
from mobilis.settings import ROOT

KNOWN = {
    faq.question[language]: f"faq/{faq.id}"
    for faq in load_content(ROOT).faqs.values()
    for language in LANGUAGES
}


class Model:
    """Reads a message by a function."""

    def __init__(self, read: Callable[[str], str]) -> None:
        self.read = read
        self.asked: list[str] = []

    async def parse_message(self, message: UserMessage) -> dict[str, Any]:
        self.asked.append(message.text)
        return {"intent": {"full_retrieval_intent_name": self.read(message.text)}}


def problem(model: Any) -> str | None:
    return asyncio.run(problem_of(model))


def test_a_model_that_understands_is_good() -> None:
    model = Model(KNOWN.__getitem__)
    assert problem(model) is None
    assert len(model.asked) == len(set(model.asked)) == 20


def test_one_that_misses_a_few_is_good_and_one_that_misses_many_is_not() -> None:
    model = Model(KNOWN.__getitem__)
    problem(model)
    for missed, told in ((4, None), (5, "the model understood 15 of 20 questions that it knows")):
        lost = set(model.asked[:missed])
        found = problem(Model(lambda text, lost=lost: "" if text in lost else KNOWN[text]))
        assert found == (told and f"{told}: train again with: mobilis train")


def test_one_that_fails_is_told() -> None:
    def fail(text: str) -> str:
        raise AttributeError("no such weights")

    assert problem(Model(fail)) == (
        "the model does not work with this code (AttributeError): train again with: mobilis train"
    )
