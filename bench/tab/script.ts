// What the benchmark of tabs does in a worker of a page: kernels, and fresh sandboxes beside bare instances. It fetches its orders, one after the other.
import { admit } from '../../runtime/admit/admit.ts';
import { portable, toHex } from '../../runtime/base/platform.ts';
import { createV8 } from '../../runtime/engine/v8.ts';
import { bestOf, callOf, type KernelOrder } from './calls.ts';
import { compareFresh } from './fresh.ts';

export type Order = KernelOrder | { readonly act: 'fresh'; readonly rounds: number; readonly operations: number };

const place = { engine: createV8('tab'), platform: portable };
const bytesAt = async (path: string) => new Uint8Array(await (await fetch(path)).arrayBuffer());

async function obey(order: Order): Promise<object> {
  if (order.act === 'fresh') {
    const kernel = await admit(await bytesAt('/kernel/echo'), { platform: portable });
    return compareFresh(place, kernel, order);
  }
  const parts = { kernel: await bytesAt(`/kernel/${order.name}`), input: await bytesAt(`/input/${order.name}`) };
  const call = callOf(parts.input, await bytesAt('/blob'));
  const { bestMs, output } = await bestOf(place, order, { kernel: parts.kernel, call });
  return { bestMs, output: toHex(portable.digest(output)) };
}

async function obeyAll(): Promise<never> {
  for (;;) {
    const order = (await (await fetch('/next')).json()) as Order;
    const told = await obey(order).catch((error: unknown) => ({ error: String(error) }));
    await fetch('/told', { method: 'POST', body: JSON.stringify(told) });
  }
}

void obeyAll();
