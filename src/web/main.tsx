import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { linkTo, place } from './address.ts';
import { askEarly, isLive, listen, session } from './api.ts';
import { first } from './first.ts';
import { fromBeijing, viewersZone } from './format.ts';
import { later } from './parts/later.tsx';
import { Now } from './views/now.tsx';

/** The code of all views but the first, in one file that comes when one of them is shown, or soon after the first view. */
const loadOthers = () => import('./views/others.ts');

/** Milliseconds after the first view, which they must not slow down. */
const othersAfter = 1000;

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
  const now = Date.now();
  const difference = fromBeijing(now);
  return (
    <p class="soft small zones">
      Times are Beijing’s (UTC+8)
      {difference !== undefined && `; your clock (${viewersZone(now)}) is ${difference}`}.
    </p>
  );
}

function Page() {
  const { view } = place.value;
  const shown: ViewName = isView(view) ? view : 'now';
  const { name, Show } = views[shown];
  useEffect(() => {
    document.title = `${name} – cryptoracle`;
  }, [name]);
  return (
    <>
      <header class="top">
        <span class="name">
          <img src="/assets/icon.svg" alt="" />
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
        <h1 class={shown === 'now' ? 'visually-hidden' : undefined}>{name}</h1>
        <Show key={shown} />
        <Zones />
      </main>
    </>
  );
}

if (first.status === undefined && place.value.view === 'now') askEarly('/status');
const root = document.getElementById('page');
if (root !== null) render(<Page />, root);
listen();
// An open page outlives an upgrade, which takes the files of its own version away. A failure is told where a view is shown.
setTimeout(() => void loadOthers().catch(() => {}), othersAfter);
