import { describe, expect, it } from 'vitest';
import { escapeHtml, html } from '../../src/server/html.ts';
import { renderPage } from '../../src/server/page.ts';
import { now, sampleCounts, sampleStatus } from './fakes.ts';

const nasty = `<script>alert("x")</script>&'`;

describe('html', () => {
  it('escapes every text that is put in, in attributes too', () => {
    expect(escapeHtml(nasty)).toBe('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;');
    expect(html`<p title="${nasty}">${nasty}</p>`.text).not.toMatch(/<script|"x"|alert\("/);
  });

  it('takes its own parts as they are, once', () => {
    expect(html`<ul>${['a&b', 'c'].map((item) => html`<li>${item}</li>`)}</ul>`.text).toBe(
      '<ul><li>a&amp;b</li>\n<li>c</li></ul>',
    );
    expect(html`${0}${''}${html`<b>${1}</b>`}`.text).toBe('0<b>1</b>');
  });
});

describe('the page', () => {
  const page = renderPage({ status: sampleStatus, queueCounts: sampleCounts }, now);

  it('says what the status says', () => {
    for (const fact of [
      '2025-06-01 23:45',
      '2025-06-01 23:15',
      '<span class="bad">2</span>',
      '99.99%',
      '100,000',
      'tokens: 200',
      'CO-S-01-05',
      '1,200 ok, 7 failed',
      'failed (timeout)',
      '12 s ago',
      'revisions: 41, quarantined: 3, quality notes: 5',
      '12.3 MB, hypertables',
      'As of 2025-06-02 00:20:00 (Beijing)',
    ]) {
      expect(page).toContain(fact);
    }
    expect(page).toMatch(/<td>fetch<\/td><td>4<\/td>\s*<td>0<\/td>\s*<td>1,250<\/td>/);
  });

  it('never rounds up to 100 %', () => {
    const [first] = sampleStatus.granularities;
    if (first === undefined) throw new Error('no granularity');
    const almost = { ...first, wanted: 10_000_000, answered: 9_999_999 };
    expect(
      renderPage({ status: { ...sampleStatus, granularities: [almost] }, queueCounts: {} }, now),
    ).toContain('99.99%');
    const full = { ...almost, answered: almost.wanted };
    expect(
      renderPage({ status: { ...sampleStatus, granularities: [full] }, queueCounts: {} }, now),
    ).toContain('100.00%');
  });

  it('escapes what comes from elsewhere', () => {
    const status = {
      ...sampleStatus,
      refused: [nasty],
      calls: { [nasty]: 1 },
      lastCall: { at: now, outcome: nasty, message: nasty },
    };
    const shown = renderPage({ status, queueCounts: { [nasty]: { waiting: 1 } } }, now);
    expect(shown).not.toContain('<script');
    expect(shown.split(escapeHtml(nasty))).toHaveLength(6);
  });

  it('needs nothing from elsewhere and no script, and refreshes itself', () => {
    expect(page).not.toMatch(/<script|<link|<img|src=|https?:|url\(| on\w+=/i);
    expect(page).toContain('<meta http-equiv="refresh" content="30">');
    expect(page.startsWith('<!doctype html>')).toBe(true);
  });

  it('says what is down', () => {
    const shown = renderPage({ status: undefined, queueCounts: undefined }, now);
    expect(shown).toContain('The database does not answer.');
    expect(shown).toContain('The queue does not answer.');
  });

  it('says so where nothing has happened yet', () => {
    const status = { ...sampleStatus, calls: {}, lastCall: undefined, refused: [], timescale: false };
    const shown = renderPage({ status, queueCounts: {} }, now);
    expect(shown).toContain('calls in 24 h: none');
    expect(shown).toContain('plain tables (no TimescaleDB)');
    expect(shown).not.toContain('last call');
    expect(shown).not.toContain('subscription');
  });
});
