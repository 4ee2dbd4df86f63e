// The fuel of one running task. The guest gets it a slice at a time; each time it asks for more it can be stopped, slowed or refused.
import { describe } from '../base/errors.ts';
import { type Limits, SLICE, TASK } from '../base/limits.ts';
import type { Platform } from '../base/platform.ts';
import type { Guest } from '../engine/engine.ts';
import { TaskFailure } from '../job/outcome.ts';
import type { METER_IMPORTS } from '../meter/names.ts';
import { hostCallFuel } from '../meter/tariff.ts';

/** What a host wants of a guest that runs, looked at whenever the guest asks for fuel. */
export interface Wishes {
  /** False once nobody waits for the task any more. */
  isWanted(): boolean;
  /** Waits for as long as the guest has to rest by now, where it may have only a share of its core. */
  pace(): void;
}

/** What a task brings. */
interface Asked {
  readonly limits: Limits;
  readonly wishes?: Wishes;
}

/** An i64 of the guest's holds it, JavaScript's numbers give and take: both are exact below 2^53. */
export class Fuel {
  readonly #platform: Platform;
  readonly #limits: Limits;
  #max: number;
  readonly #startedAt: number;
  readonly #wishes: Wishes | undefined;
  #guest: Guest | undefined;
  #given = 0;
  #observed = 0;
  #slice: number = SLICE.fuelFirst.default;
  #sliceBegan: number;

  constructor(platform: Platform, { limits, wishes }: Asked, startedAt: number) {
    this.#platform = platform;
    this.#limits = limits;
    this.#max = limits.fuelMax ?? TASK.fuelMax.default;
    this.#startedAt = startedAt;
    this.#sliceBegan = startedAt;
    this.#wishes = wishes;
  }

  /** The functions that a metered kernel imports beside its own. Their names are written out: computed ones take as long as a call. */
  imports(): Record<(typeof METER_IMPORTS)['refill' | 'stackSpent'], () => undefined> {
    return { refill: () => this.#refill(), stack: stackSpent };
  }

  /** Called before anything runs in the guest. `used`: what the task has used in another one. */
  serve(guest: Guest, used = 0): void {
    this.#guest = guest;
    this.#observed = used;
    this.#given = Math.min(used + this.#slice, this.#max);
    guest.setFuel(this.#given - used);
  }

  /** Another limit from now on, between calls. What was used beyond it already ends the task when it asks for more. */
  limit(max: number): void {
    const { used } = this;
    this.#max = max;
    this.#given = Math.min(this.#given, max);
    this.#guest?.setFuel(this.#given - used);
  }

  /** What the guest has used, exact whenever it is in a host call or between calls. */
  get used(): number {
    return this.#given - (this.#guest?.getFuel() ?? 0);
  }

  /** The limit. */
  get max(): number {
    return this.#max;
  }

  /** Whether it has used more than its limit. */
  get isSpent(): boolean {
    return this.used > this.#max;
  }

  /** What the receipt says of it, at a moment when it is exact: no more than the limit. */
  get total(): number {
    return Math.min(this.used, this.#max);
  }

  /** What it had used when that was last exact. */
  get observed(): number {
    this.#catchUp();
    return this.#observed;
  }

  /** Notes what was used, at a moment when it is exact. What is short may never ask: it gets its next slice here, or ends. */
  observe(): void {
    this.#catchUp();
    this.#observed = this.total;
    if (this.used > this.#given) this.#refill();
  }

  /** Takes the price of a host call, at its end. */
  charge(bytes: number): void {
    const used = this.used + hostCallFuel(bytes);
    this.#guest?.setFuel(this.#given - used);
    this.#observed = Math.min(used, this.#max);
  }

  /** Ends the task if it is not wanted any more or its time is over. Long host calls look now and then. */
  look(): void {
    if (this.#wishes?.isWanted() === false) throw new TaskFailure('ERR_HOST_FAULT', describe('ERR_ABORTED'));
    const { wallMsMax } = this.#limits;
    if (wallMsMax !== undefined && this.#platform.now() - this.#startedAt >= wallMsMax) {
      throw new TaskFailure('ERR_WALL_SPENT', wallMsMax);
    }
  }

  /** Takes what an engine saw by itself, which is of the fuel given so far. */
  #catchUp(): void {
    const left = this.#guest?.takeFuelSeen?.();
    if (left !== undefined) this.#observed = Math.max(this.#observed, Math.min(this.#given - left, this.#max));
  }

  /** The guest's counter is below zero: gives it the next slice, or ends it. */
  #refill(): undefined {
    const { used } = this;
    this.#catchUp();
    // Whatever it was asked in between: it has paid ahead for what it is about to do, so it cannot end within the limit.
    if (used > this.#max) throw new TaskFailure('ERR_FUEL_SPENT', this.#max);
    this.#adapt();
    this.look();
    this.#wishes?.pace();
    this.look();
    const most = this.#max - this.#given;
    const grant = Math.min(Math.max(this.#slice, used - this.#given), most);
    this.#given += grant;
    this.#guest?.setFuel(this.#given - used);
    this.#sliceBegan = this.#platform.now();
    return undefined;
  }

  /** Slices follow the speed of the guest: down at once, up by and by. */
  #adapt(): void {
    const { msTarget, fuelMin, fuelMax } = SLICE;
    const elapsed = Math.max(this.#platform.now() - this.#sliceBegan, msTarget.default / 4);
    const wanted = Math.floor((this.#slice * msTarget.default) / elapsed);
    this.#slice = Math.max(fuelMin.default, Math.min(fuelMax.default, wanted));
  }
}

function stackSpent(): never {
  throw new TaskFailure('ERR_STACK_SPENT');
}
