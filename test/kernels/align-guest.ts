// Runs the align kernel by hand: bare WebAssembly and the few lines of the canonical ABI that it needs, apart from the project's driver.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildKernel } from '../../host/build/build.ts';

/** Ended by the kernel itself, through `exit.fail`. */
export class GuestFailure extends Error {}

interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize?(): void;
  cabi_realloc(old: number, oldSize: number, align: number, size: number): number;
  run(input: number, length: number): number;
}

/** One task: query and records as FASTA text -> the kernel's output as text. Throws GuestFailure. A fresh instance each time. */
export type Search = (query: string | Uint8Array, records: string | Uint8Array) => string;

/** Builds the kernel and gives the function that runs it. */
export async function buildSearch(): Promise<Search> {
  const { wasm } = await buildKernel({ source: pathOf('kernels/align') });
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  return (query, records) => runOnce(module, bytesOf(query), bytesOf(records));
}

/** A file of kernels/align/data as text. */
export function dataText(name: string): string {
  return readFileSync(pathOf(`kernels/align/data/${name}`), 'utf8');
}

function pathOf(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? new TextEncoder().encode(text) : text;
}

function runOnce(module: WebAssembly.Module, query: Uint8Array, records: Uint8Array): string {
  const bytes = () => new Uint8Array(guest.memory.buffer);
  const view = () => new DataView(guest.memory.buffer);
  const put = (content: Uint8Array) => {
    const at = guest.cabi_realloc(0, 0, 1, content.length);
    bytes().set(content, at);
    return at;
  };
  const { exports } = new WebAssembly.Instance(module, {
    'lodger:kernel/exit@0.1.0': {
      fail(at: number, units: number) {
        throw new GuestFailure(new TextDecoder('utf-16le').decode(bytes().subarray(at, at + 2 * units)));
      },
    },
    'lodger:kernel/blobs@0.1.0': {
      size(_name: number, _units: number, area: number) {
        view().setUint8(area, 0);
        view().setBigUint64(area + 8, BigInt(query.length), true);
      },
      read(_name: number, _units: number, offset: bigint, length: number, area: number) {
        const piece = query.subarray(Number(offset), Number(offset) + length);
        const at = put(piece);
        view().setUint8(area, 0);
        view().setUint32(area + 4, at, true);
        view().setUint32(area + 8, piece.length, true);
      },
    },
  });
  const guest = exports as unknown as Exports;
  guest._initialize?.();
  const answer = guest.run(put(records), records.length);
  const at = view().getUint32(answer + 4, true);
  return new TextDecoder('utf-8', { fatal: true }).decode(
    bytes().subarray(at, at + view().getUint32(answer + 8, true)),
  );
}
