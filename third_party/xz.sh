# xz: .xz images, unpacking only; the one filter beside LZMA2 is x86, which xz(1) users do pick.
PACKAGE=xz-utils UPSTREAM=5.4.1

build() {
	cd src/liblzma
	compile liblzma.a -I../common -Iapi -Icommon -Icheck -Ilz -Irangecoder -Ilzma -Idelta -Isimple \
		-DHAVE_STDBOOL_H -DHAVE_STDINT_H -DHAVE_INTTYPES_H -DHAVE_STRING_H -DHAVE_LIMITS_H \
		-DHAVE__BOOL -DHAVE_VISIBILITY=1 -DSIZEOF_SIZE_T=8 -DPACKAGE_NAME='"xz"' \
		-DPACKAGE_URL='""' -DPACKAGE_BUGREPORT='""' -DTUKLIB_SYMBOL_PREFIX=lzma_ \
		-DTUKLIB_FAST_UNALIGNED_ACCESS -DHAVE_CHECK_CRC32 -DHAVE_CHECK_CRC64 \
		-DHAVE_CHECK_SHA256 -DHAVE_DECODERS -DHAVE_DECODER_LZMA1 -DHAVE_DECODER_LZMA2 \
		-DHAVE_DECODER_X86 -DHAVE_DECODER_DELTA -DASSUME_RAM=128 -DNDEBUG \
		check/check.c check/crc32_fast.c check/crc32_table.c check/crc64_fast.c check/crc64_table.c \
		check/sha256.c common/common.c common/block_decoder.c common/block_header_decoder.c \
		common/block_util.c common/filter_common.c common/filter_decoder.c \
		common/filter_flags_decoder.c common/index_hash.c common/stream_decoder.c \
		common/stream_flags_common.c common/stream_flags_decoder.c common/vli_decoder.c \
		common/vli_size.c delta/delta_common.c delta/delta_decoder.c lz/lz_decoder.c \
		lzma/lzma2_decoder.c lzma/lzma_decoder.c simple/simple_coder.c simple/simple_decoder.c \
		simple/x86.c
	cd ../..
	headers src/liblzma/api/lzma.h
	headers -d lzma src/liblzma/api/lzma/*.h
}
