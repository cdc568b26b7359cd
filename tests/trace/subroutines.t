=== substr_000 begin
printf("[%s]\n", substr("hello world", -2, 5))
---
[ld]

=== substr_001 begin
printf("[%s]\n", substr("foo.bar.baz", -5, 0))
---
[]

=== substr_002 begin
printf("[%s]\n", substr("aaaa", -1, 6))
---
[a]

=== substr_003 begin
printf("[%s]\n", substr("", 7))
---
[]

=== substr_004 begin
printf("[%s]\n", substr("hello world", -11, 6))
---
[hello ]

=== substr_005 begin
printf("[%s]\n", substr("/", -5))
---
[/]

=== substr_006 begin
printf("[%s]\n", substr("0123456789abcdef", 9))
---
[9abcdef]

=== substr_007 begin
printf("[%s]\n", substr("", 9, 4))
---
[]

=== substr_008 begin
printf("[%s]\n", substr("xxabxxabxx", -9, 1))
---
[x]

=== substr_009 begin
printf("[%s]\n", substr("abc", -8, 0))
---
[]

=== substr_010 begin
printf("[%s]\n", substr("hello world", 12))
---
[]

=== substr_011 begin
printf("[%s]\n", substr("xxabxxabxx", 5, 5))
---
[xabxx]

=== substr_012 begin
printf("[%s]\n", substr("a", 11, 1))
---
[]

=== substr_013 begin
printf("[%s]\n", substr("0123456789abcdef", -4))
---
[cdef]

=== substr_014 begin
printf("[%s]\n", substr("trailing/", 10, 4))
---
[]

=== substr_015 begin
printf("[%s]\n", substr("Mixed CASE 123", 9, 3))
---
[E 1]

=== substr_016 begin
printf("[%s]\n", substr("foo.bar.baz", 4, 3))
---
[bar]

=== substr_017 begin
printf("[%s]\n", substr("a", 3, 0))
---
[]

=== substr_018 begin
printf("[%s]\n", substr("a", -1, 4))
---
[a]

=== substr_019 begin
printf("[%s]\n", substr("a/b", 9))
---
[]

=== substr_020 begin
printf("[%s]\n", substr("/usr/share/trace", 12, 2))
---
[ra]

=== substr_021 begin
printf("[%s]\n", substr("", 2))
---
[]

=== basename_022 begin
printf("[%s]\n", basename(""))
---
[.]

=== dirname_023 begin
printf("[%s]\n", dirname(""))
---
[.]

=== length_024 begin
printf("[%d]\n", strlen(""))
---
[0]

=== upper_025 begin
printf("[%s]\n", toupper(""))
---
[]

=== lower_026 begin
printf("[%s]\n", tolower(""))
---
[]

=== basename_027 begin
printf("[%s]\n", basename("a"))
---
[a]

=== dirname_028 begin
printf("[%s]\n", dirname("a"))
---
[.]

=== length_029 begin
printf("[%d]\n", strlen("a"))
---
[1]

=== upper_030 begin
printf("[%s]\n", toupper("a"))
---
[A]

=== lower_031 begin
printf("[%s]\n", tolower("a"))
---
[a]

=== basename_032 begin
printf("[%s]\n", basename("abc"))
---
[abc]

=== dirname_033 begin
printf("[%s]\n", dirname("abc"))
---
[.]

=== length_034 begin
printf("[%d]\n", strlen("abc"))
---
[3]

=== upper_035 begin
printf("[%s]\n", toupper("abc"))
---
[ABC]

=== lower_036 begin
printf("[%s]\n", tolower("abc"))
---
[abc]

=== basename_037 begin
printf("[%s]\n", basename("hello world"))
---
[hello world]

=== dirname_038 begin
printf("[%s]\n", dirname("hello world"))
---
[.]

=== length_039 begin
printf("[%d]\n", strlen("hello world"))
---
[11]

=== upper_040 begin
printf("[%s]\n", toupper("hello world"))
---
[HELLO WORLD]

=== lower_041 begin
printf("[%s]\n", tolower("hello world"))
---
[hello world]

=== basename_042 begin
printf("[%s]\n", basename("/usr/share/trace"))
---
[trace]

=== dirname_043 begin
printf("[%s]\n", dirname("/usr/share/trace"))
---
[/usr/share]

=== length_044 begin
printf("[%d]\n", strlen("/usr/share/trace"))
---
[16]

=== upper_045 begin
printf("[%s]\n", toupper("/usr/share/trace"))
---
[/USR/SHARE/TRACE]

=== lower_046 begin
printf("[%s]\n", tolower("/usr/share/trace"))
---
[/usr/share/trace]

=== basename_047 begin
printf("[%s]\n", basename("foo.bar.baz"))
---
[foo.bar.baz]

=== dirname_048 begin
printf("[%s]\n", dirname("foo.bar.baz"))
---
[.]

=== length_049 begin
printf("[%d]\n", strlen("foo.bar.baz"))
---
[11]

=== upper_050 begin
printf("[%s]\n", toupper("foo.bar.baz"))
---
[FOO.BAR.BAZ]

=== lower_051 begin
printf("[%s]\n", tolower("foo.bar.baz"))
---
[foo.bar.baz]

=== basename_052 begin
printf("[%s]\n", basename("xxabxxabxx"))
---
[xxabxxabxx]

=== dirname_053 begin
printf("[%s]\n", dirname("xxabxxabxx"))
---
[.]

=== length_054 begin
printf("[%d]\n", strlen("xxabxxabxx"))
---
[10]

=== upper_055 begin
printf("[%s]\n", toupper("xxabxxabxx"))
---
[XXABXXABXX]

=== lower_056 begin
printf("[%s]\n", tolower("xxabxxabxx"))
---
[xxabxxabxx]

=== basename_057 begin
printf("[%s]\n", basename("Mixed CASE 123"))
---
[Mixed CASE 123]

=== dirname_058 begin
printf("[%s]\n", dirname("Mixed CASE 123"))
---
[.]

=== length_059 begin
printf("[%d]\n", strlen("Mixed CASE 123"))
---
[14]

=== upper_060 begin
printf("[%s]\n", toupper("Mixed CASE 123"))
---
[MIXED CASE 123]

=== lower_061 begin
printf("[%s]\n", tolower("Mixed CASE 123"))
---
[mixed case 123]

=== basename_062 begin
printf("[%s]\n", basename("0123456789abcdef"))
---
[0123456789abcdef]

=== dirname_063 begin
printf("[%s]\n", dirname("0123456789abcdef"))
---
[.]

=== length_064 begin
printf("[%d]\n", strlen("0123456789abcdef"))
---
[16]

=== upper_065 begin
printf("[%s]\n", toupper("0123456789abcdef"))
---
[0123456789ABCDEF]

=== lower_066 begin
printf("[%s]\n", tolower("0123456789abcdef"))
---
[0123456789abcdef]

=== basename_067 begin
printf("[%s]\n", basename("aaaa"))
---
[aaaa]

=== dirname_068 begin
printf("[%s]\n", dirname("aaaa"))
---
[.]

=== length_069 begin
printf("[%d]\n", strlen("aaaa"))
---
[4]

=== upper_070 begin
printf("[%s]\n", toupper("aaaa"))
---
[AAAA]

=== lower_071 begin
printf("[%s]\n", tolower("aaaa"))
---
[aaaa]

=== basename_072 begin
printf("[%s]\n", basename("/"))
---
[/]

=== dirname_073 begin
printf("[%s]\n", dirname("/"))
---
[/]

=== length_074 begin
printf("[%d]\n", strlen("/"))
---
[1]

=== upper_075 begin
printf("[%s]\n", toupper("/"))
---
[/]

=== lower_076 begin
printf("[%s]\n", tolower("/"))
---
[/]

=== basename_077 begin
printf("[%s]\n", basename("a/b"))
---
[b]

=== dirname_078 begin
printf("[%s]\n", dirname("a/b"))
---
[a]

=== length_079 begin
printf("[%d]\n", strlen("a/b"))
---
[3]

=== upper_080 begin
printf("[%s]\n", toupper("a/b"))
---
[A/B]

=== lower_081 begin
printf("[%s]\n", tolower("a/b"))
---
[a/b]

=== basename_082 begin
printf("[%s]\n", basename("trailing/"))
---
[trailing]

=== dirname_083 begin
printf("[%s]\n", dirname("trailing/"))
---
[.]

=== length_084 begin
printf("[%d]\n", strlen("trailing/"))
---
[9]

=== upper_085 begin
printf("[%s]\n", toupper("trailing/"))
---
[TRAILING/]

=== lower_086 begin
printf("[%s]\n", tolower("trailing/"))
---
[trailing/]

=== basename_087 begin
printf("[%s]\n", basename("//double//slash"))
---
[slash]

=== dirname_088 begin
printf("[%s]\n", dirname("//double//slash"))
---
[//double]

=== length_089 begin
printf("[%d]\n", strlen("//double//slash"))
---
[15]

=== upper_090 begin
printf("[%s]\n", toupper("//double//slash"))
---
[//DOUBLE//SLASH]

=== lower_091 begin
printf("[%s]\n", tolower("//double//slash"))
---
[//double//slash]

=== basename_092 begin
printf("[%s]\n", basename("the quick brown fox"))
---
[the quick brown fox]

=== dirname_093 begin
printf("[%s]\n", dirname("the quick brown fox"))
---
[.]

=== length_094 begin
printf("[%d]\n", strlen("the quick brown fox"))
---
[19]

=== upper_095 begin
printf("[%s]\n", toupper("the quick brown fox"))
---
[THE QUICK BROWN FOX]

=== lower_096 begin
printf("[%s]\n", tolower("the quick brown fox"))
---
[the quick brown fox]

=== index_097 begin
printf("[%d]\n", index("//double//slash", "/"))
---
[0]

=== rindex_098 begin
printf("[%d]\n", rindex("//double//slash", "/"))
---
[9]

=== strstr_099 begin
printf("[%s]\n", strstr("//double//slash", "/"))
---
[//double//slash]

=== index_100 begin
printf("[%d]\n", index("a", "o"))
---
[-1]

=== rindex_101 begin
printf("[%d]\n", rindex("a", "o"))
---
[-1]

=== strstr_102 begin
printf("[%s]\n", strstr("a", "o"))
---
[]

=== index_103 begin
printf("[%d]\n", index("a/b", "zzz"))
---
[-1]

=== rindex_104 begin
printf("[%d]\n", rindex("a/b", "zzz"))
---
[-1]

=== strstr_105 begin
printf("[%s]\n", strstr("a/b", "zzz"))
---
[]

=== index_106 begin
printf("[%d]\n", index("hello world", "zzz"))
---
[-1]

=== rindex_107 begin
printf("[%d]\n", rindex("hello world", "zzz"))
---
[-1]

=== strstr_108 begin
printf("[%s]\n", strstr("hello world", "zzz"))
---
[]

=== index_109 begin
printf("[%d]\n", index("trailing/", "x"))
---
[-1]

=== rindex_110 begin
printf("[%d]\n", rindex("trailing/", "x"))
---
[-1]

=== strstr_111 begin
printf("[%s]\n", strstr("trailing/", "x"))
---
[]

=== index_112 begin
printf("[%d]\n", index("a", "bar"))
---
[-1]

=== rindex_113 begin
printf("[%d]\n", rindex("a", "bar"))
---
[-1]

=== strstr_114 begin
printf("[%s]\n", strstr("a", "bar"))
---
[]

=== index_115 begin
printf("[%d]\n", index("0123456789abcdef", "zzz"))
---
[-1]

=== rindex_116 begin
printf("[%d]\n", rindex("0123456789abcdef", "zzz"))
---
[-1]

=== strstr_117 begin
printf("[%s]\n", strstr("0123456789abcdef", "zzz"))
---
[]

=== index_118 begin
printf("[%d]\n", index("0123456789abcdef", "/"))
---
[-1]

=== rindex_119 begin
printf("[%d]\n", rindex("0123456789abcdef", "/"))
---
[-1]

=== strstr_120 begin
printf("[%s]\n", strstr("0123456789abcdef", "/"))
---
[]

=== index_121 begin
printf("[%d]\n", index("foo.bar.baz", "fox"))
---
[-1]

=== rindex_122 begin
printf("[%d]\n", rindex("foo.bar.baz", "fox"))
---
[-1]

=== strstr_123 begin
printf("[%s]\n", strstr("foo.bar.baz", "fox"))
---
[]

=== index_124 begin
printf("[%d]\n", index("hello world", "bar"))
---
[-1]

=== rindex_125 begin
printf("[%d]\n", rindex("hello world", "bar"))
---
[-1]

=== strstr_126 begin
printf("[%s]\n", strstr("hello world", "bar"))
---
[]

=== index_127 begin
printf("[%d]\n", index("trailing/", "o"))
---
[-1]

=== rindex_128 begin
printf("[%d]\n", rindex("trailing/", "o"))
---
[-1]

=== strstr_129 begin
printf("[%s]\n", strstr("trailing/", "o"))
---
[]

=== index_130 begin
printf("[%d]\n", index("xxabxxabxx", "/"))
---
[-1]

=== rindex_131 begin
printf("[%d]\n", rindex("xxabxxabxx", "/"))
---
[-1]

=== strstr_132 begin
printf("[%s]\n", strstr("xxabxxabxx", "/"))
---
[]

=== index_133 begin
printf("[%d]\n", index("", "bar"))
---
[-1]

=== rindex_134 begin
printf("[%d]\n", rindex("", "bar"))
---
[-1]

=== strstr_135 begin
printf("[%s]\n", strstr("", "bar"))
---
[]

=== index_136 begin
printf("[%d]\n", index("Mixed CASE 123", "o"))
---
[-1]

=== rindex_137 begin
printf("[%d]\n", rindex("Mixed CASE 123", "o"))
---
[-1]

=== strstr_138 begin
printf("[%s]\n", strstr("Mixed CASE 123", "o"))
---
[]

=== index_139 begin
printf("[%d]\n", index("/usr/share/trace", "x"))
---
[-1]

=== rindex_140 begin
printf("[%d]\n", rindex("/usr/share/trace", "x"))
---
[-1]

=== strstr_141 begin
printf("[%s]\n", strstr("/usr/share/trace", "x"))
---
[]

=== index_142 begin
printf("[%d]\n", index("Mixed CASE 123", "a"))
---
[-1]

=== rindex_143 begin
printf("[%d]\n", rindex("Mixed CASE 123", "a"))
---
[-1]

=== strstr_144 begin
printf("[%s]\n", strstr("Mixed CASE 123", "a"))
---
[]

=== index_145 begin
printf("[%d]\n", index("foo.bar.baz", "o"))
---
[1]

=== rindex_146 begin
printf("[%d]\n", rindex("foo.bar.baz", "o"))
---
[2]

=== strstr_147 begin
printf("[%s]\n", strstr("foo.bar.baz", "o"))
---
[oo.bar.baz]

=== index_148 begin
printf("[%d]\n", index("aaaa", "xx"))
---
[-1]

=== rindex_149 begin
printf("[%d]\n", rindex("aaaa", "xx"))
---
[-1]

=== strstr_150 begin
printf("[%s]\n", strstr("aaaa", "xx"))
---
[]

=== index_151 begin
printf("[%d]\n", index("//double//slash", "ab"))
---
[-1]

=== rindex_152 begin
printf("[%d]\n", rindex("//double//slash", "ab"))
---
[-1]

=== strstr_153 begin
printf("[%s]\n", strstr("//double//slash", "ab"))
---
[]

=== index_154 begin
printf("[%d]\n", index("the quick brown fox", "xx"))
---
[-1]

=== rindex_155 begin
printf("[%d]\n", rindex("the quick brown fox", "xx"))
---
[-1]

=== strstr_156 begin
printf("[%s]\n", strstr("the quick brown fox", "xx"))
---
[]

=== strchr_157 begin
printf("[%s]\n", strchr("the quick brown fox", '/'))
---
[]

=== strrchr_158 begin
printf("[%s]\n", strrchr("the quick brown fox", '/'))
---
[]

=== strchr_159 begin
printf("[%s]\n", strchr("0123456789abcdef", '/'))
---
[]

=== strrchr_160 begin
printf("[%s]\n", strrchr("0123456789abcdef", '/'))
---
[]

=== strchr_161 begin
printf("[%s]\n", strchr("/usr/share/trace", 'x'))
---
[]

=== strrchr_162 begin
printf("[%s]\n", strrchr("/usr/share/trace", 'x'))
---
[]

=== strchr_163 begin
printf("[%s]\n", strchr("", 'x'))
---
[]

=== strrchr_164 begin
printf("[%s]\n", strrchr("", 'x'))
---
[]

=== strchr_165 begin
printf("[%s]\n", strchr("xxabxxabxx", 'x'))
---
[xxabxxabxx]

=== strrchr_166 begin
printf("[%s]\n", strrchr("xxabxxabxx", 'x'))
---
[x]

=== strchr_167 begin
printf("[%s]\n", strchr("hello world", 'a'))
---
[]

=== strrchr_168 begin
printf("[%s]\n", strrchr("hello world", 'a'))
---
[]

=== strchr_169 begin
printf("[%s]\n", strchr("abc", 'a'))
---
[abc]

=== strrchr_170 begin
printf("[%s]\n", strrchr("abc", 'a'))
---
[abc]

=== strchr_171 begin
printf("[%s]\n", strchr("0123456789abcdef", '/'))
---
[]

=== strrchr_172 begin
printf("[%s]\n", strrchr("0123456789abcdef", '/'))
---
[]

=== strchr_173 begin
printf("[%s]\n", strchr("hello world", ' '))
---
[ world]

=== strrchr_174 begin
printf("[%s]\n", strrchr("hello world", ' '))
---
[ world]

=== strchr_175 begin
printf("[%s]\n", strchr("", '/'))
---
[]

=== strrchr_176 begin
printf("[%s]\n", strrchr("", '/'))
---
[]

=== strchr_177 begin
printf("[%s]\n", strchr("hello world", 'x'))
---
[]

=== strrchr_178 begin
printf("[%s]\n", strrchr("hello world", 'x'))
---
[]

=== strchr_179 begin
printf("[%s]\n", strchr("xxabxxabxx", '/'))
---
[]

=== strrchr_180 begin
printf("[%s]\n", strrchr("xxabxxabxx", '/'))
---
[]

=== lltostr_181 begin
printf("[%s]\n", lltostr((int64_t)0))
---
[0]

=== strtoll_182 begin
printf("[%d]\n", strtoll("0"))
---
[0]

=== lltostr_183 begin
printf("[%s]\n", lltostr((int64_t)1))
---
[1]

=== strtoll_184 begin
printf("[%d]\n", strtoll("1"))
---
[1]

=== lltostr_185 begin
printf("[%s]\n", lltostr(-(int64_t)1))
---
[-1]

=== strtoll_186 begin
printf("[%d]\n", strtoll("-1"))
---
[-1]

=== lltostr_187 begin
printf("[%s]\n", lltostr((int64_t)255))
---
[255]

=== strtoll_188 begin
printf("[%d]\n", strtoll("255"))
---
[255]

=== lltostr_189 begin
printf("[%s]\n", lltostr((int64_t)4096))
---
[4096]

=== strtoll_190 begin
printf("[%d]\n", strtoll("4096"))
---
[4096]

=== lltostr_191 begin
printf("[%s]\n", lltostr(-(int64_t)99999))
---
[-99999]

=== strtoll_192 begin
printf("[%d]\n", strtoll("-99999"))
---
[-99999]

=== lltostr_193 begin
printf("[%s]\n", lltostr((int64_t)4611686018427387904))
---
[4611686018427387904]

=== strtoll_194 begin
printf("[%d]\n", strtoll("4611686018427387904"))
---
[4611686018427387904]

=== lltostr_195 begin
printf("[%s]\n", lltostr(-(int64_t)4611686018427387904))
---
[-4611686018427387904]

=== strtoll_196 begin
printf("[%d]\n", strtoll("-4611686018427387904"))
---
[-4611686018427387904]

=== lltostr_197 begin
printf("[%s]\n", lltostr((int64_t)12345678901234))
---
[12345678901234]

=== strtoll_198 begin
printf("[%d]\n", strtoll("12345678901234"))
---
[12345678901234]

=== base_199 begin
printf("[%s]\n", lltostr(0, 2))
---
[0]

=== base_200 begin
printf("[%s]\n", lltostr(7, 2))
---
[111]

=== base_201 begin
printf("[%s]\n", lltostr(255, 2))
---
[11111111]

=== base_202 begin
printf("[%s]\n", lltostr(65535, 2))
---
[1111111111111111]

=== parse_203 begin
printf("[%d]\n", strtoll("1000010010010", 2))
---
[4242]

=== base_204 begin
printf("[%s]\n", lltostr(0, 3))
---
[0]

=== base_205 begin
printf("[%s]\n", lltostr(7, 3))
---
[21]

=== base_206 begin
printf("[%s]\n", lltostr(255, 3))
---
[100110]

=== base_207 begin
printf("[%s]\n", lltostr(65535, 3))
---
[10022220020]

=== parse_208 begin
printf("[%d]\n", strtoll("12211010", 3))
---
[4242]

=== base_209 begin
printf("[%s]\n", lltostr(0, 8))
---
[0]

=== base_210 begin
printf("[%s]\n", lltostr(7, 8))
---
[7]

=== base_211 begin
printf("[%s]\n", lltostr(255, 8))
---
[377]

=== base_212 begin
printf("[%s]\n", lltostr(65535, 8))
---
[177777]

=== parse_213 begin
printf("[%d]\n", strtoll("10222", 8))
---
[4242]

=== base_214 begin
printf("[%s]\n", lltostr(0, 16))
---
[0]

=== base_215 begin
printf("[%s]\n", lltostr(7, 16))
---
[7]

=== base_216 begin
printf("[%s]\n", lltostr(255, 16))
---
[ff]

=== base_217 begin
printf("[%s]\n", lltostr(65535, 16))
---
[ffff]

=== parse_218 begin
printf("[%d]\n", strtoll("1092", 16))
---
[4242]

=== base_219 begin
printf("[%s]\n", lltostr(0, 36))
---
[0]

=== base_220 begin
printf("[%s]\n", lltostr(7, 36))
---
[7]

=== base_221 begin
printf("[%s]\n", lltostr(255, 36))
---
[73]

=== base_222 begin
printf("[%s]\n", lltostr(65535, 36))
---
[1ekf]

=== parse_223 begin
printf("[%d]\n", strtoll("39u", 36))
---
[4242]

=== strtok_224 begin
this->a = strtok("a,b,c", ","); this->b = strtok(NULL, ","); this->c = strtok(NULL, ","); this->d = strtok(NULL, ",");
printf("[%s][%s][%s][%s]\n", this->a, this->b, this->c, this->d)
---
[a][b][c][]

=== strtok_225 begin
this->a = strtok(" x  y z ", " "); this->b = strtok(NULL, " "); this->c = strtok(NULL, " "); this->d = strtok(NULL, " ");
printf("[%s][%s][%s][%s]\n", this->a, this->b, this->c, this->d)
---
[x][y][z][]

=== strtok_226 begin
this->a = strtok("k=v;k2=v2", "=;"); this->b = strtok(NULL, "=;"); this->c = strtok(NULL, "=;"); this->d = strtok(NULL, "=;");
printf("[%s][%s][%s][%s]\n", this->a, this->b, this->c, this->d)
---
[k][v][k2][v2]

=== strtok_227 begin
this->a = strtok("single", ","); this->b = strtok(NULL, ","); this->c = strtok(NULL, ","); this->d = strtok(NULL, ",");
printf("[%s][%s][%s][%s]\n", this->a, this->b, this->c, this->d)
---
[single][][][]

=== strtok_228 begin
this->a = strtok("", ","); this->b = strtok(NULL, ","); this->c = strtok(NULL, ","); this->d = strtok(NULL, ",");
printf("[%s][%s][%s][%s]\n", this->a, this->b, this->c, this->d)
---
[][][][]

=== strtok_229 begin
this->a = strtok("::a:b::", ":"); this->b = strtok(NULL, ":"); this->c = strtok(NULL, ":"); this->d = strtok(NULL, ":");
printf("[%s][%s][%s][%s]\n", this->a, this->b, this->c, this->d)
---
[a][b][][]

=== cleanpath_230 begin
printf("[%s]\n", cleanpath("/a/b/../c"))
---
[/a/c]

=== cleanpath_231 begin
printf("[%s]\n", cleanpath("/a/./b"))
---
[/a/b]

=== cleanpath_232 begin
printf("[%s]\n", cleanpath("//a//b"))
---
[/a/b]

=== cleanpath_233 begin
printf("[%s]\n", cleanpath("/.."))
---
[/]

=== cleanpath_234 begin
printf("[%s]\n", cleanpath("/../.."))
---
[/]

=== cleanpath_235 begin
printf("[%s]\n", cleanpath("/a/.."))
---
[/]

=== cleanpath_236 begin
printf("[%s]\n", cleanpath("/a/b/"))
---
[/a/b/]

=== cleanpath_237 begin
printf("[%s]\n", cleanpath("a/b/../c"))
---
[a/c]

=== cleanpath_238 begin
printf("[%s]\n", cleanpath("./x"))
---
[x]

=== cleanpath_239 begin
printf("[%s]\n", cleanpath("/a/b/c/../../d"))
---
[/a/d]

=== cleanpath_240 begin
printf("[%s]\n", cleanpath("/"))
---
[/]

=== inet6_241 begin
this->a = (uint8_t *)alloca(16);
this->a[0] = 0; this->a[1] = 0; this->a[2] = 137; this->a[3] = 253; this->a[4] = 0; this->a[5] = 0; this->a[6] = 0; this->a[7] = 0; this->a[8] = 70; this->a[9] = 0; this->a[10] = 0; this->a[11] = 0; this->a[12] = 0; this->a[13] = 0; this->a[14] = 0; this->a[15] = 0;
printf("%s\n", inet_ntoa6(this->a))
---
0:89fd:0:0:4600::

=== inet4_242 begin
this->a = (uint8_t *)alloca(4);
this->a[0] = 202; this->a[1] = 91; this->a[2] = 196; this->a[3] = 0;
printf("%s\n", inet_ntop(AF_INET, this->a))
---
202.91.196.0

=== inet6_243 begin
this->a = (uint8_t *)alloca(16);
this->a[0] = 0; this->a[1] = 251; this->a[2] = 19; this->a[3] = 0; this->a[4] = 170; this->a[5] = 0; this->a[6] = 0; this->a[7] = 29; this->a[8] = 0; this->a[9] = 0; this->a[10] = 0; this->a[11] = 0; this->a[12] = 0; this->a[13] = 0; this->a[14] = 0; this->a[15] = 0;
printf("%s\n", inet_ntoa6(this->a))
---
fb:1300:aa00:1d::

=== inet4_244 begin
this->a = (uint8_t *)alloca(4);
this->a[0] = 66; this->a[1] = 173; this->a[2] = 11; this->a[3] = 237;
printf("%s\n", inet_ntop(AF_INET, this->a))
---
66.173.11.237

=== inet6_245 begin
this->a = (uint8_t *)alloca(16);
this->a[0] = 0; this->a[1] = 72; this->a[2] = 0; this->a[3] = 0; this->a[4] = 0; this->a[5] = 0; this->a[6] = 0; this->a[7] = 0; this->a[8] = 0; this->a[9] = 0; this->a[10] = 0; this->a[11] = 0; this->a[12] = 0; this->a[13] = 0; this->a[14] = 0; this->a[15] = 0;
printf("%s\n", inet_ntoa6(this->a))
---
48::

=== inet4_246 begin
this->a = (uint8_t *)alloca(4);
this->a[0] = 241; this->a[1] = 72; this->a[2] = 189; this->a[3] = 191;
printf("%s\n", inet_ntop(AF_INET, this->a))
---
241.72.189.191

=== inet6_247 begin
this->a = (uint8_t *)alloca(16);
this->a[0] = 0; this->a[1] = 0; this->a[2] = 0; this->a[3] = 0; this->a[4] = 133; this->a[5] = 0; this->a[6] = 0; this->a[7] = 0; this->a[8] = 0; this->a[9] = 0; this->a[10] = 0; this->a[11] = 0; this->a[12] = 0; this->a[13] = 0; this->a[14] = 0; this->a[15] = 0;
printf("%s\n", inet_ntoa6(this->a))
---
0:0:8500::

=== inet4_248 begin
this->a = (uint8_t *)alloca(4);
this->a[0] = 194; this->a[1] = 126; this->a[2] = 143; this->a[3] = 51;
printf("%s\n", inet_ntop(AF_INET, this->a))
---
194.126.143.51

=== inet6_249 begin
this->a = (uint8_t *)alloca(16);
this->a[0] = 43; this->a[1] = 0; this->a[2] = 0; this->a[3] = 0; this->a[4] = 0; this->a[5] = 0; this->a[6] = 0; this->a[7] = 0; this->a[8] = 220; this->a[9] = 0; this->a[10] = 112; this->a[11] = 0; this->a[12] = 0; this->a[13] = 112; this->a[14] = 0; this->a[15] = 0;
printf("%s\n", inet_ntoa6(this->a))
---
2b00::dc00:7000:70:0

=== inet4_250 begin
this->a = (uint8_t *)alloca(4);
this->a[0] = 161; this->a[1] = 119; this->a[2] = 45; this->a[3] = 27;
printf("%s\n", inet_ntop(AF_INET, this->a))
---
161.119.45.27

=== inet6_251 begin
this->a = (uint8_t *)alloca(16);
this->a[0] = 11; this->a[1] = 0; this->a[2] = 0; this->a[3] = 122; this->a[4] = 0; this->a[5] = 0; this->a[6] = 0; this->a[7] = 172; this->a[8] = 19; this->a[9] = 163; this->a[10] = 0; this->a[11] = 213; this->a[12] = 0; this->a[13] = 0; this->a[14] = 0; this->a[15] = 54;
printf("%s\n", inet_ntoa6(this->a))
---
b00:7a:0:ac:13a3:d5:0:36

=== inet4_252 begin
this->a = (uint8_t *)alloca(4);
this->a[0] = 69; this->a[1] = 34; this->a[2] = 66; this->a[3] = 154;
printf("%s\n", inet_ntop(AF_INET, this->a))
---
69.34.66.154

=== inet6_253 begin
this->a = (uint8_t *)alloca(16);
this->a[0] = 0; this->a[1] = 0; this->a[2] = 0; this->a[3] = 191; this->a[4] = 0; this->a[5] = 154; this->a[6] = 0; this->a[7] = 0; this->a[8] = 0; this->a[9] = 148; this->a[10] = 0; this->a[11] = 129; this->a[12] = 0; this->a[13] = 0; this->a[14] = 0; this->a[15] = 245;
printf("%s\n", inet_ntoa6(this->a))
---
0:bf:9a:0:94:81:0:f5

=== inet4_254 begin
this->a = (uint8_t *)alloca(4);
this->a[0] = 152; this->a[1] = 184; this->a[2] = 107; this->a[3] = 131;
printf("%s\n", inet_ntop(AF_INET, this->a))
---
152.184.107.131

=== inet6_255 begin
this->a = (uint8_t *)alloca(16);
this->a[0] = 0; this->a[1] = 0; this->a[2] = 22; this->a[3] = 0; this->a[4] = 0; this->a[5] = 0; this->a[6] = 78; this->a[7] = 0; this->a[8] = 0; this->a[9] = 0; this->a[10] = 0; this->a[11] = 0; this->a[12] = 163; this->a[13] = 0; this->a[14] = 0; this->a[15] = 0;
printf("%s\n", inet_ntoa6(this->a))
---
0:1600:0:4e00::a300:0

=== inet4_256 begin
this->a = (uint8_t *)alloca(4);
this->a[0] = 168; this->a[1] = 148; this->a[2] = 240; this->a[3] = 31;
printf("%s\n", inet_ntop(AF_INET, this->a))
---
168.148.240.31

=== inet6_257 begin
this->a = (uint8_t *)alloca(16);
this->a[0] = 160; this->a[1] = 129; this->a[2] = 0; this->a[3] = 0; this->a[4] = 0; this->a[5] = 0; this->a[6] = 0; this->a[7] = 0; this->a[8] = 0; this->a[9] = 0; this->a[10] = 0; this->a[11] = 225; this->a[12] = 0; this->a[13] = 0; this->a[14] = 142; this->a[15] = 0;
printf("%s\n", inet_ntoa6(this->a))
---
a081::e1:0:8e00

=== inet4_258 begin
this->a = (uint8_t *)alloca(4);
this->a[0] = 66; this->a[1] = 153; this->a[2] = 155; this->a[3] = 139;
printf("%s\n", inet_ntop(AF_INET, this->a))
---
66.153.155.139

=== inet6_259 begin
this->a = (uint8_t *)alloca(16);
this->a[0] = 0; this->a[1] = 21; this->a[2] = 0; this->a[3] = 144; this->a[4] = 0; this->a[5] = 0; this->a[6] = 0; this->a[7] = 114; this->a[8] = 0; this->a[9] = 0; this->a[10] = 25; this->a[11] = 0; this->a[12] = 0; this->a[13] = 0; this->a[14] = 13; this->a[15] = 0;
printf("%s\n", inet_ntoa6(this->a))
---
15:90:0:72:0:1900:0:d00

=== inet4_260 begin
this->a = (uint8_t *)alloca(4);
this->a[0] = 112; this->a[1] = 34; this->a[2] = 191; this->a[3] = 253;
printf("%s\n", inet_ntop(AF_INET, this->a))
---
112.34.191.253

=== json_000 begin
printf("[%s]\n", json("{\"a\":1}", "a"))
---
[1]

=== json_001 begin
printf("[%s]\n", json("{\"a\":{\"b\":[1,2,{\"c\":\"x\\\"y\"}]}}", "a.b[2].c"))
---
[x\"y]

=== json_002 begin
printf("[%s]\n", json("{\"x\":\"a:b\",\"a\":\"v\"}", "a"))
---
[v]

=== json_003 begin
printf("[%s]\n", json("{\"b\":{\"a\":1},\"a\":2}", "a"))
---
[2]

=== json_004 begin
printf("[%s]\n", json("[1,[2,3],\"s\"]", "[1]"))
---
[[2,3]]

=== json_005 begin
printf("[%s]\n", json("[1,[2,3],\"s\"]", "[1][0]"))
---
[2]

=== json_006 begin
printf("[%s]\n", json("[1,[2,3],\"s\"]", "[2]"))
---
[s]

=== json_007 begin
printf("[%s]\n", json(" { \"k\" : true , \"n\":null}", "k"))
---
[true]

=== json_008 begin
printf("[%s]\n", json("{\"a\":[]}", "a[0]"))
---
[]

=== json_009 begin
printf("[%s]\n", json("{\"a\":[]}", "a"))
---
[[]]

=== json_010 begin
printf("[%s]\n", json("{}", "a"))
---
[]

=== json_011 begin
printf("[%s]\n", json("{\"aa\":1,\"a\":2}", "a"))
---
[2]

=== json_012 begin
printf("[%s]\n", json("{\"a\":\"x\",\"aa\":2}", "aa"))
---
[2]

=== json_013 begin
printf("[%s]\n", json("5", "a"))
---
[]

=== json_014 begin
printf("[%s]\n", json("{\"a\":{\"b\":1},\"c\":3}", "c"))
---
[3]

=== json_015 begin
printf("[%s]\n", json("{\"a\":{\"b\":1},\"c\":3}", "a.c"))
---
[]

=== json_016 begin
printf("[%s]\n", json("{\"s\":\"}{][\",\"t\":-1.5e3}", "t"))
---
[-1.5e3]

=== json_017 begin
printf("[%s]\n", json("{\"s\":\"q\\\\\",\"t\":1}", "t"))
---
[1]

=== json_018 begin
printf("[%s]\n", json("[[[5]]]", "[0][0][0]"))
---
[5]

=== json_019 begin
printf("[%s]\n", json("{\"a\":{\"b\":{\"c\":1}}}", "a.b"))
---
[{"c":1}]

=== json_020 begin
printf("[%s]\n", json("{\"a\":1}", "b"))
---
[]

=== json_021 begin
printf("[%s]\n", json("{\"10\":1,\"1\":2}", "1"))
---
[2]

=== json_022 begin
printf("[%s]\n", json("[\"a\",\"b\"]", "[1]"))
---
[b]

=== json_023 begin
printf("[%s]\n", json("[\"a\",\"b\"]", "[2]"))
---
[]

=== json_024 begin
printf("[%s]\n", json("{\"a\":[{\"n\":1},{\"n\":2},{\"n\":3}]}", "a[2].n"))
---
[3]

=== json_025 begin
printf("[%s]\n", json("{\"a\":\"\",\"b\":1}", "a"))
---
[]

=== json_026 begin
printf("[%s]\n", json("{\"c d\":[]}", "c d[0]"))
---
[]

=== json_027 begin
printf("[%s]\n", json("[\"a\\\"b\"]", "[0]"))
---
[a\"b]

=== json_028 begin
printf("[%s]\n", json("{}", "zz"))
---
[]

=== json_029 begin
printf("[%s]\n", json("{}", "zz"))
---
[]

=== json_030 begin
printf("[%s]\n", json("[\":,{}[]\"]", "[0]"))
---
[:,{}[]]

=== json_031 begin
printf("[%s]\n", json("{}", "zz"))
---
[]

=== json_032 begin
printf("[%s]\n", json("{\"ab\":{\"ab\":3.5,\"long_key_name\":[],\"1\":{\"ab\":null,\"1\":\"s\"}},\"b\":[-2,[\"s\",\":,{}[]\"],[]],\"a\":[[],null,{\"ab\":\"s\",\"a\":\"s\",\"b\":\"x\\\\\"}]}", "b"))
---
[[-2,["s",":,{}[]"],[]]]

=== json_033 begin
printf("[%s]\n", json("{\"a\": \"a\\\"b\", \"1\": 3.5, \"c d\": [[\"a\\\"b\", 3.5], 3.5]}", "1"))
---
[3.5]

=== json_034 begin
printf("[%s]\n", json("[1]", "[1]"))
---
[]

=== json_035 begin
printf("[%s]\n", json("{\"b\":[],\"c d\":[{\"a\":true,\"c d\":\"s\"},{},3.5]}", "b[0]"))
---
[]

=== json_036 begin
printf("[%s]\n", json("{\"ab\":\"\"}", "zz"))
---
[]

=== json_037 begin
printf("[%s]\n", json("[{\"ab\":[\":,{}[]\",true]},[[\"x\\\\\"],{},[true,\"s\"]]]", "[2]"))
---
[]

=== json_038 begin
printf("[%s]\n", json("[-2, true]", "[0]"))
---
[-2]

=== json_039 begin
printf("[%s]\n", json("[]", "[0]"))
---
[]

=== json_040 begin
printf("[%s]\n", json("[{\"c d\": [\"a\\\"b\", -2]}]", "[0].c d[0]"))
---
[a\"b]

=== json_041 begin
printf("[%s]\n", json("{\"long_key_name\": {\"c d\": [true]}, \"c d\": [\"\", 1]}", "c d"))
---
[["", 1]]

=== json_042 begin
printf("[%s]\n", json("{\"ab\":{\"a\":[\":,{}[]\",\"\"]},\"c d\":[{}]}", "ab.a"))
---
[[":,{}[]",""]]

=== json_043 begin
printf("[%s]\n", json("{}", "zz"))
---
[]

=== json_044 begin
printf("[%s]\n", json("{\"a\": {}, \"b\": 1}", "b"))
---
[1]

=== json_045 begin
printf("[%s]\n", json("[[{\"1\":\"\",\"ab\":true,\"c d\":-2},{\"a\":null},[\"s\"]]]", "[1]"))
---
[]

=== json_046 begin
printf("[%s]\n", json("[[]]", "[1]"))
---
[]

=== json_047 begin
printf("[%s]\n", json("[\"a\\\"b\"]", "[1]"))
---
[]

=== json_048 begin
printf("[%s]\n", json("[]", "[0]"))
---
[]

=== json_049 begin
printf("[%s]\n", json("{}", "zz"))
---
[]

=== json_050 begin
printf("[%s]\n", json("[[{\"long_key_name\":null,\"a\":3.5,\"c d\":null},[]],[],{\"a\":-2}]", "[0][1]"))
---
[[]]

=== json_051 begin
printf("[%s]\n", json("{\"1\": \"\", \"long_key_name\": -2}", "long_key_name"))
---
[-2]

=== json_052 begin
printf("[%s]\n", json("{\"ab\": {\"ab\": {}}}", "ab.ab"))
---
[{}]

=== json_053 begin
printf("[%s]\n", json("{\"1\":{\"a\":[\"\",\"a\\\"b\",null],\"long_key_name\":true,\"ab\":3.5}}", "zz"))
---
[]

=== json_054 begin
printf("[%s]\n", json("[]", "[0]"))
---
[]

=== json_055 begin
printf("[%s]\n", json("[{\"a\": {\"ab\": null}, \"ab\": [null, 3.5]}, \"a\\\"b\"]", "[1]"))
---
[a\"b]

=== json_056 begin
printf("[%s]\n", json("[{}]", "[1]"))
---
[]

=== json_057 begin
printf("[%s]\n", json("{\"ab\":{},\"1\":[[\"x\\\\\",\":,{}[]\",1]]}", "zz"))
---
[]

=== json_058 begin
printf("[%s]\n", json("[[]]", "[0][0]"))
---
[]

=== json_059 begin
printf("[%s]\n", json("{\"1\":1,\"long_key_name\":{\"c d\":\"x\\\\\"},\"a\":[]}", "1"))
---
[1]

=== json_060 begin
printf("[%s]\n", json("{}", "zz"))
---
[]

=== json_061 begin
printf("[%s]\n", json("[]", "[0]"))
---
[]

=== json_062 begin
printf("[%s]\n", json("{\"a\": {\"ab\": [3.5, 1], \"c d\": -2}}", "a.zz"))
---
[]

=== json_063 begin
printf("[%s]\n", json("[{\"a\": [\"a\\\"b\", true, -2], \"c d\": \"x\\\\\"}, \"\"]", "[1]"))
---
[]

=== json_064 begin
printf("[%s]\n", json("[[\"x\\\\\",{\"a\":\"x\\\\\"}],{\"c d\":{\"a\":1,\"ab\":\"a\\\"b\"}}]", "[0]"))
---
[["x\\",{"a":"x\\"}]]

=== json_065 begin
printf("[%s]\n", json("[-2,{}]", "[1].zz"))
---
[]

=== json_066 begin
printf("[%s]\n", json("[{\"ab\": [\"a\\\"b\", \"\", -2]}, \"a\\\"b\", {\"long_key_name\": [\"\", \"x\\\\\", null]}]", "[2].zz"))
---
[]

=== json_as_a_value begin
g = json("{\"n\": 42, \"s\": \"abc\"}", "s"); h = strtoll(json("{\"n\": 42}", "n"));
printf("%s %d %d\n", g, h + 1, strlen(json("{\"k\": [1, 2]}", "k")))
---
abc 43 6

=== json_as_a_key begin
@[json("{\"user\": \"ann\"}", "user")] = count(); printa("%s %@d\n", @)
---
ann 1

=== json_of_a_dynamic_path err
BEGIN { s = "a"; trace(json("{}", s)); }
---
trace: failed to compile script FILE: [D_PROTO_ARG] line 1: json( ) argument #2 must be a string constant

