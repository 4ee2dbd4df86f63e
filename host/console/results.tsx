// Results of a job as they come, each as what it is: a picture, a table of JSON rows, text, or its first bytes. All of it is guest data.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { bytes, shown } from '../parts/format.ts';
import type { JobStatus } from '../wire/api.ts';
import { api } from './api.ts';
import { outcomesOf, type Shown } from './outcomes.ts';

/** As many are kept in the page; the command line fetches all. */
const KEPT_MAX = 500;
const TEXT_MAX = 4_000;
const SHOW_MS = 250;
const ROWS_MAX = 50;
const LEVELS = ['debug', 'info', 'warn', 'error'];

export function Results({ job }: { readonly job: JobStatus }): JSX.Element {
  const [outcomes, setOutcomes] = useState<readonly Shown[]>([]);
  const [chosen, setChosen] = useState(0);
  const { id } = job;
  useEffect(() => {
    const control = new AbortController();
    let kept: readonly Shown[] = [];
    const read = async () => {
      for await (const outcome of outcomesOf(id, 0, control.signal)) {
        kept = [...kept, outcome];
        if (kept.length >= KEPT_MAX) break;
      }
    };
    read().catch(() => undefined);
    // Many may come at once; the page is drawn for all of them together.
    const flush = setInterval(() => setOutcomes(kept), SHOW_MS);
    return () => {
      clearInterval(flush);
      control.abort();
    };
  }, [id]);
  const outcome = outcomes[Math.min(chosen, outcomes.length - 1)];
  const lines = outcomes.flatMap(({ index, log }) => (log?.lines ?? []).map((line) => [index, ...line] as const));
  return (
    <>
      <section class="card" aria-labelledby="results">
        <header>
          <h2 id="results">Results</h2>
          <span class="small quiet">
            {outcomes.length} here{outcomes.length >= KEPT_MAX && ', the rest by lodger results'}
          </span>
        </header>
        {!outcome ? (
          <p class="second">Results are shown here in the order of the inputs, as they are accepted.</p>
        ) : (
          <>
            <div class="row">
              <label for="which">Task</label>
              <select
                class="input"
                id="which"
                style={{ width: 'auto' }}
                value={outcome.index}
                onChange={({ currentTarget }) => setChosen(currentTarget.selectedIndex)}
              >
                {outcomes.map(({ index, state, code }) => (
                  <option value={index}>
                    {index}: {code || state}
                  </option>
                ))}
              </select>
              <span class="small quiet">
                confidence {Number(outcome.confidence.toFixed(6))},{' '}
                {outcome.runs === 1 ? '1 run' : `${outcome.runs} runs`}
              </span>
            </div>
            <Outcome key={outcome.index} outcome={outcome} job={id} />
          </>
        )}
      </section>
      {lines.length > 0 && (
        <section class="card" aria-labelledby="log">
          <h2 id="log">Log of the guests</h2>
          <pre class="align" tabIndex={0} role="region" aria-label="Log lines">
            {lines
              .slice(-200)
              .map(([task, level, text]) => `task ${task} ${LEVELS[level]}: ${shown(text, 500)}\n`)
              .join('')}
          </pre>
        </section>
      )}
    </>
  );
}

function Outcome({ outcome, job }: { readonly outcome: Shown; readonly job: string }): JSX.Element {
  const [output, setOutput] = useState<Uint8Array | undefined>(
    typeof outcome.output === 'string' ? undefined : outcome.output,
  );
  useEffect(() => {
    if (typeof outcome.output === 'string') api.blob(outcome.output).then(setOutput, () => undefined);
  }, [outcome]);
  if (outcome.state !== 'done') {
    return (
      <p>
        <strong class="strong">{outcome.code || outcome.state}</strong> {shown(outcome.message, 1_000)}
      </p>
    );
  }
  if (!output) return <span class="bone" />;
  return (
    <>
      <Output bytes={output} name={`Output of task ${outcome.index}`} />
      <p class="small">
        <Download bytes={output} name={`${job}-${String(outcome.index).padStart(6, '0')}.out`} />
      </p>
    </>
  );
}

function Output({ bytes: output, name }: { readonly bytes: Uint8Array; readonly name: string }): JSX.Element {
  const picture = mediaOf(output);
  if (picture !== undefined) return <Picture bytes={output} type={picture} name={name} />;
  const text = textOf(output);
  const rows = text === undefined ? undefined : rowsOf(text);
  if (rows) return <Table rows={rows} name={name} />;
  return (
    <pre class="align" tabIndex={0} role="region" aria-label={name}>
      {text === undefined ? hexOf(output) : shown(text, TEXT_MAX)}
    </pre>
  );
}

/** An object's address for bytes, given back when it is not shown any more. */
function useAddress(content: Uint8Array, type: string): string | undefined {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const url = URL.createObjectURL(new Blob([content as Uint8Array<ArrayBuffer>], { type }));
    setAddress(url);
    return () => URL.revokeObjectURL(url);
  }, [content, type]);
  return address;
}

/** Through an image of a blob alone: what is in it runs nothing. */
function Picture({
  bytes: content,
  type,
  name,
}: {
  readonly bytes: Uint8Array;
  readonly type: string;
  readonly name: string;
}) {
  const address = useAddress(content, type);
  return <div class="picture">{address && <img src={address} alt={name} />}</div>;
}

function Download({ bytes: content, name }: { readonly bytes: Uint8Array; readonly name: string }) {
  const address = useAddress(content, 'application/octet-stream');
  return (
    <a {...(address !== undefined && { href: address })} download={name}>
      Save these {bytes(content.byteLength)}
    </a>
  );
}

function Table({ rows, name }: { readonly rows: readonly Readonly<Record<string, unknown>>[]; readonly name: string }) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].slice(0, 12);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={name}>
      <table class="table bare">
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col">{shown(column, 40)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, ROWS_MAX).map((row) => (
            <tr>
              {columns.map((column) => (
                <td>{cellOf(row[column])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cellOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return shown(typeof value === 'object' ? JSON.stringify(value) : String(value), 120);
}

/** By its first bytes: what it says of itself is not asked. */
function mediaOf(content: Uint8Array): string | undefined {
  const starts = (...first: number[]) => first.every((byte, at) => content[at] === byte);
  if (starts(0x89, 0x50, 0x4e, 0x47)) return 'image/png';
  if (starts(0xff, 0xd8, 0xff)) return 'image/jpeg';
  if (starts(0x47, 0x49, 0x46, 0x38)) return 'image/gif';
  return undefined;
}

function textOf(content: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content.subarray(0, 2 ** 20));
  } catch {
    return undefined;
  }
}

/** The rows of a JSON list of objects, or of an object that holds one. */
function rowsOf(text: string): readonly Record<string, unknown>[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const lists = Array.isArray(value) ? [value] : Object.values(Object(value)).filter(Array.isArray);
    const isRow = (row: unknown) => typeof row === 'object' && row !== null && !Array.isArray(row);
    return lists.find((list) => list.length > 0 && list.every(isRow));
  } catch {
    return undefined;
  }
}

function hexOf(content: Uint8Array): string {
  const rows = [];
  for (let at = 0; at < Math.min(content.byteLength, 512); at += 16)
    rows.push(Array.from(content.subarray(at, at + 16), (byte) => byte.toString(16).padStart(2, '0')).join(' '));
  return `${rows.join('\n')}${content.byteLength > 512 ? '\n…' : ''}`;
}
