// The handler that shows the sites that this one works with: whoever joins them says so here.
import type { SitesStatus } from '../../wire/api.ts';
import type { Handlers } from './call.ts';

export interface Sites {
  /** What is shown from here on; undefined once the site has left the others. */
  show(status: (() => SitesStatus) | undefined): void;
  readonly handlers: Pick<Handlers, 'sites'>;
}

const ALONE: SitesStatus = { joined: false, connected: false, trouble: '', own: null, others: [] };

export function createSites(): Sites {
  let status: (() => SitesStatus) | undefined;
  return {
    show: (given) => {
      status = given;
    },
    handlers: { sites: () => status?.() ?? ALONE },
  };
}
