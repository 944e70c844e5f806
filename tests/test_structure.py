"""The rules that keep the code in its shape, read from its source: who imports whom, and more."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mobilis.settings import ROOT

pytestmark = pytest.mark.pure

SOURCES = sorted([*(ROOT / "mobilis").rglob("*.py"), *(ROOT / "actions").rglob("*.py")])
OTHERS = sorted([*(ROOT / "tests").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")])

PARTS = ("actions", "mobilis.web", "mobilis.cli")  # what people and Rasa start
COMMAND_LINE = {
    "mobilis.backup_commands",
    "mobilis.cli",
    "mobilis.console_commands",
    "mobilis.doctor_commands",
    "mobilis.live_commands",
    "mobilis.privacy_commands",
    "mobilis.process_commands",
    "mobilis.staff_commands",
    "mobilis.terminal",
}
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}
PURE = "pytestmark = pytest.mark.pure"  # what make test runs in one environment alone
# Called when a module is imported, these would reach for files, settings or a database.
WORK = {
    *("create_engine", "Database", "load_settings", "load_content", "load_assessment"),
    *("load_facets", "read_yaml", "open", "read_text", "AsyncClient", "Client", "connect"),
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {
    module_of(path): ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in SOURCES
}


def imports(tree: ast.Module) -> set[str]:
    """The full names of everything that a module imports, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.add(str(node.module))
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


IMPORTS = {module: imports(tree) for module, tree in TREES.items()}


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def importing(modules: Iterator[str] | list[str], *packages: str) -> list[str]:
    """Who among `modules` imports any of `packages`, as sentences."""
    return sorted(
        f"{module} imports {name}"
        for module in modules
        for name in IMPORTS[module]
        if any(within(name, package) for package in packages)
    )


def use_cases() -> list[str]:
    """The modules directly below mobilis, but for those that people start."""
    return [m for m in TREES if m.count(".") == 1 and m.startswith("mobilis.")]


def test_only_nlu_and_brain_import_rasa() -> None:
    others = [m for m in TREES if not within(m, "mobilis.nlu") and not within(m, "mobilis.brain")]
    assert importing(others, "rasa") == []
    assert importing(["mobilis.nlu.classifier"], "rasa")


def test_only_actions_and_the_brain_import_the_action_sdk() -> None:
    others = [m for m in TREES if not within(m, "actions") and not within(m, "mobilis.brain")]
    assert importing(others, "rasa_sdk") == []


def test_actions_never_import_rasa_itself_nor_what_understands() -> None:
    actions = [module for module in TREES if within(module, "actions")]
    assert importing(actions, "rasa", "mobilis.nlu") == []


@pytest.mark.parametrize("part", PARTS)
def test_the_parts_never_import_each_other(part: str) -> None:
    mine = [module for module in TREES if within(module, part)]
    assert mine
    assert importing(mine, *(other for other in PARTS if other != part)) == []


def test_use_cases_import_none_of_their_callers() -> None:
    modules = [module for module in use_cases() if module != "mobilis.cli"]
    assert "mobilis.leads" in modules
    callers = ("mobilis.web", "mobilis.nlu", "mobilis.brain", "mobilis.cli", "actions")
    assert importing(modules, *callers) == []


def test_use_cases_know_nothing_of_http() -> None:
    pure = ["answers", "assessment", "content", "conversations", "declined", "leads", "privacy"]
    modules = [f"mobilis.{name}" for name in (*pure, "results", "text", "turns")]
    assert importing(modules, "starlette", "httpx", "uvicorn", "sanic", "aiohttp") == []


def test_the_front_door_needs_no_part_of_the_brain() -> None:
    door = [module for module in TREES if within(module, "mobilis.web")]
    assert importing(door, "mobilis.nlu", "mobilis.brain") == []


def test_actions_have_no_sub_packages() -> None:
    assert [p.name for p in (ROOT / "actions").iterdir() if p.is_dir()] in ([], ["__pycache__"])


def registers_components(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "register"
        and isinstance(node.value, ast.Name)
        and node.value.id == "DefaultV1Recipe"
        for node in ast.walk(tree)
    )


def test_modules_of_graph_components_keep_their_annotations() -> None:
    registering = [module for module, tree in TREES.items() if registers_components(tree)]
    assert len(registering) >= 5
    # Rasa wires its graph by real annotations; the future import turns them into strings.
    assert importing(registering, "__future__.annotations") == []


@pytest.mark.parametrize("path", [*SOURCES, *OTHERS], ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring and len(docstring) > 10


def test_no_two_modules_say_the_same() -> None:
    said = [ast.get_docstring(tree) for tree in TREES.values()]
    assert len(said) == len(set(said))


def test_no_except_is_bare() -> None:
    bare = [
        f"{module}:{node.lineno}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert bare == []


def test_no_exception_is_passed_over_in_silence() -> None:
    silent = [
        f"{module}:{node.lineno}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and all(isinstance(statement, ast.Pass) for statement in node.body)
    ]
    assert silent == []


def reached(path: Path) -> set[str]:
    """The packages that importing a test module imports, through the modules of the project."""
    found, left = set(), [imports(ast.parse(path.read_text(encoding="utf-8")))]
    while left:
        for name in left.pop() - found:
            found.add(name)
            left += [IMPORTS[name]] if name in IMPORTS else []
    return {name.partition(".")[0] for name in found}


def pins(lock: str) -> set[str]:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    return set(re.findall(r"(?m)^([\w.-]+==\S+)", text))


def test_what_is_told_in_one_environment_alone_reaches_nothing_that_differs_in_the_other() -> None:
    differ = {pin.partition("==")[0] for pin in pins("brain.lock") ^ pins("door.lock")}
    differ = (differ | {"asyncio"}) - {"pytest", "hypothesis"}  # asyncio has changed with Python
    assert {"sqlalchemy", "starlette", "rasa"} <= differ
    pure = [path for path in OTHERS if PURE in path.read_text(encoding="utf-8").splitlines()]
    assert pure
    assert [(path.name, reached(path) & differ) for path in pure if reached(path) & differ] == []


def test_importing_a_module_does_no_work() -> None:
    busy = [
        f"{module}:{call.lineno} calls {name}"
        for module, tree in TREES.items()
        for call in _calls_at_import(tree)
        if (name := _called(call)) in WORK
    ]
    assert busy == []


def _calls_at_import(node: ast.AST) -> Iterator[ast.Call]:
    """The calls that run on import: not those inside functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "__main__" in ast.dump(child.test):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls_at_import(child)


def _called(call: ast.Call) -> str:
    function = call.func
    return getattr(function, "attr", None) or getattr(function, "id", "")


def test_modules_are_nouns_of_the_product() -> None:
    assert {module.rpartition(".")[2] for module in TREES} & NAMES_THAT_SAY_NOTHING == set()


def test_only_the_command_line_prints() -> None:
    printing = [
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _called(node) == "print"
    ]
    assert set(printing) <= COMMAND_LINE


@pytest.mark.parametrize(
    "path", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda p: p.name
)
def test_a_lock_pins_by_hash_and_names_no_registry(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\S*(?:index-url|find-links|extra-index|trusted-host)\S*", text) == []
    assert re.findall(r"[a-z+]+://\S+", text) == []
    pinned = re.findall(r"(?m)^[a-z0-9][\w.\[\]-]*==\S+", text, re.IGNORECASE)
    assert pinned
    assert len(re.findall(r"(?m)^[^\s#].*$", text)) == len(pinned)  # every entry is pinned
    assert text.count("--hash=sha256:") >= len(pinned)


def test_no_requirement_file_names_a_registry() -> None:
    files = [*(ROOT / "requirements").iterdir(), ROOT / "pyproject.toml"]
    named = [
        path.name
        for path in files
        if re.search(r"index-url|find-links|://", path.read_text(encoding="utf-8"))
    ]
    assert named == []


def test_the_widgets_lock_pins_by_hash_and_names_no_registry() -> None:
    lock = json.loads((ROOT / "widget" / "package-lock.json").read_text(encoding="utf-8"))
    own, *others = [package for name, package in sorted(lock["packages"].items())]
    assert len(others) > 50
    for package in others:
        package.pop("funding", None)  # where to give its authors money
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package
    assert "://" not in json.dumps([own, others])


def test_the_widgets_packages_are_exact_and_run_nothing_when_installed() -> None:
    folder = ROOT / "widget"
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    assert package["private"] is True
    assert "dependencies" not in package  # what visitors get is ours alone
    versions = package["devDependencies"].values()
    assert [v for v in versions if not re.fullmatch(r"\d+\.\d+\.\d+", v)] == []
    assert sorted((folder / ".npmrc").read_text(encoding="utf-8").split()) == [
        "audit=false",
        "fund=false",
        "ignore-scripts=true",
        "omit-lockfile-registry-resolved=true",
    ]
