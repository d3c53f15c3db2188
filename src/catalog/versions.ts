/**
 * Versions of the vendor's API, oldest first (v1.1 page; the vendor's v1.2 and v2.1 pages). A database may be filled
 * under one version and go on under another.
 */
export const apiVersions = ['v1', 'v2', 'v2.1'] as const;

export type ApiVersion = (typeof apiVersions)[number];

export function isApiVersion(text: string): text is ApiVersion {
  return (apiVersions as readonly string[]).includes(text);
}
