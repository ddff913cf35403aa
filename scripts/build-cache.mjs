// Makes the V8 code cache of one bundle: runs the bundle in a process of its own, the way it will be
// run, so that the functions of the common case are in the cache, compiled.
//   node scripts/build-cache.mjs BUNDLE
import { chmodSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { warmUp } from './build-warm-up.mjs'

const require = createRequire(import.meta.url)
const { compile, home, load } = require('../bin/load.cjs')

const name = process.argv[2]
const { script, cacheFile, run } = compile(name)
await warmUp(name, run(), load, home)
writeFileSync(`${cacheFile}.new`, script.createCachedData())
// The program that was warmed up has narrowed the umask, and everybody may use the cache.
chmodSync(`${cacheFile}.new`, 0o644)
renameSync(`${cacheFile}.new`, cacheFile)
process.exit(0)
