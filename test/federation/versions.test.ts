// What is known of a server by its version, and of a site by its hosts.
import { expect, test } from 'vitest';
import { sureOf } from '../../host/federation/own.ts';
import { isAtLeast, NEEDED, newerIn } from '../../host/federation/versions.ts';

test.each<[string, boolean, readonly string[]]>([
  ['2.8.4', false, []],
  ['2.9.0', true, []],
  ['2.9.10', true, []],
  ['2.10.0', true, ['metadata']],
  ['v2.12.1', true, ['metadata']],
  ['2.15.0-dev', true, ['metadata']],
  ['3.0.0', true, ['metadata']],
  ['1.99.0', false, []],
  ['', false, []],
  ['what it likes', false, []],
])('a server of version "%s" will do: %s; newer features of it that are used: %j', (version, does, newer) => {
  expect(isAtLeast(version, NEEDED)).toBe(does);
  expect(newerIn(version)).toEqual(newer);
});

const host = (account: string, trusted = false) => ({ account, trusted });

test.each([
  ['no hosts that could tell', [], 0.999999],
  ['trusted hosts alone', [host('a', true), host('a', true)], 'trusted'],
  ['a trusted host beside another of its owner', [host('a', true), host('a')], 0.999999],
  ['two owners', [host('a'), host('b')], 0.999999],
  ['an owner beside tabs of nobody', [host('a'), host('anonymous')], 0.999999],
  ['one owner, however many hosts', [host('a'), host('a'), host('a')], 0.5],
  ['tabs of nobody alone', [host('anonymous'), host('anonymous')], 0.5],
] as const)('a site with %s says so of what it can be believed', (_, hosts, confidence) => {
  expect(sureOf(hosts)).toBe(confidence);
});
