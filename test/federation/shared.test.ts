// A blob that many hosts of another site use: it goes over the link between the sites once.
import { createAgent } from 'lodger/host';
import { expect } from 'vitest';
import { shareBlob } from '../../bench/federation/shared.ts';
import { scratch } from '../agent/started.ts';
import { natsTest, startNats } from './server.ts';

const BYTES = 4 * 2 ** 20;

natsTest(
  'five hosts of a site use a blob of another, and no more than 1.05 copies of it go between the sites, messages included',
  async () => {
    await using nats = await startNats();
    const sharing = { folder: await scratch(), natsPort: nats.port, hosts: 5, bytes: BYTES, createAgent };
    const { linkBytes, tasksDone } = await shareBlob(sharing);
    expect(tasksDone.filter((tasks) => tasks > 0)).toHaveLength(5);
    expect(linkBytes).toBeGreaterThan(BYTES);
    expect(linkBytes).toBeLessThan(1.05 * BYTES);
  },
  120_000,
);
