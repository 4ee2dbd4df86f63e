// The table of errors: every code is used, documented with its fault and a remedy, and says things one way.
import { expect, test } from 'vitest';
import { describe, ERRORS, type ErrorCode, LodgerError } from '../../runtime/base/errors.ts';
import { sourceFiles } from './files.ts';
import { table } from './readme.ts';

const codes = Object.keys(ERRORS) as ErrorCode[];
const entries = Object.entries(ERRORS);
const files = [...sourceFiles()].filter(([path]) => /^(?:runtime|host)\//.test(path));

test('a code that is in the source is in the table', () => {
  const named = files.flatMap(([, text]) => text.match(/\bERR_[A-Z_]*[A-Z]\b/g) ?? []);
  // Node's own codes, for a package that is not there and a certificate for another name.
  const foreign = ['ERR_MODULE_NOT_FOUND', 'ERR_TLS_CERT_ALTNAME_INVALID'];
  expect([...new Set(named)].filter((name) => !Object.hasOwn(ERRORS, name) && !foreign.includes(name))).toEqual([]);
});

test.each(codes)('%s is used', (name) => {
  const users = files.filter(([path, text]) => path !== 'runtime/base/errors.ts' && text.includes(`'${name}'`));
  expect(users.length).toBeGreaterThan(0);
});

test('the README names every code in the order of the table, with its fault and what to do', () => {
  const rows = table('errors');
  expect(rows.map(([name, fault]) => [name, fault])).toEqual(
    entries.map(([name, { fault }]) => [`\`${name}\``, fault]),
  );
  for (const [name, , remedy = ''] of rows) expect(remedy, `what to do about ${name}`).toMatch(/^\S.{20,}[^.]$/);
});

test.each(entries)('the text of %s is one line without a full stop, and does not shout', (_, { text }) => {
  expect(text).toMatch(/^(?:%s|[a-z])(?:[^\n!]*[^\n.!])?$/);
});

test('codes are few enough to be known', () => {
  expect(codes.length).toBeLessThanOrEqual(40);
});

test('arguments are filled in as they are, in order, once', () => {
  expect(describe('ERR_BLOB_MISMATCH', '%s', 'a$&', 'b')).toBe('blob "%s" has digest a$&, the grant says b');
  expect(new LodgerError('ERR_CLOSED', ['pool'])).toMatchObject({ code: 'ERR_CLOSED', message: 'the pool is closed' });
});
