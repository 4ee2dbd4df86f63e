// What hosts tell a site of the blobs that they would give to neighbours, and what they are told of others.
import * as v from 'valibot';
import { digest, integer } from '../../runtime/base/schema.ts';
import { SITE } from './ceilings.ts';

/** `PUT /neighbours`: to be said again well within a minute. The site makes tickets with the secret, for others to show. */
export const AnnouncementSchema = v.strictObject({
  port: integer(1, 65_535),
  secret: v.pipe(v.string('a text'), v.regex(/^[0-9a-f]{64}$/, '32 bytes in hex')),
  holds: v.pipe(v.array(digest()), v.maxLength(SITE.holds.max, `at most ${SITE.holds.max}`)),
});
export type Announcement = v.InferOutput<typeof AnnouncementSchema>;

/** The answer: ms since 1970 by the clock of the site, which tickets go by. */
export const AnnouncedSchema = v.object({ now: integer(0, Number.MAX_SAFE_INTEGER) });

/** One who has a blob: a GET of the URL with the ticket as a bearer token gives its bytes. */
export const OfferSchema = v.object({
  // An address and nothing else: a site is not to send hosts to whatever it likes.
  url: v.pipe(
    v.string('a text'),
    v.regex(/^http:\/\/(?:[\d.]{7,15}|\[[\da-f:.]{2,45}\]):\d{1,5}\/blobs\/[0-9a-f]{64}$/i, 'a URL'),
  ),
  ticket: v.pipe(v.string('a text'), v.maxLength(256)),
});
export type Offer = v.InferOutput<typeof OfferSchema>;
