"""The Home tab, and the form in which somebody leaves their details.

Pure: views as Slack wants them, and what was filled in, checked by the rules of mobilis/leads.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mobilis.contact_details import FIELDS, LIMITS, Details, tidy
from mobilis.content import Content
from mobilis.markup import parse
from mobilis.web.slack.blocks import mrkdwn, plain_text
from mobilis.wording import Sentences

View = dict[str, Any]

FORM = "interest"  # its callback id
CONSENT = "consent"
OPTIONAL = ("message",)
TITLE = 24  # characters of a form's title
# What the buttons of the Home tab begin: their action id, and the intent.
HOME = {
    "home-start": "start_assessment",
    "home-resume": "resume",
    "home-coach": "find_coach",
}
HOME_FORM = "home-form"


def home(language: str, sentences: Sentences, content: Content, started: bool = False) -> View:
    """The Home tab; `started` when one of its buttons was just pressed."""
    words = {key: sentence[language] for key, sentence in sentences.items()}
    buttons = {**HOME, HOME_FORM: "declare_interest"}
    blocks = [
        {"type": "header", "text": plain_text(words["home_title"], 150)},
        _section(words["home_lead"]),
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": action,
                    "text": plain_text(content.choices[intent][language]),
                }
                for action, intent in buttons.items()
            ],
        },
        *([_section(words["home_started"])] if started else []),
        {"type": "context", "elements": [{"type": "mrkdwn", "text": words["home_privacy"]}]},
    ]
    return {"type": "home", "blocks": blocks}


def form(language: str, sentences: Sentences, content: Content, lead_days: int) -> View:
    """The form, with the question for consent of the conversation."""
    words = {key: sentence[language] for key, sentence in sentences.items()}
    agree = plain_text(content.choices["i_agree"][language])
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": language,
        "title": plain_text(words["form_title"], TITLE),
        "submit": plain_text(words["form_send"], TITLE),
        "close": plain_text(words["form_cancel"], TITLE),
        "blocks": [
            _section(consent_words(language, content, lead_days)),
            *(_input(field, words[f"form_{field}"]) for field in FIELDS),
            {
                "type": "input",
                "block_id": CONSENT,
                "label": plain_text(words["form_consent"]),
                "element": {
                    "type": "checkboxes",
                    "action_id": CONSENT,
                    "options": [{"text": agree, "value": "agreed"}],
                },
            },
        ],
    }


def consent_words(language: str, content: Content, lead_days: int) -> str:
    """What is agreed to, in the words of the conversation."""
    key = "lead_consent" if lead_days else "lead_consent_unlimited"
    return content.wording[key][language].format(days=lead_days)


def kept(language: str, sentences: Sentences, text: str) -> View:
    """What the form becomes once its details were kept."""
    words = {key: sentence[language] for key, sentence in sentences.items()}
    return {
        "type": "modal",
        "title": plain_text(words["form_kept_title"], TITLE),
        "close": plain_text(words["form_close"], TITLE),
        "blocks": [_section("\n".join(mrkdwn(parse(text))))],
    }


def check(
    view: Mapping[str, Any], sentences: Sentences, content: Content
) -> tuple[Details, dict[str, str]]:
    """The details of a form that was sent, and what is wrong with each of its fields, if any."""
    language = language_of(view)
    values = (view.get("state") or {}).get("values") or {}
    given, wrong = {}, {}
    for field in FIELDS:
        typed = str((values.get(field, {}).get(field) or {}).get("value") or "")
        value = tidy(field, typed)
        if value is None and (typed.strip() or field not in OPTIONAL):
            wrong[field] = content.wording[f"lead_bad_{field}"][language]
        given[field] = value or ""
    if not (values.get(CONSENT, {}).get(CONSENT) or {}).get("selected_options"):
        wrong[CONSENT] = sentences["form_consent_needed"][language]
    return Details(**given), wrong


def language_of(view: Mapping[str, Any]) -> str:
    """The language in which a form was shown."""
    return "en" if view.get("private_metadata") == "en" else "fr"


def _section(text: str) -> View:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _input(field: str, label: str) -> View:
    element: dict[str, Any] = {
        "type": "email_text_input" if field == "email" else "plain_text_input",
        "action_id": field,
    }
    if field != "email":
        element |= {"max_length": LIMITS[field], "multiline": field == "message"}
    return {
        "type": "input",
        "block_id": field,
        "label": plain_text(label),
        "optional": field in OPTIONAL,
        "element": element,
    }
