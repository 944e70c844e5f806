"""Where staff are told, as the settings have it: a channel of Slack, a conversation of Teams."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence

from anyio import to_thread

from mobilis.announcements import set_targets
from mobilis.bulletins import DETAILS, Board, Style
from mobilis.content import LANGUAGES
from mobilis.errors import SettingError, StoreError
from mobilis.places import Place
from mobilis.priority import read_weights
from mobilis.seeing.logs import tell_refusal
from mobilis.settings import Settings
from mobilis.slack import read_app as read_slack
from mobilis.store import Database
from mobilis.web.teams.announced import target_key
from mobilis.web.teams.clouds import read_app as read_teams
from mobilis.wording import Sentences, Wording

RETRY_SECONDS = 1.0

_SLACK = re.compile(r"([TE][A-Z0-9]{0,20})/([CG][A-Z0-9]{0,20})", re.ASCII)
_CONVERSATION = re.compile(r"[\w:@.=+-]{3,255}", re.ASCII)

logger = logging.getLogger(__name__)


def make_board(settings: Settings, wording: Wording) -> Board:
    """What is told where; nowhere, unless the settings say.

    Raises:
        SettingError: a setting makes no sense, or another one is missing.
    """
    language, detail = settings.notices_language, settings.notices_detail
    if language not in LANGUAGES:
        raise SettingError(f"MOBILIS_NOTICES_LANGUAGE: one of {', '.join(LANGUAGES)} is expected")
    if detail not in DETAILS:
        raise SettingError(f"MOBILIS_NOTICES_DETAIL: one of {', '.join(DETAILS)} is expected")
    style = Style(
        language=language,
        detail=detail,
        words=_in(wording.announcements, language),
        reasons=_in(wording.console["queue"], language),
        whys=_in(wording.console["deliveries"], language),
        weights=read_weights(settings.priority),
        address=settings.public_url.rstrip("/"),
    )
    return Board(read_places(settings), style, settings.notices_wait_hours)


def read_places(settings: Settings) -> list[Place]:
    """The places that are told.

    Raises:
        SettingError: one makes no sense, or what it needs is missing.
    """
    places = [*_of_slack(settings), *_of_teams(settings)]
    if places and not settings.public_url:
        raise SettingError("MOBILIS_PUBLIC_URL: needed, as notices to staff lead to cases")
    return places


async def keep_targets(database: Database, board: Board) -> None:
    """Note which places are told from now on, once the database takes it."""

    def note() -> None:
        with database.write() as connection:
            set_targets(connection, list(board.places))

    while True:
        try:
            await to_thread.run_sync(note)
        except StoreError as error:
            tell_refusal(logger, "the places that staff are told in cannot be noted", error)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


def _of_slack(settings: Settings) -> Sequence[Place]:
    given = settings.notices_slack
    if not given:
        return ()
    found = _SLACK.fullmatch(given)
    if not found:
        raise SettingError(
            "MOBILIS_NOTICES_SLACK: workspace/channel is expected, as in T012AB/C345"
        )
    if read_slack(settings) is None:
        raise SettingError("MOBILIS_NOTICES_SLACK: Slack is not switched on (see docs/settings.md)")
    return (Place("slack", given, found[1], {"channel": found[2]}),)


def _of_teams(settings: Settings) -> Sequence[Place]:
    given = settings.notices_teams
    if not given:
        return ()
    if len(given) != 3 or not _CONVERSATION.fullmatch(given[1]):
        raise SettingError(
            "MOBILIS_NOTICES_TEAMS: tenant,conversation,service is expected (see docs/notices.md)"
        )
    app = read_teams(settings)
    if app is None:
        raise SettingError("MOBILIS_NOTICES_TEAMS: Teams is not switched on (see docs/settings.md)")
    tenant, conversation, service_url = given[0].lower(), given[1], given[2]
    if not app.trusts(service_url):
        raise SettingError("MOBILIS_NOTICES_TEAMS: the service is none of Microsoft's")
    if not app.admits(tenant):
        raise SettingError(
            "MOBILIS_NOTICES_TEAMS: the tenant is not in MOBILIS_TEAMS_ALLOWED_TENANTS"
        )
    reference = {"service_url": service_url, "conversation": conversation, "public": False}
    return (Place("teams", target_key(tenant, conversation), tenant, reference),)


def _in(sentences: Sentences, language: str) -> dict[str, str]:
    return {key: sentence[language] for key, sentence in sentences.items()}
