// Which shape of kernel an author's file is, or what is wrong with its signatures.
import { type DeclaredElement, type File, FunctionPrototype, type Program, Type } from 'assemblyscript';
import type { Place } from './payload/payload.ts';
import type { Refuse } from './payload/refusal.ts';

/** The shapes of `kernel.wit` that are written in AssemblyScript. */
export type Shape = 'kernel' | 'stepper';

type Word = 'payload' | 'f64' | 'void';

/** The shape of a file, and the types of what it takes and gives. */
export interface Shaped {
  readonly shape: Shape;
  readonly input: Place;
  readonly output: Place;
}

const SIGNATURES: Readonly<
  Record<string, { readonly takes: readonly Word[]; readonly gives: Word; readonly text: string }>
> = {
  run: { takes: ['payload'], gives: 'payload', text: 'run(input: Uint8Array): Uint8Array' },
  begin: { takes: ['payload'], gives: 'void', text: 'begin(input: Uint8Array): void' },
  step: { takes: [], gives: 'f64', text: 'step(): f64' },
  finish: { takes: [], gives: 'payload', text: 'finish(): Uint8Array' },
};
const STEPPER = ['begin', 'step', 'finish'];
const WANTED = `a kernel exports "${SIGNATURES.run?.text}", or "${STEPPER.map((name) => SIGNATURES[name]?.text).join('", "')}"`;

/** Tells the shape of an initialised file; every reason against it goes to `refuse`, with its place, and the answer is undefined. */
export function shapeOf(program: Program, file: File, refuse: Refuse): Shaped | undefined {
  const found = Object.keys(SIGNATURES).filter((name) => file.lookupExport(name) !== null);
  const steps = STEPPER.filter((name) => found.includes(name));
  const start = file.source.range.atStart;

  if (found.includes('run') && steps.length > 0) {
    refuse(
      placeOf(file.lookupExport('run')) ?? start,
      `a kernel has one shape: it exports run, or begin, step and finish, not run and ${steps.join(', ')}`,
    );
    return undefined;
  }
  const lacking =
    found.length === 0 ? ['run'] : steps.length > 0 ? STEPPER.filter((name) => !steps.includes(name)) : [];
  if (lacking.length > 0) {
    refuse(start, `${WANTED}; not found: ${lacking.join(', ')}`);
    return undefined;
  }
  const places = found.map((name) => placesOf(program, name, file.lookupExport(name), refuse));
  if (places.includes(undefined)) return undefined;
  const [input] = places.flatMap((place) => place?.takes ?? []);
  const output = places.at(-1)?.gives;
  return input && output && { shape: steps.length > 0 ? 'stepper' : 'kernel', input, output };
}

/** Where a function's types are written; undefined after a refusal. */
function placesOf(program: Program, name: string, element: DeclaredElement | null, refuse: Refuse) {
  const wanted = SIGNATURES[name];
  if (wanted === undefined || element === null) return undefined;
  const wrong = (range: Place['range']) => refuse(range, `${name} is written "export function ${wanted.text}"`);
  if (!(element instanceof FunctionPrototype)) return wrong(element.declaration.name.range);

  const { parameters, returnType, range } = element.functionTypeNode;
  if ((element.typeParameterNodes?.length ?? 0) > 0 || parameters.length !== wanted.takes.length) return wrong(range);
  const signature = program.resolver.resolveFunction(element, null)?.signature;
  if (signature === undefined) return undefined; // An unknown type: the resolver has said so.
  if (signature.hasRest || signature.requiredParameters !== parameters.length) return wrong(range);
  const takes = signature.parameterTypes.map((type, index) => ({
    type,
    range: parameters[index]?.type.range ?? range,
  }));
  const gives = { type: signature.returnType, range: returnType.range };
  return isType(gives.type, wanted.gives) ? { takes, gives } : wrong(gives.range);
}

function isType(type: Type, word: Word): boolean {
  if (word === 'payload') return type !== Type.void;
  return type === (word === 'f64' ? Type.f64 : Type.void);
}

function placeOf(element: DeclaredElement | null): Place['range'] | undefined {
  return element?.declaration.name.range;
}
