// C = A B in f32: AssemblyScript and JavaScript, as an author writes it. Input: rows, inner, columns as f64, then A and B in f32. Output: C.
export function run(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const rows: i32 = i32(view.getFloat64(0, true));
  const inner: i32 = i32(view.getFloat64(8, true));
  const columns: i32 = i32(view.getFloat64(16, true));
  const a = read(view, 24, rows * inner);
  const b = read(view, 24 + 4 * rows * inner, inner * columns);
  const c = new Float32Array(rows * columns);
  for (let i: i32 = 0; i < rows; i++) {
    for (let k: i32 = 0; k < inner; k++) {
      const factor = a[i * inner + k];
      for (let j: i32 = 0; j < columns; j++) c[i * columns + j] += factor * b[k * columns + j];
    }
  }
  const output = new Uint8Array(4 * c.length);
  const out = new DataView(output.buffer);
  for (let i: i32 = 0; i < c.length; i++) out.setFloat32(4 * i, c[i], true);
  return output;
}

function read(view: DataView, at: i32, count: i32): Float32Array {
  const values = new Float32Array(count);
  for (let i: i32 = 0; i < count; i++) values[i] = view.getFloat32(at + 4 * i, true);
  return values;
}
