#!/bin/bash
# SPDX-License-Identifier: MIT
# json, digest and uuid: exact output and exit codes.

. "$TOP/tests/applet/lib.sh"
j() { local text=$1; shift; json "$@" <<< "$text"; }

vm='{"state":"running","nics":[{"ip":"10.0.0.1","up":true},{"ip":"10.0.0.2"}],"n":3,"a.b":"dotted"}'
check "a string prints bare" 0 j "$vm" state <<< running
check "a path into an array" 0 j "$vm" nics.0.ip <<< 10.0.0.1
check "brackets and indexes from the end" 0 j "$vm" 'nics[-1].ip' <<< 10.0.0.2
check "a name with a dot" 0 j "$vm" '["a.b"]' <<< dotted
check "several lookups, one a line" 0 j "$vm" n nics.0.up <<< $'3\ntrue'
check "what is missing is an empty line" 0 j "$vm" nosuch n <<< $'\n3'
check "an object prints as JSON" 0 j "$vm" nics.1 <<- 'END'
	{
	  "ip": "10.0.0.2"
	}
END
check "-o json quotes strings" 0 j "$vm" -o json state <<< '"running"'
check "-o json-0 is one line" 0 j "$vm" -o json-0 nics <<< '[{"ip":"10.0.0.1","up":true},{"ip":"10.0.0.2"}]'
check "-a walks an array" 0 j '[{"a":1,"b":"x"},{"a":2}]' -a a b <<< $'1 x\n2 '
check "-d is the delimiter" 0 j '[{"a":1,"b":"x"}]' -d, -a a b <<< 1,x
check "-D is the lookups' delimiter" 0 j "$vm" -D/ nics/0/ip <<< 10.0.0.1
check "-ga gathers documents" 0 j '{"a":1}{"a":2}' -ga a <<< $'1\n2'
check "-k names the members" 0 j "$vm" -k -o json-0 <<< '["state","nics","n","a.b"]'
check "-ka one a line" 0 j "$vm" -ka <<< $'state\nnics\nn\na.b'
check "-H skips a header" 0 j $'HTTP/1.1 200 OK\r\nA: b\r\n\r\n{"a":1}' -H a <<< 1
check "--merge: the last wins" 0 j '{"a":{"x":1}}{"a":{"y":2}}' --merge -o json-0 <<< '{"a":{"y":2}}'
check "--deep-merge goes into objects" 0 j '{"a":{"x":1}}{"a":{"y":2}}' --deep-merge -o json-0 \
	<<< '{"a":{"x":1,"y":2}}'
check "bad input" 1 j '{"a":' <<< \
	'json: input is not JSON: unexpected token near end of file (line 2, column 0)'
check "bad input, quietly" 1 j '{"a":' -q < /dev/null
check "--validate says nothing" 0 j '[1]' --validate < /dev/null
check "code is refused" 2 j '{}' -e 'this.x=1' <<- 'END'
	json: -e runs JavaScript in the original; there is none here
	run 'json -h' for help
END
printf '{"x":[1,2]}' > f.json
check "-f reads a file" 0 json -f f.json x.1 <<< 2

printf abc > abc
check "digest of one file" 0 digest -a sha1 abc <<< a9993e364706816aba3e25717850c26c9cd0d89d
check "digest of several" 0 digest -a MD5 abc abc <<- 'END'
	(abc) = 900150983cd24fb0d6963f7d28e17f72
	(abc) = 900150983cd24fb0d6963f7d28e17f72
END
check "digest -v" 0 digest -v -a sha256 abc <<< \
	'sha256 (abc) = ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
check "digest of nothing there" 1 digest -a md5 nosuch <<< 'digest: nosuch: No such file or directory'
check "an unknown algorithm" 2 digest -a crc abc <<- 'END'
	digest: unknown algorithm 'crc', see digest -l
	run 'digest -h' for help
END

[[ $(uuid) =~ ^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$ ]] || {
	echo "FAILED: uuid prints a version 4 UUID"
	failures=$((failures + 1))
}
[ "$(uuid -n 50 | sort -u | wc -l)" = 50 ] || { echo "FAILED: 50 UUIDs differ"; failures=$((failures + 1)); }
[ "$failures" = 0 ]
