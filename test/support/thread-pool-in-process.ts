/** Prints how many threads there are more once a file was read: `node SCRIPT`. */
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { widenThreadPool } from '../../src/node/myproxy-server/thread-pool.js'

const threads = () => readdirSync('/proc/self/task').length

const before = threads()
widenThreadPool()
readFile('/proc/self/status').then(() => process.stdout.write(String(threads() - before)))
