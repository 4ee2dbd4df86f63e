// Job files: what is refused and where, what the short forms stand for.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LodgerError } from '../../runtime/base/errors.ts';
import { parseDuration, parseSize } from '../../runtime/base/units.ts';
import { parseJob } from '../../runtime/job/job.ts';

const HEX = '0123456789abcdef'.repeat(4);
const LEAST = { version: 1, kernel: 'k.wasm', inputs: { files: ['a'] } } as const;
const records = (more: object) => ({ ...LEAST, inputs: { records: { file: 'x', startsWith: '>', ...more } } });

describe('a job file is refused', () => {
  test.each<[string, unknown, string]>([
    ['that is no object', 7, '"(the whole file)" must be'],
    ['without a version', { ...LEAST, version: undefined }, '"version" must be 1'],
    ['of an unknown version', { ...LEAST, version: 2 }, '"version" must be 1, the only version there is'],
    ['with an unknown name', { ...LEAST, treads: 4 }, '"treads" must be a known option'],
    [
      'with an inherited name',
      JSON.parse(`{"constructor":1,${JSON.stringify(LEAST).slice(1)}`),
      '"constructor" must be a known option',
    ],
    [
      'nested without end',
      { ...LEAST, blobs: JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`) },
      'must be less deeply nested',
    ],
    [
      'with a digest that is none',
      { ...LEAST, kernel: 'sha256:12' },
      '"kernel" must be a path, or sha256: and 64 hex digits',
    ],
    [
      'with a pin that is no digest',
      { ...LEAST, kernel: { path: 'k.wasm', digest: 'AB' } },
      '"kernel.digest" must be a lower-case hex SHA-256',
    ],
    ['with half a pin', { ...LEAST, kernel: { path: 'k.wasm' } }, '"kernel" must be a path, "sha256:<hex>" or'],
    ['without inputs', { ...LEAST, inputs: {} }, '"inputs" must be { "files": [...] }'],
    ['with two kinds of inputs', { ...LEAST, inputs: { files: ['a'], lines: 'b' } }, '"inputs" must be'],
    ['with an empty list', { ...LEAST, inputs: { files: [] } }, '"inputs.files" must be one path at least'],
    ['with a path that is none', { ...LEAST, inputs: { files: ['a', 3] } }, '"inputs.files.1" must be a path'],
    [
      'with a prefix of two lines',
      records({ startsWith: '>\n' }),
      '"inputs.records.startsWith" must be a text of 1 to 64 characters in one line',
    ],
    [
      'with both ways to cut',
      records({ bytesPerTask: 1, recordsPerTask: 1 }),
      '"inputs.records" must be given one of bytesPerTask and recordsPerTask',
    ],
    [
      'with no record a task',
      records({ recordsPerTask: 0 }),
      '"inputs.records.recordsPerTask" must be an integer from 1',
    ],
    ['with half a byte', records({ bytesPerTask: '0.5B' }), '"inputs.records.bytesPerTask" must be valid: option'],
    [
      'with a size that is none',
      { ...LEAST, limits: { memoryBytesMax: 'lots' } },
      '"limits.memoryBytesMax" must be bytes or a size such as "64MiB"',
    ],
    [
      'with a size above the ceiling',
      { ...LEAST, limits: { memoryBytesMax: '5GiB' } },
      '"limits.memoryBytesMax" must be at most 4294967296',
    ],
    [
      'with a time above the ceiling',
      { ...LEAST, limits: { wallMsMax: '169h' } },
      '"limits.wallMsMax" must be at most 604800000 ms',
    ],
    ['with an unknown limit', { ...LEAST, limits: { fuel: 1 } }, '"limits.fuel" must be a known option'],
    [
      'with a grant that is none',
      { ...LEAST, grants: ['log', 'net'] },
      '"grants.1" must be valid: grant "net" is not valid',
    ],
    [
      'with two files for one blob',
      { ...LEAST, blobs: { db: 'a' }, grants: ['blobs:db=b'] },
      '"grants.0" must be the only one for blob "db"',
    ],
    [
      'with more blobs and grants than a task may have',
      {
        ...LEAST,
        blobs: Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`b${at}`, 'a'])),
        grants: ['log'],
      },
      '"blobs" must be at most 1000, with the grants',
    ],
    ['with a blob name that is none', { ...LEAST, blobs: { '../db': 'a' } }, '"blobs.../db" must be a name of 1 to 64'],
    [
      'with an engine that nobody knows',
      { ...LEAST, engine: 'spidermonkey' },
      '"engine" must be one of auto, v8, wasmtime',
    ],
    [
      'with results outside its folder',
      { ...LEAST, results: { folder: 'a/../../b' } },
      '"results.folder" must be a path inside the folder',
    ],
    [
      'with results at an absolute path',
      { ...LEAST, results: { file: '/etc/x' } },
      '"results.file" must be a path inside the folder',
    ],
    [
      'with results on another drive',
      { ...LEAST, results: { file: 'c:\\x' } },
      '"results.file" must be a path inside the folder',
    ],
    ['with a view that is none', { ...LEAST, view: 'toString' }, '"view" must be "hits"'],
    ['with a seed that no number holds', { ...LEAST, seed: 2 ** 53 }, '"seed" must be an integer from 0'],
  ])('%s', (_, value, message) => {
    expect(() => parseJob(value)).toThrow(
      expect.objectContaining({ code: 'ERR_JOB_INVALID', message: expect.stringContaining(message) }),
    );
  });

  test('only ever with a LodgerError, whatever it is', () => {
    const near = fc.record(
      {
        version: fc.constant(1),
        kernel: fc.oneof(fc.string(), fc.anything({ maxDepth: 1 })),
        inputs: fc.oneof(fc.constant({ lines: 'x' }), fc.record({ records: fc.anything({ maxDepth: 1 }) })),
        blobs: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.anything({ maxDepth: 1 }))),
        grants: fc.array(fc.oneof(fc.string(), fc.constantFrom('log', 'blobs:a=b', 'blobs:__proto__=b'))),
        limits: fc.dictionary(fc.constantFrom('memoryBytesMax', 'wallMsMax', 'x'), fc.oneof(fc.integer(), fc.string())),
        results: fc.anything({ maxDepth: 1 }),
      },
      { requiredKeys: ['version', 'kernel', 'inputs'] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything({ maxDepth: 3 }),
          fc.json().map((text) => JSON.parse(text)),
          near,
        ),
        (value) => {
          try {
            parseJob(value);
          } catch (error) {
            expect(error).toBeInstanceOf(LodgerError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a job file', () => {
  test('may be short: what is not said is the default', () => {
    expect(parseJob(LEAST)).toEqual({
      version: 1,
      kernel: { path: 'k.wasm' },
      inputs: { kind: 'files', files: ['a'] },
      blobs: new Map(),
      pinned: [],
      grants: [],
      limits: {},
      engine: 'auto',
    });
  });

  test('may say all there is', () => {
    const job = parseJob({
      $schema: '../schemas/job.schema.json',
      version: 1,
      kernel: { path: 'k.wasm', digest: HEX },
      inputs: { records: { file: 'x.fasta', startsWith: '>', bytesPerTask: '16KiB' } },
      blobs: { query: 'q.fasta', matrix: { file: 'm', digest: HEX } },
      grants: ['log', 'blobs:more=n', 'http:https://a.org:GET', 'files:/in=./in:pinned'],
      limits: { memoryBytesMax: '64MiB', outputBytesMax: 10, wallMsMax: '1.5s', logLinesMax: 0 },
      seed: 7,
      engine: 'v8',
      results: { file: 'out/r.ndjson', as: 'json' },
      view: 'hits',
    });
    expect(job).toEqual({
      version: 1,
      kernel: { path: 'k.wasm', digest: HEX },
      inputs: { kind: 'records', file: 'x.fasta', startsWith: '>', perTask: { bytes: 16_384 } },
      blobs: new Map([
        ['query', { file: 'q.fasta' }],
        ['matrix', { file: 'm', digest: HEX }],
        ['more', { file: 'n' }],
      ]),
      pinned: [{ kind: 'files', at: '/in', folder: './in' }],
      grants: [{ kind: 'log' }, { kind: 'http', origin: 'https://a.org', methods: ['GET'] }],
      limits: { memoryBytesMax: 67_108_864, outputBytesMax: 10, wallMsMax: 1_500, logLinesMax: 0 },
      seed: 7,
      engine: 'v8',
      results: { kind: 'file', file: 'out/r.ndjson', as: 'json' },
      view: 'hits',
    });
  });

  test.each([
    ['a digest alone', { ...LEAST, kernel: `sha256:${HEX}` }, { kernel: { digest: HEX } }],
    ['lines', { ...LEAST, inputs: { lines: 'x' } }, { inputs: { kind: 'lines', file: 'x' } }],
    ['records by number', records({ recordsPerTask: 3 }), { inputs: { perTask: { records: 3 } } }],
    ['records by default', records({}), { inputs: { perTask: { bytes: 262_144 } } }],
    [
      'a folder of results',
      { ...LEAST, results: { folder: 'a..b/c' } },
      { results: { kind: 'folder', folder: 'a..b/c', pictures: true } },
    ],
    [
      'results in base64',
      { ...LEAST, results: { file: '..x' } },
      { results: { kind: 'file', file: '..x', as: 'base64' } },
    ],
  ])('may name %s', (_, value, part) => {
    expect(parseJob(value)).toMatchObject(part);
  });
});

describe('sizes and times', () => {
  test.each([
    '',
    'MiB',
    '-1',
    '1e3',
    '1 M',
    '0x10',
    '1.2.3MiB',
    '9007199254740993',
    '0.1',
    '1KiB ',
    '64mib',
    '1constructor',
  ])('"%s" is refused', (text) => {
    for (const parse of [parseSize, parseDuration]) {
      expect(() => parse(text, 'x')).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
    }
  });

  test('are whole numbers, or refused with a LodgerError, whatever the text', () => {
    const near = fc
      .tuple(fc.double({ noNaN: true }), fc.constantFrom('', 'B', 'MiB', 'GB', 'ms', 'h', 's'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), (text) => {
        for (const parse of [parseSize, parseDuration]) {
          try {
            expect(Number.isSafeInteger(parse(text, 'x'))).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(LodgerError);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
