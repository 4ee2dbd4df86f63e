// The subjects of `npm run bench -- lift`: seven loops as an author writes them, and the same with raw pointers.

/** What both have: the data, and the sum over all results, in loops that neither of them lifts. */
const FRAME = `
const GN: i32 = 192, JN: i32 = 384, VN: i32 = 16384, SN: i32 = 500000, HN: i32 = 500000, FN: i32 = 4096;
const gA = new StaticArray<f64>(GN * GN), gB = new StaticArray<f64>(GN * GN), gC = new StaticArray<f64>(GN * GN);
const gu = new StaticArray<f64>(JN * JN), gv = new StaticArray<f64>(JN * JN);
const gx = new StaticArray<f64>(VN), gy = new StaticArray<f64>(VN), gz = new StaticArray<f64>(VN);
const gs = new StaticArray<u8>(SN), gd = new StaticArray<u8>(HN), gh = new StaticArray<i32>(256);
const gre = new StaticArray<f64>(FN), gim = new StaticArray<f64>(FN), gcs = new StaticArray<f64>(FN / 2), gsn = new StaticArray<f64>(FN / 2);
let acc: f64 = 0, cnt: i32 = 0, seed: u32 = 12345, hh: u64 = 0;
function chance(): f64 { seed = seed * 1664525 + 1013904223; return <f64>(seed >> 8) / 16777216.0; }
function fill(a: StaticArray<f64>): void { let i = 0; while (i < a.length) a[i++] = chance() - 0.5; }
export function init(): void {
  fill(gA); fill(gB); fill(gu); fill(gv); fill(gx); fill(gy); fill(gz); fill(gcs); fill(gsn);
  let i = 0; while (i < HN) gd[i++] = <u8>(chance() * 256.0);
}
function mix(x: u64): void { hh = (hh ^ x) * 0x100000001b3; hh ^= hh >> 29; }
function mixAll(a: StaticArray<f64>): void { let i = 0; while (i < a.length) mix(reinterpret<u64>(a[i++])); }
export function hash(): u64 {
  hh = 0; mixAll(gC); mixAll(gu); mixAll(gv); mixAll(gz); mixAll(gre); mixAll(gim);
  let i = 0; while (i < 256) mix(gh[i++]);
  i = 0; while (i < SN) mix(gs[i++]);
  mix(reinterpret<u64>(acc)); mix(cnt); return hh;
}
function copyInto(a: StaticArray<f64>, b: StaticArray<f64>): void { memory.copy(changetype<usize>(a), changetype<usize>(b), FN << 3); }
`;

/** Names of the subjects, each an export of both modules. */
export const SUBJECTS = ['gemm', 'jacobi', 'saxpy', 'dot', 'sieve', 'histogram', 'fft'] as const;

/** Plain AssemblyScript, without `unchecked` and without a thought of speed. */
export const READABLE = `${FRAME}
export function gemm(): void { gemmOf(gA, gB, gC, GN); }
export function jacobi(): void { jacobiOf(gu, gv, JN, 10); }
export function saxpy(): void { for (let r = 0; r < 50; r++) saxpyOf(0.5, gx, gz); }
export function dot(): void { for (let r = 0; r < 50; r++) acc += dotOf(gx, gy, VN); }
export function sieve(): void { cnt += sieveOf(gs, SN); }
export function histogram(): void { histogramOf(gd, gh, HN); }
export function fft(): void { copyInto(gre, gx); copyInto(gim, gy); fftOf(gre, gim, gcs, gsn, FN); }
function gemmOf(A: StaticArray<f64>, B: StaticArray<f64>, C: StaticArray<f64>, n: i32): void {
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const a = A[i * n + k];
      for (let j = 0; j < n; j++) C[i * n + j] += a * B[k * n + j];
    }
  }
}
function jacobiOf(u: StaticArray<f64>, v: StaticArray<f64>, n: i32, steps: i32): void {
  for (let t = 0; t < steps; t++) {
    for (let i = 1; i < n - 1; i++) {
      for (let j = 1; j < n - 1; j++) {
        v[i * n + j] = 0.25 * (u[(i - 1) * n + j] + u[(i + 1) * n + j] + u[i * n + j - 1] + u[i * n + j + 1]);
      }
    }
    const w = u; u = v; v = w;
  }
}
function saxpyOf(a: f64, x: StaticArray<f64>, y: StaticArray<f64>): void {
  for (let i = 0; i < x.length; i++) y[i] = a * x[i] + y[i];
}
function dotOf(x: StaticArray<f64>, y: StaticArray<f64>, n: i32): f64 {
  let s = 0.0;
  for (let i = 0; i < n; i++) s += x[i] * y[i];
  return s;
}
function sieveOf(s: StaticArray<u8>, n: i32): i32 {
  let c = 0;
  for (let i = 0; i < n; i++) s[i] = 1;
  for (let i = 2; i * i < n; i++) {
    if (s[i]) for (let j = i * i; j < n; j += i) s[j] = 0;
  }
  for (let i = 2; i < n; i++) c += s[i];
  return c;
}
function histogramOf(d: StaticArray<u8>, h: StaticArray<i32>, n: i32): void {
  for (let i = 0; i < n; i++) h[d[i]]++;
}
function fftOf(re: StaticArray<f64>, im: StaticArray<f64>, cs: StaticArray<f64>, sn: StaticArray<f64>, n: i32): void {
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const a = re[i]; re[i] = re[j]; re[j] = a;
      const b = im[i]; im[i] = im[j]; im[j] = b;
    }
  }
  for (let len = 2; len <= n; len <<= 1) {
    const half = len >> 1, step = n / len;
    for (let i = 0; i < n; i += len) {
      for (let k = 0; k < half; k++) {
        const wr = cs[k * step], wi = sn[k * step];
        const xr = re[i + k + half], xi = im[i + k + half];
        const tr = xr * wr - xi * wi, ti = xr * wi + xi * wr;
        re[i + k + half] = re[i + k] - tr; im[i + k + half] = im[i + k] - ti;
        re[i + k] += tr; im[i + k] += ti;
      }
    }
  }
}`;

/** The same algorithms as somebody writes them who gives up all checks for speed: pointers, scalar. */
export const RAW = `${FRAME}
function at(a: StaticArray<f64>): usize { return changetype<usize>(a); }
export function gemm(): void { gemmOf(at(gA), at(gB), at(gC), GN); }
export function jacobi(): void { jacobiOf(at(gu), at(gv), JN, 10); }
export function saxpy(): void { for (let r = 0; r < 50; r++) saxpyOf(0.5, at(gx), at(gz), VN); }
export function dot(): void { for (let r = 0; r < 50; r++) acc += dotOf(at(gx), at(gy), VN); }
export function sieve(): void { cnt += sieveOf(changetype<usize>(gs), SN); }
export function histogram(): void { histogramOf(changetype<usize>(gd), changetype<usize>(gh), HN); }
export function fft(): void { copyInto(gre, gx); copyInto(gim, gy); fftOf(at(gre), at(gim), at(gcs), at(gsn), FN); }
function gemmOf(A: usize, B: usize, C: usize, n: i32): void {
  for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) {
    const a = load<f64>(A + (<usize>(i * n + k) << 3)), c = C + (<usize>(i * n) << 3), b = B + (<usize>(k * n) << 3);
    for (let j = 0; j < n; j++) { const o = <usize>j << 3; store<f64>(c + o, load<f64>(c + o) + a * load<f64>(b + o)); }
  }
}
function jacobiOf(u: usize, v: usize, n: i32, steps: i32): void {
  const r = <usize>n << 3;
  for (let t = 0; t < steps; t++) {
    for (let i = 1; i < n - 1; i++) {
      const p = u + <usize>i * r, q = v + <usize>i * r, pu = p - r, pd = p + r;
      for (let j = 1; j < n - 1; j++) {
        const o = <usize>j << 3;
        store<f64>(q + o, 0.25 * (load<f64>(pu + o) + load<f64>(pd + o) + load<f64>(p + o - 8) + load<f64>(p + o, 8)));
      }
    }
    const w = u; u = v; v = w;
  }
}
function saxpyOf(a: f64, x: usize, y: usize, n: i32): void {
  for (let i = 0; i < n; i++) { const o = <usize>i << 3; store<f64>(y + o, a * load<f64>(x + o) + load<f64>(y + o)); }
}
function dotOf(x: usize, y: usize, n: i32): f64 {
  let s = 0.0;
  for (let i = 0; i < n; i++) { const o = <usize>i << 3; s += load<f64>(x + o) * load<f64>(y + o); }
  return s;
}
function sieveOf(s: usize, n: i32): i32 {
  let c = 0;
  for (let i = 0; i < n; i++) store<u8>(s + i, 1);
  for (let i = 2; i * i < n; i++) if (load<u8>(s + i)) for (let j = i * i; j < n; j += i) store<u8>(s + j, 0);
  for (let i = 2; i < n; i++) c += load<u8>(s + i);
  return c;
}
function histogramOf(d: usize, h: usize, n: i32): void {
  for (let i = 0; i < n; i++) { const p = h + (<usize>load<u8>(d + i) << 2); store<i32>(p, load<i32>(p) + 1); }
}
function fftOf(re: usize, im: usize, cs: usize, sn: usize, n: i32): void {
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const x = <usize>i << 3, y = <usize>j << 3;
      const a = load<f64>(re + x); store<f64>(re + x, load<f64>(re + y)); store<f64>(re + y, a);
      const b = load<f64>(im + x); store<f64>(im + x, load<f64>(im + y)); store<f64>(im + y, b);
    }
  }
  for (let len = 2; len <= n; len <<= 1) {
    const half = len >> 1, step = n / len;
    for (let i = 0; i < n; i += len) {
      const r0 = re + (<usize>i << 3), i0 = im + (<usize>i << 3), r1 = r0 + (<usize>half << 3), i1 = i0 + (<usize>half << 3);
      for (let k = 0; k < half; k++) {
        const t = <usize>(k * step) << 3, o = <usize>k << 3, wr = load<f64>(cs + t), wi = load<f64>(sn + t);
        const xr = load<f64>(r1 + o), xi = load<f64>(i1 + o), tr = xr * wr - xi * wi, ti = xr * wi + xi * wr;
        const ur = load<f64>(r0 + o), ui = load<f64>(i0 + o);
        store<f64>(r1 + o, ur - tr); store<f64>(i1 + o, ui - ti); store<f64>(r0 + o, ur + tr); store<f64>(i0 + o, ui + ti);
      }
    }
  }
}`;
