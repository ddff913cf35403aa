// `npm run bench`: measures against the real peers and prints ratios of one run, as Markdown.
//   npm run bench                  all, a few minutes
//   npm run bench -- cli registry  only those
//   npm run bench -- --write       also replaces docs/benchmarks.md
// Ends non-zero when a limit that the project has set itself is missed.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { installDependencies, run } from './install-dependencies.mjs'
import { installPeers, missingPeers } from './real-peers.mjs'

installDependencies()
installPeers()
const missing = missingPeers()
if (missing.length > 0) {
  process.stderr.write(
    `The benchmarks compare with programs that are missing: ${missing.join(', ')}\n`,
  )
  process.exit(1)
}
run('node', ['scripts/build.mjs'])

const root = join(import.meta.dirname, '..')
const out = join(root, 'dist', 'bench')
mkdirSync(out, { recursive: true })
const { build } = await import('esbuild')
await build({
  absWorkingDir: root,
  entryPoints: ['bench/main.ts'],
  outfile: join(out, 'main.mjs'),
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
})
run('node', [join(out, 'main.mjs'), ...process.argv.slice(2)])
