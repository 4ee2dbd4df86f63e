// Receipts of a job, added up by host as they are signed, and all of them to keep: whoever has them can check them without the site.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Problem } from '../parts/controls.tsx';
import { short } from '../parts/format.ts';
import { Heads } from '../parts/heads.tsx';
import type { JobStatus, PlaceStatus } from '../wire/api.ts';
import type { WireReceipt } from '../wire/delivered.ts';
import { api, type Refused } from './api.ts';
import { placeName } from './places.tsx';
import { problemOf } from './use.ts';

/** As many are added up in the page; the file has all. */
const SUMMED_MAX = 5_000;
const AGAIN_MS = 3_000;

interface Sum {
  readonly receipts: number;
  /** Each is signed once, by its host and by the site. */
  readonly batches: number;
  readonly hosts: ReadonlyMap<string, HostSum>;
}

interface HostSum {
  readonly receipts: number;
  /** Those for a part of a task that was run again. */
  readonly parts: number;
  readonly fuel: number;
}

const NOTHING: Sum = { receipts: 0, batches: 0, hosts: new Map() };
const NONE: HostSum = { receipts: 0, parts: 0, fuel: 0 };

export function Receipts({
  job: { id, state },
  places,
}: {
  readonly job: JobStatus;
  readonly places: readonly PlaceStatus[];
}): JSX.Element {
  const [{ receipts, batches, hosts }, setSum] = useState(NOTHING);
  const [problem, setProblem] = useState<Refused>();
  useEffect(() => {
    const control = new AbortController();
    follow(id, state === 'open', setSum, control.signal).then(
      () => setProblem(undefined),
      (error: unknown) => !control.signal.aborted && setProblem(problemOf(error)),
    );
    return () => control.abort();
  }, [id, state]);
  return (
    <section class="card flush" aria-labelledby="receipts">
      <header>
        <h2 id="receipts">Receipts</h2>
        <span class="small quiet">
          {receipts} in {batches} signed {batches === 1 ? 'batch' : 'batches'}
          {receipts >= SUMMED_MAX && ', the rest in the file'}
        </span>
      </header>
      {problem && <Problem title="Receipts cannot be shown" message={problem.message} code={problem.code} />}
      {hosts.size === 0 ? (
        <p class="second">None is signed yet.</p>
      ) : (
        <>
          <table class="table fold">
            <Heads columns={['Host', { number: 'Receipts' }, { number: 'Parts run again' }, { number: 'Fuel' }]} />
            <tbody>
              {[...hosts].map(([host, of]) => (
                <tr key={host}>
                  <th scope="row">{placeName(host, places)}</th>
                  <td class="num" data-label="Receipts">
                    {of.receipts}
                  </td>
                  <td class="num" data-label="Parts run again">
                    {of.parts}
                  </td>
                  <td class="num" data-label="Fuel">
                    {short(of.fuel)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <p class="pad small">
            <a href={api.receiptsAt(id)} download={`${id}.receipts.ndjson`}>
              Save all receipts
            </a>
            ; <code>lodger verify</code> checks them without asking anybody.
          </p>
        </>
      )}
    </section>
  );
}

/** Adds up what is signed by now, and what comes later while the job goes on. */
async function follow(job: string, isOpen: boolean, hear: (sum: Sum) => void, signal: AbortSignal): Promise<void> {
  const batches = new Set<string>();
  const hosts = new Map<string, HostSum>();
  let receipts = 0;
  do {
    for await (const receipt of api.receipts(job, receipts, signal)) {
      batches.add(receipt.siteSignature);
      hosts.set(receipt.head.host, added(hosts.get(receipt.head.host), receipt));
      if (++receipts >= SUMMED_MAX) break;
    }
    if (signal.aborted) return;
    hear({ receipts, batches: batches.size, hosts: new Map(hosts) });
    if (isOpen) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  } while (isOpen && !signal.aborted && receipts < SUMMED_MAX);
}

function added({ receipts, parts, fuel }: HostSum = NONE, { entry }: WireReceipt): HostSum {
  return {
    receipts: receipts + 1,
    parts: parts + (entry.interval === undefined ? 0 : 1),
    fuel: fuel + (entry.fuel ?? 0),
  };
}
