"""Whether a model understands at all, with the code that runs it: it is asked what it was taught.

Asked once, before the brain says that it is ready. A model that was trained by other code may load
and then fail at every message, or understand something else by it.
"""

import asyncio

from rasa.core.channels.channel import UserMessage

from mobilis.brain.processor import TurnProcessor
from mobilis.content import LANGUAGES, load_content
from mobilis.settings import ROOT

QUESTIONS = 10  # of the FAQ, each in both languages
ENOUGH = 0.8  # of them understood
ADVICE = "train again with: mobilis train"


async def problem_of(processor: TurnProcessor) -> str | None:
    """Why the model of a processor is of no use, as a sentence; None when it is."""
    faqs = list(load_content(ROOT).faqs.values())
    chosen = faqs[:: max(len(faqs) // QUESTIONS, 1)][:QUESTIONS]
    understood = 0
    try:
        for faq in chosen:
            for language in LANGUAGES:
                read = await processor.parse_message(UserMessage(faq.question[language]))
                understood += read["intent"].get("full_retrieval_intent_name") == f"faq/{faq.id}"
                await asyncio.sleep(0)
    except Exception as error:  # noqa: BLE001 - whatever other code left in the model
        return f"the model does not work with this code ({type(error).__name__}): {ADVICE}"
    asked = len(chosen) * len(LANGUAGES)
    if understood < ENOUGH * asked:
        return f"the model understood {understood} of {asked} questions that it knows: {ADVICE}"
    return None
