// The arguments that a WASI program is given after its name.
import * as v from 'valibot';
import { JOB } from '../base/limits.ts';

/** From unknown data. */
export const ArgsSchema = v.pipe(
  v.array(
    v.pipe(
      v.string('a text'),
      v.maxLength(JOB.argChars.max, `at most ${JOB.argChars.max} characters`),
      v.regex(/^[^\0\p{Cs}]*$/u, 'well-formed, without a NUL'),
    ),
  ),
  v.maxLength(JOB.args.max, `at most ${JOB.args.max} arguments`),
);
