import { describeChaos } from './suite.ts';

describeChaos('PostgreSQL');
