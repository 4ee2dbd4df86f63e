// What a task has to do, a shot or a survey: time steps, one after the other, and an output at the end.
import { Writer } from 'lodger/kernel';

export abstract class Work {
  /** Points that a time step computes. */
  abstract points(): i32;
  /** One time step. */
  abstract advance(): void;
  /** How much of the whole is done; 1 at the end, and only there. */
  abstract share(): f64;
  abstract finish(): Uint8Array;

  protected put(writer: Writer, values: StaticArray<f32>): void {
    const bytes = values.length * 4;
    memory.copy(writer.reserve(bytes), changetype<usize>(values), bytes);
  }
}
