// The picture beside an output: what draws it is loaded with the first output that has one.
import { magicOf } from './magic.ts';

/** An output as a PNG; undefined where it has no picture. */
export async function pictureIfAny(output: Uint8Array): Promise<Uint8Array | undefined> {
  if (!magicOf(output)) return undefined;
  const { pictureIfAny: draw } = await import('./pictures.ts');
  return draw(output);
}
