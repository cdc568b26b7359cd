#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs made by chance must load: generated.sh [COUNT [SEED]]
#
# What the compiler accepts the kernel's verifier must accept too.  Each program has a few clauses of random
# statements over variables of all kinds, strings, aggregations, subroutines and the kernel's structures; it runs,
# and ends by itself.  The seed is printed; a program that is refused is printed whole.

count=${1:-300} seed=${2:-$(date +%s)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

awk -v seed="$seed" -v count="$count" '
function r(n) { return int(rand() * n) }
function pick(s,   a, n) { n = split(s, a, "~"); return a[1 + r(n)] }
# A form with holes: N a number, S a string, K a key; each filled by something a level below.
function fill(form, d,   out, c, k) {
	out = ""
	while ((k = match(form, /#[NSK]/)) > 0) {
		c = substr(form, k + 1, 1)
		out = out substr(form, 1, k - 1) (c == "N" ? num(d - 1) : c == "S" ? str(d - 1) : key(d - 1))
		form = substr(form, k + 2)
	}
	return out form
}
function num(d) {
	if (d <= 0 || r(6) == 0)
		return pick("1~7~-3~0x10~arg0~pid~tid~cpu~g1~g2~this->i~self->n~a1[1]~a2[\"k\", 2]~uid~strlen(execname)~timestamp~id~sizeof (int)~stackdepth~errno~curthread->pid~curthread->prio~curpsinfo->pr_pid")
	return fill(pick("(#N + #N)~(#N * #N)~(#N - #N)~(#N / ((#N) | 1))~(#N % ((#N) | 1))~(#N & #N)~(#N >> 3)~(#N << 2)~(-#N)~(!#N)~(#N < #N)~(#N == #N)~(#N && #N)~(#N || #N)~(#N ? #N : #N)~(int8_t)#N~(uint16_t)#N~strlen(#S)~index(#S, \"a\")~strtoll(#S)~(#S == #S)~rand()~htons(#N)"), d)
}
function str(d) {
	if (d <= 0 || r(4) == 0)
		return pick("\"abc\"~\"/a/b\"~\"\"~execname~probename~probefunc~s1~this->s~self->s~stringof(curthread->comm)~curpsinfo->pr_fname")
	return fill(pick("strjoin(#S, #S)~substr(#S, #N)~substr(#S, 1, 3)~basename(#S)~dirname(#S)~toupper(#S)~lltostr(#N)~(#N ? #S : #S)~strchr(#S, 47)~strtok(#S, \"/\")~cleanpath(#S)~strstr(#S, \"b\")~json(#S, \"a.b[1]\")"), d)
}
function key(d) { return fill(pick("#N~#S~execname~stack(3)"), d) }
function statement(d) {
	return fill(pick("g1 = #N;~g2 += #N;~this->i = #N;~self->n = #N;~a1[(long)#N] = #N;~a2[#S, (long)#N] = #N;~s1 = #S;~this->s = #S;~self->s = #S;~g1++;~--g2;~@c = count();~@q[(long)#N] = quantize(#N);~@l = lquantize(#N, 0, 100, 10);~@s[#S] = sum(#N);~@v = avg(#N);~@m[#S, (long)#N] = max(#N);~@d = stddev(#N);~@k[stack(4)] = min(#N);~printf(\"%d %s\\n\", #N, #S);~trace(#N);~trace(#S);~tracemem(curthread, 32);~stack(5);~if (#N) { g1 = #N; } else { s1 = #S; }~this->p = alloca(16);~printf(\"%s\\n\", inet_ntoa((uint32_t *)&curthread->pid));~trace(cwd);"), d)
}
BEGIN {
	srand(seed)
	probes = "BEGIN~BEGIN~END~syscall:::entry~syscall::write:return~profile-997~sched:::off-cpu~proc:::exec-success~tick-1ms~rawtp:::sched_wakeup~io:::start"
	for (i = 0; i < count; i++) {
		f = sprintf("%05d.d", i)
		printf "BEGIN { g1 = (long)1; g2 = (long)2; this->i = (long)0; self->n = (long)0; a1[(long)0] = (long)0; a2[\"\", (long)0] = (long)0;\n" \
		    "\ts1 = \"x\"; this->s = \"y\"; self->s = \"z\"; }\n" > f
		for (k = 1 + r(3); k > 0; k--) {
			printf "%s%s\n{\n", pick(probes), r(3) ? "" : " /" num(2) "/" > f
			printf "\tthis->i = (long)0; this->s = \"\";\n" > f
			for (n = 1 + r(5); n > 0; n--) printf "\t%s\n", statement(2 + r(2)) > f
			print "}" > f
		}
		print "BEGIN { exit(0); }" > f
		close(f)
	}
}'

one() {
	local f
	for f in "$@"; do
		timeout -s KILL 30 trace -q -x strsize=64 -s "$f" > "$f.out" 2> "$f.err"
		case $? in
		0) echo loaded ;;
		1) if grep -q 'was refused\|bpf\|BPF' "$f.err"; then echo "REFUSED $f"; cat "$f" "$f.err" >&2; else echo "compiler: $(sed 's/.*line [0-9]*: //' "$f.err" | head -n 1)"; fi ;;
		*) echo "DIED $f"; cat "$f" >&2; tail -n 3 "$f.err" >&2 ;;
		esac
		rm -f "$f.out"
	done
}
export -f one
printf '%s\n' *.d | xargs -P "$(nproc)" -n 20 bash -c 'one "$@"' _ > log 2> refused
grep '^compiler' log | sed 's/[0-9]\+/N/g' | sort | uniq -c | sort -rn | head -n 5
loaded=$(grep -c '^loaded' log) bad=$(grep -c '^REFUSED\|^DIED' log)
head -n 60 refused
echo "generated programs: $loaded loaded, $(grep -c '^compiler' log) not accepted by the compiler, $bad refused; seed $seed"
[ "$bad" = 0 ] && [ "$loaded" -gt $((count / 2)) ]
