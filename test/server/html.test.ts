import { describe, expect, it } from 'vitest';
import { escapeHtml, html } from '../../src/server/html.ts';

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
