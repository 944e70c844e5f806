"""Whether the ports are free or ours, and whether what runs is ready."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from mobilis.doctor.findings import FAULT, OK, Finding
from mobilis.live import ports as live_ports
from mobilis.seeing.metrics import PROCESSES
from mobilis.settings import Settings

SECONDS = 5.0
LOOPBACK = "127.0.0.1"
Ours = Callable[[httpx.Client, int], bool]


def check_ports(settings: Settings) -> Iterator[Finding]:
    """Each port; and what the front door says of the whole chain, where it runs."""
    live = live_ports(settings)
    asked: list[tuple[str, int, Ours]] = [
        ("PORT", settings.port, _is_door),
        ("BRAIN_PORT", live.brain, _is_brain),
        ("ACTIONS_PORT", live.actions, _is_actions),
    ]
    if settings.metrics_port:
        asked += [
            ("METRICS_PORT", settings.metrics_port + offset, _is_metrics)
            for offset in range(len(PROCESSES))
        ]
    ports = [port for _, port, _ in asked]
    if twice := sorted({port for port in ports if ports.count(port) > 1}):
        why = f"The port {twice[0]} is set for two things: give each MOBILIS_…PORT its own."
        yield Finding("ports", FAULT, why)
        return
    free, ours = [], []
    with httpx.Client(timeout=SECONDS, trust_env=False) as client:
        for name, port, is_ours in asked:
            if is_free(port):
                free.append(port)
            elif is_ours(client, port):
                ours.append(port)
            else:
                why = f"MOBILIS_{name}: another program has {port}: end it, or set another port."
                yield Finding("ports", FAULT, why)
        if settings.port in ours:
            yield _readiness(client, settings.port)
    if ours:
        yield Finding("ports", OK, f"Ours are running at {_listed(ours)}.")
    if free:
        yield Finding("ports", OK, f"Free: {_listed(free)}.")


def is_free(port: int) -> bool:
    """Whether nobody listens at a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(SECONDS)
        return probe.connect_ex((LOOPBACK, port)) != 0


def _listed(ports: list[int]) -> str:
    return ", ".join(map(str, ports))


def _readiness(client: httpx.Client, port: int) -> Finding:
    answer = _get(client, port, "/healthz")
    part = answer.get("part") if answer else "the front door"
    if part is None:
        return Finding(
            "ready", OK, "The front door, the brain, the actions and the database answer."
        )
    return Finding("ready", FAULT, f"Everything is not ready: {part} does not answer; see the log.")


def _is_door(client: httpx.Client, port: int) -> bool:
    return "parts" in (_get(client, port, "/healthz") or {})


def _is_brain(client: httpx.Client, port: int) -> bool:
    """It refuses whoever does not know the secret."""
    return "secret" in str((_get(client, port, "/webhooks/mobilis/health") or {}).get("error"))


def _is_actions(client: httpx.Client, port: int) -> bool:
    return _get(client, port, "/health") == {"status": "ok"}


def _is_metrics(client: httpx.Client, port: int) -> bool:
    try:
        return "mobilis_" in client.get(f"http://{LOOPBACK}:{port}/metrics").text
    except httpx.HTTPError:
        return False


def _get(client: httpx.Client, port: int, path: str) -> dict[str, Any] | None:
    try:
        answer = client.get(f"http://{LOOPBACK}:{port}{path}").json()
    except (httpx.HTTPError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None
