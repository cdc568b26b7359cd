# SPDX-License-Identifier: MIT
#
# smartbox: one static binary, one image. Read top to bottom: settings, sources, the compile rule, the
# link rule, then the named targets (`make help` lists them). V=1 shows the commands.

# --- settings ---------------------------------------------------------------------------------------

B        := build
APPLETS  :=#                   pick applets by name ("zfs zpool prstat"); empty means all
T        :=#                   pick tests by name, for the check targets
F        :=#                   pick a fuzz target
JOBS     := $(shell nproc)
MUSL     := /usr/lib/x86_64-linux-musl
TP       := $(B)/third_party
UAPI     := $(B)/uapi
DESTDIR  :=
PREFIX   := /usr

MAKEFLAGS += --no-builtin-rules
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(JOBS)
endif
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all
Q := $(if $(V),,@)
SHELL := /bin/bash

WARN     := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Werror
DEFINES  := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
INCLUDE  := -Iinclude -isystem $(TP)/include
# No strict aliasing: disk and wire structures overlay byte buffers everywhere.
CODEGEN  := -std=gnu11 -g -fno-strict-aliasing -fno-common -ffile-prefix-map=$(CURDIR)/=
CFLAGS   := $(CODEGEN) -O2 -fPIE -fvisibility=hidden -ffunction-sections -fdata-sections \
            -fstack-protector-strong
# No build id: it would hash the paths that debug sections keep, and the same commit shall give the
# same bytes wherever it is built.
LDFLAGS  := -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,-z,text -Wl,--build-id=none
ASAN     := -ffunction-sections -fdata-sections -fsanitize=address,undefined -fno-sanitize-recover=undefined

# --- sources ----------------------------------------------------------------------------------------

LAYERS   := core fs kern net vmx trace machine
SRC      := $(sort $(foreach d,$(LAYERS),$(wildcard $d/*.c $d/x86_64/*.c)))
# A command brings its daemon along.
DAEMONS  := $(if $(filter zfs zpool,$(APPLETS)),poold) $(if $(filter zoneadm zlogin vmadm init,$(APPLETS)),zoned poold)
APPSRC   := $(sort $(if $(APPLETS),$(foreach a,$(APPLETS) $(DAEMONS),$(wildcard applets/$a.c applets/$a_*.c)),\
              $(wildcard applets/*.c)))
OBJ      := $(SRC:%.c=$(B)/obj/%.o) $(APPSRC:%.c=$(B)/obj/%.o)
LIBS     := $(sort $(patsubst third_party/%.sh,%,$(filter-out %/apt.sh %/build.sh,$(wildcard third_party/*.sh))))

# A library is rebuilt when the words of its recipe, or of those below it, change; not when a checkout
# touches the file.
recipe    = $(firstword $(shell cat third_party/$1.sh $$(sed -n 's|^NEEDS=\(.*\)|third_party/\1.sh|p' \
              third_party/$1.sh) third_party/build.sh | cksum))
LIBSTAMP := $(foreach l,$(LIBS),$(TP)/.$l-$(call recipe,$l))
HOSTSTAMP := $(foreach l,$(LIBS),$(TP)/host/.$l-$(call recipe,$l))
# Libraries below libraries.
needs     = $(shell sed -n 's/^NEEDS=//p' third_party/$1.sh)
lib_name  = $(firstword $(foreach l,$(LIBS),$(if $(filter .$l-$(call recipe,$l),$(notdir $1)),$l)))

$(foreach l,$(LIBS),$(foreach n,$(call needs,$l),\
  $(eval $(filter $(TP)/.$l-%,$(LIBSTAMP)): $(filter $(TP)/.$n-%,$(LIBSTAMP))) \
  $(eval $(filter $(TP)/host/.$l-%,$(HOSTSTAMP)): $(filter $(TP)/host/.$n-%,$(HOSTSTAMP)))))

# --- compile ----------------------------------------------------------------------------------------

all: $(if $(wildcard core/main.c),$(B)/smartbox) ## build/smartbox, the stripped static binary (default)

# musl-gcc has no kernel headers on its path: it gets a copy, of these three folders only.
$(UAPI)/.done:
	$(Q)third_party/apt.sh need gcc libc6-dev musl-tools dpkg-dev linux-libc-dev patch
	$(Q)mkdir -p $(UAPI)
	$(Q)cp -rL /usr/include/linux /usr/include/asm-generic /usr/include/x86_64-linux-gnu/asm $(UAPI)/
	$(Q)touch $@

$(LIBSTAMP): $(TP)/.%: | $(UAPI)/.done
	$(Q)mkdir -p $(TP) && flock $(TP)/lock-$(call lib_name,$@) \
		sh -c '[ -e $@ ] || { third_party/build.sh musl $(call lib_name,$@) && touch $@; }'

$(HOSTSTAMP): $(TP)/host/.%: | $(UAPI)/.done
	$(Q)mkdir -p $(TP)/host && flock $(TP)/lock-$(call lib_name,$@) \
		sh -c '[ -e $@ ] || { third_party/build.sh host $(call lib_name,$@) && touch $@; }'

$(B)/obj/%.o: %.c | $(LIBSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC      $<")
	$(Q)musl-gcc $(CFLAGS) $(WARN) $(DEFINES) $(INCLUDE) -isystem $(UAPI) -MMD -MP -c $< -o $@

$(B)/obj/core/main.o: INCLUDE += -I$(B)

# What is in this binary, for `smartbox -V`. Rewritten only when it says something new.
$(B)/versions.h: FORCE | $(LIBSTAMP)
	@tests/tools/versions.sh $(TP)/lib $(LIBS) > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(B)/obj/core/main.o: | $(B)/versions.h

# System calls by number, from the kernel's header.
$(B)/syscalls.h: tests/tools/syscalls.sh $(UAPI)/.done
	@tests/tools/syscalls.sh $(UAPI)/asm/unistd_64.h > $@
$(B)/obj/trace/prov_syscall.o $(B)/asan/trace/prov_syscall.o $(B)/fuzz/trace/prov_syscall.o: INCLUDE += -I$(B)
$(B)/obj/trace/prov_syscall.o $(B)/asan/trace/prov_syscall.o $(B)/fuzz/trace/prov_syscall.o: | $(B)/syscalls.h

# --- link -------------------------------------------------------------------------------------------

# musl-gcc's specs turn -static-pie into a static executable at a fixed address, silently. So the link
# line is spelled out: rcrt1.o relocates the program itself, no interpreter is named.
link = gcc -nostdlib -static-pie $(LDFLAGS) -Wl,-Map,$@.map -o $@ $(MUSL)/rcrt1.o $(MUSL)/crti.o \
	$$(gcc -print-file-name=crtbeginS.o) $1 -L$(TP)/lib -L$(MUSL) \
	-Wl,--start-group $(wildcard $(TP)/lib/*.a) -lgcc -lgcc_eh -lc -Wl,--end-group \
	$$(gcc -print-file-name=crtendS.o) $(MUSL)/crtn.o

# The choice of applets is an input of the link.
$(B)/applets.list: FORCE
	@mkdir -p $(B)
	@echo '$(APPSRC)' > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(B)/smartbox.unstripped: $(OBJ) $(LIBSTAMP) $(B)/applets.list
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(call link,$(OBJ))

$(B)/smartbox: $(B)/smartbox.unstripped
	$(Q)strip -o $@ $<

# --- image ------------------------------------------------------------------------------------------

KERNEL   := $(TP)/kernel

$(KERNEL)/release: | $(UAPI)/.done
	$(Q)mkdir -p $(TP) && flock $(TP)/lock-kernel sh -c '[ -e $@ ] || initramfs/kernel.sh image'

$(KERNEL)/headers/.done: $(KERNEL)/release
	$(Q)flock $(TP)/lock-kernel sh -c '[ -e $@ ] || initramfs/kernel.sh headers'

$(B)/vmlinuz: $(KERNEL)/release
	$(Q)cp $(KERNEL)/vmlinuz $@

# The companion module, built in a copy: Kbuild writes beside its sources.
$(B)/kern/smartbox.ko: kern/module/smartbox.c kern/module/Kbuild $(KERNEL)/headers/.done
	@$(if $(V),,echo "  KMOD    $@")
	$(Q)mkdir -p $(B)/kern && cp kern/module/smartbox.c kern/module/Kbuild $(B)/kern/
	$(Q)unset MAKEFLAGS; $(MAKE) -s -C $$(readlink -f $(KERNEL))/headers/usr/src/build \
		M=$(abspath $(B))/kern LDFLAGS_MODULE=--build-id=none KCFLAGS="-g0 \
		-ffile-prefix-map=$(abspath $(B))/kern/= \
		-ffile-prefix-map=$$(readlink -f $(KERNEL))/=/kernel/" modules >$(B)/kern/log 2>&1 || { cat $(B)/kern/log; exit 1; }
	$(Q)strip --strip-debug $@

$(B)/initramfs.cpio.zst: $(B)/smartbox $(B)/vmlinuz $(B)/kern/smartbox.ko $(shell find initramfs -type f)
	$(Q)initramfs/image.sh $@.new && mv $@.new $@

image: $(B)/vmlinuz $(B)/initramfs.cpio.zst ## build/vmlinuz and build/initramfs.cpio.zst

# --- tests ------------------------------------------------------------------------------------------

LIBOBJ   := $(filter-out $(B)/obj/core/main.o,$(OBJ))
UNITSRC  := $(sort $(wildcard tests/unit/*.c))
CRASHSRC := $(sort $(wildcard tests/crash/crash_*.c))
FUZZSRC  := $(sort $(wildcard tests/fuzz/fuzz_*.c))
CRASH    := $(CRASHSRC:tests/crash/%.c=$(B)/tests/crash/%)
FAULTSRC := $(sort $(wildcard tests/faults/*.c))
FAULTS   := $(B)/tests/faults/fault_history
LOADS    := $(B)/tests/loads/posix $(B)/tests/loads/fsx
REPLAY   := $(FUZZSRC:tests/fuzz/fuzz_%.c=$(B)/tests/fuzz/%-replay)
TESTINC  := -Itests/unit -Itests/crash -Itests/fuzz
RUN       = tests/run $(if $(T),-t $(T))

$(B)/obj/tests/%.o $(B)/asan/tests/%.o $(B)/fuzz/tests/%.o: INCLUDE += $(TESTINC)

$(B)/tests/unit: $(LIBOBJ) $(UNITSRC:%.c=$(B)/obj/%.o) $(LIBSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(call link,$(filter %.o,$^))

# A crash test is a program of its own; what several share lies beside them as tests/crash/*.c.
CRASHLIB := $(filter-out $(CRASHSRC),$(sort $(wildcard tests/crash/*.c)))
$(CRASH): $(B)/tests/crash/%: $(LIBOBJ) $(B)/obj/tests/crash/%.o $(CRASHLIB:%.c=$(B)/obj/%.o) $(LIBSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(call link,$(filter %.o,$^))

# Loads are programs of their own: they use a filesystem, never our objects. Static, for any guest.
$(B)/tests/loads/%: $$(wildcard tests/loads/%*.c tests/loads/%.h) | $(UAPI)/.done
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LINK    $@")
	$(Q)musl-gcc -static -O2 -g $(WARN) $(DEFINES) -isystem $(UAPI) -o $@ $(filter %.c,$^)

$(B)/tests/bench/sums: $(LIBOBJ) $(B)/obj/tests/bench/sums.o $(LIBSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(call link,$(filter %.o,$^))

# The same objects under sanitizers, with glibc: musl has none.
ASANLIB  := $(LIBOBJ:$(B)/obj/%=$(B)/asan/%)
$(B)/asan/%.o: %.c | $(LIBSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC      $< (asan)")
	$(Q)gcc $(CODEGEN) -O1 -fno-omit-frame-pointer $(ASAN) $(WARN) -Wno-format-truncation -Wno-stringop-overread $(DEFINES) $(INCLUDE) -MMD -MP -c $< -o $@

asanlink = gcc $(ASAN) -Wl,--gc-sections -o $@ $1 -Wl,--start-group $(wildcard $(TP)/host/lib/*.a) -Wl,--end-group -lm -lpthread

$(B)/tests/unit-asan: $(ASANLIB) $(UNITSRC:%.c=$(B)/asan/%.o) $(HOSTSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(call asanlink,$(filter %.o,$^))

# Every allocation can be made to fail: those of our objects go through tests/faults/fault_alloc.c.
comma := ,
WRAPPED := malloc calloc realloc strdup strndup posix_memalign checksum_compute
$(FAULTS): $(ASANLIB) $(FAULTSRC:%.c=$(B)/asan/%.o) $(CRASHLIB:%.c=$(B)/asan/%.o) $(HOSTSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(call asanlink,$(WRAPPED:%=-Wl$(comma)--wrap=%) $(filter %.o,$^))

# Targets whose input lies under checksums: tests/fuzz/sumless.c takes those out.
SUMLESS  := label pool receive tree zap
sumless   = -Wl,--wrap=checksum_compute,--wrap=sha256_add,--wrap=compress_block
$(SUMLESS:%=$(B)/tests/fuzz/%-replay): $(B)/asan/tests/fuzz/sumless.o
$(filter $(SUMLESS:%=$(B)/tests/fuzz/%),$(B)/tests/fuzz/$(F)): $(B)/fuzz/tests/fuzz/sumless.o

$(REPLAY): $(B)/tests/fuzz/%-replay: $(ASANLIB) $(B)/asan/tests/fuzz/fuzz_%.o $(B)/asan/tests/fuzz/replay.o $(HOSTSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(call asanlink,$(if $(filter $*,$(SUMLESS)),$(sumless)) $(filter %.o,$^))

check: need-tests all image judges $(B)/tests/unit $(B)/tests/unit-asan $(CRASH) $(FAULTS) $(REPLAY) $(LOADS) ## every kind of test (T=pattern picks)
	$(Q)$(RUN)
check-unit: $(B)/tests/unit ## unit tests of the shipped objects
	$(Q)$(B)/tests/unit $(T)
asan: $(B)/tests/unit-asan $(REPLAY) ## unit tests and fuzz corpora under the sanitizers
	$(Q)$(RUN) asan fuzz
check-fuzz: all $(REPLAY) ## fuzz targets over their corpora
	$(Q)$(RUN) fuzz
check-applet: all ## commands: exact output, exit status
	$(Q)$(RUN) applet
check-guest: all ## tiny guests on this machine's /dev/kvm
	$(Q)$(RUN) guest
check-trace: all ## D programs on this machine's kernel: exact output
	$(Q)$(RUN) trace
check-raidz: $(B)/tests/unit ## every raidz width with every set of missing devices (make check visits a share)
	$(Q)RAIDZ_SHARE=1 $(B)/tests/unit raidz
check-crash: all $(CRASH) ## 200,000 crash points in 9 histories, an hour on two processors (make check: a share)
	$(Q)CRASH_SHARE=$${CRASH_SHARE:-1} CRASH_SEEDS=$${CRASH_SEEDS:-9} TEST_SECONDS=14400 $(RUN) crash
check-faults: all $(FAULTS) ## an error at every allocation and device operation of a history
	$(Q)FAULT_SHARE=$${FAULT_SHARE:-1} TEST_SECONDS=14400 $(RUN) faults
check-loads: all image need-loads judges $(LOADS) ## what programs do to filesystems, LOAD_SECONDS each (make check: a share)
	$(Q)LOAD_FULL=1 LOAD_SECONDS=$${LOAD_SECONDS:-60} TEST_SECONDS=3600 $(RUN) loads
check-interop: all need-tests judges ## OpenZFS and GRUB read ours, we read theirs
	$(Q)$(RUN) interop
check-takeover: all judges ## a pool's server killed KILLS=1000 times under load (make check: 30)
	$(Q)KILLS=$${KILLS:-1000} TEST_SECONDS=7200 $(RUN) -t killed_server_is_a_pause interop
check-vm: need-tests image ## scripts in the booted image
	$(Q)$(RUN) vm
check-rig: need-rig image judges ## whole systems under vmadm: Debian's disk, its installer, CDs; half an hour
	$(Q)KEEP_PICTURES=$(CURDIR)/$(B)/rig TEST_SECONDS=3600 $(RUN) rig

# Fuzz one target: make fuzz F=label [SECONDS_=60] [RUNS=10000000]
RUNS     ?= -1
SECONDS_ ?= 60
CLANG    := clang -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
$(B)/fuzz/%.o: %.c | $(LIBSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC      $< (fuzz)")
	$(Q)$(CLANG) $(CODEGEN) -O1 -w $(DEFINES) $(INCLUDE) -MMD -MP -c $< -o $@
# A device is linked with its own folder alone: the fuzzer looks at every counter after every run.
FUZZOBJ   = $(if $(filter vmx_%,$(F)),$(filter $(B)/obj/core/% $(B)/obj/vmx/%,$(LIBOBJ)),$(LIBOBJ))
$(B)/tests/fuzz/$(F): $(FUZZOBJ:$(B)/obj/%=$(B)/fuzz/%) $(B)/fuzz/tests/fuzz/fuzz_$(F).o $(HOSTSTAMP)
	@mkdir -p $(@D)
	$(Q)clang -fsanitize=fuzzer,address,undefined $(if $(filter $(F),$(SUMLESS)),$(sumless)) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(wildcard $(TP)/host/lib/*.a) -Wl,--end-group -lm -lpthread
need-clang:
	$(Q)third_party/apt.sh need clang
fuzz: need-clang $(if $(F),$(B)/tests/fuzz/$(F)) ## fuzz one parser: F=label SECONDS_=60
	@test -n "$(F)" || { echo "which? F= one of: $(FUZZSRC:tests/fuzz/fuzz_%.c=%)"; exit 2; }
	$(Q)mkdir -p $(B)/fuzz-found/$(F)
	$(Q)$(B)/tests/fuzz/$(F) -runs=$(RUNS) -max_total_time=$(SECONDS_) -timeout=20 -rss_limit_mb=2048 \
		-artifact_prefix=$(B)/fuzz-found/$(F)/ $(B)/fuzz-found/$(F) $(wildcard tests/fuzz/corpus/$(F))

# What the tests need on this machine beside the compiler.
need-tests:
	$(Q)third_party/apt.sh need qemu-system-x86 qemu-system-data seabios zstd xz-utils grub-common mandoc

need-rig: need-tests
	$(Q)third_party/apt.sh need debootstrap grub-pc-bin iperf3 ipxe memtest86+ isolinux syslinux-common xorriso debian-installer-12-netboot-amd64
	$(Q)mkdir -p $(B)/rig

need-loads: need-tests
	$(Q)third_party/apt.sh need stress-ng git postgresql

# OpenZFS from Debian's contrib, unpacked; its module for the image's kernel; GRUB's reader.
$(TP)/openzfs/tools/versions: | $(UAPI)/.done
	$(Q)[ -e $@ ] || tests/interop/openzfs.sh tools
$(TP)/openzfs/modules/release: $(KERNEL)/headers/.done
	$(Q)tests/interop/openzfs.sh module
	$(Q)touch -c $@
judges: $(TP)/openzfs/tools/versions $(TP)/openzfs/modules/release

# --- running and measuring ------------------------------------------------------------------------------

run: need-tests image ## boot the image on this terminal, with two disks that last
	$(Q)tests/vm/shell
shell-vm: need-tests image ## the same, rescue shell, no pool touched
	$(Q)tests/vm/shell noimport
demo: need-tests image judges ## the tour: two disks, a pool, zones, a power cut, judges (set-up included)
	$(Q)tests/demo/run
bench: need-tests image judges $(B)/tests/bench/sums ## ratios against tools from Debian, medians of one run (T=pattern picks)
	$(Q)tests/bench/run $(T)

install: all ## the binary, a link per applet and the man pages, below DESTDIR
	install -D -m 755 $(B)/smartbox $(DESTDIR)$(PREFIX)/bin/smartbox
	mkdir -p $(DESTDIR)$(PREFIX)/share/man/man7 $(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/lib/smartbox/bin
	install -m 644 man/*.7 $(DESTDIR)$(PREFIX)/share/man/man7/
	for a in $$($(B)/smartbox --list | awk '{ print $$1 }'); do \
		ln -sfn ../../../bin/smartbox $(DESTDIR)$(PREFIX)/lib/smartbox/bin/$$a; \
		[ ! -e man/$$a.8 ] || install -m 644 man/$$a.8 $(DESTDIR)$(PREFIX)/share/man/man8/; \
	done

# --- the tree ---------------------------------------------------------------------------------------

layers: ## fail on an include that crosses the layers
	$(Q)tests/tools/layers.sh

lint: ## licence lines, spaces, long lines, banned calls, cppcheck
	$(Q)tests/tools/lint.sh

size: all ## bytes per folder and library, against the last commit and the budgets
	$(Q)tests/tools/size.sh

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | \
		awk -F'\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

clean: ## remove what was compiled; keeps downloads and libraries
	$(Q)find $(B)/ -mindepth 1 -maxdepth 1 ! -name third_party ! -name uapi -exec rm -rf {} +

FORCE:
libs: $(LIBSTAMP)
host-libs: $(HOSTSTAMP)
.PHONY: libs host-libs all image check check-unit asan check-fuzz check-applet check-guest check-crash check-faults check-interop check-loads check-vm check-rig need-rig need-loads \
        need-clang need-tests fuzz judges run shell-vm demo bench install lint layers size help clean FORCE

-include $(shell find $(B)/obj $(B)/asan $(B)/fuzz -name '*.d' 2>/dev/null)
