// Reports that the site has not acknowledged: kept, and sent again on every connection, in their order.
import type { Report } from '../wire/site.ts';

export interface Outbox {
  /** Takes a report; it goes out now, if it can, and again until it is acknowledged. */
  add(report: Report): void;
  acknowledge(batch: number): void;
  /** All of them again, on a new connection. */
  resend(): void;
  kept(): Iterable<Report>;
  readonly size: number;
}

export function createOutbox(send: (report: Report) => void): Outbox {
  const kept = new Map<number, Report>();
  return {
    add: (report) => {
      // What is sent again asks for nothing: that was for the connection of then.
      kept.set(report.batch, report.slots === 0 ? report : { ...report, slots: 0 });
      send(report);
    },
    acknowledge: (batch) => void kept.delete(batch),
    resend: () => {
      for (const report of kept.values()) send(report);
    },
    kept: () => kept.values(),
    get size() {
      return kept.size;
    },
  };
}
