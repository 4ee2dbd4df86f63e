// The runs of tasks that are not settled yet, packed into columns: a job may have millions of them. No decision is made here.

/** Runs by task, in the order in which they were added. Places of runs are reused. */
export interface RunList {
  /** Makes room for tasks up to `tasks`. */
  grow(tasks: number): void;
  add(task: number, host: number, answer: string): void;
  /** Removes a host's run of a task, and says whether there was one. */
  remove(task: number, host: number): boolean;
  clear(task: number): void;
  each(task: number, visit: (host: number, answer: string, place: number) => void): void;
  count(task: number): number;
  /** A mark that goes with the run. */
  mark(place: number): void;
  marked(place: number): boolean;
}

export function createRunList(): RunList {
  let first = new Int32Array(1_024);
  const next: number[] = [0];
  const hosts: number[] = [0];
  const answers: string[] = [''];
  const marks: boolean[] = [false];
  const free: number[] = [];

  const follow = (task: number, place: number, to: number) => {
    if (place === 0) first[task] = to;
    else next[place] = to;
  };

  const list: RunList = {
    grow: (tasks) => {
      if (tasks <= first.length) return;
      const larger = new Int32Array(Math.max(tasks, first.length * 2));
      larger.set(first);
      first = larger;
    },
    add: (task, host, answer) => {
      const place = free.pop() ?? next.length;
      next[place] = 0;
      hosts[place] = host;
      answers[place] = answer;
      marks[place] = false;
      let last = 0;
      for (let at = first[task] ?? 0; at !== 0; at = next[at] ?? 0) last = at;
      follow(task, last, place);
    },
    remove: (task, host) => {
      let last = 0;
      for (let at = first[task] ?? 0; at !== 0; last = at, at = next[at] ?? 0) {
        if (hosts[at] !== host) continue;
        follow(task, last, next[at] ?? 0);
        answers[at] = '';
        free.push(at);
        return true;
      }
      return false;
    },
    clear: (task) => {
      for (let at = first[task] ?? 0; at !== 0; at = next[at] ?? 0) {
        answers[at] = '';
        free.push(at);
      }
      first[task] = 0;
    },
    each: (task, visit) => {
      for (let at = first[task] ?? 0; at !== 0; at = next[at] ?? 0) visit(hosts[at] ?? 0, answers[at] ?? '', at);
    },
    count: (task) => {
      let count = 0;
      for (let at = first[task] ?? 0; at !== 0; at = next[at] ?? 0) count += 1;
      return count;
    },
    mark: (place) => {
      marks[place] = true;
    },
    marked: (place) => marks[place] === true,
  };
  return list;
}
