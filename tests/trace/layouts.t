=== layout_00
struct t0 { int m0; void *m1; int64_t m2; uint16_t m3[2]; uint64_t m4; short m5[5]; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (struct t0), offsetof(struct t0, m0), offsetof(struct t0, m1), offsetof(struct t0, m2), offsetof(struct t0, m3), offsetof(struct t0, m4), offsetof(struct t0, m5)); exit(0); }
---
56 0 8 16 24 32 40

=== layout_01
struct t1 { void *m0; int64_t m1; };
BEGIN { printf("%d %d %d\n", sizeof (struct t1), offsetof(struct t1, m0), offsetof(struct t1, m1)); exit(0); }
---
16 0 8

=== layout_02
union t2 { uint8_t m0; uint32_t m1; };
BEGIN { printf("%d %d %d\n", sizeof (union t2), offsetof(union t2, m0), offsetof(union t2, m1)); exit(0); }
---
4 0 0

=== layout_03
struct t3 { int m0[4]; int m1; uint32_t m2; int64_t m3; uint32_t m4; };
BEGIN { printf("%d %d %d %d %d %d\n", sizeof (struct t3), offsetof(struct t3, m0), offsetof(struct t3, m1), offsetof(struct t3, m2), offsetof(struct t3, m3), offsetof(struct t3, m4)); exit(0); }
---
40 0 16 20 24 32

=== layout_04
struct t4 { uint64_t m0[5]; uint8_t m1[2]; char *m2[4]; uint32_t m3; };
BEGIN { printf("%d %d %d %d %d\n", sizeof (struct t4), offsetof(struct t4, m0), offsetof(struct t4, m1), offsetof(struct t4, m2), offsetof(struct t4, m3)); exit(0); }
---
88 0 40 48 80

=== layout_05
struct t5 { int m0; void *m1[5]; char *m2; short m3; uint16_t m4; uint64_t m5; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (struct t5), offsetof(struct t5, m0), offsetof(struct t5, m1), offsetof(struct t5, m2), offsetof(struct t5, m3), offsetof(struct t5, m4), offsetof(struct t5, m5)); exit(0); }
---
72 0 8 48 56 58 64

=== layout_06
union t6 { int64_t m0[2]; char m1[3]; };
BEGIN { printf("%d %d %d\n", sizeof (union t6), offsetof(union t6, m0), offsetof(union t6, m1)); exit(0); }
---
16 0 0

=== layout_07
union t7 { uint64_t m0; uint32_t m1; char m2; uint32_t m3[4]; uint64_t m4[5]; uint32_t m5; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (union t7), offsetof(union t7, m0), offsetof(union t7, m1), offsetof(union t7, m2), offsetof(union t7, m3), offsetof(union t7, m4), offsetof(union t7, m5)); exit(0); }
---
40 0 0 0 0 0 0

=== layout_08
struct t8 { int64_t m0; uint64_t m1[3]; char m2; void *m3; uint64_t m4[5]; };
BEGIN { printf("%d %d %d %d %d %d\n", sizeof (struct t8), offsetof(struct t8, m0), offsetof(struct t8, m1), offsetof(struct t8, m2), offsetof(struct t8, m3), offsetof(struct t8, m4)); exit(0); }
---
88 0 8 32 40 48

=== layout_09
struct t9 { long m0; int64_t m1; uint32_t m2; uint8_t m3; void *m4[5]; short m5; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (struct t9), offsetof(struct t9, m0), offsetof(struct t9, m1), offsetof(struct t9, m2), offsetof(struct t9, m3), offsetof(struct t9, m4), offsetof(struct t9, m5)); exit(0); }
---
72 0 8 16 20 24 64

=== layout_10
union t10 { short m0; void *m1; };
BEGIN { printf("%d %d %d\n", sizeof (union t10), offsetof(union t10, m0), offsetof(union t10, m1)); exit(0); }
---
8 0 0

=== layout_11
struct t11 { uint64_t m0[2]; char m1; };
BEGIN { printf("%d %d %d\n", sizeof (struct t11), offsetof(struct t11, m0), offsetof(struct t11, m1)); exit(0); }
---
24 0 16

=== layout_12
union t12 { int m0; uint8_t m1[2]; int m2; int m3; int m4; };
BEGIN { printf("%d %d %d %d %d %d\n", sizeof (union t12), offsetof(union t12, m0), offsetof(union t12, m1), offsetof(union t12, m2), offsetof(union t12, m3), offsetof(union t12, m4)); exit(0); }
---
4 0 0 0 0 0

=== layout_13
struct t13 { uint64_t m0; void *m1; uint64_t m2; short m3[3]; };
BEGIN { printf("%d %d %d %d %d\n", sizeof (struct t13), offsetof(struct t13, m0), offsetof(struct t13, m1), offsetof(struct t13, m2), offsetof(struct t13, m3)); exit(0); }
---
32 0 8 16 24

=== layout_14
struct t14 { uint64_t m0; int m1; uint16_t m2[2]; int m3; long m4[4]; uint32_t m5; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (struct t14), offsetof(struct t14, m0), offsetof(struct t14, m1), offsetof(struct t14, m2), offsetof(struct t14, m3), offsetof(struct t14, m4), offsetof(struct t14, m5)); exit(0); }
---
64 0 8 12 16 24 56

=== layout_15
union t15 { int64_t m0; uint32_t m1; int m2; uint64_t m3; uint64_t m4; };
BEGIN { printf("%d %d %d %d %d %d\n", sizeof (union t15), offsetof(union t15, m0), offsetof(union t15, m1), offsetof(union t15, m2), offsetof(union t15, m3), offsetof(union t15, m4)); exit(0); }
---
8 0 0 0 0 0

=== layout_16
struct t16 { uint64_t m0[4]; int m1; char m2; short m3; int64_t m4; uint8_t m5; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (struct t16), offsetof(struct t16, m0), offsetof(struct t16, m1), offsetof(struct t16, m2), offsetof(struct t16, m3), offsetof(struct t16, m4), offsetof(struct t16, m5)); exit(0); }
---
56 0 32 36 38 40 48

=== layout_17
union t17 { uint8_t m0[3]; uint8_t m1; void *m2; char m3; };
BEGIN { printf("%d %d %d %d %d\n", sizeof (union t17), offsetof(union t17, m0), offsetof(union t17, m1), offsetof(union t17, m2), offsetof(union t17, m3)); exit(0); }
---
8 0 0 0 0

=== layout_18
struct t18 { uint32_t m0[5]; short m1[2]; };
BEGIN { printf("%d %d %d\n", sizeof (struct t18), offsetof(struct t18, m0), offsetof(struct t18, m1)); exit(0); }
---
24 0 20

=== layout_19
struct t19 { uint64_t m0; char m1; uint32_t m2[3]; long m3[4]; int64_t m4[4]; };
BEGIN { printf("%d %d %d %d %d %d\n", sizeof (struct t19), offsetof(struct t19, m0), offsetof(struct t19, m1), offsetof(struct t19, m2), offsetof(struct t19, m3), offsetof(struct t19, m4)); exit(0); }
---
88 0 8 12 24 56

=== layout_20
struct t20 { uint16_t m0; uint32_t m1; };
BEGIN { printf("%d %d %d\n", sizeof (struct t20), offsetof(struct t20, m0), offsetof(struct t20, m1)); exit(0); }
---
8 0 4

=== layout_21
struct t21 { uint8_t m0; char m1[3]; uint16_t m2; short m3; uint16_t m4; char m5[4]; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (struct t21), offsetof(struct t21, m0), offsetof(struct t21, m1), offsetof(struct t21, m2), offsetof(struct t21, m3), offsetof(struct t21, m4), offsetof(struct t21, m5)); exit(0); }
---
14 0 1 4 6 8 10

=== layout_22
struct t22 { char *m0; char m1; long m2[5]; };
BEGIN { printf("%d %d %d %d\n", sizeof (struct t22), offsetof(struct t22, m0), offsetof(struct t22, m1), offsetof(struct t22, m2)); exit(0); }
---
56 0 8 16

=== layout_23
struct t23 { char *m0[4]; long m1; int m2; char *m3; char *m4; int64_t m5; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (struct t23), offsetof(struct t23, m0), offsetof(struct t23, m1), offsetof(struct t23, m2), offsetof(struct t23, m3), offsetof(struct t23, m4), offsetof(struct t23, m5)); exit(0); }
---
72 0 32 40 48 56 64

=== layout_24
union t24 { char m0; void *m1; uint16_t m2; uint32_t m3; };
BEGIN { printf("%d %d %d %d %d\n", sizeof (union t24), offsetof(union t24, m0), offsetof(union t24, m1), offsetof(union t24, m2), offsetof(union t24, m3)); exit(0); }
---
8 0 0 0 0

=== layout_25
struct t25 { uint16_t m0; char m1; uint8_t m2; uint8_t m3; void *m4; long m5; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (struct t25), offsetof(struct t25, m0), offsetof(struct t25, m1), offsetof(struct t25, m2), offsetof(struct t25, m3), offsetof(struct t25, m4), offsetof(struct t25, m5)); exit(0); }
---
24 0 2 3 4 8 16

=== layout_26
struct t26 { char *m0; uint64_t m1; long m2; long m3; };
BEGIN { printf("%d %d %d %d %d\n", sizeof (struct t26), offsetof(struct t26, m0), offsetof(struct t26, m1), offsetof(struct t26, m2), offsetof(struct t26, m3)); exit(0); }
---
32 0 8 16 24

=== layout_27
union t27 { uint8_t m0[3]; int m1[4]; char *m2; };
BEGIN { printf("%d %d %d %d\n", sizeof (union t27), offsetof(union t27, m0), offsetof(union t27, m1), offsetof(union t27, m2)); exit(0); }
---
16 0 0 0

=== layout_28
union t28 { char m0; uint8_t m1; char m2; uint32_t m3; uint64_t m4; };
BEGIN { printf("%d %d %d %d %d %d\n", sizeof (union t28), offsetof(union t28, m0), offsetof(union t28, m1), offsetof(union t28, m2), offsetof(union t28, m3), offsetof(union t28, m4)); exit(0); }
---
8 0 0 0 0 0

=== layout_29
struct t29 { uint16_t m0; int m1; uint16_t m2[4]; long m3[4]; };
BEGIN { printf("%d %d %d %d %d\n", sizeof (struct t29), offsetof(struct t29, m0), offsetof(struct t29, m1), offsetof(struct t29, m2), offsetof(struct t29, m3)); exit(0); }
---
48 0 4 8 16

=== layout_30
union t30 { char *m0; int m1[4]; int m2[4]; char *m3[4]; int64_t m4[3]; char *m5[5]; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (union t30), offsetof(union t30, m0), offsetof(union t30, m1), offsetof(union t30, m2), offsetof(union t30, m3), offsetof(union t30, m4), offsetof(union t30, m5)); exit(0); }
---
40 0 0 0 0 0 0

=== layout_31
struct t31 { int m0[5]; long m1[4]; uint16_t m2; };
BEGIN { printf("%d %d %d %d\n", sizeof (struct t31), offsetof(struct t31, m0), offsetof(struct t31, m1), offsetof(struct t31, m2)); exit(0); }
---
64 0 24 56

=== layout_32
union t32 { void *m0[2]; uint64_t m1[2]; short m2; uint16_t m3; };
BEGIN { printf("%d %d %d %d %d\n", sizeof (union t32), offsetof(union t32, m0), offsetof(union t32, m1), offsetof(union t32, m2), offsetof(union t32, m3)); exit(0); }
---
16 0 0 0 0

=== layout_33
struct t33 { char *m0; long m1; uint8_t m2; char *m3[3]; int64_t m4[4]; int64_t m5; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (struct t33), offsetof(struct t33, m0), offsetof(struct t33, m1), offsetof(struct t33, m2), offsetof(struct t33, m3), offsetof(struct t33, m4), offsetof(struct t33, m5)); exit(0); }
---
88 0 8 16 24 48 80

=== layout_34
struct t34 { char m0; uint32_t m1; };
BEGIN { printf("%d %d %d\n", sizeof (struct t34), offsetof(struct t34, m0), offsetof(struct t34, m1)); exit(0); }
---
8 0 4

=== layout_35
struct t35 { uint8_t m0[2]; char *m1; char m2; };
BEGIN { printf("%d %d %d %d\n", sizeof (struct t35), offsetof(struct t35, m0), offsetof(struct t35, m1), offsetof(struct t35, m2)); exit(0); }
---
24 0 8 16

=== layout_36
union t36 { int m0; char *m1; short m2[4]; };
BEGIN { printf("%d %d %d %d\n", sizeof (union t36), offsetof(union t36, m0), offsetof(union t36, m1), offsetof(union t36, m2)); exit(0); }
---
8 0 0 0

=== layout_37
struct t37 { uint32_t m0[4]; char *m1[4]; int m2[5]; int m3; char m4; };
BEGIN { printf("%d %d %d %d %d %d\n", sizeof (struct t37), offsetof(struct t37, m0), offsetof(struct t37, m1), offsetof(struct t37, m2), offsetof(struct t37, m3), offsetof(struct t37, m4)); exit(0); }
---
80 0 16 48 68 72

=== layout_38
struct t38 { char m0[5]; char *m1; uint64_t m2; char *m3; char m4; uint16_t m5[2]; };
BEGIN { printf("%d %d %d %d %d %d %d\n", sizeof (struct t38), offsetof(struct t38, m0), offsetof(struct t38, m1), offsetof(struct t38, m2), offsetof(struct t38, m3), offsetof(struct t38, m4), offsetof(struct t38, m5)); exit(0); }
---
40 0 8 16 24 32 34

=== layout_39
struct t39 { uint8_t m0; short m1; };
BEGIN { printf("%d %d %d\n", sizeof (struct t39), offsetof(struct t39, m0), offsetof(struct t39, m1)); exit(0); }
---
4 0 2

=== bits_00
struct b0 { unsigned int f0:3; unsigned int f1:4; };
struct b0 s;
BEGIN { s.f0 = 5699; s.f1 = 2254;
	printf("%d %d %d\n", s.f0, s.f1, sizeof (struct b0)); exit(0); }
---
3 14 4

=== bits_01
struct b1 { unsigned int f0:12; unsigned int f1:9; unsigned int f2:2; unsigned int f3:3; unsigned int f4:2; };
struct b1 s;
BEGIN { s.f0 = 1551; s.f1 = 1546; s.f2 = 5209; s.f3 = 4155; s.f4 = 7193;
	printf("%d %d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, s.f4, sizeof (struct b1)); exit(0); }
---
1551 10 1 3 1 4

=== bits_02
struct b2 { unsigned int f0:7; unsigned int f1:12; unsigned int f2:12; unsigned int f3:3; };
struct b2 s;
BEGIN { s.f0 = 2280; s.f1 = 7054; s.f2 = 7209; s.f3 = 3163;
	printf("%d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, sizeof (struct b2)); exit(0); }
---
104 2958 3113 3 8

=== bits_03
struct b3 { unsigned int f0:3; unsigned int f1:1; };
struct b3 s;
BEGIN { s.f0 = 649; s.f1 = 565;
	printf("%d %d %d\n", s.f0, s.f1, sizeof (struct b3)); exit(0); }
---
1 1 4

=== bits_04
struct b4 { unsigned int f0:2; unsigned int f1:5; unsigned int f2:11; };
struct b4 s;
BEGIN { s.f0 = 5750; s.f1 = 350; s.f2 = 5905;
	printf("%d %d %d %d\n", s.f0, s.f1, s.f2, sizeof (struct b4)); exit(0); }
---
2 30 1809 4

=== bits_05
struct b5 { int f0:8; int f1:10; int f2:4; };
struct b5 s;
BEGIN { s.f0 = 1768; s.f1 = 1111; s.f2 = 3755;
	printf("%d %d %d %d\n", s.f0, s.f1, s.f2, sizeof (struct b5)); exit(0); }
---
-24 87 -5 4

=== bits_06
struct b6 { unsigned int f0:11; unsigned int f1:5; unsigned int f2:11; unsigned int f3:10; unsigned int f4:6; };
struct b6 s;
BEGIN { s.f0 = 1625; s.f1 = 5105; s.f2 = 7351; s.f3 = 7048; s.f4 = 7427;
	printf("%d %d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, s.f4, sizeof (struct b6)); exit(0); }
---
1625 17 1207 904 3 8

=== bits_07
struct b7 { int f0:5; int f1:1; int f2:5; int f3:3; };
struct b7 s;
BEGIN { s.f0 = 2756; s.f1 = 7731; s.f2 = 5982; s.f3 = 3593;
	printf("%d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, sizeof (struct b7)); exit(0); }
---
4 -1 -2 1 4

=== bits_08
struct b8 { int f0:3; int f1:8; int f2:6; int f3:4; };
struct b8 s;
BEGIN { s.f0 = 1216; s.f1 = 131; s.f2 = 1023; s.f3 = 7418;
	printf("%d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, sizeof (struct b8)); exit(0); }
---
0 -125 -1 -6 4

=== bits_09
struct b9 { unsigned int f0:13; unsigned int f1:8; };
struct b9 s;
BEGIN { s.f0 = 6991; s.f1 = 1238;
	printf("%d %d %d\n", s.f0, s.f1, sizeof (struct b9)); exit(0); }
---
6991 214 4

=== bits_10
struct b10 { unsigned int f0:11; unsigned int f1:8; unsigned int f2:6; unsigned int f3:5; };
struct b10 s;
BEGIN { s.f0 = 6267; s.f1 = 3459; s.f2 = 3199; s.f3 = 4422;
	printf("%d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, sizeof (struct b10)); exit(0); }
---
123 131 63 6 4

=== bits_11
struct b11 { unsigned int f0:6; unsigned int f1:7; };
struct b11 s;
BEGIN { s.f0 = 6697; s.f1 = 8032;
	printf("%d %d %d\n", s.f0, s.f1, sizeof (struct b11)); exit(0); }
---
41 96 4

=== bits_12
struct b12 { unsigned int f0:12; unsigned int f1:4; unsigned int f2:8; unsigned int f3:11; unsigned int f4:11; };
struct b12 s;
BEGIN { s.f0 = 2116; s.f1 = 2074; s.f2 = 357; s.f3 = 5394; s.f4 = 2166;
	printf("%d %d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, s.f4, sizeof (struct b12)); exit(0); }
---
2116 10 101 1298 118 8

=== bits_13
struct b13 { int f0:13; int f1:8; int f2:4; int f3:8; };
struct b13 s;
BEGIN { s.f0 = 4963; s.f1 = 6241; s.f2 = 5699; s.f3 = 3317;
	printf("%d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, sizeof (struct b13)); exit(0); }
---
-3229 97 3 -11 8

=== bits_14
struct b14 { unsigned int f0:5; unsigned int f1:4; };
struct b14 s;
BEGIN { s.f0 = 3380; s.f1 = 1637;
	printf("%d %d %d\n", s.f0, s.f1, sizeof (struct b14)); exit(0); }
---
20 5 4

=== bits_15
struct b15 { unsigned int f0:9; unsigned int f1:1; };
struct b15 s;
BEGIN { s.f0 = 1828; s.f1 = 6367;
	printf("%d %d %d\n", s.f0, s.f1, sizeof (struct b15)); exit(0); }
---
292 1 4

=== bits_16
struct b16 { int f0:3; int f1:11; int f2:12; };
struct b16 s;
BEGIN { s.f0 = 2029; s.f1 = 6181; s.f2 = 3467;
	printf("%d %d %d %d\n", s.f0, s.f1, s.f2, sizeof (struct b16)); exit(0); }
---
-3 37 -629 4

=== bits_17
struct b17 { int f0:13; int f1:3; };
struct b17 s;
BEGIN { s.f0 = 6559; s.f1 = 4479;
	printf("%d %d %d\n", s.f0, s.f1, sizeof (struct b17)); exit(0); }
---
-1633 -1 4

=== bits_18
struct b18 { unsigned int f0:9; unsigned int f1:5; unsigned int f2:13; unsigned int f3:10; };
struct b18 s;
BEGIN { s.f0 = 6307; s.f1 = 2599; s.f2 = 1752; s.f3 = 4592;
	printf("%d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, sizeof (struct b18)); exit(0); }
---
163 7 1752 496 8

=== bits_19
struct b19 { int f0:4; int f1:9; int f2:1; int f3:6; int f4:5; };
struct b19 s;
BEGIN { s.f0 = 7532; s.f1 = 6279; s.f2 = 1285; s.f3 = 4626; s.f4 = 2381;
	printf("%d %d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, s.f4, sizeof (struct b19)); exit(0); }
---
-4 135 -1 18 13 4

=== bits_20
struct b20 { int f0:4; int f1:1; int f2:6; int f3:6; };
struct b20 s;
BEGIN { s.f0 = 6398; s.f1 = 1162; s.f2 = 1888; s.f3 = 3268;
	printf("%d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, sizeof (struct b20)); exit(0); }
---
-2 0 -32 4 4

=== bits_21
struct b21 { unsigned int f0:13; unsigned int f1:12; unsigned int f2:9; };
struct b21 s;
BEGIN { s.f0 = 1757; s.f1 = 2635; s.f2 = 8076;
	printf("%d %d %d %d\n", s.f0, s.f1, s.f2, sizeof (struct b21)); exit(0); }
---
1757 2635 396 8

=== bits_22
struct b22 { int f0:3; int f1:5; int f2:6; };
struct b22 s;
BEGIN { s.f0 = 7871; s.f1 = 802; s.f2 = 1222;
	printf("%d %d %d %d\n", s.f0, s.f1, s.f2, sizeof (struct b22)); exit(0); }
---
-1 2 6 4

=== bits_23
struct b23 { int f0:2; int f1:12; int f2:9; int f3:10; int f4:10; };
struct b23 s;
BEGIN { s.f0 = 4391; s.f1 = 7247; s.f2 = 2713; s.f3 = 6842; s.f4 = 3355;
	printf("%d %d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, s.f4, sizeof (struct b23)); exit(0); }
---
-1 -945 153 -326 283 8

=== bits_24
struct b24 { unsigned int f0:12; unsigned int f1:12; unsigned int f2:10; unsigned int f3:5; };
struct b24 s;
BEGIN { s.f0 = 6818; s.f1 = 3419; s.f2 = 7343; s.f3 = 573;
	printf("%d %d %d %d %d\n", s.f0, s.f1, s.f2, s.f3, sizeof (struct b24)); exit(0); }
---
2722 3419 175 29 8
