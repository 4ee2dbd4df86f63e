// A task's limits: parsed from unknown data, and filled in.
import * as v from 'valibot';
import { type LimitName, type Limits, TASK } from '../base/limits.ts';
import { integer } from '../base/schema.ts';

const limit = (name: LimitName) => v.exactOptional(integer(0, TASK[name].max));

/** Some or all limits, in bytes, lines, fuel and ms. */
export const LimitsSchema = v.strictObject({
  memoryBytesMax: limit('memoryBytesMax'),
  inputBytesMax: limit('inputBytesMax'),
  outputBytesMax: limit('outputBytesMax'),
  logBytesMax: limit('logBytesMax'),
  logLinesMax: limit('logLinesMax'),
  fuelMax: limit('fuelMax'),
  wallMsMax: limit('wallMsMax'),
});

export type SomeLimits = v.InferOutput<typeof LimitsSchema>;

/** The given limits, with the defaults where nothing was said. `fuelMax` and `wallMsMax` have none here: not every runner can enforce them. */
export function fillLimits(given: SomeLimits = {}): Limits {
  const { memoryBytesMax, inputBytesMax, outputBytesMax, logBytesMax, logLinesMax } = TASK;
  return {
    memoryBytesMax: memoryBytesMax.default,
    inputBytesMax: inputBytesMax.default,
    outputBytesMax: outputBytesMax.default,
    logBytesMax: logBytesMax.default,
    logLinesMax: logLinesMax.default,
    ...given,
  };
}
