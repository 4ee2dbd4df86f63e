// Signing in: a token is exchanged for the cookie of a session, which no script can read.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Mark } from '../parts/icons.tsx';
import { ThemeSwitch } from '../parts/theme.tsx';
import { api, type Refused, type Who } from './api.ts';
import { problemOf } from './use.ts';

export function SignIn({ onSignedIn }: { readonly onSignedIn: (who: Who) => void }): JSX.Element {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<Refused>();
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      onSignedIn(await api.signIn(token.trim()));
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <>
      <header class="bar">
        <div>
          <a class="brand" href="/">
            <Mark /> Lodger
          </a>
          <span style={{ marginInlineEnd: 'auto' }} />
          <ThemeSwitch />
        </div>
      </header>
      <main class="page narrow" id="main">
        <form class="card" onSubmit={submit} aria-labelledby="h">
          <h1 id="h">Sign in to this site</h1>
          <p class="second">
            With a token. The operator’s was told when the site was started for the first time; others are made under
            “Accounts”.
          </p>
          <div class="field">
            <label for="token">Token</label>
            <input
              class="input"
              id="token"
              type="password"
              autocomplete="current-password"
              required
              value={token}
              onInput={({ currentTarget }) => setToken(currentTarget.value)}
              {...(problem && { 'aria-invalid': true, 'aria-describedby': 'token-wrong' })}
            />
            {problem && (
              <span class="wrong" id="token-wrong" role="alert">
                {problem.message} ({problem.code})
              </span>
            )}
          </div>
          <div class="row">
            <button class="btn first" type="submit">
              Sign in
            </button>
            <a href="/join">Lend this tab instead</a>
          </div>
        </form>
      </main>
    </>
  );
}
