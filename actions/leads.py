"""Declaring interest and reaching a person: consent, details, confirmation, a reference."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from mobilis.answers import known_link, unknown_links
from mobilis.brain.action import FormValidation, MobilisAction, Turn, payload
from mobilis.coaches import get_coach
from mobilis.contact_details import (
    FIELDS,
    NOTHING,
    Details,
    Told,
    afterthought,
    answered,
    corrections,
    first_part,
    introduced_details,
    is_person,
    split_details,
    swapped,
    tidy,
)
from mobilis.leads import is_reachable, keep_lead, open_case
from mobilis.masking import introduced
from mobilis.text import is_command

SHORTEST_MESSAGE = 3  # words before a correction that are a message of their own
STEPS = ("lead_consent", *(f"lead_{field}" for field in FIELDS), "lead_confirmed")


_DECLINED: dict[str, Any] = {"lead_consent": False, "requested_slot": None}


def _clear() -> list[EventType]:
    return [SlotSet(step, None) for step in STEPS] + [SlotSet("lead_coach", None)]


class StartInterest(MobilisAction):
    """Begins the declaration of interest, for a coach when one was asked for."""

    def name(self) -> str:
        return "action_lead_start"

    def answer(self, turn: Turn) -> list[EventType]:
        coach_id = turn.entity("coach_id")
        coach = get_coach(turn.resources.database, coach_id) if coach_id else None
        if coach:
            turn.respond("lead_coach", coach=coach.name)
        told = {} if is_command(turn.text) else _presented(turn)
        given = [SlotSet(slot, value) for slot, value in told.items()]
        return [*_clear(), SlotSet("lead_coach", coach.id if coach else None), *given]


class AskConsent(MobilisAction):
    """Says what is kept, why, how long and who gets it, and asks before asking anything else."""

    def name(self) -> str:
        return "action_ask_lead_consent"

    def answer(self, turn: Turn) -> None:
        days, coach_id = turn.resources.settings.lead_days, turn.slot("lead_coach")
        coach = get_coach(turn.resources.database, coach_id) if coach_id else None
        asked = "lead_consent_coach" if coach else "lead_consent"
        turn.respond(
            asked if days else f"{asked}_unlimited",
            [turn.titled("i_agree", "affirm"), turn.titled("i_decline", "deny")],
            kind="form",
            days=days,
            coach=coach.name if coach else "",
        )


class _AskDetail(MobilisAction, abc.ABC):
    """Asks for one detail, in one sentence."""

    @property
    @abc.abstractmethod
    def field(self) -> str:
        """The detail asked for, one of `mobilis.leads.FIELDS`."""

    def name(self) -> str:
        return f"action_ask_lead_{self.field}"

    def answer(self, turn: Turn) -> None:
        turn.respond(f"lead_ask_{self.field}", kind="form")


class AskName(_AskDetail):
    """Asks for the name."""

    field = "name"


class AskOrganization(_AskDetail):
    """Asks for the organization."""

    field = "organization"


class AskEmail(_AskDetail):
    """Asks for the e-mail address."""

    field = "email"


class AskMessage(MobilisAction):
    """Asks for a message that may be left out."""

    def name(self) -> str:
        return "action_ask_lead_message"

    def answer(self, turn: Turn) -> None:
        turn.respond("lead_message", [turn.titled("nothing_to_add", "deny")], kind="form")


class AskConfirmation(MobilisAction):
    """Reads everything back; each field can still be corrected."""

    def name(self) -> str:
        return "action_ask_lead_confirmed"

    def answer(self, turn: Turn) -> None:
        message = turn.slot("lead_message")
        turn.respond(
            "lead_summary",
            [
                turn.titled("send", "affirm"),
                *(
                    turn.titled(f"correct_{field}", "go_back", field=f"lead_{field}")
                    for field in FIELDS
                ),
                turn.titled("cancel", "stop"),
            ],
            kind="form",
            name=turn.slot("lead_name"),
            organization=turn.slot("lead_organization"),
            email=turn.slot("lead_email"),
            note=turn.wording("nothing_added") if message == NOTHING else message,
        )


class ValidateInterestForm(FormValidation):
    """Checks each detail as it is given; declining ends the form."""

    slots = STEPS

    def name(self) -> str:
        return "validate_interest_form"

    def check(self, turn: Turn, slot: str, value: Any) -> dict[str, Any]:
        if slot == "lead_consent":
            return {slot: True, **_presented(turn)} if value else _DECLINED
        if slot == "lead_confirmed":
            return {slot: True} if value is True else self._corrected(turn, slot, value)
        if value == NOTHING:
            return {slot: NOTHING}
        details = self._told(turn, slot, str(value))
        if details == {slot: None}:
            turn.respond(f"lead_bad_{slot.removeprefix('lead_')}")
        return details

    @staticmethod
    def _corrected(turn: Turn, slot: str, value: Any) -> dict[str, Any]:
        """What is said in the place of a yes where everything was read back."""
        told = corrections(str(value)) if value else Told()
        if not told and value:
            kept = {field: str(turn.slot(f"lead_{field}")) for field in FIELDS}
            told = Told(swapped(str(value), kept))
        if not told:
            turn.respond("lead_what_to_correct")
        wrong: dict[str, Any] = {f"lead_{field}": None for field in told.wrong}
        return {**wrong, **_as_slots(told.given), slot: None}

    @staticmethod
    def _told(turn: Turn, slot: str, said: str) -> dict[str, Any]:
        """The detail that was asked for, and others that were named or corrected on the way."""
        field = slot.removeprefix("lead_")
        if said != turn.text:  # given before it was asked for
            return {slot: tidy(field, said)}
        told = corrections(said, strictly=True)
        others = {other: value for other, value in told.given.items() if other != field}
        if not others and told.wrong:
            return {slot: None, **{f"lead_{other}": None for other in told.wrong}}
        if not others:
            found = told.given or _signed(turn, slot) or answered(field, said, _persons(turn))
            return {slot: None, **_as_slots(found), **_noted(turn, field, found)}
        corrected = [other for other in others if turn.slot(f"lead_{other}") is not None]
        if corrected:
            turn.respond("lead_corrected", values=", ".join(others[other] for other in corrected))
        own = told.given.get(field) or _said_before(field, told.rest)
        return {slot: own, **_as_slots(others)}


def _noted(turn: Turn, field: str, found: Mapping[str, str]) -> dict[str, Any]:
    """What was said after the address, as the message to the team when there is none yet."""
    said = tidy("message", afterthought(turn.text))
    if field == "message" or "email" not in found or not said or turn.slot("lead_message"):
        return {}
    turn.respond("lead_noted", message=said)
    return {"lead_message": said}


def _said_before(field: str, rest: str) -> str | None:
    """The detail that was asked for, in what was said before a correction of another one."""
    if not rest or (field == "message" and len(rest.split()) < SHORTEST_MESSAGE):
        return None
    return answered(field, rest).get(field)


def _as_slots(details: Mapping[str, str]) -> dict[str, Any]:
    return {f"lead_{field}": value for field, value in details.items()}


def _persons(turn: Turn) -> list[str]:
    """The people whom the message names, where a detail is asked for."""
    return (turn.heard.get("names") or {}).get("persons") or []


def _presented(turn: Turn) -> dict[str, Any]:
    """The details by which somebody introduces themselves on the way to another thing; beside a
    yes, those that follow it."""
    agrees = turn.slot("requested_slot") == "lead_consent"
    said = first_part(turn.text)[1] if agrees else turn.text
    named = [name for name in _persons(turn) if name in said and (agrees or is_person(name))]
    return _as_slots(introduced_details(said, introduced(said) or named))


def _signed(turn: Turn, slot: str) -> dict[str, str]:
    """Several details given in one message, as in a signature."""
    if slot not in ("lead_name", "lead_organization"):
        return {}
    organizations = (turn.heard.get("names") or {}).get("organizations") or []
    named = slot == "lead_organization"  # the name was asked for before
    found = split_details(turn.text, _persons(turn), organizations, named)
    if not found:
        return {}
    fields = FIELDS[1:3] if named else FIELDS[:3]
    return {field: value for field in fields if (value := getattr(found, field))}


class CorrectDetail(MobilisAction):
    """Takes one detail back: the one named, or the last one given."""

    def name(self) -> str:
        return "action_lead_back"

    def answer(self, turn: Turn) -> list[EventType]:
        field = turn.entity("field")
        if field not in STEPS:
            given = [step for step in STEPS[:-1] if turn.slot(step) is not None]
            field = given[-1] if given else STEPS[0]
        return [SlotSet(field, None), SlotSet("lead_confirmed", None)]


class StopInterest(MobilisAction):
    """Leaves the form: nothing is kept."""

    def name(self) -> str:
        return "action_lead_stop"

    def answer(self, turn: Turn) -> list[EventType]:
        turn.respond("lead_stopped", turn.choices("help", "request_human"))
        return _clear()


class SubmitInterest(MobilisAction):
    """Keeps the declaration and gives its reference; after a refusal, keeps nothing."""

    def name(self) -> str:
        return "action_lead_submit"

    def answer(self, turn: Turn) -> list[EventType]:
        if not turn.slot("lead_confirmed"):
            turn.respond("lead_declined", turn.choices("help", "privacy"))
            return _clear()
        message = turn.slot("lead_message")
        coach_id = turn.slot("lead_coach")
        kind = "coach" if coach_id else "interest"
        reference = keep_lead(
            turn.resources.database,
            kind=kind,
            conversation_id=turn.conversation,
            message_id=turn.message_id,
            language=turn.language,
            details=Details(
                turn.slot("lead_name"),
                turn.slot("lead_organization"),
                turn.slot("lead_email"),
                "" if message == NOTHING else message,
            ),
            coach_id=coach_id,
            consented=True,
            coach_consented=bool(coach_id),  # whom the question named
        )
        labels = ["find_coach", "how_to_apply"]
        if turn.slot("assessment_answers"):
            labels.insert(0, "resume")
        coach = get_coach(turn.resources.database, coach_id) if coach_id else None
        key = "lead_kept_coach" if coach else "lead_kept"
        text = turn.wording(key, reference=reference, coach=coach.name if coach else "")
        turn.say("text", text, turn.choices(*labels), lead=_lead(reference, kind))
        return [*_clear(), SlotSet("topic", "declare_interest")]


class RequestHuman(MobilisAction):
    """Opens a case for a person to follow up, and gives its reference and the contact page."""

    def name(self) -> str:
        return "action_request_human"

    def answer(self, turn: Turn) -> list[EventType]:
        if turn.heard.get("asks") == "reply_time":
            turn.respond("reply_time", turn.choices("help", "declare_interest"))
        else:
            self._hand_over(turn)
        return [SlotSet("topic", "request_human")]

    @staticmethod
    def _hand_over(turn: Turn) -> None:
        database, content = turn.resources.database, turn.resources.content
        known = open_case(database, turn.conversation, turn.message_id)
        reference = known or keep_lead(
            database,
            kind="person",
            conversation_id=turn.conversation,
            message_id=turn.message_id,
            language=turn.language,
        )
        new = {} if known else {"lead": _lead(reference, "person")}
        key = "human_again" if known else "human"
        if is_reachable(database, turn.conversation):
            turn.say("text", turn.wording(f"{key}_reachable", reference=reference), **new)
            return
        link = known_link(content, "contact", turn.language)
        where = link or unknown_links(content, ["contact"], turn.language)[0]
        text = turn.wording(key, reference=reference, where=where)
        offer = payload("declare_interest")
        turn.say("text", text, turn.choices("declare_interest"), offer=offer, **new)


def _lead(reference: str, kind: str) -> dict[str, str]:
    """What the website is told of a lead that was just kept."""
    return {"reference": reference, "kind": kind}
