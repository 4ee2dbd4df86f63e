// The published JSON Schema of job files: made from the schema that parses them, committed, and true of the examples.
// `npx vitest run test/job/schema.test.ts -u` writes it anew.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import { expect, test } from 'vitest';
import { JobFileSchema } from '../../runtime/job/form.ts';
import { parseJob } from '../../runtime/job/job.ts';
import { violation } from './json-schema.ts';

interface Job {
  readonly $schema: string;
}

const ROOT = join(import.meta.dirname, '../..');
const COMMITTED = join(ROOT, 'schemas/job.schema.json');

const examples = ['kernels'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(ROOT, folder, name))
    .filter((path) => path.endsWith('.json') && readFileSync(path, 'utf8').includes('"kernel":')),
);

const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

test('the committed JSON Schema is the one that the parser goes by', async () => {
  const { $schema, ...rest } = toJsonSchema(JobFileSchema, { typeMode: 'input' });
  const schema = { $schema, $id: 'urn:lodger:job:1', title: 'A job of Lodger', ...rest };
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(COMMITTED);
});

test.each(examples)('job file %s names the schema, fits it and is understood', (path) => {
  const job = read(path);
  expect(job).toHaveProperty('$schema', expect.stringMatching(/schemas\/job\.schema\.json$/));
  // What `lodger new` writes stands in a folder of its author's, where the package lies below.
  if (!path.includes('template')) expect(existsSync(resolve(dirname(path), (job as Job).$schema))).toBe(true);
  expect(violation(read(COMMITTED), job)).toBeUndefined();
  expect(() => parseJob(job)).not.toThrow();
});

test.each([
  ['an unknown name', { treads: 4 }],
  ['results outside its folder', { results: { folder: '../x' } }],
  ['a size that is none', { limits: { memoryBytesMax: 'lots' } }],
  ['two kinds of inputs', { inputs: { files: ['a'], lines: 'b' } }],
  ['a digest that is none', { kernel: 'sha256:12' }],
])('an editor that goes by the schema marks %s', (_, part) => {
  const least = { version: 1, kernel: 'k.wasm', inputs: { files: ['a'] } };
  expect(violation(read(COMMITTED), least)).toBeUndefined();
  expect(violation(read(COMMITTED), { ...least, ...part })).toEqual(expect.any(String));
});
