// The thread of a site in which kernels are admitted and prepared for tabs: the code of any host, by which others of the site are not held up.
import { parentPort } from 'node:worker_threads';
import { admit } from '../../runtime/admit/admit.ts';
import { prepare } from '../../runtime/prepare/prepare.ts';
import { node } from '../platform/node.ts';
import { refusalOf } from '../wire/prepared.ts';
import type { Made, Wanted } from './preparing.ts';

parentPort?.on('message', async (wanted: Wanted) => parentPort?.postMessage(await make(wanted)));

async function make({ bytes, nans }: Wanted): Promise<Made> {
  try {
    const kernel = await admit(bytes, { platform: node });
    const prepared = prepare(kernel, { memoryForm: 'imported', metered: true, canonicalNaNs: nans === 'canonical' });
    const { facts, state } = prepared;
    return { facts, ...(state && { layout: state }), bytes: prepared.bytes };
  } catch (error) {
    return refusalOf(error);
  }
}
