// The page of a tab that is lent: what it is and can never touch, before anything runs; then what it does, for whom, and what it gave.
import { render } from 'preact';
import '../../parts/style.ts';
import { Problem } from '../../parts/controls.tsx';
import { Mark } from '../../parts/icons.tsx';
import { recallTheme, ThemeSwitch } from '../../parts/theme.tsx';
import { Hello } from './hello.tsx';
import { Lending } from './lending.tsx';
import { createLending, type LendingState } from './state.ts';

const lending = createLending();

function Page({ state }: { readonly state: LendingState }) {
  const { site } = state;
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="bar">
        <div>
          <a class="brand" href="./">
            <Mark /> Lodger {site && <small>{site}</small>}
          </a>
          <span style={{ marginInlineEnd: 'auto' }} />
          <ThemeSwitch />
        </div>
      </header>
      <main class="page narrow" id="main">
        {state.problem && (
          <Problem title="This tab does not lend" {...state.problem}>
            <button class="btn" type="button" onClick={() => location.reload()}>
              Load the page again
            </button>
          </Problem>
        )}
        {state.begun ? <Lending lending={lending} state={state} /> : <Hello lending={lending} state={state} />}
      </main>
    </>
  );
}

const draw = (state: LendingState) => render(<Page state={state} />, document.body);

recallTheme();
lending.watch(draw);
draw(lending.state());
