// What the benchmark of tabs does in a worker of a page: kernels, and fresh sandboxes beside bare instances. It fetches its orders, one after the other.
import { admit } from '../../runtime/admit/admit.ts';
import { portable, toHex } from '../../runtime/base/platform.ts';
import { createV8 } from '../../runtime/engine/v8.ts';
import { bestOf, callOf, type KernelOrder } from './calls.ts';
import { freshOf, timeOf, type Way } from './fresh.ts';

export type Order = KernelOrder | { readonly act: 'fresh'; readonly way: Way; readonly operations: number };

const place = { engine: createV8('tab', { now: portable.now }), platform: portable };
const { name } = globalThis as unknown as { readonly name: string };
const bytesAt = async (path: string) => new Uint8Array(await (await fetch(path)).arrayBuffer());

/** Of the one way that this worker is for. */
let fresh: ReturnType<typeof freshOf> | undefined;

async function obey(order: Order): Promise<object> {
  if (order.act === 'fresh') {
    fresh ??= freshOf(place, await admit(await bytesAt('/kernel/echo'), { platform: portable }), order.way);
    return { us: timeOf(await fresh, order.operations) };
  }
  const parts = { kernel: await bytesAt(`/kernel/${order.name}`), input: await bytesAt(`/input/${order.name}`) };
  const call = callOf(parts.input, await bytesAt('/blob'));
  const { bestMs, output } = await bestOf(place, order, { kernel: parts.kernel, call });
  return { bestMs, output: toHex(portable.digest(output)) };
}

async function obeyAll(): Promise<never> {
  for (;;) {
    const order = (await (await fetch(`/next?${name}`)).json()) as Order;
    const told = await obey(order).catch((error: unknown) => ({ error: String(error) }));
    await fetch(`/told?${name}`, { method: 'POST', body: JSON.stringify(told) });
  }
}

void obeyAll();
