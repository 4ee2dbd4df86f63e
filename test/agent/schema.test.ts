// The published JSON Schema of owner policies: made from the schema that parses them, committed, and true of the example.
// `npx vitest run test/agent/schema.test.ts -u` writes it anew.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import { expect, test } from 'vitest';
import { OwnerFileSchema, parseOwnerPolicy } from '../../host/agent/policy.ts';
import { violation } from '../job/json-schema.ts';
import { block } from '../project/readme.ts';

const ROOT = join(import.meta.dirname, '../..');
const COMMITTED = join(ROOT, 'schemas/owner.schema.json');

const committed = (): unknown => JSON.parse(readFileSync(COMMITTED, 'utf8'));

test('the committed JSON Schema is the one that the agent goes by', async () => {
  const { $schema, ...rest } = toJsonSchema(OwnerFileSchema, { typeMode: 'input', errorMode: 'ignore' });
  const schema = { $schema, $id: 'urn:lodger:owner:1', title: "A policy of a machine's owner, for Lodger", ...rest };
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(COMMITTED);
});

test('the policy of the example fits it, and uses every field', () => {
  const example = JSON.parse(block('owner'));
  expect(violation(committed(), example)).toBeUndefined();
  expect(() => parseOwnerPolicy(example)).not.toThrow();
  const { properties } = committed() as { properties: Record<string, unknown> };
  expect(Object.keys(example).sort()).toEqual(Object.keys(properties).sort());
});

test.each([
  ['an unknown name', { cores: 2 }],
  ['a share above one', { cpuShare: 2 }],
  ['a time that is none', { hours: [{ from: '9', to: '17:00' }] }],
  ['a day that is none', { hours: [{ days: ['someday'], from: '09:00', to: '17:00' }] }],
  ['a word that is none', { battery: 'sometimes' }],
])('an editor that goes by the schema marks %s', (_, part) => {
  expect(violation(committed(), { version: 1 })).toBeUndefined();
  expect(violation(committed(), { version: 1, ...part })).toEqual(expect.any(String));
});
