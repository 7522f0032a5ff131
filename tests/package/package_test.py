#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Installs the Debian packages that packaging/make.sh built into a scratch root, uses what is there
as a user would, and removes it; and makes the source archive in other places, to compare its bytes.
Prints a line for each test and a count as the last line. Needs no root; nothing leaves loopback."""

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cli"))

import harness  # noqa: E402

PACKAGES = ["libporthole-dev", "libporthole-plum", "libporthole0", "porthole"]
TESTS = []
PLUM_PROGRAM = """#include <plum/plum.h>
int main(void) {
    plum_config_t config = {0};
    return plum_init(&config) == PLUM_ERR_SUCCESS && plum_cleanup() == PLUM_ERR_SUCCESS ? 0 : 1;
}
"""


def test(method):
    TESTS.append(method)
    return method


def run(*command, **options):
    """What it printed; an error when it fails."""
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
    return done.stdout


def below(root):
    """All files, links and folders, with their folders in front."""
    return sorted(os.path.relpath(os.path.join(folder, name), root)
                  for folder, folders, files in os.walk(root) for name in [*folders, *files])


class Packages:
    def __init__(self, source, packages, folder):
        self.source, self.folder, self.root = source, folder, os.path.join(folder, "root")
        self.files = {os.path.basename(path).split("_")[0]: path
                      for path in glob.glob(os.path.join(packages, "*.deb"))
                      if "dbgsym" not in path}
        self.archive, = glob.glob(os.path.join(packages, "*.orig.tar.xz"))
        self.triplet = run("dpkg-architecture", "-qDEB_HOST_MULTIARCH").strip()
        self.libraries = f"{self.root}/usr/lib/{self.triplet}"
        self.program = f"{self.root}/usr/bin/porthole"

    def dpkg(self, *arguments):
        """In a root that has nothing else: what the packages depend on is this system's."""
        return run("fakeroot", "dpkg", f"--root={self.root}", "--force-depends",
                   "--force-script-chrootless", f"--log={self.folder}/dpkg.log", *arguments,
                   env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"})

    def compiler(self, text, *flags):
        program = os.path.join(self.folder, "program")
        source = os.path.join(self.folder, "program.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        run("cc", "-Wall", "-Werror", "-o", program, source, *flags)
        return program

    def pkg_config(self, *options):
        return run("pkg-config", *options, "porthole", env={
            **os.environ, "PKG_CONFIG_SYSROOT_DIR": self.root,
            "PKG_CONFIG_PATH": f"{self.libraries}/pkgconfig"}).split()

    def consumer(self):
        with open(f"{self.source}/tests/install/consumer.c", encoding="utf-8") as file:
            return file.read()

    # -- installed -----------------------------------------------------------------------------

    @test
    def they_install(self):
        assert sorted(self.files) == PACKAGES, f"there are {sorted(self.files)}"
        for folder in ("info", "updates"):
            os.makedirs(f"{self.root}/var/lib/dpkg/{folder}")
        open(f"{self.root}/var/lib/dpkg/status", "w", encoding="utf-8").close()
        self.before = below(self.root)
        self.dpkg("--install", *self.files.values())
        audit = self.dpkg("--audit")
        assert audit == "", audit

    @test
    def the_command_runs(self):
        version = run(self.program, "--version").split()[1]
        harness.equal(os.path.basename(self.archive), f"porthole_{version}.orig.tar.xz", "archive")
        assert "All as promised" in run(self.program, "demo")

    @test
    def the_command_opens_a_port(self):
        with harness.Gateway(self.program) as gateway:
            line = harness.run(self.program, "map", "--once", "8080", *gateway.ask).expect(0).out
            assert line.startswith("tcp 8080 is open: "), line

    @test
    def a_program_builds_with_the_shared_library(self):
        program = self.compiler(self.consumer(), *self.pkg_config("--cflags", "--libs"))
        run(program, env={"LD_LIBRARY_PATH": self.libraries})
        assert "libporthole.so.0" in run("objdump", "-p", program)

    @test
    def a_program_builds_with_the_static_library(self):
        flags = self.pkg_config("--static", "--cflags", "--libs")
        program = self.compiler(self.consumer(), "-static", *flags)
        run(program, env={})

    @test
    def a_program_builds_with_the_drop_in(self):
        """It is found by whoever asks for it, and by nobody else."""
        folder = f"{self.libraries}/porthole"
        program = self.compiler(PLUM_PROGRAM, f"-I{self.root}/usr/include/porthole-plum",
                                f"-L{folder}", "-lplum")
        run(program, env={"LD_LIBRARY_PATH": folder})
        assert not glob.glob(f"{self.libraries}/libplum*")

    @test
    def everything_is_where_it_is_looked_for(self):
        files = set(below(f"{self.root}/usr"))
        wanted = {"bin/porthole", "include/porthole/porthole.h", "share/man/man3/porthole.3.gz",
                  "share/bash-completion/completions/porthole",
                  "share/fish/vendor_completions.d/porthole.fish",
                  "share/zsh/vendor-completions/_porthole",
                  f"lib/{self.triplet}/libporthole.so", f"lib/{self.triplet}/libporthole.so.0",
                  f"lib/{self.triplet}/libporthole.a"}
        wanted |= {f"share/man/man1/{name}.gz" for name in os.listdir(f"{self.source}/man")
                   if name.endswith(".1")}
        wanted |= {f"share/doc/{name}/copyright" for name in PACKAGES}
        assert wanted <= files, f"missing: {sorted(wanted - files)}"

    @test
    def removed_they_leave_nothing(self):
        self.dpkg("--purge", *PACKAGES)
        left = [name for name in below(self.root)
                if name not in self.before and not name.startswith("var/lib/dpkg")
                and not os.path.isdir(os.path.join(self.root, name))]
        assert not left, f"left: {left}"
        assert not os.path.exists(f"{self.root}/usr"), below(f"{self.root}/usr")

    # -- the archive ---------------------------------------------------------------------------

    def again(self, tree, **environment):
        """The archive, made of a tree."""
        run(f"{tree}/packaging/make.sh", "dist", env={**os.environ, **environment})
        return glob.glob(f"{tree}/build/dist/*.tar.xz")[0]

    def equal(self, other, what):
        with open(self.archive, "rb") as one, open(other, "rb") as two:
            assert one.read() == two.read(), f"{what} gives other bytes"

    @test
    def the_archive_is_the_same_from_another_checkout(self):
        """With other permissions, language, time zone, user and time of the files."""
        if not os.path.exists(f"{self.source}/.git"):
            return
        tree = os.path.join(self.folder, "checkout")
        os.umask(0o077)
        run("git", "clone", "--quiet", "--no-hardlinks", self.source, tree)
        os.umask(0o022)
        # What is not committed belongs to this tree's source all the same.
        changed = run("git", "-C", self.source, "diff", "--name-only", "HEAD").split("\n")
        for name in filter(None, changed):
            path = os.path.join(self.source, name)
            os.makedirs(os.path.dirname(f"{tree}/{name}"), exist_ok=True)
            if os.path.exists(path):
                shutil.copy(path, f"{tree}/{name}")
            else:
                os.remove(f"{tree}/{name}")
        run("git", "-C", tree, "add", "--all")
        self.equal(self.again(tree, TZ="Pacific/Chatham", LANG="C.UTF-8"), "another checkout")

    @test
    def the_archive_is_the_same_from_itself(self):
        """Unpacked where there is no git."""
        run("tar", "-xf", self.archive, "-C", self.folder)
        tree, = glob.glob(f"{self.folder}/porthole-*")
        self.equal(self.again(tree), "the archive unpacked")
        self.equal(self.again(tree), "the second time")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, help="the tree that they are of")
    parser.add_argument("--packages", required=True, help="the folder with the packages")
    arguments = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="porthole-packages-") as folder:
        packages = Packages(os.path.abspath(arguments.source), arguments.packages, folder)
        for function in TESTS:
            name = function.__name__.replace("_", " ")
            try:
                function(packages)
                print(f"ok {name}", flush=True)
            except Exception as error:  # whatever it is, it is this test's result
                failed += 1
                at = traceback.extract_tb(error.__traceback__)[-1]
                print(f"not ok {name}: {error or at.line}", flush=True)
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
