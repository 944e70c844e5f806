"""What the front door itself says: errors, the demo site, the page of a result, a downloaded
conversation, that a person takes one over, the words around messages on Slack and Teams, and what
staff are told there.

From content/errors.yml, site.yml, result.yml, download.yml, takeover.yml, slack.yml, teams.yml,
announcements.yml and content/console; read when it starts.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mobilis.content import LANGUAGES, both_languages, read_yaml
from mobilis.errors import ContentError

DEFAULT_LANGUAGE = "fr"
ERRORS = "content/errors.yml"
SITE = "content/site.yml"
RESULT = "content/result.yml"
DOWNLOAD = "content/download.yml"
TAKEOVER = "content/takeover.yml"
SLACK = "content/slack.yml"
TEAMS = "content/teams.yml"
ANNOUNCEMENTS = "content/announcements.yml"
CONSOLE = "content/console"
CODES = (
    *("bad_json", "bad_request", "body_too_large", "text_empty", "text_too_long"),
    *("unauthorized", "not_found", "method_not_allowed", "choice_unknown", "choice_used"),
    "message_unknown",
    *("intent_unknown", "too_many_requests", "busy", "unavailable", "not_answered"),
)
DOWNLOAD_KEYS = ("visitor", "assistant", "staff", "transcript", "transcript_line")
TAKEOVER_KEYS = (
    *("joined", "relieved", "left", "left_with_summary", "forsaken", "forsaken_waiting"),
)
SLACK_KEYS = (
    *("chosen", "choose", "staff_says", "source", "sources", "progress", "score", "cut"),
    *("of_another", "continue_direct", "continue_direct_unsure", "command_started"),
    *("languages", "regions", "topics", "levels", "reasons", "result_page"),
    *("home_title", "home_lead", "home_started", "home_privacy"),
    *("form_title", "form_send", "form_cancel", "form_name", "form_organization", "form_email"),
    *("form_message", "form_consent", "form_consent_needed", "form_kept_title", "form_close"),
    *("not_installed", "installed_title", "installed_text", "refused_title", "refused_text"),
)
TEAMS_KEYS = (
    *("progress", "chosen", "sources", "answers", "points", "result_page", "coach_page"),
    *("languages", "regions", "topics", "levels", "reasons", "staff"),
    *("empty", "moved", "moved_in_vain", "welcome_public", "welcome_back"),
    *("not_yours", "not_from_teams", "not_for_us"),
)
ANNOUNCEMENT_KEYS = (
    *("title_interest", "title_coach", "title_person", "title_waiting", "title_undelivered"),
    *("title_mail", "title_gone", "gone_from", "priority", "reason", "since", "name"),
    *("language_fr", "language_en", "claim", "taken", "closed", "open_case", "open_undelivered"),
    *("claim_claimed", "claim_yours", "claim_taken", "claim_closed", "claim_merged", "claim_gone"),
    *("claim_stranger", "claim_no_email", "claim_unknown", "claim_unavailable", "place"),
)
SITE_KEYS = (
    *("skip", "demo", "name_home", "other_language", "footer", "footer_label"),
    *("open_chat", "privacy_link"),
    *("home_title", "home_description", "nav_label", "nav_what", "nav_steps", "nav_questions"),
    *("hero_stream", "hero_title", "hero_lead", "hero_ready", "hero_note", "no_script"),
    *("what_title", "what_is", "what_why", "fit_title", "fit_change", "fit_targeted"),
    *("fit_levels", "unfit_title", "unfit_funding", "unfit_awareness", "unfit_partisan"),
    *("who_title", "who_team", "who_team_text", "who_size", "who_size_text", "who_bigger"),
    *("who_bigger_text", "steps_title", "steps_lead", "prepare_title", "session", "assess"),
    *("assess_text", "talk", "talk_text", "formal_title", "declare", "declare_text", "fund"),
    *("fund_text", "story_title", "story_lead", "story_start", "story_start_text", "story_ask"),
    *("story_ask_text", "story_gain", "story_gain_text", "questions_title", "questions_lead"),
    *("bot_title", "bot_is", "bot_robot", "bot_sources", "bot_directory"),
    *("bot_is_not", "bot_unofficial", "bot_decision", "bot_advice", "bot_privacy"),
    *("contact_title", "contact_text", "contact_fallback"),
    *("privacy_title", "privacy_lead", "kept_title", "kept_talk", "kept_lead", "why_title"),
    *("why_text", "long_title", "long_talk_days", "long_talk_unlimited", "long_lead_days"),
    *("long_lead_unlimited", "long_result", "where_title"),
    *("where_server", "where_browser", "erase_title", "erase_button", "erase_say", "erase_ask"),
    *("erase_rest", "prototype_title", "prototype_text"),
)
RESULT_KEYS = (
    *("name", "brand", "demo", "other_language", "file_name", "date", "date_first"),
    *(f"month_{number}" for number in range(1, 13)),
    *("dated", "score", "points", "points_short", "print", "download", "erase", "answers"),
    *("caption", "picture", "bar", "question", "answer", "points_head", "gaps", "steps"),
    *("steps_open", "about", "unofficial"),
    *("until", "until_erased", "erase_title", "erase_text", "erase_confirm", "erase_cancel"),
    *("erased_title", "erased_text", "gone_title", "gone_text", "refused_title", "home"),
)

Sentences = Mapping[str, Mapping[str, str]]  # {key: {"fr": …, "en": …}}


@dataclass(frozen=True)
class Wording:
    """The sentences of errors, of the demo site, of a result's page, of a downloaded conversation,
    of one that a person takes over, those around messages on Slack and Teams, and what staff are
    told there."""

    errors: Sentences
    site: Sentences
    result: Sentences
    download: Sentences
    takeover: Sentences
    slack: Sentences
    teams: Sentences
    announcements: Sentences
    console: Mapping[str, Sentences]  # by file of content/console

    def error(self, code: str, language: str, **values: object) -> str:
        """The sentence for an error code, with its placeholders filled in."""
        return self.errors[code][language].format(**values)

    def date(self, moment: datetime, language: str) -> str:
        """The day of a moment, as people write it: « 1er novembre 2026 », "November 1, 2026"."""
        words = {key: sentence[language] for key, sentence in self.result.items()}
        key = "date_first" if moment.day == 1 else "date"
        month = words[f"month_{moment.month}"]
        return words[key].format(day=moment.day, month=month, year=moment.year)


def load_wording(root: Path) -> Wording:
    """Read and check the files below `root`.

    Raises:
        ContentError: a file, a key or a language is missing, a key is unknown, or the
            placeholders differ.
    """
    return Wording(
        errors=_sentences(root, ERRORS, CODES),
        site=_sentences(root, SITE, SITE_KEYS),
        result=_sentences(root, RESULT, RESULT_KEYS),
        download=_sentences(root, DOWNLOAD, DOWNLOAD_KEYS),
        takeover=_sentences(root, TAKEOVER, TAKEOVER_KEYS),
        slack=_sentences(root, SLACK, SLACK_KEYS),
        teams=_sentences(root, TEAMS, TEAMS_KEYS),
        announcements=_sentences(root, ANNOUNCEMENTS, ANNOUNCEMENT_KEYS),
        console={
            path.stem: _sentences(root, f"{CONSOLE}/{path.name}")
            for path in sorted((root / CONSOLE).glob("*.yml"))
        },
    )


def _sentences(root: Path, name: str, keys: tuple[str, ...] | None = None) -> Sentences:
    """The sentences of a file: those `keys` and no others, or whatever is there."""
    data = read_yaml(root, name)
    if not isinstance(data, Mapping):
        raise ContentError(f"{name}: a mapping of names to fr and en is expected")
    known = tuple(map(str, data)) if keys is None else keys
    sentences = {key: both_languages(name, key, data.get(key)) for key in known}
    for key in data:
        if key not in known:
            raise ContentError(f"{name}: {key} is not a sentence that the front door says")
    for key, sentence in sentences.items():
        _check_placeholders(name, key, sentence)
    return sentences


def _check_placeholders(name: str, key: str, sentence: Mapping[str, str]) -> None:
    found = []
    for language in LANGUAGES:
        try:
            fields = string.Formatter().parse(sentence[language])
            found.append({field for _, field, _, _ in fields if field is not None})
        except ValueError:
            raise ContentError(f"{name}: {key}.{language} has an unpaired brace") from None
    if found[0] != found[1]:
        raise ContentError(f"{name}: {key} has different placeholders in fr and en")


def preferred_language(accept_language: str) -> str:
    """The language that an `Accept-Language` header likes best, of those we speak."""
    best, best_weight = DEFAULT_LANGUAGE, 0.0
    for part in accept_language.split(","):
        tag, _, parameters = part.partition(";")
        language = tag.strip().lower().split("-")[0]
        weight = _weight(parameters)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
