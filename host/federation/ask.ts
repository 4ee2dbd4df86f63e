// One question to another site, sealed both ways.
import type { Bus, Self } from './contracts.ts';
import { type Answer, AnswerSchema, type Ask } from './messages.ts';
import { isFrom, parse, seal, unseal } from './seal.ts';

const ASK_MS = 10_000;

export interface Asked {
  readonly self: Self;
  readonly bus: Bus;
  readonly to: string;
  /** The key of that site, in hex; undefined for one that is not known. */
  readonly key: string | undefined;
}

/** Rejects where there is no answer, and with a RangeError for one that is not of that site. */
export async function askSite({ self, bus, to, key }: Asked, body: Ask): Promise<Answer> {
  if (key === undefined) throw new RangeError(`site ${to} is not known`);
  const sealed = unseal(await bus.ask(to, seal(self.key, { from: self.name, to, body }), ASK_MS));
  if (sealed.from !== to || sealed.to !== self.name || !isFrom(sealed, key))
    throw new RangeError(`the answer is not of site ${to}`);
  return parse(AnswerSchema, sealed.body);
}
