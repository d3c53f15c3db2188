import { expect, it } from 'vitest';
import { toleratingColumns } from '../../scripts/tolerating-columns.ts';

it('a migration passes where the column of a metric is there already, and changes nothing else silently', () => {
  const added = (table: string, rest: string) => `ALTER TABLE "cryptoracle"."${table}" ADD COLUMN ${rest};`;
  const others = [
    added('metrics_1h', '"seen_later" jsonb'),
    added('tokens', '"weight" double precision'),
    'CREATE INDEX "by_time" ON "cryptoracle"."metrics_1h" ("time");',
  ];
  const lines = [added('metrics_1h', '"divergence" double precision'), ...others];
  expect(toleratingColumns(lines.join('--> statement-breakpoint\n'))).toBe(
    [added('metrics_1h', 'IF NOT EXISTS "divergence" double precision'), ...others].join(
      '--> statement-breakpoint\n',
    ),
  );
});
