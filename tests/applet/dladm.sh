#!/bin/bash
# SPDX-License-Identifier: MIT
# dladm: every command, its exact output and exit code, in a network namespace of its own.

if [ "$1" != inside ]; then
	unshare -n true 2> /dev/null || { echo "needs root for a network namespace"; exit 77; }
	exec unshare -n -m "$BASH" "$0" inside
fi
awk '$3 ~ /^fuse/ { print $2 }' /proc/mounts | tac | while read -r at; do umount -l "$at"; done # busy elsewhere else
mount -t sysfs none /sys 2> /dev/null # of this namespace
export SMARTBOX_ETC=$PWD/etc
. "$TOP/tests/applet/lib.sh"


check "no links: a header alone" 0 dladm <<- 'END'
	LINK         CLASS      MTU     STATE     BRIDGE      OVER
END
check "an etherstub is made" 0 dladm create-etherstub stub0 < /dev/null
check "its name is taken then" 1 dladm create-etherstub stub0 <<- 'END'
	dladm: etherstub creation failed: link 'stub0' already exists
END
check "a name must end in a number" 1 dladm create-etherstub stub <<- 'END'
	dladm: etherstub creation failed: link name 'stub' does not end in a number
END
check "a name the kernel would cut is refused" 1 dladm create-etherstub abcdefghijklmnop0 <<- 'END'
	dladm: etherstub creation failed: link name 'abcdefghijklmnop0' must have 1 to 15 characters
END
check "a vnic with an address" 0 dladm create-vnic -l stub0 -m 2:8:20:1:2:3 vnic0 < /dev/null
check "a second one" 0 dladm create-vnic -t -l stub0 -m 2:8:20:1:2:4 vnic1 < /dev/null
check "a vnic over nothing" 1 dladm create-vnic -l net9 vnic2 <<- 'END'
	dladm: vnic creation over net9 failed: link 'net9' does not exist
END
check "a multicast address is refused" 1 dladm create-vnic -l stub0 -m 1:2:3:4:5:6 vnic2 <<- 'END'
	dladm: MAC address '1:2:3:4:5:6' is a multicast address
END
check "a bridge" 0 dladm create-bridge brx < /dev/null
check "links of all classes" 0 dladm show-link <<- 'END'
	LINK         CLASS      MTU     STATE     BRIDGE      OVER
	brx          bridge     1500    up        --          --
	stub0        etherstub  1500    up        --          --
	vnic0        vnic       1500    up        --          stub0
	vnic1        vnic       1500    up        --          stub0
END
check "vnics" 0 dladm show-vnic <<- 'END'
	LINK         OVER        SPEED  MACADDRESS         MACADDRTYPE  VID   ZONE
	vnic0        stub0       0      2:8:20:1:2:3       fixed        0     --
	vnic1        stub0       0      2:8:20:1:2:4       fixed        0     --
END
check "parseable output escapes colons" 0 dladm show-vnic -p -o link,macaddress vnic0 <<- 'END'
	vnic0:2\:8\:20\:1\:2\:3
END
check "one parseable field is not escaped" 0 dladm show-vnic -p -o macaddress vnic0 <<- 'END'
	2:8:20:1:2:3
END
check "-p needs -o" 2 dladm show-vnic -p <<- 'END'
	dladm: option '-p' requires '-o'
	usage: dladm show-vnic [-P] [-s] [-l LINK] [-z ZONE] [[-p] -o FIELD[,...]] [VNIC]
END
check "an unknown field is named" 1 dladm show-etherstub -o bogus <<- 'END'
	dladm: unknown column 'bogus'; there are: link
END
check "temporary links are not persistent" 0 dladm show-link -P <<- 'END'
	LINK         CLASS      BRIDGE      OVER
	stub0        etherstub  --          --
	vnic0        vnic       --          stub0
	brx          bridge     --          --
END
check "mtu and maxbw are set" 0 dladm set-linkprop -p mtu=1400,maxbw=50M vnic0 < /dev/null
check "properties" 0 dladm show-linkprop vnic0 <<- 'END'
	LINK          PROPERTY         PERM  VALUE           DEFAULT         POSSIBLE
	vnic0         maxbw            rw    50              --              --
	vnic0         mtu              rw    1400            1500            68-65536
END
check "an unknown property is named" 1 dladm set-linkprop -p foo=1 vnic0 <<- 'END'
	dladm: set-linkprop failed: unknown link property 'foo'; there are: maxbw, mtu
END
check "too small a cap is refused" 1 dladm set-linkprop -p maxbw=1K vnic0 <<- 'END'
	dladm: set-linkprop failed: maxbw '1K' is below the minimum of 1.2M
END
check "a stub in use stays" 1 dladm delete-etherstub stub0 <<- 'END'
	dladm: etherstub deletion failed: link 'stub0' is used by vnic 'vnic0'
END
check "a vnic goes" 0 dladm delete-vnic -t vnic1 < /dev/null
check "what is gone is not found" 1 dladm show-link vnic1 <<- 'END'
	dladm: invalid link 'vnic1': object not found
END
check "a link of another class is not deleted" 1 dladm delete-vnic brx <<- 'END'
	dladm: vnic deletion failed: link 'brx' is of class bridge, not vnic
END

# A reboot: nothing is there, then `dladm up` makes all that is persistent, with its properties.
ip link del stub0
ip link del vnic0
ip link del brx
check "after a reboot" 0 dladm up < /dev/null
check "links are back" 0 dladm show-link <<- 'END'
	LINK         CLASS      MTU     STATE     BRIDGE      OVER
	brx          bridge     1500    up        --          --
	stub0        etherstub  1500    up        --          --
	vnic0        vnic       1400    up        --          stub0
END
check "and their properties" 0 dladm show-linkprop -p maxbw -c -o value vnic0 <<< 50
check "twice is fine" 0 dladm up < /dev/null
check "reset" 0 dladm reset-linkprop vnic0 < /dev/null
check "reset to the defaults" 0 dladm show-linkprop -c -o property,value vnic0 <<- 'END'
	maxbw:--
	mtu:1500
END

# A card keeps its name, its address and its route when a vnic goes over it.
ip link add card0 type veth peer name far0
ip addr add 10.9.0.1/24 dev card0
ip link set card0 up
ip link set far0 up
ip route add default via 10.9.0.2
check "a vnic over a card" 0 dladm create-vnic -t -l card0 vnic5 < /dev/null
check "its address is on the same name" 0 ip -4 -o addr show dev card0 scope global \
	<<< "$(ip -4 -o addr show dev card0 scope global)"
ip -4 -o addr show dev card0 | grep -q '10\.9\.0\.1/24' || { echo "FAILED: address"; failures=1; }
ip route | grep -q '^default via 10.9.0.2 dev card0' || { echo "FAILED: route"; failures=1; }
check "it is still a card" 0 dladm show-phys -p -o link card0 <<< card0

[ "$failures" = 0 ]
