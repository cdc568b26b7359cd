#!/bin/bash
# SPDX-License-Identifier: MIT
# imgadm without a pool: sources, what they have, and what is said about them.

export SMARTBOX_VAR=$PWD/var SMARTBOX_RUN=$PWD/run
. "$TOP/tests/applet/lib.sh"

check "the default source" 0 imgadm sources <<< https://images.smartos.org
check "a source is added" 0 imgadm sources -f -a images.example.com:80/ <<< \
	'Added "imgapi" image source "http://images.example.com"'
check "adding it again changes nothing" 0 imgadm sources -f -a http://images.example.com <<< \
	'Already have "imgapi" image source "http://images.example.com", no change'
check "both are kept, in order" 0 imgadm sources <<- 'END'
	https://images.smartos.org
	http://images.example.com
END
check "a dsapi source needs its ending" 1 imgadm sources -f -a http://x -t dsapi <<< \
	'imgadm sources: error (ConfigError): "dsapi" source URL must end in "/datasets": "http://x"'
check "an insecure dsapi source" 0 imgadm sources -f -k -t dsapi -a https://old.example.com/datasets <<< \
	'Added "dsapi" image source "https://old.example.com/datasets" (insecure)'
check "types are known" 1 imgadm sources -f -a http://x -t docker <<< \
	'imgadm sources: error (ConfigError): unknown source type "docker", allowed are imgapi, dsapi'
check "only http, https and file" 1 imgadm sources -f -a ftp://x <<< \
	'imgadm sources: error (ConfigError): source URL "ftp://x": only http, https and file'
check "a source is deleted" 0 imgadm sources -d https://images.smartos.org <<< \
	'Deleted "imgapi" image source "https://images.smartos.org"'
check "deleting it again changes nothing" 0 imgadm sources -d https://images.smartos.org <<< \
	'Do not have image source "https://images.smartos.org", no change'
check "one mode at a time" 2 imgadm sources -a x -d y <<- 'END'
	imgadm: only one of -a, -c, -d, -e may be given
	usage: imgadm sources [-v] [-j] | -a URL [-t TYPE] [-k] [-f] | -d URL | -e | -c
END
printf '#!/bin/sh\necho "http://edited.example.com imgapi" > "$1"\n' > edit && chmod 755 edit
check "the list is edited" 0 env EDITOR=./edit imgadm sources -e <<< "Image sources changed"
check "the list after it" 0 imgadm sources <<< http://edited.example.com
check "an invalid UUID" 1 imgadm show nonsense <<< 'imgadm show: error (InvalidUUID): invalid uuid: "nonsense"'
check "files are both needed" 2 imgadm install -m x <<- 'END'
	imgadm: -m MANIFEST and -f FILE are both needed
	usage: imgadm install [-q] [-P POOL] -m MANIFEST -f FILE
END
echo '{"v": 2, "uuid": "X"}' > bad.json
check "a bad manifest names its fields" 1 imgadm install -m bad.json -f bad.json <<< \
	'imgadm install: error (InvalidManifest): invalid manifest: uuid (not a lower-case UUID), name (missing), version (missing), type (missing), os (missing)'
echo '{"v": 2,' > bad.json
check "bad JSON has a line and a column" 1 imgadm install -m bad.json -f bad.json <<< \
	"imgadm install: error (InvalidManifest): bad.json:2:0: string or '}' expected near end of file"

# A static server, with what IMGAPI has under these names.
command -v python3 > /dev/null || { [ "$failures" = 0 ] && exit 0 || exit 1; }
u1=01b2c898-945f-11e1-a523-af1afbe22822 u2=11b2c898-945f-11e1-a523-af1afbe22823
mkdir -p srv/images
manifest() { # UUID NAME VERSION DATE STATE
	echo "{\"v\":2,\"uuid\":\"$1\",\"name\":\"$2\",\"version\":\"$3\",\"type\":\"lx-dataset\",\"os\":\"linux\",\"state\":\"$5\",\"published_at\":\"$4T10:11:12.000Z\",\"files\":[{\"sha1\":\"a9993e364706816aba3e25717850c26c9cd0d89d\",\"size\":3,\"compression\":\"gzip\"}],\"tags\":{\"role\":\"os\"}}"
}
manifest $u1 base 1.0 2020-01-02 active > srv/images/$u1
manifest $u2 web 2.0 2019-01-02 disabled > srv/images/$u2
echo "[$(cat srv/images/$u1),$(cat srv/images/$u2),{\"v\":2}]" > srv/images/index.html
echo '{"imgapi": true}' > srv/ping
python3 - srv > port 2> server.log <<- 'END' &
	import functools, http.server, sys
	h = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
	s = http.server.HTTPServer(("127.0.0.1", 0), h)
	print(s.server_address[1], flush=True)
	s.serve_forever()
END
server=$!
trap 'kill $server' EXIT
for _ in $(seq 50); do [ -s port ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat port)
check "a source that answers is added" 0 imgadm sources -a "$url" <<< "Added \"imgapi\" image source \"$url\""
imgadm sources -d http://edited.example.com > /dev/null
check "what the sources have, oldest first" 0 imgadm avail <<- END
	UUID                                  NAME  VERSION  OS     TYPE        PUB
	$u2  web   2.0      linux  lx-dataset  2019-01-02
	$u1  base  1.0      linux  lx-dataset  2020-01-02
END
check "columns, order, filters" 0 imgadm avail -H -o name,size,tags.role,nosuch -s -name name=~e tags.role=os <<- 'END'
	web   3  os  -
	base  3  os  -
END
check "no match: no output" 0 imgadm avail name=nothing < /dev/null
check "a filter has a form" 1 imgadm avail base <<< \
	'imgadm avail: error (InvalidArgument): invalid filter: "base" (must be of the form "field=value")'
[ "$(imgadm show $u1 | json name files.0.size)" = $'base\n3' ] || { echo "FAILED: show"; failures=$((failures + 1)); }
check "an inactive image is not shown" 1 imgadm show $u2 <<< \
	"imgadm show: error (ImageNotFound): image \"$u2\" was not found in image sources"
check "not an IMGAPI" 1 imgadm sources -a "$url/images" <<< \
	"imgadm sources: error (SourcePing): $url/images/ping: HTTP status 404"
kill $server
wait $server 2> /dev/null
trap - EXIT
imgadm avail > out 2> err
[ $? = 1 ] && [ ! -s out ] && grep -q '^imgadm avail: error (ClientError): ' err || {
	echo "FAILED: a dead source is an error"
	cat out err
	failures=$((failures + 1))
}
[ "$failures" = 0 ]
