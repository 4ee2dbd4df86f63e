// The hosts of a simulated grid: how fast they are, when they are there, and how they lie.
import type { Chance } from './chance.ts';

/** Shares of the mix of liars; all others are honest. */
export const MIX = {
  always: 1 / 60,
  tenth: 1 / 60,
  hundredth: 1 / 60,
  coalitionA: 0.01,
  coalitionB: 0.01,
  sleeper: 0.01,
  sybil: 0.01,
  fuel: 0.01,
} as const;

export type Kind = 'honest' | keyof typeof MIX;
export const KINDS: readonly Kind[] = ['honest', ...(Object.keys(MIX) as (keyof typeof MIX)[])];

/** Of honest hosts and Sybils, this share is anonymous. */
const ANONYMOUS = 0.05;
const SPEED_SIGMA = 0.7;
/** A sleeper starts to lie after so many results, and then lies at this rate. */
const SLEEPER = { after: 15, rate: 0.2 };
const SYBIL_RATE = 0.5;

/** Minutes that a task takes at speed 1. */
const TASK = { mean: 5, sigma: 0.5 };

export const weigh = (chance: Chance): number =>
  TASK.mean * chance.spread(TASK.sigma) * Math.exp(-(TASK.sigma ** 2) / 2);

export const RIGHT = 'right';
/** Twice the fuel: all liars about fuel claim the same. */
export const TWICE = 'right, at twice the fuel';

export interface Machine {
  readonly kind: Kind;
  /** Minutes of a task of one minute. */
  readonly speed: number;
  readonly anonymous: boolean;
  /** Its name at the site; a Sybil takes a new one when it was found. */
  id: string;
  since: number;
  banned: boolean;
  /** Over its life: checks that it passed, results that it delivered, lies that it told. */
  checksEver: number;
  results: number;
}

export function createMachine(number: number, chance: Chance, isHonest: boolean): Machine {
  const kind = isHonest ? 'honest' : kindOf(chance.share());
  const speed = chance.spread(SPEED_SIGMA);
  const anonymous = (kind === 'honest' || kind === 'sybil') && chance.share() < ANONYMOUS;
  return { kind, speed, anonymous, id: `h${number}`, since: 0, banned: false, checksEver: 0, results: 0 };
}

function kindOf(share: number): Kind {
  let left = share;
  for (const kind of Object.keys(MIX) as (keyof typeof MIX)[]) {
    if (left < MIX[kind]) return kind;
    left -= MIX[kind];
  }
  return 'honest';
}

/** What coalitions know: who of them has a task, and what they have said of it. */
export interface Coalition {
  /** Who has been given the task. */
  readonly has: Map<number, Set<string>>;
  /** What the first of them said. */
  readonly said: Map<number, string>;
}

export interface Lies {
  readonly chance: Chance;
  readonly coalitions: Readonly<Record<'coalitionA' | 'coalitionB', Coalition>>;
  /** How often a member of a coalition that has slept long enough lies although it has met no other. */
  readonly gamble: number;
  /** Whether a host can tell that it is believed, or that this very result will not be compared. */
  readonly feelsSafe: (machine: Machine, task: number) => boolean;
}

export const createCoalition = (): Coalition => ({ has: new Map(), said: new Map() });

export const hasSlept = (machine: Machine): boolean => machine.results + machine.checksEver >= SLEEPER.after;

/** A coalition knows whom of it a task was given to. */
export function meet({ kind, id }: Machine, task: number, { coalitions }: Lies): void {
  if (kind !== 'coalitionA' && kind !== 'coalitionB') return;
  const { has } = coalitions[kind];
  has.set(task, (has.get(task) ?? new Set()).add(id));
}

/** What a machine's coalition has said of a task. */
export function saidOf({ kind }: Machine, task: number, { coalitions }: Lies): string | undefined {
  return kind === 'coalitionA' || kind === 'coalitionB' ? coalitions[kind].said.get(task) : undefined;
}

let lies = 0;
const unique = () => `wrong ${lies++}`;

/** What a machine says the result of a task is. */
export function answerOf(machine: Machine, task: number, { chance, coalitions, gamble, feelsSafe }: Lies): string {
  const at = (rate: number) => (chance.share() < rate ? unique() : RIGHT);
  switch (machine.kind) {
    case 'honest':
      return RIGHT;
    case 'always':
      return at(1);
    case 'tenth':
      return at(0.1);
    case 'hundredth':
      return at(0.01);
    case 'sleeper':
      return feelsSafe(machine, task) ? at(SLEEPER.rate) : RIGHT;
    case 'sybil':
      return at(SYBIL_RATE);
    case 'fuel':
      return TWICE;
    case 'coalitionA':
    case 'coalitionB': {
      const { has, said } = coalitions[machine.kind];
      const first = said.get(task);
      const others = [...(has.get(task) ?? [])].some((id) => id !== machine.id);
      const lies = first === undefined ? others || (hasSlept(machine) && chance.share() < gamble) : first !== RIGHT;
      const answer = lies ? machine.kind : RIGHT;
      if (first === undefined) said.set(task, answer);
      return answer;
    }
    default:
      return machine.kind satisfies never;
  }
}
