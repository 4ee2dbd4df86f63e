// Grants as people write them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LodgerError } from '../../runtime/base/errors.ts';
import { parseGrant } from '../../runtime/policy/grant.ts';

const HEX = '0a'.repeat(32);

test.each([
  ['', 'it must be one of log, random, clock'],
  ['logs', 'it must be one of log'],
  ['log:all', 'write it as log'],
  ['constructor', 'it must be one of log'],
  ['blobs', 'write it as blobs:NAME=FILE'],
  ['blobs:db', 'write it as blobs:NAME=FILE'],
  ['blobs:=x', 'write it as blobs:NAME=FILE'],
  ['blobs:../db=x', 'write it as blobs:NAME=FILE'],
  ['files:data=./in:read', 'write it as files:/PATH=FOLDER:read|write|pinned'],
  ['files:/data/..=./in:read', 'write it as files:/PATH=FOLDER:read|write|pinned'],
  ['files:/data=sha256:12', 'write it as files:/PATH=FOLDER:read|write|pinned'],
  ['files:data=./in:pinned', 'write it as files:/PATH=FOLDER:read|write|pinned'],
  ['files:/data=./in:append', 'write it as files:/PATH=FOLDER:read|write'],
  ['http:https://a.org/path:GET', 'write it as http:https://example.org:GET,HEAD'],
  ['http:ftp://a.org:GET', 'write it as http:https://example.org:GET,HEAD'],
  ['http:https://a.org:TRACE', 'write it as http:https://example.org:GET,HEAD'],
])('grant "%s" is refused with the way to write it', (text, remedy) => {
  expect(() => parseGrant(text)).toThrow(
    expect.objectContaining({ code: 'ERR_GRANT_INVALID', message: expect.stringContaining(remedy) }),
  );
});

test.each([
  ['log', { kind: 'log' }],
  ['blobs:db=a=b:c.fasta', { kind: 'blobs', name: 'db', file: 'a=b:c.fasta' }],
  ['files:/data=./in:pinned', { kind: 'files', at: '/data', folder: './in' }],
  [`files:/data=./in:sha256:${HEX}`, { kind: 'files', at: '/data', folder: './in', digest: HEX }],
  [`files:/data=sha256:${HEX}`, { kind: 'files', at: '/data', from: `sha256:${HEX}`, mode: 'read' }],
  ['files:/data=C:\\in:write', { kind: 'files', at: '/data', from: 'C:\\in', mode: 'write' }],
  ['http:http://localhost:81:GET,HEAD', { kind: 'http', origin: 'http://localhost:81', methods: ['GET', 'HEAD'] }],
])('grant "%s" is understood', (text, grant) => {
  expect(parseGrant(text)).toEqual(grant);
});

test('no text makes the parser throw anything but a LodgerError', () => {
  const kinds = fc.constantFrom('log', 'blobs:', 'files:', 'http:', 'files:/a=', 'http:https://');
  const near = fc
    .tuple(kinds, fc.string({ unit: 'binary' }), fc.constantFrom('', ':read', ':GET'))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), near), (text) => {
      try {
        parseGrant(text);
      } catch (error) {
        expect(error).toBeInstanceOf(LodgerError);
        expect(error).toHaveProperty('code', 'ERR_GRANT_INVALID');
      }
    }),
    { numRuns: 200 },
  );
});
