"""What deploys the assistant: images, compose file, Helm chart and systemd units hold what they
promise, and are what their tools accept. A tool that is not installed is skipped, what it reads is
still looked at."""

from __future__ import annotations

import ast
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from processes import free_port

from mobilis.settings import ROOT, Settings

pytestmark = pytest.mark.door

DEPLOY = ROOT / "deploy"
IMAGES = sorted((DEPLOY / "images").glob("*.Dockerfile"))
COMPOSE = DEPLOY / "compose" / "compose.yml"
CHART = DEPLOY / "helm" / "mobilis"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SECRET = "a secret of 26 characters."
VALUES = {"secrets": {"MOBILIS_SECRET": SECRET, "DATABASE_URL": "postgresql://mobilis@db/mobilis"}}
EVERYTHING = {
    **VALUES,
    "settings": {"MOBILIS_WORKERS": 16, "MOBILIS_PUBLIC_URL": "https://chat.example.org"},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "host": "chat.example.org",
        "tlsSecret": "t",
    },
    "imagePullSecrets": [{"name": "registry"}],
    "door": {
        "from": [{"namespaceSelector": {}}],
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "podAnnotations": {"a/b": "c"},
    },
    "database": {"to": [{"podSelector": {"matchLabels": {"app": "postgres"}}}]},
}


def instructions(image: Path) -> list[tuple[str, str]]:
    """Those of a Dockerfile, each on one line."""
    text = re.sub(r"^\s*#.*\n", "", image.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [line.partition(" ") for line in text.replace("\\\n", " ").splitlines()]
    return [(name, rest.strip()) for name, _, rest in lines if name]


def last_stage(image: Path) -> list[tuple[str, str]]:
    found = instructions(image)
    starts = [number for number, (name, _) in enumerate(found) if name == "FROM"]
    return found[starts[-1] :]


def sources(rest: str) -> list[str]:
    """What a COPY takes from the project; nothing of what it takes from another stage."""
    words = shlex.split(rest)
    return [] if words[0].startswith("--from") else words[:-1]


def is_let_in(path: str) -> bool:
    """Whether .dockerignore lets a path into the build."""
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = [rule[1:] for rule in rules if rule.startswith("!")]
    return any(path == one or path.startswith(f"{one}/") for one in allowed)


# Images


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.stem)
def test_an_image_begins_with_a_pinned_one_and_runs_as_nobody_special(image: Path) -> None:
    for name, rest in instructions(image):
        if name == "FROM":
            assert re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+( AS [a-z]+)?", rest), rest
    stage = dict(last_stage(image))
    assert stage["USER"] == "10001:10001"
    assert json.loads(stage["VOLUME"]) == ["/tmp", "/var/lib/mobilis"]
    assert "health" in stage["HEALTHCHECK"]
    assert json.loads(stage["ENTRYPOINT"]) == ["python", "-m", "mobilis.cli"]
    names = [name for name, _ in last_stage(image)]
    assert names.index("USER") > max(number for number, name in enumerate(names) if name == "RUN")


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.stem)
def test_an_image_is_built_of_the_project_and_of_locked_packages_alone(image: Path) -> None:
    for name, rest in instructions(image):
        assert name != "ADD", rest
        assert "http" not in rest, rest
        if name == "RUN":
            assert not re.search(r"curl|wget|apt-get|git ", rest), rest
            if "pip install" in rest:
                assert "--require-hashes" in rest or "--verify-hashes" in rest, rest
            assert "npm i" not in rest, rest  # npm ci takes what the lock has
        if name == "COPY":
            for source in sources(rest):
                assert (ROOT / source).exists(), source
                assert is_let_in(source), source


def test_an_image_gets_no_data_no_secrets_and_no_tests() -> None:
    for path in ("var", ".env", "tests", ".git", "models", "deploy/compose/mobilis.env", "docs"):
        assert not is_let_in(path)


def test_what_the_front_door_imports_is_what_it_says_that_it_needs() -> None:
    """An image gets what pyproject.toml names and what that needs, and no tools of tests."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = text.partition("dependencies = [")[2].partition("\n]")[0]
    named = re.findall(r'^  "([A-Za-z0-9-]+)', listed, re.MULTILINE)
    left, needed = [canonical(name) for name in named], set[str]()
    while left:
        name = left.pop()
        if name not in needed:
            needed.add(name)
            for need in distribution(name).requires or []:
                if "extra ==" not in need and is_installed(re.split(r"[^\w.-]", need)[0]):
                    left.append(canonical(re.split(r"[^\w.-]", need)[0]))
    of = packages_distributions()
    for path in (ROOT / "mobilis").rglob("*.py"):
        if path.parent.name in ("nlu", "brain") or path.stem == "widget_visits":  # a bench
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            for module in modules:
                top = module.partition(".")[0]
                if (path.stem, top) in (("spans", "opentelemetry"), ("load_figure", "matplotlib")):
                    continue  # an extra; a bench
                if top not in sys.stdlib_module_names and top not in ("mobilis", "actions"):
                    owners = {canonical(one) for one in of.get(top, [])}
                    assert not owners or owners & needed, f"{path}: {top}"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


@pytest.fixture
def in_the_image(tmp_path: Path) -> Path:
    """A folder as /app is in the image of the front door, which nobody may write to."""
    app = tmp_path / "app"
    app.mkdir()
    for name, rest in last_stage(DEPLOY / "images" / "door.Dockerfile"):
        for source in sources(rest) if name == "COPY" else ():
            target = app / shlex.split(rest)[-1]
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("*.pyc"))
            else:
                shutil.copy(ROOT / source, app / source)
    shutil.copytree(ROOT / "widget" / "dist", app / "widget" / "dist")
    for path in [app, *app.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    return app


def run_in(app: Path, *command: str, **settings: str) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name[:8] != "MOBILIS_"}
    environment |= {"PYTHONPATH": str(app), "PYTHONDONTWRITEBYTECODE": "1", **settings}
    return subprocess.Popen(
        [sys.executable, "-m", "mobilis.cli", *command], cwd=app, env=environment
    )


def test_what_the_image_of_the_front_door_holds_is_enough(in_the_image: Path, tmp_path) -> None:
    """Its commands, one after the other, from a copy of what the image holds."""
    settings = {
        "MOBILIS_DATA_DIR": str(tmp_path / "state"),
        "MOBILIS_PORT": str(free_port()),
        "MOBILIS_SECRET": SECRET,
    }
    for command in (["migrate"], ["content", "check"], ["staff", "list"]):
        assert run_in(in_the_image, *command, **settings).wait(60) == 0, command
    door = run_in(in_the_image, "door", **settings)
    base = f"http://127.0.0.1:{settings['MOBILIS_PORT']}"
    try:
        end = time.monotonic() + 60
        while run_in(in_the_image, "health", "door", **settings).wait(30):
            assert time.monotonic() < end and door.poll() is None
        for page in ("/", "/privacy", "/widget.js", "/console/sign-in"):
            assert httpx.get(base + page, trust_env=False).status_code == 200, page
    finally:
        door.send_signal(signal.SIGTERM)
        assert door.wait(30) in (0, -signal.SIGTERM)


# Compose


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def test_compose_accepts_its_file(tmp_path: Path) -> None:
    command = shutil.which("docker-compose")
    if not command:
        pytest.skip("docker-compose is not installed (Debian's package docker-compose)")
    for name in ("compose.yml", "Caddyfile"):
        shutil.copy(COMPOSE.parent / name, tmp_path)
    shutil.copy(COMPOSE.parent / "mobilis.env.example", tmp_path / "mobilis.env")
    secrets = {"POSTGRES_PASSWORD": "password", "MOBILIS_SECRET": SECRET}
    given = {"cwd": tmp_path, "capture_output": True, "text": True}
    ended = subprocess.run([command, "config"], env={**os.environ, **secrets}, **given)
    assert ended.returncode == 0, ended.stderr
    shown = yaml.safe_load(ended.stdout)
    door = shown["services"]["door"]["environment"]
    assert door["DATABASE_URL"] == "postgresql://mobilis:password@database/mobilis"
    assert door["MOBILIS_PUBLIC_URL"] == "https://chat.example.org"
    del secrets["MOBILIS_SECRET"]
    ended = subprocess.run([command, "config"], env={**os.environ, **secrets}, **given)
    assert ended.returncode and "MOBILIS_SECRET" in ended.stderr


def test_what_runs_in_compose_may_write_nowhere_and_become_nobody(compose) -> None:
    for name, service in compose["services"].items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged")
        if name not in ("database", "proxy"):
            assert service["user"] == "10001:10001", name
        if name != "database":
            assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        image = re.sub(r"\$\{\w+:-(.*)\}", r"\1", service["image"])
        assert re.search(r":\d+\.\d+", image), image


def test_in_compose_the_front_door_alone_reaches_the_brain_and_that_alone_the_actions(
    compose,
) -> None:
    services, networks = compose["services"], compose["networks"]
    on = {
        network: {name for name, service in services.items() if network in service["networks"]}
        for network in networks
    }
    assert on["thinking"] == {"door", "brain"}
    assert on["acting"] == {"brain", "actions"}
    assert on["public"] == {"door", "proxy"}
    assert [name for name, network in networks.items() if not network.get("internal")] == ["public"]
    assert [name for name, service in services.items() if service.get("ports")] == ["proxy"]


def test_caddy_accepts_its_file() -> None:
    command = shutil.which("caddy")
    if not command:
        pytest.skip("caddy is not installed (Debian's package caddy)")
    file = COMPOSE.parent / "Caddyfile"
    given = [command, "validate", "--config", str(file), "--adapter", "caddyfile"]
    ended = subprocess.run(given, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


# Helm


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    chart = pytest.importorskip("helm_python").Chart.load(str(CHART))
    files = chart.render(values, name="prod", namespace="chat")
    return [
        manifest
        for name, text in files.items()
        if name.endswith(".yaml")
        for manifest in yaml.safe_load_all(text)
        if manifest
    ]


def of_kind(manifests: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


@pytest.mark.parametrize("values", [VALUES, EVERYTHING], ids=["least", "everything"])
def test_helm_accepts_the_chart_and_kubernetes_what_it_makes(values: dict[str, Any]) -> None:
    helm = pytest.importorskip("helm_python.chart")
    report = helm.lint(str(CHART), values, strict=True)
    assert not report["errors"], report
    assert all(message["severity"] < 2 for message in report["messages"]), report
    kubernetes = pytest.importorskip("kubernetes_validate")
    for manifest in rendered(values):
        for version in ("1.25", "1.30", kubernetes.latest_version()):
            kubernetes.validate(manifest, version, strict=True)


def test_pods_may_write_nowhere_and_become_nobody() -> None:
    deployments = of_kind(rendered(VALUES), "Deployment")
    assert set(deployments) == {"prod-mobilis-door", "prod-mobilis-brain", "prod-mobilis-actions"}
    for deployment in deployments.values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            confined = container["securityContext"]
            assert confined["readOnlyRootFilesystem"] is True
            assert confined["allowPrivilegeEscalation"] is False
            assert confined["capabilities"] == {"drop": ["ALL"]}
            assert set(container["resources"]) == {"requests", "limits"}
        for container in pod["containers"]:
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


def test_in_a_cluster_the_front_door_alone_reaches_the_brain_and_that_alone_the_actions() -> None:
    manifests = rendered(VALUES)
    policies = of_kind(manifests, "NetworkPolicy")
    for name, only in (("brain", "door"), ("actions", "brain")):
        [rule] = policies[f"prod-mobilis-{name}"]["spec"]["ingress"]
        [peer] = rule["from"]
        assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == only
        chosen = policies[f"prod-mobilis-{name}"]["spec"]["podSelector"]["matchLabels"]
        pods = of_kind(manifests, "Deployment")[f"prod-mobilis-{name}"]["spec"]["template"]
        assert chosen == pods["metadata"]["labels"]
        assert "Egress" in policies[f"prod-mobilis-{name}"]["spec"]["policyTypes"]


def test_a_chart_scales_each_process_and_keeps_some_of_it() -> None:
    manifests = rendered(VALUES)
    assert len(of_kind(manifests, "HorizontalPodAutoscaler")) == 3
    assert len(of_kind(manifests, "PodDisruptionBudget")) == 3
    still = {"autoscaling": {"enabled": False, "min": 1, "max": 1, "cpu": 50}, "replicas": 5}
    fixed = rendered({**VALUES, "brain": still})
    assert len(of_kind(fixed, "HorizontalPodAutoscaler")) == 2
    assert of_kind(fixed, "Deployment")["prod-mobilis-brain"]["spec"]["replicas"] == 5


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "MOBILIS_SECRET"),
        ({"secrets": {**VALUES["secrets"], "MOBILIS_SECRET": "short"}}, "16 characters"),
        ({"secrets": {**VALUES["secrets"], "DATABASE_URL": "sqlite:///a"}}, "PostgreSQL"),
        ({**VALUES, "settings": {"MOBILIS WORKERS": 1}}, "MOBILIS WORKERS"),
        ({**VALUES, "door": {"image": {"repository": "a", "tag": "latest"}}}, "tag"),
        ({**VALUES, "doors": 3}, "doors"),
    ],
)
def test_a_chart_refuses_what_would_not_run(values: dict[str, Any], why: str) -> None:
    helm = pytest.importorskip("helm_python")
    with pytest.raises(helm.HelmError, match=why):
        chart = helm.Chart.load(str(CHART))
        chart.validate_schema(values)
        chart.render(values, name="prod", namespace="chat")


def test_a_secret_that_is_there_already_is_used_and_none_made() -> None:
    manifests = rendered({"existingSecret": "ours"})
    assert of_kind(manifests, "Secret") == {}
    for deployment in of_kind(manifests, "Deployment").values():
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            assert {"secretRef": {"name": "ours"}} in container["envFrom"]


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert chart["version"] == chart["appVersion"] == version[1]
    for file in (COMPOSE, *IMAGES):
        named = re.findall(r"mobilis-(?:door|brain):([\d.]+)", file.read_text(encoding="utf-8"))
        assert named and set(named) == {version[1]}, file


def test_templates_open_and_close_as_often_and_name_values_that_there_are() -> None:
    """What can be seen of a chart without Helm."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert set(values) <= set(schema["properties"])
    for template in (CHART / "templates").glob("*"):
        text = template.read_text(encoding="utf-8")
        assert text.count("{{") == text.count("}}"), template.name
        opened = len(re.findall(r"\{\{-?\s*(?:if|range|with|define)\b", text))
        assert opened == len(re.findall(r"\{\{-?\s*end\b", text)), template.name
        for path in re.findall(r"\.Values\.([A-Za-z.]+)", text):
            found: Any = values
            for part in path.split("."):
                if found is not values["secrets"]:
                    found = found[part]


# systemd


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_accepts_a_unit_and_finds_it_confined(unit: Path, tmp_path: Path) -> None:
    command = shutil.which("systemd-analyze")
    if not command:
        pytest.skip("systemd-analyze is not installed (Debian's package systemd)")
    for one in [*UNITS, DEPLOY / "systemd" / "mobilis.target"]:
        name = one.name.replace("@.", "@1.")  # an instance of a template
        text = one.read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/opt/mobilis/.venv/bin/mobilis", "/bin/true"))
    file = tmp_path / unit.name.replace("@.", "@1.")
    given = {"capture_output": True, "text": True, "cwd": tmp_path}
    ended = subprocess.run([command, "verify", "--man=no", str(file)], **given)
    assert ended.returncode == 0 and unit.stem not in ended.stderr, ended.stderr
    asked = [command, "security", "--offline=true", "--threshold=20", str(file)]
    ended = subprocess.run(asked, **given)
    assert ended.returncode == 0, ended.stdout[-300:]


def test_units_start_commands_that_there_are_and_confine_all_of_them_alike() -> None:
    assert {unit.stem for unit in UNITS} == {
        "mobilis-actions",
        "mobilis-brain@",
        "mobilis-door@",
        "mobilis-migrate",
    }
    confined = [
        {
            line
            for line in unit.read_text().splitlines()
            if re.match("Protect|Private|Restr|Syst", line)
        }
        for unit in UNITS
    ]
    assert all(one == confined[0] and len(one) > 15 for one in confined)
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        assert "User=mobilis\n" in text and "NoNewPrivileges=yes\n" in text
        assert ("IPAddressDeny=any\n" in text) == unit.stem.startswith(
            ("mobilis-brain", "mobilis-actions")
        )


# All of them


def environment_files() -> list[Path]:
    return sorted(DEPLOY.glob("*/*.env.example"))


@pytest.mark.parametrize("file", environment_files(), ids=lambda file: file.parent.name)
def test_examples_set_only_what_can_be_set(file: Path) -> None:
    known = {f"MOBILIS_{name.upper()}" for name in vars(Settings())} | {"DATABASE_URL"}
    named = re.findall(r"^#? ?([A-Z_]+)=", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert named and set(named) <= known


def test_files_set_only_what_can_be_set() -> None:
    known = {f"MOBILIS_{name.upper()}" for name in vars(Settings())}
    known |= {"MOBILIS_DOOR_IMAGE", "MOBILIS_BRAIN_IMAGE"}  # of compose alone
    for file in [COMPOSE, *IMAGES, *UNITS, *CHART.rglob("*")]:
        if file.is_file() and not fnmatch.fnmatch(file.name, "*.json"):
            named = set(re.findall(r"\bMOBILIS_[A-Z_]+\b", file.read_text(encoding="utf-8")))
            assert named <= known, file
