# SPDX-License-Identifier: MIT OR Apache-2.0
"""The project's files as the rules see them: what git tracks or would, read once."""

import functools
import os
import re
import subprocess

C_ROOMS = ("include", "src", "cli", "gateway", "sim", "examples", "bench", "tests")
# Everything in a string or a comment, so that code can be told from prose.
TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    """The same number of characters and lines, with nothing in them."""
    return re.sub(r"[^\n]", " ", match.group())


class Project:
    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.files = sorted(self._from_git() or self._from_disk())

    def _from_git(self):
        """None where this is no git work tree, as in a released archive."""
        if not os.path.exists(os.path.join(self.root, ".git")):
            return None
        listing = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], capture_output=True, text=True, check=False)
        names = [name for name in listing.stdout.split("\0") if name]
        return [name for name in names if os.path.isfile(os.path.join(self.root, name))]

    def _from_disk(self):
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders
                          if name not in (".git", "build", "__pycache__", ".cache")]
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in names]
        return found

    @functools.lru_cache(maxsize=None)
    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    @functools.lru_cache(maxsize=None)
    def code(self, path):
        """A C file's text with comments, strings and characters blanked out."""
        return TOKENS.sub(blank, self.read(path))

    def ending(self, *endings):
        return [path for path in self.files if path.endswith(endings)]

    def c_files(self):
        return [path for path in self.ending(".c", ".h") if path.split("/")[0] in C_ROOMS]

    def texts(self):
        """All files that people read; a fuzzer's seeds are bytes."""
        return [path for path in self.files if "/corpus/" not in path]


def at(project, path, offset):
    """FILE:LINE of an offset into a file's text."""
    return f"{path}:{project.read(path).count(chr(10), 0, offset) + 1}"
