#!/bin/bash
# SPDX-License-Identifier: MIT
# host
# The walkthrough that SmartOS's handbook takes with a virtual machine, command by command; its keyboard and screen
# are used from outside through TCP with a password, by clients good and bad. Boot sectors stand in for what is installed.
set -eu
. "$TOP/tests/vmx/viewer.sh"
need xorriso python3 openssl gcc
gcc -c -m32 -o talk.o "$TOP/tests/vmx/talk.S"
ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o talk.bin talk.o
truncate -s 8M talk.img
dd if=talk.bin of=talk.img conv=notrunc status=none
mkdir cd && cp talk.bin cd
xorriso -as mkisofs -quiet -o centos.iso -b talk.bin -no-emul-boot -boot-load-size 4 cd 2> /dev/null
rig -k -m 1024 -d 20G -t 400 -a noimport "$TOP/tests/vmx/rig_walkthrough.sh" "$TOP/tests/vmx/rig_lib.sh" \
	talk.img centos.iso
if said "host: keys"; then
	# "z" of a German keyboard is where the guest's BIOS has its "y".
	expect "640 400" shot --password geheim --key 0x7a --key 0x61
	expect "640 400" shot --password geheim --zrle
fi
if said "host: abuse"; then
	python3 - "$port" <<- 'END' || failed=1
		import os, random, socket, sys
		random.seed(1)
		def connect():
		    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
		    s.settimeout(5)
		    return s
		for i in range(40):    # nothing that a viewer says
		    s = connect()
		    try:
		        s.recv(12)
		        s.sendall(b'RFB 003.008\n' if i % 2 else b'')
		        s.sendall(random.randbytes(random.randrange(1, 4000)))
		    except OSError:
		        pass
		    s.close()
		quiet = [connect() for i in range(8)]    # and some that say nothing at all
	END
	for i in 1 2 3 4 5; do expect "refused: wrong password" shot --password "wrong$i"; done
	expect "refused: too many wrong passwords" shot --password geheim
	sleep 11
	expect "640 400" shot --password geheim --key 0x62
fi
if said "host: other password"; then
	expect "refused: wrong password" shot --password geheim
	expect "640 400" shot --password new,pw --key 0x63
fi
if said "host: closed"; then
	expect "hung up" shot --password new,pw
fi
wait $rig || failed=1
grep -v '^qemu-system' out
[ -z "$failed" ]
