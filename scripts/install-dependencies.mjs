// Installs the npm packages of the lock file when they are not there as the lock file wants them.
// Used by `npm run demo`, `npm test` and `npm run bench`, so that each works on a fresh clone.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

function readJson(...names) {
  try {
    return JSON.parse(readFileSync(join(root, ...names), 'utf8'))
  } catch {
    return undefined
  }
}

/** Whether every package of the lock file that belongs on this platform is installed in its version. */
function isComplete() {
  const wanted = readJson('package-lock.json')?.packages
  const installed = readJson('node_modules', '.package-lock.json')?.packages
  if (wanted === undefined || installed === undefined) return false
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' || entry.optional === true || installed[path]?.version === entry.version,
  )
}

export function installDependencies() {
  const major = Number(process.versions.node.split('.')[0])
  if (major !== 20) {
    process.stderr.write(`Node 20 is needed, this is ${process.version}\n`)
    process.exit(1)
  }
  if (isComplete()) return
  process.stderr.write('Installing the npm packages of package-lock.json …\n')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}

/** Runs a command in the project's root with our own terminal; a failure ends us with its status. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (result.error) process.stderr.write(`${command}: ${result.error.message}\n`)
  if (result.status !== 0) process.exit(result.status ?? 1)
}
