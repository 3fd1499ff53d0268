#!/bin/sh
# run.sh DIRECTORY: every configuration of the model checker that build.sh put there, two at a time;
# a line each and a line of totals. A configuration that was cut counts as a violation.
cd "$1" || exit 2
./model -l >model.list && ./demon -l >demon.list || exit 2
{
	sed 's/^/.\/model /' model.list
	sed 's/^/.\/demon /' demon.list
} >runs
rm -f ./*.out
# shellcheck disable=SC2016 # expanded by the inner shell
xargs -P 2 -L 1 sh -c '"$0" "$1" >"$1.out" 2>&1; cat "$1.out"' <runs
cat ./*.out | awk -v runs="$(wc -l <runs)" '
	/ 0 violations, [0-9.]+ s$/ { states += $2; transitions += $4; whole++ }
	END {
		print whole " of " runs " worlds explored: " states " states, " transitions \
			" transitions, " runs - whole " violations"
		exit !(runs > 0 && whole == runs)
	}'
