# libseccomp: the allow-list of system calls around zones, the VMM's threads and image unpacking.
PACKAGE=libseccomp UPSTREAM=2.5.4

build() {
	sed -e 's/@VERSION_MAJOR@/2/' -e 's/@VERSION_MINOR@/5/' -e 's/@VERSION_MICRO@/4/' \
		include/seccomp.h.in > include/seccomp.h
	: > configure.h
	compile libseccomp.a -DHAVE_LINUX_SECCOMP_H -I. -Iinclude -Isrc $(ls src/*.c | grep -v -e arch-syscall-dump)
	headers include/seccomp.h include/seccomp-syscalls.h
}
