// `npm run build`: the library with its types in dist/lib, one bundle for each program in dist/, and the
// manual and the completions in dist/man and dist/completion.
//   node scripts/build.mjs              all
//   node scripts/build.mjs --programs   the programs alone, without checking types
//
// The programs are bundled to CommonJS because one file that is read and compiled from a code cache
// starts twice as fast as hundreds that are found and parsed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { buildManual } from './build-manual.mjs'
import { withLazyBuiltins } from './lazy-builtins.mjs'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/** Bundles by name; `bin/load.cjs` asks for them by these. */
const ENTRIES = {
  quick: 'src/node/cli/quick.ts',
  logon: 'src/node/cli/logon.ts',
  'vobox-proxy': 'src/node/cli/main.ts',
  'vobox-renewd': 'src/node/service/renewd.ts',
  'myproxy-server': 'src/node/myproxy-server/main.ts',
}

/** A native addon, and what oclif would load only to run commands from TypeScript sources. */
const EXTERNAL = ['fs-native-extensions', 'typescript', 'ts-node']

async function bundle(name, entry) {
  const { outputFiles } = await build({
    entryPoints: [join(root, entry)],
    outfile: join(dist, `${name}.cjs`),
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20.17',
    format: 'cjs',
    external: EXTERNAL,
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'external',
    supported: { 'dynamic-import': false },
    logLevel: 'warning',
  })
  for (const { path, text } of outputFiles) {
    if (path.endsWith('.cjs')) place(path, named(name, withLazyBuiltins(text)))
    else if (text !== '') place(path, text)
  }
}

/** The first line names the cache, by the content that it is for. */
function named(name, text) {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16)
  return `/*cache:${name}-${digest}.v8*/${text}`
}

/** By rename, so that a program that starts meanwhile sees a whole file. */
function place(path, content) {
  const temporary = `${path}.new`
  writeFileSync(temporary, content)
  renameSync(temporary, path)
}

function node(...args) {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (result.status !== 0) process.exit(result.status ?? 1)
}

function buildLibrary() {
  rmSync(join(dist, 'lib'), { recursive: true, force: true })
  node('node_modules/typescript/bin/tsc', '-p', 'scripts/tsconfig.lib.json')
}

async function buildPrograms() {
  mkdirSync(dist, { recursive: true })
  const old = readdirSync(dist).filter((name) => name.endsWith('.v8'))
  for (const name of old) rmSync(join(dist, name), { force: true })
  await Promise.all(Object.entries(ENTRIES).map(([name, entry]) => bundle(name, entry)))
  node('scripts/build-manifest.mjs')
  // V8's tables are laid out by its random numbers: without, two builds would always differ.
  for (const name of Object.keys(ENTRIES)) {
    node('--random-seed=1', 'scripts/build-cache.mjs', name)
  }
}

const programsAlone = process.argv.includes('--programs')
if (!programsAlone) buildLibrary()
await buildPrograms()
if (!programsAlone) await buildManual()
