#!/bin/sh
# Runs the unit test programs given, prints what failed, and one line of totals. A test that a
# crash kept from running counts as failed.

passed=0
failed=0
for program; do
	log=$program.log
	status=0
	CMOCKA_MESSAGE_OUTPUT=TAP timeout 300 "$program" >"$log" 2>&1 || status=$?
	ok=$(grep -c '^ok ' "$log")
	planned=$(sed -n 's/^1\.\.\([0-9][0-9]*\)$/\1/p' "$log" |
		awk '{ n += $1 } END { print n + 0 }')
	bad=$((planned - ok))
	if [ "$status" -ne 0 ] && [ "$bad" -le 0 ] || [ "$planned" -eq 0 ]; then
		bad=1
	fi
	if [ "$bad" -ne 0 ]; then
		echo "${program##*/}: $bad failed (exit status $status)"
		grep -v '^ok ' "$log"
	else
		echo "${program##*/}: $ok passed"
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
