// The operator's console: a page of a site that signs in with a token, and shows and steers what happens there.
import type { JSX } from 'preact';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import '../parts/style.ts';
import { Mark } from '../parts/icons.tsx';
import { recallTheme, ThemeSwitch } from '../parts/theme.tsx';
import { AccountsPage } from './accounts.tsx';
import { api, type Who } from './api.ts';
import { HostsPage } from './hosts.tsx';
import { JobPage } from './job.tsx';
import { type Live, watchSite } from './live.ts';
import { Overview } from './overview.tsx';
import { PolicyPage } from './policy.tsx';
import { SignIn } from './sign-in.tsx';
import { SitesPage } from './sites.tsx';
import { SubmitPage } from './submit.tsx';
import { usePlace } from './use.ts';

/** Page -> its name in the bar, and whether operators alone have it. */
const PAGES: readonly (readonly [path: string, name: string, operator: boolean])[] = [
  ['', 'Overview', false],
  ['submit', 'Submit a job', false],
  ['hosts', 'Hosts', false],
  ['sites', 'Sites', true],
  ['policy', 'Policy', true],
  ['accounts', 'Accounts', true],
];

/** After so long without a word, the page says so at its top. */
const STALE_MS = 40_000;

function Console(): JSX.Element {
  const [who, setWho] = useState<Who | null>();
  useEffect(() => {
    api.who().then(setWho, () => setWho(null));
  }, []);
  if (who === undefined) return <main class="page" id="main" aria-busy="true" />;
  return who === null ? <SignIn onSignedIn={setWho} /> : <SignedIn who={who} onLeave={() => setWho(null)} />;
}

function SignedIn({ who, onLeave }: { readonly who: Who; readonly onLeave: () => void }): JSX.Element {
  const [live, setLive] = useState<Live>();
  const [page = '', ...rest] = usePlace();
  useEffect(() => watchSite(setLive), []);
  const leave = async () => {
    await api.signOut().catch(() => undefined);
    onLeave();
  };
  const isOperator = who.role === 'operator';
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="bar">
        <div>
          <a class="brand" href="#/">
            <Mark /> Lodger <small>{who.site}</small>
          </a>
          <nav class="nav" aria-label="Pages">
            {PAGES.filter(([, , operator]) => isOperator || !operator).map(([path, name]) => (
              <a href={`#/${path}`} {...(page === path && { 'aria-current': 'page' as const })}>
                {name}
              </a>
            ))}
          </nav>
          <span class="small quiet">{who.account}</span>
          <button class="btn plain" type="button" onClick={leave}>
            Sign out
          </button>
          <ThemeSwitch />
        </div>
      </header>
      <main class="page" id="main">
        {live && Date.now() - live.heardAt > STALE_MS && (
          <p class="note fail" role="status">
            The site has not answered for {Math.round((Date.now() - live.heardAt) / 1_000)} s. What is shown is of then.
          </p>
        )}
        {live && <Shown page={page} rest={rest} live={live} isOperator={isOperator} />}
      </main>
    </>
  );
}

function Shown({
  page,
  rest,
  live,
  isOperator,
}: {
  readonly page: string;
  readonly rest: readonly string[];
  readonly live: Live;
  readonly isOperator: boolean;
}): JSX.Element {
  const [first] = rest;
  if (page === 'jobs' && first !== undefined) return <JobPage key={first} id={first} live={live} />;
  if (page === 'submit') return <SubmitPage />;
  if (page === 'hosts') return <HostsPage live={live} chosen={first} isOperator={isOperator} />;
  if (page === 'sites' && isOperator) return <SitesPage />;
  if (page === 'policy' && isOperator) return <PolicyPage live={live} />;
  if (page === 'accounts' && isOperator) return <AccountsPage />;
  return <Overview live={live} isOperator={isOperator} />;
}

recallTheme();
render(<Console />, document.body);
