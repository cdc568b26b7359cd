=== quantize_00 begin
@ = quantize(-1);
@ = quantize(54507);
@ = quantize(70314);
@ = quantize(96689)
---

           value  ------------- Distribution ------------- count
              -2 |                                         0
              -1 |@@@@@@@@@@                               1
               0 |                                         0
               1 |                                         0
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
           32768 |@@@@@@@@@@                               1
           65536 |@@@@@@@@@@@@@@@@@@@@                     2
          131072 |                                         0

=== quantize_01 begin
@ = quantize(-1);
@ = quantize(0);
@ = quantize(168)
---

           value  ------------- Distribution ------------- count
              -2 |                                         0
              -1 |@@@@@@@@@@@@@                            1
               0 |@@@@@@@@@@@@@                            1
               1 |                                         0
               2 |                                         0
               4 |                                         0
               8 |                                         0
              16 |                                         0
              32 |                                         0
              64 |                                         0
             128 |@@@@@@@@@@@@@                            1
             256 |                                         0

=== quantize_02 begin
@ = quantize(-126);
@ = quantize(-17)
---

           value  ------------- Distribution ------------- count
            -128 |                                         0
             -64 |@@@@@@@@@@@@@@@@@@@@                     1
             -32 |                                         0
             -16 |@@@@@@@@@@@@@@@@@@@@                     1
              -8 |                                         0

=== quantize_03 begin
@ = quantize(0);
@ = quantize(59515);
@ = quantize(83495)
---

           value  ------------- Distribution ------------- count
              -1 |                                         0
               0 |@@@@@@@@@@@@@                            1
               1 |                                         0
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
           32768 |@@@@@@@@@@@@@                            1
           65536 |@@@@@@@@@@@@@                            1
          131072 |                                         0

=== quantize_04 begin
@ = quantize(293);
@ = quantize(0);
@ = quantize(49399)
---

           value  ------------- Distribution ------------- count
              -1 |                                         0
               0 |@@@@@@@@@@@@@                            1
               1 |                                         0
               2 |                                         0
               4 |                                         0
               8 |                                         0
              16 |                                         0
              32 |                                         0
              64 |                                         0
             128 |                                         0
             256 |@@@@@@@@@@@@@                            1
             512 |                                         0
            1024 |                                         0
            2048 |                                         0
            4096 |                                         0
            8192 |                                         0
           16384 |                                         0
           32768 |@@@@@@@@@@@@@                            1
           65536 |                                         0

=== quantize_05 begin
@ = quantize(-195)
---

           value  ------------- Distribution ------------- count
            -256 |                                         0
            -128 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1
             -64 |                                         0

=== quantize_06 begin
@ = quantize(-162);
@ = quantize(54389);
@ = quantize(-1)
---

           value  ------------- Distribution ------------- count
            -256 |                                         0
            -128 |@@@@@@@@@@@@@                            1
             -64 |                                         0
             -32 |                                         0
             -16 |                                         0
              -8 |                                         0
              -4 |                                         0
              -2 |                                         0
              -1 |@@@@@@@@@@@@@                            1
               0 |                                         0
               1 |                                         0
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
           32768 |@@@@@@@@@@@@@                            1
           65536 |                                         0

=== quantize_07 begin
@ = quantize(91076)
---

           value  ------------- Distribution ------------- count
           32768 |                                         0
           65536 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1
          131072 |                                         0

=== quantize_08 begin
@ = quantize(-53);
@ = quantize(-1);
@ = quantize(1);
@ = quantize(1);
@ = quantize(0)
---

           value  ------------- Distribution ------------- count
             -64 |                                         0
             -32 |@@@@@@@@                                 1
             -16 |                                         0
              -8 |                                         0
              -4 |                                         0
              -2 |                                         0
              -1 |@@@@@@@@                                 1
               0 |@@@@@@@@                                 1
               1 |@@@@@@@@@@@@@@@@                         2
               2 |                                         0

=== quantize_09 begin
@ = quantize(1);
@ = quantize(-1);
@ = quantize(1);
@ = quantize(-1);
@ = quantize(0);
@ = quantize(1);
@ = quantize(0)
---

           value  ------------- Distribution ------------- count
              -2 |                                         0
              -1 |@@@@@@@@@@@                              2
               0 |@@@@@@@@@@@                              2
               1 |@@@@@@@@@@@@@@@@@                        3
               2 |                                         0

=== quantize_10 begin
@ = quantize(-1);
@ = quantize(105);
@ = quantize(-1);
@ = quantize(1);
@ = quantize(-1);
@ = quantize(1)
---

           value  ------------- Distribution ------------- count
              -2 |                                         0
              -1 |@@@@@@@@@@@@@@@@@@@@                     3
               0 |                                         0
               1 |@@@@@@@@@@@@@                            2
               2 |                                         0
               4 |                                         0
               8 |                                         0
              16 |                                         0
              32 |                                         0
              64 |@@@@@@@                                  1
             128 |                                         0

=== quantize_11 begin
@ = quantize(-1)
---

           value  ------------- Distribution ------------- count
              -2 |                                         0
              -1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1
               0 |                                         0

=== quantize_12 begin
@ = quantize(-1);
@ = quantize(26490);
@ = quantize(54502);
@ = quantize(0)
---

           value  ------------- Distribution ------------- count
              -2 |                                         0
              -1 |@@@@@@@@@@                               1
               0 |@@@@@@@@@@                               1
               1 |                                         0
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
           16384 |@@@@@@@@@@                               1
           32768 |@@@@@@@@@@                               1
           65536 |                                         0

=== quantize_13 begin
@ = quantize(47685);
@ = quantize(-237);
@ = quantize(1);
@ = quantize(1);
@ = quantize(153);
@ = quantize(1);
@ = quantize(92959)
---

           value  ------------- Distribution ------------- count
            -256 |                                         0
            -128 |@@@@@@                                   1
             -64 |                                         0
             -32 |                                         0
             -16 |                                         0
              -8 |                                         0
              -4 |                                         0
              -2 |                                         0
              -1 |                                         0
               0 |                                         0
               1 |@@@@@@@@@@@@@@@@@                        3
               2 |                                         0
               4 |                                         0
               8 |                                         0
              16 |                                         0
              32 |                                         0
              64 |                                         0
             128 |@@@@@@                                   1
             256 |                                         0
             512 |                                         0
            1024 |                                         0
            2048 |                                         0
            4096 |                                         0
            8192 |                                         0
           16384 |                                         0
           32768 |@@@@@@                                   1
           65536 |@@@@@@                                   1
          131072 |                                         0

=== quantize_14 begin
@ = quantize(169);
@ = quantize(75);
@ = quantize(259);
@ = quantize(1)
---

           value  ------------- Distribution ------------- count
               0 |                                         0
               1 |@@@@@@@@@@                               1
               2 |                                         0
               4 |                                         0
               8 |                                         0
              16 |                                         0
              32 |                                         0
              64 |@@@@@@@@@@                               1
             128 |@@@@@@@@@@                               1
             256 |@@@@@@@@@@                               1
             512 |                                         0

=== quantize_15 begin
@ = quantize(0);
@ = quantize(-1);
@ = quantize(1);
@ = quantize(1)
---

           value  ------------- Distribution ------------- count
              -2 |                                         0
              -1 |@@@@@@@@@@                               1
               0 |@@@@@@@@@@                               1
               1 |@@@@@@@@@@@@@@@@@@@@                     2
               2 |                                         0

=== lquantize_00 begin
@ = lquantize(-17, -20, -10, 1);
@ = lquantize(-30, -20, -10, 1);
@ = lquantize(-30, -20, -10, 1);
@ = lquantize(-5, -20, -10, 1);
@ = lquantize(-29, -20, -10, 1);
@ = lquantize(-22, -20, -10, 1)
---

           value  ------------- Distribution ------------- count
           < -20 |@@@@@@@@@@@@@@@@@@@@@@@@@@@              4
             -20 |                                         0
             -19 |                                         0
             -18 |                                         0
             -17 |@@@@@@@                                  1
             -16 |                                         0
             -15 |                                         0
             -14 |                                         0
             -13 |                                         0
             -12 |                                         0
             -11 |                                         0
          >= -10 |@@@@@@@                                  1

=== lquantize_01 begin
@ = lquantize(3, -20, -5, 5);
@ = lquantize(-2, -20, -5, 5)
---

           value  ------------- Distribution ------------- count
             -10 |                                         0
           >= -5 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 2

=== lquantize_02 begin
@ = lquantize(29, 0, 55, 5);
@ = lquantize(-1, 0, 55, 5);
@ = lquantize(2, 0, 55, 5);
@ = lquantize(-6, 0, 55, 5);
@ = lquantize(-5, 0, 55, 5);
@ = lquantize(30, 0, 55, 5)
---

           value  ------------- Distribution ------------- count
             < 0 |@@@@@@@@@@@@@@@@@@@@                     3
               0 |@@@@@@@                                  1
               5 |                                         0
              10 |                                         0
              15 |                                         0
              20 |                                         0
              25 |@@@@@@@                                  1
              30 |@@@@@@@                                  1
              35 |                                         0

=== lquantize_03 begin
@ = lquantize(-8, -20, -16, 1)
---

           value  ------------- Distribution ------------- count
             -17 |                                         0
          >= -16 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1

=== lquantize_04 begin
@ = lquantize(30, 10, 21, 1);
@ = lquantize(15, 10, 21, 1)
---

           value  ------------- Distribution ------------- count
              14 |                                         0
              15 |@@@@@@@@@@@@@@@@@@@@                     1
              16 |                                         0
              17 |                                         0
              18 |                                         0
              19 |                                         0
              20 |                                         0
           >= 21 |@@@@@@@@@@@@@@@@@@@@                     1

=== lquantize_05 begin
@ = lquantize(44, 10, 40, 5);
@ = lquantize(31, 10, 40, 5);
@ = lquantize(27, 10, 40, 5);
@ = lquantize(15, 10, 40, 5)
---

           value  ------------- Distribution ------------- count
              10 |                                         0
              15 |@@@@@@@@@@                               1
              20 |                                         0
              25 |@@@@@@@@@@                               1
              30 |@@@@@@@@@@                               1
              35 |                                         0
           >= 40 |@@@@@@@@@@                               1

=== lquantize_06 begin
@ = lquantize(-7, -20, -13, 1);
@ = lquantize(-23, -20, -13, 1);
@ = lquantize(-4, -20, -13, 1);
@ = lquantize(-14, -20, -13, 1)
---

           value  ------------- Distribution ------------- count
           < -20 |@@@@@@@@@@                               1
             -20 |                                         0
             -19 |                                         0
             -18 |                                         0
             -17 |                                         0
             -16 |                                         0
             -15 |                                         0
             -14 |@@@@@@@@@@                               1
          >= -13 |@@@@@@@@@@@@@@@@@@@@                     2

=== lquantize_07 begin
@ = lquantize(48, 10, 110, 10);
@ = lquantize(49, 10, 110, 10);
@ = lquantize(33, 10, 110, 10);
@ = lquantize(23, 10, 110, 10)
---

           value  ------------- Distribution ------------- count
              10 |                                         0
              20 |@@@@@@@@@@                               1
              30 |@@@@@@@@@@                               1
              40 |@@@@@@@@@@@@@@@@@@@@                     2
              50 |                                         0

=== lquantize_08 begin
@ = lquantize(-27, -20, -11, 1);
@ = lquantize(-12, -20, -11, 1)
---

           value  ------------- Distribution ------------- count
           < -20 |@@@@@@@@@@@@@@@@@@@@                     1
             -20 |                                         0
             -19 |                                         0
             -18 |                                         0
             -17 |                                         0
             -16 |                                         0
             -15 |                                         0
             -14 |                                         0
             -13 |                                         0
             -12 |@@@@@@@@@@@@@@@@@@@@                     1
          >= -11 |                                         0

=== lquantize_09 begin
@ = lquantize(23, 0, 20, 5);
@ = lquantize(18, 0, 20, 5)
---

           value  ------------- Distribution ------------- count
              10 |                                         0
              15 |@@@@@@@@@@@@@@@@@@@@                     1
           >= 20 |@@@@@@@@@@@@@@@@@@@@                     1

=== lquantize_10 begin
@ = lquantize(6, 10, 13, 1);
@ = lquantize(0, 10, 13, 1);
@ = lquantize(13, 10, 13, 1)
---

           value  ------------- Distribution ------------- count
            < 10 |@@@@@@@@@@@@@@@@@@@@@@@@@@@              2
              10 |                                         0
              11 |                                         0
              12 |                                         0
           >= 13 |@@@@@@@@@@@@@                            1

=== lquantize_11 begin
@ = lquantize(7, 0, 10, 1);
@ = lquantize(1, 0, 10, 1);
@ = lquantize(13, 0, 10, 1)
---

           value  ------------- Distribution ------------- count
               0 |                                         0
               1 |@@@@@@@@@@@@@                            1
               2 |                                         0
               3 |                                         0
               4 |                                         0
               5 |                                         0
               6 |                                         0
               7 |@@@@@@@@@@@@@                            1
               8 |                                         0
               9 |                                         0
           >= 10 |@@@@@@@@@@@@@                            1

=== lquantize_12 begin
@ = lquantize(19, 10, 70, 5);
@ = lquantize(60, 10, 70, 5);
@ = lquantize(55, 10, 70, 5);
@ = lquantize(52, 10, 70, 5);
@ = lquantize(57, 10, 70, 5);
@ = lquantize(12, 10, 70, 5)
---

           value  ------------- Distribution ------------- count
            < 10 |                                         0
              10 |@@@@@@@                                  1
              15 |@@@@@@@                                  1
              20 |                                         0
              25 |                                         0
              30 |                                         0
              35 |                                         0
              40 |                                         0
              45 |                                         0
              50 |@@@@@@@                                  1
              55 |@@@@@@@@@@@@@                            2
              60 |@@@@@@@                                  1
              65 |                                         0

=== lquantize_13 begin
@ = lquantize(-8, 0, 20, 5);
@ = lquantize(11, 0, 20, 5);
@ = lquantize(12, 0, 20, 5);
@ = lquantize(27, 0, 20, 5);
@ = lquantize(-2, 0, 20, 5)
---

           value  ------------- Distribution ------------- count
             < 0 |@@@@@@@@@@@@@@@@                         2
               0 |                                         0
               5 |                                         0
              10 |@@@@@@@@@@@@@@@@                         2
              15 |                                         0
           >= 20 |@@@@@@@@                                 1

=== values_00 begin
@c = count(); @s = sum(-669); @a = avg(-669); @i = min(-669); @x = max(-669);
@c = count(); @s = sum(-721); @a = avg(-721); @i = min(-721); @x = max(-721);
@c = count(); @s = sum(-536); @a = avg(-536); @i = min(-536); @x = max(-536);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
3 -1926 -642 -721 -536

=== values_01 begin
@c = count(); @s = sum(624); @a = avg(624); @i = min(624); @x = max(624);
@c = count(); @s = sum(362); @a = avg(362); @i = min(362); @x = max(362);
@c = count(); @s = sum(976); @a = avg(976); @i = min(976); @x = max(976);
@c = count(); @s = sum(424); @a = avg(424); @i = min(424); @x = max(424);
@c = count(); @s = sum(-356); @a = avg(-356); @i = min(-356); @x = max(-356);
@c = count(); @s = sum(472); @a = avg(472); @i = min(472); @x = max(472);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
6 2502 417 -356 976

=== values_02 begin
@c = count(); @s = sum(-186); @a = avg(-186); @i = min(-186); @x = max(-186);
@c = count(); @s = sum(-95); @a = avg(-95); @i = min(-95); @x = max(-95);
@c = count(); @s = sum(-648); @a = avg(-648); @i = min(-648); @x = max(-648);
@c = count(); @s = sum(981); @a = avg(981); @i = min(981); @x = max(981);
@c = count(); @s = sum(-493); @a = avg(-493); @i = min(-493); @x = max(-493);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
5 -441 -88 -648 981

=== values_03 begin
@c = count(); @s = sum(-479); @a = avg(-479); @i = min(-479); @x = max(-479);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
1 -479 -479 -479 -479

=== values_04 begin
@c = count(); @s = sum(-905); @a = avg(-905); @i = min(-905); @x = max(-905);
@c = count(); @s = sum(-322); @a = avg(-322); @i = min(-322); @x = max(-322);
@c = count(); @s = sum(990); @a = avg(990); @i = min(990); @x = max(990);
@c = count(); @s = sum(-423); @a = avg(-423); @i = min(-423); @x = max(-423);
@c = count(); @s = sum(-502); @a = avg(-502); @i = min(-502); @x = max(-502);
@c = count(); @s = sum(-582); @a = avg(-582); @i = min(-582); @x = max(-582);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
6 -1744 -290 -905 990

=== values_05 begin
@c = count(); @s = sum(232); @a = avg(232); @i = min(232); @x = max(232);
@c = count(); @s = sum(673); @a = avg(673); @i = min(673); @x = max(673);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
2 905 452 232 673

=== values_06 begin
@c = count(); @s = sum(166); @a = avg(166); @i = min(166); @x = max(166);
@c = count(); @s = sum(-134); @a = avg(-134); @i = min(-134); @x = max(-134);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
2 32 16 -134 166

=== values_07 begin
@c = count(); @s = sum(431); @a = avg(431); @i = min(431); @x = max(431);
@c = count(); @s = sum(712); @a = avg(712); @i = min(712); @x = max(712);
@c = count(); @s = sum(147); @a = avg(147); @i = min(147); @x = max(147);
@c = count(); @s = sum(305); @a = avg(305); @i = min(305); @x = max(305);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
4 1595 398 147 712

=== values_08 begin
@c = count(); @s = sum(174); @a = avg(174); @i = min(174); @x = max(174);
@c = count(); @s = sum(-338); @a = avg(-338); @i = min(-338); @x = max(-338);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
2 -164 -82 -338 174

=== values_09 begin
@c = count(); @s = sum(490); @a = avg(490); @i = min(490); @x = max(490);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
1 490 490 490 490

=== values_10 begin
@c = count(); @s = sum(-709); @a = avg(-709); @i = min(-709); @x = max(-709);
@c = count(); @s = sum(277); @a = avg(277); @i = min(277); @x = max(277);
@c = count(); @s = sum(755); @a = avg(755); @i = min(755); @x = max(755);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
3 323 107 -709 755

=== values_11 begin
@c = count(); @s = sum(-459); @a = avg(-459); @i = min(-459); @x = max(-459);
@c = count(); @s = sum(-971); @a = avg(-971); @i = min(-971); @x = max(-971);
@c = count(); @s = sum(271); @a = avg(271); @i = min(271); @x = max(271);
@c = count(); @s = sum(568); @a = avg(568); @i = min(568); @x = max(568);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
4 -591 -147 -971 568

=== values_12 begin
@c = count(); @s = sum(-521); @a = avg(-521); @i = min(-521); @x = max(-521);
@c = count(); @s = sum(-682); @a = avg(-682); @i = min(-682); @x = max(-682);
@c = count(); @s = sum(813); @a = avg(813); @i = min(813); @x = max(813);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
3 -390 -130 -682 813

=== values_13 begin
@c = count(); @s = sum(-978); @a = avg(-978); @i = min(-978); @x = max(-978);
@c = count(); @s = sum(-336); @a = avg(-336); @i = min(-336); @x = max(-336);
@c = count(); @s = sum(98); @a = avg(98); @i = min(98); @x = max(98);
@c = count(); @s = sum(-111); @a = avg(-111); @i = min(-111); @x = max(-111);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
4 -1327 -331 -978 98

=== values_14 begin
@c = count(); @s = sum(-551); @a = avg(-551); @i = min(-551); @x = max(-551);
@c = count(); @s = sum(815); @a = avg(815); @i = min(815); @x = max(815);
@c = count(); @s = sum(853); @a = avg(853); @i = min(853); @x = max(853);
@c = count(); @s = sum(592); @a = avg(592); @i = min(592); @x = max(592);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
4 1709 427 -551 853

=== values_15 begin
@c = count(); @s = sum(644); @a = avg(644); @i = min(644); @x = max(644);
@c = count(); @s = sum(-574); @a = avg(-574); @i = min(-574); @x = max(-574);
@c = count(); @s = sum(-77); @a = avg(-77); @i = min(-77); @x = max(-77);
@c = count(); @s = sum(408); @a = avg(408); @i = min(408); @x = max(408);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
4 401 100 -574 644

=== values_16 begin
@c = count(); @s = sum(-167); @a = avg(-167); @i = min(-167); @x = max(-167);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
1 -167 -167 -167 -167

=== values_17 begin
@c = count(); @s = sum(179); @a = avg(179); @i = min(179); @x = max(179);
@c = count(); @s = sum(-993); @a = avg(-993); @i = min(-993); @x = max(-993);
@c = count(); @s = sum(190); @a = avg(190); @i = min(190); @x = max(190);
@c = count(); @s = sum(158); @a = avg(158); @i = min(158); @x = max(158);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
4 -466 -116 -993 190

=== values_18 begin
@c = count(); @s = sum(188); @a = avg(188); @i = min(188); @x = max(188);
@c = count(); @s = sum(-158); @a = avg(-158); @i = min(-158); @x = max(-158);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
2 30 15 -158 188

=== values_19 begin
@c = count(); @s = sum(269); @a = avg(269); @i = min(269); @x = max(269);
@c = count(); @s = sum(803); @a = avg(803); @i = min(803); @x = max(803);
@c = count(); @s = sum(913); @a = avg(913); @i = min(913); @x = max(913);
printa("%@d %@d %@d %@d %@d\n", @c, @s, @a, @i, @x)
---
3 1985 661 269 913

=== sorted_00 begin -x aggsortrev
@["red"] = count();
@["blue"] = count();
@["blue"] = count();
@["red"] = count();
@["blue"] = count();
@["white"] = count();
printa("%s=%@d\n", @)
---
blue=3
red=2
white=1

=== sorted_01 begin -x aggsortrev
@["blue"] = count();
@["red"] = count();
@["white"] = count();
@["red"] = count();
@["red"] = count();
@["blue"] = count();
printa("%s=%@d\n", @)
---
red=3
blue=2
white=1

=== sorted_02 begin -x aggsortrev
@["black"] = count();
@["black"] = count();
@["green"] = count();
@["green"] = count();
@["red"] = count();
@["white"] = count();
@["green"] = count();
@["white"] = count();
printa("%s=%@d\n", @)
---
green=3
white=2
black=2
red=1

=== sorted_03 begin
@["white"] = count();
@["blue"] = count();
@["red"] = count();
@["green"] = count();
@["red"] = count();
printa("%s=%@d\n", @)
---
blue=1
green=1
white=1
red=2

=== sorted_04 begin -x aggsortkey -x aggsortrev
@["white"] = count();
@["white"] = count();
@["white"] = count();
@["green"] = count();
@["green"] = count();
@["red"] = count();
printa("%s=%@d\n", @)
---
white=3
red=1
green=2

=== sorted_05 begin
@["black"] = count();
@["green"] = count();
@["green"] = count();
printa("%s=%@d\n", @)
---
black=1
green=2

=== sorted_06 begin -x aggsortkey -x aggsortrev
@["green"] = count();
@["blue"] = count();
@["green"] = count();
@["green"] = count();
@["blue"] = count();
@["white"] = count();
printa("%s=%@d\n", @)
---
white=1
green=3
blue=2

=== sorted_07 begin -x aggsortkey
@["black"] = count();
@["red"] = count();
@["black"] = count();
@["red"] = count();
@["red"] = count();
@["black"] = count();
@["white"] = count();
@["black"] = count();
printa("%s=%@d\n", @)
---
black=4
red=3
white=1

=== sorted_08 begin
@["blue"] = count();
@["green"] = count();
@["red"] = count();
@["black"] = count();
@["blue"] = count();
@["black"] = count();
@["white"] = count();
@["red"] = count();
@["blue"] = count();
printa("%s=%@d\n", @)
---
green=1
white=1
black=2
red=2
blue=3

=== sorted_09 begin -x aggsortkey -x aggsortrev
@["black"] = count();
@["blue"] = count();
@["red"] = count();
@["white"] = count();
@["green"] = count();
@["green"] = count();
@["blue"] = count();
@["black"] = count();
@["black"] = count();
printa("%s=%@d\n", @)
---
white=1
red=1
green=2
blue=2
black=3

=== sorted_10 begin -x aggsortkey -x aggsortrev
@["blue"] = count();
@["red"] = count();
@["blue"] = count();
@["red"] = count();
@["green"] = count();
@["blue"] = count();
@["black"] = count();
@["black"] = count();
printa("%s=%@d\n", @)
---
red=2
green=1
blue=3
black=2

=== sorted_11 begin -x aggsortrev
@["white"] = count();
@["red"] = count();
@["green"] = count();
@["black"] = count();
@["white"] = count();
@["white"] = count();
@["red"] = count();
@["white"] = count();
printa("%s=%@d\n", @)
---
white=4
red=2
green=1
black=1

=== sorted_12 begin -x aggsortkey
@["white"] = count();
@["red"] = count();
@["green"] = count();
@["green"] = count();
@["black"] = count();
printa("%s=%@d\n", @)
---
black=1
green=2
red=1
white=1

=== sorted_13 begin -x aggsortrev
@["blue"] = count();
@["green"] = count();
@["green"] = count();
printa("%s=%@d\n", @)
---
green=2
blue=1

=== truncated_00 begin
@[53] = sum(1);
@[59] = sum(4);
@[57] = sum(7);
@[93] = sum(10);
@[63] = sum(13);
@[70] = sum(16);
trunc(@, 2); printa("%d:%@d\n", @)
---
63:13
70:16

=== truncated_01 begin
@[59] = sum(45);
@[89] = sum(23);
@[17] = sum(44);
@[73] = sum(31);
@[25] = sum(41);
@[20] = sum(25);
trunc(@, -1); printa("%d:%@d\n", @)
---
89:23

=== truncated_02 begin
@[81] = sum(33);
@[0] = sum(35);
@[62] = sum(36);
@[28] = sum(14);
@[47] = sum(46);
@[68] = sum(18);
trunc(@, 3); printa("%d:%@d\n", @)
---
0:35
62:36
47:46

=== truncated_03 begin
@[13] = sum(1);
@[56] = sum(4);
@[69] = sum(7);
@[46] = sum(10);
@[1] = sum(13);
@[64] = sum(16);
trunc(@, 1); printa("%d:%@d\n", @)
---
64:16

=== truncated_04 begin
@[88] = sum(5);
@[31] = sum(41);
@[37] = sum(42);
@[44] = sum(29);
@[74] = sum(16);
@[94] = sum(39);
trunc(@, 1); printa("%d:%@d\n", @)
---
37:42

=== truncated_05 begin
@[12] = sum(1);
@[8] = sum(4);
@[35] = sum(7);
@[77] = sum(10);
@[59] = sum(13);
@[55] = sum(16);
trunc(@, 3); printa("%d:%@d\n", @)
---
77:10
59:13
55:16

=== truncated_06 begin
@[1] = sum(46);
@[21] = sum(48);
@[49] = sum(29);
@[18] = sum(37);
@[16] = sum(3);
@[28] = sum(9);
trunc(@, -2); printa("%d:%@d\n", @)
---
16:3
28:9

=== truncated_07 begin
@[53] = sum(1);
@[45] = sum(4);
@[86] = sum(7);
@[0] = sum(10);
@[99] = sum(13);
@[97] = sum(16);
trunc(@, 2); printa("%d:%@d\n", @)
---
99:13
97:16

=== normalized_00 begin
@[0] = sum(5437);
@[1] = sum(2241);
@[2] = sum(7032);
normalize(@, 10); printa("%d:%@d\n", @); denormalize(@); printa("%d %@d\n", @)
---
1:224
0:543
2:703
1 2241
0 5437
2 7032

=== normalized_01 begin
@[0] = sum(5110);
@[1] = sum(1641);
@[2] = sum(7142);
normalize(@, 2); printa("%d:%@d\n", @); denormalize(@); printa("%d %@d\n", @)
---
1:820
0:2555
2:3571
1 1641
0 5110
2 7142

=== normalized_02 begin
@[0] = sum(3876);
@[1] = sum(3141);
@[2] = sum(4088);
normalize(@, 2); printa("%d:%@d\n", @); denormalize(@); printa("%d %@d\n", @)
---
1:1570
0:1938
2:2044
1 3141
0 3876
2 4088

=== normalized_03 begin
@[0] = sum(7291);
@[1] = sum(6296);
@[2] = sum(9007);
normalize(@, 2); printa("%d:%@d\n", @); denormalize(@); printa("%d %@d\n", @)
---
1:3148
0:3645
2:4503
1 6296
0 7291
2 9007

=== normalized_04 begin
@[0] = sum(7396);
@[1] = sum(6896);
@[2] = sum(1748);
normalize(@, 2); printa("%d:%@d\n", @); denormalize(@); printa("%d %@d\n", @)
---
2:874
1:3448
0:3698
2 1748
1 6896
0 7396

=== normalized_05 begin
@[0] = sum(9588);
@[1] = sum(9437);
@[2] = sum(2883);
normalize(@, 7); printa("%d:%@d\n", @); denormalize(@); printa("%d %@d\n", @)
---
2:411
1:1348
0:1369
2 2883
1 9437
0 9588
