// Dense linear algebra of the kernels: products of matrices of any size, and Cholesky's factor. Matrices lie in rows.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { fail } from './exit';

/** Rows of a tile; a tile is two vectors wide. */
@inline const ROWS: usize = 4;
/** Inner places and rows of A that are packed at a time: 4 x 256 of A stay in the first cache, 256 x 256 in the second. */
@inline const DEPTH: usize = 256;
@inline const HEIGHT: usize = 256;

/**
 * C = A B for T of f64 or f32, at addresses: A has m rows of k, B k rows of n. C must overlap neither. Each element is summed in the
 * order of the plain loop, ((0 + a_0 b_0) + a_1 b_1) + ..., so it has the very bits of that.
 */
export function multiply<T>(a: usize, b: usize, c: usize, m: i32, n: i32, k: i32): void {
  const width: usize = 32 / sizeof<T>();
  const rows = <usize>m;
  const columns = <usize>n;
  const inner = <usize>k;
  memory.fill(c, 0, rows * columns * sizeof<T>());
  const depthMax = min(inner, DEPTH);
  const packedB = heap.alloc(((columns + width - 1) / width) * 32 * depthMax + 16);
  const packedA = heap.alloc(((min(rows, HEIGHT) + ROWS - 1) & ~(ROWS - 1)) * depthMax * sizeof<T>() + 16);
  const edge = heap.alloc(ROWS * 32);
  for (let p: usize = 0; p < inner; p += DEPTH) {
    const depth = min(DEPTH, inner - p);
    packColumns<T>(b + p * columns * sizeof<T>(), packedB, columns, depth);
    for (let i: usize = 0; i < rows; i += HEIGHT) {
      const height = min(HEIGHT, rows - i);
      packRows<T>(a + (i * inner + p) * sizeof<T>(), packedA, inner, height, depth);
      multiplyPanel<T>(packedA, packedB, c + i * columns * sizeof<T>(), height, columns, depth, edge);
    }
  }
  heap.free(edge);
  heap.free(packedA);
  heap.free(packedB);
}

/** Columns of B in strips of two vectors, row after row; what is missing of the last strip is 0. */
function packColumns<T>(b: usize, to: usize, columns: usize, depth: usize): void {
  const width: usize = 32 / sizeof<T>();
  const row = columns * sizeof<T>();
  for (let j: usize = 0; j < columns; j += width) {
    const bytes = min<usize>(32, row - j * sizeof<T>());
    let from = b + j * sizeof<T>();
    for (const end = to + depth * 32; to < end; to += 32) {
      if (bytes == 32) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
      } else {
        memory.fill(to, 0, 32);
        memory.copy(to, from, bytes);
      }
      from += row;
    }
  }
}

/** Rows of A in groups of four, column after column; what is missing of the last group is 0. */
function packRows<T>(a: usize, to: usize, stride: usize, rows: usize, depth: usize): void {
  const row = stride * sizeof<T>();
  for (let i: usize = 0; i < rows; i += ROWS) {
    const count = min(ROWS, rows - i);
    for (let r: usize = 0; r < ROWS; r++) {
      let from = a + (i + r) * row;
      let put = to + r * sizeof<T>();
      for (let p: usize = 0; p < depth; p++) {
        store<T>(put, r < count ? load<T>(from) : <T>0);
        from += sizeof<T>();
        put += ROWS * sizeof<T>();
      }
    }
    to += ROWS * depth * sizeof<T>();
  }
}

/** Adds the product of packed rows and columns to C, tile by tile. */
function multiplyPanel<T>(a: usize, b: usize, c: usize, rows: usize, columns: usize, depth: usize, edge: usize): void {
  const width: usize = 32 / sizeof<T>();
  const row = columns * sizeof<T>();
  for (let j: usize = 0; j < columns; j += width) {
    let strip = a;
    for (let i: usize = 0; i < rows; i += ROWS) {
      const at = c + i * row + j * sizeof<T>();
      if (rows - i >= ROWS && columns - j >= width) multiplyTile<T>(strip, b, at, row, depth);
      else multiplyEdge<T>(strip, b, at, row, depth, edge, min(ROWS, rows - i), min<usize>(32, row - j * sizeof<T>()));
      strip += ROWS * depth * sizeof<T>();
    }
    b += depth * 32;
  }
}

/** A tile that C has only a part of, by way of a whole one. */
function multiplyEdge<T>(a: usize, b: usize, c: usize, row: usize, depth: usize, edge: usize, rows: usize, bytes: usize): void {
  memory.fill(edge, 0, ROWS * 32);
  for (let r: usize = 0; r < rows; r++) memory.copy(edge + r * 32, c + r * row, bytes);
  multiplyTile<T>(a, b, edge, 32, depth);
  for (let r: usize = 0; r < rows; r++) memory.copy(c + r * row, edge + r * 32, bytes);
}

/**
 * Four rows by two vectors: eight sums in registers, for which six loads make sixteen operations. Two inner places a turn, with a way
 * out between them: V8 gathers all loads of code without a branch at its beginning, and would have no registers for those of two.
 */
function multiplyTile<T>(a: usize, b: usize, c: usize, row: usize, depth: usize): void {
  const c1 = c + row;
  const c2 = c1 + row;
  const c3 = c2 + row;
  let s00 = v128.load(c);
  let s01 = v128.load(c, 16);
  let s10 = v128.load(c1);
  let s11 = v128.load(c1, 16);
  let s20 = v128.load(c2);
  let s21 = v128.load(c2, 16);
  let s30 = v128.load(c3);
  let s31 = v128.load(c3, 16);
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
