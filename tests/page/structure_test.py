#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The pages as a parser of HTML reads them: whole, complete in themselves, told to readers that do
not see, and with everything from the network as text."""

import html.parser
import re
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

VOID = {"meta", "br"}
# Nothing that runs, loads, links or asks: neither elements nor attributes.
ELEMENTS = set("""html head meta title style body header main section footer p b h1 h2 ol ul li
    figure figcaption table thead tbody tr th td dl dt dd code small span time
    svg desc path circle rect g text""".split())
ATTRIBUTES = set("""lang charset http-equiv content name class role scope datetime id viewbox
    aria-labelledby aria-hidden d x y cx cy r rx width height transform text-anchor""".split())
HOSTILE = "\" onload='x'><script>x</script>&amp;]]>--></svg></style>"
REPLACED = "\N{REPLACEMENT CHARACTER}"


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.problems, self.open, self.ids, self.named = [], [], [], []
        self.style, self.text, self.headings, self.seen = "", "", [], {}
        self.children = []
        source = path.read_bytes().decode("utf-8")  # strictly
        self._see_characters(source)
        if not source.startswith("<!doctype html>\n"):
            self.complain("no doctype")
        self.feed(source)
        self.close()
        if self.open:
            self.complain(f"not closed: {self.open}")
        self._see_whole()

    def complain(self, what):
        self.problems.append(f"line {self.getpos()[0]}: {what}")

    def _see_characters(self, source):
        for character in sorted(set(source) - {"\n"}):
            if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
                self.problems.append(f"has the character {character!r}")

    def handle_starttag(self, tag, attrs):
        self._see_element(tag, dict(attrs))
        if tag not in VOID:
            self.open.append(tag)
            self.children.append([])

    def handle_startendtag(self, tag, attrs):
        if "svg" not in self.open:
            self.complain(f"<{tag}/> closes itself, which HTML does not know")
        self._see_element(tag, dict(attrs))

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.complain(f"</{tag}> while {self.open[-1:]} is open")
            return
        self.open.pop()
        children = self.children.pop()
        if tag == "svg" and children[:2] != ["title", "desc"] and "aria-hidden" not in self.svg:
            self.complain("a picture without title and desc")

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text += data
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append((self.open[-1], data))

    def handle_comment(self, data):
        self.complain(f"a comment: {data}")

    def unknown_decl(self, data):
        self.complain(f"a declaration: {data}")

    def _see_element(self, tag, attributes):
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if self.children:
            self.children[-1].append(tag)
        if tag not in ELEMENTS:
            self.complain(f"<{tag}> is not expected")
        for name, value in attributes.items():
            if name not in ATTRIBUTES:
                self.complain(f"{tag} has {name}={value!r}")
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.named += attributes.get("aria-labelledby", "").split()
        if tag == "svg":
            self.svg = attributes
            if attributes.get("aria-hidden") != "true" and attributes.get("role") != "img":
                self.complain("a picture that says neither what it is nor that it is none")
        if tag == "th" and attributes.get("scope") not in ("col", "row"):
            self.complain("th without scope")
        if tag == "html" and attributes != {"lang": "en"}:
            self.complain("no language")
        if tag == "meta" and attributes.get("name") == "viewport":
            self.seen["viewport"] = attributes["content"]

    def _see_whole(self):
        if len(self.ids) != len(set(self.ids)):
            self.complain("an id is there twice")
        if not set(self.named) <= set(self.ids):
            self.complain(f"named by what is not there: {set(self.named) - set(self.ids)}")
        for element in ("title", "h1", "main", "header", "footer", "style"):
            least = 1 + (element == "title") * self.seen.get("desc", 0)
            if self.seen.get(element) != least:
                self.complain(f"{self.seen.get(element)} of {element}")
        if self.seen.get("viewport") != "width=device-width, initial-scale=1":
            self.complain("no viewport")
        if re.search(r"url\(|@import|expression|\\", self.style.replace('"\\2013"', "")):
            self.complain("the style sheet names something that is elsewhere")
        if self.style.count("{") != self.style.count("}") or "{" not in self.style:
            self.complain("the style sheet is not whole")


def check_hostile(page, text, problems):
    """Everything that was said is there, letter by letter, and none of it is an element."""
    if page.text.count(text) < 500:
        problems.append(f"the text is there {page.text.count(text)} times")


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        listing = subprocess.run([sys.argv[1], folder], stdout=subprocess.PIPE, text=True,
                                 check=True).stdout
        for path in map(Path, listing.split()):
            page = Page(path)
            if path.stem == "hostile":
                check_hostile(page, HOSTILE, page.problems)
            if path.stem == "broken":
                check_hostile(page, REPLACED + REPLACED + "[31m" + REPLACED * 8, page.problems)
            if path.stem not in ("hostile", "broken", "long", "empty"):
                sections = [words for tag, words in page.headings if tag == "h2"]
                if not {"What to do", "The path", "External addresses"} <= set(sections):
                    page.problems.append(f"sections are {sections}")
            failed += bool(page.problems)
            print("ok" if not page.problems else "not ok", path.stem, "; ".join(page.problems[:5]))
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
