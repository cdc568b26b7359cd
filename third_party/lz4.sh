# lz4: the raw block coder below the pool's lz4 framing. Frames and HC are left out.
PACKAGE=lz4 UPSTREAM=1.9.4

build() {
	compile liblz4.a -Ilib lib/lz4.c
	headers lib/lz4.h
}
