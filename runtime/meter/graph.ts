// A directed graph in arrays, and its walk: cycles, an order from the bottom up, and what is reached from where.

const ENTERED = 1;
const DONE = 2;

/** Of an edge: nobody comes back by it; it is gone again and again. */
export const ENDS = 1;
export const REPEATS = 2;

/** Edges of a graph, node by node. */
export class Edges {
  readonly first: Int32Array;
  to: Int32Array = new Int32Array(1024);
  /** Edges that nobody comes back by, and those that are gone again and again: `ENDS`, `REPEATS`. */
  how: Uint8Array = new Uint8Array(1024);
  #count = 0;
  #node = 0;

  constructor(nodes: number) {
    this.first = new Int32Array(nodes + 1);
  }

  /** Edges added from here on leave this node; nodes come in their order. */
  begin(node: number): void {
    this.first.fill(this.#count, this.#node, node + 1);
    this.#node = node + 1;
  }

  add(to: number, how = 0): void {
    if (this.#count === this.to.length) {
      const [to, how] = [new Int32Array(this.#count * 2), new Uint8Array(this.#count * 2)];
      to.set(this.to);
      how.set(this.how);
      this.to = to;
      this.how = how;
    }
    this.how[this.#count] = how;
    this.to[this.#count++] = to;
  }

  close(): void {
    this.first.fill(this.#count, this.#node);
  }

  /** The same without some edges. */
  without(how: number): Edges {
    const rest = new Edges(this.first.length - 1);
    for (let node = 0; node + 1 < this.first.length; node++) {
      rest.begin(node);
      for (let at = this.first[node] as number; at < (this.first[node + 1] as number); at++) {
        if (((this.how[at] as number) & how) === 0) rest.add(this.to[at] as number, this.how[at]);
      }
    }
    rest.close();
    return rest;
  }
}

/** Tarjan's strongly connected components, without recursion: a component is finished after all that it leads to. */
export class Walk {
  /** Whether one of the first `marked` nodes can be reached, or is the node itself. */
  readonly reaches: Uint8Array;
  readonly cyclic: Uint8Array;
  /** All nodes; what a node leads to comes before it, unless both are on a cycle. */
  readonly order: Int32Array;
  readonly #edges: Edges;
  readonly #state: Uint8Array;
  readonly #number: Int32Array;
  readonly #low: Int32Array;
  readonly #next: Int32Array;
  readonly #path: Int32Array;
  readonly #pending: Int32Array;
  #numbered = 0;
  #waiting = 0;
  #done = 0;

  constructor(edges: Edges, count: number, marked: number) {
    this.#edges = edges;
    this.reaches = new Uint8Array(count).fill(1, 0, marked);
    this.cyclic = new Uint8Array(count);
    this.order = new Int32Array(count);
    this.#state = new Uint8Array(count);
    this.#number = new Int32Array(count);
    this.#low = new Int32Array(count);
    this.#next = new Int32Array(count);
    this.#path = new Int32Array(count);
    this.#pending = new Int32Array(count);
  }

  run(): this {
    for (let node = 0; node < this.#state.length; node++) if (this.#state[node] === 0) this.#from(node);
    return this;
  }

  #from(root: number): void {
    const { first, to } = this.#edges;
    let depth = this.#enter(root, 0);
    while (depth > 0) {
      const node = this.#path[depth - 1] as number;
      const at = this.#next[node] as number;
      if (at < (first[node + 1] as number)) {
        this.#next[node] = at + 1;
        const callee = to[at] as number;
        if (callee === node) this.cyclic[node] = 1;
        if (this.#state[callee] === 0) depth = this.#enter(callee, depth);
        else if (this.#state[callee] === ENTERED) this.#lower(node, this.#number[callee] as number);
        continue;
      }
      if (this.#low[node] === this.#number[node]) this.#finish(node);
      if (--depth > 0) this.#lower(this.#path[depth - 1] as number, this.#low[node] as number);
    }
  }

  #enter(node: number, depth: number): number {
    this.#state[node] = ENTERED;
    this.#number[node] = this.#low[node] = this.#numbered++;
    this.#next[node] = this.#edges.first[node] as number;
    this.#path[depth] = node;
    this.#pending[this.#waiting++] = node;
    return depth + 1;
  }

  #lower(node: number, low: number): void {
    if (low < (this.#low[node] as number)) this.#low[node] = low;
  }

  /** Takes the component of `node` off; what any of its members reaches, all do. */
  #finish(node: number): void {
    const { first, to } = this.#edges;
    let start = this.#waiting;
    do start--;
    while (this.#pending[start] !== node);
    const members = this.#pending.subarray(start, this.#waiting);
    this.#waiting = start;
    let reaches = 0;
    for (const member of members) {
      this.#state[member] = DONE;
      if (members.length > 1) this.cyclic[member] = 1;
      reaches |= this.reaches[member] as number;
      for (let at = first[member] as number; at < (first[member + 1] as number); at++) {
        reaches |= this.reaches[to[at] as number] as number;
      }
    }
    for (const member of members) {
      this.reaches[member] = reaches;
      this.order[this.#done++] = member;
    }
  }
}
