// Writes oclif.manifest.json: what oclif must know of the commands before it runs one.
import { renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Plugin } from '@oclif/core'

const require = createRequire(import.meta.url)
const { home, load } = require('../bin/load.cjs')

// oclif finds the bundle already loaded, with or without its cache.
load('vobox-proxy')
const plugin = new Plugin({
  root: home,
  type: 'core',
  isRoot: true,
  ignoreManifest: true,
  errorOnManifestCreate: true,
})
await plugin.load()
const file = join(home, 'oclif.manifest.json')
writeFileSync(`${file}.new`, `${JSON.stringify(plugin.manifest)}\n`)
renameSync(`${file}.new`, file)
