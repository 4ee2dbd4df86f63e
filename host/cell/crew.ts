// The cells of a pool: one that works, a warm one that takes its place, and one in which a suspected task is alone. Knows what becomes of
// tasks whose cell ends.
import { LodgerError } from '../../runtime/base/errors.ts';
import { BATCH } from '../../runtime/base/limits.ts';
import type { EngineName, Outcome } from '../../runtime/job/outcome.ts';
import { now } from '../platform/node.ts';
import { reasonOf } from '../pool/flight.ts';
import type { FromCell } from '../wire/cell.ts';
import { CELL } from './ceilings.ts';
import { type Cell, type CellOptions, startCell } from './cell.ts';
import { type Contract, type Entry, failedIn, isLost, nextStage, type Stage } from './entry.ts';
import { missingWalls } from './launch.ts';
import { insist, type Strictness, type Wall } from './walls.ts';

export interface CrewOptions extends CellOptions {
  readonly strict: Strictness;
  readonly engine: { readonly name: EngineName; readonly version: string; readonly metered: boolean };
}

export interface Crew {
  /** The walls of its first cell, which are those of all. */
  readonly walls: readonly Wall[];
  submit(entry: Entry): void;
  /** Takes a task back, wherever it is; it is settled with the reason once nothing of it runs any more. */
  cancel(entry: Entry, reason: LodgerError): void;
  /** Whether a cell has it. */
  has(entry: Entry): boolean;
  forget(contract: Contract): void;
  setCpuShare(share: number): void;
  /** `lost`: cells that ended before they were told to. */
  counts(): { readonly running: number; readonly waiting: number; readonly lost: number };
  /** The processes that do the work, by number. */
  pids(): readonly number[];
  /** Resolves when no task is left. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the first cell. Throws what `startCell` throws, and `ERR_ISOLATION_MISSING`. */
export async function startCrew(options: CrewOptions): Promise<Crew> {
  const { order, engine } = options;
  const queues: Readonly<Record<Stage, Set<Entry>>> = { fresh: new Set(), again: new Set(), alone: new Set() };
  const cells = new Set<Cell>();
  let main: Cell | undefined;
  let spare: Cell | undefined;
  let apart: Cell | undefined;
  let starting: Promise<void> | undefined;
  let cpuShare = order.cpuShare;
  let failures = 0;
  let lost = 0;
  let open = true;
  let idlers: (() => void)[] = [];

  const onResult = (cell: Cell, entry: Entry, message: Extract<FromCell, { type: 'outcome' | 'refused' }>) => {
    const result = resultOf(entry, message, cell.walls);
    if (entry.withdrawn || !isLost(entry, result)) settle(entry, entry.withdrawn ?? result);
    else {
      entry.attempts++;
      queues[entry.stage].add(entry);
    }
    if (cell === apart) {
      // What ran in it was suspected.
      apart = undefined;
      cells.delete(cell);
      cell.end('its one task is done');
    }
    pump();
  };

  const onGone = (cell: Cell, inside: readonly Entry[], reason: string) => {
    if (!cells.delete(cell)) return;
    lost++;
    if (cell === main) main = undefined;
    if (cell === spare) spare = undefined;
    if (cell === apart) apart = undefined;
    for (const entry of inside) {
      const stage = nextStage(entry);
      if (entry.withdrawn) settle(entry, entry.withdrawn);
      else if (stage === 'failed')
        settle(entry, failedIn(entry, engine, { code: 'ERR_CELL_ENDED', reason, now: now() }));
      else {
        entry.attempts++;
        entry.stage = stage;
        queues[stage].add(entry);
      }
    }
    pump();
  };

  const start = async () => {
    const cell = await startCell({ ...options, order: { ...order, cpuShare } }, { onResult, onGone });
    try {
      insist(options.strict, cell.walls, missingWalls());
    } catch (error) {
      await cell.end('walls are missing that are insisted on');
      throw error;
    }
    failures = 0;
    if (!open) {
      await cell.end('its pool is closed');
      return;
    }
    cells.add(cell);
    spare = cell;
  };

  const restock = () => {
    if (spare || starting || !open || (failures > 0 && waiting().length === 0)) return;
    starting = start()
      .catch((error: unknown) => {
        if (++failures < CELL.startsMax.default) return;
        const reason = error instanceof Error ? error.message : String(error);
        for (const entry of waiting())
          settle(entry, failedIn(entry, engine, { code: 'ERR_HOST_FAULT', reason, now: now() }));
      })
      .finally(() => {
        starting = undefined;
        pump();
      });
  };

  const takeSpare = (): Cell | undefined => {
    const cell = spare;
    spare = undefined;
    return cell;
  };

  const waiting = () => [...queues.fresh, ...queues.again, ...queues.alone];

  /** Suspects run with as many beside them as there are threads, and nothing that is not suspected. */
  const next = (cell: Cell): Entry | undefined => {
    const suspects = queues.again.size > 0 || cell.suspects > 0;
    const countMax = suspects ? order.threads : order.threads * BATCH.tasksMax.default * 2;
    const [entry] = suspects ? queues.again : queues.fresh;
    if (!entry || cell.tasks.size >= countMax) return undefined;
    // Their images wait outside, and no thread would be free for what comes after them.
    if (entry.steps && cell.spoken >= order.threads) return undefined;
    const fits = cell.tasks.size === 0 || cell.bytes + entry.input.byteLength <= order.windowBytesMax;
    return fits ? entry : undefined;
  };

  const give = (cell: Cell, entry: Entry) => {
    queues[entry.stage].delete(entry);
    try {
      cell.give(entry);
    } catch (error) {
      settle(entry, reasonOf(error));
    }
  };

  const pump = () => {
    main ??= takeSpare();
    for (let entry = main && next(main); main && entry; entry = next(main)) give(main, entry);
    const [suspect] = queues.alone;
    if (suspect && !apart) {
      apart = takeSpare();
      if (apart) give(apart, suspect);
    }
    restock();
    if (idlers.length === 0 || counts().running + counts().waiting > 0) return;
    for (const resolve of idlers) resolve();
    idlers = [];
  };

  const settle = (entry: Entry, result: Outcome | LodgerError) => {
    if (entry.settled) return;
    entry.settled = true;
    queues[entry.stage].delete(entry);
    entry.settle(result);
  };

  const cellOf = ({ task }: Entry) => [...cells].find(({ tasks }) => tasks.has(task));

  const counts = () => ({
    running: [...cells].reduce((sum, { tasks }) => sum + tasks.size, 0),
    waiting: queues.fresh.size + queues.again.size + queues.alone.size,
    lost,
  });

  await start();
  main = takeSpare();
  const { walls } = main as Cell;
  restock();
  return {
    walls,
    submit: (entry) => {
      queues.fresh.add(entry);
      pump();
    },
    cancel: (entry, reason) => {
      if (entry.settled || entry.withdrawn) return;
      entry.withdrawn = reason;
      const cell = cellOf(entry);
      if (cell) cell.cancel(entry);
      else settle(entry, reason);
      pump();
    },
    has: (entry) => cellOf(entry) !== undefined,
    forget: (contract) => {
      for (const cell of cells) cell.forget(contract);
    },
    setCpuShare: (share) => {
      cpuShare = share;
      for (const cell of cells) cell.setCpuShare(share);
    },
    counts,
    pids: () => [...cells].map(({ pid }) => pid),
    idle: () =>
      new Promise((resolve) => {
        idlers.push(resolve);
        pump();
      }),
    close: async () => {
      open = false;
      const ending = [...cells];
      cells.clear();
      await Promise.all(ending.map((cell) => cell.end('its pool is closed')));
      await starting;
    },
  };
}

function resultOf(
  { attempts }: Entry,
  message: Extract<FromCell, { type: 'outcome' | 'refused' }>,
  isolation: readonly Wall[],
): Outcome | LodgerError {
  if (message.type === 'refused') {
    const error = new LodgerError(message.code);
    error.message = message.message;
    return error;
  }
  const { outcome } = message;
  // A cell has nothing to say of the outside: its pool holds the right, and the record.
  const { outside: _, ...told } = outcome.receipt;
  const receipt = { ...told, attempts: outcome.receipt.attempts + attempts - 1, isolation };
  return outcome.state === 'done' ? { ...outcome, receipt } : { ...outcome, receipt };
}
