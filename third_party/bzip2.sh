# bzip2: .bz2 images, unpacking only (the linker drops the compressor).
PACKAGE=bzip2 UPSTREAM=1.0.8

build() {
	compile libbz2.a -DBZ_NO_STDIO blocksort.c huffman.c crctable.c randtable.c compress.c decompress.c bzlib.c
	headers bzlib.h
}
