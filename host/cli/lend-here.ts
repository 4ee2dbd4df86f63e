// The host in a site's own process: the agent of every host, without a socket between. Its results are believed.
import { createAgent } from '../agent/agent.ts';
import type { Agent } from '../agent/contracts.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';

/** Lends threads of this process to a site in it. `data` is a folder of its own. */
export function lendHere(
  { site, blobs }: Coordinator,
  { threads, data }: { readonly threads: number; readonly data: string },
): Promise<Agent> {
  let line: ReturnType<typeof site.connectHere> | undefined;
  return createAgent({
    site: {
      connect: (hear, closed) => {
        const opened = site.connectHere(hear, closed);
        line = opened;
        return { send: opened.hear, close: () => opened.closed('goodbye') };
      },
      inputDigest: (job, task) => line?.inputDigest(job, task),
      blobs: {
        get: blobs.get,
        put: blobs.put,
        areChecked: true,
      },
    },
    ...{ data, isolation: 'thread', name: 'this site' },
    policy: { version: 1, threads, battery: 'always' },
  });
}
