// `npm run demo`: registering and renewing from end to end on loopback, on a fresh clone too.
// Ends non-zero when anything of it did not really happen.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { installDependencies, run } from './install-dependencies.mjs'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/** What the programs are made of; a change to any of it makes them out of date. */
const SOURCES = ['src', 'commands', 'scripts', 'package.json', 'package-lock.json']

function newestChange(path) {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(0, ...readdirSync(path).map((name) => newestChange(join(path, name))))
}

function isBuilt() {
  const programs = ['vobox-proxy.cjs', 'vobox-renewd.cjs'].map((name) => join(dist, name))
  if (!programs.every((path) => existsSync(path))) return false
  const builtAt = Math.min(...programs.map((path) => statSync(path).mtimeMs))
  return SOURCES.every((name) => newestChange(join(root, name)) <= builtAt)
}

installDependencies()
if (!isBuilt()) {
  process.stderr.write('Building the programs …\n')
  run('node', ['scripts/build.mjs', '--programs'])
}

const { build } = await import('esbuild')
const outfile = join(dist, 'demo', 'main.mjs')
await build({
  absWorkingDir: root,
  entryPoints: ['scripts/demo/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
})
const { runDemo } = await import(pathToFileURL(outfile).href)
process.exit(await runDemo(root))
