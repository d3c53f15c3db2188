import { formatBeijing } from '../beijing.ts';
import { completeness, type GranularityStatus, type Status } from '../store/reports/status.ts';
import { type Html, html } from './html.ts';
import type { Facts } from './metrics.ts';
import type { QueueCounts } from './sources.ts';

/**
 * The page for people: what `status` prints, with the queue. One file without scripts or anything from elsewhere, so
 * that it works in every browser and behind every wall.
 */

/** Seconds after which the browser asks again. */
const refresh = 30;

/** States of jobs that are worth a column; finished jobs leave no trace, and the rest is BullMQ's own affair. */
const jobStates = ['active', 'waiting', 'prioritized', 'delayed', 'failed'];

const style = html`<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .25rem .9rem .25rem 0; text-align: right; border-bottom: 1px solid #8884 }
th:first-child, td:first-child { text-align: left }
.bad { color: #d0453a; font-weight: 600 }
</style>`;

/** @param now milliseconds since the epoch */
export function renderPage({ status, queueCounts }: Facts, now: number): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="${refresh}">
<meta name="viewport" content="width=device-width">
<title>cryptoracle</title>
${style}
</head>
<body>
<h1>cryptoracle</h1>
${status === undefined ? silence('database') : statusPart(status, now)}
${queueCounts === undefined ? silence('queue') : queuePart(queueCounts)}
<p>As of ${formatBeijing(now)} (Beijing). The same <a href="/status">as JSON</a> and
<a href="/metrics">for Prometheus</a>.</p>
</body>
</html>
`.text;
}

function silence(what: string): Html {
  return html`<p class="bad">The ${what} does not answer.</p>`;
}

function statusPart(status: Status, now: number): Html {
  const { lastCall } = status;
  const calls = Object.entries(status.calls).map(([outcome, number]) => `${count(number)} ${outcome}`);
  const secondsAgo = lastCall === undefined ? 0 : Math.max(0, Math.round((now - lastCall.at) / 1000));
  return html`<table>
<thead><tr><th></th><th>newest due (Beijing)</th><th>newest stored</th><th>behind</th>
<th>answered</th><th>of wanted</th></tr></thead>
<tbody>
${status.granularities.map(granularityRow)}
</tbody>
</table>
<ul>
${
  status.accessRefused === undefined
    ? ''
    : html`<li class="bad">the API refuses access: ${status.accessRefused.reason}</li>`
}
<li>tokens: ${count(status.tokens)}</li>
${status.refused.length > 0 ? html`<li class="bad">not in the subscription: ${status.refused.join(', ')}</li>` : ''}
<li>calls in 24 h: ${calls.length > 0 ? calls.join(', ') : 'none'}</li>
${
  lastCall === undefined
    ? ''
    : html`<li>last call: ${lastCall.outcome}${lastCall.message ? ` (${lastCall.message})` : ''},
${count(secondsAgo)} s ago</li>`
}
<li>revisions: ${count(status.revisions)}, quarantined: ${count(status.quarantined)}, quality notes: ${count(
    status.qualityNotes,
  )}</li>
<li>database: ${bytes(status.databaseBytes)}, ${
    status.timescale ? 'hypertables' : 'plain tables (no TimescaleDB)'
  }</li>
</ul>`;
}

function granularityRow(part: GranularityStatus): Html {
  const { windowsBehind } = part;
  const behind = windowsBehind === undefined ? '-' : count(windowsBehind);
  return html`<tr><td>${part.granularity}</td><td>${minute(part.newestDue)}</td>
<td>${minute(part.newestStored)}</td><td>${
    windowsBehind === undefined || windowsBehind === 0 ? behind : html`<span class="bad">${behind}</span>`
  }</td><td>${percent(completeness(part))}</td><td>${count(part.wanted)}</td></tr>`;
}

function queuePart(queueCounts: QueueCounts): Html {
  return html`<table>
<thead><tr><th>jobs</th>${jobStates.map((state) => html`<th>${state}</th>`)}</tr></thead>
<tbody>
${Object.entries(queueCounts).map(
  ([queue, states]) =>
    html`<tr><td>${queue}</td>${jobStates.map((state) => html`<td>${count(states[state] ?? 0)}</td>`)}</tr>`,
)}
</tbody>
</table>`;
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}

/** Never rounds up to 100 %: full means full. */
function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${(Math.floor(share * 10_000) / 100).toFixed(2)}%`;
}

function minute(instant: number | undefined): string {
  return instant === undefined ? '-' : formatBeijing(instant).slice(0, 16);
}

function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  return `${(size / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
