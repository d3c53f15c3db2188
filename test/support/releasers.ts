/** What a test file has to take down when it ends, the newest first. */
const releasers: (() => Promise<unknown>)[] = [];

/** May be called anywhere in a test file: from within a hook vitest's own `afterAll` would do nothing. */
export function onFileEnd(release: () => Promise<unknown>): void {
  releasers.push(release);
}

export async function releaseAll(): Promise<void> {
  for (const release of releasers.splice(0).reverse()) await release();
}
