// Random programs of loops over arrays, for comparing a build with lifted loops and one without.
// Everything that a loop can get at is there: aliases, views, growing arrays, getters and operators with side effects, globals that change.
import { createDice } from '../fuzz/dice.ts';

/** Gives 0 to `below` - 1. */
type Roll = (below: number) => number;

/** The functions `k0`, `k1` ... of a program: each is called with four i32. */
export interface RandomProgram {
  readonly text: string;
  readonly kernels: number;
}

/** `reset` and `hash` are written with `while`, which is not lifted: what is compared must not depend on what is tested. */
const FRAME = `
const M = new StaticArray<f64>(64), P = new StaticArray<f64>(40), E = new StaticArray<f32>(48), E2 = new StaticArray<f32>(48);
const B = new StaticArray<u8>(50), I = new StaticArray<i32>(64);
const R: Array<f64> = new Array<f64>(30), F = new Float64Array(48), V = F.subarray(3, 40), S = new Int16Array(40);
let W: StaticArray<f64> = M, marks: i32 = 0, total: f64 = 0;
class Box {
  data: StaticArray<f64> = M; count: i32 = 0; sum: f64 = 0; n: i32 = 20; view: Float64Array = F; next: Box | null = null;
  get odd(): f64 { if (++this.count % 7 == 0) { W = W == M ? P : M; this.n--; } return <f64>this.count; }
  @operator('+') plus(other: f64): f64 { if (++this.count % 5 == 0) this.data = this.data == M ? P : M; return other; }
  @operator('[]') at(index: i32): f64 { this.count++; return this.data[index]; }
  @operator('[]=') put(index: i32, value: f64): void { if (index == 9) this.data = P; this.data[index] = value; }
}
const box = new Box(), other = new Box();
class Shape { touch(): f64 { return 1.0; } }
class Swapping extends Shape { touch(): f64 { if (++marks % 9 == 0) swap(); return 2.0; } }
const shapes: Shape[] = [new Shape(), new Swapping()], shape = shapes[1];
function swap(): void { W = W == M ? P : M; }
function grow(): void { if (R.length < 60) R.push(9.0); }
function pure(x: f64): f64 { return x * 0.5 + 1.0; }
function peek(i: i32): f64 { return M[i]; }
@inline function cell(a: StaticArray<f64>, i: i32, j: i32): f64 { return a[i * 8 + j]; }
function fill(a: StaticArray<f64>, by: f64): void { let i = 0; while (i < a.length) { unchecked(a[i] = <f64>(i * 7 % 23) * by - 3.0); i++; } }
export function reset(): void {
  fill(M, 0.5); fill(P, 0.25); W = M; marks = 0; total = 0; R.length = 30;
  let i = 0; while (i < 30) { unchecked(R[i] = <f64>i); i++; }
  i = 0; while (i < 48) { unchecked(F[i] = <f64>i * 1.5 - 20.0); unchecked(E[i] = <f32>i * 0.3); unchecked(E2[i] = <f32>i - 9.0); i++; }
  i = 0; while (i < 50) { unchecked(B[i] = <u8>(i * 7)); i++; }
  i = 0; while (i < 64) { unchecked(I[i] = i * 5 % 60); i++; }
  i = 0; while (i < 40) { unchecked(S[i] = <i16>(i * 999)); i++; }
  box.data = M; box.count = 0; box.sum = 0; box.n = 20; box.view = F; other.data = P; other.count = 3; other.sum = 0; other.n = 25; other.view = V; box.next = other; other.next = null;
}
let h: u64 = 0;
function mix(x: u64): void { h = (h ^ x) * 0x100000001b3; h ^= h >> 29; }
function mixAll(a: StaticArray<f64>): void { let i = 0; while (i < a.length) mix(reinterpret<u64>(unchecked(a[i++]))); }
export function hash(): u64 {
  h = 0; mixAll(M); mixAll(P); mix(marks); mix(reinterpret<u64>(total)); mix(R.length); mix(W == M ? 1 : 2);
  let i = 0; while (i < R.length) mix(reinterpret<u64>(unchecked(R[i++])));
  i = 0; while (i < 48) { mix(reinterpret<u64>(unchecked(F[i]))); mix(reinterpret<u32>(unchecked(E[i]))); mix(reinterpret<u32>(unchecked(E2[i]))); i++; }
  i = 0; while (i < 50) mix(unchecked(B[i++]));
  i = 0; while (i < 64) mix(unchecked(I[i++]));
  i = 0; while (i < 40) mix(unchecked(S[i++]));
  mix(box.count); mix(reinterpret<u64>(box.sum)); mix(box.n); mix(box.data == M ? 1 : 2); mix(other.count); mix(reinterpret<u64>(other.sum));
  return h;
}
`;

const ARRAYS = ['M', 'P', 'W', 'R', 'F', 'V', 'l', 'q', 'box.data', 'o.data', 'o.view', 'o.next!.data', 'box'];
const HEADERS = [
  'let i: i32 = a; i < b; i++',
  'let i: i32 = a; i < b; ++i',
  'let i: i32 = a; i < b; i++',
  'let i: i32 = a; i <= b; i++',
  'let i: i32 = a, e = b; i < e; i += 1',
  'let i: i32 = a; b > i; i += 2',
  'let i: i32 = a; i < b; i += st',
  'let i: i32 = a; i < b; i += c',
  'let i: i32 = b; i >= a; i--',
  'let i: i32 = b; i > a; i -= 3',
  'let i: i32 = b; i > a; i -= st',
  'let i: u32 = a; i < <u32>b; i++',
  'let i: u32 = b; i > <u32>a; i--',
  'let i: i32 = a; i < M.length; i++',
  'let i: i32 = a; i < R.length; i++',
  'let i: i32 = a; i < o.n; i++',
  'let i: i32 = a; i < b && marks < 40; i++',
  'let i: i32 = a; i < b - d; i++',
  'let i: i16 = <i16>a; i < <i16>b; i++',
];

function indexOf(roll: Roll): string {
  const indexes = [
    'i',
    'i',
    'i',
    'i + c',
    'i + d',
    'i + 1',
    'i - 1',
    'c - i',
    'i * c + d',
    'i * 2 + 1',
    '(i + 1) * st',
    'k',
    'k + 1',
    'c',
    '7',
  ];
  indexes.push(
    'i << 1',
    'B[i] & 31',
    'I[i]',
    'i & 15',
    'i + c * 2 - d',
    '<i32>i + 2147483640 + c',
    'i * st + c * d',
    '(i - c) * (d + 1)',
    'i + 2',
  );
  return (indexes[roll(indexes.length)] as string).replace(/\bi\b(?!3)/g, '<i32>i');
}

function expressionOf(roll: Roll, depth = 0): string {
  const array = () => `${ARRAYS[roll(ARRAYS.length)]}[${indexOf(roll)}]`;
  const values = [array, array, array, () => 'x', () => '2.5', () => `<f64>i`, () => 't', () => 'total'];
  if (depth < 2) {
    const both = (operator: string) => () =>
      `(${expressionOf(roll, depth + 1)} ${operator} ${expressionOf(roll, depth + 1)})`;
    values.push(both('+'), both('*'), both('-'), both('/'), () => `Math.sqrt(${expressionOf(roll, depth + 1)})`);
    values.push(() => `pure(${expressionOf(roll, depth + 1)})`);
  }
  if (roll(6) === 0)
    values.push(
      () => 'box.odd',
      () => '(box + 2.0)',
      () => `peek(${indexOf(roll)})`,
      () => 'cell(l, i, 1)',
    );
  return (values[roll(values.length)] as () => string)();
}

/** A statement of a shape that vectors can do, mostly. */
function laneStatement(roll: Roll): string {
  const offset = () => ['', ' + 1', ' - 1', ' + 2', ' + c', ' + d', ' + 4'][roll(7)];
  if (roll(4) === 0) {
    const cell = () => `${['E', 'E2'][roll(2)]}[${roll(5) === 0 ? 'i * st' : `i${offset()}`}]`;
    return `${cell()} ${['=', '+=', '*='][roll(3)]} ${cell()} * <f32>x + ${cell()};`;
  }
  const array = () => ['M', 'P', 'F', 'V', 'l', 'q', 'o.data', 'R'][roll(8)];
  const cell = () => `${array()}[i${offset()}]`;
  const wide = () => `${array()}[${['i * 2', 'i * st', 'c - i', 'i * 3 + d', 'c', 'i * c + 2'][roll(6)]}]`;
  const operator = ['+', '-', '*', '/'][roll(4)];
  const value = [
    `${cell()} ${operator} ${cell()}`,
    `x ${operator} ${cell()}`,
    `Math.abs(${cell()}) + 0.5`,
    `u ${operator} ${cell()}`,
    `${cell()} ${operator} ${wide()}`,
    `${wide()} ${operator} x`,
  ][roll(6)];
  if (roll(4) === 0) return `u = ${cell()} * 0.5;`;
  return `${cell()} ${['=', '=', '+=', '-='][roll(4)]} ${value};`;
}

function statement(roll: Roll): string {
  const array = ARRAYS[roll(ARRAYS.length)];
  const statements = [
    () => `${array}[${indexOf(roll)}] = ${expressionOf(roll)};`,
    () => `${array}[${indexOf(roll)}] ${['+=', '-=', '*='][roll(3)]} ${expressionOf(roll)};`,
    () => `t += ${expressionOf(roll)};`,
    () => 'marks++;',
    () => `if (<i32>i == c) ${['break', 'continue', 'return t', 'swap()', 'q = P'][roll(5)]};`,
    () => `if (<i32>i > c) ${array}[${indexOf(roll)}] = x;`,
    () => `B[${indexOf(roll)}]++;`,
    () => `I[${indexOf(roll)}] += <i32>B[${indexOf(roll)}];`,
    () => `S[${indexOf(roll)}] = <i16>(i * 77);`,
    () => `total += ${expressionOf(roll)};`,
    () => 'box.count++;',
    () => 'o.sum += t;',
    () => `if (z) z.data[${indexOf(roll)}] += x;`,
  ];
  const rare = [
    () => 'swap();',
    () => 'grow();',
    () => 'W = P;',
    () => 'q = q == M ? P : M;',
    () => 'o.data = P;',
    () => 'o = other;',
    () => `if (<i32>i == c) throw new Error('at ' + i.toString());`,
    () => `x = M[${indexOf(roll)}] = t;`,
    () => 'k = <i32>i + 2;',
    () => 'o.n--;',
  ];
  const from = roll(5) === 0 ? rare : statements;
  return (from[roll(from.length)] as () => string)();
}

/** One function with one loop; every loop ends after 400 rounds, unless it is of a kind that vectors can do. */
function kernel(name: string, roll: Roll): string {
  const isLane = roll(3) === 0;
  const header = HEADERS[roll(isLane ? 3 : HEADERS.length)] as string;
  const count = 1 + roll(3);
  const body = Array.from({ length: count }, () => (isLane ? laneStatement(roll) : statement(roll)));
  // In front of what may go on with the next round: a step may be 0.
  const place = body[0]?.includes('continue') ? 0 : roll(2);
  if (!isLane) body.splice(place, 0, 'if (--rounds < 0) return t;');
  if (!isLane && roll(2) === 0) body.unshift('k = <i32>i + d;');
  return functionOf(name, header, body, roll(2) === 0 ? 'P' : 'M');
}

/** A program of these functions, each with four i32 that gives an f64. */
export function programOf(functions: readonly string[]): RandomProgram {
  return { text: `${FRAME}${functions.join('\n')}\n`, kernels: functions.length };
}

/** One function around a loop, with the locals that its statements use. */
export function functionOf(name: string, header: string, statements: readonly string[], second = 'P'): string {
  return `export function ${name}(a: i32, b: i32, c: i32, d: i32): f64 {
  let k = d, rounds = 400, x = 1.25, t = 0.0, u = 0.0, l = M, q = ${second}, o = box, z: Box | null = c < 2 ? null : other;
  const st = (c & 7) + 1;
  for (${header}) {
    ${statements.join('\n    ')}
  }
  return t + u + <f64>k;
}`;
}

/** A program of so many functions. */
export function randomProgram(seed: number, kernels: number): RandomProgram {
  const roll = createDice(seed).below;
  const functions = Array.from({ length: kernels }, (_, index) => kernel(`k${index}`, roll));
  return programOf(functions);
}

const NEAR = [2147483647, 2147483646, 2147483640, 2147483600, 0, -2147483648, -2147483640, 1073741824, -1073741824];

/** Four arguments: mostly small, now and then near the ends of i32; `b` is at most 300 above `a`, unless both wrap. */
export function randomArguments(roll: Roll): readonly [number, number, number, number] {
  const small = () => (roll(4) === 0 ? roll(90) - 20 : roll(8));
  if (roll(6) !== 0) {
    const a = small();
    return [a, a + roll(roll(2) === 0 ? 60 : 24), small() - roll(4), small() - roll(4)];
  }
  const b = ((NEAR[roll(NEAR.length)] as number) - roll(6)) | 0;
  const a = Math.max(-2147483648, b - roll(60));
  // Offsets that bring an index near the end back into the array.
  const c = (-a + roll(8)) | 0;
  return [a, b, roll(3) === 0 ? small() : c, roll(3) === 0 ? small() : c];
}
