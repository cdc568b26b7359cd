#!/bin/bash
# SPDX-License-Identifier: MIT
# vmadm without a pool: validate, listings of nothing and of configured zones, usage.

export SMARTBOX_ETC=$PWD/etc SMARTBOX_RUN=$PWD/run SMARTBOX_VAR=$PWD/var
mkdir -p etc/zones run
. "$TOP/tests/applet/lib.sh"
with() { local text=$1; shift; printf '%s' "$text" > payload.json; "$@" -f payload.json; }
img=01b2c898-945f-11e1-a523-af1afbe22822 none=11111111-2222-4333-8444-555555555555

check "a valid payload" 0 with "{\"brand\":\"lx\",\"image_uuid\":\"$img\"}" vmadm validate create <<< \
	"VALID 'create' payload for lx brand VMs."
check "what is wrong, in three lists" 1 \
	with '{"brand":"joyent","quota":"x","nics":[{"ip":"10.0.0.1"}],"vcpus":2}' vmadm validate create <<- 'END'
	{
	  "bad_values": [
	    "quota"
	  ],
	  "bad_properties": [
	    "vcpus"
	  ],
	  "missing_properties": [
	    "nics.0.nic_tag",
	    "nics.0.netmask",
	    "image_uuid"
	  ]
	}
END
check "an unknown brand" 1 with '{"brand":"xen"}' vmadm validate create <<- 'END'
	{
	  "bad_brand": "xen"
	}
END
check "a missing brand" 1 with '{}' vmadm validate create <<- 'END'
	{
	  "bad_brand": "undefined"
	}
END
check "update needs a brand" 2 vmadm validate update <<- 'END'
	vmadm: validate update needs the brand
	usage: vmadm validate create [-f FILE] | update BRAND [-f FILE]
END
check "a valid update" 0 with '{"add_nics":[{"nic_tag":"admin","ips":["dhcp"]}]}' vmadm validate update lx <<< \
	"VALID 'update' payload for lx brand VMs."
check "bad values say what is allowed" 1 with "{\"image_uuid\":\"$img\",\"max_lwps\":0,\"resolvers\":[\"x\"]}" \
	vmadm create <<< 'Invalid value(s) for: max_lwps (0 must be an integer from 1 to 4194304), resolvers (["x"] must be IPv4 or IPv6 addresses)'
check "bad JSON" 1 with '{"a":' vmadm create <<< \
	'Invalid JSON payload: payload.json:1:5: unexpected token near end of file'
check "no such file" 1 vmadm create -f nosuch.json <<< 'File: nosuch.json does not exist.'
check "nobody is there" 0 vmadm list <<< 'UUID                                  TYPE  RAM      STATE             ALIAS'
check "nothing to look up" 0 vmadm lookup < /dev/null
check "an empty array" 0 vmadm lookup -j <<< '[]'
check "exactly one was wanted" 1 vmadm lookup -1 <<< 'Requested unique lookup but found 0 results.'
check "-o goes with -j" 1 vmadm lookup -o uuid <<< 'Cannot specify -o without -j'
check "an unknown machine" 1 vmadm get $none <<< "zoneadm: $none: No such zone configured"
check "deleting an unknown one" 1 vmadm delete $none <<< "Failed to delete VM $none: VM $none not found"
check "a UUID is needed" 2 vmadm start nonsense <<- 'END'
	vmadm: Invalid or missing UUID for start
	usage: vmadm start UUID [order=ORDER] [disk=PATH,MODEL]... [cdrom=PATH,MODEL]...
END
usage="usage: vmadm start UUID [order=ORDER] [disk=PATH,MODEL]... [cdrom=PATH,MODEL]..."
check "a boot order is letters" 2 vmadm start $none order=cx <<- END
	vmadm: 'order=cx' must be order=LETTERS[,once=LETTERS] of c, d and n
	$usage
END
check "one boot order" 2 vmadm start $none order=c order=d <<- END
	vmadm: order may be given once
	$usage
END
check "a medium has a model" 2 vmadm start $none cdrom=/centos.iso <<- END
	vmadm: 'cdrom=/centos.iso': a model is needed, as in ,ide
	$usage
END
check "of the known ones" 2 vmadm start $none cdrom=/centos.iso,floppy <<- END
	vmadm: 'cdrom=/centos.iso,floppy': the model is virtio, scsi, ide or ahci
	$usage
END
check "what is wrong with a virtual machine" 1 with '{"brand":"kvm","ram":-1,"vcpus":65,"boot":"cd","vnc_port":65536,"disks":[{"size":-5,"model":"virtio"},{"path":"/../etc/shadow","media":"cdrom","model":"ide"}]}' \
	vmadm validate create <<- 'END'
	{
	  "bad_values": [
	    "ram",
	    "vcpus",
	    "boot",
	    "vnc_port",
	    "disks.0.size",
	    "disks.1.path"
	  ],
	  "bad_properties": [],
	  "missing_properties": []
	}
END
check "fields are known" 1 vmadm list -o uuid,frob <<< 'invalid order field: frob'
check "stars are for filters" 1 vmadm list -o 'nics.*.ip' <<< 'Invalid order key: "nics.*.ip"'
check "sort fields too" 1 vmadm list -s frob <<< 'invalid sort field: frob'
check "filter keys too" 1 vmadm list frob=1 <<< 'Invalid filter key: "frob"'
check "lookup keys too" 1 vmadm lookup $none <<< "Invalid lookup key: \"$none\""

# Zones that zonecfg would make are machines as well.
zone() { # NAME UUID STATE ALIAS-BASE64 MEMORY
	cat > "etc/zones/$1.xml" <<- END
		<?xml version="1.0" encoding="UTF-8"?>
		<!DOCTYPE zone PUBLIC "-//Sun Microsystems Inc//DTD Zones//EN" "file:///usr/share/lib/xml/dtd/zonecfg.dtd.1">
		<zone name="$1" zonepath="/zones/$1" autoboot="true" brand="lx" ip-type="exclusive">
		  <attr name="alias" type="string" value="$4"/>
		  <attr name="dataset-uuid" type="string" value="$img"/>
		  <rctl name="zone.max-physical-memory"><rctl-value priv="privileged" limit="$5" action="deny"/></rctl>
		  <network mac-addr="90:b8:d0:1:2:3" physical="net0" global-nic="stub0">
		    <net-attr name="ips" value="10.0.0.$6/24"/><net-attr name="primary" value="true"/>
		  </network>
		</zone>
	END
	echo "$1:$3:/zones/$1:$2:lx:excl:$6" >> etc/zones/index
}
a=aaaaaaaa-0000-4000-8000-000000000001 b=bbbbbbbb-0000-4000-8000-000000000002
zone web $a installed d2Vi 536870912 1
zone db $b configured ZGI= 268435456 2
check "sorted by memory" 0 vmadm list <<- END
	UUID                                  TYPE  RAM      STATE             ALIAS
	$b  LX    256      configured        db
	$a  LX    512      stopped           web
END
check "fields, order, no header" 0 vmadm list -H -o alias,nics.0.ip,autoboot,cpu_cap -s -alias <<- 'END'
	web         10.0.0.1              true      -
	db          10.0.0.2              true      -
END
check "parsable" 0 vmadm list -p -o alias,cpu_cap,zonename <<- 'END'
	db::db
	web::web
END
check "a filter" 0 vmadm lookup alias=web <<< $a
check "a regular expression" 0 vmadm lookup 'alias=~^W' <<< $a
check "any nic" 0 vmadm lookup 'nics.*.ip=10.0.0.2' <<< $b
check "options behind operands" 0 vmadm lookup alias=db -j -o uuid,nics <<- END
	[
	  {
	    "uuid": "$b",
	    "nics": [
	      {
	        "interface": "net0",
	        "ips": [
	          "10.0.0.2/24"
	        ],
	        "mac": "90:b8:d0:01:02:03",
	        "nic_tag": "stub0",
	        "primary": true,
	        "ip": "10.0.0.2",
	        "netmask": "255.255.255.0"
	      }
	    ]
	  }
	]
END
check "a stopped machine is not stopped again" 0 vmadm stop -F $a <<< \
	"VM $a is already not 'running' (currently: stopped)"
check "and cannot be signalled" 1 vmadm kill -9 $a <<< "VM $a is not running (currently: stopped)"
check "or rebooted" 1 vmadm reboot $a <<< "VM $a is not running (currently: stopped)"
check "stop cleared autoboot" 0 vmadm list -pH -o autoboot alias=web <<< ''
check "snapshot names" 1 vmadm create-snapshot $a a/b <<< \
	'Invalid snapshot name "a/b": 1 to 64 characters of A-Z a-z 0-9 _ . : % -'
[ "$failures" = 0 ]
