// Loaded into a process before all else: the clock on the wall is an hour fast after SIGUSR2, an hour slow after the next, and so on.
import process from 'node:process';

const HOUR_MS = 3_600_000;
const RealDate = Date;
const now = RealDate.now.bind(RealDate);
let off = 0;

globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [now() + off] : given));
  }

  static now() {
    return now() + off;
  }
};
process.on('SIGUSR2', () => {
  off = off > 0 ? -HOUR_MS : HOUR_MS;
});
