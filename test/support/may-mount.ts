import { spawnSync } from './bounded.js'

/** Whether tests may give a program a view of the file system of its own. */
export const mayMount =
  process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0
