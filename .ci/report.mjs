import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/**
 * Reads what vitest reported: `report.mjs failed FILE` prints the test files with a failure, one a line;
 * `report.mjs counts FILE [SECOND]` prints 'N passed, N failed', where the second report is of those files run again.
 */
const [what, ...paths] = process.argv.slice(2);
const reports = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')).testResults);

const count = (file, status) => file.assertionResults.filter((test) => test.status === status).length;
/** A file that could not even be read has no test that failed. */
const failuresOf = (file) => (file.status === 'failed' ? Math.max(1, count(file, 'failed')) : 0);

if (what === 'failed') {
  const failed = reports[0].filter((file) => failuresOf(file) > 0);
  for (const { name } of failed) console.log(relative('.', name));
} else {
  const newest = new Map(reports.flat().map((file) => [file.name, file]));
  let passed = 0;
  let failed = 0;
  for (const file of newest.values()) {
    passed += count(file, 'passed');
    failed += failuresOf(file);
  }
  console.log(`${passed} passed, ${failed} failed`);
}
