// What a NATS server can do, by its version: Lodger needs 2.9, and uses what came later where it is there.

type Version = readonly [major: number, minor: number];

export const NEEDED: Version = [2, 9];

/** Words beside streams and consumers, which people see who look at a server with its own tools. */
const SINCE = { metadata: [2, 10] } as const satisfies Record<string, Version>;

/** A feature that servers have had only after 2.9. */
export type Newer = keyof typeof SINCE;

/** Whether a version, as a server tells it, is this one or a later one. What is no version is none. */
export function isAtLeast(version: string, [major, minor]: Version): boolean {
  const [, ownMajor = '0', ownMinor = '0'] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(ownMajor) > major || (Number(ownMajor) === major && Number(ownMinor) >= minor);
}

/** The newer features that a server of this version has and Lodger uses. */
export function newerIn(version: string): readonly Newer[] {
  return (Object.keys(SINCE) as Newer[]).filter((feature) => isAtLeast(version, SINCE[feature]));
}
