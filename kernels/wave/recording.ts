// One shot: from its source through the model, and what its receivers record.
import { Settings, Writer } from 'lodger/kernel';
import { Grid } from './grid';
import { readShot, Shot } from './shot';
import { readVelocities } from './velocities';
import { Work } from './work';

const HEADER_BYTES = 64;
const VERSION: u32 = 1;

export class Recording extends Work {
  /** Places in the field. */
  private readonly source: usize;
  private readonly receivers: StaticArray<usize>;
  /** Trace after trace, `samples` values each. */
  private readonly traces: StaticArray<f32>;
  private done: i32 = 0;

  constructor(
    private readonly shot: Shot,
    private readonly grid: Grid,
  ) {
    super();
    this.source = grid.place(shot.sourceColumn, shot.sourceRow);
    this.receivers = grid.receivers(shot);
    this.traces = new StaticArray<f32>(shot.receivers * shot.samples);
  }

  points(): i32 {
    return this.grid.points;
  }

  share(): f64 {
    return <f64>this.done / <f64>this.shot.steps;
  }

  advance(): void {
    const plan = this.shot;
    this.grid.advance();
    this.grid.add(this.source, plan.pulse(this.done));
    this.done++;
    if (this.done % plan.record === 0) this.record(this.done / plan.record - 1);
  }

  /** Header, velocities, field and traces: see README.md. */
  finish(): Uint8Array {
    const plan = this.shot;
    const field = this.grid;
    const traces = this.traces;
    const points = plan.width * plan.depth;
    const writer = new Writer(HEADER_BYTES + 4 * (2 * points + traces.length));
    writer.bytes(Uint8Array.wrap(String.UTF8.encode('lodgwave')));
    writer.u32(VERSION);
    writer.u32(plan.width);
    writer.u32(plan.depth);
    writer.u32(plan.receivers);
    writer.u32(plan.samples);
    writer.f32(<f32>plan.spacing);
    writer.f32(<f32>(plan.dt * plan.record));
    writer.f32(<f32>(plan.dt * plan.steps));
    writer.f32(<f32>(plan.sourceColumn * plan.spacing));
    writer.f32(<f32>(plan.sourceRow * plan.spacing));
    writer.f32(<f32>(plan.receiverColumns[0] * plan.spacing));
    writer.f32(<f32>(plan.receiverColumns[plan.receivers - 1] * plan.spacing));
    writer.f32(<f32>(plan.receiverRow * plan.spacing));
    writer.f32(<f32>plan.peak);
    this.put(writer, field.velocities);
    for (let row = 0; row < plan.depth; row++) {
      field.copyRow(row, plan.width, writer.reserve(plan.width * 4));
    }
    this.put(writer, traces);
    return writer.finish();
  }

  private record(sample: i32): void {
    const plan = this.shot;
    for (let i = 0; i < plan.receivers; i++) {
      this.traces[i * plan.samples + sample] = this.grid.at(this.receivers[i]);
    }
  }
}

/** Fails by name of the setting. */
export function readRecording(settings: Settings): Recording {
  const shot = readShot(settings);
  const velocities = readVelocities(settings, shot);
  settings.finish();
  shot.check(velocities);
  return new Recording(shot, new Grid(shot, velocities));
}
