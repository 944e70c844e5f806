"""Where staff are told: what the settings may say of it, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from mobilis.errors import SettingError
from mobilis.models import announcement_targets
from mobilis.settings import ROOT, Settings
from mobilis.web.announcing import keep_targets, make_board
from mobilis.wording import load_wording

TENANT = "72f988bf-0000-4000-8000-2d7cd011db47"
SERVICE = "https://smba.trafficmanager.net/ca/"
SLACK = {"slack_signing_secret": "s", "slack_bot_token": "xoxb-1", "notices_slack": "T1/C9"}
TEAMS = {
    "teams_app_id": "6f1d1c0e-8f4b-4d6a-9d5e-0a4c3b2f1e11",
    "teams_app_password": "p",
    "teams_tenant": TENANT,
    "notices_teams": (TENANT.upper(), "19:room@thread.tacv2", SERVICE),
}


def board(**more):
    return make_board(replace(Settings(public_url="https://a.ca"), **more), load_wording(ROOT))


def test_without_a_setting_nowhere_is_told():
    assert board(public_url="").places == {}


def test_a_channel_of_slack_and_a_conversation_of_teams_are_told():
    told = board(**SLACK, **TEAMS).places
    assert list(told) == [("slack", "T1/C9"), ("teams", f"{TENANT}/19:room@thread.tacv2")]
    assert told["slack", "T1/C9"].reference == {"channel": "C9"}


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"notices_language": "de"}, "MOBILIS_NOTICES_LANGUAGE"),
        ({"notices_detail": "all"}, "MOBILIS_NOTICES_DETAIL"),
        ({**SLACK, "public_url": ""}, "MOBILIS_PUBLIC_URL"),
        ({**SLACK, "notices_slack": "C9"}, "MOBILIS_NOTICES_SLACK"),
        ({**SLACK, "notices_slack": "T1/@ann"}, "MOBILIS_NOTICES_SLACK"),
        ({**SLACK, "notices_slack": "T1/C9\n"}, "MOBILIS_NOTICES_SLACK"),
        ({"notices_slack": "T1/C9"}, "MOBILIS_NOTICES_SLACK"),
        ({"notices_teams": TEAMS["notices_teams"]}, "MOBILIS_NOTICES_TEAMS"),
        ({**TEAMS, "notices_teams": (TENANT,)}, "MOBILIS_NOTICES_TEAMS"),
        ({**TEAMS, "notices_teams": (TENANT, "a b", SERVICE)}, "MOBILIS_NOTICES_TEAMS"),
        ({**TEAMS, "notices_teams": ("x", "19:r", SERVICE)}, "MOBILIS_NOTICES_TEAMS"),
        ({**TEAMS, "notices_teams": (TENANT, "19:r", "https://x.ca/")}, "MOBILIS_NOTICES_TEAMS"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(more, name):
    with pytest.raises(SettingError, match=f"^{name}: "):
        board(**more)


def test_a_database_that_is_away_is_asked_again(database, monkeypatch):
    import asyncio

    from mobilis.errors import StoreError
    from mobilis.web import announcing

    monkeypatch.setattr(announcing, "RETRY_SECONDS", 0)
    attempts = []

    def refuse_once(connection, keys):
        attempts.append(keys)
        if len(attempts) == 1:
            raise StoreError("away")
        set_targets(connection, keys)

    set_targets = announcing.set_targets
    monkeypatch.setattr(announcing, "set_targets", refuse_once)
    asyncio.run(keep_targets(database, board(**SLACK)))
    with database.read() as connection:
        [row] = connection.execute(select(announcement_targets)).all()
    assert (row.channel, row.target) == ("slack", "T1/C9")
    assert len(attempts) == 2
