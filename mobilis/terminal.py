"""`mobilis chat`: a conversation in the terminal, over the same chat API as the website."""

from __future__ import annotations

import sys
import uuid
from typing import Any

import httpx

from mobilis.errors import MobilisError

WAIT = 30  # seconds
Message = dict[str, Any]


class Unreachable(MobilisError):
    """The front door does not answer."""


def converse(base: str, language: str) -> None:
    """Talk until the end of input; a number picks one of the choices shown last.

    Raises:
        Unreachable: nothing answers at `base`.
    """
    with httpx.Client(base_url=base, timeout=WAIT + 10, trust_env=False) as client:
        opened = _post(client, "/api/conversations", {"language": language})
        if opened.status_code != 201:
            raise Unreachable(_refusal(opened))
        conversation = opened.json()
        client.headers["Authorization"] = f"Bearer {conversation['token']}"
        path = f"/api/conversations/{conversation['conversation']}/messages?wait={WAIT}"
        choices = show(conversation["messages"])
        for line in sys.stdin:
            answer = _post(client, path, _body(line.strip(), choices))
            if answer.status_code == 200:
                choices = show(answer.json()["messages"]) or choices
            else:
                print(_refusal(answer), flush=True)


def _post(client: httpx.Client, path: str, body: Message) -> httpx.Response:
    try:
        return client.post(path, json=body)
    except httpx.HTTPError:
        base = str(client.base_url).rstrip("/")
        raise Unreachable(f"nothing answers at {base}; start it with: mobilis up") from None


def _refusal(answer: httpx.Response) -> str:
    """Why there is no answer, in the words of the front door when it gave any."""
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return "…" if answer.status_code == 202 else f"status {answer.status_code}"


def _body(line: str, choices: list[Message]) -> Message:
    body = {"id": str(uuid.uuid4())}
    if line.isdecimal() and 1 <= int(line) <= len(choices):
        return {**body, "choice": choices[int(line) - 1]["id"]}
    return {**body, "text": line}


def show(messages: list[Message]) -> list[Message]:
    """Print messages with their sources and numbered choices; the choices."""
    choices: list[Message] = []
    for message in messages:
        print(f"\n{message['text']}")
        for source in message.get("faq", {}).get("sources", []):
            print(f"  ↗ {source['title']}: {source['url']}")
        choices += message.get("choices", [])
    for number, choice in enumerate(choices, 1):
        print(f"  [{number}] {choice['title']}")
    print("> ", end="", flush=True)
    return choices
