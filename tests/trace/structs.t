=== members
struct s { int a; char b; long c; };
struct s x;
BEGIN { x.a = 1; x.b = 'z'; x.c = 5000000000; printf("%d %c %d\n", x.a, x.b, x.c); exit(0); }
---
1 z 5000000000

=== sizes
struct s { char a; int b; char c; long d; };
BEGIN { printf("%d %d %d\n", sizeof(struct s), offsetof(struct s, b), offsetof(struct s, d)); exit(0); }
---
24 4 16

=== unions
union u { int i; char c[4]; };
union u x;
BEGIN { x.i = 0x41424344; printf("%c%c\n", x.c[0], x.c[3]); exit(0); }
---
DA

=== nested
struct in { int a; int b; };
struct out { int x; struct in i; };
struct out o;
BEGIN { o.x = 1; o.i.b = 7; printf("%d %d %d\n", o.x, o.i.a, o.i.b); exit(0); }
---
1 0 7

=== copied_by_value
struct s { int a; int b; };
struct s x, y;
BEGIN { x.a = 1; x.b = 2; y = x; x.a = 9; printf("%d %d\n", y.a, y.b); exit(0); }
---
1 2

=== clause_local_struct
struct s { int a; int b; };
this struct s x;
BEGIN { this->x.a = 3; this->x.b = 4; printf("%d\n", this->x.a + this->x.b); exit(0); }
---
7

=== bit_fields
struct b { int a : 3; int b : 5; unsigned c : 8; };
struct b x;
BEGIN { x.a = 3; x.b = -2; x.c = 200; printf("%d %d %d %d\n", x.a, x.b, x.c, sizeof(struct b)); exit(0); }
---
3 -2 200 4

=== enums
enum e { RED, GREEN = 5, BLUE };
BEGIN { printf("%d %d %d\n", RED, GREEN, BLUE); exit(0); }
---
0 5 6

=== typedefs
typedef unsigned long num_t;
num_t x;
BEGIN { x = 5; printf("%d %d\n", x, sizeof(num_t)); exit(0); }
---
5 8

=== arrays
int a[5];
BEGIN { a[0] = 1; a[4] = 5; i = 4; printf("%d %d %d\n", a[0], a[i], a[1]); exit(0); }
---
1 5 0

=== array_index_is_checked
int a[5];
BEGIN { i = 7; a[i] = 1; printf("no\n"); }
BEGIN { printf("yes\n"); exit(0); }
---
yes

trace: error on enabled probe ID 1 (ID 1: dtrace:::BEGIN): index out of bounds in action #1

=== declared_assoc
int a[string, int];
BEGIN { a["x", 1] = 5; printf("%d\n", a["x", 1]); exit(0); }
---
5

=== alloca_and_pointers
BEGIN { this->p = (int *)alloca(8); *this->p = 5; this->p[1] = 6; printf("%d %d\n", *this->p, this->p[1]); exit(0); }
---
5 6

=== alloca_too_much
BEGIN { this->p = alloca(100000); printf("no\n"); }
BEGIN { printf("yes\n"); exit(0); }
---
yes

trace: error on enabled probe ID 1 (ID 1: dtrace:::BEGIN): out of scratch space in action #1

=== bcopy
BEGIN { this->p = (char *)alloca(8); bcopy("abc", this->p, 4); printf("%s\n", stringof(this->p)); exit(0); }
---
abc

=== write_to_kernel_is_a_fault
BEGIN { *(int *)4096 = 1; printf("no\n"); }
BEGIN { printf("yes\n"); exit(0); }
---
yes

trace: error on enabled probe ID 1 (ID 1: dtrace:::BEGIN): invalid address ({ptr}) in action #1

=== read_of_null_is_a_fault
BEGIN { trace(*(int *)0); }
ERROR { printf("error %d at %d\n", arg4, arg5); exit(0); }
---
error 1 at 0

trace: error on enabled probe ID 1 (ID 1: dtrace:::BEGIN): invalid address ({ptr}) in action #1

=== inline_constant
inline int X = 5 * 3;
BEGIN { printf("%d\n", X); exit(0); }
---
15

=== inline_with_parameters
inline int twice[int a] = a * 2;
BEGIN { printf("%d\n", twice[21]); exit(0); }
---
42

=== inline_string
inline string NAME = "value";
BEGIN { printf("%s\n", NAME); exit(0); }
---
value

=== translators
struct in { int a; int b; };
struct out { int sum; string s; };
translator struct out < struct in *p > { sum = p->a + p->b; s = "text"; };
struct in x;
BEGIN { x.a = 3; x.b = 4; printf("%d %s\n", xlate <struct out> (&x).sum, xlate <struct out> (&x).s); exit(0); }
---
7 text

=== print_struct
struct s { int a; char *b; };
struct s x;
BEGIN { x.a = 3; print(x); exit(0); }
---
(struct s){
    .a = (int)3,
    .b = {ptr},
}

=== casts
BEGIN { printf("%d %d\n", (char)0x1ff, (uint8_t)0x1ff); exit(0); }
---
-1 255

