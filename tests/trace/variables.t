=== global begin
x = 5; printf("%d\n", x);
---
5

=== globals_start_at_zero begin
x += 0; printf("%d\n", x);
---
0

=== clause_local begin
this->x = 5; this->y = this->x * 2; printf("%d\n", this->y);
---
10

=== thread_local begin
self->x = 5; self->x++; printf("%d\n", self->x);
---
6

=== assoc_by_string begin
a["one"] = 1; a["two"] = 2; printf("%d %d %d\n", a["one"], a["two"], a["three"]);
---
1 2 0

=== assoc_by_tuple begin
a[1, "x"] = 10; a[2, "x"] = 20; a[1, "y"] = 30; printf("%d %d %d\n", a[1, "x"], a[2, "x"], a[1, "y"]);
---
10 20 30

=== assoc_increment begin
a["n"]++; a["n"]++; a["n"] += 5; printf("%d\n", a["n"]);
---
7

=== assoc_removed_by_zero begin
a["n"] = 5; a["n"] = 0; printf("%d\n", a["n"]);
---
0

=== assoc_of_strings begin
a[1] = "uno"; a[2] = "dos"; printf("%s %s [%s]\n", a[1], a[2], a[3]);
---
uno dos []

=== thread_local_assoc begin
self->a[1] = 5; self->a[2] = 6; printf("%d %d\n", self->a[1], self->a[2]);
---
5 6

=== assoc_key_from_assoc begin
a[1] = 2; b[2] = 3; printf("%d\n", b[a[1]]);
---
3

=== builtin_pid begin
printf("%d\n", pid == $pid);
---
1

=== builtin_probe_names begin
printf("%s:%s:%s:%s\n", probeprov, probemod, probefunc, probename);
---
dtrace:::BEGIN

=== builtin_id begin
printf("%d\n", id);
---
1

=== builtin_time begin
x = timestamp; y = walltimestamp; printf("%d %d\n", x > 0, y > 1700000000000000000);
---
1 1

=== builtin_ids begin
printf("%d %d\n", uid, gid);
---
0 0

=== builtin_cpu begin
printf("%d\n", cpu >= 0);
---
1

=== builtin_ppid begin
printf("%d\n", ppid == $ppid);
---
1

=== macro_uid begin
printf("%d %s\n", $uid, $$uid);
---
0 0

=== timestamp_is_one_value_per_firing begin
printf("%d\n", timestamp - timestamp);
---
0

=== curthread_members begin
printf("%d %d\n", curthread->pid == tid, curthread->tgid == pid);
---
1 1

=== curpsinfo begin
printf("%s %d\n", curpsinfo->pr_fname, curpsinfo->pr_pid == pid);
---
trace 1

=== curlwpsinfo begin
printf("%d\n", curlwpsinfo->pr_lwpid == tid);
---
1

=== errno_names begin
printf("%d %d %d\n", ENOENT, EINVAL, SIGKILL);
---
2 22 9

=== rand_differs begin
x = rand(); y = rand(); printf("%d\n", x != y);
---
1

