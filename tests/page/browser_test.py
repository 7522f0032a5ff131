#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The pages as Chromium shows them, on phones, on tablets and on a screen, in the light and in
the dark: nothing is wider than the screen, no text of a picture is outside of it or upon another,
all text has contrast, nothing is loaded, nothing complains. The browser has no network."""

import html
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

SKIPPED = 77
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
WIDTHS = {320: "narrow", 360: "narrow", 736: "wide", 1024: "wide", 1400: "wide"}
PAPER = {"light": (0xfb, 0xfa, 0xf7), "dark": (0x17, 0x16, 0x14)}
PATIENCE_S = 120

# Looks at each page in a frame; what it finds is left in the document.
WRAPPER = """<!doctype html><meta charset="utf-8"><style>iframe{border:0;height:900px}</style>
<body>%(frames)s<pre id="found"></pre><script>
function light(color) {
  const rgb = color.match(/[0-9.]+/g).map(Number);
  if (rgb.length === 4 && rgb[3] < 1) throw new Error("not opaque: " + color);
  const part = rgb.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
}
function contrast(a, b) {
  const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}
function look(frame) {
  const view = frame.contentWindow, page = frame.contentDocument, problems = [];
  const shown = element => element.getClientRects().length > 0;
  if (page.documentElement.scrollWidth > view.innerWidth)
    problems.push(`is ${page.documentElement.scrollWidth} wide in ${view.innerWidth}`);
  const loaded = view.performance.getEntriesByType("resource").map(entry => entry.name);
  if (loaded.length) problems.push(`loads ${loaded}`);
  const paper = view.getComputedStyle(page.body).backgroundColor;
  let texts = 0;
  for (const element of page.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !shown(element) || ["title", "desc"].includes(element.localName)) continue;
    const style = view.getComputedStyle(element);
    const color = element.localName === "text" ? style.fill : style.color;
    if (contrast(color, paper) < 4.5)
      problems.push(`${element.localName} has contrast ${contrast(color, paper).toFixed(2)}`);
    if (parseFloat(style.fontSize) < 12) problems.push(`${element.localName} is tiny`);
    texts++;
  }
  const pictures = [...page.querySelectorAll("svg[role=img]")].filter(shown);
  for (const picture of pictures) {
    const box = picture.viewBox.baseVal, boxes = [];
    for (const text of picture.querySelectorAll("text")) {
      const at = text.getBBox();
      if (at.x < -0.5 || at.y < -0.5 || at.x + at.width > box.width + 0.5 ||
          at.y + at.height > box.height + 0.5)
        problems.push(`"${text.textContent}" is outside of its picture`);
      const other = boxes.find(b => at.x < b.at.x + b.at.width - 1 && b.at.x < at.x + at.width - 1 &&
        at.y < b.at.y + b.at.height - 4 && b.at.y < at.y + at.height - 4);
      if (other) problems.push(`"${text.textContent}" is upon "${other.words}"`);
      boxes.push({at, words: text.textContent});
    }
    const drawn = [...picture.querySelectorAll("path, circle, rect")].map(e => e.getBBox());
    if (!drawn.some(b => b.width > 0)) problems.push("an empty picture");
    const on = picture.getBoundingClientRect();
    if (on.left < 0 || on.right > view.innerWidth + 0.5) problems.push("a picture sticks out");
  }
  return {page: frame.dataset.page, width: view.innerWidth, wanted: frame.width, paper, texts,
          problems, pictures: pictures.map(picture => picture.getAttribute("class"))};
}
addEventListener("load", () => {
  let found;
  try { found = [...document.querySelectorAll("iframe")].map(look); }
  catch (error) { found = String(error.stack); }
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script></body>"""


class Browser:
    def __init__(self, program, folder):
        self.program, self.folder = program, Path(folder)

    def run(self, theme, path, *options):
        """Standard output, and what the pages complained of."""
        profile = tempfile.mkdtemp(dir=self.folder)
        command = ["unshare", "--net", self.program, "--headless", "--no-sandbox", "--disable-gpu",
                   "--hide-scrollbars", "--allow-file-access-from-files",
                   "--enable-logging=stderr", f"--user-data-dir={profile}",
                   f"--blink-settings=preferredColorScheme={0 if theme == 'dark' else 1}",
                   *options, f"file://{path}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S,
                              check=True)
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    def measure(self, theme, pages):
        frames = "".join(f'<iframe src="{page.name}" data-page="{page.stem}" width="{width}">'
                         "</iframe>" for page in pages for width in WIDTHS)
        wrapper = self.folder / f"{theme}.htm"
        wrapper.write_text(WRAPPER % {"frames": frames}, encoding="utf-8")
        out, complaints = self.run(theme, wrapper, "--dump-dom")
        match = re.search(r'<pre id="found">(.+?)</pre>', out, re.S)
        if not match:
            raise AssertionError(f"nothing was found: {out[-400:]} {complaints}")
        found = json.loads(html.unescape(match.group(1)))
        if isinstance(found, str):
            raise AssertionError(found)
        return found, complaints

    def corner(self, theme, page, width):
        """The colour of a screenshot's first pixel, and how many bytes it is."""
        picture = self.folder / "picture.png"
        picture.unlink(missing_ok=True)
        self.run(theme, page, f"--screenshot={picture}", f"--window-size={width},1200")
        data = picture.read_bytes()
        if struct.unpack(">II", data[16:24]) != (width, 1200):
            raise AssertionError(f"a screenshot of {struct.unpack('>II', data[16:24])}")
        at, pixels = 8, b""
        while at < len(data):
            size, kind = struct.unpack(">I4s", data[at:at + 8])
            pixels += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
            at += size + 12
        # Whatever filter the first row has, the first pixel is stored as it is.
        return tuple(zlib.decompress(pixels)[1:4]), len(data)


def problems_of(browser, theme, pages):
    found, problems = browser.measure(theme, pages)
    if len(found) != len(pages) * len(WIDTHS):
        problems.append(f"{len(found)} frames were looked at")
    for frame in found:
        name, width = frame["page"], frame["width"]
        complaints = frame["problems"][:4]
        if str(width) != frame["wanted"]:
            complaints.append(f"is shown {width} wide instead of {frame['wanted']}")
        if set(frame["pictures"]) - {WIDTHS[width]}:
            complaints.append(f"shows the pictures {frame['pictures']}")
        if len(frame["pictures"]) != (0 if name == "empty" else 1 if name in ("vpn", "no_route") else 2):
            complaints.append(f"shows {len(frame['pictures'])} pictures")
        if frame["texts"] < 15:
            complaints.append(f"has {frame['texts']} texts")
        if tuple(map(int, re.findall(r"\d+", frame["paper"]))) != PAPER[theme]:
            complaints.append(f"has paper {frame['paper']}")
        problems += [f"{name} at {width}: {complaint}" for complaint in complaints]
    for width in WIDTHS:
        color, size = browser.corner(theme, pages[0], width)
        if color != PAPER[theme] or size < 10000:
            problems.append(f"a screenshot at {width}: {color}, {size} bytes")
    return problems


def main():
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if not program:
        print("skipped: there is no Chromium here")
        return SKIPPED
    if subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        print("skipped: the browser cannot be shut off from the network here")
        return SKIPPED
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        listing = subprocess.run([sys.argv[1], folder], stdout=subprocess.PIPE, text=True,
                                 check=True).stdout
        pages = [Path(path) for path in listing.split()]
        browser = Browser(program, folder)
        for theme in PAPER:
            problems = problems_of(browser, theme, pages)
            failed += bool(problems)
            print("ok" if not problems else "not ok", theme, *problems[:40], sep="\n  ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
