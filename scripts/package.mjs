// `npm run package`: a Debian package in dist/package, with the programs, the Node that builds it, and all
// that makes them a service. Installs where no Node is, or one that is too old.
//   node scripts/package.mjs --rpm               an RPM instead, with the same in it; needs rpmbuild
//   node scripts/package.mjs                     builds, then packs with xz
//   node scripts/package.mjs --no-build --fast   packs what is in dist, quickly and larger
//   --version V, --output DIR
// Two packages made of one dist with the same SOURCE_DATE_EPOCH (default: the time of the last commit) are the
// same, byte by byte. Of two builds one file may differ: V8's cache for vobox-proxy, which depends on timing.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { installDependencies, run } from './install-dependencies.mjs'
import { buildRpm } from './package/build-rpm.mjs'
import { layOut } from './package/lay-out.mjs'
import { writeControl } from './package/write-control.mjs'

const root = join(import.meta.dirname, '..')
const { version: own } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { values } = parseArgs({
  options: {
    'no-build': { type: 'boolean', default: false },
    fast: { type: 'boolean', default: false },
    rpm: { type: 'boolean', default: false },
    version: { type: 'string', default: own },
    output: { type: 'string', default: join(root, 'dist', 'package') },
  },
})

/** What Debian and Red Hat call it. */
const ARCHITECTURES = {
  x64: { deb: 'amd64', rpm: 'x86_64' },
  arm64: { deb: 'arm64', rpm: 'aarch64' },
}
const architecture = ARCHITECTURES[process.arch]
if (architecture === undefined) throw new Error(`no package for ${process.arch}`)

function sourceDate() {
  if (process.env.SOURCE_DATE_EPOCH) return Number(process.env.SOURCE_DATE_EPOCH)
  try {
    const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], options))
  } catch {
    return Math.floor(statSync(join(root, 'package.json')).mtimeMs / 1000)
  }
}

const epoch = sourceDate()
process.env.SOURCE_DATE_EPOCH = String(epoch)
if (!values['no-build']) {
  installDependencies()
  run('node', ['scripts/build.mjs'])
}
function buildDeb(tree, { version, output, fast }) {
  writeControl({ root, tree, version, architecture: architecture.deb, epoch })
  const file = join(output, `vobox-proxy_${version}_${architecture.deb}.deb`)
  const compression = fast ? ['-Zzstd', '-z1'] : ['-Zxz', '-z6']
  const words = ['--root-owner-group', ...compression, '--build', tree, file]
  execFileSync('dpkg-deb', words, { stdio: ['ignore', 'ignore', 'inherit'] })
  return file
}

const tree = mkdtempSync(join(tmpdir(), 'vobox-package-'))
try {
  layOut({ root, tree, node: process.execPath })
  mkdirSync(values.output, { recursive: true })
  if (!values.fast) process.stderr.write('Compressing, which takes a minute or more …\n')
  const file = values.rpm
    ? buildRpm({ root, tree, epoch, architecture: architecture.rpm, ...values })
    : buildDeb(tree, values)
  const megabytes = (statSync(file).size / 1_000_000).toFixed(1)
  process.stdout.write(`${file}\n${megabytes} MB, with Node ${process.versions.node}\n`)
} finally {
  rmSync(tree, { recursive: true, force: true })
}
