=== unknown_variable err
BEGIN { trace(nosuch); }
---
trace: failed to compile script FILE: [D_IDENT_UNDEF] line 1: failed to resolve nosuch: Unknown variable name

=== line_numbers_count err
BEGIN
{
	x = 1;
	trace(nosuch);
}
---
trace: failed to compile script FILE: [D_IDENT_UNDEF] line 4: failed to resolve nosuch: Unknown variable name

=== unset_thread_local err
BEGIN { trace(self->x); }
---
trace: failed to compile script FILE: [D_VAR_UNDEF] line 1: self->x has not yet been declared or assigned

=== unset_clause_local err
BEGIN { trace(this->x); }
---
trace: failed to compile script FILE: [D_VAR_UNDEF] line 1: this->x has not yet been declared or assigned

=== no_such_probe err
nosuch:::probe { trace(1); }
---
trace: failed to compile script FILE: [D_PDESC_ZERO] line 1: probe description nosuch:::probe does not match any probes

=== no_such_syscall err
syscall::nosuch:entry { trace(1); }
---
trace: failed to compile script FILE: [D_PDESC_ZERO] line 1: probe description syscall::nosuch:entry does not match any probes

=== syntax_at_end err
BEGIN { trace(1)
---
trace: failed to compile script FILE: [D_SYNTAX] line 2: syntax error near end of input

=== syntax_near_word err
BEGIN { trace(1) trace(2); }
---
trace: failed to compile script FILE: [D_SYNTAX] line 1: syntax error near "trace"

=== division_by_zero err
BEGIN { trace(5 / 0); }
---
trace: failed to compile script FILE: [D_DIV_ZERO] line 1: expression contains division by zero

=== modulo_by_zero err
BEGIN { trace(5 % 0); }
---
trace: failed to compile script FILE: [D_DIV_ZERO] line 1: expression contains division by zero

=== floats_are_refused err
BEGIN { trace(1.5); }
---
trace: failed to compile script FILE: [D_SYNTAX] line 1: floating-point constants are not permitted

=== integer_overflow err
BEGIN { trace(99999999999999999999); }
---
trace: failed to compile script FILE: [D_INT_OFLOW] line 1: integer constant 99999999999999999999 cannot be represented in any built-in integral type

=== bad_digit err
BEGIN { trace(09); }
---
trace: failed to compile script FILE: [D_INT_DIGIT] line 1: invalid digit in integer constant: 09

=== empty_character err
BEGIN { trace(''); }
---
trace: failed to compile script FILE: [D_CHR_NULL] line 1: empty character constant

=== newline_in_string err
BEGIN { trace("abc
def"); }
---
trace: failed to compile script FILE: [D_STR_NL] line 1: newline encountered in string literal

=== comment_without_end err
BEGIN { trace(1); } /* never
---
trace: failed to compile script FILE: [D_COMMENT] line 1: end-of-file before matching */

=== comment_in_comment err
/* a /* b */ BEGIN { }
---
trace: failed to compile script FILE: [D_COMMENT] line 1: /* encountered inside a comment

=== unknown_function err
BEGIN { foo(1); }
---
trace: failed to compile script FILE: [D_FUNC_UNDEF] line 1: undefined function name: foo

=== too_few_arguments err
BEGIN { trace(strlen()); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: strlen( ) prototype mismatch: 0 args passed, 1 expected

=== too_many_arguments err
BEGIN { trace(strlen("a", "b")); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: strlen( ) prototype mismatch: 2 args passed, 1 expected

=== wrong_argument err
BEGIN { trace(strlen(5)); }
---
trace: failed to compile script FILE: [D_PROTO_ARG] line 1: strlen( ) argument #1 is incompatible with prototype:
	prototype: const char *
	 argument: int

=== trace_without_argument err
BEGIN { trace(); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: trace( ) prototype mismatch: 0 args passed, 1 expected

=== trace_of_void err
BEGIN { trace((void)1); }
---
trace: failed to compile script FILE: [D_TRACE_VOID] line 1: trace( ) may not be applied to a void expression

=== string_plus_string err
BEGIN { trace("a" + "b"); }
---
trace: failed to compile script FILE: [D_OP_INT] line 1: operator + requires operands of integral type

=== string_times_int err
BEGIN { x = "a" * 2; }
---
trace: failed to compile script FILE: [D_OP_INT] line 1: operator * requires operands of integral type

=== assign_string_to_int err
int x;
BEGIN { x = "abc"; }
---
trace: failed to compile script FILE: [D_OP_INCOMPAT] line 2: operands have incompatible types: "int" = "string"

=== assign_to_builtin err
BEGIN { pid = 5; }
---
trace: failed to compile script FILE: [D_OP_WRITE] line 1: operator = can only be applied to a writable variable

=== assign_to_constant err
BEGIN { 5 = 6; }
---
trace: failed to compile script FILE: [D_OP_LVAL] line 1: operator = requires modifiable lvalue as an operand

=== dereference_of_integer err
BEGIN { trace(*5); }
---
trace: failed to compile script FILE: [D_DEREF_NONPTR] line 1: cannot dereference non-pointer type

=== dereference_of_void_pointer err
BEGIN { trace(*(void *)0); }
---
trace: failed to compile script FILE: [D_DEREF_VOID] line 1: cannot dereference pointer to void

=== unknown_member err
struct s { int a; };
struct s x;
BEGIN { trace(x.b); }
---
trace: failed to compile script FILE: [D_TYPE_MEMBER] line 3: b is not a member of struct s

=== arrow_on_struct err
struct s { int a; };
struct s x;
BEGIN { trace(x->a); }
---
trace: failed to compile script FILE: [D_OP_PTR] line 3: operator -> must be applied to a pointer

=== member_of_integer err
BEGIN { x = 1; trace(x.a); }
---
trace: failed to compile script FILE: [D_OP_SOU] line 1: operator . cannot be applied to type "int"; must be applied to a struct or union

=== predicate_must_be_scalar err
struct s { int a; };
struct s x;
BEGIN /x/ { }
---
trace: failed to compile script FILE: [D_PRED_SCALAR] line 3: predicate result must be of scalar type

=== null_effect err
BEGIN { 5; }
---
trace: failed to compile script FILE: [D_EXPR_NULL] line 1: expression has null effect

=== redeclared_variable err
int x;
int x;
BEGIN { }
---
trace: failed to compile script FILE: [D_DECL_IDRED] line 2: identifier redeclared: x

=== redeclared_member err
struct s { int a; int a; };
BEGIN { }
---
trace: failed to compile script FILE: [D_DECL_SCOPE] line 1: struct s member a is already defined

=== void_variable err
void x;
BEGIN { }
---
trace: failed to compile script FILE: [D_DECL_VOIDOBJ] line 1: cannot declare void object: x

=== incomplete_struct err
struct nosuch_struct x;
BEGIN { }
---
trace: failed to compile script FILE: [D_DECL_INCOMPLETE] line 1: incomplete struct/union/enum struct nosuch_struct: x

=== index_out_of_bounds err
int a[4];
BEGIN { trace(a[4]); }
---
trace: failed to compile script FILE: [D_ARR_BOUNDS] line 2: index outside array bounds: 4, max is 3

=== assoc_as_scalar err
BEGIN { a[1] = 2; trace(a); }
---
trace: failed to compile script FILE: [D_IDENT_BADREF] line 1: associative array 'a' may not be referenced as scalar

=== assoc_key_count err
BEGIN { a[1, 2] = 3; trace(a[1]); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: a[ ] prototype mismatch: 1 arg passed, 2 expected

=== assoc_key_type err
BEGIN { a[1] = 3; trace(a["x"]); }
---
trace: failed to compile script FILE: [D_PROTO_ARG] line 1: a[ ] key #1 is incompatible with prototype:
	prototype: int
	 argument: string

=== agg_undefined err
BEGIN { printa(@nosuch); }
---
trace: failed to compile script FILE: [D_AGG_UNDEF] line 1: undefined aggregation: @nosuch

=== agg_redefined err
BEGIN { @a = count(); @a = sum(1); }
---
trace: failed to compile script FILE: [D_AGG_REDEF] line 1: aggregation redefined: @a
	 current: @a = sum( )
	previous: @a = count( ) : line 1

=== agg_key_count err
BEGIN { @a[1] = count(); @a[1, 2] = count(); }
---
trace: failed to compile script FILE: [D_KEY_TYPE] line 1: @a[ ] prototype mismatch: 2 args passed, 1 expected

=== agg_as_value err
BEGIN { @a = count(); x = @a; }
---
trace: failed to compile script FILE: [D_AGG_NULL] line 1: expression is not valid: aggregation @a may only be assigned to, or passed to an action

=== agg_needs_function err
BEGIN { @a = 5; }
---
trace: failed to compile script FILE: [D_AGG_FUNC] line 1: @a must be assigned the result of an aggregating function

=== agg_of_unknown_function err
BEGIN { @a = nosuch(); }
---
trace: failed to compile script FILE: [D_FUNC_UNDEF] line 1: undefined function name: nosuch

=== agg_of_plain_function err
BEGIN { @a = strlen("a"); }
---
trace: failed to compile script FILE: [D_AGG_FUNC] line 1: @a must be assigned the result of an aggregating function

=== count_takes_nothing err
BEGIN { @a = count(1); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: count( ) prototype mismatch: 1 arg passed, 0 expected

=== sum_takes_one err
BEGIN { @a = sum(); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: sum( ) prototype mismatch: 0 args passed, 1 expected

=== sum_needs_scalar err
BEGIN { @a = sum("x"); }
---
trace: failed to compile script FILE: [D_AGG_SCALAR] line 1: sum( ) argument #1 must be of scalar type

=== lquantize_needs_limits err
BEGIN { @a = lquantize(1); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: lquantize( ) prototype mismatch: 1 arg passed, at least 3 expected

=== lquantize_constant_base err
BEGIN { x = 1; @a = lquantize(1, x, 10, 1); }
---
trace: failed to compile script FILE: [D_LQUANT_BASETYPE] line 1: lquantize( ) argument #2 (base value) must be an integer constant

=== lquantize_base_above_limit err
BEGIN { @a = lquantize(1, 10, 5, 1); }
---
trace: failed to compile script FILE: [D_LQUANT_MISMATCH] line 1: lquantize( ) base (argument #2) must be less than limit (argument #3)

=== lquantize_step_too_large err
BEGIN { @a = lquantize(1, 0, 10, 100); }
---
trace: failed to compile script FILE: [D_LQUANT_STEPSMALL] line 1: lquantize( ) step (argument #4) too large: must have at least one quantization level

=== lquantize_step_zero err
BEGIN { @a = lquantize(1, 0, 10, 0); }
---
trace: failed to compile script FILE: [D_LQUANT_STEPVAL] line 1: lquantize( ) argument #4 must be a non-zero 16-bit quantity

=== lquantize_mismatch err
BEGIN { @a = lquantize(1, 0, 10, 1); @a = lquantize(1, 0, 20, 1); }
---
trace: failed to compile script FILE: [D_LQUANT_MATCHLIM] line 1: lquantize( ) limit (argument #3) doesn't match previous declaration

=== llquantize_bad_steps err
BEGIN { @a = llquantize(1, 10, 0, 6, 7); }
---
trace: failed to compile script FILE: [D_LLQUANT_FACTOREVEN] line 1: llquantize( ) factor must be evenly divisible by the number of steps

=== llquantize_overflow err
BEGIN { @a = llquantize(1, 10, 0, 30, 10); }
---
trace: failed to compile script FILE: [D_LLQUANT_MAGTOOBIG] line 1: llquantize( ) factor (10) raised to power of high magnitude (30) overflows 64-bits

=== printf_without_format err
BEGIN { printf(); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: printf( ) prototype mismatch: 0 args passed, at least 1 expected

=== printf_empty_format err
BEGIN { printf(""); }
---
trace: failed to compile script FILE: [D_PRINTF_FMT_EMPTY] line 1: printf( ) format string is empty

=== printf_missing_argument err
BEGIN { printf("%d %d\n", 1); }
---
trace: failed to compile script FILE: [D_PRINTF_ARG_PROTO] line 1: printf( ) prototype mismatch: conversion #2 (%d) is missing a corresponding value argument

=== printf_extra_argument err
BEGIN { printf("%d\n", 1, 2); }
---
trace: failed to compile script FILE: [D_PRINTF_ARG_EXTRA] line 1: printf( ) prototype mismatch: only 1 argument required by this format string

=== printf_wrong_type err
BEGIN { printf("%d\n", "abc"); }
---
trace: failed to compile script FILE: [D_PRINTF_ARG_TYPE] line 1: printf( ) argument #2 is incompatible with conversion #1 prototype:
	conversion: %d
	 prototype: int
	  argument: string

=== printf_string_for_int err
BEGIN { printf("%s\n", 5); }
---
trace: failed to compile script FILE: [D_PRINTF_ARG_TYPE] line 1: printf( ) argument #2 is incompatible with conversion #1 prototype:
	conversion: %s
	 prototype: char [] or string (or use stringof)
	  argument: int

=== printf_unknown_conversion err
BEGIN { printf("%j\n", 5); }
---
trace: failed to compile script FILE: [D_PRINTF_FMT] line 1: printf( ) format conversion #1: unknown conversion specifier %j

=== printf_agg_conversion err
BEGIN { printf("%@d\n", 5); }
---
trace: failed to compile script FILE: [D_PRINTF_AGG_CONV] line 1: %@ conversion requires an aggregation and is not for use with printf( )

=== printf_of_variable_format err
BEGIN { x = "a"; printf(x); }
---
trace: failed to compile script FILE: [D_PRINTF_ARG_FMT] line 1: printf( ) argument #1 is incompatible with prototype:
	prototype: string constant
	 argument: non-constant

=== printa_of_scalar err
BEGIN { printa(5); }
---
trace: failed to compile script FILE: [D_PRINTA_PROTO] line 1: printa( ) argument #1 is incompatible with prototype:
	prototype: format string or aggregation
	 argument: expression

=== printa_format_only err
BEGIN { printa("%d"); }
---
trace: failed to compile script FILE: [D_PRINTA_AGGARG] line 1: printa( ) prototype mismatch: an aggregation is expected

=== printa_too_many_keys err
BEGIN { @a[1] = count(); printa("%d %d %@d", @a); }
---
trace: failed to compile script FILE: [D_PRINTF_ARG_PROTO] line 1: printa( ) prototype mismatch: conversion #2 (%d) is missing a corresponding value argument

=== printa_different_keys err
BEGIN { @a[1] = count(); @b["x"] = count(); printa(@a, @b); }
---
trace: failed to compile script FILE: [D_PRINTA_AGGPROTO] line 1: printa( ) aggregations @a and @b have different types of key #1

=== clear_of_scalar err
BEGIN { clear(5); }
---
trace: failed to compile script FILE: [D_CLEAR_AGGARG] line 1: clear( ) argument #1 is incompatible with prototype:
	prototype: aggregation
	 argument: int

=== trunc_of_string err
BEGIN { @a[1] = count(); trunc(@a, "x"); }
---
trace: failed to compile script FILE: [D_TRUNC_SCALAR] line 1: trunc( ) argument #2 must be of scalar type

=== normalize_without_factor err
BEGIN { @a = count(); normalize(@a); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: normalize( ) prototype mismatch: 1 arg passed, 2 expected

=== speculate_after_data err
BEGIN { trace(1); speculate(1); }
---
trace: failed to compile script FILE: [D_SPEC_DREC] line 1: speculate( ) may not follow data-recording actions

=== aggregation_after_speculate err
BEGIN { speculate(1); @a = count(); }
---
trace: failed to compile script FILE: [D_AGG_SPEC] line 1: aggregating actions may not follow speculate( )

=== exit_after_speculate err
BEGIN { speculate(1); exit(0); }
---
trace: failed to compile script FILE: [D_EXIT_SPEC] line 1: exit( ) may not follow speculate( )

=== commit_after_data err
BEGIN { trace(1); commit(1); }
---
trace: failed to compile script FILE: [D_COMM_DREC] line 1: commit( ) may not follow data-recording actions

=== data_after_commit err
BEGIN { commit(1); trace(1); }
---
trace: failed to compile script FILE: [D_DREC_COMM] line 1: data-recording actions may not follow commit( )

=== two_commits err
BEGIN { commit(1); commit(1); }
---
trace: failed to compile script FILE: [D_COMM_COMM] line 1: commit( ) may not follow commit( )

=== two_speculates err
BEGIN { speculate(1); speculate(1); }
---
trace: failed to compile script FILE: [D_SPEC_SPEC] line 1: speculate( ) may not follow speculate( )

=== stack_frames_must_be_constant err
BEGIN { x = 3; stack(x); }
---
trace: failed to compile script FILE: [D_STACK_SIZE] line 1: stack( ) argument #1 must be a non-zero positive integer constant

=== stack_frames_positive err
BEGIN { stack(0); }
---
trace: failed to compile script FILE: [D_STACK_SIZE] line 1: stack( ) argument #1 must be a non-zero positive integer constant

=== tracemem_constant_size err
BEGIN { x = 5; tracemem(0, x); }
---
trace: failed to compile script FILE: [D_TRACEMEM_SIZE] line 1: tracemem( ) argument #2 must be a non-zero positive integral constant expression

=== unknown_option_in_pragma err
#pragma D option nosuch
BEGIN { }
---
trace: failed to compile script FILE: [D_PRAGMA_OPTSET] line 1: failed to set option 'nosuch': Invalid option name

=== bad_option_value err
#pragma D option strsize=abc
BEGIN { }
---
trace: failed to compile script FILE: [D_PRAGMA_OPTSET] line 1: failed to set option 'strsize' to 'abc': Invalid value for specified option

=== unknown_pragma err
#pragma D nosuch
BEGIN { }
---
trace: failed to compile script FILE: [D_PRAGMA_INVAL] line 1: invalid #pragma nosuch

=== pragma_error err
#pragma D error "stop"
BEGIN { }
---
trace: failed to compile script FILE: [D_PRAGERR] line 1: #error:  "stop"

=== bad_directive err
#nosuch
BEGIN { }
---
trace: failed to compile script FILE: [D_PRAGCTL_INVAL] line 1: invalid control directive: #nosuch

=== macro_argument_missing err
BEGIN { trace($1); }
---
trace: failed to compile script FILE: [D_MACRO_UNDEF] line 1: macro argument $1 is not defined

=== cast_of_struct err
struct s { int a; };
struct s x;
BEGIN { trace((int)x); }
---
trace: failed to compile script FILE: [D_CAST_INVAL] line 3: invalid cast expression: "struct s" to "int"

=== sizeof_void err
BEGIN { trace(sizeof(void)); }
---
trace: failed to compile script FILE: [D_SIZEOF_TYPE] line 1: cannot apply sizeof to an operand of type "void"

=== offsetof_unknown_member err
struct s { int a; };
BEGIN { trace(offsetof(struct s, b)); }
---
trace: failed to compile script FILE: [D_TYPE_MEMBER] line 2: b is not a member of struct s

=== bitfield_too_wide err
struct s { int a : 40; };
BEGIN { }
---
trace: failed to compile script FILE: [D_DECL_BFSIZE] line 1: bit-field size is zero, negative or larger than its type: a

=== typedef_twice err
typedef int foo_t;
typedef long foo_t;
BEGIN { }
---
trace: failed to compile script FILE: [D_DECL_IDRED] line 2: typedef redeclared: foo_t

=== address_of_variable err
BEGIN { x = 5; y = &x; }
---
trace: failed to compile script FILE: [D_ADDROF_VAR] line 1: cannot take the address of a dynamic or scalar variable: x

=== args_without_types err
BEGIN { trace(args[0]); }
---
trace: failed to compile script FILE: [D_ARGS_NONE] line 1: args[ ] may not be referenced because probe description :::BEGIN matches an unstable set of probes

=== args_out_of_range err
syscall::read:entry { trace(args[6]); }
---
trace: failed to compile script FILE: [D_ARGS_IDX] line 1: index 6 is out of range for syscall::read:entry args[ ]

=== translator_unknown_member err
struct out { int a; };
translator struct out < int i > { b = i; };
BEGIN { }
---
trace: failed to compile script FILE: [D_XLATE_MEMB] line 2: translator member b definition uses unknown member of type "struct out"

=== translator_missing err
struct out { int a; };
BEGIN { trace(xlate <struct out> (5).a); }
---
trace: failed to compile script FILE: [D_XLATE_NONE] line 2: translator does not exist from type "int" to type "struct out"

=== inline_redefined err
inline int x = 1;
inline int x = 2;
BEGIN { }
---
trace: failed to compile script FILE: [D_DECL_IDRED] line 2: identifier redefined: x

=== overspecified_probe err
a:b:c:d:e { }
---
trace: failed to compile script FILE: [D_PDESC_INVAL] line 1: overspecified probe description: a:b:c:d:e

