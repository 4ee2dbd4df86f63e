// One job: its tasks as a map, the life of one of them, results and log lines as they come, cancelling.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Badge, Facts, Problem } from '../parts/controls.tsx';
import { clock, duration, short, shown } from '../parts/format.ts';
import { Heads } from '../parts/heads.tsx';
import { type PlaceStatus, TASK_STATES } from '../wire/api.ts';
import { api, type Refused } from './api.ts';
import type { Live } from './live.ts';
import { Places, placeName } from './places.tsx';
import { Receipts } from './receipts.tsx';
import { Results } from './results.tsx';
import { STATE_WORDS, sentenceOf, TaskMap } from './task-map.tsx';
import { problemOf, useAsked } from './use.ts';

const STATES_MS = 1_000;
const PLACES_MS = 2_000;

export function JobPage({ id, live }: { readonly id: string; readonly live: Live }): JSX.Element {
  const asked = useAsked(() => api.job(id), [id], 5_000);
  const job = live.jobs.get(id) ?? asked.value;
  const states = useAsked(() => api.states(id), [id], job?.state === 'open' ? STATES_MS : undefined);
  const places = useAsked(() => api.places(id), [id], job?.state === 'open' ? PLACES_MS : undefined);
  const [chosen, setChosen] = useState<number>();
  const [problem, setProblem] = useState<Refused>();
  const again = job?.state;
  useEffect(() => {
    states.again();
    places.again();
  }, [again]);
  if (!job) {
    if (!asked.problem) return <span class="bone" />;
    const { message, code } = asked.problem;
    return <Problem title="This job cannot be shown" message={message} code={code} />;
  }
  const { manifest, counts, tasks, rate, msLeft, fuel, runs, checks, audits, state, account, submitted } = job;
  const grants = (manifest.grants ?? []).map(({ kind }) => kind);
  return (
    <>
      <div class="stack" style={{ gap: 'var(--s2)' }}>
        <p class="crumb">
          <a href="#/">Overview</a> / job {shown(id, 64)}
        </p>
        <div class="row spread">
          <h1>{shown(job.name || id, 200)}</h1>
          {state === 'open' && <Cancel id={id} done={counts.done} onProblem={setProblem} />}
        </div>
        <p class="row second">
          <Badge state={state} word={state === 'open' ? 'under way' : state} />
          <span>{shown(account)}</span>
          <span>
            kernel <span class="tag">{manifest.kernel.slice(0, 12)}</span>
          </span>
          <span>
            {grants.length === 0 ? 'no grants' : 'grants '}
            {grants.map((grant) => (
              <span class="tag">{grant}</span>
            ))}
          </span>
          <span>confidence {String(manifest.confidence ?? 0.999)}</span>
          <span>submitted {clock(submitted)}</span>
        </p>
      </div>
      {problem && <Problem title="The job was not cancelled" message={problem.message} code={problem.code} />}
      <section class="card" aria-label="Sums">
        <Facts
          kind="large"
          rows={[
            ['Accepted', `${counts.done} of ${tasks}`],
            ['Rate', `${short(rate)} a second`],
            ['Left', state !== 'open' ? 'nothing' : msLeft === null ? 'not known' : `about ${duration(msLeft)}`],
            ['Fuel', short(fuel)],
            ['Runs', `${runs}, ${checks} of them checks`],
            ...(audits.count > 0 ? [['Parts run again', `${audits.count}, ${short(audits.fuel)} fuel`] as const] : []),
          ]}
        />
      </section>
      <div class="deck side">
        <div class="stack" style={{ gap: 'var(--s4)' }}>
          <section class="card" aria-labelledby="tm">
            <header>
              <h2 id="tm">Tasks</h2>
              <ul class="legend-row" aria-label="Tasks by state">
                {TASK_STATES.filter((each) => counts[each] > 0).map((each) => (
                  <li>
                    <Badge state={each} word={`${counts[each]} ${STATE_WORDS[each]}`} />
                  </li>
                ))}
              </ul>
            </header>
            <p class="unseen">{sentenceOf(counts)}</p>
            {states.value && states.value.length > 0 ? (
              <TaskMap states={states.value} chosen={chosen} onChoose={setChosen} />
            ) : (
              <p class="second">No input has come yet.</p>
            )}
          </section>
          <Places places={places.value ?? []} />
          <Results job={job} />
          <Receipts job={job} places={places.value ?? []} />
        </div>
        {chosen === undefined ? (
          <section class="card" aria-labelledby="task">
            <h2 id="task">A task</h2>
            <p class="second">Choose a square to see the life of its task: where it runs, who has run it, and why.</p>
          </section>
        ) : (
          <Task key={`${id} ${chosen}`} job={id} index={chosen} isOpen={state === 'open'} places={places.value ?? []} />
        )}
      </div>
    </>
  );
}

function Task({
  job,
  index,
  isOpen,
  places,
}: {
  readonly job: string;
  readonly index: number;
  readonly isOpen: boolean;
  readonly places: readonly PlaceStatus[];
}): JSX.Element {
  const { value: task, problem } = useAsked(() => api.task(job, index), [job, index], isOpen ? 1_000 : undefined);
  return (
    <section class="card" aria-labelledby="task">
      <header>
        <h2 id="task">Task {index}</h2>
        {task && <Badge state={task.state} word={STATE_WORDS[task.state]} />}
      </header>
      {problem && <Problem title="This task cannot be shown" message={problem.message} code={problem.code} />}
      {task && (
        <>
          <p class="why">{task.why}</p>
          <Facts
            rows={[
              ['Input', `${short(task.input.bytes)} bytes`],
              ['Confidence', task.confidence === null ? 'not yet' : String(Number(task.confidence.toFixed(6)))],
            ]}
          />
          {task.leases.length > 0 && (
            <>
              <h3>Running on</h3>
              <ul class="stack">
                {task.leases.map(({ host, since, share }) => (
                  <li>
                    <span title={host}>{placeName(host, places)}</span> since {clock(since)}
                    {share !== null && `, ${Math.round(share * 100)}% done`}
                  </li>
                ))}
              </ul>
            </>
          )}
          <h3>Runs</h3>
          {task.runs.length === 0 ? (
            <p class="second">Nobody has delivered it yet.</p>
          ) : (
            <table class="table bare small">
              <Heads columns={['Host', 'Answer', { number: 'Fuel' }]} />
              <tbody>
                {task.runs.map(({ host, at, answer, fuel, check }) => (
                  <tr>
                    <th scope="row" title={`delivered ${clock(at)}`}>
                      <span title={host}>{placeName(host, places)}</span>
                      {check && ', a check'}
                    </th>
                    <td>
                      <code title={answer}>{shown(answer, 12)}</code>
                    </td>
                    <td class="num">{fuel === null ? 'not exact' : short(fuel)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </>
      )}
    </section>
  );
}

function Cancel({
  id,
  done,
  onProblem,
}: {
  readonly id: string;
  readonly done: number;
  readonly onProblem: (problem: Refused) => void;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const cancel = async () => {
    dialog.current?.close();
    await api.cancel(id).catch((error: unknown) => onProblem(problemOf(error)));
  };
  return (
    <>
      <button class="btn grave" type="button" onClick={() => dialog.current?.showModal()}>
        Cancel job
      </button>
      <dialog class="ask" ref={dialog} aria-labelledby="ask">
        <div class="stack">
          <h2 id="ask">Cancel this job?</h2>
          <p>
            What runs is stopped at once. The {done} results that there are stay; the rest is not done. A cancelled job
            cannot be taken up again.
          </p>
          <div class="row">
            <button class="btn first" type="button" autofocus onClick={() => dialog.current?.close()}>
              Keep it running
            </button>
            <button class="btn grave" type="button" onClick={cancel}>
              Cancel job
            </button>
          </div>
        </div>
      </dialog>
    </>
  );
}
