=== store_int8_t_0 begin
this->x = (int8_t)127; this->y = (int8_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 -128 0

=== store_int8_t_1 begin
this->x = (int8_t)128; this->y = (int8_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-128 -127 1

=== store_int8_t_2 begin
this->x = (int8_t)65535; this->y = (int8_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_int8_t_3 begin
this->x = (int8_t)(long)-1; this->y = (int8_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_int8_t_4 begin
this->x = (int8_t)81985529216486895; this->y = (int8_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-17 -16 1

=== store_uint8_t_0 begin
this->x = (uint8_t)127; this->y = (uint8_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_uint8_t_1 begin
this->x = (uint8_t)128; this->y = (uint8_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_uint8_t_2 begin
this->x = (uint8_t)65535; this->y = (uint8_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
255 0 0

=== store_uint8_t_3 begin
this->x = (uint8_t)(long)-1; this->y = (uint8_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
255 0 0

=== store_uint8_t_4 begin
this->x = (uint8_t)81985529216486895; this->y = (uint8_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
239 240 0

=== store_int16_t_0 begin
this->x = (int16_t)127; this->y = (int16_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_int16_t_1 begin
this->x = (int16_t)128; this->y = (int16_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_int16_t_2 begin
this->x = (int16_t)65535; this->y = (int16_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_int16_t_3 begin
this->x = (int16_t)(long)-1; this->y = (int16_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_int16_t_4 begin
this->x = (int16_t)81985529216486895; this->y = (int16_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-12817 -12816 1

=== store_uint16_t_0 begin
this->x = (uint16_t)127; this->y = (uint16_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_uint16_t_1 begin
this->x = (uint16_t)128; this->y = (uint16_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_uint16_t_2 begin
this->x = (uint16_t)65535; this->y = (uint16_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 0 0

=== store_uint16_t_3 begin
this->x = (uint16_t)(long)-1; this->y = (uint16_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 0 0

=== store_uint16_t_4 begin
this->x = (uint16_t)81985529216486895; this->y = (uint16_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
52719 52720 0

=== store_int32_t_0 begin
this->x = (int32_t)127; this->y = (int32_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_int32_t_1 begin
this->x = (int32_t)128; this->y = (int32_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_int32_t_2 begin
this->x = (int32_t)65535; this->y = (int32_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 65536 0

=== store_int32_t_3 begin
this->x = (int32_t)(long)-1; this->y = (int32_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_int32_t_4 begin
this->x = (int32_t)81985529216486895; this->y = (int32_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1985229329 -1985229328 1

=== store_uint32_t_0 begin
this->x = (uint32_t)127; this->y = (uint32_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_uint32_t_1 begin
this->x = (uint32_t)128; this->y = (uint32_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_uint32_t_2 begin
this->x = (uint32_t)65535; this->y = (uint32_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 65536 0

=== store_uint32_t_3 begin
this->x = (uint32_t)(long)-1; this->y = (uint32_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
4294967295 0 0

=== store_uint32_t_4 begin
this->x = (uint32_t)81985529216486895; this->y = (uint32_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
2309737967 2309737968 0

=== store_int64_t_0 begin
this->x = (int64_t)127; this->y = (int64_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_int64_t_1 begin
this->x = (int64_t)128; this->y = (int64_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_int64_t_2 begin
this->x = (int64_t)65535; this->y = (int64_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 65536 0

=== store_int64_t_3 begin
this->x = (int64_t)(long)-1; this->y = (int64_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_int64_t_4 begin
this->x = (int64_t)81985529216486895; this->y = (int64_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
81985529216486895 81985529216486896 0

=== store_uint64_t_0 begin
this->x = (uint64_t)127; this->y = (uint64_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_uint64_t_1 begin
this->x = (uint64_t)128; this->y = (uint64_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_uint64_t_2 begin
this->x = (uint64_t)65535; this->y = (uint64_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 65536 0

=== store_uint64_t_3 begin
this->x = (uint64_t)(long)-1; this->y = (uint64_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 0

=== store_uint64_t_4 begin
this->x = (uint64_t)81985529216486895; this->y = (uint64_t)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
81985529216486895 81985529216486896 0

=== store_char_0 begin
this->x = (char)127; this->y = (char)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 -128 0

=== store_char_1 begin
this->x = (char)128; this->y = (char)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-128 -127 1

=== store_char_2 begin
this->x = (char)65535; this->y = (char)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_char_3 begin
this->x = (char)(long)-1; this->y = (char)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_char_4 begin
this->x = (char)81985529216486895; this->y = (char)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-17 -16 1

=== store_short_0 begin
this->x = (short)127; this->y = (short)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_short_1 begin
this->x = (short)128; this->y = (short)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_short_2 begin
this->x = (short)65535; this->y = (short)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_short_3 begin
this->x = (short)(long)-1; this->y = (short)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_short_4 begin
this->x = (short)81985529216486895; this->y = (short)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-12817 -12816 1

=== store_unsigned_char_0 begin
this->x = (unsigned char)127; this->y = (unsigned char)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_unsigned_char_1 begin
this->x = (unsigned char)128; this->y = (unsigned char)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_unsigned_char_2 begin
this->x = (unsigned char)65535; this->y = (unsigned char)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
255 0 0

=== store_unsigned_char_3 begin
this->x = (unsigned char)(long)-1; this->y = (unsigned char)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
255 0 0

=== store_unsigned_char_4 begin
this->x = (unsigned char)81985529216486895; this->y = (unsigned char)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
239 240 0

=== store_unsigned_short_0 begin
this->x = (unsigned short)127; this->y = (unsigned short)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_unsigned_short_1 begin
this->x = (unsigned short)128; this->y = (unsigned short)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_unsigned_short_2 begin
this->x = (unsigned short)65535; this->y = (unsigned short)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 0 0

=== store_unsigned_short_3 begin
this->x = (unsigned short)(long)-1; this->y = (unsigned short)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 0 0

=== store_unsigned_short_4 begin
this->x = (unsigned short)81985529216486895; this->y = (unsigned short)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
52719 52720 0

=== store_int_0 begin
this->x = (int)127; this->y = (int)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_int_1 begin
this->x = (int)128; this->y = (int)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_int_2 begin
this->x = (int)65535; this->y = (int)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 65536 0

=== store_int_3 begin
this->x = (int)(long)-1; this->y = (int)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_int_4 begin
this->x = (int)81985529216486895; this->y = (int)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1985229329 -1985229328 1

=== store_unsigned_int_0 begin
this->x = (unsigned int)127; this->y = (unsigned int)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_unsigned_int_1 begin
this->x = (unsigned int)128; this->y = (unsigned int)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_unsigned_int_2 begin
this->x = (unsigned int)65535; this->y = (unsigned int)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 65536 0

=== store_unsigned_int_3 begin
this->x = (unsigned int)(long)-1; this->y = (unsigned int)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
4294967295 0 0

=== store_unsigned_int_4 begin
this->x = (unsigned int)81985529216486895; this->y = (unsigned int)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
2309737967 2309737968 0

=== store_long_0 begin
this->x = (long)127; this->y = (long)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_long_1 begin
this->x = (long)128; this->y = (long)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_long_2 begin
this->x = (long)65535; this->y = (long)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 65536 0

=== store_long_3 begin
this->x = (long)(long)-1; this->y = (long)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 1

=== store_long_4 begin
this->x = (long)81985529216486895; this->y = (long)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
81985529216486895 81985529216486896 0

=== store_unsigned_long_0 begin
this->x = (unsigned long)127; this->y = (unsigned long)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
127 128 0

=== store_unsigned_long_1 begin
this->x = (unsigned long)128; this->y = (unsigned long)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
128 129 0

=== store_unsigned_long_2 begin
this->x = (unsigned long)65535; this->y = (unsigned long)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
65535 65536 0

=== store_unsigned_long_3 begin
this->x = (unsigned long)(long)-1; this->y = (unsigned long)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
-1 0 0

=== store_unsigned_long_4 begin
this->x = (unsigned long)81985529216486895; this->y = (unsigned long)(this->x + 1); printf("%lld %lld %d\n", (long long)this->x, (long long)this->y, this->x < 0)
---
81985529216486895 81985529216486896 0
