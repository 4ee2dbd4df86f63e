// A thousand simulated tabs of one site: visits, tickets and the real wire, in Node processes. No lease may be missed.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Measure } from '../result.ts';
import type { Used } from '../site/coordinator.ts';
import { start, startSite, submit } from '../site/parts.ts';
import type { Crowd } from './tabs.ts';

const PROCESSES = 2;
const TABS = 1_000;
const TASKS = 20_000;
/** Each tab has a task for so long. */
const TASK_MS = 1_000;
const MiB = 2 ** 20;

export async function crowd(): Promise<Measure> {
  const site = await startSite();
  const { url } = site.coordinator.first;
  const given = [url, String(TABS / PROCESSES), String(TASK_MS)];
  const parts = await Promise.all(
    Array.from({ length: PROCESSES }, (_, at) => start('../tab/tabs', [...given, String(at)])),
  );
  const ask = async (): Promise<Crowd> => {
    const told = await Promise.all(parts.map((part) => part.ask<Crowd>()));
    const sum = (of: (one: Crowd) => number) => told.reduce((all, one) => all + of(one), 0);
    const tasks = new Set(told.flatMap((one) => one.tasks));
    return {
      ...{ welcomed: sum((one) => one.welcomed), ended: sum((one) => one.ended) },
      leases: sum((one) => one.leases),
      tasks: [...tasks],
    };
  };
  try {
    while ((await ask()).welcomed < TABS) await sleep(200);
    await submit(site, TASKS, {});
    let peak = 0;
    let now = await ask();
    // Nobody confirms what tabs say, so every task is leased once, unless a lease was missed.
    for (; now.tasks.length < TASKS; now = await ask()) {
      peak = Math.max(peak, (await site.coordinator.ask<Used>()).residentBytes);
      await sleep(500);
    }
    const missed = now.leases - now.tasks.length;
    return {
      measure: `a coordinator with ${TABS} simulated tabs, ${TASKS} tasks of ${TASK_MS} ms`,
      value: `${missed} leases missed, ${now.ended} connections lost, ${Math.round(peak / MiB)} MiB`,
      must: 'none missed, < 512 MiB',
      holds: missed === 0 && now.ended === 0 && peak < 512 * MiB,
    };
  } finally {
    for (const part of parts) await part.end();
    await site.close();
  }
}
