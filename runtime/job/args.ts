// The arguments that a WASI program is given after its name.
import * as v from 'valibot';
import { JOB } from '../base/limits.ts';

/** No NUL, and no half of a pair of code units: C has no such texts, and UTF-8 neither. */
const TEXT = /^(?:[^\0\uD800-\uDFFF]|[\uD800-\uDBFF][\uDC00-\uDFFF])*$/;

/** From unknown data. */
export const ArgsSchema = v.pipe(
  v.array(
    v.pipe(
      v.string('a text'),
      v.maxLength(JOB.argChars.max, `at most ${JOB.argChars.max} characters`),
      v.regex(TEXT, 'well-formed, without a NUL'),
    ),
  ),
  v.maxLength(JOB.args.max, `at most ${JOB.args.max} arguments`),
);
