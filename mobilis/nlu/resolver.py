"""The last component of the pipeline: from what was read to the intent that dialogue follows."""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.constants import (
    ENTITIES,
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    INTENT_RESPONSE_KEY,
    PREDICTED_CONFIDENCE_KEY,
    RESPONSE,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message

from mobilis.answers import compose, lines_about
from mobilis.assessment import Assessment, answers_from_dict, load_assessment
from mobilis.content import Content, load_content
from mobilis.declined import asks_for_partisan_work, why_declined
from mobilis.freshness import load_fresh
from mobilis.nlu.classifier import ANSWERS, GLANCE, LABELS, RANK
from mobilis.nlu.context import (
    FAQ,
    GUIDED,
    INFORM,
    LOST,
    OTHER,
    Decision,
    Heard,
    Knowledge,
    Standing,
    Thresholds,
    decide,
    describe,
)
from mobilis.nlu.facets import FACETS
from mobilis.nlu.french import the_french
from mobilis.nlu.language import KEEP, LANGUAGE
from mobilis.settings import ROOT
from mobilis.text import is_command

# Steps of the form that a signature may answer.
NAMED = {"lead_consent": "affirm", "lead_name": INFORM, "lead_organization": INFORM}
OF_THE_LAW = ("charity_law", "other_law")  # topics of questions
MOBILIS = "mobilis"  # message property that actions find in `latest_message`


def knowledge(content: Content, assessment: Assessment) -> Knowledge:
    """What deciding needs to know of the content; it is asked about `questions` alone."""
    questions = {question.id: question for question in assessment.questions}
    guided = content.faqs.get(GUIDED.removeprefix(FAQ))
    return Knowledge(
        questions=tuple(questions),
        parse_choice=lambda question, text: assessment.parse_choice(questions[question], text),
        taught={question.id: assessment.taught(question) for question in assessment.questions},
        unsure_option=lambda question: assessment.unsure_option(questions[question]),
        yes_no=lambda question, yes: questions[question].yes if yes else questions[question].no,
        follow_ups={faq.id: faq.follow_ups for faq in content.faqs.values()},
        regional=frozenset(faq.id for faq in content.faqs.values() if faq.regions),
        tells_of=partial(_tells_of, content),
        of_the_law=frozenset(f.id for f in content.faqs.values() if f.topic in OF_THE_LAW),
        on_guidance=frozenset(
            FAQ + faq.id
            for faq in content.faqs.values()
            if guided and faq.sources[:1] == guided.sources[:1]
        ),
    )


def _tells_of(content: Content, faq_id: str, text: str, language: str) -> bool:
    """Whether the answer to a question has a line about the words of `text`."""
    faq = content.faqs.get(faq_id)
    answer = compose(content, faq, language) if faq else None
    return bool(answer and lines_about(content, faq_id, answer, text, language))


def knowledge_of(root: Path) -> Knowledge:
    """`knowledge` of the content below `root`."""
    return knowledge(load_content(root), load_assessment(root / "assessment" / "readiness.yml"))


@lru_cache(maxsize=1)
def _knowledge(root: Path, stamp: float) -> Knowledge:
    return knowledge_of(root)


def fresh_knowledge() -> Knowledge:
    """`knowledge` of the content as it is now, or was before a file was broken."""
    return load_fresh(_knowledge, ROOT, "faq", "content", "assessment")


def standing(tracker: DialogueStateTracker) -> Standing:
    """Where the conversation of `tracker` stands."""
    said = _last_said(tracker)
    return Standing(
        language=tracker.get_slot("language") or "fr",
        form=tracker.active_loop_name,
        requested=tracker.get_slot("requested_slot"),
        question=tracker.get_slot("assessment_question"),
        topic=tracker.get_slot("topic"),
        offer=said.get("offer"),
        candidates=tuple(said.get("candidates") or ()),
        answered=_answered(tracker),
        buttons=_buttons(tracker),
        coaches=tracker.get_slot("coaches_shown") or {},
    )


def _answered(tracker: DialogueStateTracker) -> dict[str, str]:
    """The options chosen so far, by question, in the order in which they were."""
    answers = answers_from_dict(tracker.get_slot("assessment_answers"))
    return {question: answer.option for question, answer in answers.items()}


def _buttons(tracker: DialogueStateTracker) -> dict[str, str]:
    """The buttons of the last turn, by title, with what each sends."""
    shown: dict[str, str] = {}
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, BotUttered):
            for button in (event.data or {}).get("buttons") or ():
                shown[str(button["title"])] = str(button["payload"])
    return shown


def _last_said(tracker: DialogueStateTracker) -> dict[str, Any]:
    """What the assistant's last message kept for itself: what it offered or asked to pick."""
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, BotUttered):
            kept = (event.metadata or {}).get(MOBILIS) or {}
            if "offer" in kept or "candidates" in kept:
                return kept
    return {}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class ContextResolver(GraphComponent):
    """Decides intent and entities from everything the components before it found."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The fields of `mobilis.nlu.context.Thresholds`."""
        return {}

    def __init__(self, config: dict[str, Any]) -> None:
        fields = Thresholds.__dataclass_fields__
        self.thresholds = Thresholds(**{k: v for k, v in config.items() if k in fields})
        self.knowledge = fresh_knowledge()
        self.french = the_french()

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "ContextResolver":
        return cls(config)

    def process(
        self, messages: list[Message], tracker: DialogueStateTracker, domain: Domain
    ) -> list[Message]:
        self.knowledge = fresh_knowledge()
        for message in messages:
            if message.get(LABELS):
                self._resolve(message, tracker, domain)
        return messages

    def _resolve(self, message: Message, tracker: DialogueStateTracker, domain: Domain) -> None:
        here = standing(tracker)
        heard = heard_in(message)
        decision = decide(heard, here, self.knowledge, self.thresholds)
        if decision.payload:
            decision = _from_payload(decision, domain)
        extra = {
            **decision.extra,
            "label": decision.intent,
            "labels": describe(heard.labels),
            "language": self._language(heard, decision, here),
            "foreign": heard.language == OTHER,
            "facets": {name: list(values) for name, values in heard.facets.items()},
            "cleared": sorted(heard.cleared),
            "refused": {name: list(values) for name, values in heard.refused.items()},
            "adds": heard.adds,
            "local": heard.local,
            "other_language": heard.other_language,
        }
        signed = decision.intent == "declare_interest" and "@" in heard.text
        if signed or NAMED.get(here.requested or "") == decision.intent:
            extra["names"] = self.french.names(heard.text)._asdict()
        _write(message, decision, extra)

    @staticmethod
    def _language(heard: Heard, decision: Decision, here: Standing) -> str | None:
        """The language to go on in, or None to keep the present one."""
        if decision.intent == "switch_language" or decision.extra.get("switches"):
            return _wanted_language(heard, here)
        if decision.intent == INFORM and here.requested != "lead_message":
            return None  # a name or an address says nothing of the language
        if is_command(heard.text):
            return None
        return None if heard.language in (KEEP, OTHER) else heard.language


def _wanted_language(heard: Heard, here: Standing) -> str:
    named = set(heard.facets.get("language", ()))
    if len(named) == 1:
        return str(named.pop())
    if heard.language in ("fr", "en") and heard.language != here.language:
        return heard.language
    return "en" if here.language == "fr" else "fr"


def heard_in(message: Message) -> Heard:
    """What the components before read in `message`."""
    facets = message.get(FACETS)
    reading = message.get(LANGUAGE)
    return Heard(
        text=message.get(TEXT),
        labels=message.get(LABELS),
        answers=message.get(ANSWERS) or (),
        facets=facets.values if facets else {},
        cleared=facets.cleared if facets else frozenset(),
        refused=facets.refused if facets else {},
        adds=bool(facets and facets.adds),
        local=bool(facets and facets.local),
        other_language=bool(facets and facets.other_language),
        language=reading.language if reading else KEEP,
        declined=_why_declined(message.get(TEXT)),
        rank=message.get(RANK),
        glance=message.get(GLANCE),
    )


def _why_declined(text: str) -> str | None:
    """Only what is declined whatever its label: distress, work for a party, and insults."""
    reason = why_declined(text)
    if reason != "distress" and asks_for_partisan_work(text):
        return "partisan"
    return reason if reason in ("distress", "insult") else None


def _from_payload(decision: Decision, domain: Domain) -> Decision:
    unpacked = YAMLStoryReader.unpack_regex_message(Message({TEXT: decision.payload}), domain)
    entities = {e["entity"]: e["value"] for e in unpacked.get(ENTITIES) or []}
    intent = (unpacked.get(INTENT) or {}).get(INTENT_NAME_KEY) or LOST
    return Decision(intent, decision.confidence, entities, {"picked": decision.payload})


def _write(message: Message, decision: Decision, extra: dict[str, Any]) -> None:
    name = "faq" if decision.intent.startswith(FAQ) else decision.intent
    chosen = {INTENT_NAME_KEY: name, PREDICTED_CONFIDENCE_KEY: decision.confidence}
    message.set(INTENT, chosen, add_to_output=True)
    message.set(INTENT_RANKING_KEY, _intent_ranking(chosen, message), add_to_output=True)
    entities = [
        {"entity": key, "value": value, "start": 0, "end": 0, "extractor": "ContextResolver"}
        for key, value in decision.entities.items()
    ]
    message.set(ENTITIES, entities, add_to_output=True)
    message.set(MOBILIS, extra, add_to_output=True)
    if name == "faq":
        selected = {
            "all_retrieval_intents": ["faq"],
            "faq": {
                RESPONSE: {
                    INTENT_RESPONSE_KEY: decision.intent,
                    PREDICTED_CONFIDENCE_KEY: decision.confidence,
                }
            },
        }
        message.set("response_selector", selected, add_to_output=True)


def _intent_ranking(chosen: dict[str, Any], message: Message) -> list[dict[str, Any]]:
    others: dict[str, float] = {}
    for label, probability in message.get(LABELS):
        name = "faq" if label.startswith(FAQ) else label
        others[name] = others.get(name, 0.0) + probability
    ranked: list[tuple[str, float]] = sorted(others.items(), key=lambda pair: -pair[1])
    return [chosen] + [
        {INTENT_NAME_KEY: name, PREDICTED_CONFIDENCE_KEY: p}
        for name, p in ranked[:9]
        if name != chosen[INTENT_NAME_KEY]
    ]
