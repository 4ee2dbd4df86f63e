// Every task of a job as a square: its shape and colour say its state. Over 2,000 tasks a square stands for several, and shows the worst.
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { CELLS } from '../parts/controls.tsx';
import { TASK_STATES, type TaskState } from '../wire/api.ts';

const SQUARES_MAX = 2_000;

/** What a square of several tasks shows: the first of these that is among them. */
const WORST: readonly TaskState[] = [
  ...(['disputed', 'failed', 'leased', 'checking', 'provisional', 'waiting', 'done', 'cancelled'] as const),
];

/** State -> the word that people read. */
export const STATE_WORDS: Readonly<Record<TaskState, string>> = {
  waiting: 'waiting',
  leased: 'running',
  checking: 'checking',
  provisional: 'provisional',
  disputed: 'disputed',
  done: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
};

export const sentenceOf = (counts: Readonly<Record<TaskState, number>>): string =>
  TASK_STATES.filter((state) => counts[state] > 0)
    .map((state) => `${counts[state]} ${STATE_WORDS[state]}`)
    .join(', ') || 'no tasks yet';

export interface TaskMapProps {
  /** A state a task, as numbers that index `TASK_STATES`. */
  readonly states: Uint8Array;
  readonly chosen: number | undefined;
  readonly onChoose: (task: number) => void;
}

export function TaskMap({ states, chosen, onChoose }: TaskMapProps): JSX.Element {
  const map = useRef<HTMLDivElement>(null);
  const each = Math.max(1, Math.ceil(states.length / SQUARES_MAX));
  const squares = Array.from({ length: Math.ceil(states.length / each) }, (_, at) =>
    worstOf(states.subarray(at * each, (at + 1) * each)),
  );
  const at = chosen === undefined ? -1 : Math.floor(chosen / each);
  const move = (event: KeyboardEvent) => {
    const columns = map.current ? getComputedStyle(map.current).gridTemplateColumns.split(' ').length : 1;
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    onChoose(Math.max(0, Math.min(squares.length - 1, at + step)) * each);
  };
  return (
    <>
      <div
        ref={map}
        class="taskmap large"
        role="listbox"
        tabIndex={0}
        aria-label={`Tasks, ${states.length}. Arrow keys choose one`}
        {...(at >= 0 && { 'aria-activedescendant': `square-${at}` })}
        onKeyDown={move}
      >
        {squares.map((state, square) => (
          <i
            id={`square-${square}`}
            role="option"
            tabIndex={-1}
            class={`cell ${CELLS[state] ?? state}`}
            aria-selected={square === at}
            aria-label={`task ${square * each}, ${STATE_WORDS[state]}`}
            onClick={() => onChoose(square * each)}
          />
        ))}
      </div>
      {each > 1 && <p class="small quiet">One square is {each} tasks, and shows the worst of them.</p>}
    </>
  );
}

/** Small and still: for lists. */
export function SmallMap({
  counts,
  tasks,
}: {
  readonly counts: Readonly<Record<TaskState, number>>;
  readonly tasks: number;
}) {
  const share = (value: number) => `${tasks > 0 ? (value / tasks) * 100 : 0}%`;
  return (
    <div class="progress" role="img" aria-label={`${tasks} tasks: ${sentenceOf(counts)}`}>
      <i style={{ width: share(counts.done + counts.failed + counts.cancelled) }} />
      <i class="lit" style={{ width: share(counts.leased + counts.checking + counts.provisional) }} />
    </div>
  );
}

function worstOf(states: Uint8Array): TaskState {
  const there = new Set(Array.from(states, (state) => TASK_STATES[state] ?? 'waiting'));
  return WORST.find((state) => there.has(state)) ?? 'waiting';
}
