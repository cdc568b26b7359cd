#!/bin/bash
# SPDX-License-Identifier: MIT
# zonecfg: every command, its exact output and exit status, in a private /etc.

[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
export SMARTBOX_ETC=$PWD/etc SMARTBOX_RUN=$PWD/run
mkdir etc run
. "$TOP/tests/applet/lib.sh"

want_filter='s/^>/\t/' # a '>' at the start of a line stands for a tab

check "a zone that does not exist" 1 zonecfg -z web info <<- 'END'
	zonecfg: web: No such zone configured
END
check "reserved name" 1 zonecfg -z global info <<- 'END'
	zonecfg: global: reserved zone name
END
check "bad name" 1 zonecfg -z 'a b' info <<- 'END'
	zonecfg: a b: invalid zone name
END
check "create needs a zonepath" 1 zonecfg -z web create <<- 'END'
	zonecfg: required property 'zonepath' is missing
END
check "create -b needs a brand" 1 zonecfg -z web 'create -b; set zonepath=/zones/web' <<- 'END'
	zonecfg: required property 'brand' is missing
END
check "a whole zone" 0 zonecfg -z web 'create; set zonepath=/zones/web; set max-lwps=2000
	set bootargs="-s ; x"; add net; set physical=net0; set mac-addr=2:8:20:1:2:3
	add property (name=ips,value="10.0.0.2/24,fe80::1/64"); add property (name=primary,value=true)
	end; add fs; set dir=/data; set special=/export/data; set type=lofs; add options [ro,nosuid]; end' \
	< /dev/null
check "info of it" 0 zonecfg -z web info <<- 'END'
	zonename: web
	zonepath: /zones/web
	brand: joyent
	autoboot: false
	bootargs: -s ; x
	pool: 
	limitpriv: 
	scheduling-class: 
	ip-type: exclusive
	hostid: 
	fs-allowed: 
	[max-lwps: 2000]
	fs:
	>dir: /data
	>special: /export/data
	>raw not specified
	>type: lofs
	>options: [ro,nosuid]
	net:
	>address not specified
	>allowed-address not specified
	>defrouter not specified
	>global-nic not specified
	>mac-addr: 02:08:20:01:02:03
	>physical: net0
	>vlan-id not specified
	>property: (name=ips,value="10.0.0.2/24,fe80::1/64")
	>property: (name=primary,value=true)
	rctl:
	>name: zone.max-lwps
	>value: (priv=privileged,limit=2000,action=deny)
END
check "info of one property" 0 zonecfg -z web 'info autoboot' <<- 'END'
	autoboot: false
END
check "info of a matching resource" 0 zonecfg -z web 'info rctl name=zone.max-lwps' <<- 'END'
	rctl:
	>name: zone.max-lwps
	>value: (priv=privileged,limit=2000,action=deny)
END
check "info of nothing" 1 zonecfg -z web 'info dataset' <<- 'END'
	zonecfg: no dataset resource matches
END
zonecfg -z web export > web.cfg
check "export is what makes it" 0 cat web.cfg <<- 'END'
	create -b
	set zonepath=/zones/web
	set brand=joyent
	set autoboot=false
	set bootargs="-s ; x"
	set ip-type=exclusive
	set max-lwps=2000
	add fs
	set dir=/data
	set special=/export/data
	set type=lofs
	add options ro
	add options nosuid
	end
	add net
	set mac-addr=02:08:20:01:02:03
	set physical=net0
	add property (name=ips,value="10.0.0.2/24,fe80::1/64")
	add property (name=primary,value=true)
	end
END
check "-f replays an export" 0 zonecfg -z copy -f web.cfg < /dev/null
check "the copy exports the same" 0 zonecfg -z copy export < web.cfg
check "create refuses an existing zone" 1 zonecfg -z web create <<- 'END'
	zonecfg: zone 'web' already exists; use -F to overwrite it
END
check "an unknown property" 1 zonecfg -z web 'set colour=red' <<- 'END'
	zonecfg: unknown property 'colour'
END
check "a bad value" 1 zonecfg -z web 'set autoboot=maybe' <<- 'END'
	zonecfg: autoboot: 'maybe' is not one of true, false
END
check "an unknown command" 1 zonecfg -z web 'frobnicate' <<- 'END'
	zonecfg: unknown command 'frobnicate'
END
check "a command of the other scope" 1 zonecfg -z web 'end' <<- 'END'
	zonecfg: 'end' is not allowed in the global scope
END
check "end names what is missing" 1 zonecfg -z web 'add fs; set dir=/x; end' <<- 'END'
	zonecfg: fs: required property 'special' is missing
END
check "an open resource is not committed" 1 zonecfg -z web 'add fs; set dir=/x' <<- 'END'
	zonecfg: the fs resource was not ended
END
check "a second fs of the same dir" 1 zonecfg -z web \
	'add fs; set dir=/data; set special=/y; set type=lofs; end' <<- 'END'
	zonecfg: a fs resource with dir '/data' already exists
END
printf '# comment; with semicolon\nset autoboot=true\nset zonepath=nowhere\n' > bad.cfg
check "-f says the line" 1 zonecfg -z web -f bad.cfg <<- 'END'
	zonecfg: bad.cfg:3: zonepath: 'nowhere' is not an absolute path
END
check "and the lines before it were not committed" 0 zonecfg -z web 'info autoboot' <<- 'END'
	autoboot: false
END
check "caps as resources" 0 zonecfg -z web 'add capped-memory; set physical=1G; set swap=1536M; end
	add capped-cpu; set ncpus=1.5; end; info capped-memory; info capped-cpu; info cpu-cap' <<- 'END'
	capped-memory:
	>physical: 1G
	>[swap: 1536M]
	capped-cpu:
	>[ncpus: 1.50]
	[cpu-cap: 150]
END
check "select, remove from a list, add to it" 0 zonecfg -z web \
	'select fs dir=/data; remove options ro; add options nodev; end; info fs' <<- 'END'
	fs:
	>dir: /data
	>special: /export/data
	>raw not specified
	>type: lofs
	>options: [nosuid,nodev]
END
check "select must match one" 1 zonecfg -z web 'select fs dir=/nope' <<- 'END'
	zonecfg: no fs resource matches
END
check "remove a resource" 0 zonecfg -z web 'remove capped-cpu; remove fs dir=/data; info cpu-cap' < /dev/null
check "revert forgets" 0 zonecfg -z web 'set autoboot=true; revert -F; info autoboot' <<- 'END'
	autoboot: false
END
check "exit -F forgets too" 0 zonecfg -z web 'set autoboot=true; exit -F' < /dev/null
check "as seen" 0 zonecfg -z web 'info autoboot' <<- 'END'
	autoboot: false
END
check "rename" 0 zonecfg -z web 'set zonename=www' < /dev/null
check "the old name is gone" 1 zonecfg -z web info <<- 'END'
	zonecfg: web: No such zone configured
END
check "delete asks, and here nobody can answer" 1 zonecfg -z www delete <<- 'END'
	zonecfg: input is not from a terminal and -F is not specified
END
check "create from a template" 0 zonecfg -z third 'create -t copy; set zonepath=/zones/third' < /dev/null
check "delete" 0 zonecfg -z www 'delete -F' < /dev/null
check "files of the others" 0 ls etc/zones <<- 'END'
	copy.xml
	did.txt
	index
	third.xml
END
check "three numbers were given, for life" 0 cut -d: -f1,2,3,5- etc/zones/index <<- 'END'
	copy:configured:/zones/web:joyent:excl:2
	third:configured:/zones/third:joyent:excl:3
END
check "usage: no zone" 2 zonecfg info <<- 'END'
	zonecfg: no zone specified
	run 'zonecfg -h' for help
END
[ $failures = 0 ]
