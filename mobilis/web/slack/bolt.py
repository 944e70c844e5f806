"""The Bolt app: Slack's requests, told apart and handed to the desk."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.oauth.async_callback_options import (
    AsyncCallbackOptions,
    AsyncFailureArgs,
    AsyncSuccessArgs,
)
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.response import BoltResponse

from mobilis.places import Place
from mobilis.slack import COMMANDS, INSTALL_PATH, REDIRECT_PATH, SCOPES, SHORTCUT
from mobilis.web.door import Door
from mobilis.web.pages import render
from mobilis.web.slack import views
from mobilis.web.slack.announced import ACTION, Claims
from mobilis.web.slack.api import Slack, quiet_logger
from mobilis.web.slack.blocks import CHOICE
from mobilis.web.slack.desk import Desk, content
from mobilis.web.slack.inbound import DIRECT, direct, message_id, read_post, thread
from mobilis.web.slack.outlet import SlackOutlet
from mobilis.web.slack.stores import Authorize, Installations, States, workspace_id
from mobilis.wording import preferred_language
from mobilis.workspaces import mark_gone

Body = Mapping[str, Any]
ANY = re.compile(".*")
PAGE_HEADERS = ("Content-Type", "Content-Language", "Content-Security-Policy")

logger = logging.getLogger(__name__)


class Listeners:
    """One method for each kind of request."""

    def __init__(self, door: Door, slack: Slack, desk: Desk, outlet: SlackOutlet) -> None:
        self._door = door
        self._slack = slack
        self._desk = desk
        self._outlet = outlet
        self._claims = Claims(door, slack)

    async def event(self, body: Body, context: AsyncBoltContext) -> None:
        """Something happened in a workspace."""
        event, workspace = body["event"], _workspace(context)
        if event["type"] in ("message", "app_mention"):
            await self._post(event, workspace, _bot_user(body))
        elif event["type"] == "app_home_opened" and event.get("tab") == "home":
            self._desk.later(self._desk.show_home(workspace, event["user"]))
        elif event["type"] == "app_uninstalled":
            await self._gone(workspace, "app_uninstalled")
        elif event["type"] == "tokens_revoked" and (event.get("tokens") or {}).get("bot"):
            await self._gone(workspace, "token_revoked")

    async def _post(self, event: Body, workspace: str, bot_user: str | None) -> None:
        spoken = read_post(event, workspace, bot_user)
        if spoken is None:
            return
        if "thread" not in spoken.place.reference:
            self._outlet.remember(workspace, spoken.user, spoken.channel)
        await self._desk.hear(spoken)

    async def _gone(self, workspace: str, why: str) -> None:
        if await self._door.write(mark_gone, workspace, why):
            logger.error("the Slack workspace %s has removed the app: %s", workspace, why)

    async def action(self, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        """Somebody pressed a button, of a message or of the Home tab."""
        action, workspace, user = body["actions"][0], _workspace(context), body["user"]["id"]
        name = str(action.get("action_id"))
        if name.startswith(CHOICE) and body.get("message"):
            chosen = action.get("selected_option") or action
            channel, ts = body["channel"]["id"], body["message"]["ts"]
            pressed = message_id(channel, ts, str(action.get("action_ts")))
            here = _where(workspace, user, channel, body["message"].get("thread_ts"))
            await self._desk.choose(here, pressed, str(chosen.get("value")))
        elif name == ACTION:
            self._desk.later(self._claims.press(body, workspace))
        elif name in views.HOME:
            pressed = message_id(user, name, str(action.get("action_ts")))
            await self._desk.begin(workspace, user, pressed, views.HOME[name])
            self._desk.later(self._desk.show_home(workspace, user, started=True))
        elif name == views.HOME_FORM:
            self._desk.later(self._desk.show_form(workspace, user, body["trigger_id"]))
        await ack()

    async def shortcut(self, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        """Somebody asks for the form from wherever they are."""
        user = body["user"]["id"]
        self._desk.later(self._desk.show_form(_workspace(context), user, body["trigger_id"]))
        await ack()

    async def command(self, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        """Somebody begins the assessment, in the command's language."""
        language = COMMANDS[body["command"]]
        begun = message_id("command", str(body["trigger_id"]))
        await self._desk.begin(
            _workspace(context), body["user_id"], begun, "start_assessment", language
        )
        await ack(self._door.wording.slack["command_started"][language])

    async def form(self, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        """Somebody sent the form."""
        view, sentences = body["view"], self._door.wording.slack
        details, wrong = views.check(view, sentences, content())
        if wrong:
            await ack(response_action="errors", errors=wrong)
            return
        text = await self._desk.keep_details(_workspace(context), body["user"]["id"], view, details)
        shown = views.kept(views.language_of(view), sentences, text)
        await ack(response_action="update", view=shown)

    async def other(self, ack: AsyncAck) -> None:
        """Nothing to do, but Slack wants to know that it arrived."""
        await ack()


def make_bolt(door: Door, slack: Slack, desk: Desk, outlet: SlackOutlet) -> AsyncApp:
    """The Bolt app with its listeners. It answers once they are done: what they take in is in the
    database then, and Slack asks again when it could not be."""
    app = AsyncApp(
        logger=quiet_logger(),
        name="mobilis",
        client=slack.client(),
        authorize=cast(Callable[..., Awaitable[AuthorizeResult]], Authorize(door, slack)),
        oauth_settings=_oauth(door, slack) if slack.app.many else None,
        process_before_response=True,
        request_verification_enabled=False,  # done before anything is read (mobilis/web/slack)
        user_facing_authorize_error_message=door.wording.slack["not_installed"]["fr"],
    )
    listeners = Listeners(door, slack, desk, outlet)
    app.event(ANY)(listeners.event)
    app.action(ANY)(listeners.action)
    for command in COMMANDS:
        app.command(command)(listeners.command)
    app.global_shortcut(SHORTCUT)(listeners.shortcut)
    app.view_submission(views.FORM)(listeners.form)
    for other in (app.command, app.shortcut, app.view, app.options):
        other(ANY)(listeners.other)
    app.error(_on_error)
    return app


async def _on_error(error: Exception) -> BoltResponse:
    """Slack asks again; the words of an exception may hold what somebody wrote."""
    logger.error("a request of Slack failed: %s", type(error).__name__)
    return BoltResponse(status=503, body="")


def _bot_user(body: Body) -> str | None:
    """Whom an event was sent to: us, as a user of the workspace."""
    asked = body.get("authorizations") or ()
    return next((str(one["user_id"]) for one in asked if one.get("is_bot")), None)


def _where(workspace: str, user: str, channel: str, ts: str | None) -> Place:
    """Where somebody is who pressed a button."""
    if ts and not channel.startswith(DIRECT):
        return thread(workspace, channel, ts, user)
    return direct(workspace, user, channel)


def _workspace(context: AsyncBoltContext) -> str:
    return workspace_id(context.enterprise_id, context.team_id, context.is_enterprise_install)


def _oauth(door: Door, slack: Slack) -> AsyncOAuthSettings:
    pages = InstallPages(door)
    return AsyncOAuthSettings(
        client_id=slack.app.client_id,
        client_secret=slack.app.client_secret,
        scopes=sorted(SCOPES),
        user_scopes=[],
        redirect_uri=slack.app.redirect_url,
        install_path=INSTALL_PATH,
        redirect_uri_path=REDIRECT_PATH,
        install_page_rendering_enabled=False,
        installation_store=Installations(door, slack),
        installation_store_bot_only=True,
        state_store=States(door),
        callback_options=AsyncCallbackOptions(success=pages.done, failure=pages.refused),
        logger=quiet_logger(),
    )


class InstallPages:
    """What whoever installs the app gets to see at the end."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def done(self, args: AsyncSuccessArgs) -> BoltResponse:
        name = args.installation.team_name or args.installation.enterprise_name or ""
        return self._page(args, 200, "installed_title", "installed_text", workspace=name)

    async def refused(self, args: AsyncFailureArgs) -> BoltResponse:
        logger.warning("Slack was not installed: %s", re.sub(r"[^a-z_]", "", args.reason)[:40])
        return self._page(args, args.suggested_status_code, "refused_title", "refused_text")

    def _page(
        self,
        args: AsyncSuccessArgs | AsyncFailureArgs,
        status: int,
        title: str,
        text: str,
        **values: str,
    ) -> BoltResponse:
        accepted = args.request.headers.get("accept-language", [""])[0]
        language = preferred_language(accepted)
        words = self._door.wording.slack
        said: dict[str, Any] = {
            "heading": words[title][language],
            "text": words[text][language].format(**values),
        }
        page = render("slack_install.html", language, status, **said)
        gone = args.settings.state_utils.build_set_cookie_for_deletion()
        headers: dict[str, str | Sequence[str]] = {"Set-Cookie": gone}
        headers |= {name: page.headers[name] for name in PAGE_HEADERS}
        return BoltResponse(status=status, body=bytes(page.body).decode(), headers=headers)
