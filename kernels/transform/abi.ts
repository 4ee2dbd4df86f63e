// Transform: makes a kernel of the canonical ABI out of an author's plain `run`, or `begin`, `step` and `finish`.
import {
  type DeclaredElement,
  DiagnosticCode,
  type File,
  Parser,
  type Program,
  type Range,
  type Source,
} from 'assemblyscript';
import { libraryFiles } from 'assemblyscript/asc';
import { PAYLOAD_SECTION } from '../../runtime/payload/bytes.ts';
import { COMPONENT_TYPE } from './component-type.ts';
import { libraryTexts } from './library.ts';
import { fillInitial, initialText, type PayloadCode, payloadOf } from './payload/payload.ts';
import { type Shape, shapeOf } from './shape.ts';

/** Path of the entry that takes the author's place. Constant, since paths end up in debug information. */
const ENTRY = 'lodger-entry';

/** The exports of each shape, in AssemblyScript. `author` is the author's file, the rest is in `kernels/lib` or generated. */
const EXPORTS: Readonly<Record<Shape, (take: string, give: string) => string>> = {
  kernel: (take, give) => `
export function run(block: usize, length: usize): usize { return ${give}(author.run(${take}(block, length))); }
export function cabi_post_run(answer: usize): void { release(); }`,
  stepper: (take, give) => `
export function begin(block: usize, length: usize): usize { author.begin(${take}(block, length)); return giveNothing(); }
export function step(): usize { return giveF64(author.step()); }
export function finish(): usize { return ${give}(author.finish()); }
export function cabi_post_finish(answer: usize): void { release(); }`,
};

/** What is not in asc's published types, although its code has it. */
interface ProgramInternals {
  initializeFunction(declaration: object, parent: File): DeclaredElement | null;
}

/**
 * asc transform: the author's file becomes an ordinary source, and an entry of ours exports what the world in `kernel.wit` asks for.
 * Nothing of the author's is renamed or moved, so lines and columns of messages and source maps hold.
 * Anything but the two shapes is refused with the place of the wrong signature.
 */
export class KernelAbi {
  /** Put here by asc before it makes the transform. */
  declare readonly program: Program;
  #author: Source | undefined;
  #shape: Shape | undefined;
  #payload: PayloadCode | undefined;

  constructor() {
    // asc knows its own library by these texts and looks them up before any folder.
    Object.assign(libraryFiles, libraryTexts());
  }

  afterParse(parser: Parser): void {
    // The runtime's index is an entry, too.
    const author = parser.sources.find((source) => source.sourceKind === 1 && !source.internalPath.startsWith('~lib/'));
    if (author === undefined) return;
    this.#author = author;
    author.sourceKind = 0; // Only an entry's exports become the module's.

    const path = author.internalPath;
    const text = `import * as author from "${path.startsWith('.') ? path : `./${path}`}";
import "lodger/exit";
import * as payload from "lodger/payload";
import { giveBytes, giveF64, giveNothing, release, takeBytes } from "lodger/abi";
export { cabi_realloc } from "lodger/abi";`;
    parser.parseFile(text, `${ENTRY}.ts`, true);

    const { options } = this.program;
    options.globalAliases ??= new Map();
    options.globalAliases.set('abort', '~lib/lodger/exit/stop');
    options.exportStart ??= '_initialize';
  }

  afterInitialize(program: Program): void {
    const author = this.#author && program.filesByName.get(this.#author.internalPath);
    const entry = program.filesByName.get(ENTRY);
    if (author === undefined || entry === undefined) return;

    const refuse = (range: Range, text: string) => program.error(DiagnosticCode.User_defined_0, range, text);
    const shaped = shapeOf(program, author, refuse);
    this.#payload = shaped && payloadOf(program, shaped.input, shaped.output, refuse);
    if (shaped === undefined || this.#payload === undefined) return;
    this.#shape = shaped.shape;
    const { input, output, text } = this.#payload;
    const exports = EXPORTS[shaped.shape](TAKE[input], GIVE[output]);
    addFunctions(program, entry, `${exports}\n${text}`, this.#payload);
  }

  afterCompile(module: { addCustomSection(name: string, contents: Uint8Array): void }): void {
    if (this.#shape === undefined) return;
    module.addCustomSection('component-type', Buffer.from(COMPONENT_TYPE[this.#shape], 'base64'));
    const { schema } = this.#payload ?? {};
    if (schema !== undefined) module.addCustomSection(PAYLOAD_SECTION, Buffer.from(JSON.stringify(schema)));
  }
}

const TAKE = { bytes: 'takeBytes', typed: 'take' } as const;
const GIVE = { bytes: 'giveBytes', typed: 'give' } as const;

/** Adds functions to a file whose elements are initialised already, and the names that they use. */
function addFunctions(program: Program, file: File, text: string, { initials, aliases }: PayloadCode): void {
  const path = `${file.internalName}-exports`;
  const parser = new Parser(program.diagnostics);
  parser.parseFile([text, ...initials.map(initialText)].join('\n'), `${path}.ts`, false);
  const [source] = parser.sources;
  if (source === undefined) throw new Error('the entry has no source');

  program.sources.push(source); // Source maps look texts up here,
  program.filesByName.set(path, file); // and the compiler looks up the file that encloses a text.
  const internals = program as unknown as ProgramInternals;
  file.members ??= new Map();
  for (const [alias, prototype] of aliases) file.members.set(alias, prototype);
  const first = source.statements.length - initials.length;
  for (const [index, statement] of source.statements.entries()) {
    const initial = initials[index - first];
    if (initial === undefined) internals.initializeFunction(statement, file);
    else {
      fillInitial(statement, initial);
      const made = internals.initializeFunction(statement, initial.field.file);
      if (made !== null) file.members.set(initial.name, made);
    }
  }
}
