#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Installs the build into a folder of its own and uses it as another project would: by CMake's
find_package, by pkg-config, linked statically, as a subdirectory, as a plain list of sources, and
from C++."""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]

PACKAGE = """cmake_minimum_required(VERSION 3.25)
project(consumer C)
find_package(porthole 0.1 REQUIRED)
add_executable(shared consumer.c)
target_link_libraries(shared PRIVATE porthole::porthole)
add_executable(static consumer.c)
target_link_libraries(static PRIVATE porthole::porthole_static)
"""
SUBDIRECTORY = """cmake_minimum_required(VERSION 3.25)
project(consumer C)
add_subdirectory("{source}" porthole)
add_executable(shared consumer.c)
target_link_libraries(shared PRIVATE porthole::porthole)
add_executable(static consumer.c)
target_link_libraries(static PRIVATE porthole::porthole_static)
if(TARGET porthole_command OR TARGET test_unit_bytes)
  message(FATAL_ERROR "a subdirectory builds more than the library")
endif()
"""


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run(command, check=True, **options)


def files_below(root):
    return {os.path.relpath(os.path.join(folder, name), root)
            for folder, _, names in os.walk(root) for name in names}


class Test:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.prefix = os.path.join(folder, "prefix")

    def install(self):
        run(self.arguments.cmake, "--install", self.arguments.build, "--prefix", self.prefix,
            stdout=subprocess.DEVNULL)

    def find(self, name):
        """Where a file of this name was installed, relative to the prefix; None when it was not."""
        for folder, _, names in os.walk(self.prefix):
            if name in names:
                return os.path.relpath(os.path.join(folder, name), self.prefix)
        return None

    def mask(self, name):
        """A file's name without what differs from system to system and build to build."""
        library = os.path.relpath(self.library_folder(), self.prefix)
        if name.startswith(f"{library}/") and "/systemd/" not in name:
            name = f"LIB/{name[len(library) + 1:]}"
        name = re.sub(r"\.so\.\d+\.\d+\.\d+$", ".so.VERSION", name)
        return re.sub(r"(?<=argets)-[a-z]+(?=\.cmake$)", "-TYPE", name)

    def files_of(self, folder):
        """What the source has there."""
        return files_below(os.path.join(self.arguments.source, folder))

    def library_folder(self):
        return os.path.join(self.prefix, os.path.dirname(self.find("libporthole.so")))

    def environment(self):
        return {**os.environ,
                "LD_LIBRARY_PATH": self.library_folder(),
                "PKG_CONFIG_PATH": os.path.join(self.library_folder(), "pkgconfig")}

    def cmake_project(self, text):
        source = os.path.join(self.folder, "consumer")
        build = os.path.join(source, "build")
        os.makedirs(source)
        shutil.copy(self.arguments.program, source)
        with open(os.path.join(source, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write(text)
        run(self.arguments.cmake, "-S", source, "-B", build, "-G", self.arguments.generator,
            f"-DCMAKE_C_COMPILER={self.arguments.cc}", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run(self.arguments.cmake, "--build", build, "--parallel", "2")
        return build

    # -- the tests ---------------------------------------------------------------------------

    def tree(self):
        """Everything is there, the link chain of the shared library is right, nothing else is."""
        self.install()
        wanted = {"bin/porthole", "LIB/libporthole.a", "LIB/libporthole.so",
                  "LIB/libporthole.so.0", "LIB/libporthole.so.VERSION",
                  "LIB/pkgconfig/porthole.pc", "share/bash-completion/completions/porthole",
                  "share/zsh/site-functions/_porthole",
                  "share/fish/vendor_completions.d/porthole.fish",
                  "share/doc/porthole/LICENSE-MIT", "share/doc/porthole/LICENSE-APACHE",
                  "LIB/libplum.a", "LIB/libplum.so", "LIB/libplum.so.0", "LIB/libplum.so.VERSION"}
        for kind in ("", "-version"):
            wanted.add(f"LIB/cmake/porthole/porthole-config{kind}.cmake")
            wanted.add(f"LIB/cmake/LibPlum/LibPlumConfig{kind.title().replace('-', '')}.cmake")
        for kind in ("", "-TYPE"):
            wanted |= {f"LIB/cmake/porthole/porthole-targets{kind}.cmake",
                       f"LIB/cmake/porthole/porthole-static-targets{kind}.cmake",
                       f"LIB/cmake/LibPlum/LibPlumTargets{kind}.cmake",
                       f"LIB/cmake/LibPlum/LibPlumStaticTargets{kind}.cmake"}
        wanted |= {f"include/{name}" for name in self.files_of("include")}
        wanted |= {f"share/man/man{page[-1]}/{page}" for page in self.files_of("man")}
        wanted |= {f"lib/systemd/system/{name}" for name in self.files_of("packaging/systemd")}
        wanted |= {f"share/doc/porthole/examples/{name}" for name in self.files_of("packaging")
                   if name.endswith(".conf")}
        # Only where OpenRC is.
        got = {self.mask(name) for name in files_below(self.prefix) if name[:4] != "etc/"}
        assert got == wanted, f"missing: {sorted(wanted - got)}; more: {sorted(got - wanted)}"
        if "lib/systemd/system/porthole@.service" in got:
            unit = os.path.join(self.prefix, "lib/systemd/system/porthole@.service")
            with open(unit, encoding="utf-8") as file:
                assert f"ExecStart={self.prefix}/bin/porthole serve %i\n" in file.read(), unit
        dynamic = run("readelf", "-d", os.path.join(self.library_folder(), "libporthole.so"),
                      capture_output=True, text=True).stdout
        assert "[libporthole.so.0]" in dynamic, "the shared library's name is not libporthole.so.0"
        assert "RUNPATH" not in dynamic and "RPATH" not in dynamic, "it looks in the build tree"
        run(os.path.join(self.prefix, "bin/porthole"), "--help", stdout=subprocess.DEVNULL)

    def destdir(self):
        """Installed below a folder that is not where it will be: nothing is outside of it, nothing
        knows of it, and it works from there."""
        self.install()
        plain = files_below(self.prefix)
        stage = os.path.join(self.folder, "stage")
        run(self.arguments.cmake, "--install", self.arguments.build, "--prefix", "/opt/porthole",
            stdout=subprocess.DEVNULL, env={**os.environ, "DESTDIR": stage})
        self.prefix = os.path.join(stage, "opt/porthole")
        staged = {os.path.join("opt/porthole", name) for name in plain}
        assert files_below(stage) == staged, files_below(stage) ^ staged
        for name in files_below(self.prefix):
            with open(os.path.join(self.prefix, name), "rb") as file:
                content = file.read()
            for folder in (stage, self.folder):
                assert folder.encode() not in content, f"{name} knows of {folder}"
            if not name.endswith((".a", "/porthole")) and ".so" not in name:
                assert self.arguments.build.encode() not in content, f"{name}: the build's folder"
        run(*self.compile_by_pkg_config(), env=self.environment())
        run(os.path.join(self.folder, "program"), env=self.environment())

    def find_package(self):
        """And the tree may be moved after it was installed."""
        self.install()
        moved = os.path.join(self.folder, "moved")
        os.rename(self.prefix, moved)
        self.prefix = moved
        build = self.cmake_project(PACKAGE)
        run(os.path.join(build, "shared"))
        run(os.path.join(build, "static"))

    def pkg_config(self):
        self.install()
        run(*self.compile_by_pkg_config(), env=self.environment())
        run(os.path.join(self.folder, "program"), env=self.environment())

    def static(self):
        """All of it static, the C library too: no one else's libporthole can slip in."""
        self.install()
        run(*self.compile_by_pkg_config("--static"), env=self.environment())
        run(os.path.join(self.folder, "program"))

    def compile_by_pkg_config(self, *options):
        flags = run("pkg-config", *options, "--cflags", "--libs", "porthole", capture_output=True,
                    text=True, env=self.environment()).stdout.split()
        linking = ["-static"] if "--static" in options else []
        return [self.arguments.cc, "-std=c11", *WARNINGS, *linking, "-o",
                os.path.join(self.folder, "program"), self.arguments.program, *flags]

    def add_subdirectory(self):
        build = self.cmake_project(SUBDIRECTORY.format(source=self.arguments.source))
        run(os.path.join(build, "shared"))
        run(os.path.join(build, "static"))

    def plain(self):
        """Without any build system of ours: the sources in one command, as README.md has it."""
        with open(os.path.join(self.arguments.source, "README.md"), encoding="utf-8") as file:
            lines = [line for line in file if line.startswith("cc ") and "src/" in line]
        assert len(lines) == 1, f"README.md has {len(lines)} lines that compile the sources"
        command = lines[0].replace("your_program.c", shlex.quote(self.arguments.program))
        command = command.replace("cc ", shlex.quote(self.arguments.cc) + " ", 1).strip()
        program = os.path.join(self.folder, "program")
        run("sh", "-c", f"{command} {' '.join(WARNINGS)} -o {shlex.quote(program)}",
            cwd=self.arguments.source)
        run(program)

    def cxx(self):
        """The header is C++ as well: old, and new."""
        compiler = shutil.which("g++") or shutil.which("clang++")
        if not compiler:
            print("there is no C++ compiler here")
            sys.exit(SKIP)
        self.install()
        for standard in ("c++11", "c++20"):
            run(compiler, f"-std={standard}", *WARNINGS[:3], "-Werror", "-fsyntax-only", "-xc++", "-",
                f"-I{self.prefix}/include", text=True,
                input="#include <porthole/porthole.h>\n"
                      "const char *f() { return porthole_strerror(PORTHOLE_ERR_FAILED); }\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=[name for name in vars(Test) if name[0] != "_"])
    for option in ("cmake", "cc", "generator", "source", "build", "program"):
        parser.add_argument(f"--{option}", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="porthole-install-") as folder:
        try:
            getattr(Test(arguments, folder), arguments.way)()
        except subprocess.CalledProcessError as error:
            print(error.stdout or "", error.stderr or "", error, sep="\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
