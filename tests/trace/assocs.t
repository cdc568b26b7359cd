=== assoc_00 begin
a["x"] = (int)0;
a["x"] += 75;
a["yy"] = 91;
a["zzz"] += 72;
printf("%d %d %d\n", a["x"], a["yy"], a["zzz"])
---
75 91 72

=== assoc_01 begin
a["x"] = (int)0;
a["yy"] = 0;
a["yy"]++;
a["x"] = 0;
a["x"] += 7;
a["zzz"]++;
a["zzz"]++;
a["yy"] += 80;
a["x"] += 70;
printf("%d %d %d\n", a["x"], a["yy"], a["zzz"])
---
77 81 2

=== assoc_02 begin
a[0, "p"] = (int)0;
a[1, "q"] = 5;
a[2, "p"] -= 61;
a[2, "q"] = 88;
a[2, "p"] += 89;
a[0, "q"] += 50;
a[0, "q"] = 0;
printf("%d %d %d\n", a[0, "p"], a[1, "q"], a[2, "p"])
---
0 5 28

=== assoc_03 begin
a["x"] = (int)0;
a["yy"] += 51;
a["zzz"] -= 42;
a["yy"] += 23;
a["yy"]++;
printf("%d %d %d\n", a["x"], a["yy"], a["zzz"])
---
0 75 -42

=== assoc_04 begin
a["x"] = (int)0;
a["x"]++;
a["zzz"] += 8;
a["x"] -= 54;
a["x"] -= 58;
a["yy"] -= 86;
a["yy"] = 2;
a["zzz"]++;
printf("%d %d %d\n", a["x"], a["yy"], a["zzz"])
---
-111 2 9

=== assoc_05 begin
a[0, "p"] = (int)0;
a[1, "q"]++;
a[0, "q"] += 26;
a[0, "p"] = 0;
a[0, "q"] = 26;
a[0, "q"] = 0;
a[2, "p"] -= 26;
a[2, "p"]++;
a[0, "q"] -= 35;
printf("%d %d %d\n", a[0, "p"], a[1, "q"], a[2, "p"])
---
0 1 -25

=== assoc_06 begin
a[0, "p"] = (int)0;
a[0, "p"] += 61;
a[1, "p"] = 5;
a[2, "p"]++;
a[0, "q"] -= 12;
a[2, "p"]++;
printf("%d %d %d\n", a[0, "p"], a[1, "q"], a[2, "p"])
---
61 0 2

=== assoc_07 begin
a[0] = (int)0;
a[2] = 0;
a[0] = 97;
a[1] = 59;
a[1] += 97;
printf("%d %d %d\n", a[0], a[1], a[2])
---
97 156 0

=== assoc_08 begin
a[0] = (int)0;
a[3]++;
a[3] = 0;
a[3]++;
printf("%d %d %d\n", a[0], a[1], a[2])
---
0 0 0

=== assoc_09 begin
a[0] = (int)0;
a[0] = 9;
a[2] = 45;
a[2] += 75;
a[4] -= 22;
a[1] += 37;
printf("%d %d %d\n", a[0], a[1], a[2])
---
9 37 120

=== assoc_10 begin
a["x"] = (int)0;
a["zzz"]++;
a["x"] -= 1;
a["yy"]++;
a["x"] = 88;
a["x"] -= 76;
a["x"] += 12;
a["x"] += 1;
printf("%d %d %d\n", a["x"], a["yy"], a["zzz"])
---
25 1 1

=== assoc_11 begin
a[0, "p"] = (int)0;
a[2, "p"] += 3;
a[1, "p"] -= 88;
a[0, "p"]++;
a[1, "q"]++;
printf("%d %d %d\n", a[0, "p"], a[1, "q"], a[2, "p"])
---
1 1 3

=== assoc_12 begin
a[0] = (int)0;
a[4] = 0;
a[4] = 51;
a[0] = 5;
a[4]++;
a[0] = 0;
a[1] += 99;
printf("%d %d %d\n", a[0], a[1], a[2])
---
0 99 0

=== assoc_13 begin
a[0, "p"] = (int)0;
a[2, "p"] += 15;
a[0, "p"]++;
a[1, "p"] += 77;
printf("%d %d %d\n", a[0, "p"], a[1, "q"], a[2, "p"])
---
1 0 15

=== assoc_14 begin
a["x"] = (int)0;
a["zzz"] = 0;
a["yy"] -= 39;
a["yy"] = 20;
a["zzz"] = 0;
a["x"] += 32;
a["yy"] += 16;
a["yy"]++;
a["zzz"] += 95;
printf("%d %d %d\n", a["x"], a["yy"], a["zzz"])
---
32 37 95

=== assoc_15 begin
a[0, "p"] = (int)0;
a[2, "q"]++;
a[1, "q"] -= 92;
a[2, "p"] -= 96;
a[1, "q"] = 35;
a[2, "p"] = 0;
a[2, "q"] = 0;
a[0, "q"] -= 23;
printf("%d %d %d\n", a[0, "p"], a[1, "q"], a[2, "p"])
---
0 35 0

=== assoc_16 begin
a["x"] = (int)0;
a["yy"] -= 96;
a["zzz"]++;
a["x"] = 0;
a["yy"] = 87;
a["zzz"]++;
a["zzz"] += 87;
a["zzz"] = 0;
a["x"] = 80;
printf("%d %d %d\n", a["x"], a["yy"], a["zzz"])
---
80 87 0

=== assoc_17 begin
a[0, "p"] = (int)0;
a[0, "p"] = 52;
a[1, "p"] = 0;
a[0, "p"] -= 5;
a[2, "p"] = 79;
a[0, "p"] = 13;
printf("%d %d %d\n", a[0, "p"], a[1, "q"], a[2, "p"])
---
13 0 79

=== assoc_18 begin
a[0, "p"] = (int)0;
a[1, "p"] += 44;
a[2, "q"] -= 21;
a[2, "p"] -= 59;
a[1, "q"]++;
a[1, "p"] -= 6;
a[0, "p"] += 87;
a[1, "p"] = 1;
printf("%d %d %d\n", a[0, "p"], a[1, "q"], a[2, "p"])
---
87 1 -59

=== assoc_19 begin
a[0, "p"] = (int)0;
a[0, "p"]++;
a[1, "p"] -= 23;
a[0, "q"]++;
a[2, "q"] = 0;
a[2, "q"] = 0;
printf("%d %d %d\n", a[0, "p"], a[1, "q"], a[2, "p"])
---
1 0 0

=== assoc_20 begin
a[0] = (int)0;
a[3] -= 93;
a[3] = 14;
a[4] = 52;
a[3] -= 67;
a[1] = 30;
a[3] -= 67;
a[4] -= 17;
printf("%d %d %d\n", a[0], a[1], a[2])
---
0 30 0

=== assoc_21 begin
a[0] = (int)0;
a[2] -= 9;
a[1] = 0;
a[1] += 49;
a[2] = 93;
printf("%d %d %d\n", a[0], a[1], a[2])
---
0 49 93

=== assoc_22 begin
a["x"] = (int)0;
a["x"] += 60;
a["x"] += 99;
a["yy"] = 80;
a["x"] = 99;
a["x"]++;
a["zzz"]++;
a["x"] = 22;
printf("%d %d %d\n", a["x"], a["yy"], a["zzz"])
---
22 80 1

=== assoc_23 begin
a["x"] = (int)0;
a["x"] += 12;
a["x"] -= 72;
a["x"] -= 75;
a["x"] += 15;
printf("%d %d %d\n", a["x"], a["yy"], a["zzz"])
---
-120 0 0
