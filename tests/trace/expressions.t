=== expr_000 begin
this->a = (long)922; this->b = (long)78; g = (long)-643; h = (long)-425;
printf("%d %d %d\n",
    (long)((!(long)-1)),
    (long)(((((55 >> 14) & 0xffff) << 1) || ((this->a - 73) % ((g) | 1)))),
    (long)((97 & (!('z' * 'Z')))))
---
0 1 0

=== expr_001 begin
this->a = (long)-928; this->b = (long)-589; g = (long)-205; h = (long)652;
printf("%d %d %d\n",
    (long)(((~(g == this->b)) + ((29 ? 0x8d : h) - (this->b >> 8)))),
    (long)((~((this->b % (('a') | 1)) != this->b))),
    (long)((((-h) ? (~this->b) : (g + h)) > ((0xc5 % ((g) | 1)) && (0x8 * 0xaa)))))
---
143 -2 1

=== expr_002 begin
this->a = (long)-894; this->b = (long)-81; g = (long)444; h = (long)-645;
printf("%d %d %d\n",
    (long)((42 + (~(1 - g)))),
    (long)(((((this->a / ((10) | 1)) - (~g)) & 0xffff) << 3)),
    (long)((((-this->a) >> 18) >= 24)))
---
484 2912 0

=== expr_003 begin
this->a = (long)339; this->b = (long)-181; g = (long)377; h = (long)633;
printf("%d %d %d\n",
    (long)((((h && this->b) ? 0x9d : ((long)-43 / ((98) | 1))) != (long)-24)),
    (long)((((!(long)-16) * 'A') && (76 - ('Z' == '9')))),
    (long)(this->a))
---
1 0 339

=== expr_004 begin
this->a = (long)-701; this->b = (long)500; g = (long)341; h = (long)495;
printf("%d %d %d\n",
    (long)((((((91 & 0xffff) << 0) & 0xffff) << 9) / ((((~this->b) | (0x9f >> 11))) | 1))),
    (long)((((((h & 0xffff) << 3) & 0xffff) << 7) - (!((long)-4 || g)))),
    (long)((((((0x3c * this->a) & 0xffff) << 3) & 0xffff) << 6)))
---
-92 506880 3631104

=== expr_005 begin
this->a = (long)-359; this->b = (long)-154; g = (long)-165; h = (long)739;
printf("%d %d %d\n",
    (long)((!(37 >> 16))),
    (long)(((!(this->a + this->b)) - 50)),
    (long)('Z'))
---
1 -50 90

=== expr_006 begin
this->a = (long)-556; this->b = (long)599; g = (long)486; h = (long)-964;
printf("%d %d %d\n",
    (long)('A'),
    (long)((~((this->b - this->b) * (this->b >> 4)))),
    (long)((!((85 ? g : (long)-2) | (long)-42))))
---
65 -1 0

=== expr_007 begin
this->a = (long)-46; this->b = (long)-886; g = (long)-662; h = (long)788;
printf("%d %d %d\n",
    (long)(((0x81 + (h % (('0') | 1))) + ((h % (('9') | 1)) / (((h >> 4)) | 1)))),
    (long)((((~0x44) >> 13) ? ((this->b / (('9') | 1)) / ((('Z' * '9')) | 1)) : (-(g + 16)))),
    (long)((((this->a || 93) ^ this->a) || ((this->a || this->b) % (((g * 'a')) | 1)))))
---
133 0 1

=== expr_008 begin
this->a = (long)49; this->b = (long)-179; g = (long)-257; h = (long)-809;
printf("%d %d %d\n",
    (long)(((('a' + this->a) && (this->b < this->b)) * (('a' ? h : g) & (this->a / ((0xcc) | 1))))),
    (long)(((0x0 - ('a' * g)) * ((this->a & this->b) + (0x4 - this->a)))),
    (long)((~((this->b >> 7) >> 1))))
---
0 -1096876 0

=== expr_009 begin
this->a = (long)-706; this->b = (long)252; g = (long)-90; h = (long)856;
printf("%d %d %d\n",
    (long)((!((this->a ? 0xe1 : (long)-50) + (0x60 || this->b)))),
    (long)((((g & '0') % (((0x34 % ((39) | 1))) | 1)) == ((this->b / (('z') | 1)) < (~(long)-30)))),
    (long)((((((long)-49 && (long)-22) & 0xffff) << 7) <= g)))
---
0 0 0

=== expr_010 begin
this->a = (long)705; this->b = (long)647; g = (long)-323; h = (long)585;
printf("%d %d %d\n",
    (long)((!(((h & 0xffff) << 5) <= (long)-12))),
    (long)((!((74 >> 11) < (h - g)))),
    (long)(93))
---
1 0 93

=== expr_011 begin
this->a = (long)177; this->b = (long)-23; g = (long)-862; h = (long)-53;
printf("%d %d %d\n",
    (long)((((this->a && g) >> 10) / ((g) | 1))),
    (long)(0xf7),
    (long)(((((~'A') & 0xffff) << 8) ? ((g > 22) >> 3) : ((((long)-42 & 0xffff) << 0) ^ (~this->b)))))
---
0 247 0

=== expr_012 begin
this->a = (long)-218; this->b = (long)-368; g = (long)-522; h = (long)-735;
printf("%d %d %d\n",
    (long)(((((long)-30 ^ g) % (('z') | 1)) >> 14)),
    (long)((((g % (('0') | 1)) && ((long)-29 + this->b)) >> 7)),
    (long)((!(((long)-22 ? 'z' : h) | (g && h)))))
---
0 0 0

=== expr_013 begin
this->a = (long)826; this->b = (long)-364; g = (long)70; h = (long)136;
printf("%d %d %d\n",
    (long)(0x3e),
    (long)(14),
    (long)(g))
---
62 14 70

=== expr_014 begin
this->a = (long)568; this->b = (long)-793; g = (long)542; h = (long)522;
printf("%d %d %d\n",
    (long)(((h & (59 - g)) * 0xff)),
    (long)(h),
    (long)(((((long)-20 || g) ? (~h) : (0xb1 - h)) / ((((g / ((49) | 1)) > ((long)-8 / ((g) | 1)))) | 1))))
---
132600 522 -523

=== expr_015 begin
this->a = (long)960; this->b = (long)131; g = (long)-167; h = (long)-623;
printf("%d %d %d\n",
    (long)(((((27 >> 15) & 0xffff) << 9) + '0')),
    (long)((~h)),
    (long)(((!g) ? ((!'z') + (h ? this->a : (long)-25)) : '9')))
---
48 622 57

=== expr_016 begin
this->a = (long)-377; this->b = (long)-916; g = (long)598; h = (long)188;
printf("%d %d %d\n",
    (long)(((this->b & 0xffff) << 9)),
    (long)((0xd9 && ((-65) / (((this->a | this->b)) | 1)))),
    (long)(((this->b ? (0x57 % ((h) | 1)) : (this->b * h)) + ((0x2 % ((0x1c) | 1)) % (((this->b ? 0x71 : (long)-26)) | 1)))))
---
33085440 0 89

=== expr_017 begin
this->a = (long)-767; this->b = (long)526; g = (long)-89; h = (long)937;
printf("%d %d %d\n",
    (long)((((this->a + g) - (~h)) % (((!(g - this->b))) | 1))),
    (long)((93 - ((this->b - (long)-13) >> 18))),
    (long)((((g || (!'a')) & 0xffff) << 5)))
---
0 93 32

=== expr_018 begin
this->a = (long)-320; this->b = (long)-678; g = (long)-672; h = (long)-129;
printf("%d %d %d\n",
    (long)((this->a / ((((8 / ((h) | 1)) * h)) | 1))),
    (long)((((0x62 ? this->a : h) && (this->b % (((long)-50) | 1))) >= (((g & 0xffff) << 0) + (h % (('a') | 1))))),
    (long)(0x80))
---
-320 0 128

=== expr_019 begin
this->a = (long)-353; this->b = (long)-656; g = (long)288; h = (long)753;
printf("%d %d %d\n",
    (long)((0x93 % ((((g ? this->b : 90) * 0x9d)) | 1))),
    (long)(((('Z' * this->a) && (0x43 % (('9') | 1))) / ((((4 <= (long)-26) / (((this->a * (long)-17)) | 1))) | 1))),
    (long)((((this->b - 'z') | (0x45 >> 13)) != ((this->a & 0xffff) << 6))))
---
147 1 1

=== expr_020 begin
this->a = (long)-565; this->b = (long)-584; g = (long)242; h = (long)182;
printf("%d %d %d\n",
    (long)(((this->a ? (-g) : (g / ((7) | 1))) & (('A' - h) % (('z') | 1)))),
    (long)((((h - 'Z') + ('Z' && 73)) >> 11)),
    (long)((!(((-(long)-12) & 0xffff) << 5))))
---
-246 0 0

=== expr_021 begin
this->a = (long)304; this->b = (long)254; g = (long)200; h = (long)114;
printf("%d %d %d\n",
    (long)((((long)-1 & 0xffff) << 4)),
    (long)(((((long)-43 && (long)-42) ? ((long)-44 % (('9') | 1)) : ((long)-33 ? 1 : this->b)) * (h + (this->b ^ g)))),
    (long)((((0xf4 % ((this->b) | 1)) * (97 % ((0x5f) | 1))) - ((-this->a) | this->b))))
---
1048560 -7392 746

=== expr_022 begin
this->a = (long)649; this->b = (long)562; g = (long)-581; h = (long)321;
printf("%d %d %d\n",
    (long)(83),
    (long)((!(-76))),
    (long)(((long)-25 || (!((0x1c & 0xffff) << 4)))))
---
83 0 1

=== expr_023 begin
this->a = (long)-459; this->b = (long)734; g = (long)-672; h = (long)-844;
printf("%d %d %d\n",
    (long)((((g ^ 63) | (h <= g)) && (~((long)-5 % (((long)-26) | 1))))),
    (long)(((g ? (25 && this->b) : (this->b - 0x56)) % (((~((long)-49 && this->a))) | 1))),
    (long)((((-h) + 'a') >> 7)))
---
1 0 7

=== expr_024 begin
this->a = (long)-904; this->b = (long)504; g = (long)-919; h = (long)664;
printf("%d %d %d\n",
    (long)((((0x9e ? (long)-15 : g) ? (59 * 'Z') : ((h & 0xffff) << 10)) + 'A')),
    (long)((-(71 ? (0xba % ((21) | 1)) : (-h)))),
    (long)(((((long)-28 & 0xffff) << 9) * (('z' + 'Z') >> 4))))
---
5375 -18 436021248

=== expr_025 begin
this->a = (long)-333; this->b = (long)205; g = (long)868; h = (long)-528;
printf("%d %d %d\n",
    (long)((((h > g) * (~this->b)) + ((g ? 11 : g) ? (this->b * 0x83) : (this->a <= g)))),
    (long)(((((g ^ (long)-45) - this->b) & 0xffff) << 12)),
    (long)((~((0xd7 == 0x7d) - ('Z' ? 18 : (long)-27)))))
---
26855 264151040 17

=== expr_026 begin
this->a = (long)892; this->b = (long)-42; g = (long)682; h = (long)-159;
printf("%d %d %d\n",
    (long)(35),
    (long)((((this->b - 0x98) - (g == g)) > (((g + (long)-3) & 0xffff) << 1))),
    (long)((-((h ^ 84) / (((this->a / ((g) | 1))) | 1)))))
---
35 0 203

=== expr_027 begin
this->a = (long)760; this->b = (long)-654; g = (long)439; h = (long)542;
printf("%d %d %d\n",
    (long)(((((h & 0xffff) << 7) ? ('9' && this->a) : ('Z' && 13)) * ((0xd6 / (((long)-38) | 1)) || (('z' & 0xffff) << 0)))),
    (long)(((-(h - this->b)) * 0xa3)),
    (long)(this->a))
---
1 -194948 760

=== expr_028 begin
this->a = (long)-744; this->b = (long)-598; g = (long)-952; h = (long)840;
printf("%d %d %d\n",
    (long)(h),
    (long)((((h || this->a) ? ((long)-27 ? 43 : h) : 35) || ((long)-38 && (!92)))),
    (long)((((92 >> 7) >> 2) & ((13 ^ this->b) >> 5))))
---
840 1 0

=== expr_029 begin
this->a = (long)914; this->b = (long)-902; g = (long)-123; h = (long)-429;
printf("%d %d %d\n",
    (long)((-(-((h & 0xffff) << 8)))),
    (long)((((75 / ((g) | 1)) % ((h) | 1)) / (((~(0x8 != (long)-44))) | 1))),
    (long)(((((0xb8 & 0xffff) << 2) - ((long)-30 % ((0x83) | 1))) || ((34 - this->b) >> 3))))
---
16667392 0 1

=== expr_030 begin
this->a = (long)96; this->b = (long)660; g = (long)-509; h = (long)-323;
printf("%d %d %d\n",
    (long)((((0xf5 / ((0x28) | 1)) / (((!this->a)) | 1)) == g)),
    (long)(63),
    (long)(((('Z' | 0x93) + ('Z' / ((h) | 1))) + 32)))
---
0 63 251

=== expr_031 begin
this->a = (long)-565; this->b = (long)-265; g = (long)-134; h = (long)206;
printf("%d %d %d\n",
    (long)((h - (!(this->b ? this->b : g)))),
    (long)((((((long)-12 / (((long)-46) | 1)) > (0xbf * h)) & 0xffff) << 5)),
    (long)(((((this->a & 0xffff) << 1) / (((h | this->a)) | 1)) / ((((0x5 ? this->a : this->b) ? (long)-24 : ((h & 0xffff) << 9))) | 1))))
---
206 0 10

=== expr_032 begin
this->a = (long)-231; this->b = (long)-582; g = (long)-258; h = (long)-175;
printf("%d %d %d\n",
    (long)(((-(~this->b)) >> 19)),
    (long)((((this->b - (long)-9) >> 2) >> 17)),
    (long)((this->a & '0')))
---
-1 -1 16

=== expr_033 begin
this->a = (long)-334; this->b = (long)-967; g = (long)-180; h = (long)836;
printf("%d %d %d\n",
    (long)(((((!this->b) & 0xffff) << 11) - (((85 & 0xffff) << 9) - (this->b >> 11)))),
    (long)(this->a),
    (long)((~(-(this->a + (long)-41)))))
---
-43521 -334 -376

=== expr_034 begin
this->a = (long)66; this->b = (long)882; g = (long)-116; h = (long)656;
printf("%d %d %d\n",
    (long)((((-h) - (this->a < this->b)) ? (('Z' ? '9' : h) / ((('0' >> 9)) | 1)) : (-((long)-28 + this->a)))),
    (long)((((~this->a) % ((this->b) | 1)) ? (~((g & 0xffff) << 8)) : ((((long)-40 & 0xffff) << 1) % (((h * g)) | 1)))),
    (long)((!((-g) >> 17))))
---
57 -16747521 1

=== expr_035 begin
this->a = (long)848; this->b = (long)-572; g = (long)55; h = (long)-947;
printf("%d %d %d\n",
    (long)(((((!h) * (g * (long)-7)) & 0xffff) << 0)),
    (long)((~((h & (long)-4) % ((((long)-44 / ((this->b) | 1))) | 1)))),
    (long)(((-(81 >> 14)) <= (~(long)-50))))
---
0 -1 1

=== expr_036 begin
this->a = (long)-3; this->b = (long)204; g = (long)-489; h = (long)880;
printf("%d %d %d\n",
    (long)(((30 >= (this->a / ((this->b) | 1))) ^ ((0xef == g) >> 8))),
    (long)(((((long)-17 || 0x22) ? (this->a ? g : 'a') : 'Z') % (((('Z' >> 16) % (((~g)) | 1))) | 1))),
    (long)((((~38) & 0xffff) << 4)))
---
1 0 1047952

=== expr_037 begin
this->a = (long)14; this->b = (long)437; g = (long)-17; h = (long)-812;
printf("%d %d %d\n",
    (long)(((((this->a % ((h) | 1)) ? (-h) : ((g & 0xffff) << 1)) & 0xffff) << 5)),
    (long)((this->a >> 1)),
    (long)((g - (long)-25)))
---
25984 7 8

=== expr_038 begin
this->a = (long)-285; this->b = (long)-688; g = (long)426; h = (long)-55;
printf("%d %d %d\n",
    (long)(((-(0xe0 && this->b)) >> 2)),
    (long)(this->a),
    (long)((this->a * ((this->a % ((this->a) | 1)) ? (this->b - 'Z') : (g / ((h) | 1))))))
---
-1 -285 1995

=== expr_039 begin
this->a = (long)582; this->b = (long)-507; g = (long)-447; h = (long)-536;
printf("%d %d %d\n",
    (long)((!((!h) ? (47 >> 18) : (this->a / (('0') | 1))))),
    (long)(((((~g) || h) & 0xffff) << 3)),
    (long)(87))
---
0 8 87

=== expr_040 begin
this->a = (long)-508; this->b = (long)-260; g = (long)403; h = (long)-905;
printf("%d %d %d\n",
    (long)((((0xe8 * g) || (-g)) % (((~(g % (('9') | 1)))) | 1))),
    (long)((-((-17) / (((this->b % ((h) | 1))) | 1)))),
    (long)((((((~g) & 0xffff) << 7) & 0xffff) << 5)))
---
1 0 442368

=== expr_041 begin
this->a = (long)-582; this->b = (long)953; g = (long)-712; h = (long)-484;
printf("%d %d %d\n",
    (long)(((this->b - (h / ((this->b) | 1))) >> 7)),
    (long)(g),
    (long)(((((long)-24 - g) ? (this->b < 43) : (h - 0x63)) / ((((this->b & 0xffff) << 7)) | 1))))
---
7 -712 0

=== expr_042 begin
this->a = (long)-672; this->b = (long)564; g = (long)-704; h = (long)-370;
printf("%d %d %d\n",
    (long)((((((12 || this->a) & 0xffff) << 10) & 0xffff) << 3)),
    (long)(((((g + (long)-50) & 0xffff) << 12) - ((48 >> 11) + ((long)-13 >> 16)))),
    (long)(((-(h % ((g) | 1))) ^ (('A' >> 17) / (((h <= '0')) | 1)))))
---
8192 265347073 370

=== expr_043 begin
this->a = (long)-120; this->b = (long)-558; g = (long)-649; h = (long)679;
printf("%d %d %d\n",
    (long)((28 ^ 'a')),
    (long)(((this->a | ((long)-5 - (long)-14)) - this->b)),
    (long)((((~75) >> 9) - (h * (g / (('a') | 1))))))
---
125 439 4073

=== expr_044 begin
this->a = (long)-688; this->b = (long)-200; g = (long)760; h = (long)860;
printf("%d %d %d\n",
    (long)(((0x45 * this->a) * (-(!(long)-35)))),
    (long)((((h % ((this->b) | 1)) / ((((long)-50 && 15)) | 1)) * (~(-0x48)))),
    (long)((((this->b >> 20) && (h < 0x9c)) - (long)-30)))
---
0 4544 30

=== expr_045 begin
this->a = (long)449; this->b = (long)-179; g = (long)596; h = (long)306;
printf("%d %d %d\n",
    (long)((0xf0 + this->a)),
    (long)((((~this->b) + (this->a - g)) / (((('9' - 35) | (~this->b))) | 1))),
    (long)((!(!(-0x23)))))
---
689 0 1

=== expr_046 begin
this->a = (long)120; this->b = (long)523; g = (long)-327; h = (long)-745;
printf("%d %d %d\n",
    (long)(((-(-'9')) * 'A')),
    (long)((~(((!0x50) & 0xffff) << 8))),
    (long)((((21 % (('a') | 1)) % ((((long)-36 - 0x43)) | 1)) >> 4)))
---
3705 -1 1

=== expr_047 begin
this->a = (long)-168; this->b = (long)114; g = (long)-485; h = (long)-415;
printf("%d %d %d\n",
    (long)(((61 <= (this->a || 'a')) != (((0x19 & 0xffff) << 2) ? ('9' < (long)-47) : (this->b ? this->a : (long)-15)))),
    (long)((((-g) <= (!h)) || (~(!33)))),
    (long)(h))
---
0 1 -415

=== expr_048 begin
this->a = (long)383; this->b = (long)-471; g = (long)-522; h = (long)342;
printf("%d %d %d\n",
    (long)(0x90),
    (long)(((('A' / ((0x23) | 1)) & (g || this->b)) - ((~'0') ? (this->b & h) : (~83)))),
    (long)((((this->a >> 9) ? (0x98 + this->a) : (!'0')) >> 11)))
---
144 1 0

=== expr_049 begin
this->a = (long)-719; this->b = (long)-543; g = (long)44; h = (long)176;
printf("%d %d %d\n",
    (long)((this->b & ((-0x82) - ((long)-21 + this->a)))),
    (long)(((((this->a % ((g) | 1)) & 0xffff) << 9) && (~('z' ^ 'a')))),
    (long)(h))
---
96 1 176

=== expr_050 begin
this->a = (long)-496; this->b = (long)-101; g = (long)-653; h = (long)-855;
printf("%d %d %d\n",
    (long)(g),
    (long)(((('z' ? (long)-26 : h) >> 6) == ((h >> 5) * (~this->a)))),
    (long)(((!('a' * h)) % ((((((h & 0xffff) << 12) & 0xffff) << 2)) | 1))))
---
-653 0 0

=== expr_051 begin
this->a = (long)-775; this->b = (long)-30; g = (long)801; h = (long)151;
printf("%d %d %d\n",
    (long)(((~97) % ((((0xb5 & 0xc0) >> 7)) | 1))),
    (long)(((('z' - this->a) % (((this->b < 84)) | 1)) ? ((!h) / ((('a' % ((13) | 1))) | 1)) : (!(-this->b)))),
    (long)((-'a')))
---
0 0 -97

=== expr_052 begin
this->a = (long)79; this->b = (long)288; g = (long)599; h = (long)-869;
printf("%d %d %d\n",
    (long)(this->a),
    (long)((-(('9' - this->b) >> 12))),
    (long)((((-(0x4f + (long)-32)) & 0xffff) << 4)))
---
79 1 1047824

=== expr_053 begin
this->a = (long)572; this->b = (long)87; g = (long)-977; h = (long)579;
printf("%d %d %d\n",
    (long)(((this->a == (-g)) + (37 ? h : (38 / ((0xbd) | 1))))),
    (long)(((~(g & h)) >> 9)),
    (long)(((-(~61)) % ((((this->a || g) || (h >> 10))) | 1))))
---
579 -1 0

=== expr_054 begin
this->a = (long)646; this->b = (long)-318; g = (long)242; h = (long)233;
printf("%d %d %d\n",
    (long)((((!0x7d) ? (!0x6e) : (-'a')) - (((this->a && (long)-43) & 0xffff) << 1))),
    (long)((((h / ((h) | 1)) >> 4) ? ((h + this->b) || ((long)-7 != 90)) : 0x61)),
    (long)((((0x23 * 'A') && (this->a / (('9') | 1))) / (((-(this->a < g))) | 1))))
---
-99 97 1

=== expr_055 begin
this->a = (long)-58; this->b = (long)575; g = (long)716; h = (long)-181;
printf("%d %d %d\n",
    (long)(((('A' - 37) ? ((g & 0xffff) << 6) : (this->a ^ g)) % ((((0x79 ? h : h) ? (~g) : (g * 61))) | 1))),
    (long)((((this->a % ((g) | 1)) & (this->a * (long)-34)) >> 10)),
    (long)((((this->a >> 3) % ((24) | 1)) ? h : ((31 >> 11) * (0xef - this->a)))))
---
653 1 -181

=== expr_056 begin
this->a = (long)142; this->b = (long)-650; g = (long)164; h = (long)-438;
printf("%d %d %d\n",
    (long)((((0xe0 % (((long)-33) | 1)) * (79 >> 0)) ? ((-0xf0) / (((this->b ? this->b : 0x45)) | 1)) : (~(g % ((this->a) | 1))))),
    (long)((-((0x63 % ((g) | 1)) * (this->b && h)))),
    (long)(((this->b ? ('a' == this->a) : 58) % ((((h + h) ? (0xe0 / ((g) | 1)) : (-0x2))) | 1))))
---
0 -99 0

=== expr_057 begin
this->a = (long)942; this->b = (long)339; g = (long)674; h = (long)-15;
printf("%d %d %d\n",
    (long)(((((long)-37 == this->a) ? (g + 0x3c) : ((long)-45 / ((41) | 1))) ? h : ((this->b >> 2) - (h + g)))),
    (long)(this->b),
    (long)((this->b % (((this->b + (long)-39)) | 1))))
---
-15 339 38

=== expr_058 begin
this->a = (long)829; this->b = (long)-431; g = (long)853; h = (long)-679;
printf("%d %d %d\n",
    (long)(((((0x34 & 0xffff) << 7) % ((((long)-1 - 8)) | 1)) ? ((g | h) ? ((long)-38 % (((long)-42) | 1)) : (this->b ? 'a' : h)) : ((h + 0x1d) >> 3))),
    (long)((((-(long)-48) / (((-g)) | 1)) + (~(0x8e >> 11)))),
    (long)((this->b && 22)))
---
-38 -1 1

=== expr_059 begin
this->a = (long)617; this->b = (long)687; g = (long)-394; h = (long)-830;
printf("%d %d %d\n",
    (long)(((-(g % ((g) | 1))) <= ((!'z') / (((~h)) | 1)))),
    (long)(g),
    (long)(((this->a * (~53)) / (((-(this->b ? 0x24 : this->a))) | 1))))
---
0 -394 951

=== expr_060 begin
this->a = (long)37; this->b = (long)848; g = (long)380; h = (long)52;
printf("%d %d %d\n",
    (long)(((~((this->b & 0xffff) << 4)) > ((this->a * this->b) ? (!this->a) : (this->a < 'Z')))),
    (long)((((0xd1 - 'z') / ((g) | 1)) - ((h && (long)-26) + (this->a % ((g) | 1))))),
    (long)((((this->b ? h : this->a) - ('Z' == (long)-5)) ? h : ((this->b >> 3) >> 16))))
---
0 -38 52

=== expr_061 begin
this->a = (long)-369; this->b = (long)-384; g = (long)-796; h = (long)-538;
printf("%d %d %d\n",
    (long)(((72 >> 18) || (~(g * this->a)))),
    (long)((((this->b / ((g) | 1)) / (((0x4e - (long)-33)) | 1)) * this->b)),
    (long)((((this->a + g) && (!92)) + ((76 + 0xa8) >> 9))))
---
1 0 0

=== expr_062 begin
this->a = (long)734; this->b = (long)-984; g = (long)705; h = (long)755;
printf("%d %d %d\n",
    (long)((long)-3),
    (long)((h % ((g) | 1))),
    (long)((((!0xc7) - (43 ? 50 : this->b)) ? ((h ? 0x84 : this->a) / (((this->a >> 12)) | 1)) : (!('z' >= h)))))
---
-3 50 132

=== expr_063 begin
this->a = (long)341; this->b = (long)849; g = (long)-636; h = (long)-835;
printf("%d %d %d\n",
    (long)((((g - (long)-47) / (((this->a % (((long)-30) | 1))) | 1)) || (-(h >> 2)))),
    (long)(((-('9' && g)) - ((-31) + ('9' != this->b)))),
    (long)((this->a && ((this->b != h) / (((g < '0')) | 1)))))
---
1 29 1

=== expr_064 begin
this->a = (long)494; this->b = (long)-332; g = (long)-800; h = (long)103;
printf("%d %d %d\n",
    (long)(((~(g == 0xef)) || (71 - (h < '9')))),
    (long)((((h >> 7) >> 18) % ((((52 ^ h) / (((18 - 'A')) | 1))) | 1))),
    (long)(((!(long)-28) || (this->b + (0x11 | h)))))
---
1 0 1

=== expr_065 begin
this->a = (long)6; this->b = (long)-445; g = (long)-696; h = (long)567;
printf("%d %d %d\n",
    (long)((~(((this->a & 0xffff) << 8) + ((h & 0xffff) << 4)))),
    (long)('Z'),
    (long)(((~this->b) || ((this->b ? g : (long)-24) * (h + this->b)))))
---
-10609 90 1

=== expr_066 begin
this->a = (long)-135; this->b = (long)268; g = (long)-35; h = (long)652;
printf("%d %d %d\n",
    (long)((((~(0xda - g)) & 0xffff) << 0)),
    (long)((((81 ? this->a : 'a') % (((this->b - (long)-43)) | 1)) * (('9' ? 0x52 : g) + 35))),
    (long)(((this->a ? (((long)-31 & 0xffff) << 5) : this->a) < ((!0xfa) || (g ? this->a : this->b)))))
---
65282 -15795 0

=== expr_067 begin
this->a = (long)-627; this->b = (long)-30; g = (long)889; h = (long)-862;
printf("%d %d %d\n",
    (long)((!this->a)),
    (long)((0x1e + ((this->a || h) || (g + 47)))),
    (long)(((~(g != g)) + ((this->b / (((long)-12) | 1)) - (~this->b)))))
---
0 31 -28

=== expr_068 begin
this->a = (long)-246; this->b = (long)-702; g = (long)-369; h = (long)110;
printf("%d %d %d\n",
    (long)((long)-4),
    (long)('a'),
    (long)(this->a))
---
-4 97 -246

=== expr_069 begin
this->a = (long)-24; this->b = (long)-510; g = (long)68; h = (long)-614;
printf("%d %d %d\n",
    (long)((~((this->b % (((long)-38) | 1)) || ((0x72 & 0xffff) << 4)))),
    (long)(((h >= (-'Z')) & ((long)-35 ^ (this->a ? '0' : g)))),
    (long)(((-(!0xaf)) & ((3 >> 13) + ('Z' / ((this->a) | 1))))))
---
-2 0 0

=== expr_070 begin
this->a = (long)-584; this->b = (long)-654; g = (long)-29; h = (long)586;
printf("%d %d %d\n",
    (long)(('A' == (-47))),
    (long)(this->b),
    (long)((~((-this->a) / (((g / ((51) | 1))) | 1)))))
---
0 -654 -585

=== expr_071 begin
this->a = (long)-143; this->b = (long)220; g = (long)360; h = (long)-46;
printf("%d %d %d\n",
    (long)((((0xe6 + (long)-7) + (90 + this->a)) && ((h && this->a) / (('a') | 1)))),
    (long)(((((g - 82) + ((long)-44 < 91)) & 0xffff) << 4)),
    (long)(((-('0' + this->a)) && g)))
---
0 4464 1

=== expr_072 begin
this->a = (long)194; this->b = (long)-115; g = (long)-119; h = (long)72;
printf("%d %d %d\n",
    (long)(((~(!(long)-2)) | ((57 - (long)-2) ? (this->b || (long)-7) : this->b))),
    (long)('9'),
    (long)((((g < 66) & (0xaa ? this->a : g)) && ((74 & 0xffff) << 11))))
---
-1 57 0

=== expr_073 begin
this->a = (long)273; this->b = (long)777; g = (long)177; h = (long)-64;
printf("%d %d %d\n",
    (long)(this->a),
    (long)(((!(0x4 % ((this->b) | 1))) - this->b)),
    (long)((((!h) == (0x89 / ((this->a) | 1))) ^ (!(!'Z')))))
---
273 -777 0

=== expr_074 begin
this->a = (long)968; this->b = (long)51; g = (long)785; h = (long)46;
printf("%d %d %d\n",
    (long)(((~(0x8c ? h : 'Z')) - (long)-46)),
    (long)((((0x2f / (('z') | 1)) / (((-this->b)) | 1)) - ((('A' & 0xffff) << 12) % (((this->b * h)) | 1)))),
    (long)((((((this->b != 0x45) & 0xffff) << 6) & 0xffff) << 7)))
---
-1 -1029 8192

=== expr_075 begin
this->a = (long)900; this->b = (long)342; g = (long)989; h = (long)-884;
printf("%d %d %d\n",
    (long)((((-this->a) & 0xffff) << 1)),
    (long)((((!this->a) != 0x23) + ((this->b * 0xc4) & (long)-50))),
    (long)((h >= ((~83) / (((this->b || 'Z')) | 1)))))
---
129272 67017 0

=== expr_076 begin
this->a = (long)228; this->b = (long)985; g = (long)992; h = (long)-330;
printf("%d %d %d\n",
    (long)((((this->a >> 3) / (((g + (long)-25)) | 1)) * (-(~'0')))),
    (long)(((((long)-38 * 96) / (((-(long)-40)) | 1)) >> 19)),
    (long)((((h && this->b) * (68 + this->a)) * 1)))
---
0 -1 296

=== expr_077 begin
this->a = (long)-268; this->b = (long)-843; g = (long)170; h = (long)295;
printf("%d %d %d\n",
    (long)(((('z' >> 2) <= (this->b % (((long)-45) | 1))) ^ (28 || 0x2))),
    (long)('9'),
    (long)((((g % ((0x3f) | 1)) >> 18) + ((h ? this->b : 12) - ((long)-41 - (long)-37)))))
---
1 57 -839

=== expr_078 begin
this->a = (long)-909; this->b = (long)-323; g = (long)-135; h = (long)-752;
printf("%d %d %d\n",
    (long)(84),
    (long)((((this->a % (('0') | 1)) + (long)-37) % ((((long)-45 ? ('z' >= h) : (98 - this->a))) | 1))),
    (long)((~((this->b % ((22) | 1)) * (this->a == (long)-5)))))
---
84 0 -1

=== expr_079 begin
this->a = (long)783; this->b = (long)43; g = (long)415; h = (long)-800;
printf("%d %d %d\n",
    (long)((!((this->b - 0xc8) / ((((0x74 & 0xffff) << 9)) | 1)))),
    (long)(((((this->a * 'A') || (this->b ? h : g)) & 0xffff) << 0)),
    (long)(((~(!38)) ^ ((h && (long)-10) >> 18))))
---
1 1 -1

=== expr_080 begin
this->a = (long)-25; this->b = (long)-668; g = (long)93; h = (long)-394;
printf("%d %d %d\n",
    (long)((-((this->a ? 'z' : 78) - (this->b % ((0xab) | 1))))),
    (long)(((('0' % (('z') | 1)) && (-h)) - ((h && h) >> 18))),
    (long)(((!(89 + '9')) - ((!(long)-31) || this->a))))
---
-277 1 -1

=== expr_081 begin
this->a = (long)723; this->b = (long)-73; g = (long)-458; h = (long)-28;
printf("%d %d %d\n",
    (long)((~((g * this->b) && (g ? this->b : 0xf4)))),
    (long)((((~0x82) + (!h)) | ((52 && 74) ^ (g ? 0x5f : this->a)))),
    (long)(((((~43) % (((-this->b)) | 1)) & 0xffff) << 10)))
---
-2 -129 67063808

=== expr_082 begin
this->a = (long)399; this->b = (long)-893; g = (long)-650; h = (long)27;
printf("%d %d %d\n",
    (long)(((('A' | this->a) * ('0' && (long)-45)) ? 'Z' : (('A' ? 0x55 : 0) && ((this->b & 0xffff) << 7)))),
    (long)(((this->a * (h * this->b)) * (((0xc ? (long)-15 : this->b) & 0xffff) << 4))),
    (long)((('0' || this->a) + ((!h) / (((~g)) | 1)))))
---
90 -10085295289104 1

=== expr_083 begin
this->a = (long)982; this->b = (long)540; g = (long)-418; h = (long)230;
printf("%d %d %d\n",
    (long)(((((long)-32 * this->a) >> 16) / (((~(-'9'))) | 1))),
    (long)(h),
    (long)((~0x22)))
---
0 230 -35

=== expr_084 begin
this->a = (long)-594; this->b = (long)-532; g = (long)-171; h = (long)94;
printf("%d %d %d\n",
    (long)((((this->b - h) - (h / ((this->a) | 1))) || ((g * h) == (!h)))),
    (long)(((!h) && (~(0xdb * g)))),
    (long)(h))
---
1 0 94

=== expr_085 begin
this->a = (long)-918; this->b = (long)-36; g = (long)-34; h = (long)653;
printf("%d %d %d\n",
    (long)((((h || g) >> 17) >> 18)),
    (long)(((((long)-24 / ((h) | 1)) + (~this->b)) / ((((0x8e || this->b) && (42 ? (long)-8 : 0xe9))) | 1))),
    (long)((((-18) >> 19) / ((h) | 1))))
---
0 35 0

=== expr_086 begin
this->a = (long)650; this->b = (long)-922; g = (long)365; h = (long)476;
printf("%d %d %d\n",
    (long)((-(('9' == g) ? g : (h + g)))),
    (long)(((((this->a - 0x23) & 0xffff) << 9) >> 3)),
    (long)(((((long)-23 - h) - ('0' - this->b)) || (this->a * (g + g)))))
---
-841 39360 1

=== expr_087 begin
this->a = (long)1; this->b = (long)-920; g = (long)586; h = (long)-309;
printf("%d %d %d\n",
    (long)((((!((long)-8 && (long)-26)) & 0xffff) << 7)),
    (long)(((((g & 0xffff) << 5) < (0xc2 * (long)-19)) - ((this->b % ((h) | 1)) % (((g >> 4)) | 1)))),
    (long)(('z' % ((((long)-36 % ((((g & 0xffff) << 3)) | 1))) | 1))))
---
0 6 17

=== expr_088 begin
this->a = (long)207; this->b = (long)-501; g = (long)825; h = (long)-583;
printf("%d %d %d\n",
    (long)((-((-this->a) ? ((long)-38 && h) : this->b))),
    (long)((g % ((((!g) - (g - 'A'))) | 1))),
    (long)((0 * (!('9' + 'Z')))))
---
-1 66 0

=== expr_089 begin
this->a = (long)622; this->b = (long)-306; g = (long)198; h = (long)531;
printf("%d %d %d\n",
    (long)((((g | g) / ((h) | 1)) + (-(g * (long)-36)))),
    (long)((((this->b & 0xffff) << 2) ? 99 : ((!h) ^ (53 ? h : this->a)))),
    (long)(((32 & (this->a ? '9' : 'Z')) || ((0xd <= h) >> 9))))
---
7128 99 1

=== expr_090 begin
this->a = (long)127; this->b = (long)626; g = (long)-798; h = (long)171;
printf("%d %d %d\n",
    (long)(this->b),
    (long)(((-((long)-24 * 6)) / ((((!this->a) >> 20)) | 1))),
    (long)((!93)))
---
626 144 0

=== expr_091 begin
this->a = (long)-965; this->b = (long)-315; g = (long)719; h = (long)263;
printf("%d %d %d\n",
    (long)((((-0) >= ((long)-21 * 0xee)) > ((((long)-35 & 0xffff) << 5) <= ('a' | this->a)))),
    (long)((((0x5a ^ this->a) >> 16) + (('Z' ? 'A' : g) ? (4 ^ this->a) : 0xfd))),
    (long)(((61 % (((!93)) | 1)) >> 19)))
---
1 -962 0

=== expr_092 begin
this->a = (long)875; this->b = (long)-334; g = (long)304; h = (long)621;
printf("%d %d %d\n",
    (long)((~(((this->a & 0xffff) << 4) ? ((this->b & 0xffff) << 5) : ((long)-9 * '0')))),
    (long)((15 + 'A')),
    (long)(((-('A' / ((76) | 1))) - (!this->a))))
---
-2086465 80 0

=== expr_093 begin
this->a = (long)686; this->b = (long)502; g = (long)-833; h = (long)-660;
printf("%d %d %d\n",
    (long)((((g / ((this->b) | 1)) | 'a') >> 14)),
    (long)((((-this->b) <= h) - (('0' - h) - (g - h)))),
    (long)(0x9c))
---
-1 -881 156

=== expr_094 begin
this->a = (long)762; this->b = (long)256; g = (long)775; h = (long)237;
printf("%d %d %d\n",
    (long)(((0xc6 / (((0x5b || 91)) | 1)) * (-(this->a >> 11)))),
    (long)((('a' || (0xea >> 4)) % (((long)-21) | 1))),
    (long)((~(g ^ (0x7a + '0')))))
---
0 1 -942

=== expr_095 begin
this->a = (long)243; this->b = (long)565; g = (long)-635; h = (long)-540;
printf("%d %d %d\n",
    (long)(((!(~h)) + ((g % (((long)-17) | 1)) - (this->b / ((g) | 1))))),
    (long)((((!this->a) ? (this->a - h) : (this->a >= 0xf9)) + ((h >> 11) + (this->a + 44)))),
    (long)((!((g ? h : this->a) < (g / ((this->b) | 1))))))
---
-6 286 0

=== expr_096 begin
this->a = (long)252; this->b = (long)456; g = (long)-427; h = (long)900;
printf("%d %d %d\n",
    (long)((((0xb0 & 0xffff) << 5) % ((h) | 1))),
    (long)(((28 + (this->b >> 7)) | (long)-7)),
    (long)((~((0x1a - '9') / ((h) | 1)))))
---
226 -1 -1

=== expr_097 begin
this->a = (long)-931; this->b = (long)988; g = (long)553; h = (long)-138;
printf("%d %d %d\n",
    (long)(g),
    (long)((-(long)-44)),
    (long)(((((g & 0xffff) << 11) & (h * '9')) >> 3)))
---
553 44 141312

=== expr_098 begin
this->a = (long)-251; this->b = (long)-229; g = (long)-959; h = (long)951;
printf("%d %d %d\n",
    (long)(((-(long)-6) / (((((g % ((this->b) | 1)) & 0xffff) << 4)) | 1))),
    (long)((((this->a % ((1) | 1)) / (((g % (((long)-49) | 1))) | 1)) >> 17)),
    (long)(((-(9 - 'A')) + (-(this->b * 27)))))
---
0 0 6239

=== expr_099 begin
this->a = (long)222; this->b = (long)653; g = (long)625; h = (long)267;
printf("%d %d %d\n",
    (long)(this->a),
    (long)(((!(0x4c * this->a)) >> 17)),
    (long)(((this->a - (!this->a)) <= (g >> 13))))
---
222 0 0

=== expr_100 begin
this->a = (long)-229; this->b = (long)-815; g = (long)311; h = (long)-701;
printf("%d %d %d\n",
    (long)((~h)),
    (long)(('z' ? (-((long)-45 / ((0x8c) | 1))) : (~((long)-22 ? this->b : g)))),
    (long)((!((long)-12 - (!this->b)))))
---
700 0 0

=== expr_101 begin
this->a = (long)283; this->b = (long)689; g = (long)-277; h = (long)803;
printf("%d %d %d\n",
    (long)(((('a' >> 5) >= (h / ((this->b) | 1))) % ((((-this->a) / (((18 % ((g) | 1))) | 1))) | 1))),
    (long)(h),
    (long)(g))
---
1 803 -277

=== expr_102 begin
this->a = (long)-10; this->b = (long)19; g = (long)-178; h = (long)-763;
printf("%d %d %d\n",
    (long)(((-(g >> 8)) + ((('z' & 0xffff) << 7) / (((this->b && (long)-43)) | 1)))),
    (long)(((!(~'A')) * (((this->b + h) & 0xffff) << 7))),
    (long)(this->a))
---
15617 0 -10

=== expr_103 begin
this->a = (long)215; this->b = (long)-173; g = (long)-106; h = (long)580;
printf("%d %d %d\n",
    (long)(this->a),
    (long)(((-0xf6) * 80)),
    (long)((('Z' - (0x65 <= this->a)) | ((h && this->b) / ((('A' == this->a)) | 1)))))
---
215 -19680 89

=== expr_104 begin
this->a = (long)-299; this->b = (long)-961; g = (long)256; h = (long)-463;
printf("%d %d %d\n",
    (long)(((!(!0x52)) ^ (!('a' * this->b)))),
    (long)((((-'0') % (((g - 0xb0)) | 1)) ? this->a : (('9' * 0xdf) - ('z' & h)))),
    (long)(((this->a >> 2) != ((this->a + g) + (h + (long)-48)))))
---
1 -299 1

=== expr_105 begin
this->a = (long)-659; this->b = (long)-690; g = (long)-259; h = (long)533;
printf("%d %d %d\n",
    (long)(((long)-33 | (((g & 0xffff) << 3) - this->b))),
    (long)((((g & 0xffff) << 4) <= (((g * 0x83) & 0xffff) << 8))),
    (long)((((-0x59) * (g - 6)) >> 2)))
---
-33 1 5896

=== expr_106 begin
this->a = (long)367; this->b = (long)93; g = (long)786; h = (long)-415;
printf("%d %d %d\n",
    (long)((63 * g)),
    (long)((-(0x13 && (g % ((h) | 1))))),
    (long)('Z'))
---
49518 -1 90

=== expr_107 begin
this->a = (long)-852; this->b = (long)-223; g = (long)-440; h = (long)791;
printf("%d %d %d\n",
    (long)((-(((this->b & 0xffff) << 9) % (((-0x10)) | 1)))),
    (long)(((88 & 0xffff) << 8)),
    (long)(g))
---
-6 22528 -440

=== expr_108 begin
this->a = (long)-38; this->b = (long)-550; g = (long)990; h = (long)-984;
printf("%d %d %d\n",
    (long)((((this->a + h) / ((((long)-5 % ((17) | 1))) | 1)) >> 1)),
    (long)((!(~(-'A')))),
    (long)(((g * (70 >> 10)) - ((19 >> 19) < (-'z')))))
---
102 0 0

=== expr_109 begin
this->a = (long)-996; this->b = (long)-963; g = (long)-451; h = (long)280;
printf("%d %d %d\n",
    (long)(h),
    (long)(((-(this->a >> 6)) * (this->a ? ('9' | 80) : ('a' % (((long)-15) | 1))))),
    (long)((((-(-0x3f)) & 0xffff) << 1)))
---
280 1936 126
