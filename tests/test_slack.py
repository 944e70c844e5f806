"""The Slack app in the settings: what switches it on, and what is refused by name."""

from __future__ import annotations

import pytest

from mobilis.errors import SettingError
from mobilis.settings import Settings
from mobilis.slack import API_URL, read_app

HTTP = {"slack_signing_secret": "s", "slack_bot_token": "xoxb-1"}
SOCKET = {"slack_app_token": "xapp-1", "slack_bot_token": "xoxb-1"}
MANY = {
    "slack_signing_secret": "s",
    "slack_client_id": "1.2",
    "slack_client_secret": "c",
    "public_url": "https://chat.example.org/",
    "secret": "long enough a secret",
}


def test_without_any_setting_of_slack_it_is_off():
    assert read_app(Settings()) is None
    assert read_app(Settings(slack_api_url="http://127.0.0.1:1/api/")) is None


def test_a_signing_secret_and_a_bot_token_are_enough_for_one_workspace():
    app = read_app(Settings(**HTTP))
    assert app
    assert (app.by_socket, app.many, app.api_url) == (False, False, API_URL)


def test_an_app_token_and_a_bot_token_are_enough_for_socket_mode():
    app = read_app(Settings(**SOCKET, slack_api_url="http://127.0.0.1:1/api/"))
    assert app
    assert (app.by_socket, app.many, app.api_url) == (True, False, "http://127.0.0.1:1/api/")


def test_a_client_id_lets_workspaces_install_the_app_themselves():
    app = read_app(Settings(**MANY))
    assert app
    assert (app.by_socket, app.many) == (False, True)
    assert app.redirect_url == "https://chat.example.org/slack/oauth_redirect"


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        ({"slack_signing_secret": "s"}, "MOBILIS_SLACK_BOT_TOKEN"),
        ({"slack_bot_token": "xoxb-1"}, "MOBILIS_SLACK_SIGNING_SECRET"),
        ({"slack_app_token": "xapp-1"}, "MOBILIS_SLACK_BOT_TOKEN"),
        ({**HTTP, "slack_bot_token": "xoxp-1"}, "MOBILIS_SLACK_BOT_TOKEN"),
        ({**SOCKET, "slack_app_token": "xoxb-1"}, "MOBILIS_SLACK_APP_TOKEN"),
        ({**MANY, "slack_signing_secret": ""}, "MOBILIS_SLACK_SIGNING_SECRET"),
        ({**MANY, "slack_client_id": ""}, "MOBILIS_SLACK_CLIENT_ID"),
        ({**MANY, "slack_client_secret": ""}, "MOBILIS_SLACK_CLIENT_SECRET"),
        ({**MANY, "slack_app_token": "xapp-1"}, "MOBILIS_SLACK_APP_TOKEN"),
        ({**MANY, "slack_bot_token": "xoxb-1"}, "MOBILIS_SLACK_BOT_TOKEN"),
        ({**MANY, "public_url": ""}, "MOBILIS_PUBLIC_URL"),
        ({**MANY, "secret": ""}, "MOBILIS_SECRET"),
    ],
)
def test_half_of_what_is_needed_is_refused_by_name(given, setting):
    with pytest.raises(SettingError) as refused:
        read_app(Settings(**given))
    assert str(refused.value).startswith(f"{setting}: ")
    assert "xox" not in str(refused.value).replace("begins with xoxb-", "")
