// Tabs, in a browser that nobody drives: kernels, sandboxes, tasks a second, the first task, a pause, and a thousand tabs of one site.
import type { Result } from './result.ts';
import { compute } from './tab/compute.ts';
import { crowd } from './tab/crowd.ts';
import { visits } from './tab/visits.ts';

export default async function measure(): Promise<Result> {
  return { name: 'tab', times: [], measures: [...(await compute()), ...(await visits()), await crowd()] };
}
