// Short float kernels for benchmarks of canonical NaNs: from many stores with little arithmetic to none at all. Each gives eight bytes, a
// checksum. Beside those of `loops.ts`.

const out = 'const out = new Uint8Array(8); store<f64>(out.dataStart, s); return out;';
const run = (body: string) => `export function run(input: Uint8Array): Uint8Array { let s: f64 = 0; ${body} ${out} }`;

/** Name -> AssemblyScript. */
export const FLOATS: Readonly<Record<string, string>> = {
  /** y += a x over 4,096 numbers, 1,000 times: one store for two operations, all in the cache. */
  axpy: `const N = 4096;
    ${run(`const x = new StaticArray<f64>(N), y = new StaticArray<f64>(N);
      for (let i = 0; i < N; i++) { unchecked(x[i] = <f64>(i % 17) * 0.5); unchecked(y[i] = <f64>(i % 13) - 6.0); }
      for (let t = 0; t < 1000; t++) for (let i = 0; i < N; i++) unchecked(y[i] += 0.25 * x[i]);
      for (let i = 0; i < N; i++) s += unchecked(y[i]);`)}`,
  /** The same in f32. */
  saxpy: `const N = 4096;
    ${run(`const x = new StaticArray<f32>(N), y = new StaticArray<f32>(N);
      for (let i = 0; i < N; i++) { unchecked(x[i] = <f32>(i % 17) * 0.5); unchecked(y[i] = <f32>(i % 13) - 6.0); }
      for (let t = 0; t < 1000; t++) for (let i = 0; i < N; i++) unchecked(y[i] += <f32>0.25 * x[i]);
      for (let i = 0; i < N; i++) s += <f64>unchecked(y[i]);`)}`,
  /** The same, two lanes at a time. */
  'axpy, f64x2': `const N = 4096;
    ${run(`const x = changetype<usize>(new StaticArray<f64>(N)), y = changetype<usize>(new StaticArray<f64>(N));
      for (let i = 0; i < N; i++) { store<f64>(x + i * 8, <f64>(i % 17) * 0.5); store<f64>(y + i * 8, <f64>(i % 13) - 6.0); }
      const a = f64x2.splat(0.25);
      for (let t = 0; t < 1500; t++) for (let i = 0; i < N * 8; i += 16)
        v128.store(y + i, f64x2.add(v128.load(y + i), f64x2.mul(a, v128.load(x + i))));
      for (let i = 0; i < N; i++) s += load<f64>(y + i * 8);`)}`,
  /** Four neighbours of 256 x 256, two lanes at a time, 60 times. */
  'jacobi, f64x2': `const W = 256;
    ${run(`let a = changetype<usize>(new StaticArray<f64>(W * W)), b = changetype<usize>(new StaticArray<f64>(W * W));
      for (let i = 0; i < W * W; i++) { store<f64>(a + i * 8, <f64>(i % 101)); store<f64>(b + i * 8, <f64>(i % 101)); }
      const quarter = f64x2.splat(0.25);
      for (let t = 0; t < 60; t++) {
        for (let y = 1; y < W - 1; y++) for (let x = (y * W + 1) * 8, end = (y * W + W - 1) * 8; x < end; x += 16) {
          const sides = f64x2.add(v128.load(a + x - 8), v128.load(a + x + 8));
          const ends = f64x2.add(v128.load(a + x - W * 8), v128.load(a + x + W * 8));
          v128.store(b + x, f64x2.mul(quarter, f64x2.add(sides, ends)));
        }
        const c = a; a = b; b = c;
      }
      for (let i = 0; i < W * W; i++) s += load<f64>(a + i * 8);`)}`,
  /** Products of matrices of 160 x 160, two lanes at a time, sums in memory. */
  'matmul, f64x2': `const N = 160;
    ${run(`const a = changetype<usize>(new StaticArray<f64>(N * N)), b = changetype<usize>(new StaticArray<f64>(N * N));
      const c = changetype<usize>(new StaticArray<f64>(N * N));
      for (let i = 0; i < N * N; i++) { store<f64>(a + i * 8, <f64>(i % 17) * 0.5); store<f64>(b + i * 8, <f64>(i % 13) - 6.0); }
      for (let t = 0; t < 2; t++) for (let i = 0; i < N; i++) for (let k = 0; k < N; k++) {
        const f = v128.load64_splat(a + (i * N + k) * 8);
        for (let j = 0; j < N * 8; j += 16) {
          const to = c + i * N * 8 + j;
          v128.store(to, f64x2.add(v128.load(to), f64x2.mul(f, v128.load(b + k * N * 8 + j))));
        }
      }
      for (let i = 0; i < N * N; i++) s += load<f64>(c + i * 8);`)}`,
  /** Transforms of 4,096 complex numbers, in place, 20 times: two stores of two numbers for ten operations. */
  fft: `const N = 4096; const R = new StaticArray<f64>(N), I = new StaticArray<f64>(N), C = new StaticArray<f64>(N), S = new StaticArray<f64>(N);
    ${run(`for (let i = 0; i < N; i++) {
        const at = <f64>i * 6.283185307179586 / N;
        unchecked(C[i] = 1.0 - at * at * 0.01); unchecked(S[i] = at * 0.1); unchecked(R[i] = <f64>(i % 31)); unchecked(I[i] = 0.0);
      }
      for (let t = 0; t < 20; t++) for (let half = N / 2; half > 0; half >>= 1) for (let from = 0; from < N; from += half * 2)
        for (let j = 0; j < half; j++) {
          const p = from + j, q = p + half, w = j * (N / 2 / half);
          const pr = unchecked(R[p]), pi = unchecked(I[p]), qr = unchecked(R[q]), qi = unchecked(I[q]);
          const c = unchecked(C[w]), d = unchecked(S[w]), dr = pr - qr, di = pi - qi;
          unchecked(R[p] = (pr + qr) * 0.7); unchecked(I[p] = (pi + qi) * 0.7);
          unchecked(R[q] = (dr * c - di * d) * 0.7); unchecked(I[q] = (dr * d + di * c) * 0.7);
        }
      for (let i = 0; i < N; i++) s += unchecked(R[i]) + unchecked(I[i]);`)}`,
};
