// Whether bytes are plain MessagePack, looked at before anything is made of them: a reader that believes a length in a few bytes of a
// stranger's would reserve gigabytes.

const DEPTH_MAX = 16;

/** First bytes of the forms whose length follows, with the bytes that the length has, and what a unit of it stands for. */
const SIZED: Readonly<Record<number, readonly [width: 1 | 2 | 4, kind: 'bytes' | 'values' | 'pairs']>> = {
  196: [1, 'bytes'],
  197: [2, 'bytes'],
  198: [4, 'bytes'],
  217: [1, 'bytes'],
  218: [2, 'bytes'],
  219: [4, 'bytes'],
  220: [2, 'values'],
  221: [4, 'values'],
  222: [2, 'pairs'],
  223: [4, 'pairs'],
};

/** Bytes after the first one, of nil, false, true, and numbers. */
const FIXED: Readonly<Record<number, number>> = {
  192: 0,
  194: 0,
  195: 0,
  202: 4,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
  207: 8,
  208: 1,
  209: 2,
  210: 4,
  211: 8,
};

/** Throws a RangeError unless the bytes are one value without extensions, nested at most 16 deep, with as many parts as it claims. */
export function checkShape(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Values that are still to come, by depth. */
  const open: number[] = [1];
  let at = 0;
  while (open.length > 0) {
    const left = open.at(-1) as number;
    if (left === 0) {
      open.pop();
      continue;
    }
    open[open.length - 1] = left - 1;
    if (at >= bytes.length) throw new RangeError('a message ends too early');
    const values = valuesAt(view, at);
    at += skipAt(view, at);
    if (at + values > bytes.length) throw new RangeError('a message claims more than it has');
    if (values === 0) continue;
    if (open.length >= DEPTH_MAX) throw new RangeError('a message is nested too deeply');
    open.push(values);
  }
  if (at !== bytes.length) throw new RangeError('a message has something behind it');
}

/** How many bytes a value has before its parts. */
function skipAt(view: DataView, at: number): number {
  const first = view.getUint8(at);
  if (first < 0xa0 || first >= 0xe0) return 1;
  if (first < 0xc0) return 1 + (first & 0x1f);
  const fixed = FIXED[first];
  if (fixed !== undefined) return 1 + fixed;
  const sized = SIZED[first];
  if (!sized) throw new RangeError(`a message has a form that is not used: ${first}`);
  const [width, kind] = sized;
  return 1 + width + (kind === 'bytes' ? sizeAt(view, at + 1, width) : 0);
}

/** How many values follow a value as its parts. */
function valuesAt(view: DataView, at: number): number {
  const first = view.getUint8(at);
  if (first < 0x80) return 0;
  if (first < 0x90) return 2 * (first & 0x0f);
  if (first < 0xa0) return first & 0x0f;
  const [width, kind] = SIZED[first] ?? NO_PARTS;
  return PARTS[kind] && PARTS[kind] * sizeAt(view, at + 1, width);
}

const NO_PARTS = [1, 'bytes'] as const;
/** Values that a unit of a length stands for. */
const PARTS = { bytes: 0, values: 1, pairs: 2 } as const;

function sizeAt(view: DataView, at: number, width: 1 | 2 | 4): number {
  if (width === 1) return view.getUint8(at);
  return width === 2 ? view.getUint16(at) : view.getUint32(at);
}
