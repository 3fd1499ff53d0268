#!/bin/sh
# build.sh SOURCE OUT [BUILT]: the model checker around fpu/ and vmm/ of the tree SOURCE, as OUT/model,
# and as OUT/demon with every policy at once (demon.c) in the place of fpu/policy.c. What run_loop.c
# has of the kernel is SOURCE's too. BUILT is the OUT of a build of this tree: what is the same in
# SOURCE, whose headers all have to be, is taken from there.
set -eu
cd "$(dirname "$0")/../.."
source=$1
out=$2
built=${3-}
mkdir -p "$out"

warnings="-std=gnu11 -g -Wall -Wextra -Werror -Wmissing-prototypes"
# What the model stops and judges; the same optimisation as in the kernel.
traced="-fsanitize=thread --param tsan-instrument-func-entry-exit=0 -fno-stack-protector"

compile() {
	object=$(basename "$1" .c).o
	if [ "$built" ] && cmp -s "$1" "${1#"$source/"}"; then
		cp "$built/$object" "$out"
		return
	fi
	# shellcheck disable=SC2086 # lists of words
	gcc $warnings -O2 $2 -Itests/model/include -I"$source" -I. -c "$1" -o "$out/$object"
}

explorer=
for name in world fiber access atomic mail_access hardware vmx operations invariants \
	mail_invariants store progress explore configurations main demon real_policy; do
	compile "tests/model/$name.c" ""
	case $name in
	demon | real_policy) ;;
	*) explorer="$explorer $out/$name.o" ;;
	esac
done
compile "$source/fpu/owner.c" "$traced"
compile "$source/fpu/policy.c" "$traced"
explored=
for file in tests/model/hypervisor.c "$source/tests/model/run_loop.c" \
	"$source/vmm/mail.c" "$source/vmm/loaded.c"; do
	compile "$file" "$traced"
	explored="$explored $out/$(basename "$file" .c).o"
done
# The one that make looks at comes last.
# shellcheck disable=SC2086 # a list of files
gcc $explorer $explored "$out/owner.o" "$out/demon.o" -o "$out/demon"
# shellcheck disable=SC2086
gcc $explorer $explored "$out/owner.o" "$out/policy.o" "$out/real_policy.o" -o "$out/model"
