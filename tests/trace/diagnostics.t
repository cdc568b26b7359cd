=== D_PROTO_LEN_none err
BEGIN { strlen(); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: strlen( ) prototype mismatch: 0 args passed, 1 expected

=== D_PROTO_LEN_many err
BEGIN { x = strlen("a", "b"); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: strlen( ) prototype mismatch: 2 args passed, 1 expected

=== D_PROTO_ARG err
BEGIN { x = strlen(1); }
---
trace: failed to compile script FILE: [D_PROTO_ARG] line 1: strlen( ) argument #1 is incompatible with prototype:
	prototype: const char *
	 argument: int

=== D_PROTO_ARG_d_path err
BEGIN { trace(d_path(1)); }
---
trace: failed to compile script FILE: [D_PROTO_ARG] line 1: d_path( ) argument #1 is incompatible with prototype:
	prototype: struct path *
	 argument: int

=== D_SYNTAX_brace err
BEGIN { trace(1);
---
trace: failed to compile script FILE: [D_SYNTAX] line 2: syntax error near end of input

=== D_SYNTAX_operator err
BEGIN { x = 1 + ; }
---
trace: failed to compile script FILE: [D_SYNTAX] line 1: syntax error near ";"

=== D_SYNTAX_predicate err
BEGIN /1 { trace(1); }
---
trace: failed to compile script FILE: [D_SYNTAX] line 1: syntax error near "{"

=== D_PDESC_ZERO err
syscall::nosuchcall:entry { trace(1); }
---
trace: failed to compile script FILE: [D_PDESC_ZERO] line 1: probe description syscall::nosuchcall:entry does not match any probes

=== D_PDESC_ZERO_tick err
tick-10xyz { trace(1); }
---
trace: failed to compile script FILE: [D_PDESC_ZERO] line 1: probe description :::tick-10xyz does not match any probes

=== D_IDENT_UNDEF err
BEGIN { trace(undefined_name); }
---
trace: failed to compile script FILE: [D_IDENT_UNDEF] line 1: failed to resolve undefined_name: Unknown variable name

=== D_SYM_UNDEF err
BEGIN { trace(`undefined_symbol_of_the_kernel); }
---
trace: failed to compile script FILE: [D_SYM_UNDEF] line 1: failed to resolve `undefined_symbol_of_the_kernel: Unknown symbol name

=== D_FUNC_UNDEF err
BEGIN { trace(nosuchfunction(1)); }
---
trace: failed to compile script FILE: [D_FUNC_UNDEF] line 1: undefined function name: nosuchfunction

=== D_AGG_SCALAR err
BEGIN { @a = sum("text"); }
---
trace: failed to compile script FILE: [D_AGG_SCALAR] line 1: sum( ) argument #1 must be of scalar type

=== D_AGG_NULL err
BEGIN { x = count(); }
---
trace: failed to compile script FILE: [D_AGG_NULL] line 1: count( ) may only be called as the value of an aggregation

=== D_AGG_REDEF err
BEGIN { @a = count(); @a = sum(1); }
---
trace: failed to compile script FILE: [D_AGG_REDEF] line 1: aggregation redefined: @a
	 current: @a = sum( )
	previous: @a = count( ) : line 1

=== D_AGG_FUNC err
BEGIN { @a = strlen("x"); }
---
trace: failed to compile script FILE: [D_AGG_FUNC] line 1: @a must be assigned the result of an aggregating function

=== D_PROTO_LEN_quantize err
BEGIN { @a = quantize(); }
---
trace: failed to compile script FILE: [D_PROTO_LEN] line 1: quantize( ) prototype mismatch: 0 args passed, at least 1 expected

=== D_LQUANT_BASETYPE err
BEGIN { x = 1; @a = lquantize(5, x, 10); }
---
trace: failed to compile script FILE: [D_LQUANT_BASETYPE] line 1: lquantize( ) argument #2 (base value) must be an integer constant

=== D_LQUANT_STEPTYPE err
BEGIN { x = 1; @a = lquantize(5, 0, 10, x); }
---
trace: failed to compile script FILE: [D_LQUANT_STEPTYPE] line 1: lquantize( ) argument #4 (step value) must be an integer constant

=== D_LQUANT_MISMATCH err
BEGIN { @a = lquantize(5, 10, 1); }
---
trace: failed to compile script FILE: [D_LQUANT_MISMATCH] line 1: lquantize( ) base (argument #2) must be less than limit (argument #3)

=== D_LLQUANT_FACTORVAL err
BEGIN { @a = llquantize(5, 1, 0, 3, 10); }
---
trace: failed to compile script FILE: [D_LLQUANT_FACTORVAL] line 1: llquantize( ) argument #2 (factor) must be an unsigned 16-bit quantity of at least 2

=== D_LLQUANT_MAGRANGE err
BEGIN { @a = llquantize(5, 10, 5, 2, 10); }
---
trace: failed to compile script FILE: [D_LLQUANT_MAGRANGE] line 1: llquantize( ) high magnitude must be at least the low magnitude

=== D_PRINTF_ARG_PROTO err
BEGIN { printf("%d %d", 1); }
---
trace: failed to compile script FILE: [D_PRINTF_ARG_PROTO] line 1: printf( ) prototype mismatch: conversion #2 (%d) is missing a corresponding value argument

=== D_PRINTF_ARG_EXTRA err
BEGIN { printf("%d", 1, 2); }
---
trace: failed to compile script FILE: [D_PRINTF_ARG_EXTRA] line 1: printf( ) prototype mismatch: only 1 argument required by this format string

=== D_PRINTF_ARG_TYPE err
BEGIN { printf("%s", 1); }
---
trace: failed to compile script FILE: [D_PRINTF_ARG_TYPE] line 1: printf( ) argument #2 is incompatible with conversion #1 prototype:
	conversion: %s
	 prototype: char [] or string (or use stringof)
	  argument: int

=== D_PRINTF_ARG_FMT err
BEGIN { printf(1); }
---
trace: failed to compile script FILE: [D_PRINTF_ARG_FMT] line 1: printf( ) argument #1 is incompatible with prototype:
	prototype: string constant
	 argument: non-constant

=== D_PRINTF_FMT_EMPTY err
BEGIN { printf(""); }
---
trace: failed to compile script FILE: [D_PRINTF_FMT_EMPTY] line 1: printf( ) format string is empty

=== D_PRINTF_AGG_CONV err
BEGIN { printf("%@d", 1); }
---
trace: failed to compile script FILE: [D_PRINTF_AGG_CONV] line 1: %@ conversion requires an aggregation and is not for use with printf( )

=== D_PRINTA_AGGARG err
BEGIN { printa("%d", 1); }
---
trace: failed to compile script FILE: [D_PRINTA_AGGARG] line 1: printa( ) argument #2 is incompatible with prototype:
	prototype: aggregation
	 argument: int

=== D_PROTO_ARG_action err
BEGIN { trace(exit(1)); }
---
trace: failed to compile script FILE: [D_PROTO_ARG] line 1: exit( ) is an action and may not be used in an expression

=== D_TRACE_AGG err
BEGIN { @a = count(); trace(@a); }
---
trace: failed to compile script FILE: [D_TRACE_AGG] line 1: trace( ) may not be applied to an aggregation

=== D_TRACEMEM_SIZE err
BEGIN { tracemem(curthread, 0); }
---
trace: failed to compile script FILE: [D_TRACEMEM_SIZE] line 1: tracemem( ) argument #2 must be a non-zero positive integral constant expression

=== D_STACK_SIZE err
BEGIN { stack(0); }
---
trace: failed to compile script FILE: [D_STACK_SIZE] line 1: stack( ) argument #1 must be a non-zero positive integer constant

=== D_DIV_ZERO err
BEGIN { x = 1 / 0; }
---
trace: failed to compile script FILE: [D_DIV_ZERO] line 1: expression contains division by zero

=== D_DIV_ZERO_mod err
BEGIN { x = 1 % 0; }
---
trace: failed to compile script FILE: [D_DIV_ZERO] line 1: expression contains division by zero

=== D_OP_INT_struct err
struct s { int a; };
struct s t;
BEGIN { x = t + 1; }
---
trace: failed to compile script FILE: [D_OP_INT] line 3: operator + requires operands of integral type

=== D_OP_INT err
BEGIN { x = ~"text"; }
---
trace: failed to compile script FILE: [D_OP_INT] line 1: operator ~ requires an operand of integral type

=== D_DEREF_NONPTR err
BEGIN { x = *3; }
---
trace: failed to compile script FILE: [D_DEREF_NONPTR] line 1: cannot dereference non-pointer type

=== D_OP_LVAL err
BEGIN { 3 = 4; }
---
trace: failed to compile script FILE: [D_OP_LVAL] line 1: operator = requires modifiable lvalue as an operand

=== D_OP_WRITE err
BEGIN { pid = 1; }
---
trace: failed to compile script FILE: [D_OP_WRITE] line 1: operator = can only be applied to a writable variable

=== D_OP_SOU err
BEGIN { x = 1; trace(x.member); }
---
trace: failed to compile script FILE: [D_OP_SOU] line 1: operator . cannot be applied to type "int"; must be applied to a struct or union

=== D_ARR_BADREF err
BEGIN { x = 1; trace(x[1]); }
---
trace: failed to compile script FILE: [D_ARR_BADREF] line 1: array subscript requires an operand of array or pointer type

=== D_TYPE_MEMBER err
struct s { int a; };
struct s t;
BEGIN { trace(t.b); }
---
trace: failed to compile script FILE: [D_TYPE_MEMBER] line 3: b is not a member of struct s

=== D_DECL_INCOMPLETE err
struct nowhere x;
BEGIN { trace(1); }
---
trace: failed to compile script FILE: [D_DECL_INCOMPLETE] line 1: incomplete struct/union/enum struct nowhere: x

=== D_DECL_IDRED err
int x;
string x;
BEGIN { trace(1); }
---
trace: failed to compile script FILE: [D_DECL_IDRED] line 2: identifier redeclared: x

=== D_DECL_ATTR err
unsigned float x;
BEGIN { trace(1); }
---
trace: failed to compile script FILE: [D_DECL_ATTR] line 1: invalid type attributes

=== D_DECL_VOIDOBJ err
void x;
BEGIN { trace(1); }
---
trace: failed to compile script FILE: [D_DECL_VOIDOBJ] line 1: cannot declare void object: x

=== D_ARR_BOUNDS err
struct s { int a[4]; };
struct s t;
BEGIN { trace(t.a[4]); }
---
trace: failed to compile script FILE: [D_ARR_BOUNDS] line 3: index outside array bounds: 4, max is 3

=== D_ARGS_NONE err
BEGIN { trace(args[0]); }
---
trace: failed to compile script FILE: [D_ARGS_NONE] line 1: args[ ] may not be referenced because probe description :::BEGIN matches an unstable set of probes

=== D_ARGS_IDX err
syscall::read:entry { trace(args[17]); }
---
trace: failed to compile script FILE: [D_ARGS_IDX] line 1: index 17 is out of range for syscall::read:entry args[ ]

=== D_MACRO_UNDEF err
BEGIN { trace($1); }
---
trace: failed to compile script FILE: [D_MACRO_UNDEF] line 1: macro argument $1 is not defined

=== D_MACRO_UNUSED err one
BEGIN { trace(1); }
---
trace: failed to compile script FILE: [D_MACRO_UNUSED] extraneous argument 'one' ($1 is not referenced)

=== D_PRAGMA_INVAL err
#pragma D nonsense
BEGIN { trace(1); }
---
trace: failed to compile script FILE: [D_PRAGMA_INVAL] line 1: invalid #pragma nonsense

=== D_PRAGMA_OPTSET err
#pragma D option nosuchoption
BEGIN { trace(1); }
---
trace: failed to compile script FILE: [D_PRAGMA_OPTSET] line 1: failed to set option 'nosuchoption': Invalid option name

=== D_DREC_COMM err
BEGIN { commit(1); trace(1); }
---
trace: failed to compile script FILE: [D_DREC_COMM] line 1: data-recording actions may not follow commit( )

=== D_COMM_DREC err
BEGIN { trace(1); commit(1); }
---
trace: failed to compile script FILE: [D_COMM_DREC] line 1: commit( ) may not follow data-recording actions

=== D_AGG_SPEC err
BEGIN { speculate(1); @a = count(); }
---
trace: failed to compile script FILE: [D_AGG_SPEC] line 1: aggregating actions may not follow speculate( )

=== D_EXIT_SPEC err
BEGIN { speculate(1); exit(0); }
---
trace: failed to compile script FILE: [D_EXIT_SPEC] line 1: exit( ) may not follow speculate( )

=== D_ADDROF_LVAL err
BEGIN { x = &pid; }
---
trace: failed to compile script FILE: [D_ADDROF_LVAL] line 1: operator & requires an lvalue

=== D_IDENT_UNDEF_sizeof err
BEGIN { x = sizeof (no_such_type); }
---
trace: failed to compile script FILE: [D_IDENT_UNDEF] line 1: failed to resolve no_such_type: Unknown variable name

=== D_OFFSETOF_BITFIELD err
struct s { int a:3; };
BEGIN { x = offsetof(struct s, a); }
---
trace: failed to compile script FILE: [D_OFFSETOF_BITFIELD] line 2: cannot take the offset of a bit-field: a

=== D_XLATE_NONE err
struct from { int a; };
struct to { int b; };
struct from f;
BEGIN { trace((xlate <struct to> (&f)).b); }
---
trace: failed to compile script FILE: [D_XLATE_NONE] line 4: translator does not exist from type "struct from *" to type "struct to"

=== D_PROTO_ARG_key err
BEGIN { a[exit(1)] = 1; }
---
trace: failed to compile script FILE: [D_PROTO_ARG] line 1: exit( ) is an action and may not be used in an expression

=== D_IDENT_BADREF err
BEGIN { a[1] = 1; trace(a); }
---
trace: failed to compile script FILE: [D_IDENT_BADREF] line 1: associative array 'a' may not be referenced as scalar

=== D_PRED_SCALAR err
struct s { int a; };
struct s t;
BEGIN /t/ { trace(1); }
---
trace: failed to compile script FILE: [D_PRED_SCALAR] line 3: predicate result must be of scalar type

=== D_INT_OFLOW err
BEGIN { trace(99999999999999999999999); }
---
trace: failed to compile script FILE: [D_INT_OFLOW] line 1: integer constant 99999999999999999999999 cannot be represented in any built-in integral type

=== D_CHR_NULL err
BEGIN { trace(''); }
---
trace: failed to compile script FILE: [D_CHR_NULL] line 1: empty character constant

=== D_STR_NL err
BEGIN { trace("no end); }
---
trace: failed to compile script FILE: [D_STR_NL] line 1: newline encountered in string literal

=== D_SYNTAX_float err
BEGIN { x = 1.5; }
---
trace: failed to compile script FILE: [D_SYNTAX] line 1: floating-point constants are not permitted

=== D_SYNTAX_while err
BEGIN { while (1) { trace(1); } }
---
trace: failed to compile script FILE: [D_SYNTAX] line 1: syntax error near "while"

