"""What visitors write never becomes markup on a page of staff, whatever they write and wherever.

A corpus of payloads stands in every field that a visitor controls, kept through the real tables.
Each page that shows any of them is parsed: it must have the same elements and attributes as with
harmless words. A page joins by its address in ADDRESSES, with the right of who asks for it.
"""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from talks import Talk

from mobilis import casework, privacy
from mobilis.likeness import key_of
from mobilis.turns import Reply

# {case} is the case that holds the payload.
ADDRESSES = (
    ("triager", "/queue"),
    ("triager", "/mentions"),
    ("triager", "/cases/{case}"),
    ("viewer", "/cases/{case}"),
    ("triager", "/cases/{case}/print"),
    ("viewer", "/cases/{case}/print"),
    ("triager", "/learning?state=all"),
    ("triager", "/learning/texts/{missed}"),
)
HARMLESS = "Bonjour"
MARK = "zzhostile"  # what every payload would make, were it markup
PAYLOADS = (
    f"<{MARK}>Bonjour</{MARK}>",
    f"<script>{MARK}()</script>",
    f"<script src=//exemple.org/{MARK}.js></script>",
    f"<img src=x onerror={MARK}()>",
    f"<svg/onload={MARK}()>",
    f'"><img src=x onerror={MARK}()>',
    f"'><img src=x onerror={MARK}()>",
    f'" autofocus onfocus={MARK}() x="',
    f"' autofocus onfocus={MARK}() x='",
    f"` onmouseover={MARK}() x=`",
    f"</title><script>{MARK}()</script>",
    f"</textarea><script>{MARK}()</script>",
    f"</option></select><img src=x onerror={MARK}()>",
    f"--><script>{MARK}()</script><!--",
    f"<!--<img src='--><img src=x onerror={MARK}()>",
    f"]]><script>{MARK}()</script>",
    f"javascript:{MARK}()",
    f"[Bonjour](javascript:{MARK}())",
    f"**<b onclick={MARK}()>Bonjour</b>**",
    f"![x](x)<iframe srcdoc='<script>{MARK}()</script>'></iframe>",
    f"<a href=javascript:{MARK}()>Bonjour</a>",
    f"<form action=//exemple.org/{MARK}><button>Bonjour</button></form>",
    f"<meta http-equiv=refresh content='0;url=//exemple.org/{MARK}'>",
    f"<base href=//exemple.org/{MARK}/>",
    f"<link rel=stylesheet href=//exemple.org/{MARK}.css>",
    f"<style>@import '//exemple.org/{MARK}.css'</style>",
    f"<div hx-get=/console/sign-out hx-trigger=load data-{MARK}>Bonjour</div>",
    f'" hx-post="/console/sign-out" hx-trigger="load" data-{MARK}="',
    f"<math><mtext></p><img src=x onerror={MARK}()></mtext></math>",
    f"\u003cimg src=x onerror={MARK}()\u003e",
    f"&lt;img src=x onerror={MARK}()&gt;",
    f"&#60;img src=x onerror={MARK}()&#62;",
    f"%3Cimg src=x onerror={MARK}()%3E",
    f"＜img src=x onerror={MARK}()＞",
    f"{{{{ {MARK} }}}}{{% include '{MARK}' %}}",
    f"${{{MARK}}}#{{{MARK}}}<%= {MARK} %>",
    f"{{name}}{{0.__class__}} {MARK}",
    f"\u202e<script>{MARK}()</script>\u202c",
    f"\x00<scr\x00ipt>{MARK}()</scr\x00ipt>",
)
ADDRESS_FIELDS = ("href", "src", "action", "formaction", "hx-get", "hx-post")


class Shape(HTMLParser):
    """The elements of a page, each with its attributes' names; and the values of addresses."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in ADDRESS_FIELDS]

    def handle_comment(self, data):
        self.elements.append(("comment", (data,)))

    def handle_decl(self, decl):
        self.elements.append(("declaration", (decl,)))

    def unknown_decl(self, data):
        self.elements.append(("unknown", (data,)))

    def handle_pi(self, data):
        self.elements.append(("instruction", (data,)))

    def handle_data(self, data):
        self.words.append(data)


def hostile_talk(database, text):
    """A case with `text` in every field that a visitor controls; its id."""
    text = text.replace("\0", "")  # which the front door takes out before anything is kept
    talk = Talk(database, "fr", page=f"https://exemple.org/{text}")
    echo = Reply(f"Vous avez dit {text}", "fr", "text", (("Oui", "/affirm"),))
    talk.say(text, "out_of_scope", [echo])
    talk.press("Oui", "affirm", [Reply("Quel est votre nom?", "fr", "form")])
    talk.say(text, "inform", [Reply(f"Voici : {text}. Est-ce exact?", "fr", "form")])
    talk.missed(talk.say(f"et {text}", "nlu_fallback"), text=f"[nom] {text}")
    talk.lead("interest", coach=text[:60], name=text, organization=text, email=text, message=text)
    talk.assess("b", typed=text)
    talk.wish({"topic": [text[:60]], "region": [text[:60]]})
    talk.project()
    return talk.id


def note(database, colleague, case_id, text):
    """A note of staff that quotes the visitor and mentions a colleague, and a tag that does."""
    with database.write() as connection:
        quoted = text.replace("\0", "")
        mentioned = f"{quoted} @{colleague.person.email.partition('@')[0]}"
        casework.add_note(connection, colleague.person, case_id, mentioned)
        tag = quoted[:40].replace("\u202e", "").replace("\u202c", "").strip()
        casework.add_tag(connection, colleague.person, case_id, tag)


@pytest.fixture
def colleagues(sign_in):
    return {role: sign_in(role) for role in dict(ADDRESSES)}


@pytest.fixture
def pages(database, colleagues):
    """Every page of ADDRESSES while only the case of `text` is there."""

    def ask(text):
        case_id = hostile_talk(database, text)
        note(database, colleagues["triager"], case_id, text)
        found = {}
        missed = key_of("fr", None, "[nom] " + text.replace("\0", ""))
        for role, address in ADDRESSES:
            path = address.replace("{case}", case_id).replace("{missed}", missed)
            page = colleagues[role].get(path)
            assert page.status_code == 200, address
            found[role, address] = page.text
        with database.erase() as connection:
            privacy.erase_conversation(connection, case_id, "web")
        return found

    return ask


def test_what_visitors_write_is_only_ever_words(pages):
    usual = {where: Shape(page).elements for where, page in pages(HARMLESS).items()}
    for payload in PAYLOADS:
        for where, page in pages(payload).items():
            shape = Shape(page)
            assert shape.elements == usual[where], (payload, where)
            assert [one for one in shape.elements if MARK in str(one)] == [], (payload, where)
            assert [one for one in shape.addresses if leads_away(one)] == [], (payload, where)
            if where == ("triager", "/cases/{case}"):
                assert payload.replace("\0", "") in "".join(shape.words), payload


def leads_away(address):
    """Whether an address comes from a payload, or runs something."""
    return MARK in address or address.strip().lower().startswith(("javascript:", "//"))


def test_the_test_would_see_markup():
    usual = Shape(f"<p>{HARMLESS}</p>").elements
    changed = [Shape(f"<p>{payload}</p>").elements != usual for payload in PAYLOADS]
    assert changed.count(True) >= 20
    assert Shape('<p title="">').elements != Shape(f'<p title="{PAYLOADS[7]}">').elements


def test_a_hostile_way_back_leads_nowhere_but_to_the_queue(sign_in, database, door):
    triager = sign_in("triager")
    case_id = hostile_talk(database, HARMLESS)
    usual = Shape(triager.get(f"/cases/{case_id}", params={"from": "q=x"}).text)
    for payload in PAYLOADS:
        page = triager.get(f"/cases/{case_id}", params={"from": payload})
        shape = Shape(page.text)
        backs = [one for one in shape.addresses if MARK in one]
        assert all(one.startswith("/console/") for one in backs), payload
        if backs:
            assert shape.elements == usual.elements, payload
