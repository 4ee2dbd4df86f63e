// The field at two times on a grid that is larger than the model by a sponge, and what moves it on in time.
// Values are f32: their rounding stays below 1e-5 of the field's peak in thousands of steps, less than the scheme's own error, and
// four fit a vector.
import { Shot } from './shot';
import { REACH } from './stencil';
import { advanceStrip, PITCH, STRIP } from './strip';

/**
 * What a wave head on has left behind the sponge, its edge and the sponge again. A smaller value makes the sponge itself send more
 * back: this one did best, with 2 to 4 % of the wave in all from a sponge 2.2 wavelengths wide, and 4 to 9 % at 1.5.
 */
const LEFT = 1e-2;
const FADE = 1.5 * Math.log(1 / LEFT);

/**
 * u_tt + 2 s u_t = v^2 (u_xx + u_zz), second order in time: next = past + a (now - past) + c L(now) with s dt in the sponge,
 * a = 2 / (1 + s dt) and c = (v dt / h)^2 / (1 + s dt). Around the grid lie REACH points that stay 0.
 *
 * Strips of STRIP columns lie one after the other. On both sides of each, the REACH nearest columns of the next are there once more.
 */
export class Grid {
  /** Those of the model, without the sponge. */
  readonly velocities: StaticArray<f32>;
  /** Points that a time step computes. */
  readonly points: i32;
  private readonly sponge: i32;
  private readonly rows: i32;
  private readonly columns: i32;
  private readonly strips: i32;
  /** Bytes from one strip to the next. */
  private readonly apart: usize;
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
    this.strips = (this.columns + STRIP - 1) / STRIP;
    this.apart = <usize>(this.rows + 2 * REACH) * PITCH;
    const bytes = <usize>this.strips * this.apart;
    this.now = zeroed(bytes);
    this.past = zeroed(bytes);
    this.a = zeroed(bytes);
    this.c = zeroed(bytes);
    this.fillFactors(shot);
  }

  /** Where a column and row of the model are: bytes from the start of an array. */
  place(column: i32, row: i32): usize {
    return this.offset(column + this.sponge, row + this.sponge);
  }

  /** Address of the field at a place, until the field is moved on. */
  address(place: usize): usize {
    return this.now + place;
  }

  /** The field at a place. */
  at(place: usize): f32 {
    return load<f32>(this.now + place);
  }

  /** Adds a source of this strength, where the field has been moved on from the time that the strength is of. */
  add(place: usize, strength: f32): void {
    const at = this.now + place;
    store<f32>(at, load<f32>(at) + load<f32>(this.c + place) * strength);
  }

  /** Places of a shot's receivers. */
  receivers(shot: Shot): StaticArray<usize> {
    const places = new StaticArray<usize>(shot.receivers);
    for (let i = 0; i < places.length; i++) places[i] = this.place(shot.receiverColumns[i], shot.receiverRow);
    return places;
  }

  /** Columns that lie beside each other from this one of the model on, which may be beyond its end. */
  beside(column: i32): i32 {
    return STRIP - ((column + this.sponge) % STRIP);
  }

  /** Copies a row of the model, of `width` columns. */
  copyRow(row: i32, width: i32, to: usize): void {
    for (let column = 0; column < width; ) {
      const count = min(this.beside(column), width - column);
      memory.copy(to + <usize>column * 4, this.address(this.place(column, row)), <usize>count * 4);
      column += count;
    }
  }

  /** Takes all waves away. */
  clear(): void {
    const bytes = <usize>this.strips * this.apart;
    memory.fill(this.now, 0, bytes);
    memory.fill(this.past, 0, bytes);
  }

  /** One time step. */
  advance(): void {
    const now = this.now;
    const to = this.past;
    const first = this.offset(0, 0);
    for (let strip = 0; strip < this.strips; strip++) {
      const from = <usize>strip * this.apart;
      const across = <usize>((min(this.columns - strip * STRIP, STRIP) + 7) & ~7) * 4;
      if (strip < this.strips - 1) this.join(now + from);
      advanceStrip(now + from, to + first - now, this.a + first - now, this.c + first - now, this.rows, across);
    }
    this.now = to;
    this.past = now;
  }

  /** Bytes from the start of an array to a column and row of the whole grid. */
  private offset(column: i32, row: i32): usize {
    const within = <usize>(row + REACH) * PITCH + <usize>((<u32>column % STRIP) + REACH) * 4;
    return <usize>(<u32>column / STRIP) * this.apart + within;
  }

  /** Brings the nearest columns of a strip to the next, and of that to it. */
  private join(strip: usize): void {
    let at = strip + REACH * PITCH;
    const end = at + <usize>this.rows * PITCH;
    const next = this.apart;
    do {
      v128.store(at, v128.load(at + next, 4 * REACH), 4 * (REACH + STRIP));
      v128.store(at + next, v128.load(at, 4 * STRIP));
      at += PITCH;
    } while (at < end);
  }

  private fillFactors(shot: Shot): void {
    const ratio = shot.dt / shot.spacing;
    const inner = <u32>(shot.width - 1);
    const across = new StaticArray<f64>(this.columns);
    let next = 0;
    while (next < this.columns) {
      across[next] = this.damping(next, this.columns);
      next++;
    }
    for (let row = 0; row < this.rows; row++) {
      const modelRow = max(0, min(shot.depth - 1, row - shot.sponge));
      const along = this.damping(row, this.rows);
      let velocity = changetype<usize>(this.velocities) + <usize>(modelRow * shot.width) * 4;
      let side = -shot.sponge;
      let damping = changetype<usize>(across);
      for (let column = 0; column < this.columns; column += STRIP) {
        let a = this.a + this.offset(column, row);
        let c = this.c + this.offset(column, row);
        const end = damping + <usize>min(STRIP, this.columns - column) * 8;
        // At its end, the loop is left: V8 takes what stays the same out of such loops alone.
        do {
          const courant = <f64>load<f32>(velocity) * ratio;
          const out = 1 + courant * (load<f64>(damping) + along);
          // Both in one division, which is what takes longest.
          const over = f64x2.replace_lane(f64x2.splat(courant * courant), 0, 2);
          const factors = f32x4.demote_f64x2_zero(f64x2.div(over, f64x2.splat(out)));
          v128.store32_lane(a, factors, 0);
          v128.store32_lane(c, factors, 1);
          a += 4;
          c += 4;
          // Beyond its sides, the model goes on as it ends there.
          velocity += (<usize>(<u32>side < inner)) << 2;
          side++;
          damping += 8;
        } while (damping < end);
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

function zeroed(bytes: usize): usize {
  const at = heap.alloc(bytes);
  memory.fill(at, 0, bytes);
  return at;
}
