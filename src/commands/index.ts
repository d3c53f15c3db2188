import type { Command } from 'commander';

/** The commands, in the order of `--help`. Each is loaded only when it is run, or asked for its own help. */

export interface CommandEntry {
  readonly name: string;
  readonly description: string;
  readonly load: () => Promise<Command>;
}

export const commands: readonly CommandEntry[] = [
  {
    name: 'demo',
    description:
      'try everything with nothing installed: database, simulated API, some days of history, then live',
    load: async () => (await import('./demo.ts')).demoCommand,
  },
  {
    name: 'start',
    description: 'run the pipeline until Ctrl-C: plan what is missing, fetch it, serve the status page',
    load: async () => (await import('./start.ts')).startCommand,
  },
  {
    name: 'migrate',
    description: 'bring the database to the newest schema; does nothing where nothing is due',
    load: async () => (await import('./migrate.ts')).migrateCommand,
  },
  {
    name: 'backfill',
    description: 'fill the gaps of a range, newest first; exit code 0 when none is left, 75 when some are',
    load: async () => (await import('./backfill/command.ts')).backfillCommand,
  },
  {
    name: 'pause',
    description: 'lay all history aside, backfills too; the newest windows go on',
    load: async () => (await import('./history.ts')).pauseCommand,
  },
  {
    name: 'resume',
    description: 'have history go on, and the backfills that were paused with it',
    load: async () => (await import('./history.ts')).resumeCommand,
  },
  {
    name: 'gaps',
    description: 'what is missing and why: what can still be had, or needs a person',
    load: async () => (await import('./gaps.ts')).gapsCommand,
  },
  {
    name: 'why',
    description: 'the life of one value: when it was due, who asked, what came of it, what comes next',
    load: async () => (await import('./why.ts')).whyCommand,
  },
  {
    name: 'status',
    description: 'how fresh and how full everything is',
    load: async () => (await import('./status/command.ts')).statusCommand,
  },
  {
    name: 'events',
    description: 'what happened: outages, refusals, orders, tokens that came or went, facts learned',
    load: async () => (await import('./events.ts')).eventsCommand,
  },
  {
    name: 'notify',
    description: 'what was told by NOTIFY_WEBHOOK; --test sends a message there',
    load: async () => (await import('./notify.ts')).notifyCommand,
  },
  {
    name: 'doctor',
    description: 'check settings, database, queue, clock and credentials, step by step, with the remedy',
    load: async () => (await import('./doctor/command.ts')).doctorCommand,
  },
  {
    name: 'plan',
    description: 'what the settings here would change: calls, disk, time to fill; before a restart',
    load: async () => (await import('./plan.ts')).planCommand,
  },
  {
    name: 'audit',
    description: 'how often values change after they were stored, by age, and what settings that implies',
    load: async () => (await import('./audit.ts')).auditCommand,
  },
  {
    name: 'quarantine',
    description: 'what the API sent and could not be stored',
    load: async () => (await import('./quarantine.ts')).quarantineCommand,
  },
  {
    name: 'revisions',
    description: 'values that changed after they were stored, or came late',
    load: async () => (await import('./cell-lists.ts')).revisionsCommand,
  },
  {
    name: 'notes',
    description: 'stored values that are hard to believe',
    load: async () => (await import('./cell-lists.ts')).notesCommand,
  },
  {
    name: 'export',
    description: 'write values to CSV or Parquet, a row for each token and window, by token and time',
    load: async () => (await import('./export.ts')).exportCommand,
  },
  {
    name: 'certify',
    description: 'a hash of what is known of a range at an instant, and whether it is still that',
    load: async () => (await import('./certify/command.ts')).certifyCommand,
  },
  {
    name: 'scorecard',
    description: 'how well the vendor served in a month: delays, errors, empty and revised values',
    load: async () => (await import('./scorecard.ts')).scorecardCommand,
  },
  {
    name: 'reader',
    description:
      'logins for Grafana, Metabase, notebooks and the like: they read everything that people query, and nothing else',
    load: async () => (await import('./reader.ts')).readerCommand,
  },
  {
    name: 'simulate',
    description: 'a stand-in for the API with believable data, for trying things out',
    load: async () => (await import('./simulate.ts')).simulateCommand,
  },
];
