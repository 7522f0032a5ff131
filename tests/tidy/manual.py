# SPDX-License-Identifier: MIT OR Apache-2.0
"""The manual pages are formatted without a warning."""

import os
import shutil
import subprocess


def have_man():
    return shutil.which("man") is not None and shutil.which("groff") is not None


def check(project):
    for path in project.files:
        if path.startswith("man/"):
            done = subprocess.run(
                ["man", "--warnings=w", "-Tutf8", "-Z", "-l", os.path.join(project.root, path)],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
                env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""})
            for line in done.stderr.splitlines():
                yield f"{path}:1: {line}"
            if done.returncode != 0:
                yield f"{path}:1: man cannot format it"
