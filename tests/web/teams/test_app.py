"""The app that Teams installs: all that is used is declared, in both languages, with icons that
fit; and the command that packages it."""

from __future__ import annotations

import importlib.util
import json
import re
import struct
import zipfile
import zlib
from dataclasses import replace

import pytest
from fake_teams import APP

from mobilis.cli import main
from mobilis.content import load_content
from mobilis.errors import FileRefused, SettingError
from mobilis.settings import ROOT, Settings
from mobilis.teams_app import FILES, FOLDER, NO_ID, filled, write_package
from mobilis.web.teams import activities, connector

MANIFEST = json.loads((ROOT / FOLDER / "manifest.json").read_text(encoding="utf-8"))
FRENCH = json.loads((ROOT / FOLDER / "fr.json").read_text(encoding="utf-8"))
SETTINGS = Settings(teams_app_id=APP, public_url="https://parler.exemple.ca/")
# What the French file must translate, and how long it may be (the schema's limits).
LIMITS = {
    "name.short": 30,
    "name.full": 100,
    "description.short": 80,
    "description.full": 4000,
    "title": 32,
    "description": 128,
}


def commands():
    for at, listed in enumerate(MANIFEST["bots"][0]["commandLists"]):
        for number, command in enumerate(listed["commands"]):
            yield f"bots[0].commandLists[{at}].commands[{number}]", command


def test_the_bot_is_offered_wherever_conversations_are_understood():
    [bot] = MANIFEST["bots"]
    assert bot["scopes"] == ["personal", "team", "groupChat"]
    assert bot["botId"] == MANIFEST["id"] == NO_ID
    assert not bot["isNotificationOnly"]
    assert not bot["supportsFiles"]
    source = (ROOT / "mobilis/web/teams/activities.py").read_text(encoding="utf-8")
    assert '"personal"' in source and hasattr(activities, "personal_place")


def test_what_the_connector_asks_for_is_permitted():
    assert hasattr(connector.HttpConnector, "open_chat")  # writes to members of a team
    assert set(MANIFEST["permissions"]) == {"identity", "messageTeamMembers"}


def test_no_more_is_declared_than_is_used():
    assert set(MANIFEST) == {
        *("$schema", "manifestVersion", "version", "id", "developer", "name", "description"),
        *("icons", "accentColor", "localizationInfo", "bots", "permissions", "validDomains"),
    }


def test_every_word_is_in_both_languages():
    expected = set(LIMITS) - {"title", "description"}
    for key, command in commands():
        assert set(command) == {"title", "description"}
        expected |= {f"{key}.title", f"{key}.description"}
    assert set(FRENCH) - {"$schema"} == expected
    languages = MANIFEST["localizationInfo"]
    assert languages["defaultLanguageTag"] == "en"
    assert languages["additionalLanguages"] == [{"languageTag": "fr", "file": "fr.json"}]


def test_every_word_is_as_short_as_teams_wants_it():
    told = {
        f"{group}.{k}": v for group in ("name", "description") for k, v in MANIFEST[group].items()
    }
    told |= {f"{key}.{name}": text for key, c in commands() for name, text in c.items()}
    for texts in (told, {k: v for k, v in FRENCH.items() if k != "$schema"}):
        for key, text in texts.items():
            limit = LIMITS.get(key) or LIMITS[key.rpartition(".")[2]]
            assert 0 < len(text) <= limit, key


def test_a_command_says_what_a_button_says_so_that_it_is_understood():
    content = load_content(ROOT)
    said = {title for choice in content.choices.values() for title in choice.values()}
    for key, command in commands():
        assert command["title"] in said
        assert FRENCH[f"{key}.title"] in said


def test_lists_of_commands_are_no_longer_than_teams_shows():
    lists = MANIFEST["bots"][0]["commandLists"]
    assert len(lists) <= 3
    assert all(len(listed["commands"]) <= 10 for listed in lists)


def test_french_words_keep_their_spaces():
    text = " ".join(FRENCH.values())
    assert re.findall(r"(?<!\u00a0):(?!//)| [;!?]", text.replace(FRENCH["$schema"], "")) == []


def pixels(name):
    """Size and pixels (red, green, blue, alpha) of one of our icons."""
    data = (ROOT / FOLDER / name).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert (depth, kind) == (8, 6)
    start = data.index(b"IDAT")
    [length] = struct.unpack(">I", data[start - 4 : start])
    rows = zlib.decompress(data[start + 4 : start + 4 + length])
    flat = b"".join(rows[at + 1 : at + 1 + width * 4] for at in range(0, len(rows), width * 4 + 1))
    return (width, height), [tuple(flat[at : at + 4]) for at in range(0, len(flat), 4)]


def test_the_icon_in_colour_is_192_pixels_and_opaque():
    size, found = pixels("color.png")
    assert size == (192, 192)
    assert {pixel[3] for pixel in found} == {255}
    assert found[0][:3] == tuple(bytes.fromhex(MANIFEST["accentColor"][1:]))


def test_the_outline_is_32_pixels_of_white_on_nothing():
    size, found = pixels("outline.png")
    assert size == (32, 32)
    assert {pixel[:3] for pixel in found if pixel[3]} == {(255, 255, 255)}
    assert {0, 255} <= {pixel[3] for pixel in found}


def test_the_icons_are_what_their_script_draws():
    path = ROOT / FOLDER / "draw_icons.py"
    spec = importlib.util.spec_from_file_location("draw_icons", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    drawn = [script.pixel(script.in_outline, x, y, 32) for y in range(32) for x in range(32)]
    assert [tuple(pixel) for pixel in drawn] == pixels("outline.png")[1]
    middle = 96 * 192 + 96
    assert tuple(script.pixel(script.in_colour, 96, 96, 192)) == pixels("color.png")[1][middle]


# The package


def test_the_package_holds_the_app_of_a_deployment(tmp_path):
    path = tmp_path / "mobilis.zip"
    write_package(ROOT, SETTINGS, path)
    with zipfile.ZipFile(path) as package:
        assert sorted(package.namelist()) == sorted(FILES)
        manifest = json.loads(package.read("manifest.json"))
        assert package.read("color.png") == (ROOT / FOLDER / "color.png").read_bytes()
    assert manifest["id"] == manifest["bots"][0]["botId"] == APP
    assert manifest["validDomains"] == ["parler.exemple.ca"]
    assert manifest["developer"]["privacyUrl"] == "https://parler.exemple.ca/privacy"
    assert "example.org" not in json.dumps(manifest)


def test_nothing_else_is_changed():
    made = filled(MANIFEST, SETTINGS)
    kept = set(MANIFEST) - {"id", "bots", "validDomains", "developer"}
    assert all(made[name] == MANIFEST[name] for name in kept)


@pytest.mark.parametrize("name", ["teams_app_id", "public_url"])
def test_a_package_needs_an_id_and_an_address(tmp_path, name):
    with pytest.raises(SettingError, match=name.upper()):
        write_package(ROOT, replace(SETTINGS, **{name: ""}), tmp_path / "x.zip")


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(FileRefused, match="nowhere"):
        write_package(ROOT, SETTINGS, tmp_path / "nowhere" / "x.zip")


def test_the_command_writes_the_package(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILIS_TEAMS_APP_ID", APP)
    monkeypatch.setenv("MOBILIS_PUBLIC_URL", "https://parler.exemple.ca")
    path = tmp_path / "mobilis.zip"
    assert main(["teams", "package", str(path)]) == 0
    assert path.exists()
