#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# make.sh dist: the source archive, build/dist/porthole-VERSION.tar.xz, the same bytes whenever and
# wherever it is made of the same source. make.sh deb: Debian packages of it in build/deb, checked
# by lintian. `./dev dist` and `./dev package` install what this needs, and run it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C

VERSION=$(sed -nE 's/^#define PORTHOLE_VERSION "(.+)"$/\1/p' include/porthole/porthole.h)
NAME=porthole-$VERSION
ARCHIVE=build/dist/$NAME.tar.xz

# What belongs to the source, each name ended by a zero byte: what git tracks, or where there is no
# git, as in an unpacked archive, all but what was made.
source_files() {
    if [ -e .git ]; then
        comm -z -23 <(git ls-files -z | sort -z -u) <(git ls-files -z --deleted | sort -z -u)
    else
        find . \( -path ./build -o -name __pycache__ \) -prune -o -type f -printf '%P\0' | sort -z
    fi
}

# When the source was last changed: the time of all files in the archive.
source_date() {
    if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
        echo "$SOURCE_DATE_EPOCH"
    elif [ -e .git ]; then
        git log -1 --format=%ct
    else
        source_files | xargs -0 stat -c %Y | sort -n | tail -n 1
    fi
}

# Nothing of the machine, the user, the clock or the order in a folder gets into it.
make_dist() {
    mkdir -p build/dist
    source_files | tar --create --null --no-recursion --files-from=- --format=ustar \
        --transform="s,^,$NAME/," --mtime="@$(source_date)" --owner=0 --group=0 --numeric-owner \
        --mode=u=rwX,go=rX | xz -9 --threads=1 >"$ARCHIVE.part"
    mv "$ARCHIVE.part" "$ARCHIVE"
    echo "$ARCHIVE"
    if [ -e .git ] && [ -n "$(git status --porcelain --untracked-files=no)" ]; then
        echo "it has changes that are not committed"
    fi
}

# As a distribution does it: from the archive alone, with packaging/debian as debian/. There is none
# at the top of the source, where it would be in the way of a distribution's own.
make_deb() {
    make_dist
    rm -rf build/deb
    mkdir -p build/deb
    cp "$ARCHIVE" "build/deb/porthole_$VERSION.orig.tar.xz"
    tar -xf "$ARCHIVE" -C build/deb
    cp -R packaging/debian "build/deb/$NAME/debian"
    cd "build/deb/$NAME"
    # Our tests have been run, or will be, by ./dev test.
    DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" DEB_BUILD_PROFILES=nocheck \
        dpkg-buildpackage --unsigned-source --unsigned-changes
    cd ..
    lintian --profile debian --info --display-info --fail-on error,warning ./*.changes
}

case ${1:-} in
dist) make_dist ;;
deb) make_deb ;;
*)
    echo "usage: packaging/make.sh dist | deb" >&2
    exit 2
    ;;
esac
