=== strlen begin
printf("%d %d\n", strlen(""), strlen("hello"));
---
0 5

=== strjoin begin
printf("%s %s\n", strjoin("foo", "bar"), strjoin(strjoin("a", "b"), "c"));
---
foobar abc

=== substr begin
printf("[%s] [%s] [%s]\n", substr("hello", 1), substr("hello", 1, 3), substr("hello", 0, 0));
---
[ello] [ell] []

=== substr_from_the_end begin
printf("[%s] [%s] [%s]\n", substr("hello", -2), substr("hello", -3, 2), substr("hello", 10));
---
[lo] [ll] []

=== substr_negative_length begin
printf("[%s] [%s]\n", substr("hello", 0, -1), substr("hello", 1, -2));
---
[hell] [el]

=== strchr begin
printf("[%s] [%s]\n", strchr("hello", 'l'), strchr("hello", 'x'));
---
[llo] []

=== strrchr begin
printf("[%s] [%s]\n", strrchr("hello", 'l'), strrchr("hello", 'x'));
---
[lo] []

=== strstr begin
printf("[%s] [%s]\n", strstr("foobar", "ob"), strstr("foobar", "xx"));
---
[obar] []

=== index begin
printf("%d %d %d\n", index("hello", "l"), index("hello", "lo"), index("hello", "z"));
---
2 3 -1

=== index_from begin
printf("%d %d\n", index("abcabc", "b", 2), index("abc", "a", 1));
---
4 -1

=== rindex begin
printf("%d %d\n", rindex("abcabc", "b"), rindex("abc", "z"));
---
4 -1

=== rindex_from begin
printf("%d\n", rindex("abcabc", "b", 3));
---
1

=== upper_and_lower begin
printf("%s %s\n", toupper("abcXYZ12"), tolower("abcXYZ12"));
---
ABCXYZ12 abcxyz12

=== basename begin
printf("%s %s %s %s\n", basename("/a/b/c"), basename("abc"), basename("/a/b/"), basename("/"));
---
c abc b /

=== dirname begin
printf("%s %s %s %s\n", dirname("/a/b/c"), dirname("abc"), dirname("/a/b/"), dirname("/"));
---
/a/b . /a /

=== lltostr begin
printf("%s %s %s\n", lltostr(0), lltostr(-123), lltostr(123456789012));
---
0 -123 123456789012

=== lltostr_base begin
printf("%s %s %s\n", lltostr(255, 16), lltostr(8, 2), lltostr(35, 36));
---
ff 1000 z

=== strtoll begin
printf("%d %d %d\n", strtoll("123"), strtoll("-45x"), strtoll("ff", 16));
---
123 -45 255

=== compare_equal begin
x = "abc"; printf("%d %d %d\n", x == "abc", x == "abd", x != "abc");
---
1 0 0

=== compare_order begin
x = "abc"; printf("%d %d %d %d\n", x < "abd", x > "abb", x <= "abc", x >= "abd");
---
1 1 1 0

=== compare_prefix begin
x = "abcdefgh"; printf("%d %d %d\n", x == "abcdefg", x == "abcdefghi", x == "abcdefgh");
---
0 0 1

=== compare_variables begin
x = "one"; y = "one"; z = "two"; printf("%d %d\n", x == y, x == z);
---
1 0

=== empty_string_is_false begin
x = ""; printf("%s %s\n", x ? "t" : "f", "a" ? "t" : "f");
---
f t

=== assign_and_copy begin
x = "first"; y = x; x = "second"; printf("%s %s\n", x, y);
---
second first

=== clause_local begin
this->s = "local"; printf("%s\n", this->s);
---
local

=== thread_local begin
self->s = "mine"; printf("%s\n", self->s); self->s = 0; printf("[%s]\n", self->s);
---
mine
[]

=== escapes begin
printf("a\tb\\c\"d\x41\101\n");
---
a	b\c"dAA

=== cut_at_strsize begin -x strsize=16
x = "0123456789abcdefghij"; printf("[%s]\n", x);
---
[0123456789abcde]

=== stringof_array begin
printf("%d\n", strlen(stringof(curthread->comm)) > 0);
---
1

=== execname begin
printf("%s %d\n", execname, strlen(execname));
---
trace 5

=== ternary_of_strings begin
x = 1; y = x ? "yes" : "no"; printf("%s\n", y);
---
yes

=== nested_calls begin
printf("%s\n", toupper(substr(strjoin("hello", "world"), 3, 4)));
---
LOWO

=== inet_ntoa begin
this->a = (uint32_t *)alloca(4); *this->a = 0x0100007f; printf("%s\n", inet_ntoa(this->a));
---
127.0.0.1

=== byte_order begin
printf("%x %x %x\n", htons(0x1234), htonl(0x12345678), ntohll(0x0102030405060708));
---
3412 78563412 807060504030201

