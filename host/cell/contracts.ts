// Which terms a cell still has to know: those of tasks under way, and the last ones of each kernel that single tasks come with.
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Task } from '../../runtime/job/task.ts';
import type { Permit } from '../../runtime/sandbox/permit.ts';
import { termsText } from '../pool/recent.ts';
import type { Contract } from './entry.ts';

export interface Contracts {
  /** One for terms that were permitted, held once. */
  open(permit: Permit): Contract;
  /** The one of the last task of this kernel if its terms were the same, otherwise one for the permit that `permit` gives. Held once. */
  ofTask(task: Task, permit: () => Permit): Contract;
  hold(contract: Contract): void;
  /** When it is held no more, cells forget it. */
  release(contract: Contract): void;
}

/** Keeps the last terms of at most `keptMax` kernels. */
export function createContracts(keptMax: number, forget: (contract: Contract) => void): Contracts {
  const holders = new Map<Contract, number>();
  const recent = new Map<Kernel, { readonly text: string; readonly contract: Contract }>();
  let opened = 0;

  const open = (permit: Permit): Contract => {
    const contract = { number: ++opened, permit };
    holders.set(contract, 1);
    return contract;
  };
  const hold = (contract: Contract) => void holders.set(contract, (holders.get(contract) ?? 0) + 1);
  const release = (contract: Contract) => {
    const left = (holders.get(contract) ?? 0) - 1;
    if (left > 0) {
      holders.set(contract, left);
      return;
    }
    holders.delete(contract);
    forget(contract);
  };
  const drop = (kernel: Kernel) => {
    const known = recent.get(kernel);
    recent.delete(kernel);
    if (known) release(known.contract);
  };

  return {
    open,
    hold,
    release,
    ofTask: (task, permit) => {
      const text = typeof task?.kernel === 'object' && task.kernel !== null ? termsText(task) : undefined;
      const known = recent.get(task?.kernel);
      if (known && known.text === text) {
        hold(known.contract);
        return known.contract;
      }
      const contract = open(permit());
      if (text === undefined) return contract;
      drop(task.kernel);
      recent.set(task.kernel, { text, contract });
      hold(contract);
      const [oldest] = recent.keys();
      if (recent.size > keptMax && oldest !== undefined) drop(oldest);
      return contract;
    },
  };
}
