// Accounts: who may do what, what they use of their quotas, and their tokens, each of which is shown once.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Problem } from '../parts/controls.tsx';
import { shown } from '../parts/format.ts';
import type { AccountStatus } from '../wire/answers.ts';
import { ROLES, type Role } from '../wire/api.ts';
import { api, type Refused } from './api.ts';
import { Quotas } from './quotas.tsx';
import { problemOf, useAsked } from './use.ts';

export function AccountsPage(): JSX.Element {
  const { value: accounts, problem, again } = useAsked(() => api.accounts(), [], 5_000);
  const [wrong, setWrong] = useState<Refused>();
  const [token, setToken] = useState<string>();
  const [name, setName] = useState('');
  const act = (what: Promise<unknown>) =>
    what.then(
      () => {
        setWrong(undefined);
        again();
      },
      (error: unknown) => setWrong(problemOf(error)),
    );
  const add = (event: Event) => {
    event.preventDefault();
    act(api.setAccount({ id: name.trim() }));
    setName('');
  };
  const make = (account: string, role: Role) =>
    act(api.makeToken(account, { role, name: 'console' }).then((made) => setToken(made.token)));
  return (
    <>
      <h1>Accounts</h1>
      {problem && <Problem title="Accounts cannot be shown" message={problem.message} code={problem.code} />}
      {wrong && <Problem title="Nothing was changed" message={wrong.message} code={wrong.code} />}
      {token !== undefined && (
        <section class="card" aria-labelledby="new">
          <h2 id="new">A new token, shown this once</h2>
          <p>
            <code>{token}</code>
          </p>
          <button class="btn" type="button" onClick={() => setToken(undefined)}>
            I have it
          </button>
        </section>
      )}
      <form class="card" onSubmit={add}>
        <div class="field">
          <label for="name">A new account</label>
          <input
            class="input"
            id="name"
            required
            pattern="[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
            value={name}
            aria-describedby="name-more"
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
          <span class="hint" id="name-more">
            1 to 64 letters, digits, dots, hyphens and underscores
          </span>
        </div>
        <div class="row">
          <button class="btn first" type="submit">
            Make it
          </button>
        </div>
      </form>
      {(accounts ?? []).map((account) => (
        <Account
          key={account.id}
          account={account}
          onMake={make}
          onRevoke={(id) => act(api.revokeToken(account.id, id))}
          onQuotas={(quotas) => act(api.setAccount({ id: account.id, quotas }))}
        />
      ))}
    </>
  );
}

function Account({
  account,
  onMake,
  onRevoke,
  onQuotas,
}: {
  readonly account: AccountStatus;
  readonly onQuotas: (quotas: AccountStatus['quotas']) => void;
  readonly onMake: (account: string, role: Role) => void;
  readonly onRevoke: (token: string) => void;
}): JSX.Element {
  const { id, tokens } = account;
  return (
    <section class="card flush" aria-labelledby={`account-${id}`}>
      <header>
        <h2 id={`account-${id}`}>{shown(id)}</h2>
        <div class="row">
          {ROLES.map((role) => (
            <button class="btn" type="button" onClick={() => onMake(id, role)}>
              New {role} token
            </button>
          ))}
        </div>
      </header>
      <Quotas account={account} onChange={onQuotas} />
      {tokens.length > 0 && (
        <table class="table fold">
          <thead>
            <tr>
              <th scope="col">Token</th>
              <th scope="col">Role</th>
              <th scope="col">Made</th>
              <th scope="col">Ends</th>
              <th scope="col">
                <span class="unseen">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {tokens.map((token) => (
              <tr>
                <th scope="row">
                  <code>{token.id.slice(0, 12)}</code> {shown(token.name, 40)}
                </th>
                <td data-label="Role">{token.role}</td>
                <td data-label="Made">{new Date(token.created).toLocaleString()}</td>
                <td data-label="Ends">{token.expires === null ? 'never' : new Date(token.expires).toLocaleString()}</td>
                <td class="end">
                  <button class="btn plain" type="button" onClick={() => onRevoke(token.id)}>
                    Revoke
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
