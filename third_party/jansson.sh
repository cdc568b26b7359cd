# jansson: JSON in and out; core/json wraps it.
PACKAGE=jansson UPSTREAM=2.14

build() {
	sed -e 's/@json_inline@/inline/' -e 's/@json_have_long_long@/1/' -e 's/@json_have_localeconv@/1/' \
		-e 's/@json_have_atomic_builtins@/1/' -e 's/@json_have_sync_builtins@/1/' \
		src/jansson_config.h.in > src/jansson_config.h
	: > src/jansson_private_config.h
	compile libjansson.a -Isrc -DHAVE_STDINT_H -DHAVE_UNISTD_H -DHAVE_SYS_TIME_H -DHAVE_SYS_TYPES_H \
		-DHAVE_SYS_STAT_H -DHAVE_FCNTL_H -DHAVE_SYS_PARAM_H -DHAVE_ENDIAN_H -DHAVE_GETPID \
		-DHAVE_GETTIMEOFDAY -DHAVE_OPEN -DHAVE_READ -DHAVE_CLOSE -DHAVE_STRTOLL -DHAVE_LOCALECONV \
		-DHAVE_SCHED_YIELD -DHAVE_ATOMIC_BUILTINS -DUSE_URANDOM -DHAVE_CONFIG_H src/*.c
	headers src/jansson.h src/jansson_config.h
}
