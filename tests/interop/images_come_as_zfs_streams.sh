#!/bin/bash
# SPDX-License-Identifier: MIT
# imgadm installs what SmartOS's images are: compressed zfs streams. A volume by a manifest and by a legacy
# dsmanifest, a filesystem, an image that hangs on another; and what is damaged leaves nothing.

. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
export SMARTBOX_VAR=$PWD/var SMARTBOX_ETC=$PWD/etc LC_ALL=C
mkdir -p etc/zones
R=$PWD/root
imgadm() { timeout -s KILL 60 "$TOP/build/smartbox" imgadm "$@"; }
vmadm() { timeout -s KILL 60 "$TOP/build/smartbox" vmadm "$@"; }
digest() { "$TOP/build/smartbox" digest "$@"; }
u() { echo "0000000$1-1111-4222-8333-444444444444"; }
truncate -s 300M disk other
zpool create -R "$R" zones "$PWD/disk" && zpool create -R "$R/src" src "$PWD/other" || { fail "zpool create"; exit 1; }

# --- the usual way to make an image: a volume's snapshot through gzip, a legacy manifest ---
if ls "$SHARED"/fixtures/streams/vol@v.zfs.zst > /dev/null 2>&1; then
	zstd -dc "$SHARED/fixtures/streams/vol@v.zfs.zst" | zfs receive src/vm-disk0@image || fail "the fixture's volume"
else
	zfs create -V 20M src/vm-disk0 && zfs snapshot src/vm-disk0@image || fail "zfs create -V"
fi
zfs send src/vm-disk0@image | gzip > x.zvol.gz
manifest() {	# UUID TYPE FILE [MORE]
	echo "{\"v\":2,\"uuid\":\"$1\",\"name\":\"img\",\"version\":\"1.0\",\"type\":\"$2\",\"os\":\"linux\",\"files\":[{\"sha1\":\"$(digest -a sha1 "$3")\",\"size\":$(stat -c %s "$3"),\"compression\":\"gzip\"}]$4}"
}
hvm=',"nic_driver":"virtio","disk_driver":"virtio","cpu_type":"host","image_size":20'
cat > x.dsmanifest <<- END2
	{"name": "ubuntu", "version": "1.0.0", "type": "zvol", "cpu_type": "host", "description": "a test",
	"created_at": "2012-01-01T10:00Z", "updated_at": "2012-01-01T10:00Z", "published_at": "2012-01-01T10:00Z", "os": "linux", "image_size": "20", "nic_driver": "virtio", "disk_driver": "virtio",
	"uuid": "$(u 1)", "urn": "sdc:admin:ubuntu:1.0.0", "platform_type": "smartos", "cloud_name": "sdc",
	"creator_name": "admin", "creator_uuid": "$(u 9)", "vendor_uuid": "$(u 9)",
	"files": [{"path": "x.zvol.gz", "sha1": "$(digest -a sha1 x.zvol.gz)", "size": $(stat -c %s x.zvol.gz), "url": "http://localhost/x"}],
	"requirements": {"networks": [{"name": "net0", "description": "public"}]}}
END2
is "install of a legacy manifest" "$(imgadm install -q -m x.dsmanifest -f x.zvol.gz 2>&1)" "Installing image $(u 1) (ubuntu@1.0.0)
Installed image $(u 1) (ubuntu@1.0.0)"
is "it is a volume" "$(zfs get -Ho value type "zones/$(u 1)") $(zfs get -Ho value volsize "zones/$(u 1)")" "volume $(zfs get -Ho value volsize src/vm-disk0)"
is "its snapshot" "$(zfs list -Ho name -t snapshot "zones/$(u 1)")" "zones/$(u 1)@final"
is "the same contents" "$(zfs get -Ho value guid "zones/$(u 1)@final")" "$(zfs get -Ho value guid src/vm-disk0@image)"
is "it is listed" "$(imgadm list -H -o uuid,name,type)" "$(u 1)  ubuntu  zvol"
zfs clone "zones/$(u 1)@final" zones/disk0 || fail "a disk from it"
is "deleting what a disk hangs on" "$(imgadm delete "$(u 1)" 2>&1)" "imgadm delete: error (ImageHasDependentClones): image $(u 1) has 1 dependent clone: zones/disk0"
zfs destroy zones/disk0; imgadm delete "$(u 1)" > /dev/null || fail delete
is "after delete" "$(zfs list -Hro name -t all zones | grep -c "$(u 1)")" 0

# --- other compressions, filesystems, origins ---
for c in bzip2 xz zstd cat; do
	zfs send -c src/vm-disk0@image | $c > x.$c && manifest "$(u 2)" zvol x.$c "$hvm" > m.json
	imgadm install -q -m m.json -f x.$c > /dev/null && imgadm delete "$(u 2)" > /dev/null || fail "install of $c"
done
zfs create src/zone && mkdir -p "$R/src/src/zone/root/etc" && echo one > "$R/src/src/zone/root/etc/motd" && zfs snapshot src/zone@a
zfs send src/zone@a | gzip > base.gz; echo two > "$R/src/src/zone/root/etc/motd"; zfs snapshot src/zone@b; zfs send -i @a src/zone@b | gzip > child.gz
manifest "$(u 3)" lx-dataset base.gz > base.json; manifest "$(u 4)" lx-dataset child.gz ",\"origin\":\"$(u 3)\"" > child.json
imgadm install -q -m child.json -f child.gz > said 2>&1; is "without its origin" "$? $(tail -1 said)" "3 imgadm install: error (OriginNotInstalled): origin image \"$(u 3)\" was not found"
imgadm install -q -m base.json -f base.gz > /dev/null || fail "a filesystem"
imgadm install -q -m child.json -f child.gz || fail "what hangs on it"
is "contents" "$(cat "$R/zones/$(u 3)/root/etc/motd" "$R/zones/$(u 4)/root/etc/motd" | tr '\n' ' ')" "one two "
is "the origin" "$(zfs get -Ho value origin "zones/$(u 4)")" "zones/$(u 3)@final"

# --- an image of a machine, whole and as what changed since its own image; and machines of those again ---
vmadm create > /dev/null 2> said <<- END2 || { fail "vmadm create"; cat said; }
	{"uuid":"$(u 7)","brand":"lx","kernel_version":"5.10","image_uuid":"$(u 3)","autoboot":false,"alias":"web"}
END2
echo three > "$R/zones/$(u 7)/root/etc/motd"
image_uuid() { "$TOP/build/smartbox" json -f "$1" uuid 2> /dev/null || sed -n 's/.*"uuid": "\([^"]*\)".*/\1/p' "$1" | head -1; }
for opts in '-c gzip' '-i -c bzip2' '-i'; do
	rm -f made.*; imgadm create -q $opts -o made "$(u 7)" name=made version=1.0 description='a web server' > said 2>&1 || { fail "create $opts"; cat said; continue; }
	new=$(image_uuid made.imgmanifest)
	imgadm install -q -m made.imgmanifest -f "$(ls made.zfs*)" > said 2>&1 || { fail "install of create $opts"; cat said made.imgmanifest; continue; }
	is "contents of create $opts" "$(cat "$R/zones/$new/root/etc/motd")" three
	want=; [ "$opts" = '-c gzip' ] || want=zones/$(u 3)@final
	is "origin of create $opts" "$(zfs get -Ho value origin "zones/$new" | sed 's/^-$//')" "$want"
	is "no snapshot is left" "$(zfs list -Ho name -t snapshot "zones/$(u 7)")" ""
	imgadm delete "$new" > /dev/null || fail "delete of $new"
done
refused 1 "imgadm create: error (MaxOriginDepth): image would exceed the maximum origin depth of 1" imgadm create -i --max-origin-depth 1 "$(u 7)" name=x version=1
refused 1 "imgadm create: error (VmNotFound): VM $(u 8) not found" imgadm create "$(u 8)" name=x version=1
imgadm create "$(u 7)" name=x > said 2>&1 && fail "an image without a version"; grep -q "InvalidManifest.*version" said || cat said
vmadm delete "$(u 7)" > /dev/null 2>&1 || fail "vmadm delete"

# --- what is damaged or not what it says leaves nothing ---
before=$(zfs list -Hro name -t all zones)
refuse() {	# WHAT FILE MANIFEST TEXT
	imgadm install -q -m "$3" -f "$2" > said 2>&1 && fail "$1 is installed"
	grep -q "$4" said || { fail "$1"; cat said; }
	is "what $1 leaves" "$(zfs list -Hro name -t all zones)" "$before"
}
manifest "$(u 5)" zvol x.zvol.gz "$hvm" > m.json
head -c 3000 x.zvol.gz > cut.gz; refuse "a cut file" cut.gz m.json DownloadError
cp x.zvol.gz bad.gz; printf '\377' | dd of=bad.gz bs=1 seek=$(($(stat -c %s bad.gz) / 2)) conv=notrunc status=none
refuse "another byte" bad.gz m.json "DownloadError"
manifest "$(u 5)" zvol cut.gz "$hvm" > m.json; refuse "a cut stream with its own digest" cut.gz m.json "cannot"
manifest "$(u 5)" lx-dataset x.zvol.gz > m.json; refuse "a volume that says it is a filesystem" x.zvol.gz m.json "the stream is of a volume"
tar czf tar.gz -C "$R/src/src/zone" root; manifest "$(u 5)" zvol tar.gz "$hvm" > m.json; refuse "an archive as a volume" tar.gz m.json "not a zfs stream"
zpool export src && zpool export zones || fail export
judge_zdb "$PWD" zones || fail zdb
verdict
