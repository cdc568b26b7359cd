#!/bin/bash
# SPDX-License-Identifier: MIT
# host
# tests/vm/run itself: it passes files, output and status on, and says 125 when there is no verdict.
set -u
cd "${TMP:-$(mktemp -d)}" || exit 1
printf 'from outside\n' > note
cat > status7 <<'END'
#!/bin/sh
cat note
echo "processors $(grep -c ^processor /proc/cpuinfo)"
[ ! -e /dev/kvm ] || echo "a /dev/kvm that nobody asked for"
exit 7
END
out=$("$TOP/tests/vm/run" -a noimport -c 1 status7 note)
status=$?
[ $status = 7 ] || { echo "status $status"; exit 1; }
[ "$out" = $'from outside\nprocessors 1' ] || { echo "output: $out"; exit 1; }
printf '#!/bin/sh\necho o > /proc/sysrq-trigger; sleep 60\n' > gone
"$TOP/tests/vm/run" -a noimport gone 2> /dev/null
status=$?
[ $status = 125 ] || { echo "status $status where the machine just ended"; exit 1; }
printf '#!/bin/sh\nsleep 60\n' > slow
"$TOP/tests/vm/run" -a noimport -t 8 slow 2> /dev/null
status=$?
[ $status = 124 ] || { echo "status $status where the time was over"; exit 1; }
