// A site under load: validated tasks a second from request to outcome, leases, connections, a restart, a list of jobs, a policy; with real
// sandboxes, and as its commands are called.
import type { Result } from './result.ts';
import { commands } from './site/commands.ts';
import { quick } from './site/quick.ts';
import { real } from './site/real.ts';
import { measureScale } from './site/scale.ts';

export default async function measure(): Promise<Result> {
  const measures = [...(await quick()), ...(await real()), ...(await commands()), ...(await measureScale())];
  return { name: 'site', times: [], measures };
}
