// Components of several parts, with other exports or mixed strings: refused, with the reason.
import { describe, test } from 'vitest';
import { type Bent, MAIN, RUN, refuses } from './component-made.ts';

describe('a component is refused, with the reason, when', () => {
  test.each<Bent>([
    // Modules and instances.
    ['it has two main modules', MAIN, `(core module (memory 1)) ${MAIN}`, 'it has 2 main core modules'],
    [
      'it has no main module',
      /\(core module \$main[\s\S]*?_initialize"\)\)\)/,
      '(core module $main (import "a" "b" (func)))',
      'it has 0 main core modules',
    ],
    ['it has three trampolines', MAIN, `(core module (import "a" "b" (func))) ${MAIN}`, '1 shim and 2 fix-up modules'],
    [
      'a module is instantiated twice',
      '(core instance $shim',
      '(core instance (instantiate $shim)) (core instance $shim',
      'more or less than one instance',
    ],
    [
      'a module is never instantiated',
      /\(core instance \(instantiate \$fixup[\s\S]*?\(instance \$shim\)\)\)\)/,
      '',
      'more or less than one instance',
    ],
    ['it contains a component', MAIN, `(component) ${MAIN}`, 'contains another component'],
    [
      'it passes globals',
      '(alias core export $main "run"',
      '(alias core export $main "g" (core global)) (alias core export $main "run"',
      'passes globals',
    ],
    // Exports.
    ['it exports something else', RUN, '(export "walk" (func $lifted))', 'it exports "walk"; a kernel exports run'],
    ['it exports something more', RUN, `${RUN} (export "walk" (func $lifted))`, 'it exports "run, walk"; a kernel'],
    [
      'it exports a long name',
      RUN,
      `(export "${'a'.repeat(200)}" (func $lifted))`,
      `it exports "${'a'.repeat(77)}..."; a kernel`,
    ],
    ['it exports nothing', RUN, '', 'it exports nothing; a kernel'],
    ['it exports an import', RUN, '(export "run" (func $now))', 'exports "run", one of its imports'],
    [
      'it re-exports an instance',
      RUN,
      `${RUN} (export "clock" (instance $clock))`,
      'exports "clock", one of its instances',
    ],
    ['it exports a type', RUN, `${RUN} (export "bytes" (type $bytes))`, 'exports "bytes", one of its types'],
    [
      'it exports a module',
      RUN,
      `${RUN} (export "main" (core module $main))`,
      'exports "main", one of its core modules',
    ],
    [
      'it exports under another type',
      RUN,
      '(export "run" (func $lifted) (func (param "input" $bytes)))',
      'under another type than its own',
    ],
    [
      'it makes an instance',
      RUN,
      `(instance (export "run" (func $lifted))) ${RUN}`,
      'makes or re-exports component instances',
    ],
    [
      'another function is lifted',
      '(core func $run) (memory',
      '(core func $realloc) (memory',
      "not the main module's function of that name",
    ],
    [
      'another function is called afterwards',
      '(post-return $post)',
      '(post-return $run)',
      'other than "cabi_post_run" after "run"',
    ],
    ['the post-return is forgotten', '(post-return $post)', '', 'never calls "cabi_post_run"'],
    [
      'another function allocates',
      '(realloc $realloc) string',
      '(realloc $run) string',
      'by something other than "cabi_realloc"',
    ],
    ['nothing allocates', '(realloc $realloc) string', 'string', '"run" has nothing to allocate by'],
    [
      'nothing allocates for an import',
      '(memory $memory) (realloc $realloc)))',
      '(memory $memory)))',
      '"random.fill" has nothing to allocate by',
    ],
    [
      'there is no memory',
      /lift \(core func \$run\) \(memory \$memory\)/,
      'lift (core func $run)',
      '"run" has no memory',
    ],
    [
      'an import has no memory',
      '(func $fail) (memory $memory) string',
      '(func $fail) string',
      '"exit.fail" has no memory',
    ],
    [
      'an import has a post-return',
      'lower (func $write)',
      'lower (func $write) (post-return $post)',
      'gives the import "log.write" a post-return',
    ],
    [
      'its own export is lowered',
      RUN,
      `(core func (canon lower (func $lifted) (memory $memory))) ${RUN}`,
      'calls its own exports',
    ],
    // Strings.
    [
      'encodings are mixed',
      '$write) (memory $memory) string-encoding=utf8',
      '$write) (memory $memory) string-encoding=utf16',
      'mixes string encodings: utf8, utf16',
    ],
    [
      'strings are in latin1+utf16',
      /string-encoding=utf8/g,
      'string-encoding=latin1+utf16',
      'in latin1+utf16; build it with utf8 or utf16',
    ],
  ])('%s', refuses);
});
