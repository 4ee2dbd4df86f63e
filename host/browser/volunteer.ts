// The door `lodger/browser`: lends the tabs of another site's visitors from a page of one's own, in a frame that holds the site's page.
// Nothing runs before the visitor presses the button in it.

/** What a page is told of the visit in its frame. */
export interface VolunteerState {
  /** Whether the visitor has pressed the button. */
  readonly lending: boolean;
  /** Why nothing runs, in the words of the page; null while something may. */
  readonly paused: string | null;
  readonly tasksDone: number;
  readonly fuel: number;
}

export interface VolunteerOptions {
  /** The site, or the folder on any server that holds a copy of its pages. The site allows it by `lodger serve --embed ORIGIN`. */
  readonly site: string | URL;
  /** Where the frame goes, as the last child. */
  readonly into: Element;
  /** What screen readers call the frame. */
  readonly title?: string;
  readonly onState?: (state: VolunteerState) => void;
}

export interface Volunteer {
  readonly frame: HTMLIFrameElement;
  /** Takes the frame away; what ran in it goes back to the site when its lease ends. */
  close(): void;
}

/** What the page in the frame may ask its browser for. Memory is shared where the page around is isolated, too. */
const ALLOWED = 'cross-origin-isolated; battery; compute-pressure';

/** Puts the page of a site on which its visitor may lend this tab into a page. Throws a TypeError for what is no address. */
export function volunteer({ site, into, title = 'Lend this tab', onState }: VolunteerOptions): Volunteer {
  const page = new URL('join/', withSlash(site));
  const frame = document.createElement('iframe');
  frame.allow = ALLOWED;
  frame.referrerPolicy = 'no-referrer';
  frame.title = title;
  frame.src = page.href;
  frame.style.cssText = 'width: 100%; height: 40rem; border: 0';
  const hear = ({ source, origin, data }: MessageEvent) => {
    if (source !== frame.contentWindow || origin !== page.origin || data?.lodger !== 'visit') return;
    const { lending, paused, tasksDone, fuel } = data as VolunteerState;
    onState?.({ lending, paused, tasksDone, fuel });
  };
  addEventListener('message', hear);
  into.append(frame);
  return {
    frame,
    close: () => {
      removeEventListener('message', hear);
      frame.remove();
    },
  };
}

function withSlash(site: string | URL): URL {
  const url = new URL(site, document.baseURI);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** `<lodger-volunteer site="https://grid.example.org">`: the same as an element, which tells of the visit by events called `state`. */
function defineElement(): void {
  class LodgerVolunteer extends HTMLElement {
    #volunteer: Volunteer | undefined;

    connectedCallback(): void {
      const title = this.getAttribute('title');
      this.style.display ||= 'block';
      this.#volunteer = volunteer({
        ...{ site: this.getAttribute('site') ?? '', into: this, ...(title !== null && { title }) },
        onState: (detail) => this.dispatchEvent(new CustomEvent('state', { detail })),
      });
    }

    disconnectedCallback(): void {
      this.#volunteer?.close();
    }
  }
  customElements.define('lodger-volunteer', LodgerVolunteer);
}

// On a server that renders pages there is nothing to define.
if (globalThis.customElements && !customElements.get('lodger-volunteer')) defineElement();
