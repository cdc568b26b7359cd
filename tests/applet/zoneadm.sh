#!/bin/bash
# SPDX-License-Identifier: MIT
# zoneadm: the stored states, listings and refusals, in a private /etc. Running zones: tests/interop.

[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
export SMARTBOX_ETC=$PWD/etc SMARTBOX_RUN=$PWD/run
mkdir etc run
. "$TOP/tests/applet/lib.sh"
Z=$PWD/z


check "the global zone is there" 0 zoneadm list <<- 'END'
	global
END
check "-v is a table" 0 zoneadm list -v <<- 'END'
	  ID NAME             STATUS     PATH                           BRAND    IP    
	   0 global           running    /                              smartbox shared
END
check "-p has eight fields" 0 zoneadm list -p <<- 'END'
	0:global:running:/::smartbox:shared:0
END
check "-p and -v exclude one another" 2 zoneadm list -pv <<- 'END'
	zoneadm: -p and -v are mutually exclusive
	usage: zoneadm list [-cinpv]
END
check "an unknown zone" 1 zoneadm -z nope boot <<- 'END'
	zoneadm: nope: No such zone configured
END
check "no zone" 2 zoneadm boot <<- 'END'
	zoneadm: no zone specified
	usage: zoneadm boot [-f] [-- BOOTARGS]
END
check "the global zone is not booted" 1 zoneadm -z global boot <<- 'END'
	zoneadm: zone 'global': boot operation is invalid for the global zone.
END
zonecfg -z a "create; set zonepath=$Z/a; set brand=lx" || failures=1
zonecfg -z b "create; set zonepath=$Z/b:c" || failures=1
check "configured zones are listed with -c only" 0 zoneadm list -i <<- 'END'
	global
END
check "boot needs an installed zone" 1 zoneadm -z a boot <<- 'END'
	zoneadm: zone 'a': must be installed before boot.
END
check "halt too" 1 zoneadm -z a halt <<- 'END'
	zoneadm: zone 'a': must be installed before halt.
END
check "uninstall of a configured zone" 1 zoneadm -z a uninstall -F <<- 'END'
	zoneadm: zone 'a': is already in state 'configured'.
END
check "a missing zonepath is a warning" 0 zoneadm -z a verify <<- END
	zoneadm: zone 'a': WARNING: $Z/a does not exist, so it could not be verified.
END
mkdir -p "$Z/a" && chmod 755 "$Z/a"
check "the zonepath must be private" 1 zoneadm -z a install <<- END
	zoneadm: zone 'a': zonepath $Z/a must have mode 0700.
END
rmdir "$Z/a" && ln -s /tmp "$Z/a"
check "and no symlink" 1 zoneadm -z a install <<- END
	zoneadm: zone 'a': zonepath $Z/a is a symbolic link.
END
rm "$Z/a" && mkdir -m 700 "$Z/a" && mkdir "$Z/a/root"
check "a root that is there is not installed over" 1 zoneadm -z a install <<- END
	zoneadm: zone 'a': $Z/a/root exists already; attach the zone, or remove it.
END
check "but attached" 0 zoneadm -z a attach < /dev/null
check "install of an installed zone" 1 zoneadm -z a install <<- 'END'
	zoneadm: zone 'a': is already installed.
END
check "install" 0 zoneadm -z b install <<- END
	zoneadm: zone 'b': WARNING: $Z/b:c does not exist, so it could not be verified.
END
check "it made a private zonepath" 0 stat -c '%a %n' z/b:c z/b:c/root <<- 'END'
	700 z/b:c
	755 z/b:c/root
END
check "-p escapes colons" 0 sed -E 's/:[0-9a-f-]{36}:/:UUID:/' <(zoneadm list -cp) <<- END
	0:global:running:/::smartbox:shared:0
	-:a:installed:$Z/a:UUID:lx:excl:1
	-:b:installed:$Z/b\\:c:UUID:joyent:excl:2
END
check "by uuid" 0 zoneadm -u "$(zoneadm -z a list -p | cut -d: -f5)" list -v <<- END
	  ID NAME             STATUS     PATH                           BRAND    IP    
	$(printf '   - %-16s %-10s %-30s %-8s %-6s' a installed "$Z/a" lx excl)
END
check "halt of a halted zone does nothing, well" 0 zoneadm -z a halt <<- 'END'
	zoneadm: zone 'a': is already halted.
END
check "reboot of it fails" 1 zoneadm -z a reboot <<- 'END'
	zoneadm: zone 'a': not running
END
check "shutdown of it fails" 1 zoneadm -z a shutdown <<- 'END'
	zoneadm: zone 'a': must be running before shutdown.
END
check "mark" 0 zoneadm -z a mark incomplete < /dev/null
check "an incomplete zone does not boot" 1 zoneadm -z a boot <<- 'END'
	zoneadm: zone 'a': zone is incomplete; uninstall required.
END
check "uninstall asks" 1 zoneadm -z a uninstall <<- 'END'
	zoneadm: zone 'a': input is not from a terminal and -F is not specified.
END
mkdir -p "$Z/a/root/deep/er" && ln -s /etc "$Z/a/root/link"
check "uninstall -F" 0 zoneadm -z a uninstall -F < /dev/null
check "the zonepath is gone, what its links pointed to is not" 0 ls -d "$Z" /etc/passwd <<- END
	/etc/passwd
	$Z
END
[ ! -e "$Z/a" ] || { echo "FAILED: $Z/a is left"; failures=1; }
check "detach keeps the files" 0 zoneadm -z b detach < /dev/null
check "as seen" 0 ls "$Z/b:c" <<- 'END'
	root
END
check "states at the end" 0 zoneadm list -cn <<- 'END'
	a
	b
END
zonecfg -z a 'set zonepath=/zones/other' || failures=1
check "a configured zone's zonepath may change" 0 grep -o 'zonepath="[^"]*"' etc/zones/a.xml <<- 'END'
	zonepath="/zones/other"
END
check "zlogin needs a running zone" 1 zlogin b true <<- 'END'
	zlogin: zone 'b': zone is not running; currently in state 'configured'.
END
check "zlogin of an unknown zone" 1 zlogin nope true <<- 'END'
	zlogin: zone 'nope': No such zone configured
END
check "zonename out here" 0 zonename <<- 'END'
	global
END
[ $failures = 0 ]
