// A liquid: AssemblyScript and JavaScript, as an author writes it. Input, f64: particles, steps, steps of a sample, edge, cutoff, dt; places
// and velocities, x of all, then y, then z. Output, f64: time, kinetic, potential and whole energy a particle and temperature of each sample;
// places and velocities.
export function run(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const count: i32 = i32(view.getFloat64(0, true));
  const steps: i32 = i32(view.getFloat64(8, true));
  const sample: i32 = i32(view.getFloat64(16, true));
  const edge = view.getFloat64(24, true);
  const cutoff = view.getFloat64(32, true);
  const dt = view.getFloat64(40, true);
  const places = read(view, 48, 3 * count);
  const velocities = read(view, 48 + 24 * count, 3 * count);
  const forces = new Float64Array(3 * count);
  const rows: i32 = i32(Math.floor(f64(steps) / f64(sample))) + 1;
  const output = new Uint8Array(40 * rows + 48 * count);
  const out = new DataView(output.buffer);
  let potential = push(places, forces, count, edge, cutoff);
  for (let step: i32 = 0; ; step++) {
    if (step % sample === 0) {
      const row: i32 = 40 * i32(Math.floor(f64(step) / f64(sample)));
      let kinetic: f64 = 0;
      for (let i: i32 = 0; i < 3 * count; i++) kinetic += 0.5 * velocities[i] * velocities[i];
      out.setFloat64(row, dt * f64(step), true);
      out.setFloat64(row + 8, kinetic / f64(count), true);
      out.setFloat64(row + 16, potential / f64(count), true);
      out.setFloat64(row + 24, (kinetic + potential) / f64(count), true);
      out.setFloat64(row + 32, (2 * kinetic) / f64(3 * count - 3), true);
    }
    if (step === steps) break;
    for (let i: i32 = 0; i < 3 * count; i++) {
      velocities[i] += 0.5 * dt * forces[i];
      const place = places[i] + dt * velocities[i];
      places[i] = place < 0 ? place + edge : place >= edge ? place - edge : place;
    }
    potential = push(places, forces, count, edge, cutoff);
    for (let i: i32 = 0; i < 3 * count; i++) velocities[i] += 0.5 * dt * forces[i];
  }
  for (let i: i32 = 0; i < 3 * count; i++) {
    out.setFloat64(40 * rows + 8 * i, places[i], true);
    out.setFloat64(40 * rows + 24 * count + 8 * i, velocities[i], true);
  }
  return output;
}

/** Forces of all pairs that are near, by cells that are as wide as the cutoff at least. Gives the potential energy. */
function push(places: Float64Array, forces: Float64Array, count: i32, edge: f64, cutoff: f64): f64 {
  const side: i32 = i32(Math.floor(edge / cutoff));
  const scale = f64(side) / edge;
  const radius = cutoff * cutoff;
  const half = 0.5 * edge;
  const last = 1 / (radius * radius * radius);
  const shift = 4 * last * (last - 1);
  const first = new Int32Array(side * side * side);
  const next = new Int32Array(count);
  for (let i: i32 = 0; i < first.length; i++) first[i] = -1;
  for (let i: i32 = 0; i < 3 * count; i++) forces[i] = 0;
  let potential: f64 = 0;
  for (let i: i32 = 0; i < count; i++) {
    const x = places[i];
    const y = places[count + i];
    const z = places[2 * count + i];
    const column: i32 = i32(Math.floor(x * scale));
    const row: i32 = i32(Math.floor(y * scale));
    const layer: i32 = i32(Math.floor(z * scale));
    // With those that were put into cells before it.
    for (let c: i32 = layer - 1; c <= layer + 1; c++) {
      for (let b: i32 = row - 1; b <= row + 1; b++) {
        for (let a: i32 = column - 1; a <= column + 1; a++) {
          const cell: i32 = (((c + side) % side) * side + ((b + side) % side)) * side + ((a + side) % side);
          for (let j: i32 = first[cell]; j >= 0; j = next[j]) {
            const dx = nearest(x - places[j], edge, half);
            const dy = nearest(y - places[count + j], edge, half);
            const dz = nearest(z - places[2 * count + j], edge, half);
            const square = dx * dx + dy * dy + dz * dz;
            if (square >= radius) continue;
            const inverse = 1 / square;
            const sixth = inverse * inverse * inverse;
            const share = 48 * sixth * (sixth - 0.5) * inverse;
            potential += 4 * sixth * (sixth - 1) - shift;
            forces[i] += share * dx;
            forces[count + i] += share * dy;
            forces[2 * count + i] += share * dz;
            forces[j] -= share * dx;
            forces[count + j] -= share * dy;
            forces[2 * count + j] -= share * dz;
          }
        }
      }
    }
    const own: i32 = (layer * side + row) * side + column;
    next[i] = first[own];
    first[own] = i;
  }
  return potential;
}

function nearest(way: f64, edge: f64, half: f64): f64 {
  return way > half ? way - edge : way < -half ? way + edge : way;
}

function read(view: DataView, at: i32, count: i32): Float64Array {
  const values = new Float64Array(count);
  for (let i: i32 = 0; i < count; i++) values[i] = view.getFloat64(at + 8 * i, true);
  return values;
}
