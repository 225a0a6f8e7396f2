# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What bash would complete.  Tests of it have the prerequisite BASH.

command -v bash >/dev/null && test_set_prereq BASH

# complete_words WORD...: what is offered for the last.
complete_words() {
	bash -c '
		compopt() { :; }
		. "$NETEMU_SRCDIR/contrib/completion/netemu"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		"_${1/netemu-/netemu_of_}"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$@"
}
