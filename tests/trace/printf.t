=== integers begin
printf("%d %i %u %x %X %o\n", 42, -42, 42, 255, 255, 8);
---
42 -42 42 ff FF 10

=== widths begin
printf("[%5d] [%-5d] [%05d] [%+d] [% d]\n", 42, 42, 42, 42, 42);
---
[   42] [42   ] [00042] [+42] [ 42]

=== precision begin
printf("[%.3d] [%8.3d] [%.2s] [%8.2s]\n", 5, 5, "hello", "hello");
---
[005] [     005] [he] [      he]

=== dynamic_width begin
printf("[%*d] [%-*d] [%.*s]\n", 6, 42, 6, 42, 2, "abc");
---
[    42] [42    ] [ab]

=== alternative begin
printf("%#x %#o\n", 255, 8);
---
{ptr} 010

=== characters begin
printf("%c%c%c\n", 'a', 66, '!');
---
aB!

=== percent begin
printf("100%%\n");
---
100%

=== strings begin
printf("[%s] [%10s] [%-10s]\n", "abc", "abc", "abc");
---
[abc] [       abc] [abc       ]

=== escaped_string begin
printf("%S\n", "a\tb\n");
---
a\tb\n

=== pointer begin
printf("%p\n", (void *)0x1234);
---
1234

=== negative_hex begin
x = -1; printf("%x %u\n", x, x);
---
ffffffff 4294967295

=== long_sizes begin
printf("%ld %lld %lu %llx\n", (long)-5, (long long)-6, (unsigned long)7, (unsigned long long)255);
---
-5 -6 7 ff

=== short_sizes begin
printf("%hd %hhd %hu\n", (short)-5, (char)-6, (unsigned short)65535);
---
-5 -6 65535

=== unsigned_prints_unsigned begin
x = (uint32_t)-1; printf("%d\n", x);
---
4294967295

=== grouping begin
printf("%'d\n", 1234567);
---
1,234,567

=== time begin -x quiet
printf("%Y\n", (uint64_t)0);
---
1970 Jan  1 00:00:00

=== several_in_order begin
printf("a"); printf("b"); printf("%s\n", "c");
---
abc

=== literal_only begin
printf("just text\n");
---
just text

=== trace_integer_quiet begin
trace(42); trace("x"); trace((char)7);
---
42x7

=== trace_string_and_newline begin
trace("a\n");
---
a

=== tracemem begin
this->p = (char *)alloca(4); *(this->p) = 'A'; this->p[1] = 'B'; this->p[2] = 'C'; this->p[3] = 'D'; tracemem(this->p, 4);
---

            0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f  0123456789abcdef
         0: 41 42 43 44                                      ABCD

