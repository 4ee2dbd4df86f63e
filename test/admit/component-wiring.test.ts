// Components whose imports take another way than straight to the world: refused, with the reason.
import { describe, test } from 'vitest';
import { type Bent, refuses } from './component-made.ts';

describe('a component is refused, with the reason, when', () => {
  test.each<Bent>([
    // Wiring of imports.
    [
      'two imports are exchanged',
      '"fill" (func $fill-later)',
      '"fill" (func $fail-later)',
      'import "fill" of "lodger:kernel/random@0.1.0" is wired to "exit.fail"',
    ],
    ['two imports are exchanged in the table', 'func 0 1 2', 'func 1 0 2', 'is wired to "exit.fail"'],
    [
      'two imports are exchanged behind the table',
      '"0" (func $lowered-fill)',
      '"0" (func $lowered-fail)',
      'is wired to "exit.fail"',
    ],
    [
      'two imports are exchanged in the shim',
      'i32.const 0 call_indirect',
      'i32.const 1 call_indirect',
      'is wired to "exit.fail"',
    ],
    [
      'an import is wired to the main module itself',
      '(with "main" (instance $main))',
      '(with "main" (instance $actual))',
      'not given its import "_initialize"',
    ],
    [
      'an import is wired to nothing',
      '(with "lodger:kernel/clock@0.1.0" (instance $clocks))',
      '',
      'not given its import "now"',
    ],
    [
      'an import is wired to a table',
      '(core instance $clocks (export "now" (func $lowered-now)))',
      '(alias core export $shim "$imports" (core table $t)) (core instance $clocks (export "now" (table $t)))',
      'not given its import "now"',
    ],
    [
      'an import is wired to the table of the shim',
      '(with "lodger:kernel/random@0.1.0" (instance $randoms))',
      '(with "lodger:kernel/random@0.1.0" (instance $shim))',
      'given "fill", which is neither an import of the world nor forwarded',
    ],
    [
      'the main module imports a memory',
      '(memory (export "memory") 1)',
      '(import "m" "m" (memory 1))',
      'imports "m", which is not a function',
    ],
    [
      'a call passes under another type',
      /\(param i32 i32 i32\)\)\)\n {4}\(table/,
      '(param i32 i32 i64)))\n    (table',
      'pass "log.write" under another type',
    ],
    [
      'a slot is filled under another type',
      '"actual" "2" (func (param i32 i32 i32))',
      '"actual" "2" (func (param i32 i32))',
      'pass "log.write" under another type',
    ],
    // Trampolines.
    [
      'the shim changes what it passes',
      'local.get 0 local.get 1 local.get 2',
      'local.get 0 local.get 0 local.get 2',
      'does more than forward',
    ],
    [
      'the shim does something else',
      'local.get 2 i32.const 2',
      'local.get 2 i32.const 1 i32.const 1 i32.add',
      'does more than forward',
    ],
    [
      'the shim has locals',
      '(func (export "0") (type $two)',
      '(func (export "0") (type $two) (local i32)',
      'does more than forward',
    ],
    [
      'the shim does something afterwards',
      'call_indirect (type $three))',
      'call_indirect (type $three) nop)',
      'does more than forward',
    ],
    [
      'the shim calls a slot that it does not have',
      'i32.const 2 call_indirect',
      'i32.const 3 call_indirect',
      'leads nowhere',
    ],
    [
      'the shim has two tables',
      '(table (export "$imports")',
      '(table 1 funcref) (table (export "$imports")',
      'more or less than one table',
    ],
    [
      'the shim has a table of anything',
      '(table (export "$imports") 3 3 funcref)',
      '(table (export "$imports") 3 3 externref)',
      'something other than functions',
    ],
    [
      'the shim passes vectors',
      '(type $two (func (param i32 i32)))',
      '(type $two (func (param i32 i32))) (type (func (param v128)))',
      'something other than numbers',
    ],
    ['a slot is never filled', 'func 0 1 2', 'func 0 1', 'slot 2 of its shim module is never filled'],
    [
      'a slot is filled twice',
      '(elem (i32.const 0)',
      '(elem (i32.const 0) func 0) (elem (i32.const 0)',
      'fills its table in an unusual way',
    ],
    [
      'a slot is filled by expressions',
      'func 0 1 2',
      'funcref (ref.func 0) (ref.func 1) (ref.func 2)',
      'fills its table in an unusual way',
    ],
    [
      'slots are filled that are not there',
      '(elem (i32.const 0)',
      '(elem (i32.const 1)',
      'slots that its table does not have',
    ],
    ["the main module's table is filled", '"shim" "$imports"', '"main" "own"', 'fills another table'],
    [
      'a table of another size is filled',
      '(import "shim" "$imports" (table 3 3',
      '(import "shim" "$imports" (table 3 4',
      'fills another table',
    ],
    [
      'the fix-up imports a memory',
      '(elem (i32.const 0)',
      '(import "main" "memory" (memory 1)) (elem (i32.const 0)',
      'neither a function nor a table',
    ],
    ['the initializer is never called', '(start 3)', '', 'never calls the "_initialize"'],
    [
      'another function is called at the start',
      '(import "main" "_initialize"',
      '(import "main" "run"',
      'other than "_initialize"',
    ],
    ['an import is called at the start', '(start 3)', '(start 0)', 'other than "_initialize"'],
    ['the initializer has another name', '(export "_initialize")', '(export "initialize")', 'other than "_initialize"'],
  ])('%s', refuses);
});
