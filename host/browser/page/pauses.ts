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
}): Pause | null {
  if (asked) return 'asked';
  if (choices.battery && conditions.battery) return 'battery';
  if (choices.hidden && conditions.hidden) return 'hidden';
  if (conditions.saver) return 'data saver';
  if (conditions.pressure) return 'pressure';
  return null;
}

/** What is said of each, and what ends it. */
export const PAUSE_TEXTS: Readonly<Record<Pause, readonly [why: string, end: string]>> = {
  asked: ['you pressed Pause', 'Press “Resume” when you like.'],
  battery: ['on battery', 'Lending goes on by itself when the charger is in.'],
  hidden: ['you look at another tab', 'Lending goes on when you come back to this one.'],
  'data saver': ['your browser saves data', 'Lending goes on when you turn that off.'],
  pressure: ['your processor is hot or busy', 'Lending goes on when it has calmed down.'],
  finishing: ['what was begun is being finished', 'Then this tab leaves.'],
  hours: ['outside the hours of lending', 'Lending goes on at the hour that was set.'],
  'in use': ['the machine is in use', 'Lending goes on when it is not.'],
  'other programs': ['other programs need the processor', 'Lending goes on when they are done.'],
  quota: ['the network quota is used up', 'Lending goes on when it is renewed.'],
  disk: ['the disk is full', 'Lending goes on when there is room.'],
  memory: ['memory is short', 'Lending goes on when there is more.'],
  'site policy': ['the site wants no tasks to run in tabs now', 'Lending goes on when its policy allows it.'],
  'nothing allowed': ['nothing is allowed to run here', 'Allow something to go on.'],
};
