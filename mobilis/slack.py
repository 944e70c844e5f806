"""The Slack app: what it may do, what it listens to, and how the settings have it.

deploy/slack/manifest.yaml declares the same to Slack; a test keeps the two in step. Called by the
channel (mobilis/web/slack) and by `mobilis doctor slack`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mobilis.errors import SettingError
from mobilis.settings import Settings

API_URL = "https://slack.com/api/"
EVENTS_PATH = "/slack/events"
INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"

# What the bot is allowed, and what for.
SCOPES = {
    "app_mentions:read": "to hear that somebody mentions it",
    "channels:history": "to see in a thread whether an answer was posted already",
    "chat:write": "to answer",
    "commands": "for its commands and its shortcut",
    "groups:history": "the same as channels:history, in private channels",
    "im:history": "to hear direct messages",
    "im:write": "to begin a direct message",
    "mpim:history": "the same as channels:history, in group messages",
    "users:read": "to know the language that somebody has chosen",
    "users:read.email": "to know who of staff claims a case",
}
EVENTS = ("app_home_opened", "app_mention", "app_uninstalled", "message.im", "tokens_revoked")
COMMANDS = {"/preparation": "fr", "/readiness": "en"}  # the language that each speaks
SHORTCUT = "declare_interest"
PURPOSE = "slack tokens"  # of the seal of workspaces' tokens


@dataclass(frozen=True)
class SlackApp:
    """The app as the settings have it. `many`: workspaces install it themselves (OAuth)."""

    signing_secret: str = field(repr=False)
    bot_token: str = field(repr=False)
    app_token: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    redirect_url: str
    api_url: str

    @property
    def by_socket(self) -> bool:
        """Whether it connects to Slack (Socket Mode), rather than Slack to it."""
        return bool(self.app_token)

    @property
    def many(self) -> bool:
        return bool(self.client_id)


def read_app(settings: Settings) -> SlackApp | None:
    """The app, or None when no setting of Slack is there.

    Raises:
        SettingError: half of what is needed is there; names what is missing or too much.
    """
    given = (settings.slack_signing_secret, settings.slack_client_id, settings.slack_client_secret)
    if not any((*given, settings.slack_bot_token, settings.slack_app_token)):
        return None
    _check_tokens(settings)
    _check_way_in(settings)
    if settings.slack_client_id or settings.slack_client_secret:
        _check_oauth(settings)
    elif not settings.slack_bot_token:
        _refuse("bot_token", "is missing; or set MOBILIS_SLACK_CLIENT_ID, for several workspaces")
    return SlackApp(
        signing_secret=settings.slack_signing_secret,
        bot_token=settings.slack_bot_token,
        app_token=settings.slack_app_token,
        client_id=settings.slack_client_id,
        client_secret=settings.slack_client_secret,
        redirect_url=settings.public_url.rstrip("/") + REDIRECT_PATH,
        api_url=settings.slack_api_url or API_URL,
    )


def _check_tokens(settings: Settings) -> None:
    if settings.slack_bot_token and not settings.slack_bot_token.startswith("xoxb-"):
        _refuse("bot_token", "a token of a bot begins with xoxb-")
    if settings.slack_app_token and not settings.slack_app_token.startswith("xapp-"):
        _refuse("app_token", "a token of an app begins with xapp-")


def _check_way_in(settings: Settings) -> None:
    if not settings.slack_signing_secret and not settings.slack_app_token:
        _refuse("signing_secret", "is missing; or set MOBILIS_SLACK_APP_TOKEN, for Socket Mode")


def _check_oauth(settings: Settings) -> None:
    if not settings.slack_client_id:
        _refuse("client_id", "is missing beside the client secret")
    if not settings.slack_client_secret:
        _refuse("client_secret", "is missing beside the client id")
    if settings.slack_app_token:
        _refuse("app_token", "Socket Mode serves one workspace: leave the client id out")
    if settings.slack_bot_token:
        _refuse("bot_token", "each workspace gets its own token: leave out this or the client id")
    if not settings.public_url:
        raise SettingError("MOBILIS_PUBLIC_URL: Slack sends people who install the app back there")
    if not settings.secret:
        raise SettingError("MOBILIS_SECRET: the workspaces' tokens are encrypted with it")


def _refuse(name: str, why: str) -> None:
    raise SettingError(f"MOBILIS_SLACK_{name.upper()}: {why} (see docs/slack.md)")
