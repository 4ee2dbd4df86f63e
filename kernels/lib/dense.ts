// Dense linear algebra of the kernels: products of matrices of any size, and Cholesky's factor. Matrices lie in rows.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { fail } from './exit';

/** Rows of a tile; a tile is two vectors wide, and a strip of B, too. */
@inline const ROWS: usize = 4;
@inline const STRIP_BYTES: usize = 32;
/** Inner places, and bytes of a row of B, that are packed at a time: 4 x 256 of A and a strip stay in the first cache, 64 strips in the second. */
@inline const DEPTH: usize = 256;
@inline const SPAN_BYTES: usize = 2048;

/**
 * C = A B for T of f64 or f32, at addresses: A has m rows of k, B k rows of n. C must overlap neither. Each element is summed in the
 * order of the plain loop, ((0 + a_0 b_0) + a_1 b_1) + ..., so it has the very bits of that.
 */
export function multiply<T>(a: usize, b: usize, c: usize, m: i32, n: i32, k: i32): void {
  const rows = <usize>m;
  const row = <usize>n * sizeof<T>();
  const inner = <usize>k;
  if (inner == 0) memory.fill(c, 0, rows * row);
  const depthMax = min(inner, DEPTH);
  const strips = heap.alloc(((min(row, SPAN_BYTES) + STRIP_BYTES - 1) & ~(STRIP_BYTES - 1)) * depthMax);
  const group = heap.alloc(ROWS * depthMax * sizeof<T>());
  const edge = heap.alloc(ROWS * STRIP_BYTES);
  for (let j: usize = 0; j < row; j += SPAN_BYTES) {
    const span = min(SPAN_BYTES, row - j);
    for (let p: usize = 0; p < inner; p += DEPTH) {
      const depth = min(DEPTH, inner - p);
      packColumns(b + p * row + j, strips, row, span, depth);
      for (let i: usize = 0; i < rows; i += ROWS) {
        const count = min(ROWS, rows - i);
        packRows<T>(a + (i * inner + p) * sizeof<T>(), group, inner * sizeof<T>(), count, depth);
        const at = c + i * row + j;
        let strip = strips;
        for (let x: usize = 0; x < span; x += STRIP_BYTES) {
          const bytes = min(STRIP_BYTES, span - x);
          if (count == ROWS && bytes == STRIP_BYTES) multiplyTile<T>(group, strip, at + x, row, depth, p == 0);
          else multiplyEdge<T>(group, strip, at + x, row, depth, p == 0, edge, count, bytes);
          strip += depth * STRIP_BYTES;
        }
      }
    }
  }
  heap.free(edge);
  heap.free(group);
  heap.free(strips);
}

/** A span of rows of B, strip by strip; what is missing of the last strip is 0. */
function packColumns(b: usize, to: usize, row: usize, span: usize, depth: usize): void {
  for (let x: usize = 0; x < span; x += STRIP_BYTES) {
    const bytes = min(STRIP_BYTES, span - x);
    let from = b + x;
    for (const end = to + depth * STRIP_BYTES; to < end; to += STRIP_BYTES) {
      if (bytes == STRIP_BYTES) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
      } else {
        memory.fill(to, 0, STRIP_BYTES);
        memory.copy(to, from, bytes);
      }
      from += row;
    }
  }
}

/** Four rows of A, column after column, a vector of each at a time. In place of rows that are missing stands the first. */
function packRows<T>(a: usize, to: usize, row: usize, count: usize, depth: usize): void {
  const lanes: usize = 16 / sizeof<T>();
  let a1 = a + (count > 1 ? row : 0);
  let a2 = a + (count > 2 ? 2 * row : 0);
  let a3 = a + (count > 3 ? 3 * row : 0);
  const end = to + ROWS * depth * sizeof<T>();
  for (const whole = to + ROWS * (depth & ~(lanes - 1)) * sizeof<T>(); to < whole; to += 64) {
    const x0 = v128.load(a);
    const x1 = v128.load(a1);
    const x2 = v128.load(a2);
    const x3 = v128.load(a3);
    if (sizeof<T>() == 8) {
      v128.store(to, v128.shuffle<u64>(x0, x1, 0, 2));
      v128.store(to, v128.shuffle<u64>(x2, x3, 0, 2), 16);
      v128.store(to, v128.shuffle<u64>(x0, x1, 1, 3), 32);
      v128.store(to, v128.shuffle<u64>(x2, x3, 1, 3), 48);
    } else {
      const low01 = v128.shuffle<u32>(x0, x1, 0, 4, 1, 5);
      const low23 = v128.shuffle<u32>(x2, x3, 0, 4, 1, 5);
      const high01 = v128.shuffle<u32>(x0, x1, 2, 6, 3, 7);
      const high23 = v128.shuffle<u32>(x2, x3, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<u64>(low01, low23, 0, 2));
      v128.store(to, v128.shuffle<u64>(low01, low23, 1, 3), 16);
      v128.store(to, v128.shuffle<u64>(high01, high23, 0, 2), 32);
      v128.store(to, v128.shuffle<u64>(high01, high23, 1, 3), 48);
    }
    a += 16;
    a1 += 16;
    a2 += 16;
    a3 += 16;
  }
  for (; to < end; to += ROWS * sizeof<T>()) {
    store<T>(to, load<T>(a));
    store<T>(to, load<T>(a1), sizeof<T>());
    store<T>(to, load<T>(a2), 2 * sizeof<T>());
    store<T>(to, load<T>(a3), 3 * sizeof<T>());
    a += sizeof<T>();
    a1 += sizeof<T>();
    a2 += sizeof<T>();
    a3 += sizeof<T>();
  }
}

/** A tile that C has only a part of, by way of a whole one. */
function multiplyEdge<T>(
  a: usize, b: usize, c: usize, row: usize, depth: usize, isFirst: bool, edge: usize, rows: usize, bytes: usize,
): void {
  if (!isFirst) for (let r: usize = 0; r < rows; r++) memory.copy(edge + r * STRIP_BYTES, c + r * row, bytes);
  multiplyTile<T>(a, b, edge, STRIP_BYTES, depth, isFirst);
  for (let r: usize = 0; r < rows; r++) memory.copy(c + r * row, edge + r * STRIP_BYTES, bytes);
}

/**
 * Four rows by two vectors: eight sums in registers, for which six loads make sixteen operations. Two inner places a turn, with a way
 * out between them: V8 gathers all loads of code without a branch at its beginning, and would have no registers for those of two.
 */
function multiplyTile<T>(a: usize, b: usize, c: usize, row: usize, depth: usize, isFirst: bool): void {
  const c1 = c + row;
  const c2 = c1 + row;
  const c3 = c2 + row;
  let s00 = i32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  if (!isFirst) {
    s00 = v128.load(c);
    s01 = v128.load(c, 16);
    s10 = v128.load(c1);
    s11 = v128.load(c1, 16);
    s20 = v128.load(c2);
    s21 = v128.load(c2, 16);
    s30 = v128.load(c3);
    s31 = v128.load(c3, 16);
  }
  const end = b + depth * 32;
  // Offsets as immediates: addresses that are computed cost the loop a sixth.
  do {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    let x = v128.load_splat<T>(a);
    s00 = v128.add<T>(s00, v128.mul<T>(x, b0));
    s01 = v128.add<T>(s01, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, sizeof<T>());
    s10 = v128.add<T>(s10, v128.mul<T>(x, b0));
    s11 = v128.add<T>(s11, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, 2 * sizeof<T>());
    s20 = v128.add<T>(s20, v128.mul<T>(x, b0));
    s21 = v128.add<T>(s21, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, 3 * sizeof<T>());
    s30 = v128.add<T>(s30, v128.mul<T>(x, b0));
    s31 = v128.add<T>(s31, v128.mul<T>(x, b1));
    if (b + 32 === end) break;
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load_splat<T>(a, 4 * sizeof<T>());
    s00 = v128.add<T>(s00, v128.mul<T>(x, b0));
    s01 = v128.add<T>(s01, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, 5 * sizeof<T>());
    s10 = v128.add<T>(s10, v128.mul<T>(x, b0));
    s11 = v128.add<T>(s11, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, 6 * sizeof<T>());
    s20 = v128.add<T>(s20, v128.mul<T>(x, b0));
    s21 = v128.add<T>(s21, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, 7 * sizeof<T>());
    s30 = v128.add<T>(s30, v128.mul<T>(x, b0));
    s31 = v128.add<T>(s31, v128.mul<T>(x, b1));
    a += 8 * sizeof<T>();
    b += 64;
  } while (b < end);
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}

/**
 * The lower triangle L with L L^T = A, of a symmetric A of n rows, in place of A; what is above the diagonal becomes 0. Fails the task
 * where A is not positive definite, by the first row that shows it. Each element is summed from left to right.
 */
export function cholesky(a: Float64Array, n: i32): void {
  if (n < 1 || a.length != n * n) fail('cholesky takes a square matrix');
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = a[i * n + j];
      for (let p = 0; p < j; p++) rest -= a[i * n + p] * a[j * n + p];
      if (i != j) a[i * n + j] = rest / a[j * n + j];
      else if (rest > 0) a[i * n + i] = Math.sqrt(rest);
      else fail('the matrix is not positive definite: row ' + i.toString() + ' depends on those before it');
    }
    for (let j = i + 1; j < n; j++) a[i * n + j] = 0;
  }
}
