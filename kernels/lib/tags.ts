// What a value of MessagePack is, by its first byte, in words for messages.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.

export function kindOf(tag: u32): string {
  if (tag < 0x80 || tag >= 0xe0 || (tag >= 0xcc && tag <= 0xd3)) return 'an integer';
  if (tag < 0x90 || tag == 0xde || tag == 0xdf) return 'a map';
  if (tag < 0xa0 || tag == 0xdc || tag == 0xdd) return 'an array';
  if (tag < 0xc0 || (tag >= 0xd9 && tag <= 0xdb)) return 'a string';
  if (tag == 0xc0) return 'nil';
  if (tag == 0xc2 || tag == 0xc3) return 'a boolean';
  if (tag >= 0xc4 && tag <= 0xc6) return 'bytes';
  if (tag == 0xca || tag == 0xcb) return 'a float';
  return 'an extension';
}
