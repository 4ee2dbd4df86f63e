// Why a tab does not work now: one reason at a time, the visitor's own first. Pure.
import type { Pause } from '../../wire/site.ts';

/** How things stand, as far as the browser tells. */
export interface Conditions {
  readonly battery: boolean;
  readonly hidden: boolean;
  readonly saver: boolean;
  readonly pressure: boolean;
}

/** What the visitor has chosen to pause for. */
export interface PauseChoices {
  readonly battery: boolean;
  readonly hidden: boolean;
}

export function pauseOf({
  asked,
  choices,
  conditions,
}: {
  readonly asked: boolean;
  readonly choices: PauseChoices;
  readonly conditions: Conditions;
}): TabPause | null {
  if (asked) return 'asked';
  if (choices.battery && conditions.battery) return 'battery';
  if (choices.hidden && conditions.hidden) return 'hidden';
  if (conditions.saver) return 'data saver';
  if (conditions.pressure) return 'pressure';
  return null;
}

/** What is said of each, and what ends it. The last is the site's. */
export const PAUSE_TEXTS = {
  asked: ['you pressed Pause', 'Press “Resume” when you like.'],
  battery: ['on battery', 'Lending goes on by itself when the charger is in.'],
  hidden: ['you look at another tab', 'Lending goes on when you come back to this one.'],
  'data saver': ['your browser saves data', 'Lending goes on when you turn that off.'],
  pressure: ['your processor is hot or busy', 'Lending goes on when it has calmed down.'],
  'site policy': ['the site wants no tasks to run in tabs now', 'Lending goes on when its policy allows it.'],
} as const satisfies Partial<Record<Pause, readonly [why: string, end: string]>>;

/** Of all reasons to pause, those that a tab has. */
export type TabPause = keyof typeof PAUSE_TEXTS;
