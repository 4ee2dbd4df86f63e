// The published OpenAPI document: made from the table of routes, committed. `npx vitest run test/coordinator/openapi.test.ts -u` writes it anew.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROUTES } from '../../host/wire/routes.ts';
import manifest from '../../package.json' with { type: 'json' };
import { openapi } from './openapi.ts';

const COMMITTED = join(import.meta.dirname, '../../schemas/openapi.json');

test('the committed OpenAPI document is the one that the server goes by', async () => {
  await expect(`${JSON.stringify(openapi(manifest.version), null, 2)}\n`).toMatchFileSnapshot(COMMITTED);
});

test('it has every route, and says who may', () => {
  const document = openapi('0') as { paths: Record<string, Record<string, { operationId: string }>> };
  const named = Object.values(document.paths).flatMap((path) => Object.values(path).map((each) => each.operationId));
  expect(named.sort()).toEqual(Object.keys(ROUTES).sort());
});
