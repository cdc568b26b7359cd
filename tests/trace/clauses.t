=== predicates
BEGIN /1/ { printf("a\n"); }
BEGIN /0/ { printf("b\n"); }
BEGIN { exit(0); }
---
a

=== predicate_of_variable
BEGIN { x = 5; }
BEGIN /x == 5/ { printf("five\n"); }
BEGIN /x > 5/ { printf("more\n"); }
BEGIN { exit(0); }
---
five

=== clauses_run_in_order
BEGIN { printf("1 "); }
BEGIN { printf("2 "); }
BEGIN { printf("3\n"); exit(0); }
---
1 2 3

=== exit_ends_later_clauses
BEGIN { exit(0); }
BEGIN { printf("never\n"); }
---

=== end_runs_after_exit
BEGIN { exit(0); }
END { printf("end\n"); }
---
end

=== exit_status status=7
BEGIN { exit(7); }
---

=== if_else
BEGIN { x = 3; if (x > 2) { printf("big\n"); } else { printf("small\n"); } exit(0); }
---
big

=== if_without_braces
BEGIN { x = 1; if (x) printf("yes\n"); else printf("no\n"); exit(0); }
---
yes

=== if_nested
BEGIN { x = 2; if (x == 1) { printf("one\n"); } else if (x == 2) { printf("two\n"); } else { printf("many\n"); } exit(0); }
---
two

=== if_assigns
BEGIN { x = 0; if (x == 0) { y = 5; } else { y = 6; } printf("%d\n", y); exit(0); }
---
5

=== several_descriptions
BEGIN, END { printf("%s\n", probename); }
BEGIN { exit(0); }
---
BEGIN
END

=== globs
BEG* { printf("%s\n", probename); exit(0); }
---
BEGIN

=== qualified
dtrace:::BEGIN { printf("full\n"); exit(0); }
---
full

=== clause_locals_last_for_one_firing
BEGIN { this->x = 7; }
BEGIN { printf("%d\n", this->x); exit(0); }
---
7

=== comments
/* one */ BEGIN /* two */ { /* three */ printf("ok\n"); exit(0); }
---
ok

=== interpreter_line
#!/usr/sbin/dtrace -s
BEGIN { printf("ok\n"); exit(0); }
---
ok

=== arguments_missing_default -x defaultargs
BEGIN { printf("%d [%s]\n", $1, $$1); exit(0); }
---
0 []

=== tick
tick-20ms { n++; }
tick-20ms /n == 3/ { printf("%d\n", n); exit(0); }
---
3

=== fault_ends_only_its_clause
BEGIN { x = 0; y = 1 / x; }
BEGIN { printf("on\n"); exit(0); }
---
on

trace: error on enabled probe ID 1 (ID 1: dtrace:::BEGIN): divide-by-zero in action #1

=== error_probe
BEGIN { x = 0; y = 1 / x; }
ERROR { printf("fault %d\n", arg4); exit(0); }
---
fault 4

trace: error on enabled probe ID 1 (ID 1: dtrace:::BEGIN): divide-by-zero in action #1

=== speculation_commit
BEGIN { self->s = speculation(); }
BEGIN { speculate(self->s); printf("held\n"); }
BEGIN { printf("before\n"); }
BEGIN { commit(self->s); }
BEGIN { exit(0); }
---
before
held

=== speculation_discard
BEGIN { self->s = speculation(); }
BEGIN { speculate(self->s); printf("held\n"); }
BEGIN { discard(self->s); }
BEGIN { printf("only\n"); exit(0); }
---
only

=== no_speculation_left
BEGIN { a = speculation(); b = speculation(); printf("%d %d\n", a, b); exit(0); }
---
1 0

trace: 1 failed speculation (no speculative buffer available)

=== two_speculations -x nspec=2
BEGIN { a = speculation(); b = speculation(); printf("%d %d\n", a, b); exit(0); }
---
1 2

=== destructive_needs_w status=1
BEGIN { system("echo hi"); exit(0); }
---
trace: could not enable tracing: Destructive actions not allowed

=== system -w
BEGIN { system("echo %s", "hi"); exit(0); }
---
hi

=== line_directive
# 100 "other.d"
BEGIN { printf("ok\n"); exit(0); }
---
ok

=== zero_matches_allowed -Z
nosuch:::probe { }
BEGIN { printf("ok\n"); exit(0); }
---
ok

