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
        try:
            opened = client.post("/api/conversations", json={"language": language})
        except httpx.HTTPError:
            raise Unreachable(f"nothing answers at {base}; start it with: mobilis up") from None
        if opened.status_code != 201:
            raise Unreachable(opened.json()["error"]["message"])
        conversation = opened.json()
        client.headers["Authorization"] = f"Bearer {conversation['token']}"
        path = f"/api/conversations/{conversation['conversation']}/messages?wait={WAIT}"
        choices = show(conversation["messages"])
        for line in sys.stdin:
            answer = client.post(path, json=_body(line.strip(), choices))
            data = answer.json()
            if answer.status_code == 200:
                choices = show(data["messages"]) or choices
            else:
                print(data.get("error", {}).get("message", "…"), flush=True)


def _body(line: str, choices: list[Message]) -> Message:
    body = {"id": str(uuid.uuid4())}
    if line.isdigit() and 1 <= int(line) <= len(choices):
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
