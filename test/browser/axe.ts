// What keeps people out of a page, as far as axe-core can tell.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

/** A colour on its way from one theme to the other has too little contrast. */
const SETTLED = `Promise.allSettled(document.getAnimations()
  .filter((each) => each instanceof CSSTransition).map(({ finished }) => finished)).then(() => undefined)`;
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe-core finds wrong on the page as it stands: rule, and where. */
export async function wrongs(where: Page): Promise<string[]> {
  await where.evaluate(await readFile(AXE, 'utf8'));
  await where.evaluate(SETTLED);
  const { violations } = await where.evaluate(() =>
    (
      globalThis as never as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }
    ).axe.run(),
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
}
