#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make configure and Makefile.in from configure.ac and Makefile.am.
set -e
cd "$(dirname "$0")"
for tool in autoreconf automake libtoolize; do
	command -v "$tool" >/dev/null || {
		echo "autogen.sh: $tool not found: install autoconf, automake and libtool" >&2
		exit 1
	}
done
mkdir -p build-aux
exec autoreconf --install --force "$@"
