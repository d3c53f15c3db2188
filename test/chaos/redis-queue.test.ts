import { spawnSync } from 'node:child_process';
import { describeChaos } from './suite.ts';

describeChaos('Redis', spawnSync('redis-server', ['--version']).status === 0);
