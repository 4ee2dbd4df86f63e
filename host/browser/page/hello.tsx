// Before anything runs: what lending a tab is, what a task can touch and what it never can, what it costs.
import type { JSX } from 'preact';
import { Facts } from '../../parts/controls.tsx';
import { Icon } from '../../parts/icons.tsx';
import type { LendingActs, LendingState } from './state.ts';

const ROOM = [
  'Computes on the threads you lend, no faster than the share you set',
  'Uses at most 256 MB of memory, emptied after every task',
  'Reads its own input, and the job’s data once its digest is checked',
  'Counts every instruction as fuel; it stops when its fuel is spent',
];

const SHUT: readonly (readonly [area: string, name: string, text: string])[] = [
  ['files', 'Your files', 'No way to read, list or write them.'],
  ['tabs', 'Your other tabs', 'Nor their pages, history or bookmarks.'],
  ['camera', 'Camera, microphone, place', 'Never asked for.'],
  ['network', 'Your network', 'No other machine, printer or website.'],
  ['secrets', 'Passwords, cookies', 'Not in the room at all.'],
  ['after', 'After you close', 'Nothing stays and nothing runs on.'],
];

export function Hello({
  lending,
  state,
}: {
  readonly lending: LendingActs;
  readonly state: LendingState;
}): JSX.Element {
  const { lent, threadsMax } = state;
  const threads = `${lent.threads} of your ${threadsMax} ${threadsMax === 1 ? 'thread' : 'threads'}`;
  return (
    <>
      <section class="hello" aria-labelledby="h">
        <h1 id="h">Lend this tab</h1>
        <p class="lede">
          While this page is open, your computer can work for this site in small tasks. Each task runs in a sealed room
          inside this tab. Close the tab and it ends.
        </p>
        <div class="go">
          <button class="btn first big" type="button" onClick={lending.begin}>
            Start lending
          </button>
          <p class="small second">
            Starts with {threads} at {Math.round(lent.share * 100)}% speed. No account, nothing installed. You can pause
            or leave at any moment.
          </p>
        </div>
        <House />
      </section>
      <section class="stack" aria-labelledby="plan">
        <h2 id="plan">What a task can touch, and what it never can</h2>
        <div class="plan">
          <div class="room">
            <h3>The guest’s room</h3>
            <ul>
              {ROOM.map((line) => (
                <li>
                  <Icon name="tick" />
                  <span>{line}</span>
                </li>
              ))}
            </ul>
            <p class="small second">
              The one door leads to this site: it brings in tasks and takes out outcomes. This page opens it, never the
              task.
            </p>
          </div>
          {SHUT.map(([area, name, text], index) => (
            <div class={index >= SHUT.length - 2 ? 'shut last' : 'shut'} style={{ gridArea: area }}>
              <Icon name="lock" />
              <strong>{name}</strong>
              <span>{text}</span>
            </div>
          ))}
          <span class="door" aria-hidden="true" />
        </div>
      </section>
      <section class="card" aria-labelledby="cost">
        <h2 id="cost">What it costs you</h2>
        <Facts
          kind="lines"
          rows={[
            ['Electricity', 'A few watts more for each thread while a task runs'],
            ['Download', 'The programs and data of tasks; what comes again is kept in this browser'],
            ['On battery', 'Pauses by itself, unless you say otherwise'],
            ['What the site learns', 'Your address, your browser’s name and how fast it computes'],
          ]}
        />
      </section>
    </>
  );
}

function House(): JSX.Element {
  const windows: readonly (readonly [x: number, y: number, lit?: true])[] = [
    [121, 62],
    [58, 112],
    [100, 112],
    [142, 112, true],
    [184, 112],
    [58, 158],
    [142, 158],
    [184, 158],
  ];
  return (
    <svg
      class="house"
      width="264"
      height="218"
      viewBox="0 0 264 218"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path stroke-width="4" d="M30 96 132 20l102 76v120H30z" />
      <path stroke-width="4" stroke-linecap="round" d="M2 216h260M186 58V30h18v42" />
      {windows.map(([x, y, lit]) => (
        <rect class={lit ? 'lit' : ''} x={x} y={y} width="22" height="22" rx="2" />
      ))}
      <path d="M98 216v-58h26v58M118 188v.5" />
    </svg>
  );
}
