// What an image may hold, whoever made it: checked before anything is allocated for it.
import type { Ceiling } from '../base/limits.ts';

const MiB = 2 ** 20;

export const IMAGE = {
  stateBytes: {
    default: 2 * MiB,
    max: 2 * MiB,
    unit: 'bytes of globals',
    reason: 'they stand in the manifest; the most globals that admission may let through have 1.6 MB',
  },
  manifestBytes: { default: 8 * MiB, max: 8 * MiB, unit: 'bytes of manifest', reason: 'parsed whole' },
  links: {
    default: 10_000,
    max: 10_000,
    unit: 'differences to one whole image',
    reason: 'all are held at once while an image is opened',
  },
  findings: {
    default: 1_000,
    max: 1_000,
    unit: 'places where two images differ',
    reason: 'people read the first few; what is beyond is counted',
  },
} as const satisfies Record<string, Ceiling>;
