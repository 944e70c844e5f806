"""The settings of the channel: off, whole, or a sentence that names what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_teams import APP, TENANT

from mobilis.errors import SettingError
from mobilis.settings import Settings
from mobilis.web.app import make_channels
from mobilis.web.teams.channel import make_teams
from mobilis.web.teams.clouds import read_app

WHOLE = Settings(teams_app_id=APP, teams_app_password="p", teams_tenant=TENANT)


def test_without_settings_the_channel_is_off():
    assert read_app(Settings()) is None
    assert make_teams(Settings()) is None
    assert make_channels(Settings()) == []


def test_with_three_settings_it_is_on_for_its_own_tenant():
    app = read_app(WHOLE)
    assert [channel.name for channel in make_channels(WHOLE)] == ["teams"]
    assert app.admits(TENANT) and app.admits(TENANT.upper())
    assert not app.admits("11111111-2222-4333-8444-555555555555")
    assert app.token_url == f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"


def test_an_app_of_several_tenants_names_them():
    other = "11111111-2222-4333-8444-555555555555"
    shared = replace(WHOLE, teams_tenant="botframework.com", teams_allowed_tenants=(TENANT, other))
    app = read_app(shared)
    assert app.admits(other) and app.admits(TENANT)
    assert not app.admits("22222222-2222-4333-8444-555555555555")


def test_any_tenant_is_a_choice_of_its_own():
    assert read_app(replace(WHOLE, teams_allowed_tenants=("*",))).admits("anybody")


def test_a_cloud_fixes_the_addresses():
    app = read_app(replace(WHOLE, teams_cloud="us_government"))
    assert app.token_url.startswith("https://login.microsoftonline.us/")
    assert app.cloud.scope == "https://api.botframework.us/.default"
    assert app.cloud.issuer == "https://api.botframework.us"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"teams_app_password": ""}, "MOBILIS_TEAMS_APP_PASSWORD: needed"),
        ({"teams_tenant": ""}, "MOBILIS_TEAMS_TENANT: needed"),
        ({"teams_app_id": ""}, "MOBILIS_TEAMS_APP_ID: needed"),
        ({"teams_app_id": "mobilis"}, "MOBILIS_TEAMS_APP_ID: an id"),
        ({"teams_tenant": "a/b"}, "MOBILIS_TEAMS_TENANT: a directory id"),
        ({"teams_tenant": "botframework.com"}, "MOBILIS_TEAMS_ALLOWED_TENANTS: needed"),
        ({"teams_allowed_tenants": ("example.org",)}, "MOBILIS_TEAMS_ALLOWED_TENANTS: directory"),
        ({"teams_cloud": "moon"}, "MOBILIS_TEAMS_CLOUD: one of public, us_gcc"),
        ({"teams_openid_url": "http://a.ca/x"}, "MOBILIS_TEAMS_OPENID_URL: an https"),
        ({"teams_login_url": "http://a.ca"}, "MOBILIS_TEAMS_LOGIN_URL: an https"),
        ({"teams_service_url": "https://a.ca"}, "MOBILIS_TEAMS_SERVICE_URL: only"),
        ({"teams_service_url": "http://127.0.0.1.a.ca/"}, "MOBILIS_TEAMS_SERVICE_URL: only"),
        ({"teams_service_url": "http://localhost@a.ca/"}, "MOBILIS_TEAMS_SERVICE_URL: only"),
    ],
)
def test_what_is_missing_or_wrong_is_named(changes, named):
    with pytest.raises(SettingError, match=named):
        read_app(replace(WHOLE, **changes))


def test_only_the_tenants_without_an_app_are_half_a_setting():
    with pytest.raises(SettingError, match="MOBILIS_TEAMS_APP_ID: needed"):
        read_app(Settings(teams_allowed_tenants=(TENANT,)))
