=== execname begin
printf("%s\n", execname == "trace" ? "trace" : execname == "smartbox" ? "trace" : execname)
---
trace

=== pid_is_the_process begin
printf("%d %d\n", pid == curpsinfo->pr_pid, tid == curlwpsinfo->pr_lwpid)
---
1 1

=== ppid_is_its_parent begin
printf("%d\n", ppid == curpsinfo->pr_ppid)
---
1

=== curthread_is_the_task begin
printf("%d %d\n", curthread->tgid == pid, curthread->pid == tid)
---
1 1

=== names_agree begin
printf("%d %d\n", curpsinfo->pr_fname == execname, stringof(curthread->comm) == execname)
---
1 1

=== cwd_begins_with_a_slash begin
printf("%d %s\n", substr(cwd, 0, 1) == "/", root)
---
1 /

=== path_of_an_open_file -c cat
syscall::read:entry /pid == $target && arg0 == 0/ { printf("%s\n", fds[0].fi_pathname); exit(0); }
---
/dev/null

=== getf_of_nothing_is_null begin
printf("%d\n", getf(12345) == NULL)
---
1

=== uid_is_of_root begin
printf("%d %d\n", uid == curpsinfo->pr_uid, gid == curpsinfo->pr_gid)
---
1 1

=== cpu_agrees begin
printf("%d %d\n", cpu == curcpu->cpu_id, cpu == curlwpsinfo->pr_onpro)
---
1 1

=== time_goes_on
BEGIN { a = timestamp; w = walltimestamp; }
BEGIN { printf("%d %d %d\n", timestamp >= a, walltimestamp >= w, walltimestamp > timestamp); exit(0); }
---
1 1 1

=== probe_names begin
printf("%s|%s|%s|%s|%d\n", probeprov, probemod, probefunc, probename, id)
---
dtrace|||BEGIN|1

=== exit_of_the_command -c true
proc:::exit /pid == $target/ { printf("%d\n", args[0]); exit(0); }
---
1

=== killed_is_told -w -c cat
syscall::read:entry /pid == $target/ { raise(9); }
proc:::exit /pid == $target/ { printf("%d\n", args[0]); exit(0); }
---
2

=== command_has_been_executed_before_the_probes -c true
proc:::exec-success /pid == $target/ { n++; }
proc:::exit /pid == $target/ { printf("%d\n", n); exit(0); }
---
0

=== errno_of_a_failing_call -c cat /nonexistent/file
syscall:::return /pid == $target && errno != 0 && errno == 2/ { @[errno] = count(); }
END { printa("%d\n", @); }
---
2

cat: /nonexistent/file: No such file or directory

=== sdt_fields -c true
sdt:sched::sched_process_exit /pid == $target/ { printf("%s %d\n", stringof(args[0]), args[1] == pid); }
---
true 1

=== counts_of_two_providers_agree -c true
syscall::write:entry { a++; }
sysinfo:::syswrite { b += arg0; }
END { printf("%d\n", b >= a); }
---
1

=== tick_fires_every_time
tick-10ms /++n == 5/ { printf("%d\n", n); exit(0); }
---
5

=== profile_has_a_pc
profile-997 /arg0 != 0 || arg1 != 0/ { printf("pc\n"); exit(0); }
---
pc

=== cpc_fires
cpc:::cpu_clock-all-1000000 { printf("fired\n"); exit(0); }
---
fired

=== software_faults_are_counted -c true
vminfo:::as_fault /pid == $target/ { n += arg0; }
END { printf("%d\n", n > 20); }
---
1

=== switches_of_context
sched:::off-cpu /++n == 3/ { printf("%d\n", args[0]->pr_lwpid >= 0); exit(0); }
---
1

=== mutex_kind begin
printf("%d %d\n", mutex_type_adaptive((struct mutex *)0), mutex_type_spin((struct mutex *)0))
---
1 0

=== progeny -c true
syscall:::entry /progenyof($target)/ { n++; }
END { printf("%d\n", n > 5); }
---
1

=== zonename_is_the_name_of_the_host begin
printf("%d\n", strlen(zonename) > 0 && zonename == stringof(curthread->nsproxy->uts_ns->name.nodename))
---
1

=== stack_has_frames begin
printf("%d\n", stackdepth > 2)
---
1

=== offsetof_of_the_kernel begin
printf("%d\n", offsetof(struct task_struct, pid) + sizeof (pid_t) == offsetof(struct task_struct, tgid))
---
1

=== enumerators_of_the_kernel begin
printf("%d %d\n", PIDTYPE_PID, PIDTYPE_TGID)
---
0 1

=== member_that_is_not_there err
BEGIN { trace(curthread->no_such_member); }
---
trace: failed to compile script FILE: [D_TYPE_MEMBER] line 1: no_such_member is not a member of struct task_struct

=== null_pointers_fault
BEGIN { trace(*(int *)0); }
BEGIN { exit(0); }
---

trace: error on enabled probe ID 1 (ID 1: dtrace:::BEGIN): invalid address ({ptr}) in action #1

=== arrays_of_the_kernel begin
printf("%d\n", sizeof (curthread->comm))
---
16

=== null_is_null begin
printf("%d\n", NULL == 0)
---
1

