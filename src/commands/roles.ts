/** What a process of `start` does. */
export const roles = ['all', 'scheduler', 'worker', 'server'] as const;

export type Role = (typeof roles)[number];
