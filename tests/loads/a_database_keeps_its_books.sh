#!/bin/bash
# SPDX-License-Identifier: MIT
# only in full
# PostgreSQL with its data on a dataset: pgbench's transactions add up, after a crash of the server, and in a clone of a
# snapshot that was taken in the middle of them.

. "$TOP/tests/loads/lib.sh"
bin=$(echo /usr/lib/postgresql/*/bin | awk '{ print $NF }')
[ -x "$bin/pgbench" ] && id postgres > /dev/null 2>&1 || skip "needs postgresql"
start tb 2048
zfs create -o recordsize=8k -o compression=lz4 -o logbias=latency tb/data || fail "create"
chmod 755 "$PWD" "$R" "$R/tb"
chown postgres "$R/tb/data" && chmod 700 "$R/tb/data"
mkdir -m 777 sock
S=$PWD/sock

as_postgres() { (cd / && timeout -s KILL $((seconds * 4 + 240)) setpriv --reuid postgres --regid postgres --clear-groups "$@"); }
query() { as_postgres "$bin/psql" -h "$S" -p "$1" -d postgres -Atqc "$2"; }
server() { as_postgres "$bin/pg_ctl" -s -w -t 120 -D "$1" -o "-k $S -p $2 -c listen_addresses= -c full_page_writes=off -c autovacuum=off" \
	-l "$S/log" start || { fail "the server does not start"; cat "$S/log"; verdict; }; }
stopped() { as_postgres "$bin/pg_ctl" -s -w -D "$1" -m "$2" stop || fail "stop"; }
books() {	# PORT: every account, teller and branch says the same as the history
	query "$1" "select (select sum(abalance) from pgbench_accounts) = (select coalesce(sum(delta),0) from pgbench_history)
		and (select sum(tbalance) from pgbench_tellers) = (select sum(bbalance) from pgbench_branches)
		and (select sum(bbalance) from pgbench_branches) = (select coalesce(sum(delta),0) from pgbench_history)"
}

as_postgres "$bin/initdb" -D "$R/tb/data" --data-checksums -A trust > /dev/null || { fail "initdb"; verdict; }
server "$R/tb/data" 1
as_postgres "$bin/pgbench" -h "$S" -p 1 -qi -s 2 postgres 2> /dev/null || fail "pgbench -i"
as_postgres "$bin/pgbench" -h "$S" -p 1 -n -c 4 -j 2 -T "$seconds" postgres > bench 2>&1 & bench=$!
sleep $((seconds / 2 + 1))
zfs snapshot tb/data@middle || fail "snapshot"
wait $bench || { fail "pgbench"; cat bench; }
grep 'tps' bench
is "the books" "$(books 1)" t
done=$(query 1 "select count(*) from pgbench_history")
stopped "$R/tb/data" immediate
judged tb
server "$R/tb/data" 1
is "the books after a crash" "$(books 1)" t
is "no transaction was lost" "$(query 1 "select count(*) from pgbench_history")" "$done"
zfs clone tb/data@middle tb/clone && rm -f "$R/tb/clone/postmaster.pid" || fail "clone"
server "$R/tb/clone" 2
is "the books of the middle" "$(books 2)" t
stopped "$R/tb/clone" fast
stopped "$R/tb/data" fast
as_postgres "$bin/pg_checksums" -c -D "$R/tb/data" > /dev/null || fail "checksums of pages"
finished tb
