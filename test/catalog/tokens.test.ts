import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { asToken, bundledTokens, isToken } from '../../src/catalog/index.ts';

/** The vendor's list, most valuable first. */
const listed =
  'BTC ETH XRP BNB SOL USDC TRX DOGE ADA SUI BCH LINK AVAX XLM SHIB TON LTC HBAR DOT UNI PEPE AAVE TAO APT NEAR ICP ' +
  'ETC ONDO USD1 POL VET TRUMP RENDER ENA FET ARB ATOM FIL ALGO WLD FDUSD SEI BONK JUP QNT FORM INJ TIA PENGU ' +
  'VIRTUAL STX KAIA OP PAXG S WIF GRT IMX NEXO CAKE A FLOKI JTO THETA CRV ENS ZEC LDO SYRUP GALA DEXE SAND IOTA ' +
  'JASMY XTZ PYTH RAY PENDLE FLOW MANA TUSD RUNE APE KAVA MOVE RSR STRK DYDX COMP SUPER NEO EGLD CFX XEC KAITO AXS ' +
  'EIGEN ETHFI JST CHZ AR ZK SUN AXL W AMP LUNC TWT GNO FTT DCR LPT TURBO DASH 1INCH GLM TFUEL PNUT SFP CVX ZIL ' +
  'ZRO MINA KSM QTUM OM IOTX BERA RVN SNX BAT ASTR NEIRO GAS ZRX NOT ROSE VTHO YFI BLUR NXPC ACH SC SAHARA SUSHI ' +
  'ID CKB T CELO ORDI FUN BANANAS31 HOT ANKR ONE GMX COW PROM LAYER DGB KMNO ICX GMT VANA WOO KDA AIXBT POLYX ENJ ' +
  'MASK G BABY ZEN ORCA IO AWE XNO REQ SXP LQTY ME COTI ONT BOME LUNA RPL HIVE OSMO SKL STORJ ARKM BIGTIME ALT ' +
  'PIXEL STRAX LRC SXT TRB METIS UMA';

describe('the bundled tokens', () => {
  it('are the 200 that the vendor lists, in this order and each once', () => {
    const tokens = bundledTokens.map(({ token }) => token);
    expect(tokens.join(' ')).toBe(listed);
    expect(new Set(tokens).size).toBe(200);
  });

  it('bear the names that the vendor gives them', () => {
    const lines = bundledTokens.map(({ token, name }) => `${token}\t${name}\n`).join('');
    expect(createHash('sha256').update(lines).digest('hex')).toBe(
      'e073edc8c02a84b555b989bf423e53c1b9c1e22f0ecf39a2bd214c0feb88794d',
    );
  });
});

describe('a ticker', () => {
  it.each(['BTC', '1INCH', 'S', 'btc', '$WIF', '币安人生', 'x'.repeat(40)])('may be %j', (text) => {
    expect(isToken(text)).toBe(true);
    expect(asToken(text)).toBe(text);
  });

  it.each(['', ' ', 'B TC', 'BTC,ETH', 'BTC\n', 'B\0', 'B\u200bTC', '\ud800', 'x'.repeat(41)])(
    'is not %j',
    (text) => {
      expect(isToken(text)).toBe(false);
      expect(() => asToken(text)).toThrow(RangeError);
    },
  );
});
