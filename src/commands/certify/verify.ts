import { UserError } from '../../errors.ts';
import { certifyValues, type DifferingPart, differencesOf } from '../../store/reports/certificate.ts';
import { count, counted, printJson, printTable, writeOut } from '../output.ts';
import type { CommandContext } from '../run.ts';
import { iso, type Times, timesIn, wrapped } from '../times.ts';
import { type Certificate, readCertificate } from './file.ts';

interface VerifyOptions {
  /** Path of the certificate. */
  readonly verify: string;
  readonly at?: number;
  readonly utc?: true;
  readonly json?: true;
}

/** The fate of certified values. */
interface Verification {
  readonly certificate: Certificate;
  /** The values are compared as they were known then. */
  readonly at: number;
  readonly differing: readonly DifferingPart[];
  /** Whether `as_of` still gives what was certified. */
  readonly isKept: boolean;
}

/** Compares what is known with a certificate. @returns the exit code: 0 where nothing differs */
export async function verify(options: VerifyOptions, { runtime, signal }: CommandContext): Promise<number> {
  const certificate = await readCertificate(options.verify, runtime.settings.catalogue);
  const at = options.at ?? runtime.clock.now();
  if (certificate.at > runtime.clock.now()) {
    throw new UserError(`--verify: the certificate is about an instant that lies in the future here`);
  }
  const database = await runtime.openExistingDatabase();
  const { parts } = await certifyValues(database, certificate, at, signal);
  const differing = differencesOf(certificate.parts, parts);
  const kept =
    differing.length === 0 ? undefined : await certifyValues(database, certificate, certificate.at, signal);
  const verification = {
    certificate,
    at,
    differing,
    isKept: kept === undefined || kept.hash === certificate.hash,
  };
  if (options.json === true) printJson(toJson(verification));
  else print(verification, timesIn(options.utc));
  return differing.length === 0 ? 0 : 1;
}

function toJson({ certificate, at, differing, isKept }: Verification): object {
  return {
    same: differing.length === 0,
    hash: certificate.hash,
    certifiedAt: iso(certificate.at),
    comparedAt: iso(at),
    stillKnownAsOf: isKept,
    differing,
  };
}

const mostLines = 40;

function print({ certificate, at, differing, isKept }: Verification, times: Times): void {
  const { parts, hash } = certificate;
  if (differing.length === 0) {
    writeOut(
      `the same: ${counted(certificate.values, 'value')} in ${counted(parts.length, 'part')}\nhash ${hash}\n`,
    );
    return;
  }
  const then = times.second(certificate.at);
  writeOut(
    `NOT THE SAME: ${counted(differing.length, 'part')} of ${count(parts.length)} differ (months in UTC)\n`,
  );
  printTable(
    ['', 'token', 'month', `values then`, `values now`, ''],
    differing
      .slice(0, mostLines)
      .map(({ granularity, token, month, valuesThen, valuesNow, what }) => [
        ...[granularity, token, month, count(valuesThen), count(valuesNow), what],
      ]),
  );
  if (differing.length > mostLines)
    writeOut(`${differing.length - mostLines} more parts; --json lists all\n`);
  writeOut(
    wrapped(`certified as known at ${then}, compared as known at ${times.second(at)} (${times.zone})`, ''),
  );
  const instant = iso(certificate.at);
  writeOut(
    wrapped(
      isKept
        ? `what was certified is still to be had: cryptoracle.as_of(GRANULARITY, '${instant}')`
        : `as_of at that instant does not give it either: values were removed or changed behind the program's back, or are older than revisions are kept`,
      '',
    ),
  );
}
