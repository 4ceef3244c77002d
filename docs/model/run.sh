#!/bin/sh
# Checks sync.pml: the rules as they are must hold, and each run without one of them must
# fail. README.md has the table. Each run prints its states and its verdict.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
memory=${MEMORY:-6000} # MB for one run
limit=${SECONDS_EACH:-300}
bad=0

# search COMPILER-FLAGS RUN-FLAGS: one search of spin.out's model; sets got, states, took.
search() {
	# shellcheck disable=SC2086 # lists of flags
	gcc -O2 -w -DSAFETY -DMEMLIM="$memory" $1 -o pan pan.c
	start=$(date +%s)
	# shellcheck disable=SC2086
	timeout "$limit" ./pan -m1000000 $2 >out 2>&1 || true
	took=$(($(date +%s) - start))
	states=$(sed -n -e 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' -e 's/.*States= *\([0-9.e+]*\).*/\1/p' out | tail -n 1)
	if grep -qE 'assertion violated|invalid end state \(' out; then
		got=fails
	elif grep -q 'errors: 0' out && ! grep -qE 'Search not completed|max search depth too small|out of memory' out; then
		got=holds
	else
		got=unfinished
	fi
}

# run VERDICT NAME SWITCHES…: every state stored whole; where that does not fit into memory and
# time, a bitstate search for as long, which is no proof and says so.
run() {
	want=$1 name=$2 how=exhaustive
	shift 2
	spin -a "$@" "$here/sync.pml" >spin.out 2>&1 || { cat spin.out; exit 1; }
	search -DCOLLAPSE ''
	if [ "$got" = unfinished ]; then
		how=bitstate
		search -DBITSTATE -w31
		if [ "$got" != fails ] && [ "$want" = holds ]; then got=holds how="bitstate, no breach found"; fi
	fi
	printf '%-32s %10s states %4d s  %s (%s)' "$name" "${states:-?}" "$took" "$got" "$how"
	if [ "$got" = fails ]; then printf ': %s' "$(sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p' out)"; fi
	if [ "$got" != "$want" ]; then
		printf '  WANTED: %s' "$want"
		bad=1
	fi
	echo
}

echo 'The rules as they are'
run holds 'sync, 3 faults, 2 kills' -DPRESSES=0 -DFAULTS=3 -DKILLS=2 -DORDERS=3
run holds 'sync, a lease lost' -DPRESSES=0 -DFAULTS=2 -DKILLS=1 -DLEASES=1 -DORDERS=3
run holds 'a press, 1 kill' -DPRESSES=1 -DFAULTS=0 -DKILLS=1 -DALONE
run holds 'a press, 1 fault' -DPRESSES=1 -DFAULTS=1 -DKILLS=0 -DALONE
run holds '2 presses of one tab' -DTABS=1 -DPRESSES=2 -DFAULTS=1 -DKILLS=1 -DALONE
run holds 'the whole' -DPRESSES=2 -DFAULTS=2 -DKILLS=1 -DLEASES=1 -DORDERS=3

echo 'Without a rule'
run fails 'no mending' -DNO_MEND -DPRESSES=0
run fails 'the note after the try' -DNOTE_AFTER -DPRESSES=0
run fails 'overtaken updates forgotten' -DNO_OVERTAKEN -DTABS=1 -DPRESSES=2 -DFAULTS=1 -DKILLS=1 -DALONE
run fails 'no lock' -DNO_LOCK -DPRESSES=0 -DFAULTS=0 -DKILLS=0
run fails 'no version of the cart' -DNO_VERSION -DPRESSES=0
run fails 'no compare-and-set of the order' -DNO_ORDER_CAS -DPRESSES=0 -DFAULTS=0 -DKILLS=0 -DLEASES=1
run fails 'no comparison in validation' -DNO_VALIDATION -DALONE
run fails 'acknowledged before stored' -DACK_FIRST -DALONE
exit $bad
