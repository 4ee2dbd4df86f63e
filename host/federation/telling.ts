// What a site tells all others with every beat: its record, and the batches that are under way there.
import * as v from 'valibot';
import { SiteRecordSchema } from './record.ts';
import { isFrom, parse, unseal } from './seal.ts';

/** A record, and the batches that are under way at its site. */
const TellingSchema = v.strictObject({
  record: SiteRecordSchema,
  holds: v.pipe(v.array(v.pipe(v.string(), v.maxLength(128))), v.maxLength(256)),
});
export type Telling = v.InferOutput<typeof TellingSchema>;

/** A record that is signed by the key in it and comes under its own name. Throws a RangeError. */
export function told(from: string, message: Uint8Array): Telling | undefined {
  const sealed = unseal(message);
  const telling = parse(TellingSchema, sealed.body);
  const { name, key } = telling.record;
  return name === from && sealed.from === from && sealed.to === '*' && isFrom(sealed, key) ? telling : undefined;
}
