#!/bin/sh
# SPDX-License-Identifier: MIT
# The second boot of the demo: everything is back by itself.

cd /test || exit 1
. ./tour.sh

step "The second boot: pool, links and zones are back by themselves"
shows 'mirror-0 +ONLINE' zpool status zones
tries=0
until [ "$(zoneadm list -p | grep -c ':running:')" -ge 3 ] || [ $tries -gt 60 ]; do
	tries=$((tries + 1))
	sleep 0.5
done
shows 'running' vmadm list
web=$(uuid_of web) db=$(uuid_of db)

step "What was acknowledged is there"
shows '^acknowledged$' zlogin "$web" cat /root/kept
shows '^precious$' zlogin "$web" cat /root/notes
for zone in web db; do
	eval "id=\$$zone"
	had=$(sed -n "s/^$zone had acknowledged //p" first.out)
	has=$(zlogin "$id" cat /root/count) || die "no count in $zone"
	printf '%s had acknowledged %s, has %s\n' "$zone" "$had" "$has"
	[ "$has" -ge "$had" ] || die "$zone lost acknowledged data"
done
shows ' 0% packet loss' zlogin "$db" ping -c 2 -i 0.2 10.0.0.1
run zoneadm list -cv
for zone in $web $db; do run vmadm stop "$zone"; done
run sh -c 'echo for the judges > /var/judged && sync /var/judged'
