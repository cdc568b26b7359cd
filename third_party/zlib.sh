# zlib: gzip'ed images, and the gzip-N compression of datasets.
PACKAGE=zlib UPSTREAM=1.2.13.dfsg

build() {
	compile libz.a -DHAVE_UNISTD_H -DHAVE_HIDDEN adler32.c compress.c crc32.c deflate.c infback.c \
		inffast.c inflate.c inftrees.c trees.c uncompr.c zutil.c
	headers zlib.h zconf.h
}
