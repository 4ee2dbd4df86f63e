// While a tab is lent: what runs, what it gave, and everything by which its visitor slows, pauses or ends it.
import type { CSSProperties, JSX } from 'preact';
import { Chart } from '../../parts/chart.tsx';
import { Badge, Check, Facts, Slider } from '../../parts/controls.tsx';
import { bytes, clock, duration, short } from '../../parts/format.ts';
import { Heads } from '../../parts/heads.tsx';
import { Icon, Mark } from '../../parts/icons.tsx';
import type { Current, Ended, VisitStatus } from '../visit.ts';
import { PAUSE_TEXTS } from './pauses.ts';
import type { LendingActs, LendingState } from './state.ts';

interface Props {
  readonly lending: LendingActs;
  readonly state: LendingState;
}

export function Lending({ lending, state }: Props): JSX.Element {
  return (
    <>
      <Head lending={lending} state={state} />
      <div class="two">
        <Lent lending={lending} state={state} />
        <Now state={state} />
      </div>
      <Given state={state} />
      <Receipts status={state.status} />
    </>
  );
}

function Head({ lending, state }: Props): JSX.Element {
  const { pause, lent, status, since } = state;
  const [why, end] = pause === null ? ['', ''] : PAUSE_TEXTS[pause];
  const connected = status?.connected ?? false;
  const state_ = pause !== null ? 'paused' : !connected ? 'away' : status?.running.length ? 'running' : 'waiting';
  const word = { paused: 'paused', away: 'connecting', running: 'running', waiting: 'waiting for tasks' }[state_];
  return (
    <section class="stack" aria-labelledby="h">
      <div class="row spread">
        <div class="stack" style={{ gap: 'var(--s2)' }}>
          <h1 id="h">
            {pause !== null ? 'Paused' : `Lending ${lent.threads} ${lent.threads === 1 ? 'thread' : 'threads'}`}
          </h1>
          <p class="second" aria-live="polite">
            <Badge state={state_} word={word} /> since {clock(since)}
          </p>
        </div>
        <div class="row">
          <button class="btn" type="button" onClick={() => lending.pause(!state.asked)}>
            <Icon name={state.asked ? 'resume' : 'pause'} />
            {state.asked ? 'Resume' : 'Pause'}
          </button>
          <button class="btn" type="button" onClick={lending.leave}>
            <Icon name="leave" />
            Leave
          </button>
        </div>
      </div>
      {pause !== null && (
        <div class="note lit">
          <Icon name="pause" size={18} />
          <p>
            <strong class="strong">Paused: {why}.</strong> What ran was handed back. {end}
          </p>
        </div>
      )}
      {status && !status.isolated && (
        <div class="note">
          <Icon name="info" size={18} />
          <p>
            {status.framed
              ? 'Tasks are in frames of their own here, which share no memory with this page'
              : 'This page shares no memory with its tasks'}
            , so only short tasks and work in steps run. They hear of a pause when they, or their step, have ended, or
            after two seconds.
          </p>
        </div>
      )}
    </section>
  );
}

function Lent({ lending, state }: Props): JSX.Element {
  const { lent, threadsMax, choices } = state;
  return (
    <section class="card" aria-labelledby="lend">
      <h2 id="lend">What you lend</h2>
      <Slider
        label="Threads"
        value={lent.threads}
        min={1}
        max={threadsMax}
        step={1}
        text={(value) => `${value} of ${threadsMax}`}
        ends={['1', String(threadsMax)]}
        onChange={(threads) => lending.lend({ threads })}
      />
      <Slider
        label="Share of each core"
        value={Math.round(lent.share * 100)}
        min={10}
        max={100}
        step={5}
        text={(value) => `${value}%`}
        ends={['10%: barely there', '100%: fans may run']}
        onChange={(percent) => lending.lend({ share: percent / 100 })}
      />
      <Check label="Pause on battery" checked={choices.battery} onChange={(battery) => lending.choose({ battery })} />
      <Check
        label="Pause while I look at another tab"
        checked={choices.hidden}
        onChange={(hidden) => lending.choose({ hidden })}
      />
      <p class="small second">Changes act at once.</p>
    </section>
  );
}

function Now({ state }: { readonly state: LendingState }): JSX.Element {
  const running = state.status?.running ?? [];
  return (
    <section class="card" aria-labelledby="now">
      <header>
        <h2 id="now">Running now</h2>
        <span class="small quiet">{running.length > 0 ? `${running.length} under way` : ''}</span>
      </header>
      {running.length === 0 ? (
        <div class="empty">
          <Mark size={40} />
          <p>
            {state.pause === null
              ? 'The room is empty: the site has no task for this tab now. It is asked again by itself.'
              : 'The room is empty while you are paused.'}
          </p>
        </div>
      ) : (
        <div class="stack wide">{running.slice(0, 4).map(Running)}</div>
      )}
    </section>
  );
}

function Running({ kernel, account, task, since, share }: Current): JSX.Element {
  const percent = share === null ? null : Math.round(share * 100);
  return (
    <div class="stack" style={{ gap: 'var(--s1)' }}>
      <strong class="strong">Task {task}</strong>
      <span class="small second">
        for {account}, kernel <code>{kernel.slice(0, 12)}</code>
      </span>
      {percent !== null && (
        <div
          class="progress"
          role="progressbar"
          aria-label={`task ${task}`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent}
        >
          <i class="lit" style={{ width: `${percent}%` }} />
        </div>
      )}
      <span class="small quiet">
        {percent === null ? `since ${duration(Math.max(0, Date.now() - since))}` : `${percent}% done`}
      </span>
    </div>
  );
}

function Given({ state }: { readonly state: LendingState }): JSX.Element {
  const { status, rates } = state;
  const now = rates.at(-1) ?? 0;
  const tasks = (status?.tasksDone ?? 0) + (status?.tasksFailed ?? 0);
  const span = rates.length;
  const mean = rates.reduce((sum: number, rate) => sum + (rate ?? 0), 0) / Math.max(1, span);
  return (
    <section class="card" aria-labelledby="fuel">
      <header>
        <h2 id="fuel">Fuel you gave</h2>
        <span class="small quiet">Fuel counts instructions: the same on every machine</span>
      </header>
      <Facts
        kind="large"
        rows={[
          [
            'Now',
            <>
              {short(now)} <small>a second</small>
            </>,
          ],
          [
            'This visit',
            <>
              {short(status?.fuel ?? 0)} <small>in {tasks === 1 ? '1 task' : `${tasks} tasks`}</small>
            </>,
          ],
          [
            'Delivered',
            <>
              {status?.tasksDone ?? 0} <small>done, {status?.tasksFailed ?? 0} failed</small>
            </>,
          ],
        ]}
      />
      <figure class="chart" style={{ '--tall': '8rem' } as CSSProperties}>
        <Chart
          values={rates}
          text={(value) => `${short(value)}/s`}
          label={`Fuel a second over the last ${duration(span * 1_000)}: about ${short(mean)} a second`}
          from={span > 1 ? `${duration(span * 1_000)} ago` : ''}
          to="now"
        />
        <figcaption class="legend-row">
          <span>
            <i class="key" />
            fuel a second
          </span>
          <span>
            <i class="key gap" />
            paused
          </span>
        </figcaption>
      </figure>
    </section>
  );
}

function Receipts({ status }: { readonly status: VisitStatus | null }): JSX.Element {
  const ended = status?.ended ?? [];
  return (
    <section class="card flush" aria-labelledby="rec">
      <header>
        <h2 id="rec">Recent receipts</h2>
      </header>
      {ended.length === 0 ? (
        <div class="empty">
          <p>No task has ended here yet. Each leaves a receipt: what it used, and the digest of what it gave.</p>
        </div>
      ) : (
        <table class="table fold">
          <Heads
            columns={[
              'Task',
              'Outcome',
              'Ended',
              { number: 'Fuel' },
              { number: 'Time' },
              { number: 'Memory' },
              'Output digest',
            ]}
          />
          <tbody>{ended.slice(0, 10).map(Receipt)}</tbody>
        </table>
      )}
    </section>
  );
}

function Receipt({ kernel, task, state, code, at, fuel, wallMs, memoryBytes, output }: Ended): JSX.Element {
  return (
    <tr>
      <th scope="row">
        <span class="nowrap">task {task}</span>, kernel <code>{kernel.slice(0, 8)}</code>
      </th>
      <td class="end">
        <Badge state={state} word={code || state} />
      </td>
      <td data-label="Ended">{clock(at)}</td>
      <td data-label="Fuel" class="num">
        {fuel === null ? 'not exact' : short(fuel)}
      </td>
      <td data-label="Time" class="num">
        {duration(wallMs)}
      </td>
      <td data-label="Memory" class="num">
        {bytes(memoryBytes)}
      </td>
      <td data-label="Output digest">
        {output === '' ? <span class="quiet">none</span> : <code title={`sha256:${output}`}>{output.slice(0, 8)}</code>}
      </td>
    </tr>
  );
}
