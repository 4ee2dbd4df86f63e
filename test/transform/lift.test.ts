// Lifted loops mean what the loops as written mean: the same output, the same traps, the same side effects before them.
import * as assemblyscript from 'assemblyscript';
import { describe, expect, test } from 'vitest';
import { liftLoops } from '../../kernels/transform/lift/lift.ts';
import { REASONS } from '../../kernels/transform/lift/report.ts';
import { BINARY, KIND, LOAD, LOAD_LANE, TYPE, UNARY } from '../../kernels/transform/lift/tables.ts';
import { assemble, compare, start, type Terms } from './compare.ts';
import { randomProgram } from './program.ts';

const TERMS: Terms = { runtime: 'stub', level: 1, trips: 1 };

describe('generated loops do the same lifted and as written', () => {
  test.each([
    ['with the runtime stub', TERMS, [1, 2, 3, 4, 5, 6]],
    ['where a loop of eight rounds is the shortest that is lifted', { ...TERMS, trips: 8 }, [11, 12]],
    ['with a garbage collector', { ...TERMS, runtime: 'incremental' as const }, [21, 22]],
    ['fully optimised', { ...TERMS, level: 3 as const }, [31, 32]],
  ])('%s', async (_, terms, seeds) => {
    const all = { trapped: 0, ended: 0, lifted: 0, lanes: 0 };
    for (const seed of seeds) {
      const program = randomProgram(seed, 16);
      const { difference, cases, trapped, lifted, lanes } = await compare(program, terms, {
        lift: liftLoops,
        seed,
        calls: 80,
      });
      expect(difference, `program ${seed}`).toBeUndefined();
      all.trapped += trapped;
      all.ended += cases - trapped;
      all.lifted += lifted;
      all.lanes += lanes;
    }
    // What says nothing would prove nothing.
    expect(Math.min(all.trapped, all.ended)).toBeGreaterThan(100 * seeds.length);
    expect(all.lifted).toBeGreaterThan(5 * seeds.length);
    expect(all.lanes).toBeGreaterThan(0);
  });
});

/** A module with one function, its loop on the fourth line. */
const program = (body: string, before = '') => `const A = new StaticArray<f64>(64), R: Array<f64> = new Array<f64>(9);
${before}
export function k0(a: i32, b: i32, c: i32, d: i32): f64 { let s = 0.0;
  ${body}
  return s; }`;

async function fateOf(text: string): Promise<string> {
  const { reports } = await assemble(text, { ...TERMS, trips: 8 }, liftLoops);
  return reports
    .map(
      (report) =>
        `${report.line} ${report.state === 'lifted' ? `${report.proven}/${report.checked}/${report.lanes}` : report.reason}`,
    )
    .join('; ');
}

describe('lifted, as proven/with their check/lanes, is', () => {
  test.each([
    ['a sum', 'for (let i = a; i < b; i++) s += A[i];', '', '1/0/1'],
    ['a loop down', 'for (let i = b; i >= a; i--) s += A[i - 1];', '', '1/0/1'],
    ['a counter without a sign', 'for (let i: u32 = 0; i < <u32>b; i++) s += A[i];', '', '1/0/1'],
    ['an elementwise loop', 'for (let i = a; i < b; i++) A[i] = A[i] * 2.0 + s;', '', '2/0/2'],
    [
      'an elementwise loop with a local of its own',
      'for (let i = a; i < b; i++) { const t = A[i] * s; A[i] = Math.sqrt(t); }',
      '',
      '2/0/2',
    ],
    [
      'a stencil',
      'for (let i = a; i < b; i++) F[i] = E[i - 1] + E[i + 1];',
      'const E = new Float32Array(9), F = new Float32Array(9);',
      '3/0/4',
    ],
    [
      'elements that are read in larger steps, one of them again and again',
      'for (let i = a; i < b; i++) A[i] = B[i * c + d] * B[9 - i] + B[i * 600000000] + B[c];',
      'const B = new StaticArray<f64>(99);',
      '5/0/2',
    ],
    ['elements that are written in larger steps', 'for (let i = a; i < b; i++) A[i * 2] = s;', '', '1/0/1'],
    [
      'elements that are read in larger steps from what is written',
      'for (let i = a; i < b; i++) A[i] = A[i * 2];',
      '',
      '2/0/1',
    ],
    [
      'a field of this',
      'new G().add();',
      'class G { data: Float64Array = new Float64Array(9); add(): void {\n for (let i = 0; i < 9; i++) this.data[i] += 1.0; } }',
      '2/0/2',
    ],
    [
      'an inferred type',
      'const m = make(); for (let i = a; i < b; i++) s += m[i * 2 + c];',
      'type Row = StaticArray<f32>; function make(): Row { return new StaticArray<f32>(9); }',
      '1/0/1',
    ],
    [
      'a generic function',
      's = total<f64>(A);',
      'function total<T>(x: StaticArray<T>): T { let t: T = 0;\n for (let i = 0; i < x.length; i++) t += x[i]; return t; }',
      '1/0/1',
    ],
    [
      'a function that is put in place',
      'for (let i = a; i < b; i++) s += at(A, c, i);',
      '@inline function at(x: StaticArray<f64>, i: i32, j: i32): f64 { return x[i * 8 + j]; }',
      '1/0/1',
    ],
    [
      'an index that is looked up',
      'for (let i = a; i < b; i++) s += A[B[i]];',
      'const B = new Uint8Array(9);',
      '1/1/1',
    ],
    [
      'a loop that may break',
      'for (let i = a; i < b && s < 9.0; i++) { if (A[i] == 2.0) break; s += A[i]; }',
      '',
      '2/0/1',
    ],
    [
      'a sum into a field',
      'for (let i = a; i < b; i++) g.sum += A[i];',
      'class G { sum: f64 = 0; } const g = new G();',
      '1/0/1',
    ],
    ['a read of an Array', 'for (let i = R.length - 1; i > 0; i--) s += R[i];', '', '1/0/1'],
    ['a write into an Array that is proven', 'for (let i = a; i < b; i++) R[i] = s;', '', '1/0/2'],
  ])('%s', async (_, body, before, wanted) => {
    expect(await fateOf(program(body, before))).toMatch(new RegExp(`^\\d+ ${wanted}$`));
  });
});

describe('a loop is kept, and it is said why:', () => {
  test.each([
    ['counter', 'for (let i = a; i != b; i++) s += A[i];', ''],
    ['counter', 'for (let i = a; i < b; i++) { s += A[i]; if (s > 2.0) i++; }', ''],
    ['counter', 'for (let i: i64 = 0; i < 9; i++) s += A[<i32>i];', ''],
    ['bound', 'for (let i = a; i < b; i++) { s += A[i]; b--; }', ''],
    ['bound', 'for (let i = a; i < g.n; i++) { s += A[i]; g.n--; }', 'class G { n: i32 = 9; } const g = new G();'],
    [
      'none',
      'for (let i = a; i < b; i++) { W[i] = s; W = W == A ? Z : A; }',
      'const Z = new StaticArray<f64>(9); let W = A;',
    ],
    ['call', 'for (let i = a; i < b; i++) { s += A[i]; tell(i); }', 'declare function tell(i: i32): void;'],
    [
      'call',
      'for (let i = a; i < b; i++) s += A[i] + g.x;',
      'class G { a: StaticArray<f64> = A; get x(): f64 { this.a = new StaticArray<f64>(2); return 0; } } const g = new G();',
    ],
    [
      'call',
      'for (let i = a; i < b; i++) W[i] = v.go();',
      'let W = A; class V { go(): f64 { return 1; } } class U extends V { go(): f64 { W = W; return 2; } } const v: V = new U();',
    ],
    ['grows', 'for (let i = a; i < b; i++) R[<i32>A[i]] = s;', ''],
    ['store', 'for (let i = a; i < b; i++) unchecked(A[i] = s);\n s = A[0];', ''],
    ['store', 'for (let i = a; i < b; i++) { s += A[i]; store<f64>(c, s); }', ''],
    ['unknown', 'for (let i = a; i < b; i++) { s += A[i]; memory.fill(0, 0, 1); }', ''],
  ] as const)('%s (%#)', async (code, body, before) => {
    const { text } = REASONS[code];
    const fate = await fateOf(program(body, before));
    if (code === 'store' && fate === '') return;
    expect(fate.replace(/calls [^,]+,/, 'calls %s,')).toBe(`4 ${text}`);
  });
});

test('loops without arrays, and outer loops, are nobody’s concern', async () => {
  expect(await fateOf(program('for (let i = a; i < b; i++) for (let j = a; j < b; j++) s += <f64>j;'))).toBe('');
});

test('a reference that is null or of another class is not read before the loop does it', async () => {
  const before = `class Node { next: Node | null = null; data: StaticArray<f64> = A; }
class Thin {} class Fat extends Thin { pad: v128 = i64x2.splat(-1); data: StaticArray<f64> = A; }
let thin = new Thin(), none: Node | null = null;`;
  const body = `const node = none; for (let i = a; i < b; i++) { if (node) s += node.data[i]; if (c > 5) s += changetype<Fat>(thin).data[i]; }`;
  const { module, reports } = await assemble(program(body, before.replaceAll('\n', ' ')), TERMS, liftLoops);
  expect(reports).toMatchObject([{ state: 'lifted' }]);
  expect(start(module).k0?.(0, 9, 0, 0)).toBe(0);
});

const TABLES = {
  ...{ BinaryOp: BINARY, ExpressionId: KIND, SIMDLoadOp: LOAD, SIMDLoadStoreLaneOp: LOAD_LANE, TypeRef: TYPE },
  UnaryOp: UNARY,
};

test('the names of the compiler that the transform leans on are there', () => {
  for (const [name, table] of Object.entries(TABLES)) {
    expect(table).toBe((assemblyscript as unknown as Record<string, unknown>)[name]);
    const names = Object.keys(table).filter((key) => !/^\d+$/.test(key));
    expect(names.every((key) => typeof (table as Record<string, unknown>)[key] === 'number')).toBe(true);
  }
  for (const name of ['compileForStatement', 'makeCallInline', 'makeBuiltinFieldGetter', 'makeBuiltinFieldSetter']) {
    expect(assemblyscript.Compiler.prototype).toHaveProperty(name);
  }
});
