// Smooth counts of the Mandelbrot set: AssemblyScript and JavaScript, as an author writes it. Input, f64: left, top, pitch, width, rows,
// iterations. Output: a f32 a point.
const FAR: f64 = 65536;

export function run(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const left = view.getFloat64(0, true);
  const top = view.getFloat64(8, true);
  const pitch = view.getFloat64(16, true);
  const width: i32 = i32(view.getFloat64(24, true));
  const rows: i32 = i32(view.getFloat64(32, true));
  const iterations: i32 = i32(view.getFloat64(40, true));
  const output = new Uint8Array(4 * width * rows);
  const out = new DataView(output.buffer);
  for (let row: i32 = 0; row < rows; row++) {
    for (let column: i32 = 0; column < width; column++) {
      const count = countOf(left + f64(column) * pitch, top - f64(row) * pitch, iterations);
      out.setFloat32(4 * (row * width + column), f32(count), true);
    }
  }
  return output;
}

function countOf(cx: f64, cy: f64, iterations: i32): f64 {
  let x: f64 = 0;
  let y: f64 = 0;
  for (let i: i32 = 1; i <= iterations; i++) {
    const square = x * x - y * y;
    y = (x + x) * y + cy;
    x = square + cx;
    const size = x * x + y * y;
    if (size > FAR) return f64(i) - Math.log(Math.log(size) / 11.090354888959125) * 1.4426950408889634;
  }
  return -1;
}
