/** The parts that a process of `start` may take. */
export const roles = ['all', 'scheduler', 'worker', 'server'] as const;

export type Role = (typeof roles)[number];
