=== strsize_cuts begin -x strsize=8
printf("[%s]\n", strjoin("abcdef", "ghijkl"))
---
[abcdefg]

=== rawbytes begin -x rawbytes
this->a = (char *)alloca(2); this->a[0] = 'h'; trace(strlen("x"))
---
1

=== quiet_by_pragma
#pragma D option quiet
BEGIN { printf("q\n"); exit(0); }
---
q

=== option_by_setopt
BEGIN { setopt("aggsortrev"); @[1] = sum(1); @[2] = sum(9); printa("%d\n", @); exit(0); }
---
2
1

=== unknown_option_in_setopt begin
setopt("nosuchoption")
---

trace: failed to set "nosuchoption": Invalid option name

=== defaultargs begin -x defaultargs
printf("%d[%s]\n", $1, $$2)
---
0[]

=== scratchsize -x scratchsize=32
BEGIN { this->p = alloca(16); this->q = alloca(16); printf("ok\n"); }
BEGIN { this->r = alloca(64); printf("not here\n"); }
BEGIN { exit(0); }
---
ok

trace: error on enabled probe ID 2 (ID 1: dtrace:::BEGIN): out of scratch space in action #1

=== nspec_of_two
BEGIN { this->a = speculation(); this->b = speculation(); this->c = speculation(); printf("%d %d %d\n", this->a, this->b, this->c); exit(0); }
---
1 0 0

trace: 2 failed speculations (no speculative buffer available)

=== nspec_option -x nspec=2
BEGIN { this->a = speculation(); this->b = speculation(); this->c = speculation(); printf("%d %d %d\n", this->a, this->b, this->c); exit(0); }
---
1 2 0

trace: 1 failed speculation (no speculative buffer available)

=== zdefs -Z
nosuch:::probe { trace(1); }
BEGIN { printf("on\n"); exit(0); }
---
on

=== destructive_needs_the_option status=1
BEGIN { system("echo no"); exit(0); }
---
trace: could not enable tracing: Destructive actions not allowed

=== destructive_with_the_option -w
BEGIN { system("echo yes"); exit(0); }
---
yes

=== errtags err
BEGIN { trace(x); }
---
trace: failed to compile script FILE: [D_IDENT_UNDEF] line 1: failed to resolve x: Unknown variable name

=== argref -x argref
BEGIN { exit(0); }
---

=== stackindent begin -x stackindent=2
printf("%d\n", stackdepth > 0)
---
1

=== stackframes begin -x stackframes=1
@[stack()] = count(); clear(@); trunc(@); printf("ok\n")
---
ok

=== aggsize_of_little err -x aggsize=8
BEGIN { @["a long enough key"] = count(); }
---
trace: [D_UNKNOWN] Enabling exceeds size of buffer

=== bad_value status=1 -x bufpolicy=nonsense
BEGIN { exit(0); }
---
trace: failed to set -x bufpolicy: Invalid value for specified option

=== bad_option status=1 -x nonsense
BEGIN { exit(0); }
---
trace: failed to set -x nonsense: Invalid option name

