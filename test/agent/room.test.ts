// What a host does with tasks that it has no room for: it gives them back with the reason, and does not ask for them again and again.
import { beforeAll, expect, test } from 'vitest';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { DO, guest, inputOf } from '../pool/guest.ts';
import { servedSite, startAgent } from './started.ts';
import { termsOf } from './terms.ts';

let kernel: Kernel;
beforeAll(async () => {
  kernel = (await guest()) as Kernel;
});

test('a task whose blobs are more than the owner gives disk for goes back, is asked for again later and later, and others are done', async () => {
  const { site, url } = await servedSite();
  const large = site.put(inputOf(DO.echo, 7, 300_000));
  site.add('large', termsOf(site.put(kernel.bytes)), [large]);
  const policy = { version: 1, threads: 1, memoryFreeBytesMin: 0, diskFreeBytesMin: 0, diskBytesMax: 100_000 } as const;
  await startAgent({ site: url, policy });
  const releases = () => site.heard.flatMap((one) => (one.type === 'release' ? [one.reason] : []));
  const leased = performance.now();
  await site.until('a release', () => releases().length >= 8);
  // Two requests are under way at a time. A timer is never early: after the first rest, of 1 s, comes one of 2 s.
  expect(performance.now() - leased).toBeGreaterThan(2_900);
  expect(new Set(releases())).toEqual(new Set(['disk']));
  site.add('small', termsOf(site.put(kernel.bytes)), [inputOf(DO.echo, 8)]);
  await site.until('the other', () => site.results.has('small 0'));
  expect(site.faults).toEqual([]);
});
