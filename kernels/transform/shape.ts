// Which shape of kernel an author's file is, or what is wrong with its signatures.
import { type DeclaredElement, type File, FunctionPrototype, type Program, type Range, Type } from 'assemblyscript';

/** The shapes of `kernel.wit` that are written in AssemblyScript. */
export type Shape = 'kernel' | 'stepper';

type Word = 'bytes' | 'f64' | 'void';

const SIGNATURES: Readonly<
  Record<string, { readonly takes: readonly Word[]; readonly gives: Word; readonly text: string }>
> = {
  run: { takes: ['bytes'], gives: 'bytes', text: 'run(input: Uint8Array): Uint8Array' },
  begin: { takes: ['bytes'], gives: 'void', text: 'begin(input: Uint8Array): void' },
  step: { takes: [], gives: 'f64', text: 'step(): f64' },
  finish: { takes: [], gives: 'bytes', text: 'finish(): Uint8Array' },
};
const STEPPER = ['begin', 'step', 'finish'];
const WANTED = `a kernel exports "${SIGNATURES.run?.text}", or "${STEPPER.map((name) => SIGNATURES[name]?.text).join('", "')}"`;

/** Tells the shape of an initialised file; every reason against it goes to `refuse`, with its place, and the answer is undefined. */
export function shapeOf(program: Program, file: File, refuse: (range: Range, text: string) => void): Shape | undefined {
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
  const right = found.map((name) => isRight(program, name, file.lookupExport(name), refuse));
  if (right.includes(false)) return undefined;
  return steps.length > 0 ? 'stepper' : 'kernel';
}

function isRight(
  program: Program,
  name: string,
  element: DeclaredElement | null,
  refuse: (range: Range, text: string) => void,
): boolean {
  const wanted = SIGNATURES[name];
  if (wanted === undefined || element === null) return false;
  const wrong = (range: Range) => {
    refuse(range, `${name} is written "export function ${wanted.text}"`);
    return false;
  };
  if (!(element instanceof FunctionPrototype)) return wrong(element.declaration.name.range);

  const { parameters, returnType } = element.functionTypeNode;
  if ((element.typeParameterNodes?.length ?? 0) > 0 || parameters.length !== wanted.takes.length)
    return wrong(element.functionTypeNode.range);
  const signature = program.resolver.resolveFunction(element, null)?.signature;
  if (signature === undefined) return false; // An unknown type: the resolver has said so.
  if (signature.hasRest || signature.requiredParameters !== parameters.length)
    return wrong(element.functionTypeNode.range);
  for (const [index, word] of wanted.takes.entries()) {
    const parameter = parameters[index];
    if (parameter !== undefined && !isType(signature.parameterTypes[index], word)) return wrong(parameter.type.range);
  }
  return isType(signature.returnType, wanted.gives) || wrong(returnType.range);
}

function isType(type: Type | undefined, word: Word): boolean {
  if (type === undefined) return false;
  if (word !== 'bytes') return type === (word === 'f64' ? Type.f64 : Type.void);
  return type.classReference?.internalName === '~lib/typedarray/Uint8Array' && !type.isNullableReference;
}

function placeOf(element: DeclaredElement | null): Range | undefined {
  return element?.declaration.name.range;
}
