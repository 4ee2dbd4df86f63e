// The book of kernels/portfolio as its kernel takes it and as its twin in C does, and the kernel's answer as the twin gives it.
import { readFile } from 'node:fs/promises';
import { node } from '../host/platform/node.ts';
import { admit } from '../runtime/admit/admit.ts';

interface Book {
  readonly spots: readonly number[];
  readonly volatilities: readonly number[];
  readonly correlation: readonly number[];
  readonly positions: readonly Readonly<Record<'asset' | 'strike' | 'years' | 'quantity', number> & { kind: string }>[];
  readonly rate: number;
  readonly horizon: number;
  readonly confidence: number;
  readonly seed: number;
  readonly first: number;
}
type Estimate = { readonly value: number; readonly error: number };

const kernelOf = async () =>
  admit(await readFile(new URL('../../dist/kernels/portfolio.wasm', import.meta.url)), { platform: node });

/** The first book of some lines of JSON, with so many paths. */
export async function encodeValue(lines: Uint8Array, paths: number) {
  const book = JSON.parse(new TextDecoder().decode(lines).split('\n')[0] ?? '') as Book;
  const arrays = {
    spots: Float64Array.from(book.spots),
    volatilities: Float64Array.from(book.volatilities),
    correlation: Float64Array.from(book.correlation),
  };
  const input = (await kernelOf()).encode({ ...book, ...arrays, paths });
  const numbers = [
    ...[book.spots.length, book.positions.length, paths, book.first, book.seed, book.rate, book.horizon],
    ...[book.confidence, ...book.spots, ...book.volatilities, ...book.correlation],
    ...book.positions.flatMap(({ asset, kind, strike, years, quantity }) => [
      ...[asset, kind === 'call' ? 1 : -1, strike, years, quantity],
    ]),
  ];
  const written = new TextEncoder().encode(JSON.stringify({ ...book, paths }));
  return { input, written, twinInput: new Uint8Array(Float64Array.from(numbers).buffer) };
}

/** The numbers of an answer, in the order in which the twin gives them: of MessagePack, or of the JSON that people get. */
export async function decodeRisk(output: Uint8Array): Promise<Uint8Array> {
  const isJson = output[0] === '{'.charCodeAt(0);
  const decoded: unknown = isJson ? JSON.parse(new TextDecoder().decode(output)) : (await kernelOf()).decode(output);
  const risk = decoded as Record<string, Estimate> & { readonly value: number };
  const names = ['expectedLoss', 'valueAtRisk', 'expectedShortfall'];
  const plain = names.map((name) => `plain${name[0]?.toUpperCase()}${name.slice(1)}`);
  const estimates = [...names, ...plain].flatMap((name) => {
    const { value, error } = risk[name] ?? { value: Number.NaN, error: Number.NaN };
    return [value, error];
  });
  return new Uint8Array(Float64Array.of(risk.value, ...estimates).buffer);
}
