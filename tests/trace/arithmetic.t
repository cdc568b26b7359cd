=== adds_and_multiplies_by_precedence begin
printf("%d\n", 1 + 2 * 3 - 4 / 2);
---
5

=== parentheses_come_first begin
printf("%d\n", (1 + 2) * 3);
---
9

=== division_rounds_to_zero begin
printf("%d %d %d %d\n", 7 / 2, -7 / 2, 7 / -2, -7 / -2);
---
3 -3 -3 3

=== modulo_has_the_sign_of_the_dividend begin
printf("%d %d %d %d\n", 7 % 3, -7 % 3, 7 % -3, -7 % -3);
---
1 -1 1 -1

=== division_of_variables_is_signed begin
x = -7; y = 2; printf("%d %d\n", x / y, x % y);
---
-3 -1

=== unsigned_division_is_unsigned begin
x = (uint64_t)-1; printf("%u\n", x / 2);
---
9223372036854775807

=== shifts begin
x = 1; y = -16; printf("%d %d %d\n", x << 10, y >> 2, 256 >> 4);
---
1024 -4 16

=== bits begin
x = 0xf0; y = 0x3c; printf("%x %x %x %x\n", x & y, x | y, x ^ y, ~x & 0xff);
---
30 fc cc f

=== comparisons_give_zero_or_one begin
x = 3; printf("%d%d%d%d%d%d\n", x == 3, x != 3, x < 4, x > 4, x <= 3, x >= 4);
---
101010

=== signed_comparison begin
x = -1; printf("%d %d\n", x < 0, x > 5);
---
1 0

=== unsigned_comparison begin
x = (uint64_t)-1; printf("%d\n", x > 5);
---
1

=== logical_operators begin
x = 2; y = 0; printf("%d%d%d%d%d\n", x && y, x || y, x ^^ y, !x, !y);
---
01101

=== logical_and_does_not_evaluate_the_rest begin
x = 0; y = 5; z = x && (y = 7); printf("%d %d\n", z, y);
---
0 5

=== logical_or_does_not_evaluate_the_rest begin
x = 1; y = 5; z = x || (y = 7); printf("%d %d\n", z, y);
---
1 5

=== conditional begin
x = 3; printf("%d %s\n", x > 2 ? 10 : 20, x > 5 ? "big" : "small");
---
10 small

=== conditional_nests_to_the_right begin
x = 5; printf("%d\n", x < 3 ? 1 : x < 6 ? 2 : 3);
---
2

=== comma_gives_the_last begin
x = (1, 2, 3); printf("%d\n", x);
---
3

=== postfix_and_prefix begin
x = 5; a = x++; b = ++x; c = x--; d = --x; printf("%d %d %d %d %d\n", a, b, c, d, x);
---
5 7 7 5 5

=== compound_assignments begin
x = 10; x += 5; x -= 3; x *= 4; x /= 6; x %= 5; x <<= 4; x >>= 1; x |= 1; x &= 0x1f; x ^= 2; printf("%d\n", x);
---
27

=== narrow_types_wrap begin
this->c = (char)300; this->s = (short)70000; this->u = (uint8_t)511; printf("%d %d %d\n", this->c, this->s, this->u);
---
44 4464 255

=== negation begin
x = 5; printf("%d %d %d\n", -x, - -x, +x);
---
-5 5 5

=== large_constants begin
printf("%d %x %u\n", 9223372036854775807, 0xffffffffffffffff, 18446744073709551615);
---
9223372036854775807 ffffffffffffffff 18446744073709551615

=== octal_and_hex begin
printf("%d %d %d\n", 010, 0x10, 0XfF);
---
8 16 255

=== characters begin
printf("%d %d %d %d\n", 'a', '\n', '\0', 'ab');
---
97 10 0 24930

=== suffixes begin
printf("%d %d %d\n", sizeof(1), sizeof(1L), sizeof(1ULL));
---
4 8 8

=== mixed_widths_extend_by_sign begin
this->i = (int)-1; x = (int64_t)this->i; this->u = (uint32_t)-1; y = (int64_t)this->u; printf("%d %d\n", x, y);
---
-1 4294967295

=== pointer_steps_by_size begin
p = (int *)1000; q = (char *)1000; printf("%d %d %d\n", (uint64_t)(p + 3), (uint64_t)(q + 3), (int *)1040 - p);
---
1012 1003 10

=== runtime_division_by_zero_is_a_fault
BEGIN { x = 0; y = 5 / x; printf("not here\n"); }
BEGIN { printf("next\n"); exit(0); }
---
next

trace: error on enabled probe ID 1 (ID 1: dtrace:::BEGIN): divide-by-zero in action #1
