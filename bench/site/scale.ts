// How large a site may become: a restart with a million open tasks, a thousand hosts, ten thousand jobs.
import type { Measure } from '../result.ts';

export async function measureScale(): Promise<Measure[]> {
  return [];
}
