// The magic of outputs that have pictures: the eight bytes that they begin with.

export const MAGICS = ['lodgwave', 'lodgmigr', 'lodgdyna', 'lodgfrac', 'lodgspec'] as const;
export type Magic = (typeof MAGICS)[number];

const MAGIC_BYTES = 8;

/** Of which kind an output says that it is; its header may not fit it. */
export function magicOf(output: Uint8Array): Magic | undefined {
  const begin = new TextDecoder('latin1').decode(output.subarray(0, MAGIC_BYTES));
  return MAGICS.find((magic) => magic === begin);
}
