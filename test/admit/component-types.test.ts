// Components whose types or imports are not those of the world: refused, with the reason.
import { describe, test } from 'vitest';
import { type Bent, MAIN, RUN, refuses } from './component-made.ts';

describe('a component is refused, with the reason, when', () => {
  test.each<Bent>([
    // Types.
    [
      'a parameter has another name',
      '(param "input" $bytes)',
      '(param "text" $bytes)',
      'exports "run" as func(text: list<u8>) -> result<list<u8>, string>, the world has func(input: list<u8>)',
    ],
    [
      'an element has another type',
      '(type $bytes (list u8))',
      '(type $bytes (list s8))',
      'exports "run" as func(input: list<s8>) -> result<list<s8>, string>, the',
    ],
    ['an error has another type', '(error string)', '(error u32)', 'result<list<u8>, u32>, the world has'],
    ['there is no error', ' (error string)', '', 'result<list<u8>>, the world has'],
    ['there is no result', ' (result $answer)', '', 'exports "run" as func(input: list<u8>), the world has'],
    [
      'an import takes another type',
      '(param "len" u32)',
      '(param "len" u64)',
      'imports "random.fill" as func(len: u64) -> list<u8>, the world has func(len: u32) -> list<u8>',
    ],
    [
      'an import has other cases',
      '"debug" "info"',
      '"info" "debug"',
      'imports "log.write" as func(level: enum { info, debug, warn, error }, message: string), the world',
    ],
    ['a name spells the text of a type', '(param "len" u32)', '(param "len: u32, more" u32)', 'not in kebab-case'],
    [
      'a type means too much',
      MAIN,
      `(type $a (tuple ${'string '.repeat(60)})) (type (tuple $a $a)) ${MAIN}`,
      'far longer than any in the world',
    ],
    ['it uses resources', MAIN, `(type (resource (rep i32))) ${MAIN}`, 'uses resources'],
    ['an import brings resources', '(type $cases', '(export "r" (type (sub resource))) (type $cases', 'uses resources'],
    ['it makes resources', RUN, `(core func (canon resource.new $bytes)) ${RUN}`, 'uses resources'],
    ['it uses variants', MAIN, `(type (variant (case "a"))) ${MAIN}`, 'uses variants'],
    ['it uses flags', MAIN, `(type (flags "a")) ${MAIN}`, 'uses flags'],
    ['it uses component types', MAIN, `(type (component)) ${MAIN}`, 'uses component types'],
    ['it nests instance types', MAIN, `(type (instance (type (instance)))) ${MAIN}`, 'nests instance types'],
    [
      'an instance type has an instance',
      MAIN,
      `(type (instance (type $t u8) (export "i" (instance (type $t))))) ${MAIN}`,
      'exports "i", which is neither',
    ],
    [
      'an instance type aliases',
      MAIN,
      `(type $t u8) (type (instance (alias outer 1 $t (type)))) ${MAIN}`,
      'aliases or core types',
    ],
    ['it aliases types', MAIN, `(alias export $log "level" (type)) ${MAIN}`, 'aliases types'],
    ['it defines core types', MAIN, `(core type (func)) ${MAIN}`, 'defines core types'],
    // Imports.
    [
      'it imports a function that is not in the world',
      '(export "now"',
      '(export "today"',
      'imports "clock.today", which the world does not have',
    ],
    [
      'it imports an interface that is not in the world',
      '"lodger:kernel/clock@0.1.0" (instance $clock (',
      '"lodger:kernel/disk@0.1.0" (instance $clock (',
      'imports "lodger:kernel/disk@0.1.0", which the world does not have',
    ],
    [
      'it imports another version',
      '"lodger:kernel/clock@0.1.0" (instance $clock (',
      '"lodger:kernel/clock@0.2.0" (instance $clock (',
      'imports "lodger:kernel/clock@0.2.0", which the world does not have',
    ],
    [
      'it imports wasi',
      '"lodger:kernel/clock@0.1.0" (instance $clock (',
      '"wasi:clocks/wall-clock@0.2.0" (instance $clock (',
      'imports "wasi:clocks/wall-clock@0.2.0", which the world does not have',
    ],
    ['it imports a function', MAIN, `(import "now" (func)) ${MAIN}`, 'imports "now", which the world does not have'],
    [
      'it imports an interface as a function',
      MAIN,
      `(import "lodger:kernel/files@0.1.0" (func)) ${MAIN}`,
      'as something other than an instance',
    ],
  ])('%s', refuses);
});
