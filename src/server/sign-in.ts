import { html } from './html.ts';

/** The form to come in by: plain HTML, so that it needs nothing that is behind the door. */

/** @param state `wrong` after a token that opens nothing */
export function renderSignIn(state: 'fresh' | 'wrong'): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sign in – cryptoracle</title>
<link rel="icon" href="/assets/icon.svg">
<link rel="stylesheet" href="/assets/sign-in.css">
</head>
<body>
<main>
<h1>cryptoracle</h1>
<form method="post" action="/sign-in">
<label for="token">Token</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password"
 spellcheck="false" autocapitalize="off" aria-describedby="hint">
<p id="hint">The value of HTTP_TOKEN to read, or of HTTP_WRITE_TOKEN to place backfills, too.</p>
${state === 'wrong' ? html`<p class="bad" role="alert">This token opens nothing here.</p>` : ''}
<button type="submit">Sign in</button>
</form>
</main>
</body>
</html>
`.text;
}
