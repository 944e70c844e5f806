"""What visitors may write to become markup, and what a page is made of.

A page must have the same elements and attributes with any of PAYLOADS as with HARMLESS words.
"""

from __future__ import annotations

from html.parser import HTMLParser

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
