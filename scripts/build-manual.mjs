// Writes dist/man and dist/completion from what the commands say of themselves, which is in
// oclif.manifest.json by then, and from the pages in docs/man.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const read = (...names) => readFileSync(join(root, ...names), 'utf8')

/** The generator is TypeScript; it imports nothing that is not bundled. */
async function loadGenerator() {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['scripts/manual/files.ts'],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
  })
  const code = Buffer.from(outputFiles[0].contents).toString('base64')
  return import(`data:text/javascript;base64,${code}`)
}

/** Distributions set SOURCE_DATE_EPOCH, so that two builds of one source are the same. */
function buildDate() {
  const { SOURCE_DATE_EPOCH: epoch } = process.env
  const date = epoch ? new Date(Number(epoch) * 1000) : new Date()
  return date.toISOString().slice(0, 10)
}

export async function buildManual() {
  const { manualFiles } = await loadGenerator()
  const { commands, version } = JSON.parse(read('oclif.manifest.json'))
  const pages = readdirSync(join(root, 'docs', 'man'))
  const files = manualFiles({
    program: 'vobox-proxy',
    version,
    date: buildDate(),
    commands,
    templates: Object.fromEntries(pages.map((name) => [name, read('docs', 'man', name)])),
    configuration: read('docs', 'configuration.md'),
    shells: {
      bash: read('scripts', 'manual', 'completion.bash'),
      zsh: read('scripts', 'manual', 'completion.zsh'),
    },
  })
  const dist = join(root, 'dist')
  for (const name of ['man', 'completion'])
    rmSync(join(dist, name), { recursive: true, force: true })
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dist, name)), { recursive: true })
    writeFileSync(join(dist, name), text)
  }
}
