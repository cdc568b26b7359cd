#!/bin/bash
# SPDX-License-Identifier: MIT
# As linux_boots_under_vmx.sh, with the card's rings served by the kernel.
set -eu
cp "$TOP/build/third_party/kernel/vmlinuz" vmlinuz
"$TOP/tests/vmx/initrd" initrd "$TOP/tests/vmx/init_net_disk.sh"
printf '#!/bin/sh\nmodprobe vhost_net\nNIC=tap0,vhost . ./rig_net_disk.sh\n' > rig_vhost.sh
chmod +x rig_vhost.sh
exec "$TOP/tests/vm/run" -k -m 768 -t 280 -a noimport rig_vhost.sh "$TOP/tests/vmx/rig_net_disk.sh" vmlinuz initrd
