// The field at two times on a grid that is larger than the model by a sponge, and what moves it on in time, four points at once.
// Values are f32: their rounding stays below 1e-5 of the field's peak in thousands of steps, less than the scheme's own error, and
// four fit a vector.
import { Shot } from './shot';
import { REACH, WEIGHT_0, WEIGHT_1, WEIGHT_2, WEIGHT_3, WEIGHT_4 } from './stencil';

/**
 * What a wave head on has left behind the sponge, its edge and the sponge again. A smaller value makes the sponge itself send more
 * back: this one did best, with 2 to 4 % of the wave in all from a sponge 2.2 wavelengths wide, and 4 to 9 % at 1.5.
 */
const LEFT = 1e-2;
const FADE = 1.5 * Math.log(1 / LEFT);

/**
 * u_tt + 2 s u_t = v^2 (u_xx + u_zz), second order in time: next = past + a (now - past) + c L(now) with s dt in the sponge,
 * a = 2 / (1 + s dt) and c = (v dt / h)^2 / (1 + s dt). Around the grid lie REACH points that stay 0.
 */
export class Grid {
  /** Those of the model, without the sponge. */
  readonly velocities: StaticArray<f32>;
  /** Points that a time step computes. */
  readonly points: i32;
  private readonly sponge: i32;
  /** Points from one row to the next, a multiple of four, and bytes of a whole array. */
  private readonly stride: i32;
  private readonly rows: i32;
  private readonly columns: i32;
  /** Addresses of arrays of f32. */
  private now: usize;
  private past: usize;
  private readonly a: usize;
  private readonly c: usize;

  constructor(shot: Shot, velocities: StaticArray<f32>) {
    this.velocities = velocities;
    this.sponge = shot.sponge;
    this.columns = shot.width + 2 * shot.sponge;
    this.rows = shot.depth + 2 * shot.sponge;
    this.points = this.columns * this.rows;
    this.stride = (this.columns + 2 * REACH + 3) & ~3;
    const bytes = <usize>(this.stride * (this.rows + 2 * REACH)) * 4;
    this.now = zeroed(bytes);
    this.past = zeroed(bytes);
    this.a = zeroed(bytes);
    this.c = zeroed(bytes);
    this.fillFactors(shot);
  }

  /** The field at a column and row of the model. */
  at(column: i32, row: i32): f32 {
    return load<f32>(this.now + this.offset(column + this.sponge, row + this.sponge));
  }

  /** Adds a source of this strength, where the field has been moved on from the time that the strength is of. */
  add(column: i32, row: i32, strength: f32): void {
    const at = this.offset(column + this.sponge, row + this.sponge);
    store<f32>(this.now + at, load<f32>(this.now + at) + load<f32>(this.c + at) * strength);
  }

  /** Address of the field at the first column of a row of the model. */
  row(row: i32): usize {
    return this.now + this.offset(this.sponge, row + this.sponge);
  }

  /** Takes all waves away. */
  clear(): void {
    const bytes = <usize>(this.stride * (this.rows + 2 * REACH)) * 4;
    memory.fill(this.now, 0, bytes);
    memory.fill(this.past, 0, bytes);
  }

  /** One time step. */
  advance(): void {
    for (let row = 0; row < this.rows; row++) {
      const from = this.offset(0, row);
      advanceRow(this.now + from, this.past + from, this.a + from, this.c + from, this.stride, this.columns);
    }
    const past = this.past;
    this.past = this.now;
    this.now = past;
  }

  /** Bytes from the start of an array to a column and row of the whole grid. */
  private offset(column: i32, row: i32): usize {
    return <usize>((row + REACH) * this.stride + column + REACH) * 4;
  }

  private fillFactors(shot: Shot): void {
    const ratio = shot.dt / shot.spacing;
    for (let row = 0; row < this.rows; row++) {
      const modelRow = max(0, min(shot.depth - 1, row - this.sponge));
      for (let column = 0; column < this.columns; column++) {
        const modelColumn = max(0, min(shot.width - 1, column - this.sponge));
        const courant = <f64>this.velocities[modelRow * shot.width + modelColumn] * ratio;
        const out = this.damping(column, this.columns) + this.damping(row, this.rows);
        const at = this.offset(column, row);
        store<f32>(this.a + at, <f32>(2 / (1 + courant * out)));
        store<f32>(this.c + at, <f32>((courant * courant) / (1 + courant * out)));
      }
    }
  }

  /** s h / v, 0 in the model and rising as a square outwards: twice its sum over the sponge is the logarithm of LEFT. */
  private damping(at: i32, count: i32): f64 {
    const into = max(this.sponge - at, at - (count - 1 - this.sponge));
    if (into <= 0) return 0;
    const share = <f64>into / <f64>this.sponge;
    return (FADE * share * share) / <f64>this.sponge;
  }
}

/** Of the point itself along both axes, and of those 1 to 4 away. In memory, since V8 makes a constant anew at every use. */
const WEIGHTS = memory.data<f32>([<f32>(2 * WEIGHT_0), <f32>WEIGHT_1, <f32>WEIGHT_2, <f32>WEIGHT_3, <f32>WEIGHT_4]);
/**
 * Never read. What is stored there has to be computed before the loads behind it, which V8 would bring forward until registers run out.
 * Twice a turn: more often costs as much as it wins. A comparison, since a number that is stored is looked at for NaNs first.
 */
const SCRATCH = memory.data(16, 16);

/** One row; the last vector may run over its end, into points whose factors are 0, which stay as they are. */
function advanceRow(now: usize, past: usize, a: usize, c: usize, stride: i32, columns: i32): void {
  const row = <usize>stride * 4;
  const row2 = 2 * row;
  const row3 = 3 * row;
  const row4 = 4 * row;
  const w0 = v128.load32_splat(WEIGHTS);
  const w1 = v128.load32_splat(WEIGHTS, 4);
  const w2 = v128.load32_splat(WEIGHTS, 8);
  const w3 = v128.load32_splat(WEIGHTS, 12);
  const w4 = v128.load32_splat(WEIGHTS, 16);
  const end = now + <usize>columns * 4;
  // As distances: one address to move on, and one less register each.
  past -= now;
  a -= now;
  c -= now;
  do {
    const west = now - 16;
    // From the smallest to the largest, for the sake of rounding.
    let curve = f32x4.mul(
      w4,
      f32x4.add(
        f32x4.add(v128.load(west), v128.load(west, 32)),
        f32x4.add(v128.load(now - row4), v128.load(now + row4)),
      ),
    );
    curve = f32x4.add(
      curve,
      f32x4.mul(
        w3,
        f32x4.add(
          f32x4.add(v128.load(west, 4), v128.load(west, 28)),
          f32x4.add(v128.load(now - row3), v128.load(now + row3)),
        ),
      ),
    );
    v128.store(SCRATCH, f32x4.lt(curve, w0));
    curve = f32x4.add(
      curve,
      f32x4.mul(
        w2,
        f32x4.add(
          f32x4.add(v128.load(west, 8), v128.load(west, 24)),
          f32x4.add(v128.load(now - row2), v128.load(now + row2)),
        ),
      ),
    );
    const near = f32x4.mul(
      w1,
      f32x4.add(
        f32x4.add(v128.load(west, 12), v128.load(west, 20)),
        f32x4.add(v128.load(now - row), v128.load(now + row)),
      ),
    );
    const here = v128.load(west, 16);
    curve = f32x4.add(curve, f32x4.add(near, f32x4.mul(w0, here)));
    v128.store(SCRATCH, f32x4.lt(curve, w0));
    const before = v128.load(now + past);
    const moved = f32x4.add(before, f32x4.mul(v128.load(now + a), f32x4.sub(here, before)));
    v128.store(now + past, f32x4.add(moved, f32x4.mul(v128.load(now + c), curve)));
    now += 16;
  } while (now < end);
}

function zeroed(bytes: usize): usize {
  const at = heap.alloc(bytes);
  memory.fill(at, 0, bytes);
  return at;
}
