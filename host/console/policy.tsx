// The policy of the site: what its hosts let tasks use at most. What a change would stop is shown before it is pushed.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { parseDuration, parseSize } from '../../runtime/base/units.ts';
import { type Policy, parsePolicy } from '../../runtime/policy/policy.ts';
import { Check, Problem } from '../parts/controls.tsx';
import { shown } from '../parts/format.ts';
import { api, type Refused } from './api.ts';
import type { Live } from './live.ts';
import { problemOf, useAsked } from './use.ts';

/** Grants that a site may pass on; folders and origins are an owner's alone. */
const GRANTS = [
  ['log', 'Lines for the job’s author'],
  ['blobs', 'The job’s read-only data, checked by digest'],
  ['random', 'Bytes from the task’s seed, the same everywhere'],
  ['clock', 'Time since the task began. Such tasks run once, on trusted hosts'],
] as const;

const SIZES = { GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10 };
const TIMES = { h: 3_600_000, min: 60_000, s: 1_000, ms: 1 };

/** Exactly, in the largest unit that it is a whole number of. */
function wholeIn(units: Readonly<Record<string, number>>, value: number): string {
  const [unit, size] = Object.entries(units).find(([, size]) => value > 0 && value % size === 0) ?? ['', 1];
  return `${value / size}${unit}`;
}

const FIELDS = [
  ['memoryBytesMax', 'Memory a task', 'such as 512MiB', parseSize, (value: number) => wholeIn(SIZES, value)],
  ['outputBytesMax', 'Output a task', 'such as 64MiB', parseSize, (value: number) => wholeIn(SIZES, value)],
  ['wallMsMax', 'Time a task', 'such as 10min', parseDuration, (value: number) => wholeIn(TIMES, value)],
  ['fuelMax', 'Fuel a task', 'a whole number', (text: string) => wholeOf(text), (value: number) => String(value)],
] as const;

type Draft = Readonly<Record<string, string>> & { readonly grants: string };

export function PolicyPage({ live }: { readonly live: Live }): JSX.Element {
  const { value: inForce, problem, again } = useAsked(() => api.policy(), []);
  const [draft, setDraft] = useState<Draft>();
  const [pushed, setPushed] = useState<{ version: number } | Refused>();
  useEffect(() => {
    if (inForce && !draft) setDraft(draftOf(inForce.policy));
  }, [inForce]);
  if (problem) return <Problem title="The policy cannot be shown" message={problem.message} code={problem.code} />;
  if (!inForce || !draft) return <span class="bone" />;
  const read = policyOf(draft, inForce.policy);
  const push = async () => {
    if (!('policy' in read)) return;
    try {
      setPushed(await api.setPolicy(read.policy));
      setDraft(undefined);
      again();
    } catch (error) {
      setPushed(problemOf(error));
    }
  };
  return (
    <>
      <div class="stack" style={{ gap: 'var(--s2)' }}>
        <div class="row spread">
          <h1>Policy of the site</h1>
          <p class="small quiet">Version {inForce.version} is in force</p>
        </div>
        <p class="second">Policies only narrow each other. Whatever you allow here, an owner may still refuse.</p>
      </div>
      <div class="deck side">
        <form class="stack" style={{ gap: 'var(--s4)' }} onSubmit={(event) => event.preventDefault()}>
          <section class="card" aria-labelledby="much">
            <h2 id="much">How much</h2>
            <div class="two">
              {FIELDS.map(([name, label, hint]) => (
                <Field
                  id={name}
                  label={label}
                  hint={hint}
                  value={draft[name] ?? ''}
                  wrong={read.wrong?.[name]}
                  onChange={(text) => setDraft({ ...draft, [name]: text })}
                />
              ))}
            </div>
          </section>
          <section class="card" aria-labelledby="grants">
            <header>
              <h2 id="grants">Grants</h2>
              <span class="small quiet">What is not granted does not exist for a task</span>
            </header>
            {GRANTS.map(([kind, text]) => (
              <Check
                label={`${kind}: ${text}`}
                checked={draft.grants.split(' ').includes(kind)}
                onChange={(on) => setDraft({ ...draft, grants: withGrant(draft.grants, kind, on) })}
              />
            ))}
          </section>
        </form>
        <Simulation policy={'policy' in read ? read.policy : undefined} live={live}>
          {pushed && 'code' in pushed && (
            <Problem title="It was not pushed" message={pushed.message} code={pushed.code} />
          )}
          {pushed && 'version' in pushed && (
            <p class="note done" role="status">
              Version {pushed.version} was pushed to every host.
            </p>
          )}
          <div class="row">
            <button class="btn first" type="button" aria-disabled={!('policy' in read)} onClick={push}>
              Push policy
            </button>
            <button class="btn" type="button" onClick={() => setDraft(draftOf(inForce.policy))}>
              Discard
            </button>
          </div>
        </Simulation>
      </div>
    </>
  );
}

function Simulation({
  policy,
  live,
  children,
}: {
  readonly policy: Policy | undefined;
  readonly live: Live;
  readonly children: JSX.Element | unknown;
}): JSX.Element {
  const key = JSON.stringify(policy);
  const { value, problem } = useAsked(() => (policy ? api.simulate(policy) : Promise.resolve([])), [key]);
  return (
    <section class="card sticky" aria-labelledby="sim" aria-live="polite">
      <h2 id="sim">What would stop</h2>
      {problem && <Problem title="It cannot be told" message={problem.message} code={problem.code} />}
      {!policy && <p class="second">One field needs mending before this can be told.</p>}
      {policy && value?.length === 0 && <p>No host would have less to do.</p>}
      <ul class="stack">
        {(value ?? []).map(({ host, stops }) => (
          <li>
            <strong class="strong">{shown(live.hosts.get(host)?.name ?? host, 64)}</strong>
            <br />
            <span class="small second">{stops}</span>
          </li>
        ))}
      </ul>
      {children as JSX.Element}
    </section>
  );
}

function Field({
  id,
  label,
  hint,
  value,
  wrong,
  onChange,
}: {
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly wrong: string | undefined;
  readonly onChange: (text: string) => void;
}): JSX.Element {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        class="input"
        id={id}
        value={value}
        aria-describedby={`${id}-more`}
        aria-invalid={wrong !== undefined}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      <span class={wrong === undefined ? 'hint' : 'wrong'} id={`${id}-more`}>
        {wrong ?? hint}
      </span>
    </div>
  );
}

function draftOf({ limits, grants }: Policy): Draft {
  const fields = FIELDS.map(([name, , , , text]) => [name, text(limits[name])]);
  return { ...Object.fromEntries(fields), grants: [...new Set(grants.map(({ kind }) => kind))].join(' ') };
}

function withGrant(grants: string, kind: string, on: boolean): string {
  const kinds = grants.split(' ').filter((each) => each !== '' && each !== kind);
  return (on ? [...kinds, kind] : kinds).join(' ');
}

type Read = { readonly policy: Policy; readonly wrong?: never } | { readonly wrong: Readonly<Record<string, string>> };

/** What the draft says; limits that the page does not show stay as they are. */
function policyOf(draft: Draft, { limits, grants }: Policy): Read {
  const wrong: Record<string, string> = {};
  const read: Record<string, number> = {};
  for (const [name, , , parse] of FIELDS) {
    try {
      read[name] = parse(draft[name] ?? '', name);
    } catch (error) {
      wrong[name] = (error as Error).message;
    }
  }
  if (Object.keys(wrong).length > 0) return { wrong };
  const kinds = draft.grants.split(' ');
  // Rules that say more than their kind stay while the kind is granted; pinned folders are blobs.
  const kept = grants.filter((rule) => kinds.includes('pinned' in rule ? 'blobs' : rule.kind));
  const added = GRANTS.filter(([kind]) => kinds.includes(kind) && !kept.some((rule) => rule.kind === kind));
  try {
    const rules = [...kept, ...added.map(([kind]) => ({ kind }))];
    return { policy: parsePolicy({ version: 1, limits: { ...limits, ...read }, grants: rules }) };
  } catch (error) {
    const { message } = error as Error;
    const name = FIELDS.find(([field]) => message.includes(field))?.[0] ?? 'memoryBytesMax';
    return { wrong: { [name]: message } };
  }
}

function wholeOf(text: string): number {
  const value = Number(text.replace(/[\s,_]/g, ''));
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new RangeError('a whole number, 0 or more');
  return value;
}
