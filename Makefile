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
LDFLAGS  := -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,-z,text -Wl,--build-id=sha1
ASAN     := -fsanitize=address,undefined -fno-sanitize-recover=undefined

# --- sources ----------------------------------------------------------------------------------------

LAYERS   := core fs kern net vmx trace machine
SRC      := $(sort $(foreach d,$(LAYERS),$(wildcard $d/*.c $d/x86_64/*.c)))
APPSRC   := $(sort $(if $(APPLETS),$(foreach a,$(APPLETS),$(wildcard applets/$a.c applets/$a_*.c)),\
              $(wildcard applets/*.c)))
OBJ      := $(SRC:%.c=$(B)/obj/%.o) $(APPSRC:%.c=$(B)/obj/%.o)
UNITSRC  := $(sort $(wildcard tests/unit/*.c))
UNITOBJ  := $(UNITSRC:%.c=$(B)/obj/%.o)
LIBS     := $(sort $(patsubst third_party/%.sh,%,$(filter-out %/apt.sh %/build.sh,$(wildcard third_party/*.sh))))

# A library is rebuilt when the words of its recipe change, not when a checkout touches the file.
recipe    = $(firstword $(shell cat third_party/$1.sh third_party/build.sh | cksum))
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

$(UNITOBJ): INCLUDE += -Itests/unit
$(B)/obj/core/main.o: INCLUDE += -I$(B)

# What is in this binary, for `smartbox -V`. Rewritten only when it says something new.
$(B)/versions.h: FORCE | $(LIBSTAMP)
	@tests/tools/versions.sh $(TP)/lib $(LIBS) > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(B)/obj/core/main.o: | $(B)/versions.h

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
		M=$(abspath $(B))/kern modules >$(B)/kern/log 2>&1 || { cat $(B)/kern/log; exit 1; }
	$(Q)strip --strip-debug $@

$(B)/initramfs.cpio.zst: $(B)/smartbox $(B)/vmlinuz $(B)/kern/smartbox.ko $(wildcard initramfs/* initramfs/root/* initramfs/root/*/*)
	$(Q)initramfs/image.sh $@.new && mv $@.new $@

image: $(B)/vmlinuz $(B)/initramfs.cpio.zst ## build/vmlinuz and build/initramfs.cpio.zst

# --- tests ------------------------------------------------------------------------------------------

$(B)/tests/unit: $(filter-out $(B)/obj/core/main.o,$(OBJ)) $(UNITOBJ) $(LIBSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(call link,$(filter %.o,$^))

check-unit: $(B)/tests/unit ## unit tests of the shipped objects (T=pattern picks)
	$(Q)$(B)/tests/unit $(T)

# --- the same under sanitizers, with glibc -------------------------------------------------------------

ASANOBJ  := $(patsubst $(B)/obj/%,$(B)/asan/%,$(filter-out $(B)/obj/core/main.o,$(OBJ)) $(UNITOBJ))
$(B)/asan/%.o: %.c | $(LIBSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC      $< (asan)")
	$(Q)gcc $(CODEGEN) -O1 -fno-omit-frame-pointer $(ASAN) $(WARN) $(DEFINES) $(INCLUDE) -Itests/unit \
		-MMD -MP -c $< -o $@

$(B)/tests/unit-asan: $(ASANOBJ) $(HOSTSTAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LINK    $@")
	$(Q)gcc $(ASAN) -o $@ $(ASANOBJ) -Wl,--start-group $(wildcard $(TP)/host/lib/*.a) -Wl,--end-group -lm -lpthread

asan: $(B)/tests/unit-asan ## unit tests under the address and undefined behaviour sanitizers
	$(Q)UBSAN_OPTIONS=print_stacktrace=1 $(B)/tests/unit-asan $(T)

# --- the tree ---------------------------------------------------------------------------------------

layers: ## fail on an include that crosses the layers
	$(Q)tests/tools/layers.sh

size: $(B)/smartbox ## bytes per folder and library, against the last commit
	$(Q)tests/tools/size.sh

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | \
		awk -F'\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

clean: ## remove what was compiled; keeps downloads and libraries
	$(Q)find $(B)/ -mindepth 1 -maxdepth 1 ! -name third_party ! -name uapi -exec rm -rf {} +

FORCE:
libs: $(LIBSTAMP)
host-libs: $(HOSTSTAMP)
.PHONY: all check-unit asan layers size help clean FORCE

-include $(shell find $(B)/obj $(B)/asan -name '*.d' 2>/dev/null)
