// A seismic shot: AssemblyScript and JavaScript, as an author writes it. Input, f64: width, depth, sponge, steps, record, spacing, dt, peak,
// column and row of the source, first and last column, count and row of receivers; then f32 velocities. Output: f32 field and traces.
const REACH: i32 = 4;

export function run(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const width: i32 = i32(view.getFloat64(0, true));
  const depth: i32 = i32(view.getFloat64(8, true));
  const sponge: i32 = i32(view.getFloat64(16, true));
  const steps: i32 = i32(view.getFloat64(24, true));
  const record: i32 = i32(view.getFloat64(32, true));
  const ratio = view.getFloat64(48, true) / view.getFloat64(40, true);
  const columns: i32 = width + 2 * sponge;
  const rows: i32 = depth + 2 * sponge;
  const stride: i32 = columns + 2 * REACH;
  const points: i32 = stride * (rows + 2 * REACH);
  const a = new Float32Array(points);
  const c = new Float32Array(points);
  for (let row: i32 = 0; row < rows; row++) {
    const modelRow = between(row - sponge, depth);
    for (let column: i32 = 0; column < columns; column++) {
      const at: i32 = modelRow * width + between(column - sponge, width);
      const courant = f64(view.getFloat32(112 + 4 * at, true)) * ratio;
      const out = damping(column, columns, sponge) + damping(row, rows, sponge);
      const to: i32 = (row + REACH) * stride + column + REACH;
      a[to] = f32(2 / (1 + courant * out));
      c[to] = f32((courant * courant) / (1 + courant * out));
    }
  }
  let now = new Float32Array(points);
  let past = new Float32Array(points);
  const origin: i32 = (sponge + REACH) * stride + sponge + REACH;
  const source: i32 = origin + i32(view.getFloat64(72, true)) * stride + i32(view.getFloat64(64, true));
  const receivers: i32 = i32(view.getFloat64(96, true));
  const samples: i32 = i32(Math.floor(f64(steps) / f64(record)));
  const traces = new Float32Array(receivers * samples);
  for (let step: i32 = 0; step < steps; step++) {
    for (let row: i32 = 0; row < rows; row++) advance(now, past, a, c, (row + REACH) * stride + REACH, columns, stride);
    const other = past;
    past = now;
    now = other;
    now[source] += c[source] * pulse(view.getFloat64(56, true), f64(step) * view.getFloat64(48, true));
    if ((step + 1) % record !== 0) continue;
    for (let i: i32 = 0; i < receivers; i++) {
      const share = receivers > 1 ? f64(i) / f64(receivers - 1) : 0;
      const first = view.getFloat64(80, true);
      const column: i32 = i32(Math.floor(first + share * (view.getFloat64(88, true) - first) + 0.5));
      const at: i32 = origin + i32(view.getFloat64(104, true)) * stride + column;
      traces[i * samples + i32(Math.floor(f64(step + 1) / f64(record))) - 1] = now[at];
    }
  }
  const output = new Uint8Array(4 * (width * depth + traces.length));
  const out = new DataView(output.buffer);
  for (let row: i32 = 0; row < depth; row++) {
    for (let column: i32 = 0; column < width; column++) {
      out.setFloat32(4 * (row * width + column), now[origin + row * stride + column], true);
    }
  }
  for (let i: i32 = 0; i < traces.length; i++) out.setFloat32(4 * (width * depth + i), traces[i], true);
  return output;
}

function advance(
  now: Float32Array,
  past: Float32Array,
  a: Float32Array,
  c: Float32Array,
  from: i32,
  columns: i32,
  stride: i32,
): void {
  // Added and taken away again: numbers far smaller than this, which take a processor ten times as long, become 0.
  const nothing: f32 = f32(1e-20);
  const w0: f32 = f32(-205.0 / 36.0);
  const w1: f32 = f32(8.0 / 5.0);
  const w2: f32 = f32(-1.0 / 5.0);
  const w3: f32 = f32(8.0 / 315.0);
  const w4: f32 = f32(-1.0 / 560.0);
  const two: i32 = 2 * stride;
  const three: i32 = 3 * stride;
  const four: i32 = 4 * stride;
  const end: i32 = from + columns;
  for (let i: i32 = from; i < end; i++) {
    past[i] =
      past[i] +
      a[i] * (now[i] - past[i]) +
      c[i] *
        (w4 * (now[i - 4] + now[i + 4] + (now[i - four] + now[i + four])) +
          w3 * (now[i - 3] + now[i + 3] + (now[i - three] + now[i + three])) +
          w2 * (now[i - 2] + now[i + 2] + (now[i - two] + now[i + two])) +
          (w1 * (now[i - 1] + now[i + 1] + (now[i - stride] + now[i + stride])) + w0 * now[i])) +
      nothing -
      nothing;
  }
}

function pulse(peak: f64, time: f64): f32 {
  const phase = 3.141592653589793 * (peak * time - 1.5);
  return f32((1 - 2 * phase * phase) * Math.exp(-phase * phase));
}

function between(at: i32, count: i32): i32 {
  return at < 0 ? 0 : at < count ? at : count - 1;
}

function damping(at: i32, count: i32, sponge: i32): f64 {
  const before: i32 = sponge - at;
  const behind: i32 = at - (count - 1 - sponge);
  const into: i32 = before > behind ? before : behind;
  if (into <= 0) return 0;
  const share = f64(into) / f64(sponge);
  return (1.5 * Math.log(100.0) * share * share) / f64(sponge);
}
