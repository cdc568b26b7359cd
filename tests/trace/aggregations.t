=== count begin
@ = count(); @ = count();
---

                2

=== count_by_key begin
@[1] = count(); @[2] = count(); @[2] = count();
---

        1                1
        2                2

=== sum begin
@ = sum(5); @ = sum(-2);
---

                3

=== avg begin
@ = avg(10); @ = avg(21);
---

               15

=== min_max begin
@a = min(5); @a = min(-3); @a = min(8); @b = max(5); @b = max(-3); @b = max(8);
---

               -3
                8

=== min_of_positive begin
@ = min(5);
---

                5

=== stddev begin
@ = stddev(2); @ = stddev(4); @ = stddev(4); @ = stddev(4); @ = stddev(5); @ = stddev(5); @ = stddev(7); @ = stddev(9);
---

                2

=== quantize begin
@ = quantize(1); @ = quantize(2); @ = quantize(3); @ = quantize(100);
---

           value  ------------- Distribution ------------- count
               0 |                                         0
               1 |@@@@@@@@@@                               1
               2 |@@@@@@@@@@@@@@@@@@@@                     2
               4 |                                         0
               8 |                                         0
              16 |                                         0
              32 |                                         0
              64 |@@@@@@@@@@                               1
             128 |                                         0

=== quantize_zero_and_negative begin
@ = quantize(0); @ = quantize(-1); @ = quantize(-100);
---

           value  ------------- Distribution ------------- count
            -128 |                                         0
             -64 |@@@@@@@@@@@@@                            1
             -32 |                                         0
             -16 |                                         0
              -8 |                                         0
              -4 |                                         0
              -2 |                                         0
              -1 |@@@@@@@@@@@@@                            1
               0 |@@@@@@@@@@@@@                            1
               1 |                                         0

=== quantize_increment begin
@ = quantize(8, 5); @ = quantize(16);
---

           value  ------------- Distribution ------------- count
               4 |                                         0
               8 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@        5
              16 |@@@@@@@                                  1
              32 |                                         0

=== quantize_extremes begin
@ = quantize(9223372036854775807); @ = quantize(1);
---

           value  ------------- Distribution ------------- count
               0 |                                         0
               1 |@@@@@@@@@@@@@@@@@@@@                     1
               2 |                                         0
               4 |                                         0
               8 |                                         0
              16 |                                         0
              32 |                                         0
              64 |                                         0
             128 |                                         0
             256 |                                         0
             512 |                                         0
            1024 |                                         0
            2048 |                                         0
            4096 |                                         0
            8192 |                                         0
           16384 |                                         0
           32768 |                                         0
           65536 |                                         0
          131072 |                                         0
          262144 |                                         0
          524288 |                                         0
         1048576 |                                         0
         2097152 |                                         0
         4194304 |                                         0
         8388608 |                                         0
        16777216 |                                         0
        33554432 |                                         0
        67108864 |                                         0
       134217728 |                                         0
       268435456 |                                         0
       536870912 |                                         0
      1073741824 |                                         0
      2147483648 |                                         0
      4294967296 |                                         0
      8589934592 |                                         0
     17179869184 |                                         0
     34359738368 |                                         0
     68719476736 |                                         0
    137438953472 |                                         0
    274877906944 |                                         0
    549755813888 |                                         0
   1099511627776 |                                         0
   2199023255552 |                                         0
   4398046511104 |                                         0
   8796093022208 |                                         0
  17592186044416 |                                         0
  35184372088832 |                                         0
  70368744177664 |                                         0
 140737488355328 |                                         0
 281474976710656 |                                         0
 562949953421312 |                                         0
1125899906842624 |                                         0
2251799813685248 |                                         0
4503599627370496 |                                         0
9007199254740992 |                                         0
18014398509481984 |                                         0
36028797018963968 |                                         0
72057594037927936 |                                         0
144115188075855872 |                                         0
288230376151711744 |                                         0
576460752303423488 |                                         0
1152921504606846976 |                                         0
2305843009213693952 |                                         0
4611686018427387904 |@@@@@@@@@@@@@@@@@@@@                     1

=== quantize_by_key begin
@["a"] = quantize(4); @["b"] = quantize(5); @["b"] = quantize(6);
---

  a
           value  ------------- Distribution ------------- count
               2 |                                         0
               4 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1
               8 |                                         0

  b
           value  ------------- Distribution ------------- count
               2 |                                         0
               4 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 2
               8 |                                         0

=== lquantize begin
@ = lquantize(5, 0, 100, 10); @ = lquantize(15, 0, 100, 10); @ = lquantize(16, 0, 100, 10);
---

           value  ------------- Distribution ------------- count
             < 0 |                                         0
               0 |@@@@@@@@@@@@@                            1
              10 |@@@@@@@@@@@@@@@@@@@@@@@@@@@              2
              20 |                                         0

=== lquantize_outside begin
@ = lquantize(-5, 0, 30, 10); @ = lquantize(35, 0, 30, 10);
---

           value  ------------- Distribution ------------- count
             < 0 |@@@@@@@@@@@@@@@@@@@@                     1
               0 |                                         0
              10 |                                         0
              20 |                                         0
           >= 30 |@@@@@@@@@@@@@@@@@@@@                     1

=== lquantize_default_step begin
@ = lquantize(2, 0, 4); @ = lquantize(3, 0, 4);
---

           value  ------------- Distribution ------------- count
               1 |                                         0
               2 |@@@@@@@@@@@@@@@@@@@@                     1
               3 |@@@@@@@@@@@@@@@@@@@@                     1
            >= 4 |                                         0

=== llquantize begin
@ = llquantize(5, 10, 0, 3, 10); @ = llquantize(55, 10, 0, 3, 10); @ = llquantize(555, 10, 0, 3, 10);
---

           value  ------------- Distribution ------------- count
               4 |                                         0
               5 |@@@@@@@@@@@@@                            1
               6 |                                         0
               7 |                                         0
               8 |                                         0
               9 |                                         0
              10 |                                         0
              20 |                                         0
              30 |                                         0
              40 |                                         0
              50 |@@@@@@@@@@@@@                            1
              60 |                                         0
              70 |                                         0
              80 |                                         0
              90 |                                         0
             100 |                                         0
             200 |                                         0
             300 |                                         0
             400 |                                         0
             500 |@@@@@@@@@@@@@                            1
             600 |                                         0

=== llquantize_twenty_steps begin
@ = llquantize(3, 10, 0, 2, 20); @ = llquantize(35, 10, 0, 2, 20);
---

           value  ------------- Distribution ------------- count
               2 |                                         0
               3 |@@@@@@@@@@@@@@@@@@@@                     1
               4 |                                         0
               5 |                                         0
               6 |                                         0
               7 |                                         0
               8 |                                         0
               9 |                                         0
              10 |                                         0
              15 |                                         0
              20 |                                         0
              25 |                                         0
              30 |                                         0
              35 |@@@@@@@@@@@@@@@@@@@@                     1
              40 |                                         0

=== llquantize_outside begin
@ = llquantize(5000, 10, 1, 2, 10); @ = llquantize(5, 10, 1, 2, 10);
---

           value  ------------- Distribution ------------- count
             -10 |                                         0
            < 10 |@@@@@@@@@@@@@@@@@@@@                     1
              10 |                                         0
              20 |                                         0
              30 |                                         0
              40 |                                         0
              50 |                                         0
              60 |                                         0
              70 |                                         0
              80 |                                         0
              90 |                                         0
             100 |                                         0
             200 |                                         0
             300 |                                         0
             400 |                                         0
             500 |                                         0
             600 |                                         0
             700 |                                         0
             800 |                                         0
             900 |                                         0
         >= 1000 |@@@@@@@@@@@@@@@@@@@@                     1

=== llquantize_negative begin
@ = llquantize(-55, 10, 1, 3, 10); @ = llquantize(55, 10, 1, 3, 10);
---

           value  ------------- Distribution ------------- count
             -60 |                                         0
             -50 |@@@@@@@@@@@@@@@@@@@@                     1
             -40 |                                         0
             -30 |                                         0
             -20 |                                         0
             -10 |                                         0
      abs() < 10 |                                         0
              10 |                                         0
              20 |                                         0
              30 |                                         0
              40 |                                         0
              50 |@@@@@@@@@@@@@@@@@@@@                     1
              60 |                                         0

=== llquantize_few_steps begin
@ = llquantize(55, 10, 0, 2, 5); @ = llquantize(5, 10, 0, 2, 5);
---

           value  ------------- Distribution ------------- count
               2 |                                         0
               4 |@@@@@@@@@@@@@@@@@@@@                     1
               6 |                                         0
               8 |                                         0
              10 |                                         0
              20 |                                         0
              40 |@@@@@@@@@@@@@@@@@@@@                     1
              60 |                                         0

=== sorted_by_value begin
@["c"] = sum(3); @["a"] = sum(1); @["b"] = sum(2);
---

  a                                                                 1
  b                                                                 2
  c                                                                 3

=== equal_values_by_key begin
@["c"] = sum(1); @["a"] = sum(1); @["b"] = sum(1);
---

  a                                                                 1
  b                                                                 1
  c                                                                 1

=== several_keys begin
@["x", 1, 'c'] = count(); @["y", 2, 'd'] = count();
---

  x                                                         1       99                1
  y                                                         2      100                1

=== aggsortrev begin -x aggsortrev
@["a"] = sum(1); @["b"] = sum(2);
---

  b                                                                 2
  a                                                                 1

=== aggsortkey begin -x aggsortkey
@["b"] = sum(1); @["a"] = sum(2);
---

  a                                                                 2
  b                                                                 1

=== aggsortkeypos begin -x aggsortkey -x aggsortkeypos=1
@[1, "b"] = sum(1); @[2, "a"] = sum(2);
---

        2  a                                                                 2
        1  b                                                                 1

=== printa begin
@["a"] = sum(1); @["b"] = sum(2); printa(@);
---

  a                                                                 1
  b                                                                 2

=== printa_format begin
@["a", 7] = sum(1); @["b", 8] = sum(2); printa("%s/%d: %@d\n", @);
---
a/7: 1
b/8: 2

=== printa_format_width begin
@["a"] = sum(1); printa("[%-5s] [%@5d]\n", @);
---
[a    ] [    1]

=== printa_two begin
@a["x"] = sum(1); @b["x"] = sum(2); @b["y"] = sum(3); printa(@a, @b);
---

  y                                                                 0                3
  x                                                                 1                2

=== printa_two_format begin
@a["x"] = sum(1); @b["x"] = sum(2); printa("%s %@d %@d\n", @a, @b);
---
x 1 2

=== printa_without_all_keys begin
@["a", 1] = sum(5); printa("%s\n", @);
---
a

=== normalize begin
@["a"] = sum(100); normalize(@, 10);
---

  a                                                                10

=== normalize_twice begin
@ = sum(100); normalize(@, 10); normalize(@, 5);
---

               20

=== denormalize begin
@ = sum(100); normalize(@, 10); denormalize(@);
---

              100

=== clear begin
@["a"] = sum(5); clear(@);
---

  a                                                                 0

=== clear_and_count_on begin
@["a"] = sum(5); clear(@); @["a"] = sum(7);
---

  a                                                                 0

=== trunc begin
@["a"] = sum(5); @["b"] = sum(6); trunc(@);
---

=== trunc_keeps_the_largest begin
@["a"] = sum(1); @["b"] = sum(2); @["c"] = sum(3); trunc(@, 2);
---

  b                                                                 2
  c                                                                 3

=== trunc_keeps_the_smallest begin
@["a"] = sum(1); @["b"] = sum(2); @["c"] = sum(3); trunc(@, -2);
---

  a                                                                 1
  b                                                                 2

=== named begin
@foo["x"] = count(); @bar["y"] = count();
---

  x                                                                 1
  y                                                                 1

=== negative_sums begin
@["a"] = sum(-5); @["b"] = sum(5); @["c"] = sum(-50);
---

  c                                                               -50
  a                                                                -5
  b                                                                 5

=== key_types begin
@[(char)1, (short)2, 3, (long)4] = count();
---

   1     2        3                4                1

=== string_keys_of_different_length begin
@["a"] = count(); @["much longer than that"] = count(); @["a"] = count();
---

  much longer than that                                             1
  a                                                                 2

=== key_is_expression begin
x = 5; @[x * 2, strjoin("a", "b")] = count();
---

       10  ab                                                                1

=== conditional begin
x = 3; @[x > 2 ? "big" : "small"] = count();
---

  big                                                               1

