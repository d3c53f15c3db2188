import { useEffect } from 'preact/hooks';
import { linkTo, place } from './address.ts';
import { isLive, session } from './api.ts';
import icon from './icon.svg';
import { later } from './parts/later.tsx';
import { firstView } from './place.ts';
import { clockHere } from './viewer.ts';
import { Now } from './views/now.tsx';

/** The code of all views but the first, in one file that comes when one of them is shown, or soon after the first view. */
export const loadOthers = () => import('./views/others.ts');

const views = {
  now: { name: 'Now', Show: Now },
  coverage: { name: 'Coverage', Show: later(async () => (await loadOthers()).Coverage) },
  explorer: { name: 'Explorer', Show: later(async () => (await loadOthers()).Explorer) },
  backfills: { name: 'Backfills', Show: later(async () => (await loadOthers()).Backfills) },
  trouble: { name: 'Trouble', Show: later(async () => (await loadOthers()).Trouble) },
} as const;

type ViewName = keyof typeof views;

const isView = (name: string): name is ViewName => name in views;

function Visitor() {
  const { value } = session;
  if (value === undefined) return null;
  const isSignedIn = value.needsToken || value.access === 'write';
  return (
    <>
      {value.canWrite && value.access !== 'write' && <a href="/sign-in">Sign in to write</a>}
      {isSignedIn && (
        <form method="post" action="/sign-out">
          <button type="submit">Sign out</button>
        </form>
      )}
    </>
  );
}

function Live() {
  if (isLive.value === undefined) return null;
  return (
    <span role="status">
      <span class={`dot ${isLive.value ? 'on' : 'off'}`} aria-hidden="true" />
      {isLive.value ? 'live' : 'connecting again'}
    </span>
  );
}

/** Which clock the page shows. A time that is pointed at tells the viewer's, too. */
function Zones() {
  return (
    <p class="soft small zones">
      Times are Beijing’s (UTC+8)<span class="here">{clockHere()}</span>.
    </p>
  );
}

export function Page() {
  const { view } = place.value;
  const shown: ViewName = isView(view) ? view : firstView;
  const { name, Show } = views[shown];
  useEffect(() => {
    document.title = `${name} – cryptoracle`;
  }, [name]);
  return (
    <>
      <header class="top">
        <span class="name">
          {/* In the page itself: as a picture it would be a document of its own, which takes a browser longer. */}
          <span class="icon" aria-hidden="true" dangerouslySetInnerHTML={{ __html: icon }} />
          cryptoracle
        </span>
        <nav aria-label="Views">
          {Object.entries(views).map(([key, each]) => (
            <a key={key} href={linkTo(key)} aria-current={key === shown ? 'page' : undefined}>
              {each.name}
            </a>
          ))}
        </nav>
        <div class="session">
          <Live />
          <Visitor />
        </div>
      </header>
      <main>
        <h1 class={shown === firstView ? 'visually-hidden' : undefined}>{name}</h1>
        <Show key={shown} />
        <Zones />
      </main>
    </>
  );
}
