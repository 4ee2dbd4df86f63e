// A site under load: validated tasks a second from request to outcome, leases, connections, a restart, a list of jobs, a policy; and with real sandboxes.
import type { Result } from './result.ts';
import { quick } from './site/quick.ts';
import { real } from './site/real.ts';
import { measureScale } from './site/scale.ts';

export default async function measure(): Promise<Result> {
  return { name: 'site', times: [], measures: [...(await quick()), ...(await real()), ...(await measureScale())] };
}
