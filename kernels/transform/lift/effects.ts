// What a part of a program may change: the question that decides whether a value may be read once, before a loop, instead of in it.
import { getFunctionBody, type Program } from 'assemblyscript';
import type { Field, Made } from './made.ts';
import { nodeOf, TO_STACK } from './node.ts';
import type { Reason } from './report.ts';
import type { Ref } from './tables.ts';

/** What may change; `refusal` if that is not known or too much. */
export interface Effects {
  /** Index of a local -> every place that sets it. Of a called function they do not count. */
  readonly locals: Map<number, Ref[]>;
  readonly globals: Set<string>;
  /** The fields of objects, whosever. */
  readonly fields: Field[];
  refusal: Reason | undefined;
}

/** Tells effects, and remembers those of functions. One for a program. */
export interface Observer {
  /** Of an expression. The array accesses in it are taken as checked: what they write is within their array. */
  readonly of: (root: Ref) => Effects;
}

/** Makes the observer of a program; functions are looked at when they are first asked for, and must be compiled by then. */
export function createObserver(program: Program, made: Made): Observer {
  const known = new Map<string, Effects>();
  const pending = new Set<string>();
  const abort = program.abortInstance?.internalName;

  const ofFunction = (name: string): Effects => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const setter = made.setters.get(name);
    if (setter !== undefined) return { ...nothing(), fields: [setter] };
    const compiled = program.module.getFunction(name);
    const body = compiled === 0 ? 0 : getFunctionBody(compiled);
    // Of none of these is enough known: a function that is still being compiled calls this loop, an import has no body, the body of a
    // virtual one is filled in at the very end, and what is asked for while it is looked at calls itself.
    const isOpen = body === 0 || nodeOf(body, made).kind === 'unreachable';
    if (isOpen || pending.has(name)) return { ...nothing(), refusal: { code: 'call', detail: name } };
    pending.add(name);
    const effects = nothing();
    observe(body, effects);
    if (effects.refusal !== undefined) effects.refusal = { code: 'call', detail: name };
    pending.delete(name);
    known.set(name, effects);
    return effects;
  };

  const observe = (ref: Ref, effects: Effects, isCalled = true): void => {
    if (ref === 0 || effects.refusal !== undefined) return;
    const access = made.accesses.get(ref);
    if (access !== undefined) {
      for (const part of [access.array, access.index, access.value ?? 0]) observe(part, effects, isCalled);
      noteLocals(ref, effects, made);
      if (access.value === undefined) return;
      // An Array grows by a write behind its end, and may move then.
      if (isCalled && access.layout === 'array') effects.refusal = { code: 'grows' };
      return;
    }
    const node = nodeOf(ref, made);
    if (node.kind === 'other') effects.refusal = { code: 'unknown' };
    if (node.kind === 'store') effects.refusal = { code: 'store' };
    if (node.kind === 'local.set') noteLocal(node.index, ref, effects);
    if (node.kind === 'global.set') effects.globals.add(node.name);
    // What happens after the end of a task is nobody's business.
    if (node.kind === 'call' && node.target !== abort && node.target !== TO_STACK)
      add(effects, ofFunction(node.target));
    for (const part of node.parts) observe(part, effects, isCalled);
  };

  return {
    of: (root) => {
      const effects = nothing();
      observe(root, effects, false);
      return effects;
    },
  };
}

function nothing(): Effects {
  return { locals: new Map(), globals: new Set(), fields: [], refusal: undefined };
}

/** The locals of an accessor that was put in place: nobody else's, but they change. */
function noteLocals(ref: Ref, effects: Effects, made: Made): void {
  if (ref === 0) return;
  const node = nodeOf(ref, made);
  if (node.kind === 'local.set') noteLocal(node.index, ref, effects);
  for (const part of node.parts) noteLocals(part, effects, made);
}

function noteLocal(index: number, ref: Ref, effects: Effects): void {
  effects.locals.set(index, [...(effects.locals.get(index) ?? []), ref]);
}

function add(effects: Effects, called: Effects): void {
  for (const name of called.globals) effects.globals.add(name);
  effects.fields.push(...called.fields);
  effects.refusal ??= called.refusal;
}
